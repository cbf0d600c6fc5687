package cloudtask_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inRun calls f with the context of a run that has 14 s, in a bubble. The request's context is parent.
func inRun(t *testing.T, parent context.Context, f func(ctx context.Context)) {
	t.Helper()
	ran := false
	h := newHandler(t, insecure, route(func(ctx context.Context, _ string) error { ran = true; f(ctx); return nil }))
	r := httptest.NewRequestWithContext(parent, "POST", "/tasks/Greet", strings.NewReader(`{"name":"Ann"}`))
	r.Header.Set("Cloudtask-Timeout", "15s")
	r.Header.Set("traceparent", "00-1")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); !ran {
		t.Errorf("answered %d %s, and did not run", w.Code, w.Body)
	}
}

func ended(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// expectEnd checks that ctx has ended with want, nil for not, whatever is asked first.
func expectEnd(t *testing.T, ctx context.Context, when string, want error) {
	t.Helper()
	for range 2 {
		if err := ctx.Err(); err != want {
			t.Errorf("%s: Err() is %v, want %v", when, err, want)
		}
		if err := context.Cause(ctx); err != want {
			t.Errorf("%s: the cause is %v, want %v", when, err, want)
		}
		if got := ended(ctx); got != (want != nil) {
			t.Errorf("%s: Done() is closed: %t", when, got)
		}
	}
}

func TestRunContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	tests := []struct {
		name string
		f    func(t *testing.T, ctx context.Context, hangUp func())
	}{
		{"lives", func(t *testing.T, ctx context.Context, _ func()) { expectEnd(t, ctx, "at once", nil) }},
		{"ends at its deadline, nobody waited", func(t *testing.T, ctx context.Context, _ func()) {
			time.Sleep(14 * time.Second)
			expectEnd(t, ctx, "at the deadline", context.DeadlineExceeded)
		}},
		{"ends at its deadline, somebody waits", func(t *testing.T, ctx context.Context, _ func()) {
			start := time.Now()
			<-ctx.Done()
			if d := time.Since(start); d != 14*time.Second {
				t.Errorf("ended after %s", d)
			}
			expectEnd(t, ctx, "at the deadline", context.DeadlineExceeded)
		}},
		{"ends when the caller goes away, nobody waited", func(t *testing.T, ctx context.Context, hangUp func()) {
			hangUp()
			expectEnd(t, ctx, "after that", context.Canceled)
			time.Sleep(time.Minute)
			expectEnd(t, ctx, "after the deadline", context.Canceled)
		}},
		{"ends when the caller goes away, somebody waits", func(t *testing.T, ctx context.Context, hangUp func()) {
			time.AfterFunc(time.Second, hangUp)
			<-ctx.Done()
			expectEnd(t, ctx, "after that", context.Canceled)
		}},
		{"ends with its time when the caller goes away shortly before, nobody waited", func(t *testing.T, ctx context.Context, hangUp func()) {
			time.Sleep(13 * time.Second)
			hangUp()
			expectEnd(t, ctx, "after that", context.DeadlineExceeded)
			expectEnd(t, context.WithValue(ctx, key{}, 1), "a child", context.DeadlineExceeded)
		}},
		{"ends with its time when the caller goes away shortly before, somebody waits", func(t *testing.T, ctx context.Context, hangUp func()) {
			child, cancel := context.WithCancel(ctx)
			defer cancel()
			time.AfterFunc(13*time.Second, hangUp)
			<-child.Done()
			expectEnd(t, ctx, "after that", context.DeadlineExceeded)
			expectEnd(t, child, "the child", context.DeadlineExceeded)
		}},
		{"ends with the caller when that goes away before, somebody waits", func(t *testing.T, ctx context.Context, hangUp func()) {
			time.AfterFunc(13*time.Second-1, hangUp)
			<-ctx.Done()
			expectEnd(t, ctx, "after that", context.Canceled)
			time.Sleep(time.Minute)
			expectEnd(t, ctx, "after the deadline", context.Canceled)
		}},
		{"keeps its reason", func(t *testing.T, ctx context.Context, hangUp func()) {
			time.Sleep(14 * time.Second)
			if err := ctx.Err(); err != context.DeadlineExceeded {
				t.Error(err)
			}
			hangUp()
			expectEnd(t, ctx, "after the caller went away as well", context.DeadlineExceeded)
		}},
		{"ends its children", func(t *testing.T, ctx context.Context, _ func()) {
			child, cancel := context.WithCancel(context.WithValue(ctx, key{}, 1))
			defer cancel()
			called := make(chan struct{})
			context.AfterFunc(ctx, func() { close(called) })
			before := runtime.NumGoroutine()
			for range 10 {
				_, cancel := context.WithCancel(child)
				defer cancel()
			}
			if n := runtime.NumGoroutine(); n > before {
				t.Errorf("%d goroutines watch for the end", n-before)
			}
			<-child.Done()
			<-called
			expectEnd(t, child, "the child", context.DeadlineExceeded)
		}},
		{"outlived by what is detached", func(t *testing.T, ctx context.Context, _ func()) {
			detached := context.WithoutCancel(ctx)
			time.Sleep(time.Minute)
			expectEnd(t, detached, "the detached", nil)
		}},
		{"has the request's values", func(t *testing.T, ctx context.Context, _ func()) {
			for range 2 { // before and after somebody waits
				if got := ctx.Value(parentKey{}); got != "parent" {
					t.Errorf("value %v", got)
				}
				ctx.Done()
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				parent, hangUp := context.WithCancel(context.WithValue(t.Context(), parentKey{}, "parent"))
				defer hangUp()
				inRun(t, parent, func(ctx context.Context) {
					if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 14*time.Second {
						t.Errorf("deadline %s, %t", deadline, ok)
					}
					test.f(t, ctx, hangUp)
				})
			})
		})
	}
}

type parentKey struct{}

// The cause of an early end is the request's, one of the deadline's is not.
func TestRunContextHasTheCause(t *testing.T) {
	t.Parallel()
	stopped := errors.New("told to stop")
	for after, want := range map[time.Duration]error{time.Second: stopped, 13 * time.Second: context.DeadlineExceeded, time.Minute: context.DeadlineExceeded} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				parent, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(after, func() { cancel(stopped) })
				inRun(t, parent, func(ctx context.Context) {
					child, end := context.WithCancel(ctx)
					defer end()
					<-child.Done()
					for range 2 {
						if context.Cause(ctx) != want || context.Cause(child) != want {
							t.Errorf("causes %v and %v, want %v", context.Cause(ctx), context.Cause(child), want)
						}
						time.Sleep(2 * time.Minute) // the request has ended as well
					}
				})
			})
		})
	}
}

// What a task leaves running must notice that its time is over.
func TestRunContextEndsWithTheRun(t *testing.T) {
	t.Parallel()
	for name, waits := range map[string]bool{"somebody waits": true, "nobody waited": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var kept context.Context
				inRun(t, t.Context(), func(ctx context.Context) {
					if kept = ctx; waits {
						ctx.Done()
					}
				})
				expectEnd(t, kept, "after the run", context.Canceled)
				time.Sleep(time.Hour)
				expectEnd(t, kept, "after the deadline", context.Canceled)
			})
		})
	}
}

func TestRunContextOfAnEarlierDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		inRun(t, parent, func(ctx context.Context) {
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != time.Second {
				t.Errorf("deadline in %s, %t", time.Until(deadline), ok)
			}
			<-ctx.Done()
			expectEnd(t, ctx, "at the request's deadline", context.DeadlineExceeded)
		})
	})
}

// For the race detector: everything at once.
func TestRunContextIsConcurrent(t *testing.T) {
	t.Parallel()
	var wait sync.WaitGroup
	inRun(t, t.Context(), func(ctx context.Context) {
		for range 8 {
			wait.Go(func() {
				child, cancel := context.WithCancelCause(ctx)
				defer cancel(errors.New("done"))
				_, _ = ctx.Deadline()
				_ = ctx.Value(parentKey{})
				_ = ctx.Err()
				_ = child.Err()
				<-ctx.Done() // which the end of the run closes
			})
		}
	})
	wait.Wait()
}
