package localqueue

import (
	"math"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
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

// queueDefaults returns the settings of a queue as they are stored, sharing nothing with q.
func (q Queue) WithDefaults() Queue {
	if q.SamplingRatio != nil {
		ratio := *q.SamplingRatio
		q.SamplingRatio = &ratio
	}
	q.HTTPTarget = normalizeHTTPTarget(q.HTTPTarget)
	if q.AppEngineRouting != nil {
		routing := q.AppEngineRouting.in(q.Name)
		q.AppEngineRouting = &routing
	}
	q.RateLimits, q.Retry = q.RateLimits.withDefaults(), retryDefaults(q.Retry)
	return q
}

// checkQueue refuses what the service refuses in settings whose defaults are filled in.
func (q Queue) Check(unbounded bool) error {
	if err := q.RateLimits.Check(unbounded); err != nil {
		return err
	}
	if err := checkRetry(q.Retry); err != nil {
		return err
	}
	if r := q.SamplingRatio; r != nil && !(*r >= 0 && *r <= 1) {
		return invalid("StackdriverLoggingConfig.samplingRatio must be between [0, 1].")
	}
	return checkHTTPTarget(q.HTTPTarget)
}

// errQueueName refuses the name of a queue that is to be created.
func badQueueName() error {
	return invalidWithHelp("Definition of queue name", docQueueName,
		`Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".`)
}

// rateDefaults fills in what the service does for fields that are unset, and the burst size, which it derives.
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

// checkRate refuses what the service refuses; unbounded allows more than its maxima.
func (r RateLimits) Check(unbounded bool) error {
	switch {
	case !(r.MaxDispatchesPerSecond >= 0): // NaN too
		return invalid("RateLimits.maxDispatchesPerSecond cannot be negative.")
	case r.MaxDispatchesPerSecond > rules.MaxRate && !unbounded:
		return invalid("RateLimits.maxDispatchesPerSecond must be less than or equal to %d.", rules.MaxRate)
	case r.MaxConcurrentDispatches < 0:
		return invalid("RateLimits.maxConcurrentDispatches cannot be negative.")
	case r.MaxConcurrentDispatches > rules.MaxConcurrent && !unbounded:
		return invalid("RateLimits.maxConcurrentDispatches must be less than or equal to %d.", rules.MaxConcurrent)
	}
	return nil
}
