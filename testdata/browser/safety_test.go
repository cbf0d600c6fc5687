package browser

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/console"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// hostile is markup that would run in any page which took it for its own.
const hostile = `</code></pre></textarea></script><script>window.ran = 1</script><img src=x onerror="window.ran = 2"><svg onload="window.ran = 3"></svg><a href="javascript:window.ran=4">x</a>{{.}}<style>*{display:none}</style>`

// A payload that is full of markup and scripts shows as text, in whatever it stands and however it comes.
func TestPayloadsAreText(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	s.status = 500
	w := s.open(t, "/ui/tasks")
	var names []string
	for id, body := range map[string]string{"text": hostile, "json": fmt.Sprintf("{%q: [%q]}", hostile, hostile)} {
		task := &resource.Task{
			Name: queueName + "/tasks/" + id, ScheduleTime: time.Now().Add(time.Hour),
			HTTP: &resource.HTTPRequest{URL: "http://localhost/tasks/" + hostile, Body: []byte(body), Header: map[string]string{"X-Markup": hostile}},
		}
		if _, err := s.CreateTask(t.Context(), queueName, task); err != nil {
			t.Fatal(err)
		}
		names = append(names, task.Name)
	}
	harmless := func(where string) {
		t.Helper()
		if got := eval[string](w, `[window.ran, document.scripts.length, document.images.length, document.querySelectorAll('style, [onerror], [onload], [href^=javascript]').length].join()`); got != ",1,0,0" {
			t.Errorf("%s: ran, scripts, images, others: %s", where, got)
		}
	}
	w.waits(`<script>window.ran = 1</script>`) // it came live
	harmless("tasks, live")
	for _, name := range names {
		w.visit("/ui/" + name)
		w.waits(`<script>window.ran = 1</script>`)
		w.waits(`<img src=x onerror=`)
		harmless(name)
		w.visit("/ui/send?from=" + name)
		if got := eval[string](w, "document.querySelector('#body').value"); !strings.Contains(got, "</textarea></script><script>") {
			t.Errorf("the form has %q", got)
		}
		harmless("the form")
	}
	w.visit("/ui/tasks?text=" + "%3Cscript%3Ewindow.ran=1%3C/script%3E&type=%22%3E%3Cscript%3Ewindow.ran=1%3C/script%3E")
	harmless("the filter")
	// Were any of it to become a part of a page, it would not run: the policy allows the page's own script only.
	w = s.openBlank(t)
	w.visit("/ui/tasks")
	eval[any](w, fmt.Sprintf(`(document.querySelector('main').innerHTML = %q), null`, hostile))
	eval[any](w, `(() => { const e = document.createElement('script'); e.textContent = 'window.ran = 6'; document.body.append(e); })(), null`)
	eval[any](w, `new Promise((ok) => setTimeout(ok, 200)).then(() => null)`)
	w.click("x")
	if got := eval[string](w, "String(window.ran)"); got != "undefined" {
		t.Errorf("the policy allowed script %s", got)
	}
}

// A page of another origin can neither act nor read, and a name of another's for this machine is not answered.
func TestOthersAreKeptOut(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	task := s.add(t, "a", time.Hour)
	evil := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(rw, fmt.Sprintf(`<!doctype html><title>evil</title>
			<form id="f" method="post" action="%[1]s/ui/do/purge"><input name="queue" value="%[2]s"></form><p id="said"></p>`, s.url, queueName))
	}))
	defer evil.Close()
	w := s.openBlank(t)
	attack := func(origin string) {
		t.Helper()
		w.navigate(origin)
		for _, call := range []string{
			`fetch(%[1]q + '/ui/do/purge', {method: 'POST', mode: 'no-cors', body: new URLSearchParams({queue: %[2]q})})`,
			`fetch(%[1]q + '/ui/do/delete', {method: 'POST', mode: 'no-cors', credentials: 'include', body: new URLSearchParams({task: %[2]q + '/tasks/a'})})`,
			`fetch(%[1]q + '/ui/tasks')`,
			`new Promise((ok, no) => { const e = new EventSource(%[1]q + '/ui/live?view=/ui/tasks'); e.addEventListener('live', (m) => ok(m.data)); e.onerror = no; })`,
		} {
			got := eval[string](w, fmt.Sprintf(call, s.url, queueName)+`.then((r) => r.type === 'opaque' ? 'sent' : 'read', () => 'refused')`)
			if got == "read" {
				t.Errorf("%s: %s", call, got)
			}
		}
		w.navigate(origin)
		eval[any](w, `document.getElementById('f').submit(), null`)
		w.waits("a web page of another site made the request")
		if got := s.state(t, task); got != "scheduled" {
			t.Fatalf("a page of %s has acted: the task is %s", origin, got)
		}
	}
	attack(evil.URL)
	attack(strings.Replace(evil.URL, "127.0.0.1", "evil.example", 1))
	w.navigate(strings.Replace(s.url, "127.0.0.1", "evil.example", 1) + "/ui/tasks") // as after DNS rebinding
	w.waits("evil.example")
	w.waits("could be the name of a web page that has been given this machine's address")
	if strings.Contains(w.text(), "Greet") {
		t.Errorf("it is:\n%s", w.text())
	}
	w.navigate(strings.Replace(s.url, "127.0.0.1", "localhost", 1) + "/ui/tasks")
	w.waits("Greet")
	// No page may hold this one in a frame, to have clicks meant for another fall on it.
	w.navigate(evil.URL)
	eval[any](w, fmt.Sprintf(`(document.body.innerHTML = '<iframe src="%s/ui/tasks"></iframe>'), null`, s.url))
	w.until(`(() => { try { return frames[0].location.href === 'chrome-error://chromewebdata/' || frames[0].document === null } catch { return true } })()`)
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := serve(t, false, console.WithReadOnly())
	task := s.add(t, "a", 0)
	w := s.open(t, "/")
	for _, path := range []string{"/", "/ui/tasks", "/ui/" + queueName, "/ui/" + task, "/ui/finished"} {
		w.visit(path)
		w.waits("read-only")
		if n := eval[int](w, "document.querySelectorAll('form[method=post]').length"); n != 0 {
			t.Errorf("%s has %d forms that act", path, n)
		}
	}
}
