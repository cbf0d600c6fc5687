package cloudtask

import (
	"errors"
	"fmt"
	"net/http"
)

// Discard marks err as final. If Run returns it, or an error that wraps it, the handler logs err and answers 202 Accepted, so Cloud Tasks
// deletes the task instead of retrying it. A nil err discards the task, too.
//
//	if errors.Is(err, sql.ErrNoRows) {
//		return cloudtask.Discard(err) // no retry will find the user
//	}
//
// [errors.Is] and [errors.As] see through it.
func Discard(err error) error { return DiscardStatus(http.StatusAccepted, err) }

// DiscardStatus is [Discard] with another status code. Cloud Tasks deletes a task for any code from 200 to 299. Any other code would not
// discard the task: it is logged as a mistake, and the answer is 202.
func DiscardStatus(code int, err error) error { return &discardError{code, err} }

// discardError is the error of [Discard] and [DiscardStatus].
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

// discardIn returns the first [Discard] in err's tree; nil if there is none.
func discardIn(err error) *discardError {
	var discard *discardError
	errors.As(err, &discard)
	return discard
}

// status returns the code of the answer, and what is wrong with the given one, if anything.
func (e *discardError) status() (code int, mistake string) {
	if e.code >= 200 && e.code <= 299 {
		return e.code, ""
	}
	return http.StatusAccepted, fmt.Sprintf("DiscardStatus with code %d: only 200 to 299 discard a task; answered 202", e.code)
}
