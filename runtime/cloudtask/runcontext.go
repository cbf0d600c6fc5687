package cloudtask

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/inproc"
)

// answerMargin returns the part of a dispatch deadline that a run must leave for its answer: 2 %, at least 1 s and at
// most 10 s. The context of Run ends before the dispatch deadline by it.
func answerMargin(dispatchDeadline time.Duration) time.Duration {
	return min(max(dispatchDeadline/50, time.Second), 10*time.Second)
}

// runTime returns how long a run may take whose attempt has this dispatch deadline.
func runTime(dispatchDeadline time.Duration) time.Duration {
	return dispatchDeadline - answerMargin(dispatchDeadline)
}

// runContext is the context of a run that a queue asked for: the request's context, with the task's metadata, its captured
// headers and its deadline. It does what [context.WithDeadline] and two values would, but for two differences:
//
//   - The timer, which costs more than all else that the handler does for a small task, is started when somebody first
//     waits for Done.
//   - A request that is canceled when its time is nearly over ends it with [context.DeadlineExceeded]: the queue counts
//     from when it sent the request, so it may hang up before our own deadline.
type runContext struct {
	context.Context // the request's
	meta            Metadata
	clock           inproc.Clock // nil: this machine's
	began           time.Time
	timeout         time.Duration // the dispatch deadline, from began

	mu      sync.Mutex
	ending  *runEnding
	waiting context.Context // child of ending; nil until it is needed
	stop    context.CancelFunc
	ended   bool // the run is over
}

func (c *runContext) now() time.Time {
	if c.clock != nil {
		return c.clock.Now()
	}
	return time.Now()
}

func (c *runContext) elapsed() time.Duration { return c.now().Sub(c.began) }

func (c *runContext) deadline() time.Time { return c.began.Add(runTime(c.timeout)) }

// tooLate reports whether the queue does not wait for the answer any more.
func (c *runContext) tooLate() bool { return c.elapsed() >= c.timeout }

// canceledEarly returns the error of a run that failed with err after its request had been canceled.
func (c *runContext) canceledEarly(err error) error {
	why := "its client hung up, or the server is shutting down"
	if cause := context.Cause(c.Context); cause != c.Context.Err() {
		why = cause.Error()
	}
	return fmt.Errorf("%w; the request was canceled %v before its dispatch deadline: %s", err, c.timeout-c.elapsed(), why)
}

// Deadline returns when the run must be done.
func (c *runContext) Deadline() (time.Time, bool) {
	deadline := c.deadline()
	if d, ok := c.Context.Deadline(); ok && d.Before(deadline) {
		return d, true
	}
	return deadline, true
}

// Done returns a channel that is closed at the deadline, when the caller goes away, and when the run is over.
func (c *runContext) Done() <-chan struct{} { return c.wait().Done() }

// Err returns why the context has ended, nil while it has not.
func (c *runContext) Err() error {
	c.mu.Lock()
	lives := c.waiting == nil && !c.ended && c.Context.Err() == nil && c.now().Before(c.deadline())
	c.mu.Unlock()
	if lives {
		return nil
	}
	return c.wait().Err() // the first reason, for good
}

// Value returns the metadata and headers of the task, and what the request's context holds.
func (c *runContext) Value(key any) any {
	switch key.(type) {
	case metadataKey:
		return &c.meta
	case headersKey:
		if c.meta.Headers != nil {
			return c.meta.Headers
		}
	}
	c.mu.Lock()
	waiting := c.waiting
	c.mu.Unlock()
	if waiting != nil {
		return waiting.Value(key) // children find what cancels them, and need no goroutine to watch for it
	}
	return c.Context.Value(key)
}

// wait returns the context that ends when this one does.
func (c *runContext) wait() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting != nil {
		return c.waiting
	}
	e := &runEnding{Context: c.Context, done: make(chan struct{})}
	c.waiting, c.stop = context.WithCancel(e)
	left := c.deadline().Sub(c.now())
	switch {
	case c.ended:
		c.stop()
	case left <= 0:
		e.end(false, context.DeadlineExceeded)
	case c.Context.Err() != nil:
		e.end(c.reason())
	default:
		c.watch(e, left)
	}
	c.ending = e
	return c.waiting
}

// watch has e end when the time that is left is over, or the request ends.
func (c *runContext) watch(e *runEnding, left time.Duration) {
	clock := c.clock
	if clock == nil {
		clock = inproc.RealClock{}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopTimer = clock.AfterFunc(left, func() { e.end(false, context.DeadlineExceeded) })
	e.unwatch = context.AfterFunc(c.Context, func() { e.end(c.reason()) })
}

// reason returns why a run ends after its request has, and whether that is for the request's own reason.
func (c *runContext) reason() (requests bool, err error) {
	if c.elapsed() >= c.timeout-2*answerMargin(c.timeout) || c.isDispatchDeadline(c.now()) {
		return false, context.DeadlineExceeded
	}
	return true, c.Context.Err()
}

// isDispatchDeadline reports whether the attempt's time is over at now if the task was sent when it was due. A request may
// have been under way for long, while an instance was started.
func (c *runContext) isDispatchDeadline(now time.Time) bool {
	const skew = time.Second // of the clocks
	over := now.Sub(c.meta.ETA.Add(c.timeout))
	return !c.meta.ETA.IsZero() && over >= -skew && over <= skew
}

// end ends the context with its run.
func (c *runContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.waiting != nil {
		c.stop()
		c.ending.release()
	}
}

// runEnding is the end of a [runContext]: the parent of its one child, which ends with the error that it is given.
// Package context has no such thing: what it cancels early has always been [context.Canceled].
type runEnding struct {
	context.Context               // the request's
	done            chan struct{} // closed once err is set
	cancel          func()        // ends the child; set by AfterFunc

	mu                 sync.Mutex
	err                error
	requests           bool        // the request has ended, for a reason of its own
	stopTimer, unwatch func() bool // nil if there is nothing to wait for
}

// end ends the child, unless that has been done.
func (e *runEnding) end(requests bool, err error) {
	e.mu.Lock()
	first := e.err == nil
	if first {
		e.err, e.requests = err, requests
		close(e.done)
	}
	e.mu.Unlock()
	if first {
		e.cancel()
		e.release()
	}
}

// release stops what waits for the end.
func (e *runEnding) release() {
	e.mu.Lock()
	stopTimer, unwatch := e.stopTimer, e.unwatch
	e.mu.Unlock()
	if stopTimer != nil {
		stopTimer()
		unwatch()
	}
}

// Deadline returns none: [runContext] knows it.
func (e *runEnding) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done returns a channel that is closed at the end.
func (e *runEnding) Done() <-chan struct{} { return e.done }

// Err returns why the context has ended.
func (e *runEnding) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// AfterFunc is called by package context, with what cancels the child.
func (e *runEnding) AfterFunc(cancel func()) (stop func() bool) {
	e.cancel = cancel
	return func() bool { return true }
}

// Value returns what the request's context holds. The cause of its end is hidden where that is not why this one ends.
func (e *runEnding) Value(key any) any {
	e.mu.Lock()
	hidden := e.err != nil && !e.requests
	e.mu.Unlock()
	if hidden {
		return context.WithoutCancel(e.Context).Value(key)
	}
	return e.Context.Value(key)
}
