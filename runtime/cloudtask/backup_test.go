package cloudtask_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

func TestBackupQueue(t *testing.T) {
	t.Parallel()
	withBackup := func(cfg *cloudtask.Config) { cfg.BackupQueue = "spare" }
	log := &logLines{}
	t.Run("takes what the missing queue does not", func(t *testing.T) {
		t.Parallel()
		for _, code := range []cloudtask.Code{cloudtask.NotFound, cloudtask.FailedPrecondition} {
			m := &memory{before: func(_ context.Context, c call) error {
				if strings.HasSuffix(c.name, "/tasks") {
					return status(code)
				}
				return nil
			}}
			c := newClient(t, m, func(cfg *cloudtask.Config) { withBackup(cfg); cfg.Logger = log.logger() })
			receipt, err := mailType().Push(t.Context(), c, &mail{}, cloudtask.WithTaskName("a"))
			if err != nil || receipt.Queue != "spare" || receipt.Duplicate {
				t.Fatalf("%v: receipt %+v, %v", code, receipt, err)
			}
			if got := m.only(t).Name; got != queuePrefix+"spare/tasks/a" {
				t.Errorf("%v: queued as %s", code, got)
			}
			if lines := log.take(); !strings.Contains(lines, "WARN") || !strings.Contains(lines, "queue=tasks") || !strings.Contains(lines, "backup_queue=spare") {
				t.Errorf("%v: logged %q, want a warning with both queues", code, lines)
			}
		}
	})
	t.Run("is not tried for other failures", func(t *testing.T) {
		t.Parallel()
		m := &memory{before: func(context.Context, call) error { return status(cloudtask.PermissionDenied) }}
		_, err := mailType().Asap(t.Context(), newClient(t, m, withBackup), &mail{})
		if cloudtask.StatusOf(err) != cloudtask.PermissionDenied || len(m.calls) != 1 {
			t.Errorf("%v after %v", err, m.methods())
		}
	})
	t.Run("is tried once", func(t *testing.T) {
		t.Parallel()
		m := &memory{queues: []string{}}
		_, err := mailType().Asap(t.Context(), newClient(t, m, withBackup), &mail{})
		if cloudtask.StatusOf(err) != cloudtask.NotFound || len(m.calls) != 2 {
			t.Errorf("%v after %v", err, m.methods())
		}
		wantError(t, err, `"spare"`, `"tasks"`)
	})
	t.Run("is not its own backup", func(t *testing.T) {
		t.Parallel()
		m := &memory{queues: []string{}}
		_, err := mailType().Push(t.Context(), newClient(t, m, withBackup), &mail{}, cloudtask.WithQueue("spare"))
		if cloudtask.StatusOf(err) != cloudtask.NotFound || len(m.calls) != 1 {
			t.Errorf("%v after %v", err, m.methods())
		}
	})
	t.Run("there is none", func(t *testing.T) {
		t.Parallel()
		m := &memory{queues: []string{}}
		_, err := mailType().Asap(t.Context(), newClient(t, m, nil), &mail{})
		wantError(t, err, `queue "tasks"`, "Queue does not exist")
		if len(m.calls) != 1 {
			t.Errorf("calls %v", m.methods())
		}
	})
	t.Run("takes no second copy of a task whose answer was lost", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			m := &memory{}
			m.after = func(context.Context, call) error { return status(cloudtask.Unavailable) }
			m.before = func(_ context.Context, c call) error {
				if c.n == 2 {
					return status(cloudtask.NotFound)
				}
				return nil
			}
			receipt, err := mailType(retried).Asap(t.Context(), newClient(t, m, withBackup), &mail{})
			if err != nil || receipt.Queue != "tasks" {
				t.Errorf("receipt %+v, %v, want one for the own queue", receipt, err)
			}
			m.only(t)
		})
	})
}

// The tries in a queue that is gone say nothing about who took the name in the backup queue.
func TestBackupQueueHasTheName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &memory{before: failing(status(cloudtask.Unavailable), status(cloudtask.NotFound))}
		m.put("spare/tasks/a", mailURL)
		c := newClient(t, m, func(cfg *cloudtask.Config) { cfg.BackupQueue = "spare" })
		receipt, err := mailType(retried).Push(t.Context(), c, &mail{To: "ann"}, cloudtask.WithTaskName("a"))
		if err != nil || !receipt.Duplicate || receipt.Queue != "spare" {
			t.Errorf("receipt %+v, %v, want a duplicate in the backup queue", receipt, err)
		}
		if diff := cmp.Diff([]string{"CreateTask", "CreateTask", "GetTask", "CreateTask"}, m.methods()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}
