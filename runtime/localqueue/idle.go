package localqueue

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Backlog is the work that a service has left.
type Backlog struct {
	Running   int       // attempts that are running, including those of deleted tasks
	Due       int       // tasks that wait only for their queue's limits or, on a virtual clock, for a call that delivers them
	Scheduled int       // tasks that are due later
	Held      int       // tasks of queues that are paused
	Next      time.Time // when the first of Scheduled is due; zero if there is none
}

// Idle reports whether nothing is running or due.
func (b Backlog) Idle() bool { return b.Running == 0 && b.Due == 0 }

// Backlog returns the work that the service has left now.
func (s *Service) Backlog() Backlog {
	b := Backlog{Running: int(s.idle.running.Load())}
	var next int64
	for q := range s.allQueues() {
		q.mu.Lock()
		now := s.nanos()
		q.expire(now)
		switch {
		case q.settings.State != resource.StateRunning:
			b.Held += len(q.waiting)
		default:
			due, first := q.waiting.due(now, math.MaxInt)
			b.Due += due
			b.Scheduled += len(q.waiting) - due
			if first != 0 && (next == 0 || first < next) {
				next = first
			}
		}
		q.mu.Unlock()
	}
	if next != 0 {
		b.Next = nanoTime(next)
	}
	s.flush()
	return b
}

// WaitIdle waits until nothing is running, nothing is due, and every event has been observed. It returns what is left: tasks that are
// due later, including retries, and those of paused queues. When ctx is done first, it returns what is left with ctx's error, and
// when the service is closed, with [ErrClosed]. On a virtual clock it delivers what is due, as [Service.RunDue] does. A handler or
// an observer must not call it: it would wait for itself.
func (s *Service) WaitIdle(ctx context.Context) (left Backlog, err error) {
	if err := s.enter(ctx); err != nil {
		return Backlog{}, err
	}
	defer s.settle(&err)
	if s.virtual != nil {
		_, err := s.RunDue(ctx)
		return s.Backlog(), err
	}
	changed, stop := s.idle.watch()
	defer stop()
	for {
		if err := s.journal.err(); err != nil { // nothing will ever be attempted again
			return s.Backlog(), err
		}
		begun := s.idle.begun.Load()
		if s.idle.running.Load() == 0 && s.events.passedOn() {
			// No attempt began meanwhile: each queue was idle when it was examined, and no attempt can have made it due since.
			if b := s.Backlog(); b.Idle() && s.idle.begun.Load() == begun {
				return b, nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s.Backlog(), contextError(ctx.Err())
		case <-s.ctx.Done():
			return s.Backlog(), s.enter(context.Background())
		}
	}
}

// idle counts attempts and wakes those who wait for the service to become idle.
type idle struct {
	running atomic.Int64 // attempts that have begun and whose events have not been observed yet
	begun   atomic.Int64 // attempts ever begun

	waiting  atomic.Int32 // len(watchers), to be read without the lock
	mu       sync.Mutex
	watchers map[chan struct{}]struct{} // buffered
}

func (i *idle) began() {
	i.running.Add(1)
	i.begun.Add(1)
}

func (i *idle) ended() {
	i.running.Add(-1)
	i.changed()
}

// changed wakes the watchers.
func (i *idle) changed() {
	if i.waiting.Load() == 0 {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for w := range i.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// watch returns a channel that receives after every change, until stop is called.
func (i *idle) watch() (changed <-chan struct{}, stop func()) {
	w := make(chan struct{}, 1)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.watchers == nil {
		i.watchers = make(map[chan struct{}]struct{})
	}
	i.watchers[w] = struct{}{}
	i.waiting.Add(1)
	return w, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.watchers, w)
		i.waiting.Add(-1)
	}
}
