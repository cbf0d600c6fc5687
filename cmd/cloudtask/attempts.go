package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// pastAttempt is an attempt of a task that an embedded queue remembers, as its control API tells it.
type pastAttempt struct {
	Number   int       `json:"number"`
	Began    time.Time `json:"began"`
	Duration string    `json:"duration"` // in seconds, such as "1.5s"
	Status   int       `json:"status,omitempty"`
	Failure  string    `json:"failure,omitempty"`
	Error    string    `json:"error,omitempty"`
	Stack    string    `json:"stack,omitempty"`
	Forced   bool      `json:"forced,omitempty"`
}

// attempts returns what the embedded queue remembers of the task's attempts, oldest first; none in production, and where the
// queue has no such call.
func (t *target) attempts(ctx context.Context, task string) []pastAttempt {
	var answer struct{ Attempts []pastAttempt }
	if t.emulator == "" || t.control(ctx, http.MethodGet, "attempts?task="+url.QueryEscape(task), nil, &answer) != nil {
		return nil
	}
	return answer.Attempts
}

// showAttempts prints why attempts failed, as far as the handler has told. A stack is printed once.
func (op *operation) showAttempts(attempts []pastAttempt, now time.Time) error {
	var out strings.Builder
	stacks := make(map[string]int) // number of the attempt with which it is printed
	for _, a := range attempts {
		if a.Error == "" {
			continue
		}
		if out.Len() == 0 {
			out.WriteString(paint(op.std.Out)(bold, "Errors") + "\n")
		}
		fmt.Fprintf(&out, "attempt %d, %s:\n", a.Number, moment(a.Began, now))
		writeIndented(&out, a.Error)
		if a.Stack == "" {
			continue
		}
		places := placesIn(a.Stack)
		if first, shown := stacks[places]; shown {
			writeIndented(&out, fmt.Sprintf("(the stack is that of attempt %d)", first))
			continue
		}
		stacks[places] = a.Number
		writeIndented(&out, a.Stack)
	}
	_, err := io.WriteString(op.std.Out, out.String())
	return err
}

// writeIndented writes the lines of a text that may be anybody's.
func writeIndented(out *strings.Builder, text string) {
	for line := range strings.Lines(strings.TrimSuffix(printableLines(text), "\n")) {
		out.WriteString("  " + strings.TrimSuffix(line, "\n") + "\n")
	}
}

// placesIn returns the lines of a stack that name files, without addresses: the others differ each time.
func placesIn(stack string) string {
	var places strings.Builder
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(line, "\t") {
			place, _, _ := strings.Cut(line, " +0x")
			places.WriteString(place + "\n")
		}
	}
	return places.String()
}
