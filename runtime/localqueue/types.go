package localqueue

import (
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Task is a task as the service stores it: google.cloud.tasks.v2.Task.
type Task struct {
	Name string // projects/P/locations/L/queues/Q/tasks/T; "" lets the service choose the id

	// The target: exactly one of these.
	HTTP      *HTTPRequest
	AppEngine *AppEngineRequest

	ScheduleTime     time.Time     // of the next attempt, to the microsecond; zero or past: now
	DispatchDeadline time.Duration // of one attempt, to the millisecond; 15 s to 30 min (App Engine: 24 h 15 s); 0: 10 min

	// Retry replaces the queue's settings for this task; zero fields mean the service's defaults. Nil keeps the queue's.
	Retry *cloudtask.RetryConfig

	// View is what of the task has been returned. On a task given to [Service.AddTask] or [Service.AddTasks] it is the
	// view that the answer shall have (response_view).
	View View

	// Err is what adding the task fails with: for whoever made it from another form, in which something could not be read.
	// In a batch, such a task fails alone.
	Err error `json:"-"`

	// Set by the service.

	CreateTime    time.Time          // whole seconds
	DispatchCount int                // attempts begun
	ResponseCount int                // attempts that got a response
	FirstAttempt  time.Time          // dispatch time of the first attempt; zero before it
	LastAttempt   *cloudtask.Attempt // nil before the first; its Message is "" while it has no outcome
}

// HTTPRequest is what an HTTP target gets: google.cloud.tasks.v2.HttpRequest.
type HTTPRequest struct {
	URL    string            // http:// or https://, at most 2083 characters once encoded
	Method string            // POST, GET, HEAD, PUT, DELETE, PATCH or OPTIONS; "" is POST
	Header map[string]string // names keep their spelling; less than 80 KB in all
	Body   []byte            // with POST, PUT and PATCH only; absent in the basic view

	// At most one of these: what the Authorization header of each attempt is made from.
	OIDC  *OIDCToken
	OAuth *OAuthToken
}

// OIDCToken asks for an OpenID Connect token with each attempt.
type OIDCToken struct {
	ServiceAccount string // e-mail address
	Audience       string // "": the target's URL
}

// OAuthToken asks for an OAuth access token with each attempt.
type OAuthToken struct {
	ServiceAccount string // e-mail address
	Scope          string // "": https://www.googleapis.com/auth/cloud-platform
}

// View is how much of a task is returned: google.cloud.tasks.v2.Task.View, with its numbers.
type View int

const (
	ViewUnspecified View = 0 // the same as ViewBasic
	ViewBasic       View = 1 // all but the body
	ViewFull        View = 2
)

// Queue is a queue's settings and state: google.cloud.tasks.v2.Queue.
type Queue struct {
	Name       string // projects/P/locations/L/queues/Q; for [WithQueues] a bare id Q too
	RateLimits RateLimits
	Retry      cloudtask.RetryConfig // zero fields mean the defaults

	// SamplingRatio is the share of operations that would be logged (stackdriver_logging_config), 0 to 1; nil is unset.
	SamplingRatio *float64

	HTTPTarget       *HTTPTarget       // overrides parts of HTTP tasks; nil is unset
	AppEngineRouting *AppEngineRouting // beats the routing of App Engine tasks (app_engine_routing_override); nil is unset

	// Set by the service; ignored on input.

	State     State     // for [WithQueues], Paused makes a queue that is paused until it is resumed
	PurgeTime time.Time // of the last purge, to the microsecond; zero: never purged
}

// RateLimits bounds a queue's dispatches: google.cloud.tasks.v2.RateLimits. Zero fields mean the defaults.
type RateLimits struct {
	MaxDispatchesPerSecond  float64 // up to 500, fractions included; default 500
	MaxBurstSize            int     // derived from the rate, input ignored; for [WithQueues] as given, until an update derives it
	MaxConcurrentDispatches int     // up to 5000; default 1000
}

// State is whether a queue dispatches: google.cloud.tasks.v2.Queue.State, with its numbers.
type State int

const (
	StateUnspecified State = 0
	Running          State = 1
	Paused           State = 2 // accepts tasks, dispatches none
	Disabled         State = 3 // the same, and only queue.yaml brings it about
)

// String returns the state's name as the wire API spells it.
func (s State) String() string {
	switch s {
	case Running:
		return "RUNNING"
	case Paused:
		return "PAUSED"
	case Disabled:
		return "DISABLED"
	}
	return "STATE_UNSPECIFIED"
}

// Page selects a part of a list.
type Page struct {
	Size  int    // 0 or more than the maximum: the maximum, 1000 tasks or 9800 queues
	Token string // of the page before; "" is the first page. Good for two hours and for the same list only
}

// Batch is what became of a batch call: what the wire API reports as a finished google.longrunning.Operation.
type Batch struct {
	ID         string // the request id, or one that the service chose
	Location   string // projects/P/locations/L
	Delete     bool   // a batch of deletions, not of creations
	Start, End time.Time
	Results    []BatchResult // one for each item, in order; shared by all who ask for the batch: do not change
}

// BatchResult is the outcome of one item of a [Batch].
type BatchResult struct {
	Task *Task // as stored, in the view asked for; nil for deletions and failures
	Err  error
}
