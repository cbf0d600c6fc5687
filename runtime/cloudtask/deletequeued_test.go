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

// mixed is a service with tasks of several types in several queues. Those of SendMail, alias Greet, have ids that begin
// with "m".
func mixed() *memory {
	m := &memory{page: 3}
	dispatched := func(n int) func(*cloudtask.Task) { return func(task *cloudtask.Task) { task.DispatchCount = n } }
	m.put("tasks/tasks/m1", mailURL)
	m.put("tasks/tasks/x1", mailURL+"s")
	m.put("tasks/tasks/x2", "https://mail.example.com/tasks/Other")
	m.put("tasks/tasks/m2", mailURL, dispatched(4))
	m.put("tasks/tasks/x3", "https://mail.example.com/api/tasks/SendMail")
	m.put("tasks/tasks/x4", "https://elsewhere.example/tasks/SendMail")
	m.put("tasks/tasks/x5", mailURL+"?x=1")
	m.put("tasks/tasks/x6", mailURL+"/")
	m.put("tasks/tasks/m3", "https://mail.example.com/tasks/Greet", dispatched(5))
	m.put("tasks/tasks/x7", "https://mail.example.com/tasks/sendmail")
	m.put("tasks/tasks/m4", mailURL, dispatched(9))
	m.put("spare/tasks/m5", mailURL)
	m.put("q2/tasks/m6", mailURL, dispatched(6))
	m.put("q2/tasks/x8", "https://mail.example.com/tasks/Other", dispatched(6))
	return m
}

func formerlyGreet(d *cloudtask.Definition) { d.Aliases = []string{"Greet"} }

func withSpare(cfg *cloudtask.Config) { cfg.BackupQueue = "spare" }

// left returns the ids of the tasks that are still queued.
func (m *memory) left() []string {
	var ids []string
	for _, task := range m.tasks {
		ids = append(ids, task.Name[strings.LastIndexByte(task.Name, '/')+1:])
	}
	slices.Sort(ids)
	return ids
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	opts := func(opts ...cloudtask.DiscardOption) []cloudtask.DiscardOption { return opts }
	all := mixed().left()
	tests := []struct {
		name   string
		config func(*cloudtask.Config)
		opts   []cloudtask.DiscardOption
		want   []string // ids
	}{
		{"all", nil, nil, []string{"m1", "m2", "m3", "m4"}},
		{"all, with a backup queue", withSpare, nil, []string{"m1", "m2", "m3", "m4", "m5"}},
		{"the failing", nil, opts(cloudtask.MinRetries(5)), []string{"m3", "m4"}},
		{"in other queues", nil, opts(cloudtask.InQueue("q2"), cloudtask.InQueue("spare", "empty")), []string{"m6", "m5"}},
		{"the failing in other queues", nil, opts(cloudtask.InQueue("tasks", "q2"), cloudtask.MinRetries(6)), []string{"m4", "m6"}},
		{"one", nil, opts(cloudtask.TaskID("m2")), []string{"m2"}},
		{"one of an alias", nil, opts(cloudtask.TaskID("m3")), []string{"m3"}},
		{"several", nil, opts(cloudtask.TaskID("m4"), cloudtask.TaskID("m1")), []string{"m4", "m1"}},
		{"one by its full name", nil, opts(cloudtask.TaskID(queuePrefix + "q2/tasks/m6")), []string{"m6"}},
		{"one in another queue", nil, opts(cloudtask.TaskID("m6"), cloudtask.InQueue("spare", "q2")), []string{"m6"}},
		{"one in the backup queue", withSpare, opts(cloudtask.TaskID("m5")), []string{"m5"}},
		{"one that fails not enough", nil, opts(cloudtask.TaskID("m2"), cloudtask.MinRetries(5)), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := mixed()
			got, err := mailType(formerlyGreet).Discard(t.Context(), newClient(t, m, test.config), test.opts...)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			left := slices.Clone(all)
			for _, id := range test.want {
				want = append(want, "SendMail/"+id)
				left = slices.DeleteFunc(left, func(l string) bool { return l == id })
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("returned (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(left, m.left()); diff != "" {
				t.Errorf("left in the queues (-want +got):\n%s", diff)
			}
		})
	}
}

// What is of this type is a matter of the client's own URLs.
func TestDiscardAtAnotherBaseURL(t *testing.T) {
	t.Parallel()
	for baseURL, want := range map[string][]string{
		"https://elsewhere.example":    {"SendMail/x4"},
		"https://mail.example.com/api": {"SendMail/x3"},
	} {
		m := mixed()
		got, err := mailType(formerlyGreet).Discard(t.Context(), newClient(t, m, func(cfg *cloudtask.Config) { cfg.BaseURL = baseURL }))
		if diff := cmp.Diff(want, got); diff != "" || err != nil || len(m.tasks)+len(got) != len(mixed().tasks) {
			t.Errorf("%s: %v, returned (-want +got):\n%s", baseURL, err, diff)
		}
	}
}

func TestDiscardDeletesNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		opts  []cloudtask.DiscardOption
		want  []string
		other bool
	}{
		{"of another type", []cloudtask.DiscardOption{cloudtask.TaskID("x2")}, []string{"is a Other", "x2"}, true},
		{"of another host", []cloudtask.DiscardOption{cloudtask.TaskID("x4")}, []string{"https://elsewhere.example/tasks/SendMail", mailURL}, true},
		{"one of several is of another type", []cloudtask.DiscardOption{cloudtask.TaskID("m1"), cloudtask.TaskID("x2")}, []string{"is a Other"}, true},
		{"that does not exist", []cloudtask.DiscardOption{cloudtask.TaskID("gone")}, []string{"tasks/tasks/gone: NOT_FOUND"}, false},
		{"without an id", []cloudtask.DiscardOption{cloudtask.TaskID("")}, []string{`TaskID ""`}, false},
		{"with a wrong id", []cloudtask.DiscardOption{cloudtask.TaskID("tasks/m1")}, []string{`TaskID "tasks/m1"`}, false},
		{"in a queue without a name", []cloudtask.DiscardOption{cloudtask.InQueue("")}, []string{`InQueue ""`}, false},
		{"in no queue", []cloudtask.DiscardOption{cloudtask.InQueue()}, []string{"InQueue without a queue"}, false},
		{"in a queue that does not exist", []cloudtask.DiscardOption{cloudtask.InQueue("tasks", "typo")}, []string{`listing queue "typo"`, "NOT_FOUND"}, false},
		{"negative retries", []cloudtask.DiscardOption{cloudtask.MinRetries(-1)}, []string{"MinRetries -1"}, false},
		{"no concurrency", []cloudtask.DiscardOption{cloudtask.Concurrency(0)}, []string{"Concurrency 0"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := mixed()
			m.queues = []string{"tasks", "spare", "q2"}
			deleted, err := mailType(formerlyGreet).Discard(t.Context(), newClient(t, m, nil), test.opts...)
			wantError(t, err, append(test.want, "discard SendMail: ")...)
			if errors.Is(err, cloudtask.ErrOtherType) != test.other {
				t.Errorf("errors.Is(%v, ErrOtherType) = %v", err, !test.other)
			}
			if len(deleted) > 0 || len(m.tasks) != len(mixed().tasks) {
				t.Errorf("deleted %v", deleted)
			}
		})
	}
}

func TestDiscardWithoutQueues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		exist  []string
		config func(*cloudtask.Config)
		want   []string
		code   cloudtask.Code
	}{
		{"own is missing, backup exists", []string{"spare"}, withSpare, []string{"SendMail/m5"}, cloudtask.OK},
		{"own exists, backup is missing", []string{"tasks"}, withSpare, []string{"SendMail/m1", "SendMail/m2", "SendMail/m3", "SendMail/m4"}, cloudtask.OK},
		{"both are missing", []string{}, withSpare, nil, cloudtask.NotFound},
		{"own is missing, there is no backup", []string{}, nil, nil, cloudtask.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := mixed()
			m.queues = test.exist
			got, err := mailType(formerlyGreet).Discard(t.Context(), newClient(t, m, test.config))
			if diff := cmp.Diff(test.want, got); diff != "" || cloudtask.StatusOf(err) != test.code {
				t.Errorf("%v, returned (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestDiscardSurvivesFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		for i := range 40 {
			m.put(fmt.Sprintf("tasks/tasks/m%02d", i), mailURL)
		}
		tries := map[string]int{}
		m.before = func(_ context.Context, c call) error {
			if c.method == "DeleteTask" {
				time.Sleep(time.Second)
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			tries[c.name]++
			switch {
			case strings.HasSuffix(c.name, "/m07"): // gone before it can be deleted
				return status(cloudtask.NotFound)
			case strings.HasSuffix(c.name, "/m11"):
				return status(cloudtask.PermissionDenied)
			case strings.HasSuffix(c.name, "/m12") && tries[c.name] == 1, c.method == "ListTasks" && tries[c.name] == 1:
				return status(cloudtask.Unavailable)
			}
			return nil
		}
		m.after = func(_ context.Context, c call) error {
			if strings.HasSuffix(c.name, "/m13") { // deleted, but the answer is lost
				return status(cloudtask.Unavailable)
			}
			return nil
		}
		got, err := mailType().Discard(t.Context(), newClient(t, m, nil), cloudtask.Concurrency(5))
		wantError(t, err, "discard SendMail: deleting "+queuePrefix+"tasks/tasks/m11: PERMISSION_DENIED")
		var want []string
		for i := range 40 {
			if i != 7 && i != 11 {
				want = append(want, fmt.Sprintf("SendMail/m%02d", i))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("returned (-want +got):\n%s", diff)
		}
		if m.mostAtOne != 5 {
			t.Errorf("%d deletes at a time, want 5", m.mostAtOne)
		}
	})
}

func TestDiscardStopsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	m := mixed()
	m.before = func(_ context.Context, c call) error {
		if c.method == "DeleteTask" {
			cancel()
		}
		return nil
	}
	deleted, err := mailType(formerlyGreet).Discard(ctx, newClient(t, m, nil), cloudtask.Concurrency(1))
	if diff := cmp.Diff([]string{"SendMail/m1"}, deleted); diff != "" || !errors.Is(err, context.Canceled) || len(m.tasks) != len(mixed().tasks)-1 {
		t.Errorf("%v, deleted (-want +got), which are those that had begun:\n%s", err, diff)
	}
	wantError(t, err, "3 of 4 tasks: not tried")
}

// A type whose tasks may be in any queue is not looked for in one of them only.
func TestDiscardAndDebugOfTypesWithAQueueMethod(t *testing.T) {
	t.Parallel()
	d := mailType(formerlyGreet, func(d *cloudtask.Definition) { d.QueueOf = func(any) string { return "q2" } })
	for _, opts := range [][]cloudtask.DiscardOption{nil, {cloudtask.MinRetries(1)}, {cloudtask.Concurrency(2)}} {
		m := mixed()
		deleted, err := d.Discard(t.Context(), newClient(t, m, nil), opts...)
		wantError(t, err, "discard SendMail: ", "has a Queue method", "InQueue")
		if len(deleted) > 0 || len(m.calls) > 0 {
			t.Errorf("deleted %v after %v", deleted, m.methods())
		}
	}
	for _, test := range []struct {
		opts []cloudtask.DiscardOption
		want []string
	}{
		{[]cloudtask.DiscardOption{cloudtask.InQueue("q2")}, []string{"SendMail/m6"}},
		{[]cloudtask.DiscardOption{cloudtask.TaskID("m6"), cloudtask.InQueue("q2")}, []string{"SendMail/m6"}},
		{[]cloudtask.DiscardOption{cloudtask.TaskID(queuePrefix + "q2/tasks/m6")}, []string{"SendMail/m6"}},
		{[]cloudtask.DiscardOption{cloudtask.TaskID("m1")}, []string{"SendMail/m1"}}, // where the method says ""
	} {
		got, err := d.Discard(t.Context(), newClient(t, mixed(), nil), test.opts...)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%v, returned (-want +got):\n%s", err, diff)
		}
	}
	_, err := d.Discard(t.Context(), newClient(t, mixed(), nil), cloudtask.TaskID("m6"))
	wantError(t, err, "tasks/tasks/m6: NOT_FOUND", "if the type's Queue method or WithQueue has sent it to another queue, say with InQueue in which, or give the full resource name")
	_, err = d.Debug(t.Context(), newClient(t, mixed(), nil), "m6", new(mail))
	wantError(t, err, "tasks/tasks/m6: NOT_FOUND", "if the type's Queue method or WithQueue has sent it to another queue, give the full resource name")
	if _, err := d.Debug(t.Context(), newClient(t, mixed(), nil), queuePrefix+"q2/tasks/m6", new(mail)); err != nil {
		t.Error(err)
	}
	// A type without the method has its own queue, and WithQueue may have sent a task to another.
	_, err = mailType().Debug(t.Context(), newClient(t, mixed(), nil), "m6", new(mail))
	wantError(t, err, "if WithQueue has sent it to another queue, give the full resource name")
	_, err = mailType().Discard(t.Context(), newClient(t, mixed(), nil), cloudtask.TaskID("m6"), cloudtask.InQueue("tasks"))
	if err == nil || strings.Contains(err.Error(), "another queue") {
		t.Errorf("%v, want no advice about queues: one was named", err)
	}
}
