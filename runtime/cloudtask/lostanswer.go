package cloudtask

import (
	"context"
	"errors"
	"fmt"
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

// tried records a try to create the job's task that failed with err.
func (j *job) tried(err error) {
	j.unsure = j.unsure || mayHaveHappened(err)
}

// failed returns the error of an enqueue that ends with err.
func (j *job) failed(err error) error {
	if j.unsure && !errors.Is(err, ErrOutcomeUnknown) {
		err = fmt.Errorf("%w (%w: the task may have been enqueued)", err, ErrOutcomeUnknown)
	}
	return j.inQueue(err)
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
		return c.created(ctx, j, nil), true
	}
	return Receipt{}, false
}

// exists returns the receipt of a job whose name is taken: by the job's own task, when an earlier try got through and
// its answer was lost, or by another's.
func (c *Client) exists(ctx context.Context, j *job) Receipt {
	if j.random {
		return c.created(ctx, j, nil)
	}
	if !j.unsure {
		return c.duplicate(ctx, j, false)
	}
	by, err := c.creatorOf(ctx, j)
	if err != nil && StatusOf(err) != NotFound {
		c.cfg.Logger.WarnContext(ctx, "cannot tell whether a repeated enqueue created the task or another one did",
			"task", j.name, "id", j.id, "queue", j.queue, "error", err)
	}
	if by == thisCall {
		return c.created(ctx, j, nil)
	}
	return c.duplicate(ctx, j, by == nobodyKnown)
}
