package cloudtask

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// Receipt says what became of an enqueue. Its Metadata is that of the task: its id, the queue that it went to (the
// backup queue, where its own does not exist), when it is due, and the propagated headers that it carries.
type Receipt struct {
	Metadata

	// Duplicate says that the service created nothing, because a task of that name is queued, running or remembered:
	// Cloud Tasks remembers names for up to 24 hours after the task is gone, by success, Discard or a purge of its queue
	// (9 days in queues made with queue.yaml). It occurs for tasks that are once or unique, and for those that the caller
	// has named. ETA is then not known.
	Duplicate bool

	// MayBeOwn, with Duplicate, says that this very call may have created the task of that name: the answer to an earlier
	// try was lost, the next try was answered "already exists", and that task is gone by now or may not be read, so whose
	// it was cannot be found out. It was enqueued, in any case, by this call or by another.
	MayBeOwn bool

	// Result is the JSON of what Run returned, in eager mode; nil for a task without result.
	Result json.RawMessage
}

// created returns the receipt of a task that is queued now. stored is how the service returned it; nil when that
// answer was lost.
func (c *Client) created(ctx context.Context, j *job, stored *Task) Receipt {
	m := Metadata{TaskID: j.id, Queue: j.queue, Project: c.cfg.Project, ETA: j.task.ScheduleTime, Headers: c.carried(j)}
	if stored != nil {
		if m.TaskID == "" {
			m.TaskID = rules.Last(stored.Name)
		}
		if !stored.ScheduleTime.IsZero() {
			m.ETA = stored.ScheduleTime.UTC()
		}
	}
	c.log(ctx, "task enqueued", j, m)
	return Receipt{Metadata: m}
}

// duplicate returns the receipt of a task whose name is taken, perhaps by this call's own.
func (c *Client) duplicate(ctx context.Context, j *job, mayBeOwn bool) Receipt {
	m := Metadata{TaskID: j.id, Queue: j.queue, Project: c.cfg.Project, Headers: c.carried(j)}
	message := "task not enqueued, its name is taken; names stay taken for up to 24 h after success, discard and purge"
	if mayBeOwn {
		message = "task of that name was enqueued, by this call or another, and is gone or cannot be read"
	}
	c.log(ctx, message, j, m)
	return Receipt{Metadata: m, Duplicate: true, MayBeOwn: mayBeOwn}
}

// log writes the one line of an enqueue.
func (c *Client) log(ctx context.Context, message string, j *job, m Metadata) {
	if !c.cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("task", j.name), slog.String("id", m.TaskID), slog.String("queue", m.Queue), slog.Int("bytes", len(j.task.Body)),
	}
	if !m.ETA.IsZero() {
		attrs = append(attrs, slog.String("eta", m.ETA.Format(time.RFC3339Nano)))
	}
	c.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, message, attrs...)
}
