package cloudtask_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func TestBatchRetries(t *testing.T) {
	t.Parallel()
	unavailable := status(cloudtask.Unavailable)
	t.Run("a call whose answer was lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			m := &memory{after: failing(unavailable)}
			tasks := mails(100)
			receipts, err := mailType(retried).Batch(t.Context(), newClient(t, m, nil), tasks)
			if err != nil {
				t.Fatal(err)
			}
			checkReceipts(t, m, tasks, receipts)
			if len(m.tasks) != 100 || len(m.calls) != 2 || m.calls[0].requestID != m.calls[1].requestID {
				t.Errorf("%d tasks after %v, want 100 after two calls of one id", len(m.tasks), m.methods())
			}
		})
	})
	t.Run("a lost call that the service does not know again", func(t *testing.T) {
		t.Parallel()
		for name, change := range map[string]func(*cloudtask.Definition){"random": func(*cloudtask.Definition) {}, "unique": uniqueTo} {
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				m.after = func(_ context.Context, c call) error {
					if c.n == 1 {
						m.requests = nil
						return unavailable
					}
					return nil
				}
				tasks := mails(3)
				receipts, err := mailType(retried, change).Batch(t.Context(), newClient(t, m, nil), tasks)
				if err != nil {
					t.Fatal(err)
				}
				checkReceipts(t, m, tasks, receipts)
				for _, receipt := range receipts {
					if receipt.Duplicate {
						t.Errorf("%s: %+v, want a receipt of a created task", name, receipt)
					}
				}
				if len(m.tasks) != 3 {
					t.Errorf("%s: %d tasks are queued, want 3", name, len(m.tasks))
				}
			})
		}
	})
	t.Run("some of the tasks", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			m := &memory{}
			flaky := &flaky{memory: m, fail: func(round int, body string) error {
				switch {
				case strings.Contains(body, `"3"`) && round == 1, strings.Contains(body, `"5"`) && round <= 2:
					return unavailable
				case strings.Contains(body, `"7"`):
					return status(cloudtask.InvalidArgument)
				}
				return nil
			}}
			tasks := mails(10)
			receipts, err := mailType(retried).Batch(t.Context(), newClient(t, flaky, nil), tasks)
			checkReceipts(t, m, tasks, receipts, 7)
			var batchErr *cloudtask.BatchError
			if !errors.As(err, &batchErr) || len(batchErr.Errors) != 1 || cloudtask.StatusOf(batchErr.Errors[7]) != cloudtask.InvalidArgument {
				t.Errorf("%v, want the error of task 7", err)
			}
			ids := map[string]bool{}
			for _, c := range m.calls {
				ids[c.requestID] = true
			}
			if diff := cmp.Diff([]int{10, 2, 1}, flaky.sizes); diff != "" || len(m.tasks) != 9 || len(ids) != 3 {
				t.Errorf("%d tasks after calls with %d ids of so many tasks (-want +got):\n%s", len(m.tasks), len(ids), diff)
			}
		})
	})
	t.Run("all of the tasks, each on its own", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			m := &memory{}
			flaky := &flaky{memory: m, fail: func(round int, _ string) error {
				if round == 1 {
					return unavailable
				}
				return nil
			}}
			tasks := mails(2)
			receipts, err := mailType(retried).Batch(t.Context(), newClient(t, flaky, nil), tasks)
			if err != nil {
				t.Fatal(err)
			}
			checkReceipts(t, m, tasks, receipts)
		})
	})
	t.Run("until the deadline", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			flaky := &flaky{memory: &memory{}, fail: func(int, string) error { return unavailable }}
			_, err := mailType(retried).Batch(t.Context(), newClient(t, flaky, nil), mails(2))
			wantError(t, err, "2 of 2", `[1] queue "tasks": gave up after`, "UNAVAILABLE")
		})
	})
	t.Run("until the deadline cuts a call short", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			m := &memory{before: failingThenHanging(unavailable)}
			c := newClient(t, m, func(cfg *cloudtask.Config) {
				cfg.EnqueueRetry = cloudtask.RetryPolicy{On: []cloudtask.Code{cloudtask.Unavailable}, Deadline: 10 * time.Second}
			})
			_, err := mailType().Batch(t.Context(), c, mails(2))
			wantError(t, err, "2 of 2", `[1] queue "tasks": gave up after 2 tries in 10s`, "UNAVAILABLE")
			if strings.Contains(err.Error(), "no answer") {
				t.Errorf("%v, want what the first call failed with", err)
			}
		})
	})
	t.Run("not without a policy", func(t *testing.T) {
		t.Parallel()
		m := &memory{before: failing(unavailable)}
		_, err := mailType().Batch(t.Context(), newClient(t, m, nil), mails(2))
		wantError(t, err, "2 of 2")
		if diff := cmp.Diff([]string{"CreateTasks", "GetTask", "GetTask"}, m.methods()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

// flaky is a service that fails single tasks of a batch, by the round and the body.
type flaky struct {
	*memory
	rounds int
	sizes  []int // of the rounds
	fail   func(round int, body string) error
}

func (f *flaky) CreateTasks(ctx context.Context, queue, requestID string, tasks []*cloudtask.Task) ([]cloudtask.CreateResult, error) {
	f.rounds++
	f.sizes = append(f.sizes, len(tasks))
	var good []*cloudtask.Task
	results := make([]cloudtask.CreateResult, len(tasks))
	for i, task := range tasks {
		if results[i].Err = f.fail(f.rounds, string(task.Body)); results[i].Err == nil {
			good = append(good, task)
		}
	}
	created, err := f.memory.CreateTasks(ctx, queue, requestID, good)
	if err != nil {
		return nil, err
	}
	for i := range results {
		if results[i].Err == nil {
			results[i], created = created[0], created[1:]
		}
	}
	return results, nil
}
