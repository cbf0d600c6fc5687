package cloudtask_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// eagerClient returns a client without a backend that runs mails with run.
func eagerClient(t *testing.T, d *cloudtask.Definition, run func(ctx context.Context, task *mail) (string, error)) *cloudtask.Client {
	t.Helper()
	return newClient(t, nil, func(cfg *cloudtask.Config) { cfg.Eager, cfg.Project, cfg.Location = true, "", "" },
		d.RouteWithResult(func(ctx context.Context, task any) (any, error) { return run(ctx, task.(*mail)) },
			func(dst []byte, result any) ([]byte, error) { return fmt.Appendf(dst, "%q", result), nil }))
}

func TestEager(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := mailType(func(d *cloudtask.Definition) { d.Queue, d.Timeout = "mails", time.Minute })
		ran := 0
		c := eagerClient(t, d, func(ctx context.Context, task *mail) (string, error) {
			ran++
			if diff := cmp.Diff(&mail{To: "ann", Text: "hi"}, task); diff != "" {
				t.Errorf("payload (-want +got):\n%s", diff)
			}
			if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) != 2*time.Minute-2400*time.Millisecond {
				t.Errorf("deadline in %v, want the task's timeout less 2 %%", time.Until(deadline))
			}
			meta := cloudtask.MetadataFrom(ctx)
			if !meta.Eager() || meta.TaskID != "a" || meta.Queue != "mails" || meta.Attempt() != 1 || !meta.FirstAttempt() || time.Until(meta.ETA) != time.Hour {
				t.Errorf("metadata %+v", meta)
			}
			if last, err := meta.LastAttempt(ctx); !last || err != nil {
				t.Errorf("LastAttempt: %v, %v", last, err)
			}
			return "sent", nil
		})
		task := mail{To: "ann", Text: "hi"}
		receipt, err := d.Push(t.Context(), c, &task, cloudtask.WithTaskName("a"), cloudtask.WithTimeout(2*time.Minute), cloudtask.WithDelay(time.Hour))
		if err != nil || ran != 1 || string(receipt.Result) != `"sent"` || receipt.TaskID != "a" || receipt.Queue != "mails" || receipt.Duplicate {
			t.Errorf("%d runs, receipt %+v, %v", ran, receipt, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A run sees what came through the codec, not the caller's struct.
func TestEagerPayloadGoesThroughTheCodec(t *testing.T) {
	t.Parallel()
	d := mailType(func(d *cloudtask.Definition) {
		d.Append = func(dst []byte, task any) ([]byte, error) { return append(dst, `{"to":"encoded"}`...), nil }
	})
	var got mail
	c := newClient(t, nil, func(cfg *cloudtask.Config) { cfg.Eager = true }, d.Route(func(_ context.Context, task any) error { got = *task.(*mail); return nil }))
	receipt, err := d.Asap(t.Context(), c, &mail{To: "ann"})
	if err != nil || got.To != "encoded" || receipt.Result != nil || receipt.TaskID == "" || receipt.ETA.IsZero() {
		t.Errorf("ran %+v, receipt %+v, %v", got, receipt, err)
	}
	d.Decode = func([]byte, any) error { return errors.New("payload.to: bad, offset 7") }
	_, err = d.Asap(t.Context(), c, &mail{})
	wantError(t, err, "payload.to: bad, offset 7")
}

func TestEagerErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such user")
	d := mailType()
	tests := []struct {
		name string
		run  func() error
		as   error // that the enqueue must return as it is
		is   error
		say  string
	}{
		{name: "Run's", run: func() error { return cause }, as: cause},
		{name: "discarded", run: func() error { return cloudtask.Discard(cause) }, is: cause, say: "discarded: no such user"},
		{name: "panic", run: func() error { panic("oh") }, say: "panic: oh"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := eagerClient(t, d, func(context.Context, *mail) (string, error) { return "", test.run() })
			receipt, err := d.Asap(t.Context(), c, &mail{})
			if test.as != nil && err != test.as || test.is != nil && !errors.Is(err, test.is) || receipt.TaskID != "" {
				t.Errorf("receipt %+v, %v", receipt, err)
			}
			wantError(t, err, test.say)
		})
	}
}

func TestEagerRunsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := mailType(func(d *cloudtask.Definition) { d.Timeout = 15 * time.Second })
		c := eagerClient(t, d, func(ctx context.Context, _ *mail) (string, error) { <-ctx.Done(); return "", ctx.Err() })
		begun := time.Now()
		_, err := d.Asap(t.Context(), c, &mail{})
		if err != context.DeadlineExceeded || time.Since(begun) != 14*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

func TestEagerNeedsARoute(t *testing.T) {
	t.Parallel()
	other := mailType(func(d *cloudtask.Definition) { d.Name = "Other" })
	nothing := func(context.Context, any) error { return nil }
	c := newClient(t, nil, func(cfg *cloudtask.Config) { cfg.Eager = true }, other.Route(nothing))
	_, err := mailType().Asap(t.Context(), c, &mail{})
	wantError(t, err, "enqueue SendMail", "NewClient", "Other")
	cfg := testConfig()
	cfg.Eager = true
	_, err = cloudtask.NewClient(nil, cfg)
	wantError(t, err, "Eager true: there are no routes", "NewClient")
	_, err = cloudtask.NewClient(nil, cfg, other.Route(nothing), other.Route(nothing))
	wantError(t, err, "Other")
}

func TestEagerBatchRunsInOrder(t *testing.T) {
	t.Parallel()
	d := mailType()
	var order []string
	failure := errors.New("third")
	c := eagerClient(t, d, func(_ context.Context, task *mail) (string, error) {
		order = append(order, task.To)
		if task.To == "2" {
			return "", failure
		}
		return "sent " + task.To, nil
	})
	receipts, err := d.Batch(t.Context(), c, mails(5))
	if got := strings.Join(order, ""); got != "01234" {
		t.Errorf("ran %s", got)
	}
	var batchErr *cloudtask.BatchError
	if !errors.As(err, &batchErr) || batchErr.Errors[2] != failure || len(batchErr.Errors) != 1 {
		t.Errorf("%v, want the error of task 2", err)
	}
	if len(receipts) != 5 || string(receipts[4].Result) != `"sent 4"` || receipts[2].Result != nil {
		t.Errorf("receipts %+v", receipts)
	}
}

// What a run enqueues carries the headers of its own task, eagerly as in a queue.
func TestEagerPropagatesHeaders(t *testing.T) {
	t.Parallel()
	d := mailType()
	cfg := testConfig()
	cfg.Eager = true
	var c *cloudtask.Client
	var seen []string
	c, err := cloudtask.NewClient(nil, cfg, d.Route(func(ctx context.Context, payload any) error {
		task := payload.(*mail)
		seen = append(seen, cloudtask.MetadataFrom(ctx).Headers.Get("Traceparent"))
		if task.To == "inner" {
			return nil
		}
		_, err := d.Asap(ctx, c, &mail{To: "inner"})
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	handler := cloudtask.PropagateHeaders(cfg)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := d.Asap(r.Context(), c, &mail{}); err != nil {
			t.Error(err)
		}
		if _, err := d.Push(r.Context(), c, &mail{}, cloudtask.WithHeader("traceparent", "mine")); err != nil {
			t.Error(err)
		}
	}))
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	r.Header.Set("Traceparent", "theirs")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	if diff := cmp.Diff([]string{"theirs", "theirs", "mine", "mine"}, seen); diff != "" {
		t.Errorf("headers of the runs (-want +got):\n%s", diff)
	}
}

func TestSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := mailType(func(d *cloudtask.Definition) { d.Queue = "mails" })
		meta := cloudtask.MetadataFrom(d.Sync(t.Context()))
		again := cloudtask.MetadataFrom(d.Sync(t.Context()))
		if !meta.Eager() || meta.Queue != "mails" || meta.TaskID == "" || meta.TaskID == again.TaskID || !meta.FirstAttempt() || !meta.ETA.Equal(time.Now()) {
			t.Errorf("metadata %+v, then %+v", meta, again)
		}
	})
}
