package cloudtask_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
)

// Every request ends in exactly one line, which says all that is needed to find its task.
func TestLogLines(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such user")
	noResult := greetTask.RouteWithResult(
		func(context.Context, any) (any, error) { return new(greeted), nil },
		func(dst []byte, _ any) ([]byte, error) { return dst, errors.New("result.text: NaN") })
	panics := greetTask.RouteWithResult(
		func(context.Context, any) (any, error) { return new(greeted), nil },
		func(dst []byte, _ any) ([]byte, error) { panic("boom") })
	careless := greetTask
	careless.Decode = func(data []byte, _ any) error {
		d := taskjson.NewDecoder(data)
		d.Unmarshaler(panicking{})
		return d.Finish()
	}
	tests := []struct {
		name    string
		route   cloudtask.Route
		method  string
		path    string
		payload string
		level   string
		outcome string
		want    map[string]any // besides
	}{
		{name: "executed", route: route(fails(nil)), level: "INFO", outcome: "executed"},
		{name: "executed, result lost", route: noResult, level: "ERROR", outcome: "executed",
			want: map[string]any{"error": "encoding the result: result.text: NaN"}},
		{name: "executed, result lost in a panic", route: panics, level: "ERROR", outcome: "executed",
			want: map[string]any{"error": "encoding the result: panic: boom", "stack": "TestLogLines"}},
		{name: "discarded", route: route(fails(fmt.Errorf("greeting: %w", cloudtask.Discard(cause)))), level: "WARN", outcome: "discarded",
			want: map[string]any{"error": "greeting: discarded: no such user"}},
		{name: "discarded without a reason", route: route(fails(cloudtask.Discard(nil))), level: "WARN", outcome: "discarded",
			want: map[string]any{"error": "discarded"}},
		{name: "discarded by mistake", route: route(fails(cloudtask.DiscardStatus(404, cause))), level: "ERROR", outcome: "discarded",
			want: map[string]any{"error": "discarded: no such user", "mistake": "DiscardStatus with code 404: only 200 to 299 discard a task; answered 202"}},
		{name: "failed", route: route(fails(cause)), level: "ERROR", outcome: "failed", want: map[string]any{"error": "no such user"}},
		{name: "panicked", route: route(func(context.Context, string) error { panic("boom") }), level: "ERROR", outcome: "panicked",
			want: map[string]any{"error": "panic: boom", "stack": "TestLogLines"}},
		{name: "bad payload", route: route(fails(nil)), payload: "{}", level: "ERROR", outcome: "bad payload",
			want: map[string]any{"error": "payload.name: required field is missing"}},
		{name: "bad payload in a panic", route: careless.Route(func(context.Context, any) error { return nil }), level: "ERROR", outcome: "bad payload",
			want: map[string]any{"error": "payload: UnmarshalJSON: panic: boom, offset 0", "stack": "panicking.UnmarshalJSON"}},
		{name: "too large", route: route(fails(nil)), payload: strings.Repeat(" ", 101), level: "ERROR", outcome: "payload too large",
			want: map[string]any{"error": "payload too large: 101 bytes, the limit is 100 (MaxBody)"}},
		{name: "unknown task", route: route(fails(nil)), path: "/tasks/Nobody", level: "ERROR", outcome: "unknown task",
			want: map[string]any{"task": "Nobody", "error": `task "Nobody" not found`}},
		{name: "through an alias", route: route(fails(nil)), path: "/tasks/Hello", level: "INFO", outcome: "executed"},
		{name: "wrong method", route: route(fails(nil)), method: "GET", level: "WARN", outcome: "wrong method",
			want: map[string]any{"error": "method GET is not allowed: use POST", "id": nil, "queue": nil, "attempt": nil}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log jsonLog
				cfg := cloudtask.Config{InsecureNoAuth: true, Logger: log.logger(), MaxBody: 100}
				method, path, payload := test.method, test.path, test.payload
				if method == "" {
					method = "POST"
				}
				if path == "" {
					path = "/tasks/Greet"
				}
				if payload == "" {
					payload = `{"name":"Ann"}`
				}
				serve(newHandler(t, cfg, test.route), method, path, payload, "X-CloudTasks-TaskName", "0123", "X-CloudTasks-QueueName", "mail",
					"X-CloudTasks-TaskRetryCount", "2", "Authorization", "Bearer hush", "traceparent", "hush", "Cookie", "hush")
				if text := log.String(); strings.Contains(text, "hush") {
					t.Errorf("a header is logged: %s", text)
				}
				want := map[string]any{"time": time.Now().Format(time.RFC3339Nano), "level": test.level, "msg": "task " + test.outcome,
					"task": "Greet", "id": "0123", "queue": "mail", "attempt": 3.0, "outcome": test.outcome, "duration": 0.0}
				for key, value := range test.want {
					if want[key] = value; value == nil {
						delete(want, key)
					}
				}
				lines := log.take(t)
				for _, line := range lines {
					if stack, ok := line["stack"].(string); ok && strings.Contains(stack, fmt.Sprint(want["stack"])) {
						line["stack"] = want["stack"] // it shows who panicked
					}
				}
				if diff := cmp.Diff([]map[string]any{want}, lines); diff != "" {
					t.Errorf("log (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// panicking panics when it is decoded.
type panicking struct{}

func (panicking) UnmarshalJSON([]byte) error { panic("boom") }

// What strangers send is bounded before it gets into a log.
func TestLogOfStrangersIsBounded(t *testing.T) {
	t.Parallel()
	var log jsonLog
	cfg := google(googleIssuer())
	cfg.Logger = log.logger()
	h := newHandler(t, cfg, route(noRun(t)))
	long := strings.Repeat("x", 1<<16)
	post(h, "/tasks/"+long, "")
	serve(h, long, "/tasks/Greet", "")
	if text := log.String(); len(text) > 2000 {
		t.Errorf("%d bytes of log", len(text))
	}
	if lines := log.take(t); len(lines) != 2 {
		t.Errorf("%d lines", len(lines))
	}
}

// A logger that does not want lines costs no work, and the level decides.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	var log jsonLog
	cfg := insecure
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	post(newHandler(t, cfg, route(fails(nil))), "/tasks/Greet", `{"name":"Ann"}`)
	if text := log.String(); text != "" {
		t.Errorf("logged %s", text)
	}
}

// seenErrors is a log that keeps the errors of its lines as they were.
type seenErrors struct {
	slog.Handler
	errs *[]error
}

func (s seenErrors) Handle(_ context.Context, line slog.Record) error {
	line.Attrs(func(attr slog.Attr) bool {
		if err, ok := attr.Value.Any().(error); ok && attr.Key == "error" {
			*s.errs = append(*s.errs, err)
		}
		return true
	})
	return nil
}

// A log that wants to know what went wrong gets the error that Run returned, not only its text.
func TestLoggedErrorIsTheErrorItself(t *testing.T) {
	t.Parallel()
	cause := errors.New("mail server is down")
	var errs []error
	cfg := insecure
	cfg.Logger = slog.New(seenErrors{slog.NewTextHandler(io.Discard, nil), &errs})
	post(newHandler(t, cfg, route(fails(fmt.Errorf("greeting: %w", cause)))), "/tasks/Greet", `{"name":"Ann"}`)
	if len(errs) != 1 || !errors.Is(errs[0], cause) {
		t.Errorf("logged errors %v, want one that wraps %q", errs, cause)
	}
}
