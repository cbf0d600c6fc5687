package localqueue

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/inproc"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// virtualClock is time that stands still until it is moved.
type virtualClock struct {
	bubble bool // of testing/synctest: what moves the time is sleeping
	start  int64
	now    atomic.Int64 // nanoseconds since the epoch; not in a bubble
	drive  sync.Mutex   // held by whoever delivers what falls due

	mu       sync.Mutex
	timers   map[*virtualTimer]struct{}
	attempts map[*attempt]context.CancelFunc // that are running
}

// virtualTimer calls f, in the goroutine that moves the clock, when the clock gets there.
type virtualTimer struct {
	at int64
	f  func()
}

// The years of virtual clocks. Beyond them times do not fit into nanoseconds since the epoch, with room for those to come.
const (
	firstYear = 1970
	lastYear  = 2261
)

// endOfTime is what a virtual clock does not reach.
var endOfTime = time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

func newVirtualClock(start time.Time) (*virtualClock, error) {
	if start.IsZero() {
		start = time.Now()
	}
	if year := start.UTC().Year(); year < firstYear || year > lastYear {
		return nil, fmt.Errorf("localqueue: a virtual clock cannot stand at %v: want a time from the year %d to %d", start, firstYear, lastYear)
	}
	v := &virtualClock{start: start.UnixNano(), timers: make(map[*virtualTimer]struct{}), attempts: make(map[*attempt]context.CancelFunc)}
	v.now.Store(v.start)
	return v, nil
}

// after returns the time d from now, or an error if the clock does not go that far.
func (v *virtualClock) after(d time.Duration) (int64, error) {
	now := v.nanos()
	if int64(d) >= endOfTime-now {
		return 0, resource.Invalid("The clock stands at %s and cannot move by %v: it ends with the year %d.", nanoTime(now).Format(time.RFC3339), d, lastYear)
	}
	return now + int64(d), nil
}

// nanos returns the time in nanoseconds since the epoch.
func (v *virtualClock) nanos() int64 {
	if v.bubble {
		return time.Now().UnixNano()
	}
	return v.now.Load()
}

// reset moves the clock back to where it began. A bubble's time only goes forward.
func (v *virtualClock) reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now.Store(v.start)
}

// moveTo moves the clock forward to at, if that is not past.
func (v *virtualClock) moveTo(at int64) {
	v.move(func(now int64) int64 { return max(at, now) })
}

// moveBy moves the clock forward by d.
func (v *virtualClock) moveBy(d int64) {
	if v.bubble {
		time.Sleep(time.Duration(d))
		return
	}
	v.move(func(now int64) int64 { return now + d })
}

// move sets the clock to what to makes of its time, and calls the timers that it passes, in their order.
func (v *virtualClock) move(to func(now int64) int64) {
	v.mu.Lock()
	now := to(v.now.Load())
	v.now.Store(now)
	var due []*virtualTimer
	for t := range v.timers {
		if t.at <= now {
			due = append(due, t)
		}
	}
	v.mu.Unlock()
	slices.SortFunc(due, func(a, b *virtualTimer) int { return cmp.Compare(a.at, b.at) })
	for _, t := range due {
		if v.stopTimer(t) {
			t.f()
		}
	}
}

func (v *virtualClock) startTimer(at int64, f func()) *virtualTimer {
	t := &virtualTimer{at, f}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.timers[t] = struct{}{}
	return t
}

// stopTimer reports whether the timer has been waiting.
func (v *virtualClock) stopTimer(t *virtualTimer) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, waiting := v.timers[t]
	delete(v.timers, t)
	return waiting
}

// Now and AfterFunc implement [inproc.Clock].

func (v *virtualClock) Now() time.Time { return nanoTime(v.nanos()) }

func (v *virtualClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	t := v.startTimer(v.nanos()+int64(d), f)
	return func() bool { return v.stopTimer(t) }
}

// abort cancels all attempts that are running.
func (v *virtualClock) abort() {
	v.mu.Lock()
	cancels := slices.Collect(maps.Values(v.attempts))
	v.mu.Unlock()
	for _, cancel := range cancels {
		cancel()
	}
}

// attemptContext returns the context of an attempt, which ends with ctx and with the dispatch deadline. A handler in this
// process learns the clock from it.
func (s *Service) attemptContext(ctx context.Context, a *attempt, deadline time.Duration) (context.Context, func()) {
	_, inProcess := s.transport.(*handlerTransport)
	v := s.virtual
	if v == nil || v.bubble {
		if inProcess {
			ctx = inproc.WithClock(ctx, inproc.RealClock{})
		}
		return context.WithTimeoutCause(ctx, deadline, errDeadline)
	}
	if inProcess {
		ctx = inproc.WithClock(ctx, v)
	}
	ctx, cancel := context.WithCancel(ctx)
	timer := v.startTimer(a.began+int64(deadline), cancel)
	v.mu.Lock()
	v.attempts[a] = cancel
	v.mu.Unlock()
	return ctx, func() {
		v.stopTimer(timer)
		v.mu.Lock()
		delete(v.attempts, a)
		v.mu.Unlock()
		cancel()
	}
}

// Virtual reports whether the clock is virtual.
func (s *Service) Virtual() bool { return s.virtual != nil }

// Advance moves a virtual clock by d and delivers nothing: what falls due meanwhile is overdue afterwards. Within a
// handler it makes the attempt take that long; one that passes its dispatch deadline is cancelled. A clock that cannot go
// that far, which is into the year 2262, stays where it is, and an error says so; RunFor does the same.
func (s *Service) Advance(d time.Duration) error {
	switch {
	case s.virtual == nil:
		return ErrVirtualOnly
	case d < 0:
		return fmt.Errorf("localqueue: advance by %v: time moves forward only", d)
	}
	if _, err := s.virtual.after(d); err != nil {
		return err
	}
	s.virtual.moveBy(int64(d))
	return nil
}

// RunDue delivers what is due, without moving a virtual clock, and returns how many attempts it made.
func (s *Service) RunDue(ctx context.Context) (attempts int, err error) {
	return s.run(ctx, s.nanos(), -1)
}

// RunNext moves a virtual clock to the next attempt, makes it, and returns whether there was one.
func (s *Service) RunNext(ctx context.Context) (ran bool, err error) {
	attempts, err := s.run(ctx, math.MaxInt64, 1)
	return attempts == 1, err
}

// RunFor moves a virtual clock by d, from attempt to attempt, and returns how many it made.
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

// RunUntilIdle moves a virtual clock from attempt to attempt until nothing is left that will ever be dispatched, and
// returns how many it made. Paused queues do not count. Tasks that enqueue tasks for ever keep it until ctx is done.
func (s *Service) RunUntilIdle(ctx context.Context) (attempts int, err error) {
	return s.run(ctx, math.MaxInt64, -1)
}

// run makes attempts, at most limit of them if that is not negative, and moves the clock to each moment at which one is
// due, and at last to until. [math.MaxInt64] is as far as there are attempts to make.
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

// claimDue begins the attempt that is due, nil if none is.
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
