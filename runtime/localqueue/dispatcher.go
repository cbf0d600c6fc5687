package localqueue

import (
	"context"
	"math"
	"sync"
	"time"
)

// The service attempts at most fastWorkers tasks at a time, plus one for each attempt that has turned out to be slow. So a few
// connections carry any number of quick tasks, while slow ones run side by side up to their queue's limit. An attempt counts as
// slow after slowAfter, but at most slowStep of them become slow every slowEvery, so that a machine which stalls for a moment does
// not make all attempts slow. That lets 640 slow attempts begin a second, more than a queue's highest rate.
const (
	fastWorkers = 64
	slowAfter   = 100 * time.Millisecond
	slowEvery   = 25 * time.Millisecond
	slowStep    = 16
)

// maxSleep bounds how long the scheduler trusts a timer: timers do not run while a machine is suspended, clocks do.
const maxSleep = time.Minute

// dispatcher decides which queue may begin an attempt, and when. On a real clock, one goroutine waits for the next such time, and
// workers run while there are attempts to make. On a virtual clock there are no goroutines: the calls that move the clock ask for
// the next queue.
//
// Queues that may begin attempts wait in ready and get one attempt a turn, so no queue starves another.
type dispatcher struct {
	s *Service

	mu      sync.Mutex
	ready   []*queue // in turn
	later   []*queue // heap by slot.at, then queue.seq
	workers int
	stopped bool

	running attemptList // attempts that are not slow, oldest first
	slow    int         // other attempts
	slowAt  int64       // no attempt becomes slow before

	sleeping int64         // when the scheduler wakes up
	wake     chan struct{} // buffered: interrupts the sleep
	done     sync.WaitGroup
}

// slot is a queue's place in its dispatcher.
type slot struct {
	ready bool
	at    int64 // when later; math.MaxInt64: until an event
	index int   // in later; -1: not there
}

func (d *dispatcher) start(s *Service) {
	d.s, d.wake = s, make(chan struct{}, 1)
	if s.virtual == nil {
		d.done.Add(1)
		go d.watch()
	}
}

// arm sets when q may begin its next attempt. The caller holds q's lock.
func (d *dispatcher) arm(q *queue, at, now int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped || q.slot.ready {
		return // it arms itself again after its turn
	}
	if at <= now {
		d.unschedule(q)
		d.enqueue(q)
		return
	}
	if at == math.MaxInt64 {
		d.unschedule(q)
		return
	}
	d.schedule(q, at)
	if at < d.sleeping {
		d.interrupt()
	}
}

// enqueue gives q a turn, and starts a worker for it if one more is allowed.
func (d *dispatcher) enqueue(q *queue) {
	q.slot.ready = true
	d.ready = append(d.ready, q)
	d.addWorker()
}

// addWorker starts a worker for a turn in ready.
func (d *dispatcher) addWorker() {
	if d.s.virtual != nil {
		if d.s.virtual.bubble {
			d.interrupt()
		}
		return
	}
	if d.workers >= fastWorkers+d.slow {
		d.wakeWhenSlow()
		return
	}
	d.workers++
	d.done.Add(1)
	go d.work()
}

// wakeWhenSlow makes the scheduler wake up when the oldest attempt becomes slow, if turns wait for that.
func (d *dispatcher) wakeWhenSlow() {
	if len(d.ready) > 0 && d.workers >= fastWorkers+d.slow && d.nextSlow() < d.sleeping {
		d.interrupt()
	}
}

// nextSlow returns when the next attempt becomes slow, unless it ends first.
func (d *dispatcher) nextSlow() int64 {
	if d.running.front == nil {
		return math.MaxInt64
	}
	return max(d.running.front.began+int64(slowAfter), d.slowAt)
}

func (d *dispatcher) interrupt() {
	d.sleeping = math.MinInt64
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// turn removes and returns the first queue of ready; nil if there is none.
func (d *dispatcher) turn() *queue {
	if len(d.ready) == 0 {
		return nil
	}
	q := d.ready[0]
	d.ready[0] = nil
	if len(d.ready) == 1 {
		d.ready = d.ready[:0] // keeps its memory for the next turns
	} else {
		d.ready = d.ready[1:]
	}
	q.slot.ready = false
	return q
}

// work makes attempts while queues have turns.
func (d *dispatcher) work() {
	defer d.done.Done()
	for {
		d.mu.Lock()
		if d.stopped || d.workers > fastWorkers+d.slow || len(d.ready) == 0 {
			d.workers--
			d.mu.Unlock()
			return
		}
		q := d.turn()
		d.mu.Unlock()
		if a := q.claim(d.s.nanos()); a != nil {
			d.begun(a)
			d.s.attempt(d.s.ctx, a)
			d.ended(a)
		}
	}
}

// run makes an attempt in a goroutine of its own, whatever else is running. It reports false if the service has stopped.
func (d *dispatcher) run(a *attempt) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return false
	}
	d.done.Go(func() {
		d.s.attempt(d.s.ctx, a)
	})
	return true
}

func (d *dispatcher) begun(a *attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running.add(a)
	d.wakeWhenSlow()
}

func (d *dispatcher) ended(a *attempt) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a.slow {
		d.slow--
	} else {
		d.running.remove(a)
	}
}

// watch gives turns to queues that come due and counts attempts that become slow, until stop.
func (d *dispatcher) watch() {
	defer d.done.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-d.wake:
		}
		now := d.s.nanos()
		d.mu.Lock()
		if d.stopped {
			d.mu.Unlock()
			return
		}
		d.collect(now)
		until := now + int64(maxSleep)
		if len(d.later) > 0 {
			until = min(until, d.later[0].slot.at)
		}
		if len(d.ready) > 0 {
			until = min(until, d.nextSlow())
		}
		d.sleeping = until
		d.mu.Unlock()
		timer.Reset(time.Duration(until - now))
	}
}

// collect gives turns to the queues that have come due, and workers to turns that waited for attempts to become slow.
func (d *dispatcher) collect(now int64) {
	if d.nextSlow() <= now {
		d.slowAt = now + int64(slowEvery)
		for range slowStep {
			if a := d.running.front; a != nil && a.began+int64(slowAfter) <= now {
				d.running.remove(a)
				a.slow = true
				d.slow++
			}
		}
	}
	for range min(len(d.ready), fastWorkers+d.slow-d.workers) {
		d.addWorker()
	}
	for len(d.later) > 0 && d.later[0].slot.at <= now {
		q := d.later[0]
		d.unschedule(q)
		d.enqueue(q)
	}
}

// stop ends the scheduler, and workers after their present attempt.
func (d *dispatcher) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	d.interrupt()
}

// nextLater returns when the next queue comes due; math.MaxInt64: none does by itself.
func (d *dispatcher) nextLater() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.later) == 0 {
		return math.MaxInt64
	}
	return d.later[0].slot.at
}

// sleep waits in a bubble until the given time, or until another goroutine of the bubble makes a queue due.
func (d *dispatcher) sleep(ctx context.Context, until int64) {
	d.mu.Lock()
	d.sleeping = until
	early := len(d.ready) > 0 || len(d.later) > 0 && d.later[0].slot.at < until
	d.mu.Unlock()
	if early {
		return
	}
	timer := time.NewTimer(time.Duration(until - d.s.nanos()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.wake:
	case <-ctx.Done():
	case <-d.s.ctx.Done():
	}
}

// schedule puts q into the heap of queues that come due later, or moves it in it.
func (d *dispatcher) schedule(q *queue, at int64) {
	q.slot.at = at
	if q.slot.index < 0 {
		q.slot.index = len(d.later)
		d.later = append(d.later, q)
	}
	d.fix(q.slot.index)
}

func (d *dispatcher) unschedule(q *queue) {
	i, last := q.slot.index, len(d.later)-1
	if i < 0 {
		return
	}
	d.swap(i, last)
	d.later[last] = nil
	d.later = d.later[:last]
	q.slot.index = -1
	if i < last {
		d.fix(i)
	}
}

func (d *dispatcher) fix(i int) {
	for i > 0 && d.less(i, (i-1)/2) {
		d.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
	for {
		child := 2*i + 1
		if child+1 < len(d.later) && d.less(child+1, child) {
			child++
		}
		if child >= len(d.later) || !d.less(child, i) {
			return
		}
		d.swap(i, child)
		i = child
	}
}

func (d *dispatcher) less(i, j int) bool {
	a, b := d.later[i], d.later[j]
	return a.slot.at < b.slot.at || a.slot.at == b.slot.at && a.seq < b.seq
}

func (d *dispatcher) swap(i, j int) {
	d.later[i], d.later[j] = d.later[j], d.later[i]
	d.later[i].slot.index, d.later[j].slot.index = i, j
}
