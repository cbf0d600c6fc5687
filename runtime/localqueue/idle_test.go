package localqueue_test

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// WaitIdle waits for what is running, for what the rate holds back and for what handlers enqueue, and for nothing else.
func TestWaitIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var s *localqueue.Service
		var handled, observed atomic.Int64
		s = newService(t, localqueue.WithHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			if handled.Add(1) == 1 {
				if _, err := s.CreateTask(context.Background(), location+"/queues/follow-up", httpTask()); err != nil {
					t.Error(err)
				}
			}
			if r.URL.Path == "/fails" {
				w.WriteHeader(500)
			}
		})), localqueue.WithObserver(func(e localqueue.Event) {
			if e.Kind == localqueue.TaskSucceeded {
				observed.Add(1)
			}
		}))
		if b, err := s.WaitIdle(t.Context()); b != (localqueue.Backlog{}) || err != nil {
			t.Errorf("of an empty service: %+v, %v", b, err)
		}
		setRate(t, s, 1)
		for range 12 { // ten at once, two at a second each
			add(t, s, httpTask())
		}
		future := httpTask()
		future.ScheduleTime = begin.Add(time.Hour)
		add(t, s, future)
		synctest.Wait() // ten are running
		if _, err := s.PauseQueue(t.Context(), queueName); err != nil {
			t.Fatal(err)
		}
		if b, err := s.WaitIdle(t.Context()); err != nil || b != (localqueue.Backlog{Held: 3}) || time.Since(begin) != 2*time.Second || handled.Load() != 11 {
			t.Errorf("with a paused queue: %+v, %v, after %v with %d handled; want the 10 and one follow-up after 2 s, 3 held", b, err, time.Since(begin), handled.Load())
		}
		if _, err := s.ResumeQueue(t.Context(), queueName); err != nil {
			t.Fatal(err)
		}
		b, err := s.WaitIdle(t.Context())
		want := localqueue.Backlog{Scheduled: 1, Next: begin.Add(time.Hour).UTC().Truncate(time.Microsecond)}
		if diff := cmp.Diff(want, b); diff != "" || err != nil || observed.Load() != 13 {
			t.Errorf("%v, %d successes observed, want 13; backlog (-want +got):\n%s", err, observed.Load(), diff)
		}

		failing := httpTask()
		failing.HTTP.URL = "http://localhost/fails"
		failing.Retry = &cloudtask.RetryConfig{MinBackoff: time.Minute}
		add(t, s, failing)
		idle, err := s.WaitIdle(t.Context())
		if err != nil || idle.Scheduled != 2 || time.Until(idle.Next) > time.Minute {
			t.Errorf("with a retry to come: %+v, %v", idle, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestWaitIdleGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, localqueue.WithHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })))
		limits := &resource.Queue{Name: queueName, RateLimits: resource.RateLimits{MaxConcurrentDispatches: 1}}
		if _, err := s.UpdateQueue(t.Context(), limits, nil); err != nil {
			t.Fatal(err)
		}
		add(t, s, httpTask())
		add(t, s, httpTask())
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		b, err := s.WaitIdle(ctx)
		if diff := cmp.Diff(localqueue.Backlog{Running: 1, Due: 1}, b); diff != "" || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, backlog (-want +got):\n%s", err, diff)
		}
		closed := make(chan error)
		go func() {
			_, err := s.WaitIdle(context.Background())
			closed <- err
		}()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-closed; !errors.Is(err, localqueue.ErrClosed) {
			t.Errorf("of a service that is closed meanwhile: %v", err)
		}
	})
}

func TestWaitIdleOnAVirtualClock(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	add(t, s, httpTask())
	future := httpTask()
	future.ScheduleTime = start.Add(time.Hour)
	add(t, s, future)
	b, err := s.WaitIdle(t.Context())
	want := localqueue.Backlog{Scheduled: 1, Next: start.Add(time.Hour).Truncate(time.Microsecond)}
	if diff := cmp.Diff(want, b); diff != "" || err != nil || !s.Now().Equal(start) {
		t.Errorf("%v, clock %v, backlog (-want +got):\n%s", err, s.Now(), diff)
	}
}

// Reset leaves the service as New made it.
func TestReset(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var s *localqueue.Service
	var during error
	s = newVirtual(t, func(w http.ResponseWriter, r *http.Request) { during = s.Reset(context.Background()) },
		localqueue.WithStrict(), localqueue.WithQueues(resource.Queue{Name: queueName, RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 3}}))
	life := func() []string {
		first := add(t, s, namedTask("a"))
		second := add(t, s, httpTask())
		if _, err := s.RunUntilIdle(ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := s.BatchCreateTasks(ctx, queueName, "batch", []*resource.Task{httpTask()}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetFaults("", localqueue.Faults{Twice: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateQueue(ctx, location, &resource.Queue{Name: location + "/queues/other"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Advance(time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteQueue(ctx, queueName); err != nil {
			t.Fatal(err)
		}
		return []string{first.Name, second.Name, second.CreateTime.String()}
	}
	before := life()
	if !errors.Is(during, localqueue.ErrRunning) {
		t.Errorf("Reset within a delivery: %v", during)
	}
	for range 2 {
		if err := s.Reset(ctx); err != nil {
			t.Fatal(err)
		}
		queues, _, err := s.ListQueues(ctx, location, resource.Page{}, localqueue.QueueFilter{})
		if err != nil || len(queues) != 1 || queues[0].Name != queueName || queues[0].RateLimits.MaxDispatchesPerSecond != 3 {
			t.Errorf("queues after Reset: %+v, %v", queues, err)
		}
		if _, err := s.GetBatch(ctx, location, "batch"); cloudtask.StatusOf(err) != cloudtask.NotFound {
			t.Errorf("batch after Reset: %v", err)
		}
		if !s.Now().Equal(start) || len(s.Faults()) != 0 || s.Backlog() != (localqueue.Backlog{}) {
			t.Errorf("after Reset: %v, faults %v, %+v", s.Now(), s.Faults(), s.Backlog())
		}
		if diff := cmp.Diff(before, life()); diff != "" {
			t.Errorf("the second life (-first +second):\n%s", diff)
		}
	}
}

// On a real clock Reset does not wait for what is running, which ends without effect.
func TestResetWhileRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &diary{}
		s := newService(t, localqueue.WithObserver(d.observe), localqueue.WithHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Minute)
		})))
		add(t, s, namedTask("a"))
		synctest.Wait()
		if err := s.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b := s.Backlog(); b != (localqueue.Backlog{Running: 1}) {
			t.Errorf("after Reset: %+v", b)
		}
		add(t, s, namedTask("a")) // its name is free again
		if b, err := s.WaitIdle(t.Context()); b != (localqueue.Backlog{}) || err != nil {
			t.Errorf("%+v, %v", b, err)
		}
		kinds := map[string]int{}
		for _, line := range d.all() {
			for _, kind := range []string{"created", "dispatched", "purged", "succeeded"} {
				if containsWord(line, kind) {
					kinds[kind]++
				}
			}
		}
		if diff := cmp.Diff(map[string]int{"created": 2, "dispatched": 2, "purged": 1, "succeeded": 1}, kinds); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// RunUntilIdle ends with its context when tasks enqueue tasks for ever.
func TestRunUntilIdleIsBounded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var s *localqueue.Service
	calls := 0
	s = newVirtual(t, func(http.ResponseWriter, *http.Request) {
		if calls++; calls == 1000 {
			cancel()
		}
		if _, err := s.CreateTask(context.Background(), queueName, httpTask()); err != nil {
			t.Error(err)
		}
	})
	add(t, s, httpTask())
	attempts, err := s.RunUntilIdle(ctx)
	if attempts != 1000 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d attempts, %v; want 1000 and the context's error", attempts, err)
	}
	if b := s.Backlog(); b.Running != 0 || b.Due+b.Scheduled != 1 {
		t.Errorf("left %+v, want the task of the last", b)
	}
}

// Two services of the same seed choose the same ids and make the same attempts in the same order.
func TestVirtualClockIsDeterministic(t *testing.T) {
	t.Parallel()
	life := func(seed uint64) []string {
		d := &diary{}
		s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
			if id := r.Header.Get("X-CloudTasks-TaskName"); len(id)%2 == 0 || id[len(id)-1]%3 == 0 {
				w.WriteHeader(500)
			}
		}, localqueue.WithSeed(seed), localqueue.WithObserver(d.observe))
		for i := range 300 {
			task := httpTask()
			task.Retry = &cloudtask.RetryConfig{MaxAttempts: 5}
			task.ScheduleTime = start.Add(time.Duration(i%7) * time.Second)
			if _, err := s.CreateTask(t.Context(), location+"/queues/"+string(rune('a'+i%3)), task); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.RunUntilIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
		return d.all()
	}
	first := life(3)
	if diff := cmp.Diff(first, life(3)); diff != "" {
		t.Errorf("another life with the same seed (-first +second):\n%s", diff)
	}
	if cmp.Equal(first, life(4)) {
		t.Error("the same life with another seed")
	}
}

// Not parallel: it counts goroutines.
func TestVirtualClockRunsNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newVirtual(t, answer(500))
	for range 10 {
		add(t, s, httpTask())
	}
	if _, err := s.RunFor(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}
