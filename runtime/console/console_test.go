package console_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/console"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

const (
	location  = "projects/demo/locations/here"
	queueName = location + "/queues/emails"
)

// shown is a queue and its console.
type shown struct {
	*localqueue.Service
	page *console.Console
}

// show starts a queue on a virtual clock, whose tasks handler runs, and its console.
func show(t testing.TB, handler http.HandlerFunc, opts ...console.Option) *shown {
	t.Helper()
	s, err := localqueue.New(
		localqueue.WithVirtualClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), localqueue.WithHandler(handler), localqueue.WithHistory(100),
		localqueue.WithQueues(resource.Queue{Name: queueName, Retry: cloudtask.RetryConfig{MinBackoff: time.Minute}}),
		localqueue.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return &shown{s, console.New(s, append([]console.Option{console.WithLogger(slog.New(slog.DiscardHandler))}, opts...)...)}
}

func answer(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) }
}

// add adds a task with that ID.
func (s *shown) add(t testing.TB, id string, change ...func(*resource.Task)) string {
	t.Helper()
	task := &resource.Task{Name: queueName + "/tasks/" + id, HTTP: &resource.HTTPRequest{URL: "http://localhost/tasks/Greet", Body: []byte(`{"id":"` + id + `"}`)}}
	for _, c := range change {
		c(task)
	}
	if _, err := s.CreateTask(context.Background(), queueName, task); err != nil {
		t.Fatal(err)
	}
	return task.Name
}

// get requests a page. The response must have the status.
func (s *shown) get(t testing.TB, path string, status int) string {
	t.Helper()
	return s.do(t, httptest.NewRequest("GET", "http://localhost:8123"+path, nil), status)
}

func (s *shown) do(t testing.TB, r *http.Request, status int) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.page.ServeHTTP(w, r)
	if w.Code != status {
		t.Errorf("%s %s: status %d, want %d:\n%.300s", r.Method, r.URL, w.Code, status, w.Body)
	}
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "script-src 'self';") || strings.Contains(csp, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: headers %v", r.URL, w.Header())
	}
	return w.Body.String()
}

// post submits a form, and returns the address that the browser is redirected to, and the note on that page.
func (s *shown) post(t testing.TB, action string, form url.Values) (to, said string) {
	t.Helper()
	r := httptest.NewRequest("POST", "http://localhost:8123/ui/do/"+action, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	s.page.ServeHTTP(w, r)
	body := w.Body.String()
	if w.Code == http.StatusSeeOther {
		to = w.Header().Get("Location")
		body = s.get(t, to, 200)
	}
	_, said, _ = strings.Cut(body, `role="status">`)
	said, _, _ = strings.Cut(said, "</div>")
	said = strings.TrimSuffix(said[strings.IndexByte(said, '>')+1:], "</p>")
	if u, err := url.Parse(to); err != nil {
		t.Fatal(err)
	} else {
		query := u.Query()
		query.Del("note")
		u.RawQuery = query.Encode()
		to = u.String()
	}
	return to, said
}

func wants(t *testing.T, page, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s: no %q in\n%s", page, want, text)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := show(t, answer(500))
	task := s.add(t, "fails", func(t *resource.Task) { t.HTTP.Header = map[string]string{"X-Tenant": "acme"} })
	if _, err := s.RunFor(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	gone := s.add(t, "gone")
	if err := s.DeleteTask(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	wants(t, "queues", s.get(t, "/", 200), `<b>emails</b>`, "demo/here", "500/s, bursts of 100", "2 failed", `href="/ui/projects/demo/locations/here/queues/emails"`)
	wants(t, "queue", s.get(t, "/ui/"+queueName, 200), `<b>Greet</b> <code>fails</code>`, `<span class="pill retrying">retrying</span>`, "Recently finished", "<code>gone</code>")
	wants(t, "tasks", s.get(t, "/ui/tasks", 200), `<code>fails</code>`, `{&#34;id&#34;:&#34;fails&#34;}`, `<option value="Greet">`)
	wants(t, "tasks by text", s.get(t, "/ui/tasks?text=nothing", 200), "No matching tasks", "Searched 1 task.")
	wants(t, "finished", s.get(t, "/ui/finished?state=deleted", 200), `<code>gone</code>`, `<span class="pill deleted">deleted</span>`)
	wants(t, "task", s.get(t, "/ui/"+task, 200), "Attempt 1", "500 Internal Server Error", "Attempt 3 is due 2 min after attempt 2 failed (backoff).",
		"any of 7 to 99 fails", "stop retrying", `<span class="k">&#34;id&#34;</span>`, "X-Tenant", "acme")
	wants(t, "task that is gone", s.get(t, "/ui/"+gone, 200), "<b>Deleted</b>", "Send again")
	wants(t, "task that never was", s.get(t, "/ui/"+queueName+"/tasks/never", 404), "The last 100 tasks of each queue and outcome are remembered")
	wants(t, "queue that is missing", s.get(t, "/ui/"+location+"/queues/missing", 404), "Queue does not exist")
	wants(t, "a page that is none", s.get(t, "/ui/nothing", 404), "Page not found")
	wants(t, "a state that is none", s.get(t, "/ui/tasks?state=nothing", 400), "Unknown state")
	wants(t, "send", s.get(t, "/ui/send?from="+task, 200), "X-Tenant: acme", "{&#34;id&#34;:&#34;fails&#34;}")
	if got := s.get(t, "/ui/payload/"+task, 200); got != `{"id":"fails"}` {
		t.Errorf("payload %q", got)
	}
	s.do(t, httptest.NewRequest("PUT", "http://localhost/", nil), 405)

	empty := show(t, answer(200))
	for _, page := range []string{"/ui/tasks", "/ui/finished", "/ui/" + queueName} {
		wants(t, "empty "+page, empty.get(t, page, 200), "export CLOUD_TASKS_EMULATOR_HOST=localhost:8123", "CLOUDTASK_QUEUE=emails",
			"curl http://localhost:8123/v2/"+queueName+"/tasks", "tasks.EnqueueSendWelcomeEmailAsap(ctx, client,")
	}
}

// A task ID stays reserved after its task is gone.
func TestHowLongIDsStayReserved(t *testing.T) {
	t.Parallel()
	s := show(t, answer(200))
	name := s.add(t, "once")
	const kept, until = "<dt>ID reserved</dt><dd>while the task exists, and for 1 d after it</dd>", "Its ID is reserved until <time datetime=\"2026-03-02T12:00:00Z\""
	page := s.get(t, "/ui/"+name, 200)
	wants(t, "a task that waits", page, kept)
	if strings.Contains(page, "Its ID is reserved until") {
		t.Errorf("the ID of a waiting task is shown to become free")
	}
	if _, err := s.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	wants(t, "a task that is done", s.get(t, "/ui/"+name, 200), kept, until)
	if err := s.Advance(24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if page := s.get(t, "/ui/"+name, 200); strings.Contains(page, "Its ID is reserved until") {
		t.Errorf("the ID is shown as reserved after it became free")
	}
	created, err := s.CreateTask(t.Context(), queueName, &resource.Task{HTTP: &resource.HTTPRequest{URL: "http://localhost/tasks/Greet"}})
	if err != nil {
		t.Fatal(err)
	}
	if page := s.get(t, "/ui/"+created.Name, 200); strings.Contains(page, "ID reserved") {
		t.Errorf("an ID that the queue chose, and never reuses, is shown as reserved")
	}
}

// Task data is shown as text, in pages, in live updates and in the form.
func TestHostileTasks(t *testing.T) {
	t.Parallel()
	const markup = "</script></textarea></code><script>alert(1)</script><img src=x onerror=alert(1)>\r\n\r\nevent: live\r\rdata: <b>\u202e{{.}}"
	s := show(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, markup, 500) })
	var names []string
	for id, body := range map[string]string{"json": fmt.Sprintf(`{%q: [%q, "\u003cscript>"]}`, markup, markup), "text": markup, "binary": "\x00\xff<script>"} {
		names = append(names, s.add(t, id, func(t *resource.Task) {
			t.HTTP.URL = "http://localhost/tasks/<script>alert(1)<img onerror=x>?\"'><script>"
			t.HTTP.Body = []byte(body)
			t.HTTP.Header = map[string]string{"X-Markup": "<script>alert(1)</script>"}
		}))
	}
	if _, err := s.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	pages := []string{"/", "/ui/tasks", "/ui/tasks?text=%3Cscript%3E&type=%22%3E%3Cscript%3E&order=%3Cscript%3E", "/ui/" + queueName, "/ui/nothing%3Cscript%3E", "/ui/tasks?state=%3Cscript%3E"}
	for _, name := range names {
		pages = append(pages, "/ui/"+name, "/ui/send?from="+name)
	}
	for _, page := range pages {
		r := httptest.NewRequest("GET", "http://localhost"+page, nil)
		w := httptest.NewRecorder()
		s.page.ServeHTTP(w, r)
		body := w.Body.String()
		reordered := strings.Contains(body, "\u202e") && !strings.Contains(page, "/send?") // what is edited is as it is
		if strings.Count(body, "<script") != 1 || strings.Contains(body, "<img") || reordered {
			t.Errorf("%s: markup of a task:\n%s", page, body)
		}
	}
	for _, name := range names {
		for name, data := range s.events(t, "/ui/"+name, 2) {
			if strings.Contains(data, "<script") || strings.Contains(data, "<img") || name != "top" && name != "live" {
				t.Errorf("event %q:\n%s", name, data)
			}
		}
	}
}

// events returns the first n live events of a page, by name.
func (s *shown) events(t testing.TB, page string, n int) map[string]string {
	t.Helper()
	server := httptest.NewServer(s.page)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(map[string]string)
	next := stream(t, ctx, server.URL+"/ui/live?view="+url.QueryEscape(page))
	for range n {
		name, data := next()
		got[name] = data
	}
	return got
}

// stream opens a stream of server-sent events; the function returns the next.
func stream(t testing.TB, ctx context.Context, address string) func() (name, data string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s: %s, %s", address, resp.Status, resp.Header.Get("Content-Type"))
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	return func() (name, data string) {
		for lines.Scan() {
			switch line := lines.Text(); {
			case line == "":
				return name, data
			case strings.HasPrefix(line, "event: "):
				name = line[len("event: "):]
			case strings.HasPrefix(line, "data: "):
				data += line[len("data: "):] + "\n"
			}
		}
		return "", ""
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	s := show(t, answer(200))
	server := httptest.NewServer(s.page)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var windows []func() (string, string)
	for range 2 {
		windows = append(windows, stream(t, ctx, server.URL+"/ui/live?view="+url.QueryEscape("/ui/"+queueName)))
	}
	expect := func(text string) {
		t.Helper()
		for i, next := range windows {
			for {
				name, data := next()
				if name == "" {
					t.Fatalf("window %d: the stream ended before %q", i, text)
				}
				if name == "live" && strings.Contains(data, text) {
					break
				}
			}
		}
	}
	expect("No tasks are waiting in this queue")
	s.add(t, "first")
	expect("<code>first</code>")
	if _, err := s.PauseQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	expect(">Resume<")
	if err := s.DeleteQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	for i, next := range windows {
		for name := "live"; name != "gone"; {
			if name, _ = next(); name == "" {
				t.Fatalf("window %d is not told that the queue is gone", i)
			}
		}
	}
	for _, view := range []string{"", "%zz", "http://%41:8080/"} {
		r := httptest.NewRequest("GET", "http://localhost/ui/live?view="+url.QueryEscape(view), nil)
		s.do(t, r, 400)
	}
}

func TestOthersAreRefused(t *testing.T) {
	t.Parallel()
	s := show(t, answer(200), console.WithHost("queue"))
	s.add(t, "a")
	tests := []struct {
		name, method, url string
		header            map[string]string
		status            int
	}{
		{"this machine", "GET", "http://localhost:8123/", nil, 200},
		{"this machine's address", "GET", "http://[::1]:8123/", nil, 200},
		{"the host that it is told", "GET", "http://queue:8123/", nil, 200},
		{"another name", "GET", "http://evil.example:8123/", nil, 403},
		{"another name, live", "GET", "http://evil.example:8123/ui/live?view=/", nil, 403},
		{"another name, a style sheet", "GET", "http://127.0.0.1.evil.example/ui/assets/style.css", nil, 403},
		{"another name, an action", "POST", "http://evil.example/ui/do/purge", map[string]string{"Origin": "http://evil.example"}, 403},
		{"another site", "POST", "http://localhost:8123/ui/do/purge", map[string]string{"Origin": "http://evil.example"}, 403},
		{"another site, by the browser's word", "POST", "http://localhost:8123/ui/do/purge", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another port of this machine", "POST", "http://localhost:8123/ui/do/purge", map[string]string{"Origin": "http://localhost:3000"}, 403},
		{"an action by a link", "GET", "http://localhost:8123/ui/do/purge?queue=" + queueName, nil, 404},
	}
	for _, test := range tests {
		r := httptest.NewRequest(test.method, test.url, strings.NewReader("queue="+queueName))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for key, value := range test.header {
			r.Header.Set(key, value)
		}
		s.do(t, r, test.status)
	}
	if _, err := s.Inspect(t.Context(), queueName+"/tasks/a"); err != nil {
		t.Errorf("an action that was refused: %v", err)
	}
	if to, _ := s.post(t, "pause", url.Values{"queue": {queueName}, "back": {"//evil.example/"}}); to != "/" {
		t.Errorf("sent to %q", to)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := show(t, answer(200), console.WithReadOnly())
	task := s.add(t, "a")
	for _, page := range []string{"/", "/ui/tasks", "/ui/" + task, "/ui/" + queueName, "/?ask=purge:" + queueName} {
		if body := s.get(t, page, 200); strings.Contains(body, `method="post"`) || !strings.Contains(body, "read-only") {
			t.Errorf("%s: no read-only page:\n%s", page, body)
		}
	}
	s.get(t, "/ui/send", 404)
	for _, action := range []string{"run", "delete", "send", "pause", "resume", "purge", "run-due", "faults", "clock"} {
		s.do(t, httptest.NewRequest("POST", "http://localhost/ui/do/"+action, strings.NewReader("queue="+queueName+"&task="+task)), 403)
	}
	if found, err := s.Inspect(t.Context(), task); err != nil || found.State != localqueue.TaskDue {
		t.Errorf("%+v, %v: want the task as it was", found, err)
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	var received []string
	s := show(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		received = append(received, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Tenant")+" "+string(body))
	})
	form := func(pairs ...string) url.Values {
		v := url.Values{"back": {"/ui/tasks?state=due"}}
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	did := func(action string, form url.Values, wantTo, wantSaid string) {
		t.Helper()
		to, said := s.post(t, action, form)
		if !strings.HasPrefix(to, wantTo) || said != wantSaid {
			t.Errorf("%s %v: sent to %q, which says %q; want %q and %q", action, form, to, said, wantTo, wantSaid)
		}
	}
	const back = "/ui/tasks?state=due"
	task := s.add(t, "a")
	did("pause", form("queue", queueName), back, "Paused queue emails.")
	did("run", form("task", task), back, "Running task a.")
	did("run", form("task", task), back, "Requested entity was not found.")
	s.add(t, "b")
	s.add(t, "c")
	did("run-due", form("queue", queueName), back, "Running 2 tasks.")
	did("run-due", form("queue", queueName), back, "No tasks are due.")
	did("resume", form("queue", queueName), back, "Resumed queue emails.")
	s.add(t, "d")
	did("delete", form("task", queueName+"/tasks/d"), back, "Deleted task d.")
	s.add(t, "e")
	did("purge", form("queue", queueName), back, "Purged queue emails.")
	did("purge", form("queue", location+"/queues/missing"),
		back, "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize.")
	did("clock", form("move", "due"), back, "Made 0 attempts. It is now 2026-03-01 12:00:00 UTC.")
	s.add(t, "f", func(t *resource.Task) { t.ScheduleTime = s.Now().Add(time.Hour) })
	did("clock", form("move", "", "by", "90 s"), back, "Made 0 attempts. It is now 2026-03-01 12:01:30 UTC.")
	did("clock", form("move", "next"), back, "Made 1 attempt. It is now 2026-03-01 13:00:00 UTC.")
	did("clock", form("move", "24h"), back, "Made 0 attempts. It is now 2026-03-02 13:00:00 UTC.")
	did("clock", form("move", "idle"), back, "Made 0 attempts. It is now 2026-03-02 13:00:00 UTC.")
	did("clock", form("move", "soon"), back, "Cannot advance the clock by &#34;soon&#34;: want a duration such as &#34;90s&#34; or &#34;168h&#34;.")
	did("faults", form("queue", queueName, "twice", "50", "late", "25", "delay", "1m30s", "fail-first", "2", "fail-status", "503", "clock-skew", "-5m"),
		back, "Set the faults. They apply to attempts that start from now on.")
	want := map[string]localqueue.Faults{queueName: {Twice: 0.5, Late: 0.25, Delay: 90 * time.Second, FailFirst: 2, FailStatus: 503, ClockSkew: -5 * time.Minute}}
	if diff := cmp.Diff(want, s.Faults()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	did("faults", form("queue", queueName, "twice", "half"), back, "Delivered twice: &#34;half&#34; is not a percentage from 0 to 100.")
	did("faults", form("queue", queueName, "fail-first", "2.5"), back, "First attempts failed: &#34;2.5&#34; is not a whole number.")
	did("faults", form("queue", queueName, "of", queueName, "end", "1"), back, "Cleared the faults.")
	if len(s.Faults()) != 0 {
		t.Errorf("faults %v", s.Faults())
	}
	did("send", form("queue", queueName, "method", "PUT", "url", "http://localhost/tasks/New", "header", "X-Tenant: acme\r\n\r\n", "body", "one\r\ntwo", "when", ""),
		"/ui/"+queueName+"/tasks/", "Enqueued the task.")
	did("send", form("queue", queueName, "method", "POST", "url", "nowhere", "body", "kept"),
		"", "HttpTarget.url must start with &#39;http://&#39; or &#39;https://&#39;.")
	did("send", form("queue", queueName, "method", "POST", "url", "http://x/", "header", "no header"),
		"", "Invalid header &#34;no header&#34;: want a line such as &#34;Content-Type: application/json&#34;.")
	did("send", form("queue", queueName, "method", "POST", "url", "http://x/", "when", "some day"),
		"", "Invalid time &#34;some day&#34;: want a duration such as &#34;10m&#34;, or a time such as &#34;2026-03-01T12:00:00Z&#34;.")
	did("clock", form("move", "due"), back, "Made 1 attempt. It is now 2026-03-02 13:00:00 UTC.")
	wantReceived := []string{
		"POST /tasks/Greet  " + `{"id":"a"}`, "POST /tasks/Greet  " + `{"id":"b"}`, "POST /tasks/Greet  " + `{"id":"c"}`,
		"POST /tasks/Greet  " + `{"id":"f"}`, "PUT /tasks/New acme one\ntwo",
	}
	if diff := cmp.Diff(wantReceived, received); diff != "" {
		t.Errorf("received (-want +got):\n%s", diff)
	}
}

// A task that is sent again is the same to the byte, except for the changes.
func TestSendAgain(t *testing.T) {
	t.Parallel()
	s := show(t, answer(200))
	tests := []struct {
		name, body, edited string
		want               string
	}{
		{"as it was", "{\n\t\"a\": 1\n}\n", "{\r\n\t\"a\": 1\r\n}\r\n", "{\n\t\"a\": 1\n}\n"},
		{"with lines of another kind", "a\r\nb\r\n", "a\r\nb\r\n", "a\r\nb\r\n"},
		{"with ends of former times", "a\rb", "a\r\nb", "a\rb"},
		{"with changes", "a\nb", "a\r\nc", "a\nc"},
		{"that begins with a new line", "\na", "\r\na", "\na"},
		{"emptied", "a", "", ""},
		{"no text", "\x00\xff", "-", "\x00\xff"},
	}
	for i, test := range tests {
		from := s.add(t, fmt.Sprint("task-", i), func(task *resource.Task) {
			task.HTTP.Body, task.DispatchDeadline = []byte(test.body), 42*time.Second
			task.Retry = &cloudtask.RetryConfig{MaxAttempts: 7}
			task.HTTP.OIDC = &resource.OIDCToken{ServiceAccount: "a@b", Audience: "c"}
		})
		page := s.get(t, "/ui/send?from="+from, 200)
		form := url.Values{"from": {from}, "queue": {queueName}, "url": {"http://localhost/other"}, "method": {"POST"}, "account": {"a@b"}, "when": {"1h"}}
		if test.edited != "-" {
			form.Set("body", test.edited)
		} else if strings.Contains(page, `name="body"`) {
			t.Errorf("%s: the form has it", test.name)
		}
		to, said := s.post(t, "send", form)
		task, err := s.GetTask(t.Context(), strings.TrimPrefix(to, "/ui/"), resource.ViewFull)
		if err != nil {
			t.Fatalf("%s: %q, %v", test.name, said, err)
		}
		if got := string(task.HTTP.Body); got != test.want {
			t.Errorf("%s: sent %q, want %q", test.name, got, test.want)
		}
		if task.HTTP.URL != "http://localhost/other" || task.DispatchDeadline != 42*time.Second || task.Retry.MaxAttempts != 7 || task.HTTP.OIDC.Audience != "c" || !task.ScheduleTime.Equal(s.Now().Add(time.Hour)) {
			t.Errorf("%s: %+v %+v", test.name, task, task.HTTP)
		}
	}
}

// Credentials are neither on the task's page nor in the form, but are kept when the task is sent again.
func TestSecretsAreNotShown(t *testing.T) {
	t.Parallel()
	s := show(t, answer(500))
	header := map[string]string{"Authorization": "Bearer hush", "x-api-key": "hush", "X-Forwarded-User": "hush", "X-Tenant": "acme"}
	from := s.add(t, "secret", func(task *resource.Task) { task.HTTP.Header = header })
	for _, path := range []string{"/ui/" + from, "/ui/send?from=" + from} {
		page := s.get(t, path, 200)
		if strings.Contains(page, "hush") {
			t.Errorf("%s shows a secret:\n%s", path, page)
		}
		wants(t, path, page, "x-api-key", "(not shown)", "acme")
	}
	send := func(lines string) map[string]string {
		form := url.Values{"from": {from}, "queue": {queueName}, "url": {"http://localhost/x"}, "method": {"POST"}, "header": {lines}}
		to, said := s.post(t, "send", form)
		task, err := s.GetTask(t.Context(), strings.TrimPrefix(to, "/ui/"), resource.ViewFull)
		if err != nil {
			t.Fatalf("%q, %v", said, err)
		}
		delete(task.HTTP.Header, "User-Agent")
		delete(task.HTTP.Header, "Content-Type")
		return task.HTTP.Header
	}
	sent := send("Authorization: (not shown)\r\nx-api-key: (not shown)\r\nX-Forwarded-User: other\r\nX-Tenant: (not shown)")
	want := map[string]string{"Authorization": "Bearer hush", "x-api-key": "hush", "X-Forwarded-User": "other", "X-Tenant": "(not shown)"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("sent again (-want +got):\n%s", diff)
	}
}

// Errors that the handler reports are on the task's page, with the stack folded, and in the list of finished tasks.
func TestWhyAttemptsFailed(t *testing.T) {
	t.Parallel()
	const why = `boom <script>alert("1")</script>`
	definition := cloudtask.Definition{Task: (*struct{})(nil), Name: "Greet", Decode: func([]byte, any) error { return nil }}
	handler, err := cloudtask.NewHandler(cloudtask.Config{InsecureNoAuth: true, Logger: slog.New(slog.DiscardHandler)},
		definition.Route(func(ctx context.Context, _ any) error {
			if cloudtask.MetadataFrom(ctx).FirstAttempt() {
				return errors.New(why)
			}
			panic(why)
		}))
	if err != nil {
		t.Fatal(err)
	}
	s := show(t, handler.ServeHTTP)
	task := s.add(t, "fails", func(task *resource.Task) { task.Retry = &cloudtask.RetryConfig{MaxAttempts: 2} })
	if _, err := s.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	page := s.get(t, "/ui/"+task, 200)
	const escaped = "boom &lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;"
	wants(t, "task", page, "<code>"+escaped, "<code>panic: "+escaped, `<details class="stack" id="stack-2"><summary>stack</summary>`, "console_test.TestWhyAttemptsFailed.")
	if strings.Contains(page, "stack-1") || strings.Contains(page, "{&#34;status&#34;") {
		t.Errorf("the page has a stack of an error, or the answer as it came:\n%s", page)
	}
	wants(t, "finished", s.get(t, "/ui/finished", 200), "panic: boom")
}

// With many queues, the start page lists a part of them and finds others by name. Selections are limited as well.
func TestManyQueues(t *testing.T) {
	t.Parallel()
	s := show(t, answer(200))
	for i := range 1000 {
		if _, err := s.CreateQueue(t.Context(), "projects/many/locations/l", &resource.Queue{Name: fmt.Sprintf("projects/many/locations/l/queues/many-%04d", i)}); err != nil {
			t.Fatal(err)
		}
	}
	get := func(address string) string {
		t.Helper()
		return s.do(t, httptest.NewRequest("GET", "http://localhost"+address, nil), 200)
	}
	seen, next := make(map[string]bool), "/"
	for pages := 0; next != ""; pages++ {
		if pages == 20 {
			t.Fatal("the pages do not end")
		}
		page := get(next)
		rows := regexp.MustCompile(`<tr id="([^"]+)">`).FindAllStringSubmatch(page, -1)
		if len(rows) > 100 || len(rows) == 0 {
			t.Errorf("%s lists %d queues", next, len(rows))
		}
		for _, row := range rows {
			if seen[row[1]] {
				t.Errorf("%s lists %s again", next, row[1])
			}
			seen[row[1]] = true
		}
		next = ""
		if link := regexp.MustCompile(`href="([^"]+)" rel="next"`).FindStringSubmatch(page); link != nil {
			next = html.UnescapeString(link[1])
		}
	}
	for i := range 1000 {
		if name := fmt.Sprintf("projects/many/locations/l/queues/many-%04d", i); !seen[name] {
			t.Fatalf("no page lists %s", name)
		}
	}
	if page := get("/?text=MANY-0777"); !strings.Contains(page, "many-0777") || strings.Contains(page, "many-0776") {
		t.Error("a queue is not found by its name")
	}
	if page := get("/?text=nonsense"); !strings.Contains(page, "No matching queues") {
		t.Error("it is not said that there is no such queue")
	}
	for _, address := range []string{"/ui/tasks", "/ui/tasks?queue=projects/many/locations/l/queues/many-0900", "/ui/send?queue=projects/many/locations/l/queues/many-0900"} {
		page := get(address)
		if n := strings.Count(page, "many-"); n > 220 {
			t.Errorf("%s offers %d queues", address, n)
		}
		if strings.Contains(address, "0900") && !strings.Contains(page, "many-0900") {
			t.Errorf("%s does not have the queue that is chosen", address)
		}
	}
}
