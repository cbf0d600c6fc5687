package cloudtasktest

import (
	"bytes"
	"context"
	"log/slog"
)

// attemptKey says which attempt of which task.
type attemptKey struct {
	queue, id string
	number    int
}

// runInfo is what an attempt's answer does not say.
type runInfo struct {
	known     bool
	err       error
	discarded bool
	stack     string // of a panic
}

// logHandler is the log of clients and handlers. From the line that ends each run it learns what Run returned; all lines
// go on to the program's own log.
type logHandler struct {
	q    *Queue
	next slog.Handler
}

// Enabled reports whether somebody wants lines of that level: runs that did as they should are not what the queue looks
// for.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.next.Enabled(ctx, level)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.q, h.next.WithAttrs(attrs)}
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.q, h.next.WithGroup(name)}
}

func (h *logHandler) Handle(ctx context.Context, line slog.Record) error {
	if line.Level >= slog.LevelWarn {
		h.q.learn(line)
	}
	if h.next.Enabled(ctx, line.Level) {
		return h.next.Handle(ctx, line)
	}
	return nil
}

// learn takes note of how a run ended, if that is what the line is about.
func (q *Queue) learn(line slog.Record) {
	var key attemptKey
	var info runInfo
	line.Attrs(func(attr slog.Attr) bool {
		switch attr.Key {
		case "id":
			key.id = attr.Value.String()
		case "queue":
			key.queue = attr.Value.String()
		case "attempt":
			if attr.Value.Kind() == slog.KindInt64 {
				key.number = int(attr.Value.Int64())
			}
		case "outcome":
			info.discarded = attr.Value.String() == "discarded"
		case "error":
			info.err, _ = attr.Value.Any().(error)
		case "stack":
			info.stack = attr.Value.String()
		}
		return true
	})
	if key.number > 0 {
		q.note(key, info)
	}
}

// note keeps what is known of an attempt that the queue makes until it ends. Of several answers the first counts.
func (q *Queue) note(key attemptKey, info runInfo) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if run := q.runs[key]; run != nil && !run.known {
		info.known = true
		*run = info
	}
}

// saysDiscarded reports whether an answer's body is the one to a discarded run.
func saysDiscarded(body []byte) bool {
	return bytes.HasPrefix(body, []byte(`{"status":"discarded"`))
}
