package localqueue

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

const (
	maxRedirects = 5
	// maxDrain is how much of a response's body is read, so that its connection can be used again.
	maxDrain = 1 << 20
	// maxKept is how much of it observers and the queue's past get. The past gets all of what a handler tells of a run that
	// failed, which is bounded by itself.
	maxKept = 1 << 10

	// What an attempt without a response counts as.
	countsAsTimeout     = http.StatusGatewayTimeout
	countsAsUnreachable = http.StatusServiceUnavailable

	defaultScope = "https://www.googleapis.com/auth/cloud-platform"
)

// errDeadline is the outcome of an attempt that has reached its dispatch deadline, and the cause of its context's end.
var errDeadline = errors.New("dispatch deadline exceeded")

// attempt is one attempt of a task, from claim to finish.
type attempt struct {
	q *queue
	t *task

	began      int64 // nanoseconds since the epoch
	schedule   int64 // the task's schedule time
	number     int   // from 1
	executions int   // earlier attempts with a response below 500; for App Engine, any
	previous   int   // HTTP status that the previous attempt counts as; 0: none; noResponse for App Engine
	forced     bool  // by RunTask: not counted against limits

	depends *group // what must be on disk before the request goes out: all that came before the attempt

	place int // in the queue's running attempts

	retry *cloudtask.RetryConfig // the task's own settings; nil: the queue's count

	// The queue's when the attempt began; shared, never changed.
	target  *resource.HTTPTarget
	routing *resource.AppEngineRouting

	// The dispatcher's, under its lock.
	slow          bool
	before, after *attempt
}

// outcome is what became of an attempt.
type outcome struct {
	status     int           // of the response; 0 without one
	countsAs   int           // the HTTP status that the attempt counts as
	err        error         // why there was no response
	retryAfter time.Duration // that the response asked for
	response   string        // start of the response's body
	aborted    bool          // given up by the service's owner: neither a success nor a failure
}

// attempt makes the attempt a and takes note of its outcome.
func (s *Service) attempt(ctx context.Context, a *attempt) {
	defer s.idle.ended()
	if a.depends.wait() != nil { // the service has stopped
		a.q.finish(a, outcome{aborted: true}, s.nanos())
		return
	}
	c := a.t.record.unpack()
	a.retry = c.retry
	if c.deadline == 0 {
		c.deadline = defaultAppEngineLimit
	}
	ctx, release := s.attemptContext(ctx, a, c.deadline)
	o := s.deliver(ctx, a, &c)
	now := s.nanos()
	switch {
	case s.virtual != nil && now-a.began >= int64(c.deadline), o.status == 0 && context.Cause(ctx) == errDeadline:
		o = outcome{countsAs: countsAsTimeout, err: fmt.Errorf("no response within %v: %w", c.deadline, errDeadline)}
	case o.status == 0 && ctx.Err() != nil:
		o = outcome{aborted: true}
	}
	release()
	if a.q.finish(a, o, now) == TaskExhausted {
		s.log.Warn("task given up after its last attempt", "task", a.q.name+"/tasks/"+a.t.id, "attempts", a.number, "status", o.countsAs, "error", o.err)
	}
	s.flush()
}

// attemptList is a list of attempts in the order they began.
type attemptList struct{ front, back *attempt }

func (l *attemptList) add(a *attempt) {
	a.before = l.back
	if l.back != nil {
		l.back.after = a
	} else {
		l.front = a
	}
	l.back = a
}

func (l *attemptList) remove(a *attempt) {
	if a.before != nil {
		a.before.after = a.after
	} else {
		l.front = a.after
	}
	if a.after != nil {
		a.after.before = a.before
	} else {
		l.back = a.before
	}
	a.before, a.after = nil, nil
}

// outcome returns how an attempt ended.
func (a *attempt) outcome(o outcome, now int64) finishedAttempt {
	m := finishedAttempt{
		number: int32(a.number), status: int16(o.status), countsAs: int16(o.countsAs), forced: a.forced,
		began: a.began, took: now - a.began, response: o.response,
	}
	if o.err != nil {
		m.err = o.err.Error()
	}
	return m
}

// attemptStatus returns the status of an attempt that was answered, or is said to have been answered, with an HTTP
// status that is not a success.
func attemptStatus(httpStatus int) (cloudtask.Code, string) {
	code := cloudtask.Unknown
	switch httpStatus {
	case 400:
		code = cloudtask.InvalidArgument
	case 401:
		code = cloudtask.Unauthenticated
	case 403:
		code = cloudtask.PermissionDenied
	case 404:
		code = cloudtask.NotFound
	case 409:
		code = cloudtask.AlreadyExists
	case 429:
		code = cloudtask.ResourceExhausted
	case 499:
		code = cloudtask.Canceled
	case 500:
		code = cloudtask.Internal
	case 501:
		code = cloudtask.Unimplemented
	case 503:
		code = cloudtask.Unavailable
	case 504:
		code = cloudtask.DeadlineExceeded
	}
	return code, code.String() + "(" + strconv.Itoa(int(code)) + "): HTTP status code " + strconv.Itoa(httpStatus)
}

// deliver is send with the faults of the attempt's queue.
func (s *Service) deliver(ctx context.Context, a *attempt, c *contents) outcome {
	f, any := s.faultsOf(a.q)
	if !any {
		return s.send(ctx, a, c)
	}
	if f.ClockSkew != 0 {
		s.inject(a, FaultClockSkew)
		a.schedule += int64(f.ClockSkew)
		ctx = context.WithValue(ctx, skewKey{}, f.ClockSkew)
	}
	if a.number <= f.FailFirst || s.strikes(f.Fail, FaultFail, a.q, a.t, a.number) {
		s.inject(a, FaultFail)
		if f.FailStatus == 0 {
			return outcome{countsAs: countsAsUnreachable, err: errUnreachable}
		}
		return outcome{status: f.FailStatus, countsAs: f.FailStatus}
	}
	send := s.send
	if s.strikes(f.Twice, FaultTwice, a.q, a.t, a.number) {
		s.inject(a, FaultTwice)
		send = s.sendTwice
	}
	o := send(ctx, a, c)
	if o.status != 0 && s.strikes(f.LoseAnswer, FaultLoseAnswer, a.q, a.t, a.number) {
		s.inject(a, FaultLoseAnswer)
		return outcome{countsAs: countsAsUnreachable, err: fmt.Errorf("%w (HTTP status %d)", errAnswerLost, o.status)}
	}
	return o
}
