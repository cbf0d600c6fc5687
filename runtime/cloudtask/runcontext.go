package cloudtask

import (
	"context"
	"sync"
	"time"
)

// runContext is the context of a task that the handler runs: the request's, with the task's metadata, its captured
// headers and its deadline. It is [context.WithDeadline] and two values in one, because the timer of the former costs
// more than all else that the handler does for a small task: it is started when somebody first waits for Done.
type runContext struct {
	context.Context // the request's
	meta            Metadata
	deadline        time.Time

	mu    sync.Mutex
	timed context.Context // child of the request's that ends at the deadline; nil until it is needed
	stop  context.CancelFunc
	ended bool // the run is over
}

// Deadline returns when the run must be done.
func (c *runContext) Deadline() (time.Time, bool) {
	if d, ok := c.Context.Deadline(); ok && d.Before(c.deadline) {
		return d, true
	}
	return c.deadline, true
}

// Done returns a channel that is closed at the deadline, when the caller goes away, and when the run is over.
func (c *runContext) Done() <-chan struct{} { return c.withTimer().Done() }

// Err returns why the context has ended, nil while it has not.
func (c *runContext) Err() error {
	c.mu.Lock()
	lives := c.timed == nil && !c.ended && c.Context.Err() == nil && time.Now().Before(c.deadline)
	c.mu.Unlock()
	if lives {
		return nil
	}
	return c.withTimer().Err() // the first reason, for good
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
	timed := c.timed
	c.mu.Unlock()
	if timed != nil {
		return timed.Value(key) // children find what cancels them, and need no goroutine to watch for it
	}
	return c.Context.Value(key)
}

// withTimer returns the context that ends when this one does.
func (c *runContext) withTimer() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timed == nil {
		c.timed, c.stop = context.WithDeadline(c.Context, c.deadline)
		if c.ended {
			c.stop()
		}
	}
	return c.timed
}

// end ends the context with its run.
func (c *runContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.stop != nil {
		c.stop()
	}
}
