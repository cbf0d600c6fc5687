package cloudtask_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// failing makes every call fail with what next returns, until it returns nil.
func failing(errs ...error) func(context.Context, call) error {
	return func(_ context.Context, c call) error {
		if c.n <= len(errs) {
			return errs[c.n-1]
		}
		return nil
	}
}

// failingThenHanging does not answer the calls after those that fail.
func failingThenHanging(errs ...error) func(context.Context, call) error {
	return func(ctx context.Context, c call) error {
		if c.n <= len(errs) {
			return errs[c.n-1]
		}
		return hang(ctx, c)
	}
}

func hang(ctx context.Context, _ call) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestEnqueueRetry(t *testing.T) {
	t.Parallel()
	unavailable := status(cloudtask.Unavailable)
	policy := cloudtask.RetryPolicy{On: []cloudtask.Code{cloudtask.Unavailable, cloudtask.DeadlineExceeded}}
	tests := []struct {
		name   string
		config cloudtask.RetryPolicy
		policy *cloudtask.RetryPolicy
		before func(context.Context, call) error
		tries  int
		code   cloudtask.Code
		say    []string
		most   time.Duration // that it may take; 0: no time
	}{
		{name: "without a policy", before: failing(unavailable), tries: 1, code: cloudtask.Unavailable, say: []string{"UNAVAILABLE: says the test"}},
		{name: "policy of the configuration", config: policy, before: failing(unavailable, unavailable), tries: 3, most: 3 * time.Second},
		{name: "policy of the directive", policy: &policy, before: failing(unavailable), tries: 2, most: time.Second},
		{
			name: "the directive wins", config: policy, policy: &cloudtask.RetryPolicy{On: []cloudtask.Code{cloudtask.Internal}},
			before: failing(unavailable), tries: 1, code: cloudtask.Unavailable,
		},
		{name: "other codes", config: policy, before: failing(unavailable, status(cloudtask.PermissionDenied)), tries: 2, code: cloudtask.PermissionDenied, say: []string{"after 2 tries"}, most: time.Second},
		{name: "transport errors are UNAVAILABLE", config: policy, before: failing(&net.OpError{Op: "dial", Err: errors.New("refused")}, io.ErrUnexpectedEOF), tries: 3, most: 3 * time.Second},
		{name: "transport error without a policy", before: failing(&net.OpError{Op: "dial", Err: errors.New("refused")}), tries: 1, code: cloudtask.Unavailable, say: []string{"dial: refused"}},
		{name: "other errors are UNKNOWN", config: policy, before: failing(errors.New("odd")), tries: 1, code: cloudtask.Unknown, say: []string{"UNKNOWN: odd"}},
		{
			name: "an untrusted certificate", config: policy, before: failing(&cloudtask.StatusError{Code: cloudtask.Unavailable, Message: "x509: certificate signed by unknown authority"}),
			tries: 1, code: cloudtask.Unavailable,
		},
		{name: "a call without an answer", before: hang, tries: 1, code: cloudtask.DeadlineExceeded, say: []string{"no answer within 20s"}, most: 20 * time.Second},
		{
			name: "the deadline holds for all tries", config: cloudtask.RetryPolicy{On: policy.On, Deadline: 25 * time.Second}, before: hang,
			tries: 2, code: cloudtask.DeadlineExceeded, say: []string{"gave up after 2 tries in 25s, the retry deadline is 25s"}, most: 25 * time.Second,
		},
		{
			name: "what failed is told, not that the deadline cut the last try short", config: cloudtask.RetryPolicy{On: policy.On, Deadline: 10 * time.Second},
			before: failingThenHanging(unavailable, unavailable), tries: 3, code: cloudtask.Unavailable,
			say: []string{"gave up after 3 tries in 10s, the retry deadline is 10s", "UNAVAILABLE: says the test"}, most: 10 * time.Second,
		},
		{
			name: "the same where a time-out is not retried", config: cloudtask.RetryPolicy{On: policy.On[:1], Deadline: 10 * time.Second},
			before: failingThenHanging(unavailable), tries: 2, code: cloudtask.Unavailable,
			say: []string{"gave up after 2 tries in 10s", "UNAVAILABLE: says the test"}, most: 10 * time.Second,
		},
		{
			name: "a try that has its full time tells why it failed", config: cloudtask.RetryPolicy{On: policy.On[:1]},
			before: failingThenHanging(unavailable), tries: 2, code: cloudtask.DeadlineExceeded,
			say: []string{"after 2 tries", "no answer within 20s"}, most: 21 * time.Second,
		},
		{
			name: "no pause beyond the deadline", config: cloudtask.RetryPolicy{On: policy.On, Initial: time.Hour, Deadline: time.Millisecond},
			before: failing(unavailable), tries: 1, code: cloudtask.Unavailable, say: []string{"gave up after 1 tries in 0s"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &memory{before: test.before}
				c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.EnqueueRetry = test.config })
				d := mailType(func(d *cloudtask.Definition) { d.EnqueueRetry = test.policy })
				begun := time.Now()
				_, err := d.Asap(t.Context(), c, &mail{})
				took := time.Since(begun)
				if len(m.calls) != test.tries || took > test.most || cloudtask.StatusOf(err) != test.code {
					t.Errorf("%d tries in %v: %v; want %d in at most %v: %v", len(m.calls), took, err, test.tries, test.most, test.code)
				}
				if test.code != cloudtask.OK {
					wantError(t, err, test.say...)
				}
			})
		})
	}
}

// Without limits of its own a policy gives up after two minutes.
func TestEnqueueRetryEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{before: func(context.Context, call) error { return status(cloudtask.Unavailable) }}
		begun := time.Now()
		_, err := mailType(retried).Asap(t.Context(), newClient(t, m, nil), &mail{})
		wantError(t, err, "gave up after", "the retry deadline is 2m0s", "UNAVAILABLE")
		if took := time.Since(begun); took > 2*time.Minute || took < 90*time.Second || len(m.calls) < 8 {
			t.Errorf("%d tries in %v", len(m.calls), took)
		}
		names := map[string]bool{}
		for _, c := range m.calls {
			names[c.tasks[0].Name] = true
		}
		if len(names) != 1 {
			t.Errorf("the tries had %d names, want all the same", len(names))
		}
	})
}

// Whatever the backend says at the moment at which the context of a call ends, errors.Is finds the context's error.
func TestContextsErrorWins(t *testing.T) {
	t.Parallel()
	d := mailType()
	calls := map[string]func(ctx context.Context, c *cloudtask.Client) error{
		"Asap":  func(ctx context.Context, c *cloudtask.Client) error { _, err := d.Asap(ctx, c, &mail{}); return err },
		"Batch": func(ctx context.Context, c *cloudtask.Client) error { _, err := d.Batch(ctx, c, mails(2)); return err },
		"Debug": func(ctx context.Context, c *cloudtask.Client) error {
			_, err := d.Debug(ctx, c, "a", new(mail))
			return err
		},
		"Discard": func(ctx context.Context, c *cloudtask.Client) error { _, err := d.Discard(ctx, c); return err },
	}
	for name, do := range calls {
		for _, code := range []cloudtask.Code{cloudtask.Unavailable, cloudtask.Internal, cloudtask.Canceled, cloudtask.DeadlineExceeded, cloudtask.InvalidArgument} {
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, &memory{before: func(ctx context.Context, _ call) error { <-ctx.Done(); return status(code) }}, nil)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := do(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s, deadline, %v from the backend: %v", name, code, err)
				}
				ctx, cancel = context.WithCancel(t.Context())
				time.AfterFunc(time.Second, cancel)
				if err := do(ctx, c); !errors.Is(err, context.Canceled) {
					t.Errorf("%s, cancelled, %v from the backend: %v", name, code, err)
				}
			})
		}
	}
	// The client's own limit on a call is a context's deadline, too.
	synctest.Test(t, func(t *testing.T) {
		_, err := d.Asap(t.Context(), newClient(t, &memory{before: hang}, nil), &mail{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call without an answer: %v", err)
		}
	})
}

func TestContextEndsAnEnqueue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		before func(context.Context, call) error
		tries  int
	}{
		{"during a call", hang, 1},
		{"during a pause", func(context.Context, call) error { return status(cloudtask.Unavailable) }, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &memory{before: test.before}
				c := newClient(t, m, func(cfg *cloudtask.Config) {
					cfg.EnqueueRetry = cloudtask.RetryPolicy{On: []cloudtask.Code{cloudtask.Unavailable, cloudtask.Canceled}, Initial: 50 * time.Hour, Max: 50 * time.Hour, Deadline: 100 * time.Hour}
				})
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Millisecond, cancel)
				_, err := mailType().Asap(ctx, c, &mail{})
				if !errors.Is(err, context.Canceled) || len(m.calls) != test.tries {
					t.Errorf("%v after %d tries, want one that is context.Canceled after %d", err, len(m.calls), test.tries)
				}
				if _, ok := errors.AsType[*cloudtask.StatusError](err); !ok {
					t.Errorf("%v has no status", err)
				}
			})
		})
	}
	t.Run("before it begins", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		_, err := mailType(retried).Asap(ctx, newClient(t, &memory{}, nil), &mail{})
		if !errors.Is(err, context.DeadlineExceeded) || cloudtask.StatusOf(err) != cloudtask.DeadlineExceeded || strings.Contains(err.Error(), "no answer") {
			t.Errorf("%v, want the context's error", err)
		}
	})
}

func TestStatusErrorOfTheBackendIsKept(t *testing.T) {
	t.Parallel()
	cause := errors.New("what the backend's client said")
	m := &memory{before: func(context.Context, call) error {
		return fmt.Errorf("calling: %w", &cloudtask.StatusError{Code: cloudtask.ResourceExhausted, Message: "slow down", Err: cause})
	}}
	_, err := mailType().Asap(t.Context(), newClient(t, m, nil), &mail{})
	if cloudtask.StatusOf(err) != cloudtask.ResourceExhausted || !errors.Is(err, cause) {
		t.Errorf("%v lost its status or cause", err)
	}
	want := `enqueue SendMail: queue "tasks": calling: RESOURCE_EXHAUSTED: slow down`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}
