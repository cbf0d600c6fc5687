package localqueue

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Overview is the state of a service at a glance.
type Overview struct {
	Now     time.Time
	Virtual bool            // the clock is
	Queues  []QueueOverview // by name
	Defined []string        // ids of queues that exist in every project and location, sorted: Queues has those in use
	History int             // of [WithHistory]
}

// QueueOverview is the state of a queue.
type QueueOverview struct {
	Queue
	Waiting int       // tasks that are there and not running
	Due     int       // of these, tasks whose time has come; counted up to MaxDue
	Running int       // attempts
	Failing int       // tasks that are there and have failed
	Ended   int       // tasks that are remembered
	Next    time.Time // when the first of Waiting is due; zero: there is none
	Hold    Hold      // why the queue begins no attempt now
	Until   time.Time // when HoldRate ends
	Minutes []Minute  // what came of attempts within the last hour, by minute, the present one last; nil: not remembered
	Faults  Faults    // that are set for the queue or for all
}

// MaxDue is how many tasks that are due are counted.
const MaxDue = 10_000

// Minute counts attempts that ended within a minute of the clock.
type Minute struct {
	Done   int // tasks that succeeded
	Failed int // attempts that failed
}

// Hold is why a queue begins no attempt now, whatever is due.
type Hold int

const (
	HoldNone        Hold = iota
	HoldPaused           // it is paused
	HoldConcurrency      // as many attempts are running as may
	HoldRate             // the next dispatch has to wait for its token
	HoldClock            // the clock is virtual: attempts begin when it is told so
)

// hold returns why q begins no attempt, and until when if that is known.
func (q *queue) hold(now int64) (Hold, time.Time) {
	switch {
	case q.settings.State != Running:
		return HoldPaused, time.Time{}
	case q.inFlight >= q.settings.RateLimits.MaxConcurrentDispatches:
		return HoldConcurrency, time.Time{}
	}
	if at := q.bucket.readyAt(now); at > now {
		return HoldRate, nanoTime(at)
	}
	if q.s.virtual != nil {
		return HoldClock, time.Time{}
	}
	return HoldNone, time.Time{}
}

// Overview returns the state of all queues of all locations.
func (s *Service) Overview(ctx context.Context) (*Overview, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.flush()
	out := &Overview{Now: s.Now(), Virtual: s.virtual != nil, History: s.options.history}
	s.mu.RLock()
	out.Defined = slices.Sorted(maps.Keys(s.everywhere))
	s.mu.RUnlock()
	for _, q := range s.allQueues() {
		out.Queues = append(out.Queues, q.overview())
	}
	slices.SortFunc(out.Queues, func(a, b QueueOverview) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// QueueOverview returns the state of the queue of that full name.
func (s *Service) QueueOverview(ctx context.Context, name string) (*QueueOverview, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if err := checkQueueName(name); err != nil {
		return nil, err
	}
	q := s.look(name)
	if q == nil {
		return nil, status(cloudtask.NotFound, msgQueueMissing)
	}
	defer s.flush()
	out := q.overview()
	return &out, nil
}

func (q *queue) overview() QueueOverview {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.s.nanos()
	q.expire(now)
	out := QueueOverview{Queue: *q.copySettings(), Waiting: len(q.waiting), Running: len(q.running), Failing: q.failing}
	out.Due, _ = q.waiting.due(now, MaxDue)
	if len(q.waiting) > 0 {
		out.Next = nanoTime(q.waiting[0].schedule)
	}
	out.Hold, out.Until = q.hold(now)
	out.Faults, _ = q.s.faultsOf(q)
	if q.past == nil {
		return out
	}
	for i := range q.past.shelves {
		out.Ended += len(q.past.shelves[i].all())
	}
	out.Minutes = make([]Minute, pastMinutes)
	for i := range out.Minutes {
		at := now - int64(pastMinutes-1-i)*int64(time.Minute)
		m := q.past.count(at)
		out.Minutes[i] = Minute{Done: int(m.done), Failed: int(m.failed)}
	}
	return out
}

// queueGone is added to Service.changes when a queue, which counts changes of its own, is gone.
const queueGone = 1 << 40

// Changes returns a number that is another whenever a queue, a task, the faults or a virtual clock have changed.
func (s *Service) Changes() uint64 {
	sum := s.changes.Load()
	if s.virtual != nil {
		sum += uint64(s.virtual.now.Load())
	}
	for _, q := range s.allQueues() {
		q.mu.Lock()
		sum += q.changes
		q.mu.Unlock()
	}
	return sum
}
