package localqueue

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/inproc"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// virtualClock is a clock that stands still until it is moved.
type virtualClock struct {
	bubble bool // of testing/synctest: sleeping moves the time
	start  int64
	now    atomic.Int64 // nanoseconds since the epoch; not in a bubble
	drive  sync.Mutex   // held while due tasks are delivered

	mu       sync.Mutex
	timers   map[*virtualTimer]struct{}
	attempts map[*attempt]context.CancelFunc // that are running
}

// virtualTimer calls f when the clock reaches its time, in the goroutine that moves the clock.
type virtualTimer struct {
	at int64
	f  func()
}

func newVirtualClock(start time.Time) (*virtualClock, error) {
	if start.IsZero() {
		start = time.Now()
	}
	if year := start.UTC().Year(); year < firstYear || year > lastYear {
		return nil, fmt.Errorf("localqueue: a virtual clock cannot start at %v: want a time from the year %d to %d", start, firstYear, lastYear)
	}
	v := &virtualClock{start: start.UnixNano(), timers: make(map[*virtualTimer]struct{}), attempts: make(map[*attempt]context.CancelFunc)}
	v.now.Store(v.start)
	return v, nil
}

// after returns the time d from now, or an error beyond the end of the clock.
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

// reset moves the clock back to its start. A bubble's time only goes forward.
func (v *virtualClock) reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now.Store(v.start)
}

// moveTo moves the clock forward to at, unless that has passed.
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

// move sets the clock to the time that to returns, and calls the timers that it passes, in order.
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

// stopTimer reports whether it stopped the timer.
func (v *virtualClock) stopTimer(t *virtualTimer) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, waiting := v.timers[t]
	delete(v.timers, t)
	return waiting
}

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

// attemptContext returns the context of an attempt, which ends with ctx or at the dispatch deadline. It carries the clock to
// a handler of this process.
func (s *Service) attemptContext(ctx context.Context, a *attempt, deadline time.Duration) (context.Context, func()) {
	_, inProcess := s.transport.(*inproc.Transport)
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

// Now returns the time of the service's clock.
func (s *Service) Now() time.Time { return nanoTime(s.nanos()) }

// nanos returns the time of the service's clock in nanoseconds since the epoch.
func (s *Service) nanos() int64 {
	if s.virtual != nil {
		return s.virtual.nanos()
	}
	return time.Now().UnixNano()
}

func nanoTime(n int64) time.Time { return time.Unix(0, n).UTC() }

func microTime(n int64) time.Time { return nanoTime(n - n%1000) }
