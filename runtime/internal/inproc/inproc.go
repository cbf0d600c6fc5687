// Package inproc is what an embedded queue tells a handler that it calls in its own process, by the request's context: that
// it is one, and its clock. Nothing that comes over a network can say so.
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
