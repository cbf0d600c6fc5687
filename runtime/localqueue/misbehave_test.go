package localqueue_test

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// On a real clock a handler that ends its goroutine, as t.Fatal in it does, fails its attempt at once, not when the
// dispatch deadline has passed.
func TestHandlerThatExits(t *testing.T) {
	t.Parallel()
	events := make(chan localqueue.Event, 10)
	s := newService(t, localqueue.WithObserver(func(e localqueue.Event) { events <- e }),
		localqueue.WithHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			runtime.Goexit()
		})))
	task := httpTask()
	task.Retry = &cloudtask.RetryConfig{MaxAttempts: 1}
	add(t, s, task)
	for timeout := time.After(10 * time.Second); ; {
		select {
		case e := <-events:
			if e.Kind != localqueue.TaskExhausted {
				continue
			}
			if e.Status != 0 || e.Err == nil || e.Failure != "UNAVAILABLE(14): HTTP status code 503" {
				t.Errorf("%+v, want an attempt without a response", e)
			}
			return
		case <-timeout:
			t.Fatal("the attempt has not ended")
		}
	}
}

// An observer that panics into a call leaves nobody waiting for that call, and hears of what comes after it.
func TestObserverThatPanics(t *testing.T) {
	t.Parallel()
	created := 0
	s := newVirtual(t, answer(200), localqueue.WithObserver(func(e localqueue.Event) {
		switch e.Kind {
		case localqueue.TaskCreated:
			created++
		case localqueue.TaskDeleted:
			panic("observer")
		}
	}))
	name := add(t, s, httpTask()).Name
	remove := func() (_ *localqueue.Batch, panicked any, err error) {
		defer func() { panicked = recover() }()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		batch, err := s.BatchDeleteTasks(ctx, queueName, "id", []string{name})
		return batch, nil, err
	}
	if _, panicked, _ := remove(); panicked == nil {
		t.Error("the observer's panic did not reach its caller")
	}
	if batch, panicked, err := remove(); panicked != nil || err != nil || cloudtask.StatusOf(batch.Results[0].Err) != cloudtask.NotFound {
		t.Errorf("the same batch again: %+v, %v, %v; want a task that is gone", batch, panicked, err)
	}
	add(t, s, httpTask())
	if created != 2 {
		t.Errorf("the observer heard of %d tasks, want 2", created)
	}
}
