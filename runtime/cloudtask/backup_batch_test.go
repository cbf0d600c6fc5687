package cloudtask_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func TestBatchBackupQueue(t *testing.T) {
	t.Parallel()
	for _, perTask := range []bool{false, true} {
		t.Run(fmt.Sprintf("told for each task %v", perTask), func(t *testing.T) {
			t.Parallel()
			m := &memory{}
			gone := &cloudtask.StatusError{Code: cloudtask.NotFound, Message: "Queue does not exist."}
			var backend cloudtask.Backend = m
			if perTask {
				backend = &flaky{memory: m, fail: func(round int, _ string) error {
					if round == 1 {
						return gone
					}
					return nil
				}}
			} else {
				m.queues = []string{"spare"}
			}
			log := &logLines{}
			c := newClient(t, backend, func(cfg *cloudtask.Config) { cfg.BackupQueue, cfg.Logger = "spare", log.logger() })
			tasks := mails(50)
			receipts, err := mailType(uniqueTo).Batch(t.Context(), c, tasks)
			if err != nil {
				t.Fatal(err)
			}
			checkReceipts(t, m, tasks, receipts)
			if diff := cmp.Diff(map[string]int{"spare": 50}, m.queued()); diff != "" {
				t.Errorf("queued (-want +got):\n%s", diff)
			}
			if lines := log.take(); strings.Count(lines, "WARN") != 1 || !strings.Contains(lines, "tasks=50 queue=tasks backup_queue=spare") {
				t.Errorf("logged %q, want one warning with the number of tasks and both queues", lines)
			}
		})
	}
	m := &memory{queues: []string{}}
	c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.BackupQueue = "spare" })
	_, err := mailType().Batch(t.Context(), c, mails(2))
	wantError(t, err, "2 of 2", `backup queue "spare"`, `queue "tasks"`)
}

// A lost call may have put the tasks into their queue before it went away.
func TestBatchBackupQueueTakesNoSecondCopies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{after: failing(status(cloudtask.Unavailable))}
		m.before = func(_ context.Context, c call) error {
			if c.n == 2 {
				return status(cloudtask.NotFound)
			}
			return nil
		}
		c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.BackupQueue = "spare" })
		tasks := mails(3)
		receipts, err := mailType(retried).Batch(t.Context(), c, tasks)
		if err != nil {
			t.Fatal(err)
		}
		checkReceipts(t, m, tasks, receipts)
		if diff := cmp.Diff(map[string]int{"tasks": 3}, m.queued()); diff != "" {
			t.Errorf("queued (-want +got):\n%s", diff)
		}
	})
}

// The backup queue's name may make a task too large that its own queue takes.
func TestBackupQueueWithALongName(t *testing.T) {
	t.Parallel()
	m := &memory{queues: []string{}}
	c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.BackupQueue = strings.Repeat("q", 100) })
	large := []mail{{Text: strings.Repeat("a", 1_048_569-330)}, {To: "ann"}}
	_, err := mailType().Asap(t.Context(), c, &large[0])
	if !errors.Is(err, cloudtask.ErrTooLarge) || len(m.calls) != 1 {
		t.Errorf("%v after %v", err, m.methods())
	}
	_, err = mailType().Batch(t.Context(), c, large)
	var batchErr *cloudtask.BatchError
	if !errors.As(err, &batchErr) || !errors.Is(batchErr.Errors[0], cloudtask.ErrTooLarge) || cloudtask.StatusOf(batchErr.Errors[1]) != cloudtask.NotFound {
		t.Errorf("%v, want one task too large and one without a queue", err)
	}
}
