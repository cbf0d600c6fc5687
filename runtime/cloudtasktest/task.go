package cloudtasktest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Task is a task that was enqueued.
type Task struct {
	cloudtask.Receipt // as the enqueue returned it: id, queue, ETA, propagated headers

	Name       string        // of its type, as in its URL
	EnqueuedAt time.Time     // on the queue's clock
	AllHeaders http.Header   // of its request, as far as the program set them
	Timeout    time.Duration // the dispatch deadline
	Body       []byte        // the payload's JSON; do not change it

	q         *Queue
	sent      *cloudtask.Task // as stored, with its body; nil: its enqueue has not returned yet
	announced bool            // the queue service has told of it
	running   bool            // an attempt is
	chain     int             // how many tasks have led to it, one by one
	outcome   Outcome
	next      time.Time
	attempts  []*Attempt
}

// Outcome is what has become of a task, or of one attempt.
type Outcome string

// The outcomes.
const (
	Waiting   Outcome = "waiting"   // of tasks: for its time, its turn or its next attempt
	Executed  Outcome = "executed"  // Run returned no error; the task is gone
	Discarded Outcome = "discarded" // Run returned an error made by cloudtask.Discard; the task is gone
	Failed    Outcome = "failed"    // of attempts: it failed, and another follows
	Exhausted Outcome = "exhausted" // the last attempt failed, and the task is gone without having been done
	Deleted   Outcome = "deleted"   // by a Discard function, with its queue or because of its age; of attempts: meanwhile
)

// Attempt is one attempt of a task that has ended.
type Attempt struct {
	Name    string // of the task's type
	TaskID  string
	Queue   string        // id
	Number  int           // from 1
	At      time.Time     // when it began, on the queue's clock
	Took    time.Duration // on the queue's clock
	Outcome Outcome
	Status  int       // of the handler's answer; 0 if none came
	Next    time.Time // when the next attempt is due; zero: there is none

	// Err is why it failed or was discarded: it wraps the error that Run returned, where the handler runs in this process
	// and logs to the Logger of the queue's Config, and says what was answered elsewhere.
	Err error

	stack string // of a panic
}

// String says what became of the attempt in one line.
func (a Attempt) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s attempt %d: %s", a.Name, a.TaskID, a.Number, a.Outcome)
	if a.Status != 0 {
		fmt.Fprintf(&b, ", HTTP %d", a.Status)
	}
	if a.Err != nil {
		fmt.Fprintf(&b, ", %v", a.Err)
	}
	if !a.Next.IsZero() {
		fmt.Fprintf(&b, "; the next in %v", a.Next.Sub(a.At.Add(a.Took)).Round(time.Microsecond))
	}
	return b.String()
}

// Outcomes returns the attempts' outcomes.
func Outcomes(attempts []Attempt) []Outcome {
	outcomes := make([]Outcome, len(attempts))
	for i, a := range attempts {
		outcomes[i] = a.Outcome
	}
	return outcomes
}

func values(attempts []*Attempt) []Attempt {
	values := make([]Attempt, len(attempts))
	for i, a := range attempts {
		values[i] = *a
	}
	return values
}

// Delay returns how long after its enqueue the task was to run, to the microsecond; 0: as soon as possible.
func (t *Task) Delay() time.Duration {
	return max(0, t.ETA.Sub(t.EnqueuedAt.Truncate(time.Microsecond)))
}

// Outcome returns what has become of the task.
func (t *Task) Outcome() Outcome {
	t.q.mu.Lock()
	defer t.q.mu.Unlock()
	return t.outcome
}

// Attempts returns the attempts of the task that have ended, oldest first.
func (t *Task) Attempts() []Attempt {
	t.q.mu.Lock()
	defer t.q.mu.Unlock()
	return values(t.attempts)
}

// Next returns when the task's next attempt is due; the zero time if there will be none.
func (t *Task) Next() time.Time {
	t.q.mu.Lock()
	defer t.q.mu.Unlock()
	return t.next
}

// String names the task and its queue.
func (t *Task) String() string { return t.Name + " " + t.TaskID + " in " + t.Queue }

// Want fails the test unless the task's outcome is this one.
func (t *Task) Want(tb TB, outcome Outcome) {
	tb.Helper()
	if got := t.Outcome(); got != outcome {
		tb.Errorf("%v is %s, want %s%s", t, got, outcome, t.history())
	}
}

// WantWaiting fails the test unless the task is waiting, and its next attempt is due at that time, to the microsecond.
func (t *Task) WantWaiting(tb TB, until time.Time) {
	tb.Helper()
	t.Want(tb, Waiting)
	next := t.Next()
	if got, want := next.Truncate(time.Microsecond), until.Truncate(time.Microsecond); !next.IsZero() && !got.Equal(want) {
		now := t.q.Now().Truncate(time.Microsecond)
		tb.Errorf("%v waits for %v more, want %v%s", t, got.Sub(now), want.Sub(now), t.history())
	}
}

// history lists the task's attempts for a message.
func (t *Task) history() string {
	attempts := t.Attempts()
	if len(attempts) == 0 {
		return "; it was not attempted"
	}
	var b strings.Builder
	b.WriteString("; its attempts were:")
	for i, a := range attempts {
		if skipped := len(attempts) - 20; i == 10 && skipped > 0 {
			fmt.Fprintf(&b, "\n\t… %d more …", skipped)
		}
		if i < 10 || i >= len(attempts)-10 {
			b.WriteString("\n\t" + a.String())
		}
	}
	return b.String()
}

// Task returns the task of a receipt. The test fails if it was not enqueued in this queue.
func (q *Queue) Task(receipt cloudtask.Receipt) *Task {
	q.t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range slices.Backward(q.tasks) {
		if t.TaskID == receipt.TaskID && t.Queue == receipt.Queue {
			return t
		}
	}
	q.t.Fatalf("cloudtasktest: task %q of queue %q was not enqueued here", receipt.TaskID, receipt.Queue)
	return nil
}

// Tasks returns all tasks that were enqueued since the last [Queue.Forget], oldest first, whatever has become of them.
func (q *Queue) Tasks() []*Task {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.tasks[q.forgotten:])
}

// Forget makes assertions about what was enqueued start anew: they do not see the tasks that there are. The tasks
// themselves stay where they are.
func (q *Queue) Forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.forgotten = len(q.tasks)
}
