package resource

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

	// View is the view that the task was returned in. On a task to be created it selects the view of the answer (response_view).
	View View

	// Err is the error that creating the task fails with: what made the task from another form could not read something. In a
	// batch, only this task fails.
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

// The views of a task.
const (
	ViewUnspecified View = 0 // the same as ViewBasic
	ViewBasic       View = 1 // all but the body
	ViewFull        View = 2
)

// Check refuses views that do not exist.
func (v View) Check() error {
	if v < ViewUnspecified || v > ViewFull {
		return Invalid("Task view %d is unknown: it must be BASIC or FULL.", v)
	}
	return nil
}

// Request returns the part of a task's request that both kinds of target have.
func (t *Task) Request() *HTTPRequest {
	if r := t.AppEngine; r != nil {
		return &HTTPRequest{URL: r.RelativeURI, Method: r.Method, Header: r.Header, Body: r.Body}
	}
	return t.HTTP
}

// Answer makes t, which shares memory with the task that its creator gave, the task that its creator gets back: in its view, and
// with memory of its own.
func (t *Task) Answer() {
	body := func(b []byte) []byte {
		if t.View == ViewFull {
			return append([]byte(nil), b...)
		}
		return nil
	}
	if t.AppEngine != nil {
		t.AppEngine.Body = body(t.AppEngine.Body)
	} else {
		t.HTTP.Body = body(t.HTTP.Body)
		t.HTTP.OIDC, t.HTTP.OAuth = copyOf(t.HTTP.OIDC), copyOf(t.HTTP.OAuth)
	}
	if t.View != ViewFull {
		t.View = ViewBasic
	}
}
