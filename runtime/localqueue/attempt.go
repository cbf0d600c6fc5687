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
	// maxDrain bounds what is read of a response's body, so that its connection can be used again.
	maxDrain = 1 << 20
	// maxKept bounds what observers and the queue's past get of it. The past gets the whole of a handler's answer for a failed run,
	// which has a bound of its own.
	maxKept = 1 << 10

	// What an attempt without a response counts as.
	countsAsTimeout     = http.StatusGatewayTimeout
	countsAsUnreachable = http.StatusServiceUnavailable

	defaultScope = "https://www.googleapis.com/auth/cloud-platform"
)

// errDeadline is the error of an attempt that reached its dispatch deadline, and the cause of its context's end.
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

	depends *group // must be on disk before the request is sent: everything before the attempt

	place int // in the queue's running attempts

	retry *cloudtask.RetryConfig // the task's own settings; nil: the queue's

	// The queue's when the attempt began; shared, never changed.
	target  *resource.HTTPTarget
	routing *resource.AppEngineRouting

	// The dispatcher's, under its lock.
	slow          bool
	before, after *attempt
}

// outcome is the result of an attempt.
type outcome struct {
	status     int           // of the response; 0 without one
	countsAs   int           // the HTTP status that the attempt counts as
	err        error         // why there was no response
	retryAfter time.Duration // that the response asked for
	response   string        // start of the response's body
	aborted    bool          // ended by Close or Reset: neither a success nor a failure
}

// attempt makes the attempt a and records its outcome.
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

// outcome returns the attempt as the queue's past remembers it.
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

// attemptStatus returns the code and message of an attempt that counts as answered with an HTTP status other than a success.
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

// deliver sends the task's request, with the faults of its queue.
func (s *Service) deliver(ctx context.Context, a *attempt, c *contents) outcome {
	f, found := s.faultsOf(a.q)
	if !found {
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
