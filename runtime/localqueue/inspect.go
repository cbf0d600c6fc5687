package localqueue

import (
	"context"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Inspection is everything that is known about a task.
type Inspection struct {
	Summary
	Task     *resource.Task // as stored, with the body
	Attempts []PastAttempt  // that have ended and are remembered, oldest first
	Queue    QueueOverview
	Retry    cloudtask.RetryConfig // the task's own settings, else the queue's, with defaults filled in

	// NameKept is how long the task's name stays taken after the task is gone. NameFree is when the name of a gone task becomes
	// free; the zero time if it is free. See [WithTombstones].
	NameKept time.Duration
	NameFree time.Time

	// Of a task that is not gone.

	Began  time.Time // the attempt that is running
	Reason Reason    // for the time of the next attempt
	Before int       // tasks that are due before it, if it is due; counted up to MaxDue
	Ahead  []Backoff // the next attempts if each of them fails; at most 100
}

// Reason is the reason for the time of a task's next attempt.
type Reason int

// The reasons.
const (
	ReasonCreated    Reason = iota // its schedule time, or at once without one
	ReasonBackoff                  // the back-off after the last attempt that failed
	ReasonRetryAfter               // the last response's Retry-After was longer than the back-off
	ReasonFault                    // a fault makes it late
)

// Backoff is what happens after an attempt that fails.
type Backoff struct {
	Attempt int           // its number
	Wait    time.Duration // until the next attempt; 0 if it is the last
	Last    bool          // the task is given up
}

const maxAhead = 100

// Inspect returns what is known about a task, even one that is gone but remembered. See [WithHistory].
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

// lookUp returns the task with an id, or else the remembered task with that id that ended last.
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

// prospects adds what is to come for a task that is not gone.
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
