package cloudtask

import (
	"context"
	"time"
)

// Backend is what this package needs from a queue service. Names are full resource names
// (projects/P/locations/L/queues/Q and …/tasks/T). Failures that the service answered are, or wrap, a [*StatusError].
// Implementations are safe for concurrent use and make one call to the service per method call: the client retries. They do not change
// the tasks that they are given; tasks may share their headers.
//
// A backend with a clock of its own, such as an embedded queue in a test, also has the method Now() time.Time. Delays and periods of
// uniqueness count from its time.
//
// A backend of Cloud Tasks itself has the method CloudTasks() bool, which returns true: [NewClient] then refuses configurations whose tasks
// Cloud Tasks could not deliver.
type Backend interface {
	// CreateTask adds the task to the queue and returns it as stored, without its body. An empty Task.Name lets the
	// service choose; a name that is queued, running or remembered is [AlreadyExists].
	CreateTask(ctx context.Context, queue string, task *Task) (*Task, error)
	// CreateTasks adds up to 100 tasks in one call and returns one result for each, in order. The error is that of
	// the whole call; [Unimplemented] means that the service has no such call. A repeated call with the same request id creates nothing
	// and returns the results of the first. An error that wraps [ErrOutcomeUnknown], of the call or of one task, means that the service
	// began but its results cannot be read; such a call is repeated.
	CreateTasks(ctx context.Context, queue, requestID string, tasks []*Task) ([]CreateResult, error)
	// GetTask returns the task with its body.
	GetTask(ctx context.Context, name string) (*Task, error)
	// ListTasks returns one page of the queue's tasks, without bodies, and the token of the next page, "" after the last.
	ListTasks(ctx context.Context, queue, pageToken string) (tasks []*Task, nextPageToken string, err error)
	// DeleteTask removes the task from its queue.
	DeleteTask(ctx context.Context, name string) error
	// GetQueue returns the queue's settings.
	GetQueue(ctx context.Context, name string) (*Queue, error)
	// Close releases connections.
	Close() error
}

// clockOf returns the backend's clock, or this machine's.
func clockOf(backend Backend) func() time.Time {
	if clock, ok := backend.(interface{ Now() time.Time }); ok {
		return clock.Now
	}
	return time.Now
}

// isCloudTasks reports whether the backend says that it calls Cloud Tasks itself.
func isCloudTasks(backend Backend) bool {
	b, ok := backend.(interface{ CloudTasks() bool })
	return ok && b.CloudTasks()
}

// CreateResult is the outcome of one task of a batch.
type CreateResult struct {
	Task *Task // as stored, without its body; nil when Err is set
	Err  error
}

// Task is a task of the queue service with an HTTP target.
type Task struct {
	Name             string            // full resource name; "" lets the service choose
	URL              string            // absolute http or https URL
	Header           map[string]string // names keep their spelling
	Body             []byte            // sent with POST
	ScheduleTime     time.Time         // zero: as soon as possible
	DispatchDeadline time.Duration     // 15 s to 30 min; 0: the service's 10 min
	ServiceAccount   string            // whose OIDC token goes with each dispatch; "" sends none
	Audience         string            // of that token
	Retry            *RetryConfig      // replaces the queue's; nil keeps it

	// Set by the service.

	CreateTime    time.Time
	DispatchCount int       // attempts begun
	ResponseCount int       // attempts that got a response
	FirstAttempt  time.Time // dispatch time of the first attempt; zero before it
	LastAttempt   *Attempt  // nil before the first attempt
}

// Attempt is one dispatch of a task and its result.
type Attempt struct {
	ScheduleTime time.Time
	DispatchTime time.Time
	ResponseTime time.Time // zero without a response
	Code         Code      // of the response
	Message      string    // such as "INTERNAL(13): HTTP status code 500"
}

// RetryConfig is Cloud Tasks' RetryConfig: how a queue retries a task. Zero fields mean the service's defaults.
type RetryConfig struct {
	MaxAttempts      int           // attempts in all; -1 without limit; default 100
	MaxRetryDuration time.Duration // since the first attempt; 0 without limit. With both limits, both must be exceeded
	MinBackoff       time.Duration // default 100 ms
	MaxBackoff       time.Duration // default 1 h
	MaxDoublings     int           // default 16
}

// Queue has the settings of a queue that this package needs.
type Queue struct {
	Name  string
	Retry RetryConfig // with the service's defaults filled in
}
