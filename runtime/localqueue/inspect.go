package localqueue

import (
	"context"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Inspection is all that is known of a task.
type Inspection struct {
	Summary
	Task     *resource.Task // as stored, with the body
	Attempts []PastAttempt  // that have ended and are remembered, oldest first
	Queue    QueueOverview
	Retry    cloudtask.RetryConfig // the task's own settings, else the queue's, with defaults filled in

	// NameKept is for how long the task's name stays taken after the task is gone, and NameFree when that ends for one
	// that is gone: the zero time if no task is kept from having its name. See [WithTombstones].
	NameKept time.Duration
	NameFree time.Time

	// Of a task that is there.

	Began  time.Time // the attempt that is running
	Reason Reason    // why the next attempt is when it is
	Before int       // tasks that are due before it, if it is due; counted up to MaxDue
	Ahead  []Backoff // what follows if attempts fail from now on; 100 at most
}

// Reason is why a task's next attempt is when it is.
type Reason int

const (
	ReasonCreated    Reason = iota // its creator said so, or said nothing, which means at once
	ReasonBackoff                  // the back-off after the last attempt that failed
	ReasonRetryAfter               // the last response asked for more than the back-off
	ReasonFault                    // it is late on purpose, by a fault
)

// Backoff is what follows when an attempt fails.
type Backoff struct {
	Attempt int           // its number
	Wait    time.Duration // until the next attempt; Last: none
	Last    bool          // the task is given up
}

const maxAhead = 100

// Inspect returns what is known of the task, which may be gone and remembered. See [WithHistory].
func (s *Service) Inspect(ctx context.Context, name string) (out *Inspection, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	parent, id, err := resource.ParseTaskName(name)
	if err != nil {
		return nil, err
	}
	q := s.look(parent)
	if q == nil {
		return nil, resource.QueueMissing()
	}
	overview := q.overview()
	q.mu.Lock()
	defer q.mu.Unlock()
	now := s.nanos()
	c, found := q.lookUp(id, now)
	if !found {
		if q.gone.has(id, now) {
			return nil, resource.TaskGone()
		}
		return nil, resource.NotFound()
	}
	out = &Inspection{Summary: c.summary(), Task: q.view(c.t, resource.ViewFull), Queue: overview}
	if q.past != nil {
		for _, m := range q.past.attempts(c.t) {
			out.Attempts = append(out.Attempts, m.public())
		}
	}
	out.NameKept = time.Duration(max(0, q.gone.window))
	if free, taken := q.gone.expires[id]; taken && free > now {
		out.NameFree = nanoTime(free)
	}
	out.Retry = q.settings.Retry
	if out.Task.Retry != nil {
		out.Retry = resource.RetryDefaults(*out.Task.Retry)
	}
	if c.ended == nil {
		q.prospects(c.t, out, now)
	} else if out.Last != nil {
		out.Attempts = append(out.Attempts, *out.Last)
	}
	return out, nil
}

// lookUp returns the task of that id, or else the last to end of those that are remembered.
func (q *queue) lookUp(id string, now int64) (c candidate, found bool) {
	if t := q.tasks[id]; t != nil {
		return q.candidate(t, position{}, now), true
	}
	if q.past == nil {
		return c, false
	}
	var last uint64
	for kind := range q.past.shelves {
		for _, e := range q.past.shelves[kind].all() {
			if e.t.id == id && e.number > last {
				last = e.number
				c = candidate{q: q, t: e.t, schedule: e.t.schedule, attempts: e.t.dispatches, kind: EventKind(kind), ended: &e}
			}
		}
	}
	return c, last != 0
}

// prospects says what is to come for t, which is there.
func (q *queue) prospects(t *task, out *Inspection, now int64) {
	retry := out.Retry
	if t.attempt != nil {
		out.Began = nanoTime(t.attempt.began)
	}
	if _, late := q.late[t]; late {
		out.Reason = ReasonFault
	} else if t.previous != 0 {
		out.Reason = ReasonBackoff
		if n := len(out.Attempts); n > 0 && !t.running && out.Attempts[n-1].Number == int(t.dispatches) {
			last := out.Attempts[n-1]
			from := last.Began
			if !last.Forced {
				from = from.Add(last.Duration)
			}
			if out.Scheduled.Sub(from) > resource.Backoff(retry, last.Number)+time.Millisecond {
				out.Reason = ReasonRetryAfter
			}
		}
	}
	if out.State == TaskDue {
		out.Before = q.waiting.before(waiting{t.schedule, t.seq, t})
	}
	number, first, at := int(t.dispatches)+1, t.schedule, max(t.schedule, now)
	if t.history != nil {
		first = t.history.first
	}
	if t.running {
		number, at = number-1, now
	}
	for ; len(out.Ahead) < maxAhead; number++ {
		b := Backoff{Attempt: number, Wait: resource.Backoff(retry, number), Last: resource.Exhausted(retry, number, time.Duration(at-first))}
		if b.Last {
			b.Wait = 0
		}
		out.Ahead = append(out.Ahead, b)
		if b.Last {
			return
		}
		at += int64(b.Wait)
	}
}
