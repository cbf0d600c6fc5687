package localqueue

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Overview is a summary of a service.
type Overview struct {
	Now     time.Time
	Virtual bool     // whether the clock is virtual
	Defined []string // ids of queues that exist in every project and location, sorted
	Unused  []string // those of them that are not in use anywhere
	History int      // of [WithHistory]

	// Of all queues.

	Queues  int // that are in use
	Waiting int // tasks that are not running
	Due     int // those of them that are due; counted up to MaxDue
	Running int // attempts
	Failing int // tasks with a failed attempt
	Done    int // tasks that succeeded in the present minute and the one before
	Failed  int // attempts that failed in these two minutes
}

// QueueOverview is a summary of a queue.
type QueueOverview struct {
	resource.Queue
	Waiting int       // tasks that are not running
	Due     int       // those of them that are due; counted up to MaxDue
	Running int       // attempts
	Failing int       // tasks with a failed attempt
	Ended   int       // tasks that are remembered
	Next    time.Time // when the first of Waiting is due; zero if there is none
	Hold    Hold      // why the queue begins no attempt now
	Until   time.Time // when HoldRate ends
	Minutes []Minute  // outcomes of attempts within the last hour, the present minute last; nil without history
	Faults  Faults    // of the queue, or of all queues
}

// MaxDue bounds the number of due tasks that are counted.
const MaxDue = 10_000

// Minute counts attempts that ended within a minute of the clock.
type Minute struct {
	Done   int // tasks that succeeded
	Failed int // attempts that failed
}

// Hold is the reason why a queue begins no attempt now, even if tasks are due.
type Hold int

// The reasons why a queue begins no attempt.
const (
	HoldNone        Hold = iota
	HoldPaused           // it is paused
	HoldConcurrency      // as many attempts are running as its settings allow
	HoldRate             // its rate does not allow the next dispatch yet
	HoldClock            // the clock is virtual: attempts begin when a call moves it
)

// hold returns why q begins no attempt, and until when if that is known.
func (q *queue) hold(now int64) (Hold, time.Time) {
	switch {
	case q.settings.State != resource.StateRunning:
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

// Overview returns a summary of the service. It locks each queue for a moment and keeps only sums.
func (s *Service) Overview(ctx context.Context) (*Overview, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.flush()
	out := &Overview{Now: s.Now(), Virtual: s.virtual != nil, History: s.options.history}
	unused := make(map[string]bool)
	s.mu.RLock()
	for id := range s.everywhere {
		unused[id] = true
	}
	s.mu.RUnlock()
	out.Defined = slices.Sorted(maps.Keys(unused))
	now := s.nanos()
	for q := range s.allQueues() {
		out.Queues++
		if len(unused) > 0 {
			delete(unused, q.id)
		}
		q.addTo(out, now)
	}
	out.Unused = slices.Sorted(maps.Keys(unused))
	return out, nil
}

// addTo adds the queue to the sums of out.
func (q *queue) addTo(out *Overview, now int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire(now)
	out.Waiting += len(q.waiting)
	out.Running += len(q.running)
	out.Failing += q.failing
	due, _ := q.waiting.due(now, MaxDue-out.Due)
	out.Due += due
	if q.past == nil {
		return
	}
	for _, at := range []int64{now, now - int64(time.Minute)} {
		m := q.past.count(at)
		out.Done += int(m.done)
		out.Failed += int(m.failed)
	}
}

// BrowseQueues selects queues for [Service.BrowseQueues]. Zero fields select all.
type BrowseQueues struct {
	Text  string // occurs in the full name; ASCII letters match in either case
	After string // full name of the last queue of the page before; "" is the first page
	Size  int    // of the page; 0 or more than 1000: 1000
}

// FoundQueues is a page of the queues that [Service.BrowseQueues] found.
type FoundQueues struct {
	Queues []QueueOverview // by name
	Total  int             // queues that are selected, on all pages
	More   bool            // another page follows
}

// BrowseQueues returns a page of the selected queues of all locations.
func (s *Service) BrowseQueues(ctx context.Context, b BrowseQueues) (*FoundQueues, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	size, err := resource.Page{Size: b.Size}.Limit(resource.MaxTaskPage)
	if err != nil {
		return nil, err
	}
	defer s.flush()
	var page []*queue
	out := &FoundQueues{}
	lower := lowerASCII(b.Text)
	s.mu.RLock()
	for q := range s.queues.after(b.After) {
		if lower != "" && !containsFold(q.name, lower) {
			continue
		}
		if out.More = len(page) == size; out.More {
			break
		}
		page = append(page, q)
	}
	out.Total = s.queues.len()
	s.mu.RUnlock()
	if lower != "" {
		out.Total = 0
		for q := range s.allQueues() {
			if containsFold(q.name, lower) {
				out.Total++
			}
		}
	}
	for _, q := range page {
		out.Queues = append(out.Queues, q.overview())
	}
	return out, nil
}

// QueueOverview returns a summary of the queue with a full name.
func (s *Service) QueueOverview(ctx context.Context, name string) (*QueueOverview, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	if err := resource.CheckQueueName(name); err != nil {
		return nil, err
	}
	q := s.look(name)
	if q == nil {
		return nil, resource.QueueMissing()
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

// Changes returns a number that changes with every change of a queue, a task, the faults or a virtual clock.
func (s *Service) Changes() uint64 {
	sum := s.changes.Load()
	if s.virtual != nil {
		sum += uint64(s.virtual.now.Load())
	}
	return sum
}
