package localqueue_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

const msgQueueMissing = "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."

func TestQueueDefaults(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	ratio := 0.5
	tests := []struct {
		name string
		in   resource.Queue
		want resource.Queue
	}{
		{"all unset", resource.Queue{}, resource.Queue{}},
		{"output only", resource.Queue{
			State: resource.StatePaused, PurgeTime: start, RateLimits: resource.RateLimits{MaxBurstSize: -1},
		}, resource.Queue{}},
		{"fractions and precision", resource.Queue{
			RateLimits:    resource.RateLimits{MaxDispatchesPerSecond: 0.25, MaxConcurrentDispatches: 5000},
			Retry:         cloudtask.RetryConfig{MaxAttempts: -1, MinBackoff: 1234 * time.Microsecond, MaxRetryDuration: 1999 * time.Millisecond},
			SamplingRatio: &ratio,
		}, resource.Queue{
			RateLimits:    resource.RateLimits{MaxDispatchesPerSecond: 0.25, MaxBurstSize: 10, MaxConcurrentDispatches: 5000},
			Retry:         cloudtask.RetryConfig{MaxAttempts: -1, MinBackoff: 1234 * time.Microsecond, MaxRetryDuration: time.Second},
			SamplingRatio: &ratio,
		}},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			name := fmt.Sprintf("%s/queues/q%d", location, i)
			test.in.Name = name
			test.want.Name, test.want.State = name, resource.StateRunning
			if test.want.RateLimits == (resource.RateLimits{}) {
				test.want.RateLimits = resource.RateLimits{MaxDispatchesPerSecond: 500, MaxBurstSize: 100, MaxConcurrentDispatches: 1000}
			}
			defaults := cloudtask.RetryConfig{MaxAttempts: 100, MinBackoff: 100 * time.Millisecond, MaxBackoff: time.Hour, MaxDoublings: 16}
			if test.want.Retry.MaxAttempts == 0 {
				test.want.Retry = defaults
			} else {
				test.want.Retry.MaxBackoff, test.want.Retry.MaxDoublings = defaults.MaxBackoff, defaults.MaxDoublings
			}
			created, err := s.CreateQueue(t.Context(), location, &test.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&test.want, created); diff != "" {
				t.Errorf("created queue (-want +got):\n%s", diff)
			}
			got, err := s.GetQueue(t.Context(), name)
			if diff := cmp.Diff(&test.want, got); diff != "" || err != nil {
				t.Errorf("fetched queue (-want +got):\n%s%v", diff, err)
			}
		})
	}
}

func TestCreateQueueRefuses(t *testing.T) {
	t.Parallel()
	const nameText = `Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".`
	nan, minus := math.NaN(), -0.1
	tests := []struct {
		name    string
		change  func(*resource.Queue)
		code    cloudtask.Code
		message string
	}{
		{"nothing wrong", func(*resource.Queue) {}, cloudtask.OK, ""},
		{"no name", func(q *resource.Queue) { q.Name = "" }, cloudtask.InvalidArgument, nameText},
		{"bare id", func(q *resource.Queue) { q.Name = "x" }, cloudtask.InvalidArgument, nameText},
		{"underscore", func(q *resource.Queue) { q.Name = location + "/queues/a_b" }, cloudtask.InvalidArgument, nameText},
		{"project with colon and period", func(q *resource.Queue) { q.Name = "projects/a.b:c/locations/l/queues/q" }, cloudtask.InvalidArgument,
			"projects/a.b:c/locations/l/queues/q must begin with " + location + "."},
		{"exists", func(q *resource.Queue) { q.Name = queueName }, cloudtask.AlreadyExists, "Queue already exists"},
		{"negative rate", func(q *resource.Queue) { q.RateLimits.MaxDispatchesPerSecond = -1 }, cloudtask.InvalidArgument,
			"RateLimits.maxDispatchesPerSecond cannot be negative."},
		{"rate that is no number", func(q *resource.Queue) { q.RateLimits.MaxDispatchesPerSecond = nan }, cloudtask.InvalidArgument,
			"RateLimits.maxDispatchesPerSecond cannot be negative."},
		{"rate too high", func(q *resource.Queue) { q.RateLimits.MaxDispatchesPerSecond = 500.1 }, cloudtask.InvalidArgument,
			"RateLimits.maxDispatchesPerSecond must be less than or equal to 500."},
		{"negative concurrency", func(q *resource.Queue) { q.RateLimits.MaxConcurrentDispatches = -1 }, cloudtask.InvalidArgument,
			"RateLimits.maxConcurrentDispatches cannot be negative."},
		{"concurrency too high", func(q *resource.Queue) { q.RateLimits.MaxConcurrentDispatches = 5001 }, cloudtask.InvalidArgument,
			"RateLimits.maxConcurrentDispatches must be less than or equal to 5000."},
		{"negative attempts", func(q *resource.Queue) { q.Retry.MaxAttempts = -2 }, cloudtask.InvalidArgument,
			"RetryConfig.maxAttempts must be greater or equal to -1."},
		{"negative back-off", func(q *resource.Queue) { q.Retry.MinBackoff = -1 }, cloudtask.InvalidArgument,
			"RetryConfig.minBackoff cannot be negative."},
		{"back-off upside down", func(q *resource.Queue) { q.Retry.MinBackoff = time.Hour + 1 }, cloudtask.InvalidArgument,
			"RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff."},
		{"negative doublings", func(q *resource.Queue) { q.Retry.MaxDoublings = -1 }, cloudtask.InvalidArgument,
			"RetryConfig.maxDoublings cannot be negative."},
		{"negative duration", func(q *resource.Queue) { q.Retry.MaxRetryDuration = -time.Second }, cloudtask.InvalidArgument,
			"RetryConfig.maxRetryDuration cannot be negative."},
		{"sampling ratio", func(q *resource.Queue) { q.SamplingRatio = &minus }, cloudtask.InvalidArgument,
			"StackdriverLoggingConfig.samplingRatio must be between [0, 1]."},
	}
	s := newVirtual(t, answer(200))
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := resource.Queue{Name: fmt.Sprintf("%s/queues/q%d", location, i)}
			test.change(&q)
			_, err := s.CreateQueue(t.Context(), location, &q)
			wantStatus(t, err, test.code, test.message)
			var help *resource.Help
			if hasHelp := errors.As(err, &help); hasHelp != (test.message == nameText) {
				t.Errorf("help %v", help)
			}
		})
	}
	_, err := s.CreateQueue(t.Context(), "not-a-valid-parent", &resource.Queue{Name: location + "/queues/x"})
	wantStatus(t, err, cloudtask.InvalidArgument, "Invalid resource field value in the request.")
}

func TestMissingQueues(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200), localqueue.WithStrict())
	const missing = location + "/queues/missing"
	calls := map[string]func() error{
		"Queue":       func() error { _, err := s.GetQueue(t.Context(), missing); return err },
		"PauseQueue":  func() error { _, err := s.PauseQueue(t.Context(), missing); return err },
		"ResumeQueue": func() error { _, err := s.ResumeQueue(t.Context(), missing); return err },
		"PurgeQueue":  func() error { _, err := s.PurgeQueue(t.Context(), missing); return err },
		"CreateTask":  func() error { _, err := s.CreateTask(t.Context(), missing, httpTask()); return err },
		"BatchCreateTasks": func() error {
			_, err := s.BatchCreateTasks(t.Context(), missing, "", []*resource.Task{httpTask()})
			return err
		},
		"Tasks": func() error {
			_, _, err := s.ListTasks(t.Context(), missing, resource.Page{}, resource.ViewBasic)
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) { wantStatus(t, call(), cloudtask.NotFound, msgQueueMissing) })
	}
	wantStatus(t, s.DeleteQueue(t.Context(), missing), cloudtask.NotFound, "Requested entity was not found.")
	wantStatus(t, s.DeleteQueue(t.Context(), "queues/x"), cloudtask.InvalidArgument, "Invalid resource field value in the request.")
}

func TestMissingQueueIsCreated(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	const fresh = "projects/p/locations/l/queues/fresh"
	if _, err := s.CreateTask(t.Context(), fresh, httpTask()); err != nil {
		t.Fatal(err)
	}
	if q, err := s.GetQueue(t.Context(), fresh); err != nil || q.State != resource.StateRunning {
		t.Errorf("Queue: %v, %v", q, err)
	}
	bad := httpTask()
	bad.HTTP.URL = ""
	if _, err := s.CreateTask(t.Context(), fresh+"2", bad); err == nil {
		t.Error("a task without URL was accepted")
	}
	_, err := s.GetQueue(t.Context(), fresh+"2")
	wantStatus(t, err, cloudtask.NotFound, msgQueueMissing)
	// A queue that was deleted stays deleted, as in production.
	if err := s.DeleteQueue(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateTask(t.Context(), fresh, httpTask())
	wantStatus(t, err, cloudtask.NotFound, msgQueueMissing)
}

func TestDeleteQueue(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(500), localqueue.WithStrict())
	created := add(t, s, httpTask())
	if err := s.DeleteQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	_, err := s.GetQueue(t.Context(), queueName)
	wantStatus(t, err, cloudtask.NotFound, msgQueueMissing)
	_, err = s.GetTask(t.Context(), created.Name, resource.ViewBasic)
	wantStatus(t, err, cloudtask.NotFound, "Requested entity was not found.")
	wantStatus(t, s.DeleteQueue(t.Context(), queueName), cloudtask.NotFound, "Requested entity was not found.")
	if attempts, err := s.RunUntilIdle(t.Context()); attempts != 0 || err != nil {
		t.Errorf("%d attempts of a deleted queue's tasks, %v", attempts, err)
	}
	const tooRecent = "The queue cannot be created because a queue with this name existed too recently."
	create := func() error {
		_, err := s.CreateQueue(t.Context(), location, &resource.Queue{Name: queueName})
		return err
	}
	update := func() error {
		_, err := s.UpdateQueue(t.Context(), &resource.Queue{Name: queueName}, nil)
		return err
	}
	wantStatus(t, create(), cloudtask.FailedPrecondition, tooRecent)
	if err := s.Advance(72*time.Hour - 1); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, update(), cloudtask.FailedPrecondition, tooRecent)
	if err := s.Advance(1); err != nil {
		t.Fatal(err)
	}
	// It does not come back on its own, although it is defined for every location.
	_, err = s.GetQueue(t.Context(), queueName)
	wantStatus(t, err, cloudtask.NotFound, msgQueueMissing)
	wantStatus(t, create(), cloudtask.OK, "")
	if tasks, _, err := s.ListTasks(t.Context(), queueName, resource.Page{}, resource.ViewBasic); len(tasks) != 0 || err != nil {
		t.Errorf("%d tasks in the new queue, %v", len(tasks), err)
	}
}

func TestUpdateQueue(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	ratio := 1.0
	full := resource.Queue{
		RateLimits:    resource.RateLimits{MaxDispatchesPerSecond: 5, MaxConcurrentDispatches: 6},
		Retry:         cloudtask.RetryConfig{MaxAttempts: 7, MaxRetryDuration: time.Minute, MinBackoff: time.Second, MaxBackoff: 2 * time.Second, MaxDoublings: 3},
		SamplingRatio: &ratio, State: resource.StatePaused,
	}
	tests := []struct {
		name   string
		mask   []string
		change func(q *resource.Queue) // what changes of a queue with full's settings when empty is written over it
	}{
		{"everything", nil, func(q *resource.Queue) {
			q.RateLimits, q.Retry, q.SamplingRatio = resource.RateLimits{MaxDispatchesPerSecond: 500, MaxBurstSize: 100, MaxConcurrentDispatches: 1000},
				cloudtask.RetryConfig{MaxAttempts: 100, MinBackoff: 100 * time.Millisecond, MaxBackoff: time.Hour, MaxDoublings: 16}, nil
		}},
		{"output only", []string{"name", "state", "purge_time", "rate_limits.max_burst_size"}, func(q *resource.Queue) {}},
		{"rate", []string{"rate_limits.max_dispatches_per_second"}, func(q *resource.Queue) {
			q.RateLimits.MaxDispatchesPerSecond, q.RateLimits.MaxBurstSize = 500, 100
		}},
		{"concurrency", []string{"rate_limits.max_concurrent_dispatches"}, func(q *resource.Queue) { q.RateLimits.MaxConcurrentDispatches = 1000 }},
		{"rate limits", []string{"rate_limits"}, func(q *resource.Queue) {
			q.RateLimits = resource.RateLimits{MaxDispatchesPerSecond: 500, MaxBurstSize: 100, MaxConcurrentDispatches: 1000}
		}},
		{"retry fields", []string{"retry_config.max_attempts", "retry_config.max_retry_duration", "retry_config.max_doublings", "retry_config.max_backoff"},
			func(q *resource.Queue) {
				q.Retry.MaxAttempts, q.Retry.MaxRetryDuration, q.Retry.MaxDoublings, q.Retry.MaxBackoff = 100, 0, 16, time.Hour
			}},
		{"min backoff", []string{"retry_config.min_backoff"}, func(q *resource.Queue) { q.Retry.MinBackoff = 100 * time.Millisecond }},
		{"logging", []string{"stackdriver_logging_config.sampling_ratio"}, func(q *resource.Queue) { q.SamplingRatio = nil }},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			name := fmt.Sprintf("%s/queues/q%d", location, i)
			in := full
			in.Name = name
			want, err := s.UpdateQueue(t.Context(), &in, nil) // creates it
			if err != nil {
				t.Fatal(err)
			}
			if want.State != resource.StateRunning {
				t.Errorf("created in state %v, want RUNNING", want.State)
			}
			test.change(want)
			got, err := s.UpdateQueue(t.Context(), &resource.Queue{Name: name}, test.mask)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("updated queue (-want +got):\n%s%v", diff, err)
			}
		})
	}
	refused := []struct {
		queue   resource.Queue
		mask    []string
		message string
	}{
		{resource.Queue{Name: queueName}, []string{"colour"}, `The update mask names "colour", which is not a field of a queue that can be updated.`},
		{resource.Queue{Name: "x"}, nil, `Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".`},
		{resource.Queue{Name: queueName, RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 501}}, nil,
			"RateLimits.maxDispatchesPerSecond must be less than or equal to 500."},
		{resource.Queue{Name: queueName, Retry: cloudtask.RetryConfig{MaxBackoff: time.Millisecond}}, []string{"retry_config.max_backoff"},
			"RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff."},
	}
	for _, test := range refused {
		_, err := s.UpdateQueue(t.Context(), &test.queue, test.mask)
		wantStatus(t, err, cloudtask.InvalidArgument, test.message)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	for range 2 { // both are idempotent
		if q, err := s.PauseQueue(t.Context(), queueName); err != nil || q.State != resource.StatePaused {
			t.Fatalf("PauseQueue: %v, %v", q, err)
		}
	}
	add(t, s, httpTask())
	if attempts, err := s.RunFor(t.Context(), time.Hour); attempts != 0 || err != nil {
		t.Errorf("%d attempts while paused, %v", attempts, err)
	}
	for range 2 {
		if q, err := s.ResumeQueue(t.Context(), queueName); err != nil || q.State != resource.StateRunning {
			t.Fatalf("ResumeQueue: %v, %v", q, err)
		}
	}
	if attempts, err := s.RunDue(t.Context()); attempts != 1 || err != nil {
		t.Errorf("%d attempts after resuming, %v; want 1", attempts, err)
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	for range 100 {
		add(t, s, httpTask())
	}
	if err := s.Advance(time.Second + time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	q, err := s.PurgeQueue(t.Context(), queueName)
	if want := time.Date(2026, 3, 1, 12, 0, 1, 123456000, time.UTC); err != nil || !q.PurgeTime.Equal(want) {
		t.Errorf("PurgeQueue: purge time %v, %v; want %v", q.PurgeTime, err, want)
	}
	kept := add(t, s, httpTask())
	tasks, _, err := s.ListTasks(t.Context(), queueName, resource.Page{}, resource.ViewBasic)
	if err != nil || len(tasks) != 1 || tasks[0].Name != kept.Name {
		t.Errorf("%d tasks after the purge, %v; want the one that was added since", len(tasks), err)
	}
	if attempts, err := s.RunUntilIdle(t.Context()); attempts != 1 || err != nil {
		t.Errorf("%d attempts, %v; want 1", attempts, err)
	}
}

func TestListQueues(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200), localqueue.WithQueues(resource.Queue{Name: "projects/other/locations/l/queues/z"}))
	for _, id := range []string{"c", "a", "b"} {
		if _, err := s.CreateQueue(t.Context(), location, &resource.Queue{Name: location + "/queues/" + id}); err != nil {
			t.Fatal(err)
		}
	}
	list := func(parent string) []string {
		var names []string
		for token := ""; ; {
			queues, next, err := s.ListQueues(t.Context(), parent, resource.Page{Size: 2, Token: token}, localqueue.QueueFilter{})
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range queues {
				names = append(names, q.Name)
			}
			if next == "" {
				return names
			}
			token = next
		}
	}
	prefix := location + "/queues/"
	if diff := cmp.Diff([]string{prefix + "a", prefix + "b", prefix + "c", prefix + "emails"}, list(location)); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	prefix = "projects/other/locations/l/queues/"
	if diff := cmp.Diff([]string{prefix + "emails", prefix + "z"}, list("projects/other/locations/l")); diff != "" {
		t.Errorf("queues of the other project (-want +got):\n%s", diff)
	}
	_, _, err := s.ListQueues(t.Context(), "projects/x", resource.Page{}, localqueue.QueueFilter{})
	wantStatus(t, err, cloudtask.InvalidArgument, "Invalid resource field value in the request.")
	_, _, err = s.ListQueues(t.Context(), location, resource.Page{Token: "x"}, localqueue.QueueFilter{})
	wantStatus(t, err, cloudtask.InvalidArgument, "")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]localqueue.Option{
		"queue name":   localqueue.WithQueues(resource.Queue{Name: "a_b"}),
		"queue limits": localqueue.WithQueues(resource.Queue{Name: "a", Retry: cloudtask.RetryConfig{MaxAttempts: -2}}),
		"handler":      localqueue.WithHandler(nil),
		"early clock":  localqueue.WithVirtualClock(time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)),
		"late clock":   localqueue.WithVirtualClock(time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)),
	}
	for name, opt := range tests {
		t.Run(name, func(t *testing.T) {
			if s, err := localqueue.New(opt); err == nil {
				_ = s.Close()
				t.Error("New returned no error")
			}
		})
	}
}

// Lists have the queues that are defined for every location in their places, whether they are there yet or not, on
// whatever page that is; looking adds none.
func TestListQueuesDefinedEverywhere(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200), localqueue.WithQueues(
		resource.Queue{Name: "m"}, resource.Queue{Name: "a"}, resource.Queue{Name: "q0700x"}, resource.Queue{Name: "z"}, resource.Queue{Name: "gone"}))
	const parent = "projects/many/locations/l"
	want := []string{"a", "emails", "m", "q0700x", "z"}
	for i := range 1500 { // more than a block
		id := fmt.Sprintf("q%04d", i)
		if _, err := s.CreateQueue(t.Context(), parent, &resource.Queue{Name: parent + "/queues/" + id}); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	slices.Sort(want)
	if err := s.DeleteQueue(t.Context(), parent+"/queues/gone"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PauseQueue(t.Context(), parent+"/queues/m"); err != nil {
		t.Fatal(err)
	}
	changes := s.Changes()
	for _, size := range []int{1, 7, 1505, 9800} {
		var got []string
		for token := ""; ; {
			queues, next, err := s.ListQueues(t.Context(), parent, resource.Page{Size: size, Token: token}, localqueue.QueueFilter{})
			if err != nil || len(queues) == 0 || len(queues) > size {
				t.Fatalf("a page of %d queues, %v", len(queues), err)
			}
			for _, q := range queues {
				got = append(got, strings.TrimPrefix(q.Name, parent+"/queues/"))
			}
			if token = next; token == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}
	paused := localqueue.QueueFilter{Text: "paused", Match: func(q *resource.Queue) bool { return q.State == resource.StatePaused }}
	if queues, next, err := s.ListQueues(t.Context(), parent, resource.Page{Size: 2}, paused); err != nil || next != "" || len(queues) != 1 || queues[0].Name != parent+"/queues/m" {
		t.Errorf("paused queues: %v, next %q, %v", queues, next, err)
	}
	if s.Changes() != changes {
		t.Error("listing has changed something")
	}
}
