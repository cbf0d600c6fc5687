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

// errUnreadable is what a backend says of an operation that it has started and may not look at.
var errUnreadable = fmt.Errorf("waiting for operations/1: %w: %w", cloudtask.ErrOutcomeUnknown, status(cloudtask.PermissionDenied))

// batchFailing fails calls of CreateTasks, which are counted from 1, with what fail returns.
func batchFailing(fail func(n int) error) func(context.Context, call) error {
	n := 0
	return func(_ context.Context, c call) error {
		if c.method != "CreateTasks" {
			return nil
		}
		n++
		return fail(n)
	}
}

// run takes the tasks with these payloads out of the queue, as if they had run.
func (m *memory) run(to ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tasks = slices.DeleteFunc(m.tasks, func(task *cloudtask.Task) bool {
		return slices.ContainsFunc(to, func(to string) bool { return string(task.Body) == fmt.Sprintf(`{"to":%q}`, to) })
	})
}

// outcomes says of each task of a batch what its receipt or its error says.
func outcomes(receipts []cloudtask.Receipt, err error) []string {
	var batchErr *cloudtask.BatchError
	errors.As(err, &batchErr)
	said := make([]string, len(receipts))
	for i, receipt := range receipts {
		switch {
		case batchErr != nil && errors.Is(batchErr.Errors[i], cloudtask.ErrOutcomeUnknown):
			said[i] = "unknown"
		case batchErr != nil && batchErr.Errors[i] != nil:
			said[i] = "not enqueued"
		case receipt.MayBeOwn:
			said[i] = "may be own"
		case receipt.Duplicate:
			said[i] = "duplicate"
		default:
			said[i] = "enqueued"
		}
	}
	return said
}

func TestBatchOutcomes(t *testing.T) {
	t.Parallel()
	always := func(err error) func(int) error { return func(int) error { return err } }
	once := func(err error) func(int) error {
		return func(n int) error {
			if n == 1 {
				return err
			}
			return nil
		}
	}
	named := func(d *cloudtask.Definition) { d.TaskNameOf = func(task any) string { return "to-" + task.(*mail).To } }
	tests := []struct {
		name    string
		change  func(*cloudtask.Definition)
		prepare func(m *memory)
		want    []string // of three tasks, to 0, 1 and 2
		say     string
		asked   int // calls of CreateTasks; 0: more than one
		looked  int // calls of GetTask; -1: any number
	}{
		{
			name: "an operation that cannot be read is asked for again", prepare: func(m *memory) { m.after = batchFailing(once(errUnreadable)) },
			want: []string{"enqueued", "enqueued", "enqueued"}, asked: 2,
		},
		{
			name: "an operation that can never be read: the tasks are looked up", prepare: func(m *memory) { m.after = batchFailing(always(errUnreadable)) },
			want: []string{"enqueued", "enqueued", "enqueued"}, looked: 3,
		},
		{
			name: "those that have run by then are unknown",
			prepare: func(m *memory) {
				m.after = batchFailing(func(int) error {
					m.run("1")
					return errUnreadable
				})
			},
			want: []string{"enqueued", "unknown", "enqueued"}, looked: 3,
			say: "1 of 3 tasks may not have been enqueued; [1] queue \"tasks\": waiting for operations/1",
		},
		{
			name: "where looking is not allowed, all are unknown",
			prepare: func(m *memory) {
				m.after = batchFailing(always(errUnreadable))
				m.before = func(_ context.Context, c call) error {
					if c.method == "GetTask" {
						return status(cloudtask.PermissionDenied)
					}
					return nil
				}
			},
			want: []string{"unknown", "unknown", "unknown"}, looked: -1, say: "3 of 3 tasks may not have been enqueued",
		},
		{
			name: "an answer that is lost, without a policy", prepare: func(m *memory) { m.after = batchFailing(always(status(cloudtask.Unavailable))) },
			want: []string{"enqueued", "enqueued", "enqueued"}, asked: 1, looked: 3,
		},
		{
			name: "a call that is lost, without a policy", prepare: func(m *memory) { m.before = batchFailing(always(status(cloudtask.Unavailable))) },
			want: []string{"unknown", "unknown", "unknown"}, asked: 1, looked: 3,
		},
		{
			name: "a call that is refused", prepare: func(m *memory) { m.before = batchFailing(always(status(cloudtask.PermissionDenied))) },
			want: []string{"not enqueued", "not enqueued", "not enqueued"}, asked: 1, say: "3 of 3 tasks not enqueued",
		},
		{
			name: "a lost answer, and a refusal after it", change: retried,
			prepare: func(m *memory) {
				m.after = batchFailing(once(status(cloudtask.Unavailable)))
				m.before = batchFailing(func(n int) error {
					if n == 2 {
						m.run("0", "2")
						return status(cloudtask.PermissionDenied)
					}
					return nil
				})
			},
			want: []string{"unknown", "enqueued", "unknown"}, asked: 2, looked: 3, say: "PERMISSION_DENIED",
		},
		{
			name: "a name that another has taken", change: named,
			prepare: func(m *memory) {
				m.put("tasks/tasks/to-1", mailURL, func(task *cloudtask.Task) { task.Body = []byte(`{"to":"1"}`) })
				m.after = batchFailing(always(errUnreadable))
			},
			want: []string{"enqueued", "duplicate", "enqueued"}, looked: 3,
		},
		{
			name: "a name that is taken, by a task that is gone", change: named,
			prepare: func(m *memory) {
				m.after = batchFailing(func(n int) error {
					m.requests = nil // the service does not know the call again
					if m.run("1"); n == 1 {
						return errUnreadable
					}
					return nil
				})
			},
			want: []string{"enqueued", "may be own", "enqueued"}, asked: 2, looked: 3,
		},
		{
			name: "the first of its name within the batch is unknown", change: func(d *cloudtask.Definition) { d.Once = true },
			prepare: func(m *memory) {
				m.after = batchFailing(func(int) error {
					m.run("0")
					return errUnreadable
				})
			},
			want: []string{"unknown", "unknown", "unknown"}, looked: 1, say: "3 of 3 tasks may not have been enqueued",
		},
		{
			name: "in calls of one task each",
			prepare: func(m *memory) {
				m.before = batchFailing(always(status(cloudtask.Unimplemented)))
				m.after = func(_ context.Context, c call) error {
					if c.method == "CreateTask" {
						m.run("2")
						return status(cloudtask.Unavailable)
					}
					return nil
				}
			},
			want: []string{"enqueued", "enqueued", "unknown"}, asked: 1, looked: 3, say: "1 of 3 tasks may not have been enqueued",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				test.prepare(m)
				d := mailType()
				if test.change != nil {
					test.change(d)
				}
				receipts, err := d.Batch(t.Context(), newClient(t, m, nil), mails(3))
				if diff := cmp.Diff(test.want, outcomes(receipts, err)); diff != "" {
					t.Errorf("%v; outcomes (-want +got):\n%s", err, diff)
				}
				if test.say != "" {
					wantError(t, err, test.say)
				}
				asked, looked := map[string]int{}, 0
				for _, c := range m.calls {
					switch c.method {
					case "CreateTasks":
						asked[c.requestID]++
						for _, task := range c.tasks {
							if task.Name == "" {
								t.Error("a task of the batch has no name before it is sent")
							}
						}
					case "GetTask":
						looked++
					}
				}
				n := 0
				for _, times := range asked {
					n += times
				}
				if len(asked) != 1 || test.asked != 0 && n != test.asked || test.asked == 0 && n < 2 || test.looked >= 0 && looked != test.looked {
					t.Errorf("asked by these request ids: %v, looked up %d tasks; want one, %d times, and %d", asked, looked, test.asked, test.looked)
				}
			})
		})
	}
}

// What the service says of one task is not more certain than what it says of all.
func TestBatchWithOneUnknownTask(t *testing.T) {
	t.Parallel()
	m := &memory{}
	flaky := &flaky{memory: m, fail: func(_ int, body string) error {
		if strings.Contains(body, `"1"`) {
			return fmt.Errorf("%w: %w", cloudtask.ErrOutcomeUnknown, status(cloudtask.Unknown))
		}
		return nil
	}}
	receipts, err := mailType().Batch(t.Context(), newClient(t, flaky, nil), mails(3))
	if diff := cmp.Diff([]string{"enqueued", "unknown", "enqueued"}, outcomes(receipts, err)); diff != "" {
		t.Errorf("%v; outcomes (-want +got):\n%s", err, diff)
	}
}

// The outcome in the backup queue is another than that in the task's own.
func TestBatchUnknownInTheBackupQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{queues: []string{"spare"}}
		m.after = batchFailing(func(int) error {
			m.run("1")
			return errUnreadable
		})
		c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.BackupQueue = "spare" })
		receipts, err := mailType().Batch(t.Context(), c, mails(3))
		if diff := cmp.Diff([]string{"enqueued", "unknown", "enqueued"}, outcomes(receipts, err)); diff != "" {
			t.Errorf("%v; outcomes (-want +got):\n%s", err, diff)
		}
		if receipts[0].Queue != "spare" || receipts[2].Queue != "spare" {
			t.Errorf("receipts %+v, want the backup queue", receipts)
		}
		wantError(t, err, `backup queue "spare"`)
	})
}

// Where a whole service cannot be reached, a batch does not take its time for each task.
func TestBatchGivesUpLookingWhenNobodyAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{before: func(context.Context, call) error { return status(cloudtask.Unavailable) }}
		begun := time.Now()
		receipts, err := mailType().Batch(t.Context(), newClient(t, m, nil), mails(500))
		if said := outcomes(receipts, err); slices.ContainsFunc(said, func(s string) bool { return s != "unknown" }) {
			t.Errorf("outcomes %v", said)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestBatchContextEnds(t *testing.T) {
	t.Parallel()
	t.Run("before it is sent", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		m := &memory{}
		receipts, err := mailType().Batch(ctx, newClient(t, m, nil), mails(2))
		if diff := cmp.Diff([]string{"not enqueued", "not enqueued"}, outcomes(receipts, err)); diff != "" || len(m.calls) > 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("%v after %v; outcomes (-want +got):\n%s", err, m.methods(), diff)
		}
	})
	t.Run("while it is answered", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			m := &memory{after: hang}
			receipts, err := mailType().Batch(ctx, newClient(t, m, nil), mails(2))
			if diff := cmp.Diff([]string{"unknown", "unknown"}, outcomes(receipts, err)); diff != "" || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v; outcomes (-want +got):\n%s", err, diff)
			}
			if len(m.methods()) != 1 {
				t.Errorf("calls %v, want none after the context has ended", m.methods())
			}
		})
	})
}

// An enqueue of one task says so, too, when it is not known whether its task is queued.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	unavailable := status(cloudtask.Unavailable)
	for _, test := range []struct {
		name          string
		before, after func(context.Context, call) error
		change        func(*cloudtask.Definition)
		unknown       bool
	}{
		{name: "no answer", after: failing(unavailable), unknown: true},
		{name: "no answer in time", before: hang, unknown: true},
		{name: "a refusal", before: failing(status(cloudtask.PermissionDenied))},
		{name: "a refusal after no answer", after: failing(unavailable), before: failing(nil, status(cloudtask.PermissionDenied)), change: retried, unknown: true},
		{name: "a refusal after another", before: failing(status(cloudtask.ResourceExhausted), status(cloudtask.PermissionDenied)), change: func(d *cloudtask.Definition) {
			d.EnqueueRetry = &cloudtask.RetryPolicy{On: []cloudtask.Code{cloudtask.ResourceExhausted}}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := mailType()
				if test.change != nil {
					test.change(d)
				}
				_, err := d.Asap(t.Context(), newClient(t, &memory{before: test.before, after: test.after}, nil), &mail{})
				if err == nil || errors.Is(err, cloudtask.ErrOutcomeUnknown) != test.unknown {
					t.Errorf("%v; want an unknown outcome: %t", err, test.unknown)
				}
			})
		})
	}
}
