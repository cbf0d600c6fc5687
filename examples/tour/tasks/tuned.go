package tasks

import (
	"context"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// RobustEnqueue retries the enqueue call if Cloud Tasks is unavailable or has an internal error: after at most 50 ms, then after 2.5
// times as long and so on up to a second, for ten seconds in total. Retries of delivery have another directive.
//
//cloudtask:task
//cloudtask:enqueue-retry on=UNAVAILABLE,INTERNAL initial=50ms max=1s multiplier=2.5 deadline=10s
type RobustEnqueue struct {
	Data map[string]any `json:"data"`
}

// Run only records that it runs.
func (t RobustEnqueue) Run(ctx context.Context, app *App) error {
	app.Note("RobustEnqueue", "enqueued robustly and now running: %v", t.Data)
	return nil
}

// HighPriorityNotification has its own queue, so it never waits for slow tasks.
//
//cloudtask:task queue=critical-notifications-queue
type HighPriorityNotification struct {
	UserID       int64  `json:"user_id"`
	AlertMessage string `json:"alert_message"`
}

// Run sends the alert.
func (t HighPriorityNotification) Run(ctx context.Context, app *App) error {
	app.Note("HighPriorityNotification", "alert to %s: %s%s", app.Users[t.UserID].Name, t.AlertMessage, origin(ctx))
	return nil
}

// BatchDataProcessing chooses its queue, timeout and task ID by its payload: methods take precedence over the directive.
//
//cloudtask:task queue=batch-jobs-queue
type BatchDataProcessing struct {
	DatasetID string `json:"dataset_id"`
	Rows      int64  `json:"rows,omitempty"`
}

// Queue sends large data sets to separate workers. "" means the directive's queue.
func (t BatchDataProcessing) Queue() string {
	if t.Rows > 1_000_000 {
		return "large-batch-jobs-queue"
	}
	return ""
}

// Timeout gives large data sets the maximum of Cloud Tasks. 0 means the directive's timeout or the default.
func (t BatchDataProcessing) Timeout() time.Duration {
	if t.Rows > 1_000_000 {
		return 30 * time.Minute
	}
	return 0
}

// TaskName makes the tasks of a data set unique, with a readable task ID.
func (t BatchDataProcessing) TaskName() string { return "dataset-" + t.DatasetID }

// Run processes the data set.
func (t BatchDataProcessing) Run(ctx context.Context, app *App) error {
	meta := cloudtask.MetadataFrom(ctx)
	app.Note("BatchDataProcessing "+t.DatasetID, "task %s in %s, %s to finish", meta.TaskID, meta.Queue, timeLeft(ctx))
	return nil
}

// GenerateReport may take a while. It was called ReportGeneration in an earlier release, whose tasks may still be queued.
//
//cloudtask:task timeout=15m
//cloudtask:alias ReportGeneration
type GenerateReport struct {
	ReportParams map[string]string `json:"report_params"`
	Format       string            `json:"format,omitempty" default:"pdf"`
}

// Run must finish before Cloud Tasks' dispatch deadline, which is also the deadline of ctx.
func (t GenerateReport) Run(ctx context.Context, app *App) error {
	app.Note("GenerateReport", "%s report of %s, %s to finish", t.Format, t.ReportParams["month"], timeLeft(ctx))
	return nil
}

// CloseBooks was called MonthEnd. It keeps that name outside the program, so nothing changes for queued tasks.
//
//cloudtask:task name=MonthEnd
type CloseBooks struct {
	Month string `json:"month"`
}

// Run closes the month.
func (t CloseBooks) Run(ctx context.Context, app *App) error {
	app.Note("CloseBooks", "%s is closed", t.Month)
	return nil
}
