package cloudtasktest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

type greet struct {
	Name string
}

// greetTask and enqueuedGreet are what cloudtaskgen writes for a task.
var greetTask = cloudtask.Definition{
	Task:    (*greet)(nil),
	Name:    "Greet",
	Aliases: []string{"Hello"},
	Queue:   "greetings",
	Append: func(dst []byte, payload any) ([]byte, error) {
		task := payload.(*greet)
		data, err := json.Marshal(task)
		return append(dst, data...), err
	},
	Decode: func(data []byte, task any) error { return json.Unmarshal(data, task) },
}

func enqueuedGreet[Q any](q Q) cloudtask.Selection[Q, greet] {
	return cloudtask.Selection[Q, greet]{Queue: q, Definition: &greetTask}
}

// failsFirst fails the first n attempts of each task.
func failsFirst(n int) func(context.Context, any) error {
	return func(ctx context.Context, _ any) error {
		if cloudtask.MetadataFrom(ctx).Attempt() <= n {
			return errDown
		}
		return nil
	}
}

// fakeTB is a test whose end and failures are looked at.
type fakeTB struct {
	ctx context.Context

	mu       sync.Mutex
	cleanups []func()
	failed   bool
	lines    []string
}

func (t *fakeTB) Helper()                  {}
func (t *fakeTB) Context() context.Context { return t.ctx }
func (t *fakeTB) Cleanup(f func())         { t.cleanups = append(t.cleanups, f) }

func (t *fakeTB) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

func (t *fakeTB) Logf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, fmt.Sprintf(format, args...))
}

func (t *fakeTB) Errorf(format string, args ...any) {
	t.Logf(format, args...)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = true
}

func (t *fakeTB) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

// end ends the test.
func (t *fakeTB) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}

func (t *fakeTB) log() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}
