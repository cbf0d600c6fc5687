package localqueue

import (
	"context"
	"errors"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Faults are failures of a queue's deliveries on purpose. All of them happen in production too, but rarely. A handler that has the
// same effect with them as without is idempotent. See [Service.SetFaults]. The zero value has no faults.
//
// A share is a fraction of the attempts, from 0 (never) to 1 (always). The service's seed, the task's name and the attempt's number
// alone decide whether a fault happens: the same tasks get the same faults in every run, in whatever order they are attempted. See
// [WithSeed].
type Faults struct {
	// Twice is the share of attempts that reach the handler twice, as if the network had repeated the request: at the same
	// time on a real clock, one after the other on a virtual one. The first answer counts.
	Twice float64

	// LoseAnswer is the share of attempts whose answer gets lost: the handler runs and answers, but the attempt counts as one
	// without a response, and is retried.
	LoseAnswer float64

	// Late is the share of attempts that begin late by Delay. Other tasks overtake them. The task's schedule time moves meanwhile;
	// the ETA that the handler gets does not. RunTask is never late.
	Late  float64
	Delay time.Duration // up to 31 days

	// Fail is the share of attempts that fail without reaching the handler, and FailFirst is the number of each task's first attempts
	// that do. FailStatus is the HTTP status that they fail with, 300 to 599; 0 is no response, like a refused connection.
	Fail       float64
	FailFirst  int
	FailStatus int

	// ClockSkew is how far the queue's clock is ahead of the handler's (negative: behind). A handler sees it in the ETA header, and
	// in the times of ID tokens if the token source can set them, as package issuer's can.
	ClockSkew time.Duration
}

// Fault names a fault that was injected; see Event.Fault.
type Fault string

// The faults.
const (
	FaultTwice      Fault = "twice"
	FaultLoseAnswer Fault = "lose-answer"
	FaultLate       Fault = "late"
	FaultFail       Fault = "fail"
	FaultClockSkew  Fault = "clock-skew"
)

var (
	errAnswerLost  = errors.New("the answer was dropped by an injected fault")
	errUnreachable = errors.New("the handler was not reached because of an injected fault")
)

// SetFaults sets the faults of a queue's deliveries from now on. queue is a full resource name, an id in every project and location,
// or "" for all queues. Only the most specific setting of a queue counts. Zero Faults remove a setting. Attempts that have begun, or are
// late already, are not affected.
func (s *Service) SetFaults(queue string, faults Faults) error {
	if _, _, full := rules.SplitQueue(queue); !full && queue != "" && !rules.ValidQueueID(queue) {
		return resource.Invalid("faults of the queue %q: want projects/P/locations/L/queues/Q, "+
			"an id Q of 1 to %d letters, digits and hyphens, or \"\" for all queues", queue, rules.MaxQueueID)
	}
	if err := faults.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes.Add(1)
	set := s.Faults()
	if faults == (Faults{}) {
		delete(set, queue)
	} else {
		set[queue] = faults
	}
	if len(set) == 0 {
		s.faults.Store(nil)
	} else {
		s.faults.Store(&set)
	}
	return nil
}

// Faults returns the settings of [Service.SetFaults], by its parameter queue.
func (s *Service) Faults() map[string]Faults {
	set := make(map[string]Faults)
	if now := s.faults.Load(); now != nil {
		maps.Copy(set, *now)
	}
	return set
}

func (f Faults) check() error {
	for _, share := range []struct {
		field string
		value float64
	}{{"Twice", f.Twice}, {"LoseAnswer", f.LoseAnswer}, {"Late", f.Late}, {"Fail", f.Fail}} {
		if !(share.value >= 0 && share.value <= 1) { // NaN too
			return resource.Invalid("Faults.%s is %v: want a share between 0 (never) and 1 (always)", share.field, share.value)
		}
	}
	switch {
	case f.Delay < 0 || f.Delay > rules.Retention:
		return resource.Invalid("Faults.Delay is %v: want 0 to %v", f.Delay, rules.Retention)
	case (f.Late > 0) != (f.Delay > 0):
		return resource.Invalid("Faults.Late is %v and Faults.Delay is %v: set both, the share of attempts and their delay", f.Late, f.Delay)
	case f.FailFirst < 0:
		return resource.Invalid("Faults.FailFirst is %d: want a number of attempts, 0 or more", f.FailFirst)
	case f.FailStatus != 0 && (f.FailStatus < 300 || f.FailStatus > 599):
		return resource.Invalid("Faults.FailStatus is %d: want an HTTP status between 300 and 599, or 0 for no response", f.FailStatus)
	case f.FailStatus != 0 && f.Fail == 0 && f.FailFirst == 0:
		return resource.Invalid("Faults.FailStatus is %d, but no attempt fails: set Fail or FailFirst too", f.FailStatus)
	case f.ClockSkew.Abs() > rules.Retention:
		return resource.Invalid("Faults.ClockSkew is %v: want at most %v either way", f.ClockSkew, rules.Retention)
	}
	return nil
}

// faultsOf returns the faults of q and reports whether there are any.
func (s *Service) faultsOf(q *queue) (f Faults, found bool) {
	set := s.faults.Load()
	if set == nil {
		return Faults{}, false
	}
	for _, key := range []string{q.name, q.id, ""} {
		if f, found = (*set)[key]; found {
			return f, true
		}
	}
	return Faults{}, false
}

// strikes reports whether a fault with a share happens to an attempt.
func (s *Service) strikes(share float64, fault Fault, q *queue, t *task, attempt int) bool {
	if share == 0 || share == 1 {
		return share == 1
	}
	h := fnv.New64a()
	for _, part := range []string{string(fault), q.name, t.id, strconv.Itoa(attempt)} {
		_, _ = h.Write([]byte(part)) // never fails
		_, _ = h.Write([]byte{0})
	}
	return rand.New(rand.NewPCG(s.options.seed, h.Sum64())).Float64() < share
}

// sendTwice sends the task's request twice and returns the first one's outcome.
func (s *Service) sendTwice(ctx context.Context, a *attempt, c *contents) outcome {
	twin := *c // sending may change the contents
	twin.header = slices.Clone(c.header)
	if s.virtual != nil {
		o := s.send(ctx, a, c)
		s.send(ctx, a, &twin)
		return o
	}
	second := make(chan struct{})
	go func() {
		defer close(second)
		s.send(ctx, a, &twin)
	}()
	o := s.send(ctx, a, c)
	<-second
	return o
}

// inject records a fault of an attempt.
func (s *Service) inject(a *attempt, fault Fault) {
	if !s.events.wanted.Load() {
		return
	}
	a.q.mu.Lock()
	s.emit(a.q, a.t, Event{Kind: TaskFault, Fault: fault})
	a.q.mu.Unlock()
	s.flush()
}

// holdBack postpones due tasks that a fault makes late, until the first one that is not.
func (q *queue) holdBack(now int64) {
	f, found := q.s.faultsOf(q)
	if !found || f.Late == 0 {
		return
	}
	for len(q.waiting) > 0 && q.waiting[0].schedule <= now {
		t := q.waiting[0].t
		if _, already := q.late[t]; already || !q.s.strikes(f.Late, FaultLate, q, t, int(t.dispatches)+1) {
			return
		}
		if q.late == nil {
			q.late = make(map[*task]int64)
		}
		q.late[t] = t.schedule
		q.waiting.remove(t)
		t.schedule += int64(f.Delay.Truncate(time.Microsecond))
		q.waiting.push(t)
		q.s.emit(q, t, Event{Kind: TaskFault, Fault: FaultLate, Next: nanoTime(t.schedule)})
	}
}

// punctual returns when the attempt of t that begins now would have been due without a fault.
func (q *queue) punctual(t *task) int64 {
	at, late := q.late[t]
	if !late {
		return t.schedule
	}
	delete(q.late, t)
	return at
}
