package localqueue

import (
	"context"
	"errors"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Every error of a call is a [*cloudtask.StatusError] with Cloud Tasks' own code and text. Where the service adds a
// google.rpc.Help detail, a [*resource.Help] is in the error's tree.

// ErrClosed is in the tree of the errors of calls to a service that has been closed.
var ErrClosed = errors.New("localqueue: the service is closed")

// ErrDirectory is in the tree of the error of [New] when the directory of [WithDir] cannot be used: it is locked, damaged,
// written by a newer version, another program's, or not accessible.
var ErrDirectory = errors.New("localqueue: the queue's directory cannot be used")

// ErrVirtualOnly is returned by the methods that move time when the clock is real.
var ErrVirtualOnly = errors.New("localqueue: only a virtual clock can be moved: create the service with WithVirtualClock")

// ErrRunning is returned by the methods that deliver tasks on a virtual clock while another of them does, such as by one that a
// handler calls.
var ErrRunning = errors.New("localqueue: tasks are being delivered already: only Advance can be called meanwhile")

func errClosed() error {
	return &cloudtask.StatusError{Code: cloudtask.Unavailable, Message: ErrClosed.Error(), Err: ErrClosed}
}

// contextError is the error of a call whose context has ended.
func contextError(err error) error {
	code := cloudtask.Canceled
	if errors.Is(err, context.DeadlineExceeded) {
		code = cloudtask.DeadlineExceeded
	}
	return &cloudtask.StatusError{Code: code, Message: err.Error(), Err: err}
}
