package cloudtask_test

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func TestAsap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		retry := &cloudtask.RetryConfig{MaxAttempts: 5}
		d := mailType(func(d *cloudtask.Definition) { d.Retry = retry })
		receipt, err := d.Asap(t.Context(), newClient(t, m, nil), &mail{To: "ann"})
		if err != nil {
			t.Fatal(err)
		}
		want := &cloudtask.Task{
			URL:              "https://mail.example.com/tasks/SendMail",
			Header:           map[string]string{"Content-Type": "application/json", "Cloudtask-Timeout": "10m0s"},
			Body:             []byte(`{"to":"ann"}`),
			DispatchDeadline: 10 * time.Minute,
			Retry:            retry,
		}
		if diff := cmp.Diff(want, m.calls[0].tasks[0]); diff != "" {
			t.Errorf("task sent (-want +got):\n%s", diff)
		}
		if receipt.TaskID != "1000" || receipt.Queue != "tasks" || receipt.Project != "p" || receipt.Duplicate || receipt.Attempt() != 1 ||
			!receipt.ETA.Equal(time.Now()) || receipt.Result != nil || receipt.Eager() {
			t.Errorf("receipt %+v", receipt)
		}
		if methods := m.methods(); len(methods) != 1 {
			t.Errorf("calls %v, want one", methods)
		}
	})
}

// What decides on a task's queue, timeout and name, from the strongest to the weakest.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	directive := func(d *cloudtask.Definition) { d.Queue, d.Timeout, d.Once = "directive", time.Minute, true }
	method := func(d *cloudtask.Definition) {
		d.QueueOf = func(any) string { return "method" }
		d.TimeoutOf = func(any) time.Duration { return 2 * time.Minute }
		d.TaskNameOf = func(any) string { return "named" }
	}
	silent := func(d *cloudtask.Definition) {
		d.QueueOf = func(any) string { return "" }
		d.TimeoutOf = func(any) time.Duration { return 0 }
		d.TaskNameOf = func(any) string { return "" }
	}
	options := []cloudtask.EnqueueOption{cloudtask.WithQueue("option"), cloudtask.WithTimeout(3 * time.Minute), cloudtask.WithTaskName("mine_1")}
	const sha = "[0-9a-f]{64}"
	tests := []struct {
		name    string
		changes []func(*cloudtask.Definition)
		opts    []cloudtask.EnqueueOption
		queue   string
		timeout time.Duration
		id      string // pattern; "": the service chooses
	}{
		{"nothing", nil, nil, "default", 10 * time.Minute, ""},
		{"directive", []func(*cloudtask.Definition){directive}, nil, "directive", time.Minute, sha},
		{"methods", []func(*cloudtask.Definition){directive, method}, nil, "method", 2 * time.Minute, "named"},
		{"methods without an answer", []func(*cloudtask.Definition){directive, silent}, nil, "directive", time.Minute, sha},
		{"options", []func(*cloudtask.Definition){directive, method}, options, "option", 3 * time.Minute, "mine_1"},
		{"retried", []func(*cloudtask.Definition){retried}, nil, "default", 10 * time.Minute, "[A-Z0-9]{26}"},
		{"named and retried", []func(*cloudtask.Definition){retried, method}, nil, "method", 2 * time.Minute, "named"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{}
			c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.Queue = "default" })
			receipt, err := mailType(test.changes...).Push(t.Context(), c, &mail{}, test.opts...)
			if err != nil {
				t.Fatal(err)
			}
			task := m.calls[0].tasks[0]
			if m.calls[0].name != queuePrefix+test.queue || receipt.Queue != test.queue {
				t.Errorf("sent to %s with a receipt for %q, want %q", m.calls[0].name, receipt.Queue, test.queue)
			}
			if task.DispatchDeadline != test.timeout || task.Header["Cloudtask-Timeout"] != test.timeout.String() {
				t.Errorf("timeout %v, header %q, want %v", task.DispatchDeadline, task.Header["Cloudtask-Timeout"], test.timeout)
			}
			if test.id == "" {
				if task.Name != "" {
					t.Errorf("name %q was sent, want none", task.Name)
				}
				return
			}
			wantMatch(t, "name", task.Name, regexp.QuoteMeta(queuePrefix+test.queue+"/tasks/")+test.id)
			wantMatch(t, "id in the receipt", receipt.TaskID, test.id)
		})
	}
}

func TestUniqueNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		c := newClient(t, m, nil)
		id := func(d *cloudtask.Definition, task mail) string {
			t.Helper()
			receipt, err := d.Asap(t.Context(), c, &task)
			if err != nil {
				t.Fatal(err)
			}
			return receipt.TaskID
		}
		once := mailType(func(d *cloudtask.Definition) { d.Once = true })
		// echo -n SendMail | sha256sum
		if got, want := id(once, mail{To: "ann"}), "0f4d300d052887887623741a9e9d8db1fb5f420ecca16818dc7b6a96bbb24cff"; got != want {
			t.Errorf("id %q of a once task, want %q", got, want)
		}
		if id(once, mail{To: "ann"}) != id(once, mail{To: "bob"}) {
			t.Error("the payload of a once task is part of its name")
		}
		unique := mailType(uniqueTo)
		within := mailType(uniqueTo, func(d *cloudtask.Definition) { d.Within = time.Hour })
		renamed := mailType(uniqueTo, func(d *cloudtask.Definition) { d.Name = "SendMai" })
		seen := map[string]string{}
		for what, got := range map[string]string{
			"once": id(once, mail{}), "unique ann": id(unique, mail{To: "ann"}), "unique bob": id(unique, mail{To: "bob"}),
			"ann within an hour": id(within, mail{To: "ann"}), "of another type": id(renamed, mail{To: "ann"}),
		} {
			if other, taken := seen[got]; taken {
				t.Errorf("%s and %s have the name %s", what, other, got)
			}
			seen[got] = what
		}
		if id(unique, mail{To: "ann", Text: "1"}) != id(unique, mail{To: "ann", Text: "2"}) {
			t.Error("a field that is not in the unique directive is part of the name")
		}
		first := id(within, mail{To: "ann"}) // at midnight, as synctest begins
		time.Sleep(time.Hour - 1)
		if id(within, mail{To: "ann"}) != first {
			t.Error("the name changed within the hour")
		}
		atZero, err := within.Later(t.Context(), c, &mail{To: "ann"}, cloudtask.At(time.Time{}))
		if err != nil || atZero.TaskID != first {
			t.Errorf("At of the zero time: %+v, %v, want the name of a task for now", atZero, err)
		}
		time.Sleep(1 * time.Nanosecond)
		if id(within, mail{To: "ann"}) == first {
			t.Error("the name did not change after the hour")
		}
	})
}

// A task is unique in the period that it is to run in, whenever it is enqueued.
func TestUniqueNamesGoByTheTimeOfTheTask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which begins at midnight UTC
		c := newClient(t, &memory{}, nil)
		daily := mailType(uniqueTo, func(d *cloudtask.Definition) { d.Within = 24 * time.Hour })
		id := func(eta cloudtask.ETA) string {
			t.Helper()
			receipt, err := daily.Later(t.Context(), c, &mail{To: "ann"}, eta)
			if err != nil {
				t.Fatal(err)
			}
			return receipt.TaskID
		}
		midnight := time.Now()
		morning := midnight.Add(32 * time.Hour) // of the next day
		time.Sleep(23 * time.Hour)
		tomorrow := id(cloudtask.At(morning))
		if today := id(cloudtask.At(time.Now())); today == tomorrow {
			t.Error("digests for two days, enqueued on one, have one name")
		}
		if got := id(cloudtask.In(9 * time.Hour)); got != tomorrow {
			t.Errorf("after a delay: %s, want the name of the day that it ends on, %s", got, tomorrow)
		}
		until, err := daily.Until(t.Context(), c, &mail{To: "ann"}, morning)
		if err != nil || until.TaskID != tomorrow {
			t.Errorf("until a time: %s, %v, want the name of that time's day, %s", until.TaskID, err, tomorrow)
		}
		time.Sleep(2 * time.Hour)
		if got := id(cloudtask.At(morning)); got != tomorrow {
			t.Error("one digest has two names, enqueued on either side of midnight")
		}
		if got := id(cloudtask.At(midnight.Add(30 * time.Hour))); got != tomorrow {
			t.Error("two times of one day have two names")
		}
		if got := id(cloudtask.At(midnight)); got == tomorrow {
			t.Error("a time that is past has the name of the present day")
		}
	})
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		name   string
		change func(*cloudtask.Definition)
		opts   []cloudtask.EnqueueOption
	}{
		{"once", func(d *cloudtask.Definition) { d.Once = true }, nil},
		{"unique", uniqueTo, nil},
		{"TaskName", func(d *cloudtask.Definition) { d.TaskNameOf = func(task any) string { return "to-" + task.(*mail).To } }, nil},
		{"WithTaskName", func(*cloudtask.Definition) {}, []cloudtask.EnqueueOption{cloudtask.WithTaskName("a")}},
	}
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{}
			var log jsonLog
			c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.Logger = log.logger() })
			d := mailType(kind.change)
			first, err := d.Push(t.Context(), c, &mail{To: "ann"}, kind.opts...)
			if err != nil || first.Duplicate {
				t.Fatalf("first: %+v, %v", first, err)
			}
			second, err := d.Push(t.Context(), c, &mail{To: "ann"}, kind.opts...)
			if err != nil || !second.Duplicate || second.TaskID != first.TaskID || second.Queue != "tasks" || second.Project != "p" {
				t.Errorf("second: %+v, %v, want a duplicate of %s", second, err, first.TaskID)
			}
			if lines := log.take(t); len(lines) != 2 || lines[1]["msg"] != "task not enqueued, its name is taken; names stay taken for up to 24 h after success, discard and purge" {
				t.Errorf("logged %v", lines)
			}
			m.only(t)
			other, err := d.Push(t.Context(), c, &mail{To: "ann"}, append(kind.opts, cloudtask.WithQueue("other"))...)
			if err != nil || other.Duplicate {
				t.Errorf("in another queue: %+v, %v", other, err)
			}
		})
	}
}

func TestConcurrentEnqueues(t *testing.T) {
	t.Parallel()
	m := &memory{}
	c := newClient(t, m, nil)
	d := mailType(uniqueTo)
	var wg sync.WaitGroup
	var mu sync.Mutex
	created := 0
	for i := range 64 {
		wg.Go(func() {
			receipt, err := d.Asap(t.Context(), c, &mail{To: fmt.Sprint(i % 8)})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if !receipt.Duplicate {
				created++
			}
		})
	}
	wg.Wait()
	if created != 8 || len(m.tasks) != 8 {
		t.Errorf("%d receipts of created tasks and %d queued, want 8", created, len(m.tasks))
	}
}

func TestAllocationsOfAsap(t *testing.T) {
	c := newClient(t, discard{}, nil)
	d := mailType(func(d *cloudtask.Definition) {
		d.Append = func(dst []byte, _ any) ([]byte, error) { return append(dst, `{"to":"ann"}`...), nil }
	})
	task := &mail{To: "ann"}
	ctx := t.Context()
	allocations := testing.AllocsPerRun(200, func() {
		if _, err := d.Asap(ctx, c, task); err != nil {
			t.Fatal(err)
		}
	})
	// The task, its URL, body and headers, the queue's name, the timer of the call.
	if allocations > 20 {
		t.Errorf("%v allocations, want at most 20", allocations)
	}
	t.Logf("%v allocations", allocations)
}

// discard is a service that accepts everything and keeps nothing.
type discard struct{ cloudtask.Backend }

func (discard) CreateTask(_ context.Context, _ string, task *cloudtask.Task) (*cloudtask.Task, error) {
	return task, nil
}
