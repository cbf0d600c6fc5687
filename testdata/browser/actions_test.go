package browser

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// Every action is clicked, and has its effect on the queue.
func TestActionsOfQueues(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	w := s.open(t, "/")
	state := func() string {
		q, err := s.GetQueue(t.Context(), queueName)
		if err != nil {
			t.Fatal(err)
		}
		return q.State.String()
	}
	w.click("Pause emails")
	w.waits("Paused queue emails.")
	if got := state(); got != "PAUSED" {
		t.Errorf("after Pause: %s", got)
	}
	task := s.add(t, "a", 0)
	s.add(t, "b", 0)
	s.add(t, "later", time.Hour)
	w.waits("2 due")

	w.click("Purge emails")
	w.waits("Purge emails?")
	w.waits("3 waiting tasks will be deleted")
	w.click("Cancel")
	w.until("!document.querySelector('dialog[open]')")
	w.click("Purge emails")
	w.waits("Purge emails?")
	w.press(kb.Escape)
	w.until("!document.querySelector('dialog[open]')")
	if got := s.state(t, task); got != "due" {
		t.Errorf("after a purge that was not wanted: %s", got)
	}

	w.click("emails")
	w.waits("Recently finished")
	w.click("Run due tasks")
	w.waits("Running 2 tasks.")
	w.eventually("both are delivered", func() bool { return len(s.handled()) == 2 })
	w.click("Resume")
	w.waits("Resumed queue emails.")
	if got := state(); got != "RUNNING" {
		t.Errorf("after Resume: %s", got)
	}
	w.click("Purge…")
	w.waits("1 waiting task will be deleted")
	w.click("Purge queue")
	w.waits("Purged queue emails")
	w.waits("No tasks are waiting in this queue.")
	if got := s.state(t, queueName+"/tasks/later"); got != "purged" {
		t.Errorf("after Purge: %s", got)
	}

	w.click("Fault injection")
	w.fill("Delivered twice", "50")
	w.fill("First attempts failed", "1")
	w.fill("Failure status", "503")
	w.click("Set faults")
	w.waits("Set the faults.")
	want := map[string]localqueue.Faults{queueName: {Twice: 0.5, FailFirst: 1, FailStatus: 503}}
	if diff := cmp.Diff(want, s.Faults()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	w.fill("Delivered twice", "a lot")
	w.click("Set faults")
	w.waits(`Delivered twice: "a lot" is not a percentage`)
	w.click("Clear faults")
	w.waits("Cleared the faults.")
	if len(s.Faults()) != 0 {
		t.Errorf("faults: %v", s.Faults())
	}
}

func TestActionsOfTasks(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	s.status = 500
	w := s.open(t, "/ui/tasks")
	task := s.add(t, "one", time.Hour)
	other := s.add(t, "other", 2*time.Hour)
	w.click("Run Greet one now")
	w.waits("Running task one.")
	w.waits("retrying")
	w.click("Greet one")
	w.waits("500 Internal Server Error")
	w.waits("run manually")
	w.waits("(backoff)")
	w.click("Run now")
	w.waits("Attempt 2")
	w.eventually("it is delivered again", func() bool { return len(s.handled()) == 2 })
	w.until("document.querySelectorAll('.timeline li.failed').length === 2")

	w.click("Send again…")
	w.waits("Send again")
	w.fill("Payload", `{"id": "changed"}`)
	w.fill("URL", "http://localhost/tasks/Other")
	w.click("Enqueue")
	w.waits("Enqueued the task.")
	w.eventually("the new task is delivered", func() bool { return len(s.handled()) == 3 })
	if got := s.handled()[2]; got != `/tasks/Other {"id": "changed"}` {
		t.Errorf("delivered %q", got)
	}
	if got := s.state(t, task); got != "retrying" {
		t.Errorf("the task that was sent again is %s", got)
	}

	w.visit("/ui/" + other)
	w.click("Delete…")
	w.waits("Delete this task?")
	w.click("Cancel")
	if got := s.state(t, other); got != "scheduled" {
		t.Errorf("after a deletion that was not wanted: %s", got)
	}
	w.click("Delete…")
	w.click("Delete task")
	w.waits("Deleted task other.")
	if got := s.state(t, other); got != "deleted" {
		t.Errorf("after Delete: %s", got)
	}
	w.until("document.querySelector('.pill.deleted')")

	w.visit("/ui/send")
	w.fill("URL", "nowhere")
	w.fill("Payload", "not to be lost")
	w.click("Enqueue")
	w.waits("HttpTarget.url must start with")
	if got := eval[string](w, "document.querySelector('#body').value"); got != "not to be lost" {
		t.Errorf("the form has %q", got)
	}
	w.fill("URL", "http://localhost/tasks/Once")
	eval[bool](w, "[1, 2, 3].every(() => { document.querySelector('#send').requestSubmit(); return true; })")
	w.waits("Enqueued the task.")
	if found, err := s.Browse(t.Context(), localqueue.Browse{Type: "Once"}); err != nil || len(found.Tasks) != 1 {
		t.Errorf("three clicks on Enqueue: %d tasks, %v", len(found.Tasks), err)
	}
}

func TestVirtualClock(t *testing.T) {
	t.Parallel()
	s := serve(t, false)
	s.add(t, "now", 0)
	s.add(t, "soon", 30*time.Second)
	s.add(t, "hour", time.Hour)
	s.add(t, "week", 7*24*time.Hour)
	w := s.open(t, "/")
	w.waits("Sun 2026-03-01 12:00:00")
	for _, step := range []struct {
		click, said string
		handled     int
		now         time.Duration
	}{
		{"Run due tasks", "Made 1 attempt.", 1, 0},
		{"Next attempt", "Made 1 attempt.", 2, 30 * time.Second},
		{"+1 min", "Made 0 attempts.", 2, 90 * time.Second},
		{"+1 h", "Made 1 attempt.", 3, time.Hour + 90*time.Second},
		{"+1 day", "Made 0 attempts.", 3, 25*time.Hour + 90*time.Second},
	} {
		w.click(step.click)
		w.waits(step.said + " It is now " + start.Add(step.now).Format("2006-01-02 15:04:05 UTC"))
		if n := len(s.handled()); n != step.handled || !s.Now().Equal(start.Add(step.now)) {
			t.Errorf("%s: %d delivered, and it is %v", step.click, n, s.Now())
		}
	}
	w.fill("Advance the clock by a duration", "90s")
	w.click("Advance")
	w.waits("Made 0 attempts. It is now 2026-03-02 13:03:00 UTC.")
	w.click("Run until idle")
	w.waits("Made 1 attempt.")
	if n := len(s.handled()); n != 4 {
		t.Errorf("%d delivered", n)
	}
}

// Without its script the page does the same, only that it is loaded anew.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	s := serve(t, true)
	task := s.add(t, "a", time.Hour)
	w := s.open(t, "/")
	w.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	w.visit("/")
	w.waits("UTC") // times are as the server tells them
	w.click("Pause emails")
	w.waits("Paused queue emails.")
	w.click("Purge emails")
	w.waits("Purge emails?")
	w.click("Cancel")
	w.until("!document.querySelector('dialog[open]')")
	if got := s.state(t, task); got != "scheduled" {
		t.Errorf("after a purge that was not wanted: %s", got)
	}
	w.click("Purge emails")
	w.click("Purge queue")
	w.waits("Purged queue emails")
	if got := s.state(t, task); got != "purged" {
		t.Errorf("after Purge: %s", got)
	}
	w.visit("/ui/finished")
	w.fill("Text", "nothing like it")
	w.click("Apply")
	w.waits("No matching tasks")
	w.fill("Text", "greet")
	w.click("Apply")
	w.click("Greet a")
	w.waits("Purged with its queue")
}
