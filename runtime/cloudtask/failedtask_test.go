package cloudtask_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// saving is a configuration of a handler that saves failures, and the directory that it saves them to.
func saving(t testing.TB) (cloudtask.Config, string) {
	dir := filepath.Join(t.TempDir(), "failures")
	return cloudtask.Config{
		InsecureNoAuth: true, Project: "p", Location: "l", BaseURL: "https://app.example/api", MaxBody: 1 << 20,
		SaveFailures: cloudtask.FailureFiles{Dir: dir},
	}, dir
}

// savedTasks returns what the files in dir hold, by their names.
func savedTasks(t testing.TB, dir string) map[string]*cloudtask.FailedTask {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	saved := make(map[string]*cloudtask.FailedTask)
	for _, entry := range entries {
		file, err := os.Open(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if saved[entry.Name()], err = cloudtask.ReadFailedTask(file); err != nil {
			t.Fatalf("%s: %v", entry.Name(), err)
		}
	}
	return saved
}

func onlySaved(t testing.TB, dir string) *cloudtask.FailedTask {
	t.Helper()
	all := savedTasks(t, dir)
	if len(all) != 1 {
		t.Fatalf("%d files, want one", len(all))
	}
	for _, task := range all {
		return task
	}
	return nil
}

// What failed is saved with all that was sent, whatever way it failed; nothing else is.
func TestFailuresAreSaved(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such user")
	tests := []struct {
		name          string
		run           func(context.Context, string) error
		path, payload string
		outcome       string // "": not saved
		status        int
		err           string
	}{
		{name: "failed", run: fails(cause), outcome: "failed", status: 500, err: "no such user"},
		{name: "panicked", run: func(context.Context, string) error { panic("boom") }, outcome: "panicked", status: 500, err: "panic: boom"},
		{name: "goexit", run: func(context.Context, string) error { runtime.Goexit(); return nil }, outcome: "failed", status: 500, err: "the task called runtime.Goexit"},
		{name: "discarded", run: fails(cloudtask.DiscardStatus(203, cause)), outcome: "discarded", status: 203, err: "discarded: no such user"},
		{name: "bad payload", run: fails(nil), payload: `{}`, outcome: "bad payload", status: 400, err: "payload.name: required field is missing"},
		{name: "unknown task", run: fails(nil), path: "/api/tasks/Nobody?a=b", outcome: "unknown task", status: 404, err: `task "Nobody" not found`},
		{name: "executed", run: fails(nil)},
		{name: "too large", run: fails(nil), payload: strings.Repeat(" ", 1<<20+1)},
		{name: "replayed", run: fails(cause), path: "/api/tasks/Greet?replay"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg, dir := saving(t)
			var log jsonLog
			cfg.Logger = log.logger()
			path, payload := test.path, test.payload
			if path == "" {
				path = "/api/tasks/Greet"
			}
			if payload == "" {
				payload = `{"name":"Ann"}`
			}
			headers := []string{"X-CloudTasks-TaskName", "0123", "X-CloudTasks-QueueName", "mail", "X-CloudTasks-TaskRetryCount", "2",
				"Content-Type", "application/json", "Authorization", "Bearer hush", "Cookie", "hush", "X-Serverless-Authorization", "hush"}
			if test.name == "replayed" {
				headers = append(headers, "Cloudtask-Replay", "true")
			}
			done := make(chan struct{})
			go func() { // which Goexit ends
				defer close(done)
				serve(newHandler(t, cfg, route(test.run)), "POST", path, payload, headers...)
			}()
			<-done
			if test.outcome == "" {
				if saved := savedTasks(t, dir); len(saved) != 0 {
					t.Errorf("saved %v", saved)
				}
				return
			}
			name, _, _ := strings.Cut(strings.TrimPrefix(path, "/api/tasks/"), "?")
			want := &cloudtask.FailedTask{
				Name: "projects/p/locations/l/queues/mail/tasks/0123", Queue: "mail", Type: name, Attempt: 3,
				Outcome: test.outcome, Status: test.status, Error: test.err, Method: "POST", URL: "https://app.example" + path,
				Header: http.Header{"X-Cloudtasks-Taskname": {"0123"}, "X-Cloudtasks-Queuename": {"mail"}, "X-Cloudtasks-Taskretrycount": {"2"},
					"Content-Type": {"application/json"}},
				Body: []byte(payload), Redacted: []string{"header Cookie"},
			}
			saved := savedTasks(t, dir)
			file := name + ".mail.0123.failed-task.json"
			if diff := cmp.Diff(map[string]*cloudtask.FailedTask{file: want}, saved, cmpopts.IgnoreFields(cloudtask.FailedTask{}, "Time")); diff != "" {
				t.Errorf("saved (-want +got):\n%s", diff)
			}
			if age := time.Since(saved[file].Time); age < 0 || age > time.Minute {
				t.Errorf("saved %v ago", age)
			}
			if lines := log.take(t); len(lines) != 1 || lines[0]["saved"] != filepath.Join(dir, file) {
				t.Errorf("the log does not name the file: %v", lines)
			}
		})
	}
}

// No credential and no claim gets into a file, whichever proxy or platform put it into the request.
func TestSavedFailuresHoldNoSecrets(t *testing.T) {
	t.Parallel()
	cfg, dir := saving(t)
	headers := []string{"X-CloudTasks-TaskName", "0123", "X-CloudTasks-QueueName", "mail", "X-Tenant", "acme"}
	for _, name := range secretHeaders {
		headers = append(headers, name, "hush")
	}
	serve(newHandler(t, cfg, route(fails(errors.New("no")))), "POST", "/api/tasks/Greet", `{"name":"Ann"}`, headers...)
	task := onlySaved(t, dir)
	want := http.Header{"X-Cloudtasks-Taskname": {"0123"}, "X-Cloudtasks-Queuename": {"mail"}, "X-Tenant": {"acme"}}
	if diff := cmp.Diff(want, task.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if !slices.Contains(task.Redacted, "header X-Api-Key") || slices.Contains(task.Redacted, "header X-Forwarded-Authorization") {
		t.Errorf("redacted %q, want what the task lacks, without what authorized the request", task.Redacted)
	}
}

// Sent again, the request is what it was, byte for byte, and the task knows that it is a replay.
func TestReplayOfSavedTask(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		`{"name":"Ann"}`, `{"name":"<b>&\u00e9\u2028"}`, "{\"name\":\"\u2028é\"}", `{"n":10000000000000000000000000.0e1,"n":1}`, // JSON
		"{\n  \"name\": \"Ann\"\n}", ` `, "", "\xff\x00", "{\"name\":\"\xff\"}", `{"name"`, `[]`, `null`, strings.Repeat("[", 20_000), // kept otherwise
	} {
		t.Run(fmt.Sprintf("%.20q", payload), func(t *testing.T) {
			t.Parallel()
			cfg, dir := saving(t)
			var received []byte
			var replay bool
			var attempt int
			echo := cloudtask.Definition{Task: (*greeting)(nil), Name: "Greet", Decode: func(data []byte, _ any) error {
				received = slices.Clone(data)
				return nil
			}}
			var log jsonLog
			cfg.Logger = log.logger()
			h := newHandler(t, cfg, echo.Route(func(ctx context.Context, _ any) error {
				meta := cloudtask.MetadataFrom(ctx)
				replay, attempt = meta.Replay(), meta.Attempt()
				return errors.New("always")
			}))
			serve(h, "POST", "/tasks/Greet?a=%2Fb", payload, "X-CloudTasks-TaskName", "1", "X-CloudTasks-TaskRetryCount", "4", "X-Own", "1")
			if replay {
				t.Error("the first request counts as a replay")
			}
			log.take(t)
			task := onlySaved(t, dir)
			received = nil
			r, err := task.Request(t.Context(), "http://localhost:8080")
			if err != nil {
				t.Fatal(err)
			}
			if got := r.URL.String(); got != "http://localhost:8080/tasks/Greet?a=%2Fb" {
				t.Errorf("URL %s", got)
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			if string(received) != payload || !replay || attempt != 5 || r.Header.Get("X-Own") != "1" {
				t.Errorf("received %q, replay %v, attempt %d, header %v", received, replay, attempt, r.Header)
			}
			if lines := log.take(t); len(lines) != 1 || lines[0]["replay"] != true || lines[0]["saved"] != nil {
				t.Errorf("log %v", lines)
			}
		})
	}
}

func TestRequestTarget(t *testing.T) {
	t.Parallel()
	task := &cloudtask.FailedTask{Method: "PUT", URL: "https://app.example/api/tasks/X?a=b"}
	for base, want := range map[string]string{
		"":                            "https://app.example/api/tasks/X?a=b",
		"http://localhost:8080":       "http://localhost:8080/api/tasks/X?a=b",
		"http://localhost:8080/":      "http://localhost:8080/api/tasks/X?a=b",
		"http://localhost:8080/other": "http://localhost:8080/other",
		"localhost:8080":              "error", "ftp://x": "error", "http://": "error",
	} {
		r, err := task.Request(t.Context(), base)
		got := "error"
		if err == nil {
			got = r.URL.String()
		}
		if got != want {
			t.Errorf("to %q: %s, want %s (%v)", base, got, want, err)
		}
	}
	// The queue service accepts what may not stand in a URL, and encodes it when it sends the task.
	task.URL = "https://app.example/a b/\x00\n\x7f/é?q=\t%20\"{}"
	for base, host := range map[string]string{"": "https://app.example", "http://localhost:8080": "http://localhost:8080"} {
		r, err := task.Request(t.Context(), base)
		if want := host + "/a%20b/%00%0A%7F/%C3%A9?q=%09%20%22%7B%7D"; err != nil || r.URL.String() != want {
			t.Errorf("to %q: %v, %v, want %s", base, r, err, want)
		}
	}
}

func TestReadFailedTaskRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "not a file of a failed task",
		"{}":                                 `no "method" or no "url"`,
		`{"method":"POST","url":"/tasks/X"}`: "want an absolute URL",
		`{"method":"POST","url":"http://h/","payload":1,"body":"eA=="}`: `both a "payload" and a "body"`,
	} {
		_, err := cloudtask.ReadFailedTask(strings.NewReader(text))
		wantError(t, err, want)
	}
	_, err := cloudtask.ReadFailedTask(io.MultiReader(strings.NewReader("{"), failingReader{}))
	wantError(t, err, "reading a failed task", "no more")
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("no more") }
