package localqueue

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// The years of virtual clocks. Later times, with what may be scheduled from them, do not fit into nanoseconds since the epoch.
const (
	firstYear = 1970
	lastYear  = 2261
)

// endOfTime is the end of virtual clocks.
var endOfTime = time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// Now and AfterFunc implement [inproc.Clock].

// Virtual reports whether the clock is virtual.
func (s *Service) Virtual() bool { return s.virtual != nil }

// Advance moves a virtual clock by d without delivering anything: tasks that become due meanwhile are overdue afterwards. In a handler
// it makes the attempt take that long; an attempt that passes its dispatch deadline is cancelled. A clock cannot reach the year 2262:
// Advance and RunFor then return an error and leave it unchanged.
func (s *Service) Advance(d time.Duration) error {
	switch {
	case s.virtual == nil:
		return ErrVirtualOnly
	case d < 0:
		return fmt.Errorf("localqueue: advance by %v: time only moves forward", d)
	}
	if _, err := s.virtual.after(d); err != nil {
		return err
	}
	s.virtual.moveBy(int64(d))
	return nil
}

// RunDue delivers the tasks that are due, without moving a virtual clock, and returns the number of attempts.
func (s *Service) RunDue(ctx context.Context) (attempts int, err error) {
	return s.run(ctx, s.nanos(), -1)
}

// RunNext moves a virtual clock to the next attempt, makes it, and reports whether there was one.
func (s *Service) RunNext(ctx context.Context) (ran bool, err error) {
	attempts, err := s.run(ctx, math.MaxInt64, 1)
	return attempts == 1, err
}

// RunFor moves a virtual clock by d, from attempt to attempt, and returns the number of attempts.
func (s *Service) RunFor(ctx context.Context, d time.Duration) (attempts int, err error) {
	if s.virtual == nil {
		return 0, ErrVirtualOnly
	}
	until, err := s.virtual.after(max(d, 0))
	if err != nil {
		return 0, err
	}
	return s.run(ctx, until, -1)
}

// RunUntilIdle moves a virtual clock from attempt to attempt until no task is left to dispatch, and returns the number of attempts. Tasks
// of paused queues do not count. If tasks keep enqueueing tasks, it runs until ctx is done.
func (s *Service) RunUntilIdle(ctx context.Context) (attempts int, err error) {
	return s.run(ctx, math.MaxInt64, -1)
}

// run makes attempts, at most limit of them unless it is negative. It moves the clock to each time at which one is due and finally to
// until; [math.MaxInt64] is the time of the last attempt.
func (s *Service) run(ctx context.Context, until int64, limit int) (attempts int, err error) {
	if s.virtual == nil {
		return 0, ErrVirtualOnly
	}
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	if !s.virtual.drive.TryLock() {
		return 0, ErrRunning
	}
	defer s.settle(&err)
	defer s.virtual.drive.Unlock()
	for attempts != limit {
		if err := s.enter(ctx); err != nil {
			return attempts, err
		}
		if a := s.claimDue(); a != nil {
			s.attempt(ctx, a)
			attempts++
			continue
		}
		at := min(s.dispatcher.nextLater(), until)
		switch {
		case at == math.MaxInt64 || at <= s.nanos():
			return attempts, nil
		case at >= endOfTime:
			return attempts, resource.Invalid("The next attempt is due beyond the year %d, where the clock ends.", lastYear)
		case s.virtual.bubble:
			s.dispatcher.sleep(ctx, at)
		default:
			s.virtual.moveTo(at)
		}
	}
	return attempts, nil
}

// claimDue begins the attempt that is due; nil if none is.
func (s *Service) claimDue() *attempt {
	d := &s.dispatcher
	for {
		now := s.nanos()
		d.mu.Lock()
		d.collect(now)
		q := d.turn()
		d.mu.Unlock()
		if q == nil {
			return nil
		}
		if a := q.claim(now); a != nil {
			return a
		}
	}
}
