package resource

import (
	"fmt"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Every error is a [*cloudtask.StatusError] with Cloud Tasks' own code and words. Where the service adds a google.rpc.Help
// detail, a [*Help] is in the error's tree.

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
)

// QueueMissing is the error of a call that names a queue which does not exist.
func QueueMissing() error {
	return Error(cloudtask.NotFound, "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize.")
}

// NotFound is the error of a call that names anything else that does not exist.
func NotFound() error { return Error(cloudtask.NotFound, "Requested entity was not found.") }

// TaskGone is the error of a call that names a task which does not exist any more.
func TaskGone() error {
	return Error(cloudtask.NotFound,
		"The task no longer exists, though a task with this name existed recently. The task either successfully completed or was deleted.")
}

// Error returns an error with a status code.
func Error(code cloudtask.Code, message string) error {
	return &cloudtask.StatusError{Code: code, Message: message}
}

// Invalid returns an error with the code INVALID_ARGUMENT.
func Invalid(format string, args ...any) error {
	return &cloudtask.StatusError{Code: cloudtask.InvalidArgument, Message: fmt.Sprintf(format, args...)}
}

func invalidWithHelp(description, url, message string) error {
	return &cloudtask.StatusError{Code: cloudtask.InvalidArgument, Message: message, Err: &Help{description, url}}
}
