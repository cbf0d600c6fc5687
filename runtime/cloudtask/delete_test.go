package cloudtask_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// batchDeleter is a service that deletes in batches, too.
type batchDeleter struct {
	*memory
	item     func(id string) error // fails the deletion of one task of a batch
	results  map[string][]error    // by request id
	forget   bool                  // calls that are repeated
	sizes    []int
	requests []string
}

func newBatchDeleter(tasks int) *batchDeleter {
	b := &batchDeleter{memory: &memory{}, results: map[string][]error{}}
	for i := range tasks {
		b.put(fmt.Sprintf("tasks/tasks/m%04d", i), mailURL)
	}
	return b
}

func (b *batchDeleter) BatchDeleteTasks(ctx context.Context, queue, requestID string, names []string) ([]error, error) {
	c, err := b.begin(ctx, call{method: "BatchDeleteTasks", name: queue, requestID: requestID})
	b.mu.Lock()
	b.sizes, b.requests = append(b.sizes, len(names)), append(b.requests, requestID)
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	results, known := b.results[requestID]
	if !known || b.forget {
		index := map[string]bool{}
		for _, task := range b.tasks {
			index[task.Name] = true
		}
		results = make([]error, len(names))
		for i, name := range names {
			if b.item != nil {
				results[i] = b.item(name[strings.LastIndexByte(name, '/')+1:])
			}
			switch {
			case results[i] != nil:
			case !index[name]:
				results[i] = status(cloudtask.NotFound)
			default:
				delete(index, name)
			}
		}
		b.tasks = slices.DeleteFunc(b.tasks, func(task *cloudtask.Task) bool { return !index[task.Name] })
		b.results[requestID] = results
	}
	b.mu.Unlock()
	return results, b.end(ctx, c)
}

// only fails calls of one method.
func only(method string, fail func(ctx context.Context, c call) error) func(context.Context, call) error {
	return func(ctx context.Context, c call) error {
		if c.method != method {
			return nil
		}
		return fail(ctx, c)
	}
}

func TestDiscardInBatches(t *testing.T) {
	t.Parallel()
	denied, unavailable := status(cloudtask.PermissionDenied), status(cloudtask.Unavailable)
	once := func(err error) func(context.Context, call) error {
		failed := false
		return func(context.Context, call) error {
			if failed {
				return nil
			}
			failed = true
			return err
		}
	}
	always := func(err error) func(context.Context, call) error {
		return func(context.Context, call) error { return err }
	}
	ids := func(from, to int) []string {
		var all []string
		for i := from; i < to; i++ {
			all = append(all, fmt.Sprintf("SendMail/m%04d", i))
		}
		return all
	}
	without := func(all []string, which ...int) []string {
		return slices.DeleteFunc(all, func(id string) bool {
			return slices.ContainsFunc(which, func(i int) bool { return id == fmt.Sprintf("SendMail/m%04d", i) })
		})
	}
	tests := []struct {
		name    string
		tasks   int
		prepare func(b *batchDeleter)
		want    []string
		sizes   []int // of the batch calls
		singles int   // calls for one task
		say     []string
		unknown bool
	}{
		{name: "thousands", tasks: 2300, want: ids(0, 2300), sizes: []int{1000, 1000, 300}},
		{name: "a few", tasks: 10, want: ids(0, 10), singles: 10},
		{
			name: "not permitted", tasks: 1500, prepare: func(b *batchDeleter) { b.before = only("BatchDeleteTasks", always(denied)) },
			want: ids(0, 1500), sizes: []int{1000}, singles: 1500,
		},
		{
			name: "not there", tasks: 100, prepare: func(b *batchDeleter) { b.before = only("BatchDeleteTasks", always(status(cloudtask.Unimplemented))) },
			want: ids(0, 100), sizes: []int{100}, singles: 100,
		},
		{
			name: "one is gone before its turn, one is refused, one is tried again", tasks: 100,
			prepare: func(b *batchDeleter) {
				busy := true
				b.item = func(id string) error {
					switch id {
					case "m0007":
						return status(cloudtask.NotFound)
					case "m0011":
						return denied
					case "m0013":
						if busy {
							busy = false
							return unavailable
						}
					}
					return nil
				}
			},
			want: without(ids(0, 100), 7, 11), sizes: []int{100}, singles: 1, say: []string{"deleting " + queuePrefix + "tasks/tasks/m0011: PERMISSION_DENIED"},
		},
		{
			name: "an answer is lost", tasks: 100, prepare: func(b *batchDeleter) { b.after = only("BatchDeleteTasks", once(unavailable)) },
			want: ids(0, 100), sizes: []int{100, 100},
		},
		{
			name: "an answer is lost, and the service does not know the call again", tasks: 100,
			prepare: func(b *batchDeleter) { b.forget, b.after = true, only("BatchDeleteTasks", once(unavailable)) },
			want:    ids(0, 100), sizes: []int{100, 100},
		},
		{
			name: "an operation may not be read at first", tasks: 100, prepare: func(b *batchDeleter) { b.after = only("BatchDeleteTasks", once(errUnreadable)) },
			want: ids(0, 100), sizes: []int{100, 100},
		},
		{
			name: "operations may never be read", tasks: 100, prepare: func(b *batchDeleter) { b.after = only("BatchDeleteTasks", always(errUnreadable)) },
			want: ids(0, 100), sizes: nil, singles: 100,
		},
		{
			name: "permission is withdrawn midway", tasks: 1500,
			prepare: func(b *batchDeleter) {
				b.before = func(_ context.Context, c call) error {
					if c.method == "BatchDeleteTasks" && len(b.results) > 0 || c.method == "DeleteTask" && c.name >= queuePrefix+"tasks/tasks/m1100" {
						return denied
					}
					return nil
				}
			},
			want: ids(0, 1100), sizes: []int{1000, 500}, singles: 500,
			say: []string{"deleting " + queuePrefix + "tasks/tasks/m1100: PERMISSION_DENIED", "and 390 more tasks"},
		},
		{
			name: "the service goes away", tasks: 500, prepare: func(b *batchDeleter) {
				b.before = func(_ context.Context, c call) error {
					if strings.HasSuffix(c.method, "Tasks") && c.method != "BatchDeleteTasks" {
						return nil
					}
					return unavailable
				}
			},
			sizes: nil, say: []string{"UNAVAILABLE", "outcome unknown: the task may have been deleted", "and 490 more tasks"}, unknown: true,
		},
		{
			name: "the service goes away, one by one", tasks: 500, prepare: func(b *batchDeleter) {
				b.before = func(_ context.Context, c call) error {
					switch c.method {
					case "BatchDeleteTasks":
						return denied
					case "DeleteTask":
						return unavailable
					}
					return nil
				}
			},
			sizes: []int{500}, singles: -1, say: []string{"UNAVAILABLE", "of 500 tasks: not tried, because the service does not answer"}, unknown: true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBatchDeleter(test.tasks)
				if test.prepare != nil {
					test.prepare(b)
				}
				begun := time.Now()
				got, err := mailType().Discard(t.Context(), newClient(t, b, nil), cloudtask.Concurrency(1))
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("returned (-want +got):\n%s", diff)
				}
				if test.say == nil && err != nil {
					t.Error(err)
				} else if test.say != nil {
					wantError(t, err, test.say...)
				}
				if errors.Is(err, cloudtask.ErrOutcomeUnknown) != test.unknown {
					t.Errorf("%v has an unknown outcome: %t", err, !test.unknown)
				}
				singles := 0
				for _, method := range b.methods() {
					if method == "DeleteTask" {
						singles++
					}
				}
				if test.singles >= 0 && singles != test.singles || test.sizes != nil && !slices.Equal(b.sizes, test.sizes) {
					t.Errorf("%d calls for one task, and calls for %v; want %d and %v", singles, b.sizes, test.singles, test.sizes)
				}
				if took := time.Since(begun); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				if gone := test.tasks - len(b.tasks); test.say == nil && gone != test.tasks {
					t.Errorf("%d of %d tasks are gone", gone, test.tasks)
				}
			})
		})
	}
}

// Ctrl-C ends the discarding of many tasks between calls: what has begun is waited for, and told.
func TestDiscardInBatchesStopsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := newBatchDeleter(2300)
	b.before = only("BatchDeleteTasks", func(context.Context, call) error { cancel(); return nil })
	deleted, err := mailType().Discard(ctx, newClient(t, b, nil), cloudtask.Concurrency(1))
	wantError(t, err, "1300 of 2300 tasks: not tried: context canceled")
	if !errors.Is(err, context.Canceled) || len(deleted) != 1000 || len(b.tasks) != 1300 {
		t.Errorf("%d deleted, %d left, %v", len(deleted), len(b.tasks), err)
	}
}

// The tasks of one call are of one queue.
func TestDeleteTasks(t *testing.T) {
	t.Parallel()
	b := newBatchDeleter(30)
	var names []string
	for i := range 30 {
		b.put(fmt.Sprintf("other/tasks/o%04d", i), mailURL)
		names = append(names, fmt.Sprintf("%stasks/tasks/m%04d", queuePrefix, i), fmt.Sprintf("%sother/tasks/o%04d", queuePrefix, i))
	}
	names = append(names, queuePrefix+"spare/tasks/gone")
	progress := 0
	errs := cloudtask.DeleteTasks(t.Context(), b, names, 1, func(n int) { progress += n })
	for i, err := range errs {
		if want := i == 60; (cloudtask.StatusOf(err) == cloudtask.NotFound) != want || err != nil && !want {
			t.Errorf("%s: %v", names[i], err)
		}
	}
	if !slices.Equal(b.sizes, []int{30, 30}) || progress != 61 || len(b.tasks) != 0 {
		t.Errorf("calls for %v, progress %d, %d tasks left", b.sizes, progress, len(b.tasks))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range cloudtask.DeleteTasks(ended, b, names, 1, nil) {
		if !errors.Is(err, cloudtask.ErrNotTried) || !errors.Is(err, context.Canceled) {
			t.Fatalf("after the context has ended: %v", err)
		}
	}
}
