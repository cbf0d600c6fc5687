package cloudtask

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// Receipt is the result of an enqueue. Its Metadata is that of the task: its id, its queue (the backup queue if its own does not exist), when it
// is due, and the propagated headers that it carries.
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

// receiptOfCreated returns the receipt of a task that is queued now, and logs it. stored is the task that the service returned; nil if its
// answer was lost.
func (c *Client) receiptOfCreated(ctx context.Context, j *job, stored *Task) Receipt {
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

// receiptOfDuplicate returns the receipt of a task whose ID is taken, perhaps by this very call, and logs it.
func (c *Client) receiptOfDuplicate(ctx context.Context, j *job, mayBeOwn bool) Receipt {
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

// receiptOfExisting returns the receipt of a job whose ID is taken: by the job's own task, if an earlier try got through and its answer was
// lost, or by another task.
func (c *Client) receiptOfExisting(ctx context.Context, j *job) Receipt {
	if j.random {
		return c.receiptOfCreated(ctx, j, nil)
	}
	if !j.unsure {
		return c.receiptOfDuplicate(ctx, j, false)
	}
	by, err := c.creatorOf(ctx, j)
	if err != nil && StatusOf(err) != NotFound {
		c.cfg.Logger.WarnContext(ctx, "cannot tell whether a repeated enqueue created the task or another one did",
			"task", j.name, "id", j.id, "queue", j.queue, "error", err)
	}
	if by == thisCall {
		return c.receiptOfCreated(ctx, j, nil)
	}
	return c.receiptOfDuplicate(ctx, j, by == nobodyKnown)
}
