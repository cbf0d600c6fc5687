package queueyaml_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/queueyaml"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

func TestParse(t *testing.T) {
	t.Parallel()
	queues, ignored, err := queueyaml.Parse([]byte(`
total_storage_limit: 120M
queue:
# Everything that there is.
- name: full
  mode: push
  rate: 20/s
  bucket_size: 40
  max_concurrent_requests: 10
  target: v2.worker
  retry_parameters:
    task_retry_limit: 7
    task_age_limit: 2d
    min_backoff_seconds: 10
    max_backoff_seconds: 200.5
    max_doublings: 3
- name: plain
  rate: 10/m
- name: never
  rate: 0/s
- {name: daily, rate: 1.5/d, retry_parameters: {task_retry_limit: 0}}
- name: hourly
  rate: .5 / h
  retry_parameters: &retries
    task_age_limit: 90s
- name: shared
  rate: 500/s
  retry_parameters: *retries
`))
	if err != nil {
		t.Fatal(err)
	}
	limits := func(rate float64, burst, concurrent int) resource.RateLimits {
		return resource.RateLimits{MaxDispatchesPerSecond: rate, MaxBurstSize: burst, MaxConcurrentDispatches: concurrent}
	}
	want := []resource.Queue{
		{Name: "full", RateLimits: limits(20, 40, 10), Retry: cloudtask.RetryConfig{
			MaxAttempts: 8, MaxRetryDuration: 48 * time.Hour, MinBackoff: 10 * time.Second, MaxBackoff: 200500 * time.Millisecond, MaxDoublings: 3},
			AppEngineRouting: &resource.AppEngineRouting{Service: "worker", Version: "v2"}},
		{Name: "plain", RateLimits: limits(10./60, 5, 0), Retry: cloudtask.RetryConfig{MaxAttempts: -1}},
		{Name: "never", RateLimits: limits(0, 5, 0), Retry: cloudtask.RetryConfig{MaxAttempts: -1}, State: resource.StatePaused},
		{Name: "daily", RateLimits: limits(1.5/86400, 5, 0), Retry: cloudtask.RetryConfig{MaxAttempts: 1}},
		{Name: "hourly", RateLimits: limits(.5/3600, 5, 0), Retry: cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: 90 * time.Second}},
		{Name: "shared", RateLimits: limits(500, 5, 0), Retry: cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: 90 * time.Second}},
	}
	if diff := cmp.Diff(want, queues); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	notes := []string{"line 2: total_storage_limit has no effect"}
	if diff := cmp.Diff(notes, ignored); diff != "" {
		t.Errorf("ignored (-want +got):\n%s", diff)
	}
}

// A service applies the bucket size and the pause of a file.
func TestQueuesOfAService(t *testing.T) {
	t.Parallel()
	queues, _, err := queueyaml.Parse([]byte("queue:\n- name: a\n  rate: 5/s\n  bucket_size: 3\n- name: b\n  rate: 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := localqueue.New(localqueue.WithStrict(), localqueue.WithQueues(queues...), localqueue.WithVirtualClock(time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const location = "projects/any/locations/where"
	a, err := s.GetQueue(t.Context(), location+"/queues/a")
	if err != nil || a.RateLimits.MaxBurstSize != 3 || a.State != resource.StateRunning {
		t.Errorf("a: %+v, %v", a, err)
	}
	b, err := s.GetQueue(t.Context(), location+"/queues/b")
	if err != nil || b.State != resource.StatePaused {
		t.Errorf("b: %+v, %v", b, err)
	}
	if b, err = s.ResumeQueue(t.Context(), location+"/queues/b"); err != nil || b.State != resource.StateRunning {
		t.Errorf("b resumed: %+v, %v", b, err)
	}
	a, err = s.UpdateQueue(t.Context(), &resource.Queue{Name: a.Name, Retry: cloudtask.RetryConfig{MaxAttempts: 3}}, []string{"retry_config"})
	if err != nil || a.RateLimits.MaxBurstSize != 10 {
		t.Errorf("a updated: %+v, %v; want the burst size that the rate gives", a, err)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file string
		want       []string // one for each problem
	}{
		{"empty", "", []string{"the file is empty"}},
		{"no YAML", "queue: [", []string{"line 1"}},
		{"two documents", "queue:\n---\nqueue:\n", []string{"more than one YAML document"}},
		{"no queues", "total_storage_limit: 1M", []string{"line 1: want a list under the key queue"}},
		{"a word", "hello", []string{"line 1: the file: want a mapping"}},
		{"no list", "queue: {name: a}", []string{"line 1: queue: want a list"}},
		{"unknown keys", "queue:\n- name: a\n  rate: 1/s\n  burst: 3\n  retry_parameters:\n    task_retries: 3\nqueues: []", []string{
			`line 4: queue: unknown key "burst"`, `line 6: retry_parameters: unknown key "task_retries"`, `line 7: the file: unknown key "queues"`}},
		{"twice the same", "queue:\n- name: a\n  rate: 1/s\n- name: a\n  rate: 1/s\n", []string{`line 4: duplicate queue "a", first defined on line 2`}},
		{"a key twice", "queue:\n- name: a\n  rate: 1/s\n  rate: 2/s\n", []string{`line 4: queue: duplicate key "rate"`}},
		{"target", "queue:\n- name: a\n  rate: 1/s\n  target: http://h/\n", []string{`line 4: target "http://h/"`}},
		{"pull", "queue:\n- name: a\n  rate: 1/s\n  mode: pull\n", []string{`line 4: mode "pull"`}},
		{"nameless", "queue:\n- rate: 1/s\n", []string{"line 2: queue: name is required"}},
		{"name", "queue:\n- name: a_b\n  rate: 1/s\n", []string{`line 2: name "a_b"`}},
		{"no rate", "queue:\n- name: a\n", []string{`line 2: queue "a": rate is required`}},
		{"rates", "queue:\n- name: a\n  rate: 5\n- name: b\n  rate: 5/w\n- name: c\n  rate: -1/s\n- name: d\n  rate: 501/s\n", []string{
			`line 3: rate "5"`, `line 5: rate "5/w"`, `line 7: rate "-1/s"`, `line 9: rate "501/s": the limit is 500`}},
		{"numbers", "queue:\n- name: a\n  rate: 1/s\n  bucket_size: 501\n  max_concurrent_requests: ten\n" +
			"  retry_parameters:\n    task_retry_limit: -1\n    task_age_limit: 2w\n    min_backoff_seconds: 0\n    max_doublings: 1.5\n", []string{
			`line 4: bucket_size "501"`, `line 5: max_concurrent_requests "ten"`, `line 7: task_retry_limit "-1"`, `line 8: task_age_limit "2w"`,
			`line 9: min_backoff_seconds "0"`, `line 10: max_doublings "1.5"`}},
		{"back-off", "queue:\n- name: a\n  rate: 1/s\n  retry_parameters:\n    min_backoff_seconds: 7200\n", []string{
			"line 5: min_backoff_seconds exceeds max_backoff_seconds, which is 3600"}},
		{"no mapping", "queue:\n- a\n", []string{"line 2: queue: want a mapping"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			queues, _, err := queueyaml.Parse([]byte(test.file))
			if err == nil || queues != nil {
				t.Fatalf("queues %v, %v; want an error", queues, err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(test.want) {
				t.Errorf("problems:\n%v\nwant %d", err, len(test.want))
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("problems:\n%v\nwant %q", err, want)
				}
			}
		})
	}
}

// Parse returns for any file, and a service accepts the queues that it returns.
func FuzzParse(f *testing.F) {
	f.Add([]byte("queue:\n- name: a\n  rate: 5/s\n  retry_parameters: {task_age_limit: 2d}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("? {}\n: 1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		queues, _, err := queueyaml.Parse(data)
		if err != nil {
			return
		}
		s, err := localqueue.New(localqueue.WithQueues(queues...), localqueue.WithVirtualClock(time.Time{}))
		if err != nil {
			t.Fatalf("a service with %+v: %v", queues, err)
		}
		s.Close()
	})
}
