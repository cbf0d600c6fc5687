package resource

import (
	"math"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// Queue is a queue's settings and state: google.cloud.tasks.v2.Queue.
type Queue struct {
	Name       string // projects/P/locations/L/queues/Q; localqueue.WithQueues takes a bare id Q too
	RateLimits RateLimits
	Retry      cloudtask.RetryConfig // zero fields mean the defaults

	// SamplingRatio is the share of operations that would be logged (stackdriver_logging_config), 0 to 1; nil is unset.
	SamplingRatio *float64

	HTTPTarget       *HTTPTarget       // overrides parts of HTTP tasks; nil is unset
	AppEngineRouting *AppEngineRouting // beats the routing of App Engine tasks (app_engine_routing_override); nil is unset

	// Set by the service; ignored on input.

	State     State     // localqueue.WithQueues makes a queue in this state
	PurgeTime time.Time // of the last purge, to the microsecond; zero: never purged
}

// RateLimits bounds a queue's dispatches: google.cloud.tasks.v2.RateLimits. Zero fields mean the defaults.
type RateLimits struct {
	MaxDispatchesPerSecond  float64 // up to 500, fractions included; default 500
	MaxBurstSize            int     // derived from the rate; input is ignored, but by localqueue.WithQueues, until an update derives it
	MaxConcurrentDispatches int     // up to 5000; default 1000
}

// State is whether a queue dispatches: google.cloud.tasks.v2.Queue.State, with its numbers.
type State int

// The states of a queue.
const (
	StateUnspecified State = 0
	StateRunning     State = 1
	StatePaused      State = 2 // accepts tasks, dispatches none
	StateDisabled    State = 3 // the same, and only queue.yaml brings it about
)

// String returns the state's name as the wire API spells it.
func (s State) String() string {
	switch s {
	case StateRunning:
		return "RUNNING"
	case StatePaused:
		return "PAUSED"
	case StateDisabled:
		return "DISABLED"
	}
	return "STATE_UNSPECIFIED"
}

// WithDefaults returns the queue's settings as the service stores them. They share no memory with q.
func (q Queue) WithDefaults() Queue {
	q.SamplingRatio = copyOf(q.SamplingRatio)
	q.HTTPTarget = normalizeHTTPTarget(q.HTTPTarget)
	if q.AppEngineRouting != nil {
		routing := q.AppEngineRouting.In(q.Name)
		q.AppEngineRouting = &routing
	}
	q.RateLimits, q.Retry = q.RateLimits.withDefaults(), RetryDefaults(q.Retry)
	return q
}

// Check refuses the settings that the service refuses, in a queue that WithDefaults returned. unbounded allows rates and
// concurrency beyond the service's maxima.
func (q Queue) Check(unbounded bool) error {
	if err := q.RateLimits.Check(unbounded); err != nil {
		return err
	}
	if err := checkRetry(q.Retry); err != nil {
		return err
	}
	if r := q.SamplingRatio; r != nil && !(*r >= 0 && *r <= 1) {
		return Invalid("StackdriverLoggingConfig.samplingRatio must be between [0, 1].")
	}
	return checkHTTPTarget(q.HTTPTarget)
}

// BadQueueName is the error of a call that creates a queue of a malformed name.
func BadQueueName() error {
	return invalidWithHelp("Definition of queue name", docQueueName,
		`Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".`)
}

// withDefaults fills in the service's defaults for fields that are unset, and the burst size, which it derives.
func (r RateLimits) withDefaults() RateLimits {
	if r.MaxDispatchesPerSecond == 0 {
		r.MaxDispatchesPerSecond = rules.DefaultRate
	}
	if r.MaxConcurrentDispatches == 0 {
		r.MaxConcurrentDispatches = rules.DefaultMaxConcurrent
	}
	r.MaxBurstSize = int(min(max(10, r.MaxDispatchesPerSecond/5), math.MaxInt32))
	return r
}

// Check refuses the limits that the service refuses. unbounded allows more than its maxima.
func (r RateLimits) Check(unbounded bool) error {
	switch {
	case !(r.MaxDispatchesPerSecond >= 0): // NaN too
		return Invalid("RateLimits.maxDispatchesPerSecond cannot be negative.")
	case r.MaxDispatchesPerSecond > rules.MaxRate && !unbounded:
		return Invalid("RateLimits.maxDispatchesPerSecond must be less than or equal to %d.", rules.MaxRate)
	case r.MaxConcurrentDispatches < 0:
		return Invalid("RateLimits.maxConcurrentDispatches cannot be negative.")
	case r.MaxConcurrentDispatches > rules.MaxConcurrent && !unbounded:
		return Invalid("RateLimits.maxConcurrentDispatches must be less than or equal to %d.", rules.MaxConcurrent)
	}
	return nil
}
