package cloudtask

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// Metadata says which task is running and how often it has been tried: what Cloud Tasks tells in the X-CloudTasks-*
// headers. The zero value is that of no task. What a header does not say, or not properly, is a zero field.
type Metadata struct {
	TaskID  string // short task id, the last segment of its resource name
	Queue   string // short queue id, as Cloud Tasks has it: with Config.QueuePrefix
	Project string // from the configuration

	// Dispatches counts the attempts before this one (X-CloudTasks-TaskRetryCount), 0 at the first.
	Dispatches int
	// Executions counts the earlier attempts that were answered with another status than 5xx
	// (X-CloudTasks-TaskExecutionCount).
	Executions int

	ETA time.Time // when the task was due (X-CloudTasks-TaskETA), to the microsecond, in UTC

	// PreviousResponse is the status of the previous attempt's answer (X-CloudTasks-TaskPreviousResponse); 504 when it
	// ran out of time, 0 at the first attempt.
	PreviousResponse int
	// PreviousFailure is why the task is retried (X-CloudTasks-TaskRetryReason). Cloud Tasks leaves it empty for HTTP
	// targets; it is then made from PreviousResponse, such as "HTTP 500".
	PreviousFailure string

	Headers   http.Header    // the propagated headers of the request, nil without one; a copy
	Scheduler *SchedulerInfo // set when Cloud Scheduler sent the request

	eager    bool
	replay   bool
	started  time.Time    // when this attempt's request came in
	location string       // Cloud Tasks location, for the queue's resource name
	retry    *RetryConfig // the task type's own, nil: the queue's
}

// SchedulerInfo describes the Cloud Scheduler job that sent a request.
type SchedulerInfo struct {
	JobName      string    // X-CloudScheduler-JobName
	ScheduleTime time.Time // X-CloudScheduler-ScheduleTime, when the run was due; zero where it is not given
}

// MetadataFrom returns the metadata of the task that runs with ctx, the zero Metadata outside of one.
func MetadataFrom(ctx context.Context) Metadata {
	m, _ := ctx.Value(metadataKey{}).(*Metadata)
	if m == nil {
		return Metadata{}
	}
	c := *m
	c.Headers = m.Headers.Clone()
	return c
}

// Attempt returns the number of this attempt, 1 for the first.
func (m Metadata) Attempt() int { return m.Dispatches + 1 }

// FirstAttempt reports whether the task was never tried before.
func (m Metadata) FirstAttempt() bool { return m.Dispatches == 0 }

// Eager reports whether the task runs in the process and call that asked for it, without a queue: in eager mode or
// through its generated Sync function.
func (m Metadata) Eager() bool { return m.eager }

// Replay reports whether the request repeats a task's and does not come from its queue: it was sent by "cloudtask
// replay" or made by [FailedTask.Request]. All else in the metadata is that of the task.
func (m Metadata) Replay() bool { return m.replay }

type metadataKey struct{}

// contextWithMetadata returns the context of a run of the task that m describes.
func contextWithMetadata(ctx context.Context, m Metadata) context.Context {
	return context.WithValue(ctx, metadataKey{}, &m)
}

// Header names as net/http keeps them.
const (
	headerScheduler     = "X-Cloudscheduler"
	headerSchedulerJob  = "X-Cloudscheduler-Jobname"
	headerSchedulerTime = "X-Cloudscheduler-Scheduletime"
)

// readHeaders fills in what the request's headers say. No value of theirs is an error: a task is never failed for
// what describes it.
func (m *Metadata) readHeaders(h http.Header) {
	m.TaskID = first(h, rules.KeyTaskName)
	m.Queue = first(h, rules.KeyQueueName)
	m.Dispatches = parseCount(first(h, rules.KeyRetryCount))
	m.Executions = parseCount(first(h, rules.KeyExecutionCount))
	m.ETA = parseETA(first(h, rules.KeyETA))
	m.PreviousResponse = parseCount(first(h, rules.KeyPreviousResponse))
	m.PreviousFailure = first(h, rules.KeyRetryReason)
	m.replay = first(h, replayHeader) != ""
	if m.PreviousFailure == "" && m.PreviousResponse > 0 {
		m.PreviousFailure = "HTTP " + strconv.Itoa(m.PreviousResponse)
	}
	job := first(h, headerSchedulerJob)
	if job == "" && first(h, headerScheduler) != "true" {
		return
	}
	m.Scheduler = &SchedulerInfo{JobName: job}
	if at, err := time.Parse(time.RFC3339Nano, first(h, headerSchedulerTime)); err == nil {
		m.Scheduler.ScheduleTime = at.UTC()
	}
}

// first is h.Get for a name that is already in canonical form.
func first(h http.Header, canonical string) string {
	if v := h[canonical]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// parseCount reads a number of attempts or a status; 0 for anything else.
func parseCount(s string) int {
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}

// maxETA is the last second of the year 9999: no later time can be written as RFC 3339.
const maxETA = 253402300799

// parseETA reads seconds since the epoch with a fraction; the zero time for anything else. A float64 of today's date
// resolves 0.24 µs, so that rounding its fraction to the microsecond gives back exactly what Cloud Tasks keeps.
func parseETA(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || !(seconds > 0 && seconds <= maxETA) {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e6))*1000).UTC()
}
