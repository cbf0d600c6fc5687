package cloudtasktest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Enqueued is a task that was enqueued, with its payload.
type Enqueued[T any] struct {
	*Task
	Payload T
}

// eventually is how long [Eventually] waits.
const eventually = 5 * time.Second

// All returns the tasks of one type that were enqueued since the last [Queue.Forget], oldest first, whatever has become of
// them since. Duplicates, which were not created, are not among them. The type is what a generated function says:
//
//	emails := cloudtasktest.All(t, tasks.EnqueuedSendWelcomeEmail(q))
func All[T any](t TB, tasks cloudtask.Selection[*Queue, T]) []Enqueued[T] {
	t.Helper()
	d := tasks.Definition
	var all []Enqueued[T]
	for _, task := range tasks.Queue.Tasks() {
		if task.Name != d.Name && !slices.Contains(d.Aliases, task.Name) {
			continue
		}
		typed := Enqueued[T]{Task: task}
		if err := d.Decode(task.Body, &typed.Payload); err != nil {
			t.Fatalf("cloudtasktest: the payload of %v does not decode: %v\n\t%s", task, err, clip(task.Body))
		}
		all = append(all, typed)
	}
	return all
}

// Only returns the one task of its type that was enqueued. The test ends here if there is none or are several, or if its
// payload is not the wanted one, where that is given.
func Only[T any](t TB, tasks cloudtask.Selection[*Queue, T], want ...T) Enqueued[T] {
	t.Helper()
	if len(want) > 1 {
		t.Fatalf("cloudtasktest: Only wants one task, not %d: use Exactly", len(want))
	}
	all := All(t, tasks)
	switch name := tasks.Definition.Name; {
	case len(all) == 0:
		t.Fatalf("%s: none enqueued, want one%s", name, instead(tasks.Queue.Tasks()))
	case len(all) > 1 && len(want) == 0:
		t.Fatalf("%s: %d enqueued, want one:%s", name, len(all), list(tasksOf(all)))
	case len(all) > 1 || len(want) == 1 && !equal(want[0], all[0].Payload):
		t.Fatalf("%s: enqueued otherwise than wanted (-want +got):\n%s", name, diff(want, payloads(all)))
	}
	return all[0]
}

// Exactly returns the tasks of one type that were enqueued, oldest first. The test ends here if their payloads are not the
// wanted ones, in whatever order.
func Exactly[T any](t TB, tasks cloudtask.Selection[*Queue, T], want ...T) []Enqueued[T] {
	t.Helper()
	all := All(t, tasks)
	got := payloads(all)
	missing := slices.Clone(want)
	for _, payload := range got {
		if i := slices.IndexFunc(missing, func(w T) bool { return equal(w, payload) }); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		}
	}
	switch name := tasks.Definition.Name; {
	case len(missing) == 0 && len(got) == len(want):
	case len(got) == 0:
		t.Fatalf("%s: none enqueued, want %d%s", name, len(want), instead(tasks.Queue.Tasks()))
	default:
		t.Fatalf("%s: enqueued otherwise than wanted (-want +got):\n%s", name, diff(want, align(got, want)))
	}
	return all
}

// None fails the test if a task of that type was enqueued.
func None[T any](t TB, tasks cloudtask.Selection[*Queue, T]) {
	t.Helper()
	if all := All(t, tasks); len(all) > 0 {
		t.Errorf("%s: %d enqueued, want none (-want +got):\n%s", tasks.Definition.Name, len(all), diff([]T{}, payloads(all)))
	}
}

// Nothing fails the test if any task was enqueued.
func Nothing(t TB, q *Queue) {
	t.Helper()
	if all := q.Tasks(); len(all) > 0 {
		t.Errorf("tasks: %d enqueued, want none:%s", len(all), list(all))
	}
}

// Eventually waits until a task of that type has been enqueued, with the wanted payload where that is given, and returns
// the first: for code that enqueues in a goroutine of its own. The test ends here if it takes more than five seconds; of
// real time, or in a bubble of testing/synctest of its time.
func Eventually[T any](t TB, tasks cloudtask.Selection[*Queue, T], want ...T) Enqueued[T] {
	t.Helper()
	timeout := time.NewTimer(eventually)
	defer timeout.Stop()
	for {
		more := tasks.Queue.wait()
		all := All(t, tasks)
		for _, task := range all {
			if len(want) == 0 || slices.ContainsFunc(want, func(w T) bool { return equal(w, task.Payload) }) {
				return task
			}
		}
		select {
		case <-more:
			continue
		case <-timeout.C:
		case <-t.Context().Done():
		}
		switch name := tasks.Definition.Name; {
		case len(all) == 0:
			t.Fatalf("%s: none enqueued within %v%s", name, eventually, instead(tasks.Queue.Tasks()))
		default:
			t.Fatalf("%s: enqueued otherwise than wanted within %v (-want +got):\n%s", name, eventually, diff(want, payloads(all)))
		}
	}
}

// wait returns a channel that is closed when another task is enqueued.
func (q *Queue) wait() <-chan struct{} {
	more := make(chan struct{})
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiters = append(q.waiters, more)
	return more
}

// everything lets payloads with unexported fields be compared: a type's codec may well write them.
var everything = cmp.Exporter(func(reflect.Type) bool { return true })

func equal[T any](want, got T) bool { return cmp.Equal(want, got, everything) }

func diff[T any](want, got []T) string { return cmp.Diff(want, got, everything) }

// align returns the payloads in the order in which they are wanted, so that their diff shows only what differs whatever
// their order. Those that nobody wants stand where others are missing, and at the end.
func align[T any](got, want []T) []T {
	rest := slices.Clone(got)
	found := make([]*T, len(want))
	for i, w := range want {
		if j := slices.IndexFunc(rest, func(payload T) bool { return equal(w, payload) }); j >= 0 {
			payload := rest[j]
			found[i], rest = &payload, slices.Delete(rest, j, j+1)
		}
	}
	var aligned []T
	for _, payload := range found {
		if payload == nil && len(rest) > 0 {
			payload, rest = &rest[0], rest[1:]
		}
		if payload != nil {
			aligned = append(aligned, *payload)
		}
	}
	return append(aligned, rest...)
}

func payloads[T any](tasks []Enqueued[T]) []T {
	var all []T
	for _, task := range tasks {
		all = append(all, task.Payload)
	}
	return all
}

func tasksOf[T any](typed []Enqueued[T]) []*Task {
	var all []*Task
	for _, task := range typed {
		all = append(all, task.Task)
	}
	return all
}

// instead says what was enqueued where something else was wanted.
func instead(tasks []*Task) string {
	if len(tasks) == 0 {
		return "; nothing else was either"
	}
	return "; instead:" + list(tasks)
}

// list lists tasks for a message, a line each.
func list(tasks []*Task) string {
	const most = 20
	var b strings.Builder
	for i, task := range tasks {
		if i == most {
			fmt.Fprintf(&b, "\n\t… and %d more", len(tasks)-most)
			break
		}
		fmt.Fprintf(&b, "\n\t%v: %s", task, clip(task.Body))
	}
	return b.String()
}
