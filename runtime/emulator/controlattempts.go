package emulator

import (
	"net/http"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// maxAttemptsShown is how many attempts of a task one answer has: the last ones.
const maxAttemptsShown = 20

type attemptsJSON struct {
	Attempts []attemptJSON `json:"attempts"`
}

// attemptJSON is [localqueue.PastAttempt].
type attemptJSON struct {
	Number   int       `json:"number"`
	Began    time.Time `json:"began"`
	Duration duration  `json:"duration"`
	Status   int       `json:"status,omitempty"`
	Failure  string    `json:"failure,omitempty"`
	Error    string    `json:"error,omitempty"` // of Run, else why there was no response
	Stack    string    `json:"stack,omitempty"`
	Response string    `json:"response,omitempty"`
	Forced   bool      `json:"forced,omitempty"`
}

// attempts answers with what is remembered of a task's attempts, oldest first.
func (c *control) attempts(r *http.Request) (any, error) {
	found, err := c.queue.Inspect(r.Context(), r.URL.Query().Get("task"))
	if err != nil {
		return nil, err
	}
	last := found.Attempts[max(0, len(found.Attempts)-maxAttemptsShown):]
	answer := attemptsJSON{make([]attemptJSON, len(last))}
	for i, a := range last {
		answer.Attempts[i] = attemptToJSON(a)
	}
	return answer, nil
}

func attemptToJSON(a localqueue.PastAttempt) attemptJSON {
	out := attemptJSON{
		Number: a.Number, Began: a.Began, Duration: duration(a.Duration), Status: a.Status, Failure: a.Failure,
		Error: a.Error, Stack: a.Stack, Response: a.Response, Forced: a.Forced,
	}
	if a.Err != "" {
		out.Error = a.Err
	}
	return out
}
