package cloudtask_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// enqueueVerb is one way to enqueue a mail.
type enqueueVerb func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error)

func later(eta cloudtask.ETA, opts ...cloudtask.EnqueueOption) enqueueVerb {
	return func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
		return mailType().Later(ctx, c, &mail{}, eta, opts...)
	}
}

func push(opts ...cloudtask.EnqueueOption) enqueueVerb {
	return func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
		return mailType().Push(ctx, c, &mail{}, opts...)
	}
}

func untilIn(d time.Duration, opts ...cloudtask.EnqueueOption) enqueueVerb {
	return func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
		return mailType().Until(ctx, c, &mail{}, time.Now().Add(d), opts...)
	}
}

func atIn(d time.Duration) enqueueVerb {
	return func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
		return mailType().Later(ctx, c, &mail{}, cloudtask.At(time.Now().Add(d)))
	}
}

const day = 24 * time.Hour

func TestScheduleTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		maxETA  time.Duration
		enqueue enqueueVerb
		want    time.Duration // from now; 0: no schedule time is sent
	}{
		{"push", 0, push(), 0},
		{"in", 0, later(cloudtask.In(30 * time.Minute)), 30 * time.Minute},
		{"in nothing", 0, later(cloudtask.In(0)), 0},
		{"zero ETA", 0, later(cloudtask.ETA{}), 0},
		{"to the microsecond", 0, later(cloudtask.In(1234567 * time.Nanosecond)), 1234 * time.Microsecond},
		{"at", 0, atIn(7 * day), 7 * day},
		{"at a past time", 0, atIn(-time.Hour), 0},
		{"delay", 0, push(cloudtask.WithDelay(time.Minute)), time.Minute},
		{"no delay", 0, push(cloudtask.WithDelay(0)), 0},
		{"30 days", 0, later(cloudtask.In(30 * day)), 30 * day},
		{"the configured limit", time.Hour, later(cloudtask.In(time.Hour)), time.Hour},
		{"a configured limit beyond Cloud Tasks'", 60 * day, later(cloudtask.In(30 * day)), 30 * day},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.MaxETA = test.maxETA })
				receipt, err := test.enqueue(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				sent := m.calls[0].tasks[0].ScheduleTime
				if test.want == 0 {
					if !sent.IsZero() {
						t.Errorf("schedule time %v was sent, want none", sent)
					}
				} else if got := time.Until(sent); got != test.want {
					t.Errorf("scheduled in %v, want %v", got, test.want)
				}
				if got := time.Until(receipt.ETA); got != test.want {
					t.Errorf("the receipt says in %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestETAIsRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		maxETA  time.Duration
		enqueue enqueueVerb
		tooFar  bool
		want    []string
	}{
		{"later than Cloud Tasks allows", 0, later(cloudtask.In(30*day + 1)), true, []string{"720h0m0.000000001s", "Cloud Tasks allows 720h0m0s"}},
		{"at a time later than Cloud Tasks allows", 0, atIn(31 * day), true, []string{"744h0m0s", "720h0m0s"}},
		{"at the end of time", 0, later(cloudtask.At(time.Unix(1<<50, 0))), true, []string{"720h0m0s"}},
		{"later than the configuration allows", time.Hour, later(cloudtask.In(61 * time.Minute)), true, []string{"1h1m0s", "Config.MaxETA", "1h0m0s"}},
		{"delay", time.Hour, push(cloudtask.WithDelay(2 * time.Hour)), true, []string{"2h0m0s", "1h0m0s"}},
		{"latest time", time.Hour, untilIn(2 * time.Hour), true, []string{"2h0m0s", "1h0m0s"}},
		{"beyond 30 days with a longer configured limit", 60 * day, later(cloudtask.In(31 * day)), true, []string{"Cloud Tasks allows"}},
		{"negative", 0, later(cloudtask.In(-time.Second)), false, []string{"delay -1s is negative"}},
		{"negative delay", 0, push(cloudtask.WithDelay(-time.Second)), false, []string{"delay -1s is negative"}},
		{"latest time now", 0, untilIn(0), false, []string{"not in the future"}},
		{"latest time past", 0, untilIn(-time.Minute), false, []string{"not in the future"}},
		{"later with a delay", 0, later(cloudtask.In(0), cloudtask.WithDelay(0)), false, []string{"WithDelay cannot be combined"}},
		{"zero ETA with a delay", 0, later(cloudtask.ETA{}, cloudtask.WithDelay(0)), false, []string{"WithDelay cannot be combined"}},
		{"until with a delay", 0, untilIn(time.Hour, cloudtask.WithDelay(time.Second)), false, []string{"WithDelay cannot be combined"}},
	}
	for _, test := range tests {
		for _, eager := range []bool{false, true} {
			name := test.name
			if eager {
				name += ", eagerly"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					m := &memory{}
					ran := false
					c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.MaxETA, cfg.Eager = test.maxETA, eager }, mailType().Route(func(context.Context, any) error {
						ran = true
						return nil
					}))
					_, err := test.enqueue(t.Context(), c)
					wantError(t, err, append(test.want, "enqueue SendMail: ")...)
					if got := errors.Is(err, cloudtask.ErrETATooFar); got != test.tooFar {
						t.Errorf("errors.Is(%v, ErrETATooFar) = %v", err, got)
					}
					if len(m.calls) > 0 || ran {
						t.Error("the task was enqueued or run")
					}
				})
			})
		}
	}
}

func TestUntilIsUniform(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		c := newClient(t, m, nil)
		const n, buckets = 8000, 8
		begun := time.Now()
		var counts [buckets]int
		for range n {
			receipt, err := untilIn(time.Hour)(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			after := receipt.ETA.Sub(begun)
			if after < 0 || after > time.Hour {
				t.Fatalf("scheduled %v from now, want within the hour", after)
			}
			counts[min(int(after*buckets/time.Hour), buckets-1)]++
		}
		// Six standard deviations of a bucket's count are 6·sqrt(8000·(1/8)·(7/8)) = 178.
		if low, high := slices.Min(counts[:]), slices.Max(counts[:]); low < n/buckets-178 || high > n/buckets+178 {
			t.Errorf("counts by eighths of the hour: %v, want each near %d", counts, n/buckets)
		}
	})
}

// clocked is a queue service whose clock is not this machine's.
type clocked struct {
	*memory
	now time.Time
}

func (c clocked) Now() time.Time { return c.now }

// Delays count from the service's clock, where it has one.
func TestServiceClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	tests := []struct {
		name string
		eta  cloudtask.ETA
		want time.Time // zero: none is sent
	}{
		{"in", cloudtask.In(time.Hour), now.Add(time.Hour)},
		{"at", cloudtask.At(now.Add(time.Minute)), now.Add(time.Minute)},
		{"at a time that is past there", cloudtask.At(time.Now().Add(day)), time.Time{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{}
			if _, err := later(test.eta)(t.Context(), newClient(t, clocked{m, now}, nil)); err != nil {
				t.Fatal(err)
			}
			if got := m.calls[0].tasks[0].ScheduleTime; !got.Equal(test.want) {
				t.Errorf("schedule time %v, want %v", got, test.want)
			}
		})
	}
}
