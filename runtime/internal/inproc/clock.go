// Package inproc lets an embedded queue call a handler of its own process. The request's context tells the handler that a queue of
// this process made the request, and the queue's clock. A request that comes over a network cannot have them.
package inproc

import (
	"context"
	"time"
)

// Clock is the clock by which the queue measures an attempt.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f once d has passed, unless it is stopped before.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// RealClock is this machine's clock. In a bubble of testing/synctest it is the bubble's.
type RealClock struct{}

// Now returns the time.
func (RealClock) Now() time.Time { return time.Now() }

// AfterFunc is [time.AfterFunc].
func (RealClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}

type key struct{}

// WithClock returns the context of an attempt that a queue with this clock makes.
func WithClock(ctx context.Context, clock Clock) context.Context {
	return context.WithValue(ctx, key{}, clock)
}

// ClockFrom returns the queue's clock, nil if no queue of this process has made the request.
func ClockFrom(ctx context.Context) Clock {
	clock, _ := ctx.Value(key{}).(Clock)
	return clock
}
