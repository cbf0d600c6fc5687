package gcp_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// runLog keeps the level and outcome of each run that a handler logs, by task.
type runLog struct {
	mu   sync.Mutex
	runs map[string][]string
}

func (l *runLog) Enabled(context.Context, slog.Level) bool { return true }
func (l *runLog) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *runLog) WithGroup(string) slog.Handler            { return l }

func (l *runLog) Handle(_ context.Context, r slog.Record) error {
	attrs := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value.String(); return true })
	if attrs["outcome"] == "" { // of an enqueue
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[attrs["id"]] = append(l.runs[attrs["id"]], r.Level.String()+" "+attrs["outcome"])
	return nil
}

// of returns what was logged of the task, once there is as much of it.
func (l *runLog) of(t *testing.T, id string, runs int) []string {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		l.mu.Lock()
		got := slices.Clone(l.runs[id])
		l.mu.Unlock()
		if len(got) >= runs || time.Now().After(end) {
			return got
		}
	}
}

// A queue that is shut down hangs up as well, long before the deadline: the task has not timed out, and is not done.
func TestQueueShutsDown(t *testing.T) {
	t.Parallel()
	log := &runLog{runs: make(map[string][]string)}
	definition := mailDefinition()
	s := newSystem(t, &definition, func(ctx context.Context, _ any) error { <-ctx.Done(); return ctx.Err() },
		func(_, handler *cloudtask.Config) { handler.Logger = slog.New(log) })
	if _, err := definition.Push(t.Context(), s.client, &mail{}, cloudtask.WithTaskName("a")); err != nil {
		t.Fatal(err)
	}
	s.next(t)
	if err := s.queue.Close(); err != nil {
		t.Fatal(err)
	}
	if got := log.of(t, "a", 1); !slices.Equal(got, []string{"ERROR canceled"}) {
		t.Errorf("logged %q, want one run that was canceled", got)
	}
}
