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

// pastAttempt is a past attempt of a task, as returned by the control API of an embedded queue.
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

// attempts returns the task's attempts that the embedded queue remembers, oldest first. It returns none in production and for
// queues without this call.
func (t *target) attempts(ctx context.Context, task string) []pastAttempt {
	var answer struct{ Attempts []pastAttempt }
	if t.emulator == "" || t.control(ctx, http.MethodGet, "attempts?task="+url.QueryEscape(task), nil, &answer) != nil {
		return nil
	}
	return answer.Attempts
}

// showAttempts prints why attempts failed, if the handler has reported it. It prints equal stacks once.
func (op *operation) showAttempts(attempts []pastAttempt, now time.Time) error {
	var out strings.Builder
	stacks := make(map[string]int) // numbers of the attempts that they are printed with
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
		frames := framesOf(a.Stack)
		if first, shown := stacks[frames]; shown {
			writeIndented(&out, fmt.Sprintf("(same stack as attempt %d)", first))
			continue
		}
		stacks[frames] = a.Number
		writeIndented(&out, a.Stack)
	}
	_, err := io.WriteString(op.std.Out, out.String())
	return err
}

// writeIndented writes the lines of an untrusted text, indented.
func writeIndented(out *strings.Builder, text string) {
	for line := range strings.Lines(strings.TrimSuffix(printableLines(text), "\n")) {
		out.WriteString("  " + strings.TrimSuffix(line, "\n") + "\n")
	}
}

// framesOf returns the lines of a stack that name files, without addresses. The other lines differ between equal stacks.
func framesOf(stack string) string {
	var frames strings.Builder
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(line, "\t") {
			frame, _, _ := strings.Cut(line, " +0x")
			frames.WriteString(frame + "\n")
		}
	}
	return frames.String()
}
