package cloudtask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/ended"
)

// RetryPolicy configures how the call that enqueues a task is retried before the enqueue returns. It does not affect how the queue retries the
// task: that is [RetryConfig]. Pauses follow the rule of Google's own clients (AIP-4221): each is a random time up to a bound that starts at
// Initial and grows by Multiplier up to Max.
//
// A retried enqueue never creates a second task: the task gets a random ID before the first try, by which the service recognizes it. Cloud
// Tasks takes noticeably longer for a task with an ID.
type RetryPolicy struct {
	On         []Code        // codes that are retried; empty: no retry
	Initial    time.Duration // bound of the first pause; 0: 1 s
	Max        time.Duration // largest bound; 0: 30 s
	Multiplier float64       // growth of the bound, at least 1; 0: 2
	Deadline   time.Duration // for all tries and pauses together; 0: 2 min. The context's deadline holds as well
}

// Defaults of RetryPolicy: gax's, which has none for the deadline.
const (
	defaultRetryInitial    = time.Second
	defaultRetryMax        = 30 * time.Second
	defaultRetryMultiplier = 2
	defaultRetryDeadline   = 2 * time.Minute
)

// or returns the policy with missing fields taken from base, then from the defaults.
func (p *RetryPolicy) or(base RetryPolicy) RetryPolicy {
	if p != nil {
		if len(p.On) > 0 {
			base.On = p.On
		}
		base.Initial = cmp.Or(p.Initial, base.Initial)
		base.Max = cmp.Or(p.Max, base.Max)
		base.Multiplier = cmp.Or(p.Multiplier, base.Multiplier)
		base.Deadline = cmp.Or(p.Deadline, base.Deadline)
	}
	base.Initial = cmp.Or(max(base.Initial, 0), defaultRetryInitial)
	base.Max = cmp.Or(max(base.Max, 0), defaultRetryMax)
	if !(base.Multiplier >= 1) {
		base.Multiplier = defaultRetryMultiplier
	}
	base.Deadline = cmp.Or(max(base.Deadline, 0), defaultRetryDeadline)
	return base
}

// readPolicy is for calls that can be repeated without harm: get, list and delete. Its codes are those of Google's client for these calls.
func readPolicy() RetryPolicy {
	return RetryPolicy{
		On:         []Code{Unavailable, DeadlineExceeded},
		Initial:    100 * time.Millisecond,
		Max:        2 * time.Second,
		Multiplier: 1.3,
		Deadline:   5 * time.Second,
	}
}

// retrier counts the tries of one operation.
type retrier struct {
	policy RetryPolicy
	random func(n int64) int64 // in [0,n)
	bound  time.Duration       // of the next pause
	start  time.Time           // zero when nothing is retried
	tries  int
	cut    bool  // the deadline shortened the last try
	last   error // of the try before the last pause; nil before the first
}

func newRetrier(policy RetryPolicy, random func(n int64) int64) retrier {
	r := retrier{policy: policy, random: random, bound: policy.Initial}
	if len(policy.On) > 0 { // the clock's time is worth something beside a call to a service
		r.start = time.Now()
	}
	return r
}

// timeout returns how long the next try may take: most, or less if the deadline is near.
func (r *retrier) timeout(most time.Duration) time.Duration {
	if len(r.policy.On) == 0 {
		return most
	}
	left := max(0, r.policy.Deadline-time.Since(r.start))
	r.cut = left < most
	return min(most, left)
}

// hasLast reports whether err is only that of a try cut short by the retry deadline, so the error of the try before says more.
func (r *retrier) hasLast(ctx context.Context, err error) bool {
	return r.cut && r.last != nil && ctx.Err() == nil && StatusOf(err) == DeadlineExceeded
}

// gaveUp returns why there is no further try.
func (r *retrier) gaveUp() error {
	return fmt.Errorf("gave up after %d tries in %v, the retry deadline is %v", r.tries, time.Since(r.start).Round(time.Millisecond), r.policy.Deadline)
}

// covers reports whether the policy retries err. As in Google's clients, an untrusted certificate is not worth a retry,
// although it is UNAVAILABLE.
func (r *retrier) covers(err error) bool {
	return slices.Contains(r.policy.On, StatusOf(err)) &&
		!strings.Contains(err.Error(), "x509: certificate signed by unknown authority")
}

// next returns how long to pause before the next try.
func (r *retrier) next() time.Duration {
	pause := time.Duration(1 + r.random(int64(r.bound)))
	if grown := float64(r.bound) * r.policy.Multiplier; grown < float64(r.policy.Max) {
		r.bound = time.Duration(grown)
	} else {
		r.bound = r.policy.Max
	}
	return pause
}

// retry pauses after a try that failed with err. It returns nil when it is time for the next, and otherwise the error
// that the operation fails with.
func (r *retrier) retry(ctx context.Context, err error) error {
	switch {
	case r.hasLast(ctx, err):
		return fmt.Errorf("%w: %w", r.gaveUp(), r.last)
	case ctx.Err() != nil || !r.covers(err):
		return r.failed(err)
	}
	if stop := r.pause(ctx); stop != nil {
		return fmt.Errorf("%w: %w", stop, err)
	}
	r.last = err
	return nil
}

// pause waits for the next try. It returns why there is none, nil when it is time.
func (r *retrier) pause(ctx context.Context) error {
	pause := r.next()
	if pause >= r.policy.Deadline-time.Since(r.start) {
		return r.gaveUp()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		if time.Since(r.start) >= r.policy.Deadline { // the timer was late
			return r.gaveUp()
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w while waiting to try again after %d tries", ctx.Err(), r.tries)
	}
}

// failed adds the number of tries to err, if there was more than one.
func (r *retrier) failed(err error) error {
	if r.tries <= 1 {
		return err
	}
	return fmt.Errorf("after %d tries: %w", r.tries, err)
}

// callError returns the error of a call made with callCtx, a child of ctx, as one that has a status code. When a context
// has ended, its error is in the tree, whatever the backend says; it replaces the code of a failure that may come of it.
func callError(ctx, callCtx context.Context, timeout time.Duration, err error) error {
	var status *StatusError
	known := errors.As(err, &status)
	why := cmp.Or(ended.Err(ctx), ended.Err(callCtx))
	switch {
	case why == nil && known:
		return err
	case why == nil:
		return &StatusError{Code: codeOf(err), Message: err.Error(), Err: err}
	}
	if !errors.Is(err, why) {
		err = errors.Join(why, err)
	}
	result := contextError(why)
	result.Err = err
	switch {
	case known && !mayHaveHappened(status):
		result.Code, result.Message = status.Code, status.Message
	case ended.Err(ctx) == nil:
		result.Message = fmt.Sprintf("no answer within %v", timeout)
	}
	return result
}

// contextError returns the error of a context that has ended as one that has a status code.
func contextError(err error) *StatusError {
	return &StatusError{Code: codeOf(err), Message: err.Error(), Err: err}
}

// codeOf returns the code of an error without one: not having reached the service is UNAVAILABLE.
func codeOf(err error) Code {
	var netErr net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	case errors.As(err, &netErr), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return Unavailable
	}
	return Unknown
}

// repeat makes a call that can be repeated without harm, until it is answered or not worth another try. timeout is that
// of each try.
func repeat[R any](ctx context.Context, timeout time.Duration, random func(n int64) int64, call func(ctx context.Context) (R, error)) (R, error) {
	r := newRetrier(readPolicy(), random)
	for {
		r.tries++
		callCtx, cancel := context.WithTimeout(ctx, timeout)
		result, err := call(callCtx)
		if err != nil {
			err = callError(ctx, callCtx, timeout, err)
		}
		cancel()
		if err == nil {
			return result, nil
		}
		if err := r.retry(ctx, err); err != nil {
			var none R
			return none, err
		}
	}
}
