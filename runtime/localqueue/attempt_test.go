package localqueue_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// The retry limits: attempts alone, duration alone, both (both must be exceeded), neither (31 days of age).
func TestRetryLimits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		every    time.Duration
		attempts int
		duration time.Duration
		want     int
	}{
		{"attempts", time.Minute, 3, 0, 3},
		{"attempts by default", time.Minute, 0, 0, 100},
		{"duration alone", time.Minute, -1, 5 * time.Minute, 7}, // at 0, 1, … 5 it is not exceeded, at 6 it is
		{"both, duration last", time.Minute, 3, 5 * time.Minute, 7},
		{"both, attempts last", time.Minute, 9, 5 * time.Minute, 9},
		{"neither", time.Hour, -1, 0, 31 * 24},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newVirtual(t, answer(500))
			task := httpTask()
			task.Retry = &cloudtask.RetryConfig{
				MaxAttempts: test.attempts, MaxRetryDuration: test.duration, MinBackoff: test.every, MaxBackoff: test.every,
			}
			created := add(t, s, task)
			attempts, err := s.RunUntilIdle(t.Context())
			if attempts != test.want || err != nil {
				t.Errorf("%d attempts, %v; want %d", attempts, err, test.want)
			}
			_, err = s.GetTask(t.Context(), created.Name, resource.ViewBasic)
			wantStatus(t, err, cloudtask.NotFound, "")
		})
	}
}

// Back-off saturates: 16 doublings of an hour do not overflow.
func TestBackoffSaturates(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(500))
	task := httpTask()
	task.Retry = &cloudtask.RetryConfig{MaxAttempts: -1, MinBackoff: time.Hour, MaxBackoff: 1 << 62, MaxDoublings: 1 << 30}
	add(t, s, task)
	// After 0, 1, 3, 7 … hours: the tenth attempt, after 511, is the last within 31 days.
	if attempts, err := s.RunUntilIdle(t.Context()); attempts != 10 || err != nil {
		t.Errorf("%d attempts, %v; want 10", attempts, err)
	}
}

// Nor does the longest back-off that the wire can ask for, which goes far beyond what is left of a task's life.
func TestBackoffOfAges(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(500))
	task := httpTask()
	task.Retry = &cloudtask.RetryConfig{MinBackoff: math.MaxInt64, MaxBackoff: math.MaxInt64}
	created := add(t, s, task)
	if attempts, err := s.RunFor(t.Context(), 30*24*time.Hour); attempts != 1 || err != nil {
		t.Errorf("%d attempts, %v; want 1", attempts, err)
	}
	got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
	if err != nil || got.ScheduleTime.Sub(start) < 30*24*time.Hour {
		t.Errorf("%+v, %v; want a task whose next attempt is beyond its life", got, err)
	}
	if attempts, err := s.RunUntilIdle(t.Context()); attempts != 0 || err != nil {
		t.Errorf("%d more attempts, %v; want none", attempts, err)
	}
	if limit := start.Add(2 * 31 * 24 * time.Hour); s.Now().After(limit) {
		t.Errorf("the clock went to %v, want %v at most", s.Now(), limit)
	}
}

// The queue's retry settings apply where the task has none, live.
func TestQueueRetrySettings(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(500))
	add(t, s, httpTask())
	if _, err := s.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	q := &resource.Queue{Name: queueName, Retry: cloudtask.RetryConfig{MaxAttempts: 4}}
	if _, err := s.UpdateQueue(t.Context(), q, []string{"retry_config.max_attempts"}); err != nil {
		t.Fatal(err)
	}
	if attempts, err := s.RunUntilIdle(t.Context()); attempts != 3 || err != nil {
		t.Errorf("%d more attempts, %v; want 3", attempts, err)
	}
}

// What a task looks like over its life, with a handler that takes 5 s.
func TestAttemptFields(t *testing.T) {
	t.Parallel()
	var s *localqueue.Service
	var during *resource.Task
	s = newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		if err := s.Advance(5 * time.Second); err != nil {
			t.Error(err)
		}
		during, _ = s.GetTask(r.Context(), queueName+"/tasks/t", resource.ViewBasic)
		w.WriteHeader(500)
	})
	task := httpTask()
	task.Name = queueName + "/tasks/t"
	task.ScheduleTime = start.Add(time.Minute)
	task.Retry = &cloudtask.RetryConfig{MinBackoff: 10 * time.Second, MaxAttempts: 2}
	add(t, s, task)
	if _, err := s.RunNext(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := s.GetTask(t.Context(), task.Name, resource.ViewBasic)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2026, 3, 1, 12, 1, 0, 123456000, time.UTC)
	type fields struct {
		Schedule, First       time.Time
		Dispatches, Responses int
		Last                  *cloudtask.Attempt
	}
	of := func(k *resource.Task) fields {
		return fields{k.ScheduleTime, k.FirstAttempt, k.DispatchCount, k.ResponseCount, k.LastAttempt}
	}
	want := fields{begin, begin, 1, 0, &cloudtask.Attempt{ScheduleTime: begin, DispatchTime: begin}}
	if diff := cmp.Diff(want, of(during)); diff != "" {
		t.Errorf("task during the attempt (-want +got):\n%s", diff)
	}
	end := begin.Add(5 * time.Second)
	want = fields{end.Add(10 * time.Second), begin, 1, 1, &cloudtask.Attempt{
		ScheduleTime: begin, DispatchTime: begin, ResponseTime: end,
		Code: cloudtask.Internal, Message: "INTERNAL(13): HTTP status code 500",
	}}
	if diff := cmp.Diff(want, of(after)); diff != "" {
		t.Errorf("task after the attempt (-want +got):\n%s", diff)
	}
}

func TestResponseStatus(t *testing.T) {
	t.Parallel()
	tests := map[int]string{
		300: "UNKNOWN(2)", 304: "UNKNOWN(2)", 400: "INVALID_ARGUMENT(3)", 401: "UNAUTHENTICATED(16)", 403: "PERMISSION_DENIED(7)",
		404: "NOT_FOUND(5)", 409: "ALREADY_EXISTS(6)", 418: "UNKNOWN(2)", 429: "RESOURCE_EXHAUSTED(8)", 499: "CANCELLED(1)",
		500: "INTERNAL(13)", 501: "UNIMPLEMENTED(12)", 502: "UNKNOWN(2)", 503: "UNAVAILABLE(14)", 504: "DEADLINE_EXCEEDED(4)",
	}
	for code, want := range tests {
		s := newVirtual(t, answer(code))
		created := add(t, s, httpTask())
		if _, err := s.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
		if err != nil {
			t.Fatal(err)
		}
		if message := fmt.Sprintf("%s: HTTP status code %d", want, code); got.LastAttempt.Message != message || got.ResponseCount != 1 {
			t.Errorf("answer %d: message %q, %d responses; want %q, 1", code, got.LastAttempt.Message, got.ResponseCount, message)
		}
	}
}

// Every status of 200 to 299 is a success.
func TestSuccess(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 201, 202, 204, 299} {
		s := newVirtual(t, answer(code))
		add(t, s, httpTask())
		if attempts, err := s.RunUntilIdle(t.Context()); attempts != 1 || err != nil {
			t.Errorf("answer %d: %d attempts, %v; want 1", code, attempts, err)
		}
	}
}

// A handler that takes longer than the dispatch deadline is cancelled, whatever it answers then.
func TestDispatchDeadline(t *testing.T) {
	t.Parallel()
	var s *localqueue.Service
	var previous []string
	s = newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		previous = append(previous, r.Header.Get("X-CloudTasks-TaskPreviousResponse"), r.Header.Get("X-CloudTasks-TaskExecutionCount"))
		if len(previous) > 2 {
			return
		}
		if err := s.Advance(15*time.Second - 1); err != nil || r.Context().Err() != nil {
			t.Errorf("before the deadline: %v, %v", err, r.Context().Err())
		}
		if err := s.Advance(1); err != nil || r.Context().Err() == nil {
			t.Errorf("at the deadline: %v, %v", err, r.Context().Err())
		}
	})
	task := httpTask()
	task.DispatchDeadline = 15 * time.Second
	created := add(t, s, task)
	if _, err := s.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
	if err != nil {
		t.Fatal(err)
	}
	last := got.LastAttempt
	if got.ResponseCount != 0 || last.Code != cloudtask.DeadlineExceeded || last.Message != "DEADLINE_EXCEEDED(4): HTTP status code 504" || !last.ResponseTime.IsZero() {
		t.Errorf("%d responses, last attempt %+v; want none, DEADLINE_EXCEEDED without a response", got.ResponseCount, last)
	}
	if _, err := s.RunNext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", "0", "504", "0"}, previous); diff != "" {
		t.Errorf("previous response and execution count (-want +got):\n%s", diff)
	}
}

func TestETA(t *testing.T) {
	t.Parallel()
	var etas []string
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		etas = append(etas, r.Header.Get("X-CloudTasks-TaskETA"))
		w.WriteHeader(500)
	})
	task := httpTask()
	task.ScheduleTime = time.Unix(1774000000, 5999)
	task.Retry = &cloudtask.RetryConfig{MaxAttempts: 2, MinBackoff: 1500 * time.Millisecond}
	add(t, s, task)
	if _, err := s.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1774000000.000005", "1774000001.500005"}, etas); diff != "" {
		t.Errorf("ETA headers (-want +got):\n%s", diff)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		code   int
		header string
		want   time.Duration // until the next attempt
	}{
		{"longer than the back-off", 503, "60", time.Minute},
		{"on 429", 429, "60", time.Minute},
		{"shorter than the back-off", 503, "1", 10 * time.Second},
		{"as a date", 503, start.Add(time.Hour).Format(http.TimeFormat), time.Hour - 123456*time.Microsecond},
		{"a date that is past", 503, start.Add(-time.Hour).Format(http.TimeFormat), 10 * time.Second},
		{"not on 500", 500, "60", 10 * time.Second},
		{"malformed", 503, "soon", 10 * time.Second},
		{"negative", 503, "-5", 10 * time.Second},
		{"absurd", 503, "99999999999999", 31 * 24 * time.Hour},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", test.header)
				w.WriteHeader(test.code)
			})
			task := httpTask()
			task.Retry = &cloudtask.RetryConfig{MinBackoff: 10 * time.Second}
			created := add(t, s, task)
			if _, err := s.RunDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
			if err != nil {
				t.Fatal(err)
			}
			if delay := got.ScheduleTime.Sub(start.Truncate(time.Microsecond)); delay.Round(time.Microsecond) != test.want {
				t.Errorf("next attempt in %v, want %v", delay, test.want)
			}
		})
	}
}

func TestRunTask(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(500, 200))
	if _, err := s.PauseQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	task := httpTask()
	task.ScheduleTime = start.Add(time.Hour)
	task.Retry = &cloudtask.RetryConfig{MinBackoff: 10 * time.Second}
	created := add(t, s, task)
	if err := s.Advance(time.Minute); err != nil {
		t.Fatal(err)
	}
	ran, err := s.RunTask(t.Context(), created.Name, resource.ViewFull)
	if err != nil || ran.DispatchCount != 1 || string(ran.HTTP.Body) != "{}" {
		t.Fatalf("RunTask: %+v, %v; want one dispatch, with the body", ran, err)
	}
	got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
	if err != nil {
		t.Fatal(err)
	}
	if want := start.Add(time.Minute + 10*time.Second).Truncate(time.Microsecond); !got.ScheduleTime.Equal(want) {
		t.Errorf("scheduled for %v after failing, want %v: the time of the call plus the back-off", got.ScheduleTime, want)
	}
	if _, err := s.RunTask(t.Context(), created.Name, resource.ViewBasic); err != nil {
		t.Fatal(err)
	}
	_, err = s.RunTask(t.Context(), created.Name, resource.ViewBasic)
	wantStatus(t, err, cloudtask.NotFound, "Requested entity was not found.")
}

// RunTask and the schedule share one claim: a task that is running is not run again, and what a task does to itself
// while it runs has no second effect.
func TestWhileRunning(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   func(s *localqueue.Service, name string) error
		left bool // whether the task is there after the failed attempt
	}{
		{"run", func(s *localqueue.Service, name string) error {
			_, err := s.RunTask(context.Background(), name, resource.ViewBasic)
			return err
		}, true},
		{"delete", func(s *localqueue.Service, name string) error { return s.DeleteTask(context.Background(), name) }, false},
		{"purge", func(s *localqueue.Service, _ string) error {
			_, err := s.PurgeQueue(context.Background(), queueName)
			return err
		}, false},
		{"delete the queue", func(s *localqueue.Service, _ string) error { return s.DeleteQueue(context.Background(), queueName) }, false},
		{"pause", func(s *localqueue.Service, _ string) error {
			_, err := s.PauseQueue(context.Background(), queueName)
			return err
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var s *localqueue.Service
			attempts := 0
			const name = queueName + "/tasks/t"
			s = newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
				if attempts++; attempts == 1 {
					if err := test.do(s, name); err != nil {
						t.Error(err)
					}
				}
				w.WriteHeader(500)
			})
			task := httpTask()
			task.Name = name
			add(t, s, task)
			if _, err := s.RunDue(t.Context()); err != nil || attempts != 1 {
				t.Errorf("%d attempts, %v; want 1", attempts, err)
			}
			got, err := s.GetTask(t.Context(), name, resource.ViewBasic)
			if test.left != (err == nil) || test.left && got.DispatchCount != 1 {
				t.Errorf("task after the attempt: %+v, %v", got, err)
			}
			if _, err := s.RunFor(t.Context(), time.Hour); err != nil || test.left != (attempts > 1) && test.name != "pause" {
				t.Errorf("%d attempts an hour later, %v", attempts, err)
			}
		})
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	type hop struct{ Method, URL, Body, Authorization, Cookie, Key, Content string }
	var hops []hop
	location := map[string]string{
		"/a": "/b?x=1", "/b": "http://elsewhere.example/c", "/loop": "/loop", "/none": "", "/odd": "ftp://x/y", "/bad": "http://[::",
	}
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		_ = r.Write(body)
		_, content, _ := strings.Cut(body.String(), "\r\n\r\n")
		hops = append(hops, hop{r.Method, r.Host + r.RequestURI, content, r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("X-Api-Key"), r.Header.Get("Content-Type")})
		if to, ok := location[r.URL.Path]; ok {
			if to != "" {
				w.Header().Set("Location", to)
			}
			w.WriteHeader(302)
		}
	})
	tests := []struct {
		path     string
		hops     int
		previous string // message of the attempt; "": success
	}{
		{"/a", 3, ""},
		{"/loop", 6, "UNKNOWN(2): HTTP status code 302"},
		{"/none", 1, "UNKNOWN(2): HTTP status code 302"},
		{"/odd", 1, "UNKNOWN(2): HTTP status code 302"},
		{"/bad", 1, "UNKNOWN(2): HTTP status code 302"},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			hops = nil
			created := add(t, s, &resource.Task{HTTP: &resource.HTTPRequest{
				URL: "http://worker.example" + test.path, Method: "PUT", Body: []byte("payload"),
				Header: map[string]string{"authorization": "secret", "COOKIE": "too", "x-api-key": "as well", "Content-Type": "text/plain"},
			}})
			if _, err := s.RunDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
			if message := ""; test.previous == "" && err == nil || test.previous != "" && (err != nil || got.LastAttempt.Message != test.previous) {
				if got != nil {
					message = got.LastAttempt.Message
				}
				t.Errorf("last attempt %q, %v; want %q", message, err, test.previous)
			}
			if err == nil && got.DispatchCount != 1 {
				t.Errorf("%d dispatches, want 1: a redirect is no attempt", got.DispatchCount)
			}
			if len(hops) != test.hops {
				t.Errorf("%d requests, want %d", len(hops), test.hops)
			}
			if test.path == "/a" {
				want := []hop{
					{"PUT", "worker.example/a", "payload", "secret", "too", "as well", "text/plain"},
					{"PUT", "worker.example/b?x=1", "payload", "secret", "too", "as well", "text/plain"},
					{"PUT", "elsewhere.example/c", "payload", "", "", "", "text/plain"},
				}
				if diff := cmp.Diff(want, hops); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			}
			if err == nil {
				_ = s.DeleteTask(t.Context(), created.Name)
			}
		})
	}
}

type fakeTokens struct{ err error }

func (f fakeTokens) IDToken(_ context.Context, account, audience string) (string, error) {
	return "id:" + account + ":" + audience, f.err
}

func (f fakeTokens) AccessToken(_ context.Context, account, scope string) (string, error) {
	return "access:" + account + ":" + scope, f.err
}

func TestTokens(t *testing.T) {
	t.Parallel()
	oidc := func(audience string) resource.HTTPRequest {
		return resource.HTTPRequest{OIDC: &resource.OIDCToken{ServiceAccount: "a@b", Audience: audience}}
	}
	oauth := func(scope string) resource.HTTPRequest {
		return resource.HTTPRequest{OAuth: &resource.OAuthToken{ServiceAccount: "a@b", Scope: scope}}
	}
	tests := []struct {
		name    string
		request resource.HTTPRequest
		source  localqueue.TokenSource
		want    string
	}{
		{"OIDC", oidc("aud"), fakeTokens{}, "Bearer id:a@b:aud"},
		{"OIDC for the URL", oidc(""), fakeTokens{}, "Bearer id:a@b:http://w/x?y"},
		{"OAuth", oauth("scope"), fakeTokens{}, "Bearer access:a@b:scope"},
		{"OAuth of the default scope", oauth(""), fakeTokens{}, "Bearer access:a@b:https://www.googleapis.com/auth/cloud-platform"},
		{"none", resource.HTTPRequest{}, fakeTokens{}, "the task's own"},
		{"no source", oidc(""), nil, "the task's own"},
		{"source that fails", oidc(""), fakeTokens{errors.New("no key")}, "no request"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := "no request"
			s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
				got = strings.Join(r.Header["Authorization"], "|")
			}, localqueue.WithTokenSource(test.source))
			request := test.request
			request.URL, request.Header = "http://w/x?y", map[string]string{"authorization": "the task's own"}
			created := add(t, s, &resource.Task{HTTP: &request})
			if _, err := s.RunDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("Authorization %q, want %q", got, test.want)
			}
			if _, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic); (err == nil) != (got == "no request") {
				t.Errorf("task after the attempt: %v", err)
			}
		})
	}
}

// A task cannot set the headers that Cloud Tasks sets, nor those of the connection.
func TestReplacedHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) { got = r.Header })
	task := httpTask()
	task.Name = queueName + "/tasks/t"
	task.ScheduleTime = time.Unix(1774000000, 0)
	task.HTTP.Header = map[string]string{
		"x-cloudtasks-taskname": "evil", "X-CloudTasks-TaskRetryCount": "9", "X-CLOUDTASKS-TASKPREVIOUSRESPONSE": "200",
		"transfer-encoding": "chunked", "Connection": "close", "TE": "trailers",
		"X-CloudTasks-Projectname": "demo", "content-type": "application/json",
	}
	add(t, s, task)
	if _, err := s.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"X-Cloudtasks-Taskname": {"t"}, "X-Cloudtasks-Queuename": {"emails"}, "X-Cloudtasks-Taskretrycount": {"0"},
		"X-Cloudtasks-Taskexecutioncount": {"0"}, "X-Cloudtasks-Tasketa": {"1774000000.000000"},
		"X-Cloudtasks-Projectname": {"demo"}, "Content-Type": {"application/json"}, "User-Agent": {"Google-Cloud-Tasks"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}

// A handler that panics gave no response.
func TestPanickingHandler(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{"panic": "boom", "abort": http.ErrAbortHandler} {
		t.Run(name, func(t *testing.T) {
			s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(200)
				panic(v)
			})
			created := add(t, s, httpTask())
			if _, err := s.RunDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
			if err != nil || got.ResponseCount != 0 || got.LastAttempt.Message != "UNAVAILABLE(14): HTTP status code 503" {
				t.Errorf("task %+v, %v; want a failed attempt without response", got, err)
			}
		})
	}
}
