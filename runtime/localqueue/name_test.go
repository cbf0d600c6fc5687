package localqueue_test

import (
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// The default queue's id is "tasks", so that the names of its tasks have that segment twice. Other ids may be just as
// confusing.
func TestTasksOfTheQueueTasks(t *testing.T) {
	t.Parallel()
	for _, queue := range []string{
		"projects/p/locations/l/queues/tasks", "projects/queues/locations/queues/queues/tasks", "projects/tasks/locations/tasks/queues/queues",
	} {
		t.Run(queue, func(t *testing.T) { createGetDelete(t, queue) })
	}
}

func createGetDelete(t *testing.T, queue string) {
	s, err := localqueue.New(localqueue.WithVirtualClock(time.Time{}), localqueue.WithQueues(resource.Queue{Name: queue}))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	name := queue + "/tasks/tasks"
	if _, err := s.Backend().CreateTask(t.Context(), queue, &cloudtask.Task{Name: name, URL: "http://127.0.0.1/"}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Backend().GetTask(t.Context(), name); err != nil || got.Name != name {
		t.Errorf("GetTask: %+v, %v", got, err)
	}
	if err := s.DeleteTask(t.Context(), name); err != nil {
		t.Errorf("DeleteTask: %v", err)
	}
}
