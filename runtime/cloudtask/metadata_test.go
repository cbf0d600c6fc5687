package cloudtask_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// metadataOf returns what Run sees of a request with the headers, given as names and values in turn.
func metadataOf(t testing.TB, cfg cloudtask.Config, headers ...string) cloudtask.Metadata {
	t.Helper()
	cfg.InsecureNoAuth = true
	var m cloudtask.Metadata
	h := newHandler(t, cfg, route(func(ctx context.Context, _ string) error {
		m = cloudtask.MetadataFrom(ctx)
		return nil
	}))
	if w := post(h, "/tasks/Greet", `{"name":"Ann"}`, headers...); w.Code != 200 {
		t.Errorf("headers %q: answered %d %s", headers, w.Code, w.Body)
	}
	return m
}

var ignoreUnexported = cmpopts.IgnoreUnexported(cloudtask.Metadata{})

func TestMetadata(t *testing.T) {
	t.Parallel()
	eta := time.Date(2022, 10, 25, 3, 0, 55, 329625000, time.UTC)
	tests := []struct {
		name    string
		headers []string
		want    cloudtask.Metadata
	}{
		{"none", nil, cloudtask.Metadata{}},
		{"first attempt", []string{"X-CloudTasks-TaskName", "0123456789", "X-CloudTasks-QueueName", "mail", "X-CloudTasks-TaskRetryCount", "0",
			"X-CloudTasks-TaskExecutionCount", "0", "X-CloudTasks-TaskETA", "1666666855.3296249"},
			cloudtask.Metadata{TaskID: "0123456789", Queue: "mail", ETA: eta}},
		{"third attempt", []string{"X-CloudTasks-TaskName", "a-b_c", "X-CloudTasks-QueueName", "mail", "X-CloudTasks-TaskRetryCount", "2",
			"X-CloudTasks-TaskExecutionCount", "1", "X-CloudTasks-TaskETA", "1666666855.329625", "X-CloudTasks-TaskPreviousResponse", "503",
			"X-CloudTasks-TaskRetryReason", ""},
			cloudtask.Metadata{TaskID: "a-b_c", Queue: "mail", Dispatches: 2, Executions: 1, ETA: eta, PreviousResponse: 503, PreviousFailure: "HTTP 503"}},
		{"with a reason", []string{"X-CloudTasks-TaskPreviousResponse", "0", "X-CloudTasks-TaskRetryReason", "Instance Unavailable"},
			cloudtask.Metadata{PreviousFailure: "Instance Unavailable"}},
		{"with a reason and a response", []string{"X-CloudTasks-TaskPreviousResponse", "500", "X-CloudTasks-TaskRetryReason", "App Error"},
			cloudtask.Metadata{PreviousResponse: 500, PreviousFailure: "App Error"}},
		{"names in lower case", []string{"x-cloudtasks-taskname", "1", "x-cloudtasks-taskretrycount", "7"}, cloudtask.Metadata{TaskID: "1", Dispatches: 7}},
		{"malformed numbers", []string{"X-CloudTasks-TaskName", "1", "X-CloudTasks-TaskRetryCount", "many", "X-CloudTasks-TaskExecutionCount", "-3",
			"X-CloudTasks-TaskPreviousResponse", "5e2", "X-CloudTasks-TaskETA", "soon"}, cloudtask.Metadata{TaskID: "1"}},
		{"numbers out of range", []string{"X-CloudTasks-TaskRetryCount", "99999999999999999999", "X-CloudTasks-TaskExecutionCount", "2147483648",
			"X-CloudTasks-TaskETA", "1e300"}, cloudtask.Metadata{}},
		{"scheduler", []string{"X-CloudScheduler", "true", "X-CloudScheduler-JobName", "nightly", "X-CloudScheduler-ScheduleTime", "2026-01-02T03:04:05.678-08:00"},
			cloudtask.Metadata{Scheduler: &cloudtask.SchedulerInfo{JobName: "nightly", ScheduleTime: time.Date(2026, 1, 2, 11, 4, 5, 678000000, time.UTC)}}},
		{"scheduler without details", []string{"X-CloudScheduler", "true"}, cloudtask.Metadata{Scheduler: &cloudtask.SchedulerInfo{}}},
		{"scheduler, malformed time", []string{"X-CloudScheduler-JobName", "nightly", "X-CloudScheduler-ScheduleTime", "at night"},
			cloudtask.Metadata{Scheduler: &cloudtask.SchedulerInfo{JobName: "nightly"}}},
		{"no scheduler", []string{"X-CloudScheduler", "false", "X-CloudScheduler-ScheduleTime", "2026-01-02T03:04:05Z"}, cloudtask.Metadata{}},
		{"headers that are propagated", []string{"Traceparent", "00-1", "X-Other", "x", "Authorization", "Bearer x"},
			cloudtask.Metadata{Headers: http.Header{"Traceparent": {"00-1"}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.want.Project = "acme"
			got := metadataOf(t, cloudtask.Config{Project: "acme"}, test.headers...)
			if diff := cmp.Diff(test.want, got, ignoreUnexported); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			if got.Attempt() != got.Dispatches+1 || got.FirstAttempt() != (got.Dispatches == 0) || got.Eager() {
				t.Errorf("attempt %d, first %t, eager %t after %d dispatches", got.Attempt(), got.FirstAttempt(), got.Eager(), got.Dispatches)
			}
		})
	}
}

// What Cloud Tasks keeps, microseconds, must come back exactly however the header writes it.
func TestETAPrecision(t *testing.T) {
	t.Parallel()
	second := time.Unix(1790000000, 0).UTC()
	for _, test := range []struct {
		text string
		want time.Time
	}{
		{"1790000000", second},
		{"1790000000.0", second},
		{"1790000000.000001", second.Add(time.Microsecond)},
		{"1790000000.999999", second.Add(999999 * time.Microsecond)},
		{"1790000000.9999990463", second.Add(999999 * time.Microsecond)},
		{"1.790000000123456e9", second.Add(123456 * time.Microsecond)},
		{"1790000000.1234564", second.Add(123456 * time.Microsecond)},
		{"4102444800.000007", time.Unix(4102444800, 7000).UTC()},
		{"253402300799", time.Unix(253402300799, 0).UTC()},
		{"253402300800", time.Time{}},
		{"0", time.Time{}}, {"-1", time.Time{}}, {"NaN", time.Time{}}, {"Inf", time.Time{}}, {"1,5", time.Time{}}, {" 1790000000", time.Time{}},
	} {
		if got := metadataOf(t, cloudtask.Config{}, "X-CloudTasks-TaskETA", test.text).ETA; !got.Equal(test.want) || got.Location() != time.UTC {
			t.Errorf("%q: %s, want %s", test.text, got, test.want)
		}
	}
}

func TestMetadataOutsideOfTasks(t *testing.T) {
	t.Parallel()
	m := cloudtask.MetadataFrom(context.Background())
	if diff := cmp.Diff(cloudtask.Metadata{}, m, ignoreUnexported); diff != "" || m.Attempt() != 1 || !m.FirstAttempt() || m.Eager() {
		t.Errorf("metadata %+v", m)
	}
}

// The context is shared by everything that a task starts.
func TestMetadataIsACopy(t *testing.T) {
	t.Parallel()
	h := newHandler(t, insecure, route(func(ctx context.Context, _ string) error {
		cloudtask.MetadataFrom(ctx).Headers.Set("Traceparent", "changed")
		if got := cloudtask.MetadataFrom(ctx).Headers.Get("Traceparent"); got != "00-1" {
			t.Errorf("traceparent %q", got)
		}
		return nil
	}))
	post(h, "/tasks/Greet", `{"name":"Ann"}`, "traceparent", "00-1")
}

func FuzzMetadataHeaders(f *testing.F) {
	f.Add("0123", "mail", "2", "1", "1666666855.3296249", "500", "", "nightly", "2026-01-02T03:04:05Z", "15s")
	f.Add("", "", "-1", "1e9", "-0x1p-2", "99999999999999999999", "reason", "", "", "-1ns")
	f.Add("\x00", "\xff", "+1", "٣", "1_0", "0x10", "\n", "true", "0000-00-00T00:00:00Z", "999999h")
	f.Fuzz(func(t *testing.T, name, queue, retries, executions, eta, previous, reason, job, at, timeout string) {
		m := metadataOf(t, cloudtask.Config{}, "X-CloudTasks-TaskName", name, "X-CloudTasks-QueueName", queue,
			"X-CloudTasks-TaskRetryCount", retries, "X-CloudTasks-TaskExecutionCount", executions, "X-CloudTasks-TaskETA", eta,
			"X-CloudTasks-TaskPreviousResponse", previous, "X-CloudTasks-TaskRetryReason", reason,
			"X-CloudScheduler-JobName", job, "X-CloudScheduler-ScheduleTime", at, "Cloudtask-Timeout", timeout)
		if m.TaskID != name || m.Queue != queue {
			t.Errorf("task %q of queue %q, want %q of %q", m.TaskID, m.Queue, name, queue)
		}
		if m.Dispatches < 0 || m.Executions < 0 || m.PreviousResponse < 0 || m.Attempt() < 1 {
			t.Errorf("negative count in %+v", m)
		}
		if _, err := m.ETA.MarshalJSON(); err != nil {
			t.Errorf("ETA %s of %q: %v", m.ETA, eta, err)
		}
		if (m.Scheduler != nil) != (job != "") {
			t.Errorf("scheduler %v of job %q", m.Scheduler, job)
		}
		if reason == "" && (m.PreviousFailure != "") != (m.PreviousResponse > 0) {
			t.Errorf("previous failure %q after response %d", m.PreviousFailure, m.PreviousResponse)
		}
	})
}

// Whatever an Authorization header holds, nothing runs and nothing breaks. The issuer has one key, and no token of
// the corpus is signed with it.
func FuzzAuthorization(f *testing.F) {
	issuer := googleIssuer()
	good := issuer.token(f, claim("email", "someone@else.example"))
	f.Add("Bearer "+good, "")
	f.Add("Bearer "+good, "Bearer "+good)
	f.Add("bearer eyJhbGciOiJub25lIiwia2lkIjoib25lIn0.e30.", "")
	f.Add("Bearer {}", "")
	f.Add("Bearer ..", "")
	f.Add("\x00", "\xff")
	h := newHandler(f, google(issuer), route(noRun(f)))
	f.Fuzz(func(t *testing.T, one, two string) {
		headers := []string{"Authorization", one}
		if two != "" {
			headers = append(headers, "Authorization", two)
		}
		if w := post(h, "/tasks/Greet", `{"name":"Ann"}`, headers...); w.Code != 401 || w.Body.String() != `{"error":"unauthenticated"}` {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	})
}
