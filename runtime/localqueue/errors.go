package localqueue

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Every error of a call is a [*cloudtask.StatusError] with Cloud Tasks' own code and words. Where the service adds a
// google.rpc.Help detail, a [*Help] is in the error's tree.

// ErrClosed is in the tree of the errors of calls to a service that has been closed.
var ErrClosed = errors.New("localqueue: the service is closed")

// ErrDirectory is in the tree of the error of [New] when the directory of [WithDir] cannot be used: it is locked, damaged,
// written by a newer version, somebody else's, or out of reach.
var ErrDirectory = errors.New("localqueue: the queue's directory cannot be used")

// ErrVirtualOnly is returned by the methods that move time when the clock is real.
var ErrVirtualOnly = errors.New("localqueue: only a virtual clock can be moved: create the service with WithVirtualClock")

// ErrRunning is returned by the methods that deliver tasks on a virtual clock when another of them is at work, such as
// the one that called the handler which asks.
var ErrRunning = errors.New("localqueue: tasks are being delivered already: only Advance can be called meanwhile")

// Help is the detail that the service attaches to some refusals: google.rpc.Help with one link.
type Help struct {
	Description string
	URL         string
}

// Error returns the link as a sentence.
func (h *Help) Error() string { return "see " + h.Description + ": " + h.URL }

const (
	docQueueName = "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues#Queue.FIELDS.name"
	docTaskName  = "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks#Task.FIELDS.name"

	msgQueueMissing = "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."
	msgNotFound     = "Requested entity was not found."
	msgTaskGone     = "The task no longer exists, though a task with this name existed recently. The task either successfully completed or was deleted."
)

func status(code cloudtask.Code, message string) error {
	return &cloudtask.StatusError{Code: code, Message: message}
}

func invalid(format string, args ...any) error {
	return &cloudtask.StatusError{Code: cloudtask.InvalidArgument, Message: fmt.Sprintf(format, args...)}
}

func invalidWithHelp(description, url, message string) error {
	return &cloudtask.StatusError{Code: cloudtask.InvalidArgument, Message: message, Err: &Help{description, url}}
}

func errClosed() error {
	return &cloudtask.StatusError{Code: cloudtask.Unavailable, Message: ErrClosed.Error(), Err: ErrClosed}
}

// contextError is how a call that its caller gave up ends.
func contextError(err error) error {
	code := cloudtask.Canceled
	if errors.Is(err, context.DeadlineExceeded) {
		code = cloudtask.DeadlineExceeded
	}
	return &cloudtask.StatusError{Code: code, Message: err.Error(), Err: err}
}
