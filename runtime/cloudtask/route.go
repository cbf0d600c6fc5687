package cloudtask

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
)

// Route is a task type with the function that runs it. Generated Routes functions return routes. Only generated code makes them; their fields
// are not covered by the promise of compatibility.
type Route struct {
	Name    string        // the id used in URLs
	Aliases []string      // former names, routed here too
	Queue   string        // queue id, without Config.QueuePrefix; "": the client's default
	Timeout time.Duration // deadline of a run whose request does not say; 0: Cloud Tasks' 10 minutes
	Retry   *RetryConfig  // of delivery; nil: the queue's

	// run decodes the payload, runs the task and appends the result's JSON to dst, nothing where the task has no
	// result. An error of decoding is a *payloadError, not wrapped; one of encoding the result a *resultError. No
	// error of Run's own is either of them. It does not keep the payload.
	run func(ctx context.Context, dst, payload []byte) ([]byte, error)

	typeName string // of the task's struct, with its import path, for messages: services may have tasks of one name
}

// encodeResult appends the result's JSON. The task has run by now, so that neither an error nor a panic of the
// result's own marshalers may look like a failed run: both are a *resultError.
func encodeResult(dst []byte, result any, appendResult func([]byte, any) ([]byte, error)) (out []byte, err error) {
	size := len(dst)
	defer func() {
		if v := recover(); v != nil {
			out, err = dst[:size], &resultError{newPanicError(v)}
		}
	}()
	out, err = appendResult(dst, result)
	if err != nil {
		return dst[:size], &resultError{err}
	}
	return out, nil
}

// execute runs the task whose payload this is, and returns its result's JSON, nil where it has none. An error is
//   - exactly a *payloadError (by type assertion, not errors.As) when the payload does not decode: nothing ran;
//   - exactly a *panicError, with the stack, when decoding or running panicked;
//   - exactly a *resultError when the task ran and its result cannot be encoded;
//   - else what Run returned.
//
// [runtime.Goexit] in Run is not caught: it ends the calling goroutine, deferred calls included.
func (r *Route) execute(ctx context.Context, payload []byte) (result []byte, err error) {
	return r.executeTo(ctx, nil, payload)
}

// executeTo is execute that appends the result to dst, which it returns at its old length when there is none.
func (r *Route) executeTo(ctx context.Context, dst, payload []byte) (out []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			out, err = dst, newPanicError(v)
		}
	}()
	return r.run(ctx, dst, payload)
}

// payloadError is a payload that does not decode.
type payloadError struct{ err error }

func (e *payloadError) Error() string { return e.err.Error() }
func (e *payloadError) Unwrap() error { return e.err }

// resultError is the result of a task that ran, but cannot be encoded.
type resultError struct{ err error }

func (e *resultError) Error() string { return "encoding the result: " + e.err.Error() }
func (e *resultError) Unwrap() error { return e.err }

// panicError is a panic of user code. It does not unwrap to the value: a panic is a failure, even if its value is a [Discard].
type panicError struct {
	value any
	stack []byte
}

// newPanicError must be called in the deferred function that recovered, so that the stack shows who panicked.
func newPanicError(value any) *panicError { return &panicError{value, debug.Stack()} }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// runError returns an error of Run so that it cannot be taken for one of execute's own: a Run that executes another
// task, in eager mode say, may hand on that one's *payloadError.
func runError(err error) error {
	switch err.(type) {
	case *payloadError, *resultError, *panicError:
		return wrappedError{err}
	}
	return err
}

type wrappedError struct{ error }

func (e wrappedError) Unwrap() error { return e.error }

// stackOf returns the stack of the panic in err's tree; "" if there is none.
func stackOf(err error) string {
	var p *panicError
	var inCodec *taskjson.PanicError
	switch {
	case errors.As(err, &p):
		return string(p.stack)
	case errors.As(err, &inCodec):
		return string(inCodec.Stack)
	}
	return ""
}
