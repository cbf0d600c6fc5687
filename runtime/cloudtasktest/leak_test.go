package cloudtasktest_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// Goroutines that a task leaves fail the test, unless that is allowed; what libraries keep, such as connections, does not.
func TestLeaks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		opts cloudtasktest.Options
		work time.Duration
		want bool
	}{
		{"ends in time", cloudtasktest.Options{}, 50 * time.Millisecond, false},
		{"stays", cloudtasktest.Options{}, time.Hour, true},
		{"may stay", cloudtasktest.Options{LeaveGoroutines: true}, time.Hour, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stop := make(chan struct{})
				defer close(stop)
				fake := &fakeTB{ctx: t.Context()}
				q := cloudtasktest.NewWithOptions(fake, test.opts, greetTask.Route(func(context.Context, any) error {
					go leftBehind(stop, test.work)
					return nil
				}))
				enqueue(t, q, "Ada")
				q.RunAll()
				fake.end()
				if log := fake.log(); fake.Failed() != test.want || test.want && !strings.Contains(log, "leftBehind") {
					t.Errorf("failed: %t, want %t:\n%s", fake.Failed(), test.want, log)
				}
			})
		})
	}
}

func leftBehind(stop <-chan struct{}, work time.Duration) {
	select {
	case <-stop:
	case <-time.After(work):
	}
}
