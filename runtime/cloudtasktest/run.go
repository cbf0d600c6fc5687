package cloudtasktest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// maxChain is how long a chain of tasks that enqueue one another, or of a task's attempts, may become before it is taken
// for endless.
const maxChain = 100_000

// RunNext moves the queue's clock to the next attempt, makes it and returns it. The test fails if nothing waits for one.
func (q *Queue) RunNext() Attempt {
	q.t.Helper()
	attempts := q.run(func(ctx context.Context) (int, error) {
		ran, err := q.Service.RunNext(ctx)
		if err == nil && !ran {
			q.t.Helper()
			q.t.Fatalf("cloudtasktest: RunNext: no task waits for an attempt")
		}
		return 1, err
	})
	return attempts[len(attempts)-1]
}

// RunAll makes attempts until no task is left, moving the queue's clock from one to the next, and returns them in the
// order in which they ended: those of tasks that tasks enqueue, retries and tasks of any ETA included. Tasks of paused
// queues stay.
func (q *Queue) RunAll() []Attempt {
	q.t.Helper()
	return q.run(q.Service.RunUntilIdle)
}

// RunFor moves the queue's clock by d, makes the attempts that are due until then and returns them in the order in which
// they ended. RunFor(0) makes those that are due now, as far as the queues' rates allow.
func (q *Queue) RunFor(d time.Duration) []Attempt {
	q.t.Helper()
	return q.run(func(ctx context.Context) (int, error) { return q.Service.RunFor(ctx, d) })
}

// run returns the attempts that do makes.
func (q *Queue) run(do func(ctx context.Context) (attempts int, err error)) []Attempt {
	q.t.Helper()
	ctx, cancel := context.WithCancel(q.t.Context())
	defer cancel()
	q.mu.Lock()
	target, before := q.target, len(q.attempts)
	if q.endless == nil {
		q.endless = cancel
		defer q.finish()
	}
	q.mu.Unlock()
	if target == nil {
		q.t.Fatalf("cloudtasktest: there is nothing that runs tasks: give New or Handle the routes, or DeliverTo a handler")
	}
	made, err := do(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.chained > q.maxChain:
		q.t.Fatalf("cloudtasktest: there is no end: %d tasks have enqueued one another, or one has as many attempts; the last attempts "+
			"were:%s", q.maxChain, q.lastAttempts())
	case errors.Is(err, localqueue.ErrRunning):
		q.t.Fatalf("cloudtasktest: tasks are being run already: a task cannot run others, and one goroutine at a time can run them")
	case err != nil:
		q.t.Fatalf("cloudtasktest: running tasks: %v", err)
	}
	// What an attempt led to may still be on its way, by a goroutine that enqueues at the same time.
	for len(q.attempts) < before+made {
		q.ended.Wait()
	}
	return values(q.attempts[before:])
}

// finish ends what run began.
func (q *Queue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endless = nil
}

// link takes note that t is attempted, and ends a run that goes on and on.
func (q *Queue) link(t *Task, attempt int) {
	q.attempted = t
	q.chained = max(t.chain, attempt)
	if q.chained > q.maxChain && q.endless != nil {
		q.endless()
	}
}

// lastAttempts lists the attempts that ended last for a message.
func (q *Queue) lastAttempts() string {
	var list strings.Builder
	for _, a := range q.attempts[max(0, len(q.attempts)-5):] {
		list.WriteString("\n\t" + a.String())
	}
	return list.String()
}

// observe takes note of what happens to tasks.
func (q *Queue) observe(e localqueue.Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.byName[e.Task]
	if t == nil {
		t = q.addTask(e.Task)
	}
	switch e.Kind {
	case localqueue.TaskCreated:
		if t.announced { // that one is gone, and its name has become free since
			t = q.addTask(e.Task)
		}
		if t.announced = true; t.sent == nil {
			t.Name, t.next = rules.Last(e.URL), e.Next
		}
	case localqueue.TaskDispatched:
		t.running = true
		q.link(t, e.Attempt)
	case localqueue.TaskSucceeded, localqueue.TaskRetried, localqueue.TaskExhausted:
		q.conclude(t, e)
	case localqueue.TaskDeleted, localqueue.TaskPurged, localqueue.TaskExpired:
		q.tell(t, deleted, nil)
		if t.running { // whatever comes of its attempt has no effect, and is not told
			q.conclude(t, e)
		}
		t.outcome, t.next = Deleted, time.Time{}
	}
}

// conclude takes note of an attempt that ended.
func (q *Queue) conclude(t *Task, e localqueue.Event) {
	key := attemptKey{t.Queue, t.TaskID, e.Attempt}
	var info runInfo
	if run := q.runs[key]; run != nil {
		info = *run
		delete(q.runs, key)
	}
	a := &Attempt{
		Name: t.Name, TaskID: t.TaskID, Queue: t.Queue, Number: e.Attempt, At: e.Time.Add(-e.Duration), Took: e.Duration,
		Status: e.Status, Next: e.Next, Err: info.err, stack: info.stack,
	}
	switch e.Kind {
	case localqueue.TaskSucceeded:
		a.Outcome, t.outcome = Executed, Executed
		if info.discarded || saysDiscarded(e.Response) {
			a.Outcome, t.outcome = Discarded, Discarded
		}
	case localqueue.TaskRetried:
		a.Outcome, t.outcome = Failed, Waiting
	case localqueue.TaskExhausted:
		a.Outcome, t.outcome = Exhausted, Exhausted
	default:
		a.Outcome = Deleted
	}
	if a.Err == nil && (a.Outcome == Failed || a.Outcome == Exhausted) {
		a.Err = answered(e)
	}
	t.next = e.Next
	t.attempts = append(t.attempts, a)
	q.attempts = append(q.attempts, a)
	q.tell(t, attempted, a)
	t.running, q.attempted = false, nil
	q.ended.Broadcast()
}

// answered returns an error that says what the handler answered.
func answered(e localqueue.Event) error {
	switch {
	case e.Err != nil:
		return e.Err
	case e.Status == http.StatusUnauthorized:
		return fmt.Errorf("answered 401 %s: make the handler with the queue's Config, which trusts its tokens", e.Response)
	case len(e.Response) == 0:
		return fmt.Errorf("answered %d", e.Status)
	}
	return fmt.Errorf("answered %d %s", e.Status, e.Response)
}
