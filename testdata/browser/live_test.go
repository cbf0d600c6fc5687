package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Two windows stay in step, with each other and with the queue, and neither is loaded anew.
func TestTwoWindows(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	windows := s.openTwo(t, "/")
	for _, w := range windows {
		eval[any](w, "(window.same = true), null")
		w.connected()
	}
	windows[0].click("Pause emails")
	for _, w := range windows {
		w.until("document.querySelector('.pill.paused')")
	}
	task := s.add(t, "a", 0)
	for _, w := range windows {
		w.waits("1 due")
	}
	windows[1].click("Resume emails")
	for _, w := range windows {
		w.until("!document.querySelector('.pill.paused')")
		w.waits("1 done")
	}
	if got := s.state(t, task); got != "succeeded" {
		t.Errorf("the task is %s", got)
	}
	for _, w := range windows {
		if !eval[bool](w, "window.same === true") {
			t.Error("the page was loaded anew")
		}
	}
}

// What somebody does in a page is not disturbed by what is new in it.
func TestLiveDisturbsNobody(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	for i := range 5 {
		s.add(t, fmt.Sprint("first-", i), time.Hour)
	}
	w := s.open(t, "/ui/tasks?order=newest")
	w.connected()
	// The focus stays on the row, though others come before it, and what is typed stays, although it is not sent.
	eval[any](w, "document.querySelector('a[href$=first-2]').focus(), null")
	s.add(t, "second", time.Hour)
	w.waits("second")
	if got := eval[string](w, "document.activeElement.getAttribute('href')"); !strings.HasSuffix(got, "first-2") {
		t.Errorf("the focus is on %q", got)
	}
	// A list does not move under the pointer.
	at := eval[[]float64](w, "(() => { const r = document.querySelector('a[href$=first-3]').getBoundingClientRect(); return [r.x + 5, r.y + 5] })()")
	w.do(chromedp.MouseEvent("mouseMoved", at[0], at[1]))
	s.add(t, "third", time.Hour)
	w.waits("Held")
	if strings.Contains(w.text(), "third") {
		t.Error("the list has moved")
	}
	w.do(chromedp.MouseEvent("mouseMoved", 5, 600))
	w.waits("third")
	// Live can be turned off.
	w.press("l")
	w.waits("Live off")
	s.add(t, "fourth", time.Hour)
	time.Sleep(300 * time.Millisecond)
	if strings.Contains(w.text(), "fourth") {
		t.Error("it is live")
	}
	w.click("Live off")
	w.waits("fourth")
}

func TestFilter(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	for i := range 120 {
		s.add(t, fmt.Sprintf("task-%03d", i), time.Duration(i+1)*time.Hour)
	}
	w := s.open(t, "/ui/tasks")
	rows := func(want int, first string) {
		t.Helper()
		w.until(fmt.Sprintf("document.querySelectorAll('.list tbody tr').length === %d", want))
		w.until(fmt.Sprintf("document.querySelector('.list tbody tr').innerText.includes(%q)", first))
	}
	rows(50, "task-000")
	w.click("Next page")
	rows(50, "task-050")
	w.click("Next page")
	rows(20, "task-100")
	w.click("First page")
	rows(50, "task-000")
	w.connected()
	w.press("/")
	w.press("task-11")
	rows(10, "task-110")
	w.fill("Text", "")
	rows(50, "task-000")
	eval[any](w, "(document.querySelector('select[name=order]').value = 'newest', document.querySelector('select[name=order]').dispatchEvent(new Event('input', {bubbles: true}))), null")
	rows(50, "task-119")
	if got := eval[string](w, "location.search"); got != "?order=newest" {
		t.Errorf("the address has %q", got)
	}

	// An answer that comes after the one to a later question does not take its place.
	eval[any](w, `(() => {
		const real = fetch;
		let asked = 0;
		window.fetch = (...of) => real(...of).then((answer) => new Promise((go) => setTimeout(() => go(answer), asked++ ? 0 : 1500)));
		for (const text of ['task-10', 'task-11']) {
			document.querySelector('#search').value = text;
			document.querySelector('#filter').requestSubmit();
		}
		setTimeout(() => { document.body.dataset.late = ''; }, 2000);
		return null;
	})()`)
	w.until("'late' in document.body.dataset")
	rows(10, "task-119")

	w.visit("/ui/tasks?state=running")
	w.waits("No matching tasks")
	w.visit("/ui/tasks?type=Greet&state=scheduled&queue=" + queueName)
	rows(50, "task-000")
}

// A search among more tasks than are looked at in one go goes on until it has found something, or there is no more.
func TestSearchGoesOn(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	for i := range 60_000 {
		task := &resource.Task{ScheduleTime: time.Now().Add(time.Hour + time.Duration(i)*time.Second), HTTP: &resource.HTTPRequest{URL: "http://localhost/tasks/Greet"}}
		if i == 55_000 {
			task.HTTP.Body = []byte("needle")
		}
		if _, err := s.CreateTask(t.Context(), queueName, task); err != nil {
			t.Fatal(err)
		}
	}
	w := s.open(t, "/ui/tasks?text=needle")
	w.until("document.querySelectorAll('.list tbody tr').length === 1")
	w.visit("/ui/tasks?text=haystack")
	w.waits("Searched 60,000 tasks")
	w.waits("No matching tasks")
}

func TestKeyboard(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	for i := range 3 {
		s.add(t, fmt.Sprint("t", i), time.Hour+time.Duration(i)*time.Minute)
	}
	w := s.open(t, "/")
	w.connected()
	w.press(kb.Tab)
	if got := eval[string](w, "document.activeElement.textContent"); got != "Skip to content" {
		t.Errorf("the first stop is %q", got)
	}
	w.press(kb.Enter)
	w.until("document.activeElement.id === 'main' || location.hash === '#main'")
	w.press("t")
	w.until("location.pathname === '/ui/tasks'")
	w.waits("t2")
	w.connected()
	w.press("j")
	w.press("j")
	w.press("k")
	w.press("j")
	w.press("r")
	w.waits("Running task t1.")
	w.eventually("it is delivered", func() bool { return len(s.handled()) == 1 })
	w.until("document.querySelectorAll('.list tbody tr').length === 2")
	w.press("r") // with no task chosen, none is run
	w.press("/")
	w.until("document.activeElement.id === 'search'")
	w.press("rqt") // no keys but letters here
	w.waits("No matching tasks")
	w.visit("/ui/tasks")
	w.connected()
	w.press("?")
	w.until("document.querySelector('#keys').open")
	w.click("Enable single-key shortcuts")
	w.press(kb.Escape)
	w.until("!document.querySelector('#keys').open")
	w.press("q")
	w.press("f")
	time.Sleep(200 * time.Millisecond)
	if got := eval[string](w, "location.pathname"); got != "/ui/tasks" {
		t.Errorf("a key that is off leads to %s", got)
	}
	// With the tabulator alone, to a task and to what it has.
	w.do(chromedp.Focus(chromedp.CSS("[data-row]")))
	w.press(kb.Enter)
	w.waits("Send again…")
	w.do(chromedp.Focus(chromedp.CSS("a[data-ask]")))
	w.press(kb.Enter)
	w.waits("Delete this task?")
	if got := eval[string](w, "document.activeElement.textContent"); got != "Cancel" {
		t.Errorf("the question's focus is on %q", got)
	}
	w.press(kb.Enter)
	w.until("!document.querySelector('dialog[open]')")
	if found, err := s.Browse(t.Context(), localqueue.Browse{}); err != nil || len(found.Tasks) != 2 {
		t.Errorf("%v, %v: want two tasks", found, err)
	}
}
