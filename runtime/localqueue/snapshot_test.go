package localqueue_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Snapshots are written while everything changes, and what is there in the end is there after a restart.
func TestSnapshotsWhileQueuesChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := []localqueue.Option{
		localqueue.WithLogger(slog.New(slog.DiscardHandler)), localqueue.WithDir(dir), localqueue.WithSnapshotEvery(50_000), localqueue.WithHistory(1000),
		localqueue.WithHandler(answer(500)), localqueue.WithQueues(resource.Queue{Name: queueName}, resource.Queue{Name: location + "/queues/other"}),
	}
	s, err := localqueue.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for client := range 8 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(client)))
			queue := []string{queueName, location + "/queues/other"}[client%2]
			var mine []string
			for range 250 {
				task := httpTask()
				task.ScheduleTime, task.HTTP.Body = time.Now().Add(time.Hour), make([]byte, random.IntN(1000))
				if random.IntN(2) == 0 {
					task.Name = fmt.Sprintf("%s/tasks/%d-%d", queue, client, len(mine))
				}
				created, err := s.CreateTask(t.Context(), queue, task)
				if err != nil {
					t.Error(err)
					return
				}
				mine = append(mine, created.Name)
				switch name := mine[random.IntN(len(mine))]; random.IntN(3) {
				case 0:
					_ = s.DeleteTask(t.Context(), name) // may be gone
				case 1:
					_, _ = s.RunTask(t.Context(), name, resource.ViewBasic)
				}
			}
		})
	}
	group.Wait()
	if _, err := s.PauseQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PauseQueue(t.Context(), location+"/queues/other"); err != nil {
		t.Fatal(err)
	}
	for s.Backlog().Running > 0 {
		time.Sleep(time.Millisecond)
	}
	want := observe(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(glob(t, dir, "snapshot-*")) != 1 || len(glob(t, dir, "journal-00000001")) != 0 {
		t.Errorf("no snapshot was written: %v", glob(t, dir, "*"))
	}
	if s, err = localqueue.New(opts...); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if diff := cmp.Diff(want, observe(t, s), byText); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// Files are small again once what they told of is gone, and nothing is lost while they are exchanged.
func TestSnapshotsReplaceJournals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newDurable(t, dir, start, answer(500), localqueue.WithQueues(resource.Queue{Name: queueName}), localqueue.WithSnapshotEvery(20_000))
	var kept []string
	for i := range 2000 {
		task := add(t, s, httpTask())
		if i%100 == 0 {
			kept = append(kept, task.Name)
		} else if err := s.DeleteTask(t.Context(), task.Name); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, data := range contents(t, dir) {
		size += len(data)
	}
	if len(glob(t, dir, "snapshot-*")) != 1 || len(glob(t, dir, "journal-00000001")) != 0 || size > 250_000 {
		t.Errorf("%d bytes in %v", size, glob(t, dir, "*"))
	}
	s = newDurable(t, dir, start, answer(500))
	tasks, _, err := s.ListTasks(t.Context(), queueName, resource.Page{}, resource.ViewBasic)
	if err != nil || len(tasks) != len(kept) {
		t.Fatalf("%d tasks, %v; want %d", len(tasks), err, len(kept))
	}
	for i, task := range tasks {
		if task.Name != kept[i] {
			t.Errorf("task %d is %s, want %s", i, task.Name, kept[i])
		}
	}
}
