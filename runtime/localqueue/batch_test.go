package localqueue_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// fullBatch returns tasks with bodies of that size, whose results are to have them.
func fullBatch(tasks, size int) []*resource.Task {
	batch := make([]*resource.Task, tasks)
	for i := range batch {
		batch[i] = httpTask()
		batch[i].HTTP.Body, batch[i].View = []byte(strings.Repeat("x", size)), resource.ViewFull
	}
	return batch
}

// A batch is remembered as it was answered, and a large one with names and outcomes; a repeated call and a restart have
// the same.
func TestRememberedBatches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newDurable(t, dir, start, answer(200))
	small, err := s.BatchCreateTasks(t.Context(), queueName, "small", fullBatch(100, 500))
	if err != nil {
		t.Fatal(err)
	}
	tasks := fullBatch(3, 100_000)
	for _, task := range tasks[1:] {
		task.Name = queueName + "/tasks/a"
	}
	large, err := s.BatchCreateTasks(t.Context(), queueName, "large", tasks)
	if err != nil || len(large.Results[0].Task.HTTP.Body) != 100_000 {
		t.Fatalf("%+v, %v: want the call itself answered in full", large, err)
	}
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("%s/queues/other/tasks/%s", location, strings.Repeat("é", 400))
	}
	if _, err := s.BatchDeleteTasks(t.Context(), queueName, "deletion", names); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		again, err := s.BatchCreateTasks(t.Context(), queueName, "small", fullBatch(1, 1))
		if diff := cmp.Diff(small, again, byText); err != nil || diff != "" {
			t.Errorf("%v; the small batch (-answer +remembered):\n%s", err, diff)
		}
		again, err = s.BatchCreateTasks(t.Context(), queueName, "large", fullBatch(1, 1))
		if err != nil || len(again.Results) != 3 || !again.Start.Equal(large.Start) {
			t.Fatalf("%+v, %v: want the large batch", again, err)
		}
		one, two, three := again.Results[0].Task, again.Results[1].Task, again.Results[2]
		if one.Name != large.Results[0].Task.Name || !one.CreateTime.Equal(large.Results[0].Task.CreateTime) || one.HTTP != nil || one.View != resource.ViewBasic {
			t.Errorf("%+v: want name and times of the first task, and no target", one)
		}
		if two.Name != queueName+"/tasks/a" || cloudtask.StatusOf(three.Err) != cloudtask.AlreadyExists {
			t.Errorf("%+v, %+v: want a task and a duplicate", two, three)
		}
		deletion, err := s.GetBatch(t.Context(), location, "deletion")
		if err != nil || cloudtask.StatusOf(deletion.Results[999].Err) != cloudtask.InvalidArgument || len(deletion.Results[999].Err.Error()) > 250 {
			t.Errorf("%v, %v: want short errors", deletion, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = newDurable(t, dir, start, answer(200))
	}
	_, err = s.BatchCreateTasks(t.Context(), queueName, strings.Repeat("x", 1001), fullBatch(1, 1))
	wantStatus(t, err, cloudtask.InvalidArgument, "The request ID must have at most 1000 bytes: it has 1001.")
}

// Memory does not grow with the bodies of tasks that are gone.
func TestMemoryOfBatches(t *testing.T) { // not parallel: it measures the heap
	s := newVirtual(t, answer(200))
	before := heap()
	for i := range 100 {
		if _, err := s.BatchCreateTasks(t.Context(), queueName, fmt.Sprint(i), fullBatch(20, 50_000)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.PurgeQueue(t.Context(), queueName); err != nil {
			t.Fatal(err)
		}
	}
	grown := int64(heap()) - int64(before)
	runtime.KeepAlive(s)
	if grown > 16<<20 {
		t.Errorf("100 batches of a megabyte keep %d MiB", grown>>20)
	}
}
