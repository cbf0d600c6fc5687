package cloudtask

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// outcome is the result of a request. Its value is written to the log.
type outcome string

const (
	executed        outcome = "executed"
	discarded       outcome = "discarded"
	failed          outcome = "failed"
	panicked        outcome = "panicked"
	timedOut        outcome = "timed out" // failed after its deadline, or went on beyond the attempt's
	canceled        outcome = "canceled"  // failed after its request had been canceled, long before that
	badPayload      outcome = "bad payload"
	unknownTask     outcome = "unknown task"
	wrongMethod     outcome = "wrong method"
	tooLarge        outcome = "payload too large"
	unauthenticated outcome = "unauthenticated"
)

// status returns the code of the answer to a request that did not run anything.
func (o outcome) status() int {
	switch o {
	case badPayload:
		return http.StatusBadRequest
	case unauthenticated:
		return http.StatusUnauthorized
	case unknownTask:
		return http.StatusNotFound
	case wrongMethod:
		return http.StatusMethodNotAllowed
	case tooLarge:
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}

// report is what the handler knows about a request when it answers it.
type report struct {
	outcome outcome
	task    string
	meta    *Metadata // nil for requests that are not authenticated
	started time.Time
	err     error
	stack   string // of a panic
	status  int    // of a discard
	mistake string // of the program, which the answer hides
	saved   string // file of [Config].SaveFailures
	saveErr error

	unanswered bool // the request has ended before the run: the answer may be lost
}

// level returns Info if there is nothing to do, Warn if the line is of interest for this task, and Error if an operator is needed, because
// tasks are not done or may be lost.
func (rep *report) level() slog.Level {
	switch rep.outcome {
	case executed:
		if rep.err != nil {
			return slog.LevelError // its result is lost
		}
		if rep.unanswered {
			return slog.LevelWarn // it may be delivered again
		}
		return slog.LevelInfo
	case discarded:
		if rep.mistake != "" {
			return slog.LevelError
		}
		return slog.LevelWarn
	case wrongMethod:
		return slog.LevelWarn
	case unauthenticated:
		if errors.Is(rep.err, ErrKeysUnavailable) {
			return slog.LevelError
		}
		return slog.LevelWarn
	}
	return slog.LevelError
}

// logRun writes the request's one line. It has no header and no token in it.
func (h *handler) logRun(ctx context.Context, rep *report) {
	level := rep.level()
	if !h.cfg.Logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("task", rep.task))
	if m := rep.meta; m != nil {
		attrs = append(attrs, slog.String("id", m.TaskID), slog.String("queue", m.Queue), slog.Int("attempt", m.Attempt()))
	}
	attrs = append(attrs, slog.String("outcome", string(rep.outcome)), slog.Duration("duration", time.Since(rep.started)))
	if rep.meta != nil && rep.meta.replay {
		attrs = append(attrs, slog.Bool("replay", true))
	}
	if rep.err != nil {
		attrs = append(attrs, slog.Any("error", loggedError{rep.err}))
	}
	switch {
	case rep.saveErr != nil:
		attrs = append(attrs, slog.String("not_saved", rep.saveErr.Error()))
	case rep.saved != "":
		attrs = append(attrs, slog.String("saved", rep.saved))
	}
	if rep.unanswered {
		attrs = append(attrs, slog.String("answer", "may be lost, since the request was canceled before Run was done: the task is then delivered again"))
	}
	if rep.mistake != "" {
		attrs = append(attrs, slog.String("mistake", rep.mistake))
	}
	if rep.stack != "" {
		attrs = append(attrs, slog.String("stack", rep.stack))
	}
	h.cfg.Logger.LogAttrs(ctx, level, "task "+string(rep.outcome), attrs...)
}

// loggedError makes any log handler write the error's text. A [slog.Handler] that needs the error itself, such as package cloudtasktest's, finds
// it in the attribute.
type loggedError struct{ error }

func (e loggedError) LogValue() slog.Value { return slog.StringValue(e.Error()) }
func (e loggedError) Unwrap() error        { return e.error }
