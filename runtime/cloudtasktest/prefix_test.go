package cloudtasktest_test

import (
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// With a queue prefix, the test's queues are those of Cloud Tasks, and the program's ids get it.
func TestQueuePrefix(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.NewWithOptions(t, cloudtasktest.Options{
		Config:  cloudtask.Config{QueuePrefix: "staging-", BackupQueue: "spare"},
		Service: []localqueue.Option{localqueue.WithStrict(), localqueue.WithQueues(resource.Queue{Name: "staging-greetings"}, resource.Queue{Name: "staging-spare"})},
	}, greetTask.Route(failsFirst(1)))
	own, err := greetTask.Asap(t.Context(), q.Client, &greet{Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	spare, err := greetTask.Push(t.Context(), q.Client, &greet{Name: "Bo"}, cloudtask.WithQueue("gone"))
	if err != nil {
		t.Fatal(err)
	}
	q.RunAll()
	for receipt, queue := range map[*cloudtask.Receipt]string{&own: "staging-greetings", &spare: "staging-spare"} {
		task := q.Task(*receipt)
		if task.Queue != queue || receipt.Queue != queue || task.Attempts()[0].Queue != queue {
			t.Errorf("queue %q of the receipt, %q of the task, %q of an attempt; want %q", receipt.Queue, task.Queue, task.Attempts()[0].Queue, queue)
		}
		task.Want(t, cloudtasktest.Executed)
	}
	late, err := greetTask.Later(t.Context(), q.Client, &greet{Name: "Cy"}, cloudtask.In(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if discarded, err := greetTask.Discard(t.Context(), q.Client); err != nil || len(discarded) != 1 {
		t.Errorf("discarded %v, %v", discarded, err)
	}
	q.Task(late).Want(t, cloudtasktest.Deleted)
}
