package emulator_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A time or a duration that is none fails the task that it stands in, not those beside it.
func TestMalformedValuesFailTheirTask(t *testing.T) {
	t.Parallel()
	e := serve(t)
	e.pause(t)
	malformed := map[string]func(task *cloudtaskspb.Task){
		"Task.scheduleTime is invalid: ":     func(task *cloudtaskspb.Task) { task.ScheduleTime = &timestamppb.Timestamp{Nanos: -1} },
		"Task.dispatchDeadline is invalid: ": func(task *cloudtaskspb.Task) { task.DispatchDeadline = &durationpb.Duration{Seconds: 20, Nanos: 1e9} },
		"RetryConfig.minBackoff is invalid: ": func(task *cloudtaskspb.Task) {
			task.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: &durationpb.Duration{Seconds: 1, Nanos: -1}}
		},
		"RetryConfig.maxBackoff is 9223372037 s": func(task *cloudtaskspb.Task) {
			task.RetryConfig = &cloudtaskspb.RetryConfig{MaxBackoff: &durationpb.Duration{Seconds: 9223372037}}
		},
	}
	req := batchRequest("r", "first")
	var want []string
	for message, spoil := range malformed {
		task := named("spoilt")
		spoil(task)
		_, err := e.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: task})
		if status.Code(err) != codes.InvalidArgument || !strings.HasPrefix(status.Convert(err).Message(), message) {
			t.Errorf("one task: %v, want %s", err, message)
		}
		req.Requests = append(req.Requests, &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: task})
		want = append(want, message)
	}
	req.Requests = append(req.Requests, batchRequest("", "last").GetRequests()...)
	op, err := e.client.BatchCreateTasks(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := op.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{named("first").GetName(), named("last").GetName()}, taskNames(resp.GetTasks())); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	metadata, err := op.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	if len(metadata.GetFailedRequests()) != len(want) {
		t.Errorf("%d requests failed, want %d", len(metadata.GetFailedRequests()), len(want))
	}
	for i, message := range want {
		if st := metadata.GetFailedRequests()[int32(i+1)]; codes.Code(st.GetCode()) != codes.InvalidArgument || !strings.HasPrefix(st.GetMessage(), message) {
			t.Errorf("request %d: %v, want %s", i+1, st, message)
		}
	}
}

// What is accepted reads back as it was given. Cloud Tasks' durations reach to 10,000 years, the queue's to 292.
func TestLongDurations(t *testing.T) {
	t.Parallel()
	e := serve(t)
	for seconds, accepted := range map[int64]bool{9223372036: true, 9223372037: false, 315_576_000_000: false} {
		for name, retry := range map[string]*cloudtaskspb.RetryConfig{
			"maxBackoff":       {MaxBackoff: &durationpb.Duration{Seconds: seconds}},
			"minBackoff":       {MinBackoff: &durationpb.Duration{Seconds: seconds}, MaxBackoff: &durationpb.Duration{Seconds: 9223372036}},
			"maxRetryDuration": {MaxRetryDuration: &durationpb.Duration{Seconds: seconds}},
		} {
			got, err := e.client.UpdateQueue(t.Context(), &cloudtaskspb.UpdateQueueRequest{Queue: &cloudtaskspb.Queue{Name: queueName, RetryConfig: retry}})
			if !accepted {
				if message := status.Convert(err).Message(); status.Code(err) != codes.InvalidArgument || !strings.HasPrefix(message, "RetryConfig."+name+" is ") {
					t.Errorf("%s of %d s: %v, want INVALID_ARGUMENT", name, seconds, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s of %d s: %v", name, seconds, err)
				continue
			}
			for field, pair := range map[string][2]*durationpb.Duration{
				"max_backoff":        {retry.MaxBackoff, got.GetRetryConfig().GetMaxBackoff()},
				"min_backoff":        {retry.MinBackoff, got.GetRetryConfig().GetMinBackoff()},
				"max_retry_duration": {retry.MaxRetryDuration, got.GetRetryConfig().GetMaxRetryDuration()},
			} {
				if pair[0] != nil && pair[0].GetSeconds() != pair[1].GetSeconds() {
					t.Errorf("%s of %v reads back as %v", field, pair[0], pair[1])
				}
			}
		}
	}
}

// No browser is to guess what an answer is: it holds what a task's creator has written.
func TestAnswersAreNotSniffed(t *testing.T) {
	t.Parallel()
	e := serve(t)
	for _, x := range []struct{ method, path, host string }{
		{"GET", queuePath, ""}, {"GET", queuePath + "/tasks/absent", ""}, {"GET", "/nonsense", ""}, {"OPTIONS", queuePath, ""}, {"GET", queuePath, "evil.example"},
		{"GET", "/_cloudtask/v1/now", ""}, {"POST", "/_cloudtask/v1/token", ""}, {"GET", "/_cloudtask/v1/nonsense", ""}, {"GET", "/_cloudtask/v1/now", "evil.example"},
		{"GET", "/$discovery/rest", ""}, {"GET", "/.well-known/openid-configuration", ""}, {"GET", "/.well-known/nonsense", ""}, {"GET", "/", ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), x.method, "http://"+e.addr+x.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = x.host
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if got := resp.Header.Values("X-Content-Type-Options"); len(got) != 1 || got[0] != "nosniff" {
			t.Errorf("%s %s of %q, answered %s: X-Content-Type-Options %q", x.method, x.path, x.host, resp.Status, got)
		}
	}
}
