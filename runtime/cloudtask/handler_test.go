package cloudtask_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/inproc"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such user")
	tests := []struct {
		name    string
		run     func(ctx context.Context, name string) error
		method  string // default POST
		path    string // default /tasks/Greet
		payload string // default {"name":"Ann"}
		status  int
		body    string
	}{
		{name: "executed", status: 200, body: `{"status":"executed","result":null}`},
		{name: "executed through an alias", path: "/tasks/Hello", status: 200, body: `{"status":"executed","result":null}`},
		{name: "discarded", run: fails(cloudtask.Discard(cause)), status: 202, body: `{"status":"discarded"}`},
		{name: "discarded without a reason", run: fails(cloudtask.Discard(nil)), status: 202, body: `{"status":"discarded"}`},
		{name: "discarded within another error", run: fails(fmt.Errorf("greeting: %w", cloudtask.Discard(cause))), status: 202, body: `{"status":"discarded"}`},
		{name: "discarded among other errors", run: fails(errors.Join(cause, cloudtask.Discard(cause))), status: 202, body: `{"status":"discarded"}`},
		{name: "discarded with a status", run: fails(cloudtask.DiscardStatus(208, cause)), status: 208, body: `{"status":"discarded"}`},
		{name: "discarded with the highest status", run: fails(cloudtask.DiscardStatus(299, cause)), status: 299, body: `{"status":"discarded"}`},
		{name: "discarded with a status that does not discard", run: fails(cloudtask.DiscardStatus(300, cause)), status: 202, body: `{"status":"discarded"}`},
		{name: "discarded with no status at all", run: fails(cloudtask.DiscardStatus(0, cause)), status: 202, body: `{"status":"discarded"}`},
		{name: "failed", run: fails(cause), status: 500, body: `{"status":"failed"}`},
		{name: "panicked", run: func(context.Context, string) error { panic("boom") }, status: 500, body: `{"status":"failed"}`},
		{name: "panicked with a discard", run: func(context.Context, string) error { panic(cloudtask.Discard(cause)) }, status: 500, body: `{"status":"failed"}`},
		{name: "panicked with net/http's own", run: func(context.Context, string) error { panic(http.ErrAbortHandler) }, status: 500, body: `{"status":"failed"}`},
		{name: "unknown task", path: "/tasks/Nobody", status: 404, body: `{"error":"task \"Nobody\" not found"}`},
		{name: "name of another case", path: "/tasks/greetTask", status: 404, body: `{"error":"task \"greetTask\" not found"}`},
		{name: "no name", path: "/tasks/", status: 404, body: `{"error":"task \"\" not found"}`},
		{name: "longer path", path: "/tasks/Greet/", status: 404, body: `{"error":"task \"Greet/\" not found"}`},
		{name: "outside of the prefix", path: "/other/Nobody", status: 404, body: `{"error":"task \"/other/Nobody\" not found"}`},
		{name: "name to be escaped", path: `/tasks/a%22b%5C%00%FF`, status: 404, body: `{"error":"task \"a\"b\\\u0000\ufffd\" not found"}`},
		{name: "payload without a field", payload: `{}`, status: 400, body: `{"error":"payload.name: required field is missing"}`},
		{name: "payload that is no JSON", payload: `{"name":x}`, status: 400,
			body: `{"error":"payload: invalid character 'x' looking for beginning of value, offset ` + syntaxOffset(`{"name":x}`) + `"}`},
		{name: "no payload", payload: " ", status: 400, body: `{"error":"payload: unexpected end of JSON input, offset 1"}`},
		{name: "payload as large as may be", payload: `{"name":"` + strings.Repeat("x", 64-11) + `"}`, status: 200, body: `{"status":"executed","result":null}`},
		{name: "payload over the limit", payload: `{"name":"` + strings.Repeat("x", 65-11) + `"}`, status: 413,
			body: `{"error":"payload too large: 65 bytes, the limit is 64 (MaxBody)"}`},
		{name: "GET", method: "GET", status: 405, body: `{"error":"method GET is not allowed: use POST"}`},
		{name: "HEAD", method: "HEAD", status: 405, body: `{"error":"method HEAD is not allowed: use POST"}`},
		{name: "PUT to an unknown task", method: "PUT", path: "/tasks/Nobody", status: 405, body: `{"error":"method PUT is not allowed: use POST"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			method, path, payload := test.method, test.path, test.payload
			if method == "" {
				method = http.MethodPost
			}
			if path == "" {
				path = "/tasks/Greet"
			}
			if payload == "" {
				payload = `{"name":"Ann"}`
			}
			ran := false
			cfg := insecure
			cfg.MaxBody = 64
			h := newHandler(t, cfg, route(func(ctx context.Context, name string) error {
				ran = true
				if test.run == nil {
					return nil
				}
				return test.run(ctx, name)
			}))
			w := serve(h, method, path, payload)
			if w.Code != test.status || w.Body.String() != test.body && w.Body.String() != strings.ReplaceAll(test.body, `\ufffd`, "\ufffd") {
				t.Errorf("answered %d %s\nwant     %d %s", w.Code, w.Body, test.status, test.body)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("Content-Type %q", got)
			}
			if got := w.Header().Get("Allow"); (got == "POST") != (test.status == 405) {
				t.Errorf("Allow %q", got)
			}
			if want := test.status == 200 || test.run != nil; ran != want {
				t.Errorf("Run called: %t, want %t", ran, want)
			}
		})
	}
}

func fails(err error) func(context.Context, string) error {
	return func(context.Context, string) error { return err }
}

func TestResult(t *testing.T) {
	t.Parallel()
	run := func(ctx context.Context, task any) (any, error) {
		name := task.(*greeting).Name
		if name == "nobody" {
			return &greeted{"lost"}, errors.New("nobody there")
		}
		return &greeted{"Hello " + name}, nil
	}
	tests := []struct {
		name         string
		appendResult func([]byte, any) ([]byte, error)
		payload      string
		status       int
		body         string
	}{
		{"encoded", appendGreeted, `{"name":"Ann"}`, 200, `{"status":"executed","result":{"text":"Hello Ann"}}`},
		{"longer than a chunk", appendGreeted, `{"name":"` + strings.Repeat("x", 100_000) + `"}`, 200,
			`{"status":"executed","result":{"text":"Hello ` + strings.Repeat("x", 100_000) + `"}}`},
		{"of a failed run", appendGreeted, `{"name":"nobody"}`, 500, `{"status":"failed"}`},
		{"that cannot be encoded", func(dst []byte, _ any) ([]byte, error) {
			return append(dst, "garbage"...), errors.New("result.text: NaN")
		}, `{"name":"Ann"}`, 200, `{"status":"executed","result":null}`},
		{"whose encoding panics", func(dst []byte, _ any) ([]byte, error) { panic("boom") },
			`{"name":"Ann"}`, 200, `{"status":"executed","result":null}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHandler(t, insecure, greetTask.RouteWithResult(run, test.appendResult))
			for range 3 { // buffers are used again
				w := post(h, "/tasks/Greet", test.payload)
				if w.Code != test.status || w.Body.String() != test.body {
					t.Fatalf("answered %d %.100s, want %d %.100s", w.Code, w.Body, test.status, test.body)
				}
			}
		})
	}
}

// A decoder is the user's code too: its panic must not take the program down, nor acknowledge anything.
func TestDecodePanics(t *testing.T) {
	t.Parallel()
	def := greetTask
	def.Decode = func([]byte, any) error { panic("boom") }
	h := newHandler(t, insecure, def.Route(func(context.Context, any) error { return nil }))
	if w := post(h, "/tasks/Greet", `{}`); w.Code != 500 || w.Body.String() != `{"status":"failed"}` {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

// Over a real connection: net/http ends a handler whose goroutine ends, and would send nothing.
func TestGoexit(t *testing.T) {
	t.Parallel()
	var log jsonLog
	cfg := insecure
	cfg.Logger = log.logger()
	server := httptest.NewServer(newHandler(t, cfg, route(func(context.Context, string) error {
		runtime.Goexit()
		return nil
	})))
	defer server.Close()
	r, err := http.Post(server.URL+"/tasks/Greet", "application/json", strings.NewReader(`{"name":"Ann"}`))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body) // the connection may end without the last chunk
	if r.StatusCode != 500 || string(body) != `{"status":"failed"}` {
		t.Errorf("answered %d %s", r.StatusCode, body)
	}
	lines := log.take(t)
	if len(lines) != 1 || lines[0]["outcome"] != "failed" || !strings.Contains(fmt.Sprint(lines[0]["stack"]), "TestGoexit") {
		t.Errorf("log %v", lines)
	}
}

func TestMounting(t *testing.T) {
	t.Parallel()
	ok := func(context.Context, string) error { return nil }
	tests := []struct {
		name   string
		cfg    cloudtask.Config
		mount  func(h http.Handler) http.Handler
		path   string
		status int
	}{
		{"at the prefix", cloudtask.Config{}, func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/tasks/", h)
			return mux
		}, "/tasks/Greet", 200},
		{"at another prefix", cloudtask.Config{PathPrefix: "/internal/run/"}, nil, "/internal/run/Greet", 200},
		{"below the base URL's path", cloudtask.Config{BaseURL: "https://x.example/app"}, nil, "/app/tasks/Greet", 200},
		{"below the base URL's path, with a slash", cloudtask.Config{BaseURL: "https://x.example/app/"}, nil, "/app/tasks/Greet", 200},
		{"the base URL's path stripped", cloudtask.Config{BaseURL: "https://x.example/app"}, func(h http.Handler) http.Handler {
			return http.StripPrefix("/app", h)
		}, "/app/tasks/Greet", 200},
		{"another path before the prefix", cloudtask.Config{BaseURL: "https://x.example/app"}, nil, "/other/tasks/Greet", 404},
		{"the prefix stripped", cloudtask.Config{}, func(h http.Handler) http.Handler {
			return http.StripPrefix("/tasks", h)
		}, "/tasks/Greet", 404},
		{"query", cloudtask.Config{}, nil, "/tasks/Greet?x=1", 200},
		{"escaped letter", cloudtask.Config{}, nil, "/tasks/%47reet", 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.cfg.InsecureNoAuth = true
			h := newHandler(t, test.cfg, route(ok))
			if test.mount != nil {
				h = test.mount(h)
			}
			if w := post(h, test.path, `{"name":"Ann"}`); w.Code != test.status {
				t.Errorf("answered %d %s, want %d", w.Code, w.Body, test.status)
			}
		})
	}
}

// A path that was changed on its way to the handler ends in a task's name all the same: the answer and the log say what is
// wrong with it.
func TestChangedPath(t *testing.T) {
	t.Parallel()
	strip := func(prefix string) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler { return http.StripPrefix(prefix, h) }
	}
	tests := []struct {
		name  string
		cfg   cloudtask.Config
		mount func(h http.Handler) http.Handler
		path  string
		want  string
	}{
		{"prefix stripped", cloudtask.Config{}, strip("/tasks"), "/tasks/Greet", `task "Greet" not found: it is served here, but the path "/Greet" does not begin with PathPrefix, "/tasks/"`},
		{"prefix stripped with its slash", cloudtask.Config{}, strip("/tasks/"), "/tasks/Greet", `the path "Greet" does not begin with PathPrefix, "/tasks/"`},
		{"half of the prefix stripped", cloudtask.Config{PathPrefix: "/internal/tasks/"}, strip("/internal"), "/internal/tasks/Greet", `the path "/tasks/Greet" does not begin with PathPrefix, "/internal/tasks/"`},
		{"something in front of the prefix", cloudtask.Config{}, nil, "/api/tasks/Greet", `the path "/api/tasks/Greet" does not begin with PathPrefix, "/tasks/"`},
		{"a former name", cloudtask.Config{}, strip("/tasks"), "/tasks/Hello", `task "Hello" not found: it is served here, but`},
		{"the client's prefix is another", cloudtask.Config{PathPrefix: "/jobs/"}, nil, "/tasks/Greet", `and give it the PathPrefix of the client`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log jsonLog
			test.cfg.InsecureNoAuth, test.cfg.Logger = true, log.logger()
			h := newHandler(t, test.cfg, route(noRun(t)))
			if test.mount != nil {
				h = test.mount(h)
			}
			w := post(h, test.path, `{"name":"Ann"}`)
			var answer struct{ Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 404 || !strings.Contains(answer.Error, test.want) {
				t.Errorf("answered %d %s, want 404 and in the error %q", w.Code, w.Body, test.want)
			}
			if lines := log.take(t); len(lines) != 1 || lines[0]["error"] != answer.Error || lines[0]["outcome"] != "unknown task" {
				t.Errorf("log %v, want the same", lines)
			}
		})
	}
}

func TestNewHandlerRefuses(t *testing.T) {
	t.Parallel()
	ok := func(context.Context, any) error { return nil }
	named := func(name string, aliases ...string) cloudtask.Route {
		def := cloudtask.Definition{Task: (*greeting)(nil), Name: name, Aliases: aliases, Append: greetTask.Append, Decode: greetTask.Decode}
		return def.Route(ok)
	}
	tests := []struct {
		name   string
		cfg    cloudtask.Config
		routes []cloudtask.Route
		want   []string
	}{
		{"no authentication", cloudtask.Config{}, nil, []string{"ServiceAccount", "Authenticator", "InsecureNoAuth"}},
		{"authentication on and off", cloudtask.Config{InsecureNoAuth: true, Authenticator: accept{}}, nil, []string{"Authenticator", "InsecureNoAuth"}},
		{"same names", insecure, []cloudtask.Route{named("A"), named("A")}, []string{`task A and task A both answer to "A"`}},
		{"alias is a name", insecure, []cloudtask.Route{named("A"), named("B", "A")}, []string{`task A and task B both answer to "A"`}},
		{"same aliases", insecure, []cloudtask.Route{named("A", "Old"), named("B", "Old")}, []string{`task A and task B both answer to "Old"`}},
		{"all at once", insecure, []cloudtask.Route{named("A"), named("A"), named(""), {Name: "C"}},
			[]string{`both answer to "A"`, `route 2, "", has no name`, `route 3, "C", has no name or nothing to run`}},
		{"with what the configuration is about", cloudtask.Config{}, []cloudtask.Route{named("A"), named("A")}, []string{"ServiceAccount", `both answer to "A"`}},
		{"header that cannot be propagated", cloudtask.Config{InsecureNoAuth: true, PropagatedHeaders: []string{"X-Ok", "Cookie"}}, nil, []string{`"Cookie"`, "credentials"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, err := cloudtask.NewHandler(test.cfg, test.routes...)
			if err == nil || h != nil {
				t.Fatalf("returned handler %v and error %v", h, err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

type accept struct{}

func (accept) Authenticate(*http.Request) error { return nil }

// The context of Run ends before the dispatch deadline by 2 % of it, at least 1 s and at most 10 s.
func TestDeadline(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		timeout time.Duration // of the type
		header  string
		want    time.Duration
	}{
		{"of Cloud Tasks", 0, "", 10*time.Minute - 10*time.Second},
		{"of the type", 5 * time.Minute, "", 5*time.Minute - 6*time.Second},
		{"of the type, too short", time.Second, "", 14 * time.Second},
		{"of the type, too long", time.Hour, "", 30*time.Minute - 10*time.Second},
		{"of the task", 5 * time.Minute, "7m30s", 450*time.Second - 9*time.Second},
		{"of the task, fraction", 0, "20.5s", 19500 * time.Millisecond},
		{"of the task, in which the margin begins to grow", 0, "51s", 51*time.Second - 1020*time.Millisecond},
		{"too short", 0, "1s", 14 * time.Second},
		{"too long", 0, "24h", 30*time.Minute - 10*time.Second},
		{"malformed", 5 * time.Minute, "soon", 5*time.Minute - 6*time.Second},
		{"without a unit", 5 * time.Minute, "60", 5*time.Minute - 6*time.Second},
		{"negative", 5 * time.Minute, "-20s", 5*time.Minute - 6*time.Second},
		{"zero", 5 * time.Minute, "0s", 5*time.Minute - 6*time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				def := greetTask
				def.Timeout = test.timeout
				start := time.Now()
				var got time.Duration
				h := newHandler(t, insecure, def.Route(func(ctx context.Context, _ any) error {
					deadline, _ := ctx.Deadline()
					got = deadline.Sub(start)
					return nil
				}))
				w := post(h, "/tasks/Greet", `{"name":"Ann"}`, "Cloudtask-Timeout", test.header)
				if w.Code != 200 || got != test.want {
					t.Errorf("answered %d, deadline after %s, want %s", w.Code, got, test.want)
				}
			})
		})
	}
}

// An embedded queue learns why a run failed, and nobody else does: not from the body, nor from a header.
func TestFailedAnswersTellOnlyAnEmbeddedQueue(t *testing.T) {
	t.Parallel()
	issuer := googleIssuer()
	embedded := insecure
	embedded.EmulatorHost = "127.0.0.1:8123"
	unchecked := insecure
	unchecked.ServiceAccount, unchecked.BaseURL = "tasks@p.iam.gserviceaccount.com", "https://app.example"
	queue := inproc.WithClock(t.Context(), inproc.RealClock{})
	reason := errors.New("the password <hush> is wrong")
	runs := map[string]func(context.Context, string) error{
		"failed":   fails(fmt.Errorf("asking: %w", reason)),
		"panicked": func(context.Context, string) error { panic(reason) },
		"goexit":   func(context.Context, string) error { runtime.Goexit(); return nil },
	}
	for name, test := range map[string]struct {
		cfg   cloudtask.Config
		ctx   context.Context
		tells bool
	}{
		"production":            {google(issuer), t.Context(), false},
		"production, private":   {unchecked, t.Context(), false},
		"embedded queue":        {embedded, t.Context(), true},
		"queue in this process": {insecure, queue, true},
		"queue of a test's own": {google(issuer), queue, true},
		"nothing authenticates": {insecure, t.Context(), false},
	} {
		for how, run := range runs {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				r := httptest.NewRequestWithContext(test.ctx, "POST", "/tasks/Greet", strings.NewReader(`{"name":"Ann"}`))
				r.Header.Set("Authorization", "Bearer "+issuer.token(t))
				w := httptest.NewRecorder()
				done := make(chan struct{})
				go func() { // which Goexit ends
					defer close(done)
					newHandler(t, test.cfg, route(run)).ServeHTTP(w, r)
				}()
				<-done
				if !test.tells {
					want := http.Header{"Content-Type": {"application/json"}}
					if w.Code != 500 || w.Body.String() != `{"status":"failed"}` || !reflect.DeepEqual(w.Header(), want) {
						t.Errorf("answered %d %s, %v; want that it failed and no more", w.Code, w.Body, w.Header())
					}
					return
				}
				var body struct{ Status, Error, Stack string }
				if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 500 || body.Status != "failed" {
					t.Fatalf("answered %d %s: %v", w.Code, w.Body, err)
				}
				want := map[string]string{"failed": "asking: the password <hush> is wrong", "panicked": "panic: the password <hush> is wrong", "goexit": "the task called runtime.Goexit"}[how]
				if body.Error != want || (body.Stack == "") != (how == "failed") || how == "panicked" && !strings.Contains(body.Stack, "handler_test.go") {
					t.Errorf("error %q, want %q; stack:\n%s", body.Error, want, body.Stack)
				}
			})
		}
	}
}

// after is a Run that does not heed its context, and does what do does after d.
func after(d time.Duration, do func() error) func(context.Context, string) error {
	return func(context.Context, string) error {
		time.Sleep(d)
		return do()
	}
}

// A run whose answer comes in time is what it was, one beyond the dispatch deadline has timed out, whatever Run returns.
func TestOutOfTime(t *testing.T) {
	t.Parallel()
	done := func() error { return nil }
	late := func() error { return errors.New("late") }
	discard := func() error { return cloudtask.Discard(errors.New("no use")) }
	throw := func() error { panic("boom") }
	const margin = 14500 * time.Millisecond
	tests := []struct {
		name           string
		run            func(ctx context.Context, name string) error
		status         int
		outcome, level string
		says           string // in the line's error
		after          time.Duration
	}{
		{"stops at its deadline", func(ctx context.Context, _ string) error { <-ctx.Done(); return nil }, 200, "executed", "INFO", "", 14 * time.Second},
		{"fails at its deadline", func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }, 500, "timed out", "ERROR", "context deadline exceeded", 14 * time.Second},
		{"is done in the margin", after(margin, done), 200, "executed", "INFO", "", margin},
		{"fails in the margin", after(margin, late), 500, "timed out", "ERROR", "late", margin},
		{"discards in the margin", after(margin, discard), 202, "discarded", "WARN", "discarded: no use", margin},
		{"panics in the margin", after(margin, throw), 500, "panicked", "ERROR", "panic: boom", margin},
		{"is done when the queue hangs up", after(15*time.Second, done), 500, "timed out", "ERROR",
			"context deadline exceeded: Run was done after 15s, when the queue no longer waited for the answer (dispatch deadline 15s): it delivers the task again", 15 * time.Second},
		{"is done long after it", after(time.Minute, done), 500, "timed out", "ERROR", "Run was done after 1m0s", time.Minute},
		{"fails after it", after(time.Minute, late), 500, "timed out", "ERROR", "late", time.Minute},
		{"discards after it", after(time.Minute, discard), 500, "timed out", "ERROR", "discarded: no use", time.Minute},
		{"panics after it", after(time.Minute, throw), 500, "timed out", "ERROR", "panic: boom", time.Minute},
		{"fails before it", func(context.Context, string) error { return context.DeadlineExceeded }, 500, "failed", "ERROR", "context deadline exceeded", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log jsonLog
				cfg := insecure
				cfg.Logger = log.logger()
				w := post(newHandler(t, cfg, route(test.run)), "/tasks/Greet", `{"name":"Ann"}`, "Cloudtask-Timeout", "15s")
				lines := log.take(t)
				if w.Code != test.status || len(lines) != 1 {
					t.Fatalf("answered %d %s after %v, want %d", w.Code, w.Body, lines, test.status)
				}
				line := lines[0]
				if line["outcome"] != test.outcome || line["level"] != test.level || line["duration"] != float64(test.after) {
					t.Errorf("logged %v, want %s %q after %v", line, test.level, test.outcome, test.after)
				}
				if text, _ := line["error"].(string); !strings.Contains(text, test.says) || (text == "") != (test.says == "") {
					t.Errorf("error %q, want %q", text, test.says)
				}
				if _, traced := line["stack"]; traced != strings.HasPrefix(test.says, "panic") {
					t.Errorf("logged %v, want the stack of a panic", line)
				}
			})
		})
	}
}

// A client that hangs up at the dispatch deadline has waited as long as it would; one that does before has not, and the
// task has not timed out. Run's result stands where there may be somebody to answer.
func TestHangUp(t *testing.T) {
	t.Parallel()
	heed := func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return fmt.Errorf("gave up: %w", context.Cause(ctx))
	}
	const early, latest = 5 * time.Second, 13500 * time.Millisecond // the queue has sent the request 1.5 s ago
	shutdown := errors.New("told to stop")
	tests := []struct {
		name           string
		at             time.Duration // when the request's context is canceled
		cause          error
		run            func(ctx context.Context, name string) error
		status         int
		outcome, level string
		says           string // in the line's error
	}{
		{"at the deadline, heeded", latest, nil, heed, 500, "timed out", "ERROR", "gave up: context deadline exceeded"},
		{"at the deadline, not heeded", latest, nil, after(13800*time.Millisecond, func() error { return nil }), 500, "timed out", "ERROR", "Run was done after 13.8s, when the queue no longer waited"},
		{"at the deadline, discarded", latest, nil, after(13800*time.Millisecond, func() error { return cloudtask.Discard(nil) }), 500, "timed out", "ERROR", "discarded"},
		{"in the margin, heeded", 14500 * time.Millisecond, nil, heed, 500, "timed out", "ERROR", "gave up: context deadline exceeded"},
		{"early, heeded", early, nil, heed, 500, "canceled", "ERROR",
			"gave up: context canceled; the request was canceled 10s before its dispatch deadline: its client hung up, or the server is shutting down"},
		{"early, for a reason", early, shutdown, heed, 500, "canceled", "ERROR", "gave up: told to stop; the request was canceled 10s before its dispatch deadline: told to stop"},
		{"early, failed", early, nil, after(6*time.Second, func() error { return errors.New("broken") }), 500, "canceled", "ERROR", "broken; the request was canceled"},
		{"early, done all the same", early, nil, after(6*time.Second, func() error { return nil }), 200, "executed", "WARN", ""},
		{"early, discarded all the same", early, nil, after(6*time.Second, func() error { return cloudtask.Discard(nil) }), 202, "discarded", "WARN", "discarded"},
		{"early, panicked", early, nil, after(6*time.Second, func() error { panic("boom") }), 500, "panicked", "ERROR", "panic: boom"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log jsonLog
				cfg := insecure
				cfg.Logger = log.logger()
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				time.AfterFunc(test.at, func() { cancel(test.cause) })
				r := httptest.NewRequestWithContext(ctx, "POST", "/tasks/Greet", strings.NewReader(`{"name":"Ann"}`))
				r.Header.Set("Cloudtask-Timeout", "15s")
				w := httptest.NewRecorder()
				newHandler(t, cfg, route(test.run)).ServeHTTP(w, r)
				line := log.take(t)[0]
				if w.Code != test.status || line["outcome"] != test.outcome || line["level"] != test.level {
					t.Errorf("answered %d and logged %v, want %d, %s %q", w.Code, line, test.status, test.level, test.outcome)
				}
				if text, _ := line["error"].(string); !strings.Contains(text, test.says) {
					t.Errorf("error %q, want %q", text, test.says)
				}
				if _, lost := line["answer"]; lost != (test.status < 300) {
					t.Errorf("logged %v, want that an acknowledgement may be lost", line)
				}
			})
		})
	}
}

// Cloud Tasks hangs up when it gives up; Run must notice.
func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	begun, ended := make(chan struct{}), make(chan error, 1)
	server := httptest.NewServer(newHandler(t, insecure, route(func(ctx context.Context, _ string) error {
		close(begun)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/tasks/Greet", strings.NewReader(`{"name":"Ann"}`))
	if err != nil {
		t.Fatal(err)
	}
	go func() { <-begun; cancel() }()
	if _, err := http.DefaultClient.Do(r); !errors.Is(err, context.Canceled) {
		t.Fatalf("request ended with %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run's context ended with %v", err)
	}
}

func TestBodyReading(t *testing.T) {
	t.Parallel()
	long := `{"name":"` + strings.Repeat("é", 40_000) + `"}`
	tests := []struct {
		name   string
		body   io.Reader
		length int64
		status int
		says   string
	}{
		{"chunked", strings.NewReader(long), -1, 200, ""},
		{"byte by byte", iotest.OneByteReader(strings.NewReader(`{"name":"Ann"}`)), -1, 200, ""},
		{"data with its end", iotest.DataErrReader(strings.NewReader(long)), int64(len(long)), 200, ""},
		{"chunked, over the limit", strings.NewReader(long + long), -1, 413, "the limit is 100000 bytes (MaxBody)"},
		{"over the limit and endless", bufio.NewReader(endless{}), -1, 413, "the limit is 100000 bytes (MaxBody)"},
		{"announced over the limit, never read", iotest.ErrReader(errors.New("read")), 100_001, 413, "100001 bytes, the limit is 100000 (MaxBody)"},
		{"broken off", io.MultiReader(strings.NewReader(`{"name":"Ann"}`), iotest.ErrReader(io.ErrUnexpectedEOF)), -1, 400, "reading the payload: unexpected EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ran := false
			cfg := insecure
			cfg.MaxBody = 100_000
			h := newHandler(t, cfg, route(func(context.Context, string) error { ran = true; return nil }))
			r := httptest.NewRequest("POST", "/tasks/Greet", test.body)
			r.ContentLength = test.length
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.says) || ran != (test.status == 200) {
				t.Errorf("answered %d %s, run %t; want %d with %q", w.Code, w.Body, ran, test.status, test.says)
			}
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Buffers are used again by other requests: none may see another's payload or result.
func TestConcurrentRequests(t *testing.T) {
	t.Parallel()
	h := newHandler(t, insecure, greetTask.RouteWithResult(func(ctx context.Context, task any) (any, error) {
		runtime.Gosched()
		return &greeted{"Hello " + task.(*greeting).Name}, nil
	}, appendGreeted))
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 100 {
				name := strings.Repeat(fmt.Sprint(i), 1+n*7%300)
				w := post(h, "/tasks/Greet", `{"name":"`+name+`"}`)
				if want := `{"status":"executed","result":{"text":"Hello ` + name + `"}}`; w.Code != 200 || w.Body.String() != want {
					t.Errorf("answered %d %s, want %s", w.Code, w.Body, want)
				}
			}
		})
	}
	wait.Wait()
}
