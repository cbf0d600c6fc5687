package localqueue_test

import (
	"fmt"
	"testing"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// What queues remember is bounded over all of them, and each keeps its share of the latest, also over a restart.
func TestPastOfManyQueues(t *testing.T) {
	t.Parallel()
	const queues, size, most = 20, 10_000, 2_000_000
	dir := t.TempDir()
	opts := []localqueue.Option{localqueue.WithHistory(1000), localqueue.WithPastBytes(most)}
	s := newDurable(t, dir, start, answer(200), opts...)
	name := func(queue, task int) string {
		return fmt.Sprintf("%s/queues/q%d/tasks/t%d", location, queue, task)
	}
	remembered := func(queue int) (tasks int) {
		t.Helper()
		found, err := s.Browse(t.Context(), localqueue.Browse{Ended: true, Queue: fmt.Sprintf("%s/queues/q%d", location, queue)})
		if err != nil {
			t.Fatal(err)
		}
		return len(found.Tasks)
	}
	end := func(queue, tasks int) {
		t.Helper()
		for n := range tasks {
			task := httpTask()
			task.Name, task.HTTP.Body = name(queue, n), make([]byte, size)
			if _, err := s.CreateTask(t.Context(), fmt.Sprintf("%s/queues/q%d", location, queue), task); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.RunUntilIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	end(0, 100) // more than its share later on, and nobody else's yet
	if got := remembered(0); got != 100 {
		t.Errorf("the only queue remembers %d tasks, want all 100", got)
	}
	for queue := 1; queue < queues; queue++ {
		end(queue, 60)
	}
	check := func(when string) {
		t.Helper()
		all := 0
		for queue := range queues {
			got := remembered(queue)
			if all += got; got < most/queues/4*3/size-2 {
				t.Errorf("%s: queue %d remembers %d tasks, want its share", when, queue, got)
			}
			if _, err := s.Inspect(t.Context(), name(queue, 59+40*max(0, 1-queue))); err != nil {
				t.Errorf("%s: the latest task of queue %d: %v", when, queue, err)
			}
		}
		if all*size > most {
			t.Errorf("%s: %d tasks of %d bytes are remembered, want at most %d bytes", when, all, size, most)
		}
	}
	check("at first")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = newDurable(t, dir, start, answer(200), opts...)
	check("after a restart")

	for queue := 1; queue < queues; queue++ { // what is deleted makes room
		if err := s.DeleteQueue(t.Context(), fmt.Sprintf("%s/queues/q%d", location, queue)); err != nil {
			t.Fatal(err)
		}
	}
	before := remembered(0)
	for n := range 50 {
		task := httpTask()
		task.Name, task.HTTP.Body = fmt.Sprintf("%s-%d", name(0, 1000), n), make([]byte, size)
		if _, err := s.CreateTask(t.Context(), location+"/queues/q0", task); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := remembered(0); got != before+50 {
		t.Errorf("the queue that is left remembers %d tasks, want %d and 50", got, before)
	}
}
