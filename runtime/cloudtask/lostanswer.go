package cloudtask

import (
	"context"
	"errors"
	"strings"
)

// ErrOutcomeUnknown is wrapped by the error of an enqueue that leaves open whether the task is queued: the call, or an
// earlier try of it, may have reached the queue service, and what the service made of it could not be found out. Of a
// task that has a name, by once, unique, TaskName or WithTaskName, enqueueing it again makes no second one while the
// name is taken. Errors of [Definition.Discard] wrap it where a task may have been deleted.
//
// A [Backend] wraps it where it knows that the service has begun, and cannot read what came of it.
var ErrOutcomeUnknown = errors.New("outcome unknown")

// tokenHeader carries a value that is one call's own. It goes with tasks that have a name which others may use too, and
// whose creation may be asked for again: "already exists" is then that call's own task or another's.
const tokenHeader = "Cloudtask-Enqueue"

// mayHaveHappened reports whether a call that failed with err may have had its effect: its answer may have been lost,
// or the service does not know either. The other codes are refusals.
func mayHaveHappened(err error) bool {
	if errors.Is(err, ErrOutcomeUnknown) {
		return true
	}
	switch StatusOf(err) {
	case InvalidArgument, NotFound, AlreadyExists, PermissionDenied, ResourceExhausted, FailedPrecondition, OutOfRange,
		Unimplemented, Unauthenticated:
		return false
	}
	return err != nil
}

// creator is who created the task that has a job's name.
type creator int

const (
	nobodyKnown creator = iota // the task is gone, or cannot be read
	thisCall
	anotherCall
)

// creatorOf finds out who created the task with the job's name. The error says why that cannot be known; it has the
// code [NotFound] where the task is gone, or never was there.
func (c *Client) creatorOf(ctx context.Context, j *job) (creator, error) {
	queued, err := c.getTask(ctx, j.task.Name)
	switch {
	case err != nil:
		return nobodyKnown, err
	case j.random:
		return thisCall, nil
	}
	for name, value := range queued.Header {
		if j.token != "" && value == j.token && strings.EqualFold(name, tokenHeader) {
			return thisCall, nil
		}
	}
	return anotherCall, nil
}

// queuedBefore returns the receipt of a job that an earlier try has put into its queue, if it can be seen there.
func (c *Client) queuedBefore(ctx context.Context, j *job) (receipt Receipt, found bool) {
	if !j.unsure || j.id == "" {
		return Receipt{}, false
	}
	if by, _ := c.creatorOf(ctx, j); by == thisCall {
		return c.receiptOfCreated(ctx, j, nil), true
	}
	return Receipt{}, false
}
