package cloudtask

import (
	"errors"
	"fmt"
	"net/http"
)

// Discard marks err as final: a Run that returns it, or an error that wraps it, has failed for good. The handler
// answers 202 Accepted, so that Cloud Tasks deletes the task instead of retrying it, and logs err. A nil err discards
// as well.
//
//	if errors.Is(err, sql.ErrNoRows) {
//		return cloudtask.Discard(err) // no retry will find the user
//	}
//
// [errors.Is] and [errors.As] see through it.
func Discard(err error) error { return DiscardStatus(http.StatusAccepted, err) }

// DiscardStatus is [Discard] with another status code for the answer. Cloud Tasks deletes a task for any code from
// 200 to 299; any other code is answered as 202, because it would not discard, and logged as a mistake.
func DiscardStatus(code int, err error) error { return &discardError{code, err} }

// discardError is what [Discard] and [DiscardStatus] return.
type discardError struct {
	code int // as given
	err  error
}

func (e *discardError) Error() string {
	if e.err == nil {
		return "discarded"
	}
	return "discarded: " + e.err.Error()
}

func (e *discardError) Unwrap() error { return e.err }

// discardIn returns the [Discard] in err's tree, nil if there is none.
func discardIn(err error) *discardError {
	var discard *discardError
	errors.As(err, &discard)
	return discard
}

// status returns the code to answer, and what is wrong with the one that was given, "" for nothing.
func (e *discardError) status() (code int, mistake string) {
	if e.code >= 200 && e.code <= 299 {
		return e.code, ""
	}
	return http.StatusAccepted, fmt.Sprintf("DiscardStatus with code %d: only 200 to 299 discard a task; answered 202", e.code)
}
