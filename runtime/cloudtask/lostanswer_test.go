package cloudtask_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// A try whose answer is lost has put the task into the queue. The next must not put it there again.
func TestLostAnswersDoNotDuplicate(t *testing.T) {
	t.Parallel()
	loseFirst := func(_ context.Context, c call) error {
		if c.n == 1 {
			return status(cloudtask.Unavailable)
		}
		return nil
	}
	runAndLoseFirst := func(m *memory) {
		m.after = func(ctx context.Context, c call) error {
			m.mu.Lock()
			m.tasks = nil
			m.mu.Unlock()
			return loseFirst(ctx, c)
		}
	}
	named := func(d *cloudtask.Definition) { d.TaskNameOf = func(any) string { return "named" } }
	tests := []struct {
		name      string
		change    func(*cloudtask.Definition)
		prepare   func(m *memory)
		duplicate bool
		mayBeOwn  bool
		methods   []string
	}{
		{
			name: "random name", change: func(*cloudtask.Definition) {},
			prepare: func(m *memory) { m.after = loseFirst },
			methods: []string{"CreateTask", "CreateTask"},
		},
		{
			name: "own name", change: named,
			prepare: func(m *memory) { m.after = loseFirst },
			methods: []string{"CreateTask", "CreateTask", "GetTask"},
		},
		{
			name: "name taken by another payload", change: named,
			prepare: func(m *memory) {
				m.before = func(ctx context.Context, c call) error {
					if c.n == 1 {
						m.put("tasks/tasks/named", "https://mail.example.com/tasks/SendMail", func(task *cloudtask.Task) { task.Body = []byte(`{"to":"bob"}`) })
					}
					return loseFirst(ctx, c)
				}
			},
			duplicate: true,
			methods:   []string{"CreateTask", "CreateTask", "GetTask"},
		},
		{
			name: "name taken by a task of another type", change: named,
			prepare: func(m *memory) {
				m.put("tasks/tasks/named", "https://mail.example.com/tasks/Other")
				m.before = loseFirst
			},
			duplicate: true,
			methods:   []string{"CreateTask", "CreateTask", "GetTask"},
		},
		{
			name: "name taken by a task with other headers", change: named,
			prepare: func(m *memory) {
				m.put("tasks/tasks/named", mailURL, func(task *cloudtask.Task) { task.Header["Traceparent"] = "00-1" })
				m.before = loseFirst
			},
			duplicate: true,
			methods:   []string{"CreateTask", "CreateTask", "GetTask"},
		},
		{
			name: "name taken by an equal task of another call a moment ago", change: named,
			prepare: func(m *memory) {
				m.put("tasks/tasks/named", mailURL, func(task *cloudtask.Task) { task.Header["Cloudtask-Enqueue"] = "another" })
				m.before = loseFirst
			},
			duplicate: true,
			methods:   []string{"CreateTask", "CreateTask", "GetTask"},
		},
		{
			name: "name taken by an equal task of a client without retries", change: named,
			prepare: func(m *memory) {
				m.put("tasks/tasks/named", mailURL)
				m.before = loseFirst
			},
			duplicate: true,
			methods:   []string{"CreateTask", "CreateTask", "GetTask"},
		},
		{
			name: "name taken, and the first try was refused", change: named,
			prepare: func(m *memory) {
				m.names = map[string]bool{queuePrefix + "tasks/tasks/named": true}
				m.before = func(_ context.Context, c call) error {
					if c.n == 1 {
						return status(cloudtask.ResourceExhausted)
					}
					return nil
				}
			},
			duplicate: true,
			methods:   []string{"CreateTask", "CreateTask"},
		},
		{
			name: "name taken at the first try", change: named,
			prepare:   func(m *memory) { m.names = map[string]bool{queuePrefix + "tasks/tasks/named": true} },
			duplicate: true,
			methods:   []string{"CreateTask"},
		},
		{
			name: "own name, and the task has run already", change: named,
			prepare:   runAndLoseFirst,
			duplicate: true, mayBeOwn: true,
			methods: []string{"CreateTask", "CreateTask", "GetTask"},
		},
		{
			name: "random name, and the task has run already", change: func(*cloudtask.Definition) {},
			prepare: runAndLoseFirst,
			methods: []string{"CreateTask", "CreateTask"},
		},
		{
			name: "name taken, and the first task is gone", change: named,
			prepare: func(m *memory) {
				m.names = map[string]bool{queuePrefix + "tasks/tasks/named": true}
				m.before = loseFirst
			},
			duplicate: true, mayBeOwn: true,
			methods: []string{"CreateTask", "CreateTask", "GetTask"},
		},
		{
			name: "name taken, and looking is not allowed", change: named,
			prepare: func(m *memory) {
				m.before = func(_ context.Context, c call) error {
					if c.method == "GetTask" {
						return status(cloudtask.PermissionDenied)
					}
					return nil
				}
				m.after = loseFirst
			},
			duplicate: true, mayBeOwn: true,
			methods: []string{"CreateTask", "CreateTask", "GetTask"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &memory{}
				test.prepare(m)
				receipt, err := mailType(retried, func(d *cloudtask.Definition) {
					d.EnqueueRetry.On = append(d.EnqueueRetry.On, cloudtask.ResourceExhausted)
				}, test.change).Later(t.Context(), newClient(t, m, nil), &mail{To: "ann"}, cloudtask.In(time.Hour))
				if err != nil {
					t.Fatal(err)
				}
				if receipt.Duplicate != test.duplicate || receipt.MayBeOwn != test.mayBeOwn || receipt.TaskID == "" {
					t.Errorf("receipt %+v, want duplicate: %v, may be own: %v", receipt, test.duplicate, test.mayBeOwn)
				}
				if !test.duplicate && receipt.ETA.IsZero() {
					t.Error("the receipt does not say when the task runs")
				}
				if diff := cmp.Diff(test.methods, m.methods()); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if len(m.tasks) > 1 {
					t.Errorf("%d tasks are queued", len(m.tasks))
				}
			})
		})
	}
}
