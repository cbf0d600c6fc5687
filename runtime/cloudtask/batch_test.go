package cloudtask_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func mails(n int) []mail {
	tasks := make([]mail, n)
	for i := range tasks {
		tasks[i].To = fmt.Sprint(i)
	}
	return tasks
}

// checkReceipts checks that each receipt is that of the task with its index.
func checkReceipts(t *testing.T, m *memory, tasks []mail, receipts []cloudtask.Receipt, failed ...int) {
	t.Helper()
	if len(receipts) != len(tasks) {
		t.Fatalf("%d receipts for %d tasks", len(receipts), len(tasks))
	}
	bodies := map[string]string{}
	for _, task := range m.tasks {
		if _, twice := bodies[task.Name]; twice {
			t.Errorf("%s is queued twice", task.Name)
		}
		bodies[task.Name] = string(task.Body)
	}
	for i, receipt := range receipts {
		if slices.Contains(failed, i) {
			if receipt.TaskID != "" {
				t.Errorf("a receipt for task %d, which failed: %+v", i, receipt)
			}
			continue
		}
		if got, want := bodies[queuePrefix+receipt.Queue+"/tasks/"+receipt.TaskID], fmt.Sprintf(`{"to":"%s"}`, tasks[i].To); got != want {
			t.Errorf("receipt %d is for %q, want %q", i, got, want)
		}
	}
}

func TestBatchGoesInHundreds(t *testing.T) {
	t.Parallel()
	m := &memory{}
	tasks := mails(250)
	receipts, err := mailType().Batch(t.Context(), newClient(t, m, nil), tasks, cloudtask.WithDelay(time.Hour), cloudtask.WithHeader("X-A", "1"))
	if err != nil {
		t.Fatal(err)
	}
	checkReceipts(t, m, tasks, receipts)
	var sizes []int
	ids := map[string]bool{}
	for _, c := range m.calls {
		sizes = append(sizes, len(c.tasks))
		ids[c.requestID] = true
	}
	slices.Sort(sizes)
	if !slices.Equal(sizes, []int{50, 100, 100}) || len(ids) != 3 || ids[""] {
		t.Errorf("calls of %v tasks with %d request ids", sizes, len(ids))
	}
	for _, task := range m.tasks {
		if task.Header["X-A"] != "1" || time.Until(task.ScheduleTime) < 59*time.Minute {
			t.Fatalf("the options do not hold for %+v", task)
		}
	}
}

func TestBatchOfNothing(t *testing.T) {
	t.Parallel()
	m := &memory{}
	receipts, err := mailType().Batch(t.Context(), newClient(t, m, nil), []mail(nil))
	if err != nil || len(receipts) != 0 || len(m.calls) != 0 {
		t.Errorf("%v, %v after %v", receipts, err, m.methods())
	}
}

// A call holds no more bytes than a gRPC server reads.
func TestBatchOfLargeTasks(t *testing.T) {
	t.Parallel()
	m := &memory{}
	tasks := mails(10)
	for i := range tasks {
		tasks[i].Text = strings.Repeat("a", 1_000_000)
	}
	if _, err := mailType().Batch(t.Context(), newClient(t, m, nil), tasks); err != nil {
		t.Fatal(err)
	}
	for _, c := range m.calls {
		if len(c.tasks) > 3 {
			t.Errorf("%d tasks of 1 MB in one call", len(c.tasks))
		}
	}
	if len(m.calls) != 4 {
		t.Errorf("%d calls, want 4", len(m.calls))
	}
}

func TestBatchIsSplitByQueue(t *testing.T) {
	t.Parallel()
	m := &memory{}
	d := mailType(func(d *cloudtask.Definition) {
		d.QueueOf = func(task any) string {
			to := task.(*mail).To
			return "q" + to[len(to)-1:]
		}
	})
	tasks := mails(40)
	receipts, err := d.Batch(t.Context(), newClient(t, m, nil), tasks)
	if err != nil {
		t.Fatal(err)
	}
	checkReceipts(t, m, tasks, receipts)
	if len(m.calls) != 10 || m.queued()["q7"] != 4 {
		t.Errorf("%d calls, queues %v", len(m.calls), m.queued())
	}
}

func TestBatchWithoutServiceSupport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var open, most atomic.Int32
		m := &memory{before: func(_ context.Context, c call) error {
			if c.method == "CreateTasks" {
				return status(cloudtask.Unimplemented)
			}
			most.Store(max(most.Load(), open.Add(1)))
			time.Sleep(time.Second)
			open.Add(-1)
			if strings.Contains(string(c.tasks[0].Body), `"13"`) {
				return status(cloudtask.PermissionDenied)
			}
			return nil
		}}
		c := newClient(t, m, nil)
		tasks := mails(80)
		receipts, err := mailType().Batch(t.Context(), c, tasks)
		checkReceipts(t, m, tasks, receipts, 13)
		var batchErr *cloudtask.BatchError
		if !errors.As(err, &batchErr) || len(batchErr.Errors) != 1 || cloudtask.StatusOf(batchErr.Errors[13]) != cloudtask.PermissionDenied {
			t.Errorf("%v, want the error of task 13", err)
		}
		if most.Load() != 16 {
			t.Errorf("%d calls at a time, want 16", most.Load())
		}
		if _, err := mailType().Batch(t.Context(), c, mails(2)); err != nil {
			t.Fatal(err)
		}
		batches := 0
		for _, method := range m.methods() {
			if method == "CreateTasks" {
				batches++
			}
		}
		if batches != 1 {
			t.Errorf("CreateTasks was called %d times, want once: the client remembers", batches)
		}
	})
}

func TestBatchDuplicates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*cloudtask.Definition)
		tasks  []mail
		want   []bool
	}{
		{"once", func(d *cloudtask.Definition) { d.Once = true }, mails(3), []bool{false, true, true}},
		{"unique", uniqueTo, []mail{{To: "ann"}, {To: "bob"}, {To: "ann"}, {To: "old"}}, []bool{false, false, true, true}},
		{"TaskName", func(d *cloudtask.Definition) { d.TaskNameOf = func(task any) string { return task.(*mail).To } }, []mail{{To: "a"}, {To: "a"}}, []bool{false, true}},
	}
	for _, test := range tests {
		for _, service := range []string{"batches", "singles", "eager"} {
			t.Run(test.name+", "+service, func(t *testing.T) {
				t.Parallel()
				d := mailType(test.change)
				m := &memory{}
				if service == "singles" {
					m.before = func(_ context.Context, c call) error {
						if c.method == "CreateTasks" {
							return status(cloudtask.Unimplemented)
						}
						return nil
					}
				}
				var ran atomic.Int32
				c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.Eager = service == "eager" }, d.Route(func(context.Context, any) error { ran.Add(1); return nil }))
				want := slices.Clone(test.want)
				if service == "eager" {
					for i, task := range test.tasks {
						want[i] = want[i] && task.To != "old" // nothing is remembered between eager runs
					}
				} else if _, err := d.Asap(t.Context(), newClient(t, m, nil), &mail{To: "old"}); err != nil {
					t.Fatal(err)
				} else if test.name == "once" {
					want[0] = true
				}
				receipts, err := d.Batch(t.Context(), c, test.tasks)
				if err != nil {
					t.Fatal(err)
				}
				var got []bool
				for i, receipt := range receipts {
					got = append(got, receipt.Duplicate)
					if receipt.TaskID == "" || receipt.Queue != "tasks" {
						t.Errorf("receipt %d: %+v", i, receipt)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("duplicates (-want +got):\n%s", diff)
				}
				created := 0
				for _, duplicate := range got {
					if !duplicate {
						created++
					}
				}
				if service == "eager" && int(ran.Load()) != created {
					t.Errorf("%d runs, want %d", ran.Load(), created)
				}
			})
		}
	}
}

// A task that stands in for later ones of its name must not leave them acknowledged when it fails.
func TestBatchDuplicatesOfAFailureFail(t *testing.T) {
	t.Parallel()
	m := &memory{before: func(context.Context, call) error { return status(cloudtask.PermissionDenied) }}
	receipts, err := mailType(uniqueTo).Batch(t.Context(), newClient(t, m, nil), []mail{{To: "ann"}, {To: "ann"}})
	var batchErr *cloudtask.BatchError
	if !errors.As(err, &batchErr) || len(batchErr.Errors) != 2 || receipts[1].Duplicate {
		t.Errorf("%+v, %v: want errors for both", receipts, err)
	}
	// Where the first cannot be sent at all, the second is.
	d := mailType(uniqueTo)
	m = &memory{}
	receipts, err = d.Batch(t.Context(), newClient(t, m, nil), []mail{{To: "ann", Text: "unencodable"}, {To: "ann"}})
	if !errors.As(err, &batchErr) || len(batchErr.Errors) != 1 || batchErr.Errors[0] == nil || receipts[1].Duplicate || receipts[1].TaskID == "" {
		t.Errorf("%+v, %v: want an error for the first only", receipts, err)
	}
	m.only(t)
}

func TestBatchErrors(t *testing.T) {
	t.Parallel()
	t.Run("of tasks", func(t *testing.T) {
		t.Parallel()
		m := &memory{}
		tasks := mails(120)
		for _, i := range []int{0, 7, 110} {
			tasks[i].Text = "unencodable"
		}
		tasks[50].Text = strings.Repeat("a", 1<<20)
		receipts, err := mailType().Batch(t.Context(), newClient(t, m, nil), tasks)
		checkReceipts(t, m, tasks, receipts, 0, 7, 50, 110)
		wantError(t, err, "enqueue SendMail: 4 of 120 tasks not enqueued; [0] encoding the payload", "[50] task too large", "[110]")
		if !errors.Is(err, cloudtask.ErrTooLarge) {
			t.Error("the errors of the tasks are not visible")
		}
		if len(m.tasks) != 116 {
			t.Errorf("%d tasks are queued, want the other 116", len(m.tasks))
		}
	})
	t.Run("of a whole call", func(t *testing.T) {
		t.Parallel()
		m := &memory{before: func(_ context.Context, c call) error {
			if strings.Contains(string(c.tasks[0].Body), `"100"`) {
				return status(cloudtask.ResourceExhausted)
			}
			return nil
		}}
		tasks := mails(210)
		receipts, err := mailType().Batch(t.Context(), newClient(t, m, nil), tasks)
		var batchErr *cloudtask.BatchError
		if !errors.As(err, &batchErr) || len(batchErr.Errors) != 100 || batchErr.Total != 210 {
			t.Fatalf("%v, want 100 of 210 errors", err)
		}
		var failed []int
		for i := range batchErr.Errors {
			failed = append(failed, i)
		}
		checkReceipts(t, m, tasks, receipts, failed...)
		wantError(t, err, "100 of 210", `[100] queue "tasks": RESOURCE_EXHAUSTED`, "and 95 more")
	})
	t.Run("of options", func(t *testing.T) {
		t.Parallel()
		m := &memory{}
		c := newClient(t, m, nil)
		for want, opt := range map[string]cloudtask.EnqueueOption{
			`WithTaskName "a"`:  cloudtask.WithTaskName("a"),
			"delay -1s":         cloudtask.WithDelay(-time.Second),
			"timeout 1s":        cloudtask.WithTimeout(time.Second),
			`WithQueue "a_b"`:   cloudtask.WithQueue("a_b"),
			"eta too far":       cloudtask.WithDelay(31 * day),
			`header "X-Google-`: cloudtask.WithHeader("X-Google-A", ""),
		} {
			receipts, err := mailType().Batch(t.Context(), c, mails(2), opt)
			wantError(t, err, "enqueue 2 SendMail: ", want)
			var batchErr *cloudtask.BatchError
			if receipts != nil || errors.As(err, &batchErr) {
				t.Errorf("%s: %v, %v: want neither receipts nor errors by index", want, receipts, err)
			}
		}
		if len(m.calls) != 0 {
			t.Errorf("calls %v", m.methods())
		}
	})
	t.Run("of a backend that miscounts", func(t *testing.T) {
		t.Parallel()
		_, err := mailType().Batch(t.Context(), newClient(t, miscounting{&memory{}}, nil), mails(2))
		wantError(t, err, "1 results for a batch of 2 tasks")
	})
}

type miscounting struct{ *memory }

func (miscounting) CreateTasks(context.Context, string, string, []*cloudtask.Task) ([]cloudtask.CreateResult, error) {
	return make([]cloudtask.CreateResult, 1), nil
}

func TestBatchWithEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := &memory{}
	receipts, err := mailType(retried).Batch(ctx, newClient(t, m, nil), mails(150))
	var batchErr *cloudtask.BatchError
	if !errors.Is(err, context.Canceled) || !errors.As(err, &batchErr) || len(batchErr.Errors) != 150 || len(receipts) != 150 {
		t.Errorf("%d receipts, %v", len(receipts), err)
	}
}
