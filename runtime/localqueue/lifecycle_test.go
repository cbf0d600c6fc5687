package localqueue_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// On a real clock, a handler that ignores its context does not hold up its task beyond the dispatch deadline.
func TestDispatchDeadlineRealClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		at := make(chan time.Duration, 3)
		s := newService(t, localqueue.WithHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			at <- time.Since(begin)
			if len(at) == 1 {
				time.Sleep(20 * time.Second)
			}
		})))
		task := httpTask()
		task.DispatchDeadline = 15 * time.Second
		task.Retry = &cloudtask.RetryConfig{MinBackoff: time.Minute}
		created := add(t, s, task)
		time.Sleep(15*time.Second + time.Millisecond)
		got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
		if err != nil || got.LastAttempt.Code != cloudtask.DeadlineExceeded || got.ResponseCount != 0 {
			t.Errorf("task after its deadline: %+v, %v", got, err)
		}
		time.Sleep(time.Hour)
		if first, second := <-at, <-at; first != 0 || second != 75*time.Second || len(at) != 0 {
			t.Errorf("attempts after %v, %v and %d more; want 0, 75 s and none", first, second, len(at))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A task far in the future is dispatched on time, with nothing else going on meanwhile.
func TestFarFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		at := make(chan time.Time, 2)
		s := newService(t, localqueue.WithHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { at <- time.Now() })))
		task := httpTask()
		task.ScheduleTime = time.Now().Add(30 * 24 * time.Hour)
		add(t, s, task)
		soon := httpTask()
		soon.ScheduleTime = time.Now().Add(90 * time.Second) // after the scheduler has gone to sleep for the other
		synctest.Wait()
		add(t, s, soon)
		for _, want := range []time.Time{soon.ScheduleTime, task.ScheduleTime} {
			if got := <-at; !got.Equal(want) {
				t.Errorf("dispatched at %v, want %v", got, want)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestClosed(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	created := add(t, s, httpTask())
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	_, addErr := s.CreateTask(t.Context(), queueName, httpTask())
	_, runErr := s.RunTask(t.Context(), created.Name, resource.ViewBasic)
	_, dueErr := s.RunDue(t.Context())
	_, queueErr := s.CreateQueue(t.Context(), location, &resource.Queue{})
	for i, err := range []error{addErr, runErr, dueErr, queueErr, s.DeleteTask(t.Context(), created.Name)} {
		if wantStatus(t, err, cloudtask.Unavailable, ""); !errors.Is(err, localqueue.ErrClosed) {
			t.Errorf("call %d: %v, want ErrClosed", i, err)
		}
	}
}

func TestVirtualClockMethods(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newVirtual(t, answer(200))
	for _, delay := range []time.Duration{0, time.Hour, 2 * time.Hour, 3 * time.Hour} {
		task := httpTask()
		task.ScheduleTime = start.Add(delay)
		add(t, s, task)
	}
	step := func(name string, attempts, want int, err error, elapsed time.Duration) {
		t.Helper()
		// Tasks fall due on whole microseconds, so at most one away from the clock's start.
		if got := s.Now().Sub(start); attempts != want || err != nil || got > elapsed || got < elapsed-time.Microsecond {
			t.Errorf("%s: %d attempts, %v, clock at +%v; want %d, +%v", name, attempts, err, got, want, elapsed)
		}
	}
	n, err := s.RunDue(ctx)
	step("RunDue", n, 1, err, 0)
	n, err = s.RunFor(ctx, 30*time.Minute)
	step("RunFor", n, 0, err, 30*time.Minute)
	step("Advance", 0, 0, s.Advance(time.Hour), 90*time.Minute)
	n, err = s.RunDue(ctx)
	step("RunDue of what is overdue", n, 1, err, 90*time.Minute)
	ran, err := s.RunNext(ctx)
	if !ran {
		t.Error("RunNext ran nothing")
	}
	step("RunNext", 0, 0, err, 2*time.Hour)
	n, err = s.RunUntilIdle(ctx)
	step("RunUntilIdle", n, 1, err, 3*time.Hour)
	if ran, err := s.RunNext(ctx); ran || err != nil {
		t.Errorf("RunNext on an empty queue: %v, %v", ran, err)
	}
	if err := s.Advance(-1); err == nil {
		t.Error("Advance by a negative duration returned no error")
	}

	before := s.Now()
	_, forAges := s.RunFor(ctx, math.MaxInt64)
	for _, err := range []error{forAges, s.Advance(math.MaxInt64)} {
		wantStatus(t, err, cloudtask.InvalidArgument, "")
	}
	if !s.Now().Equal(before) {
		t.Errorf("a clock that cannot go that far went to %v", s.Now())
	}

	real := newService(t, localqueue.WithHandler(answer(200)))
	_, runFor := real.RunFor(ctx, time.Hour)
	_, runNext := real.RunNext(ctx)
	for _, err := range []error{real.Advance(time.Hour), runFor, runNext} {
		if !errors.Is(err, localqueue.ErrVirtualOnly) {
			t.Errorf("on a real clock: %v, want ErrVirtualOnly", err)
		}
	}
}

// A handler may enqueue, but not deliver.
func TestHandlersThatUseTheQueue(t *testing.T) {
	t.Parallel()
	var s *localqueue.Service
	calls := 0
	s = newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.RunDue(r.Context()); !errors.Is(err, localqueue.ErrRunning) {
			t.Errorf("RunDue in a handler: %v, want ErrRunning", err)
		}
		if calls++; calls < 5 {
			add(t, s, httpTask())
		}
	})
	add(t, s, httpTask())
	if attempts, err := s.RunUntilIdle(t.Context()); attempts != 5 || err != nil {
		t.Errorf("%d attempts, %v; want 5", attempts, err)
	}
}

// Tasks that enqueue tasks for ever are stopped by the context, and what was given up is attempted again.
func TestRunUntilIdleIsBoundedByItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var s *localqueue.Service
	calls := 0
	s = newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		add(t, s, httpTask())
		if calls++; calls == 100 {
			cancel()
		}
	})
	add(t, s, httpTask())
	attempts, err := s.RunUntilIdle(ctx)
	if attempts != 100 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d attempts, %v; want 100, canceled", attempts, err)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	var lines []string
	var s *localqueue.Service
	observer := func(e localqueue.Event) {
		if _, err := s.GetQueue(context.Background(), e.Queue); err != nil { // an observer may call the service
			t.Error(err)
		}
		next := ""
		if !e.Next.IsZero() {
			next = " next " + e.Next.Sub(start.Truncate(time.Microsecond)).String()
		}
		lines = append(lines, fmt.Sprintf("%v %s %s attempt %d at %v%s status %d %q in %v: %s %v",
			e.Kind, strings.TrimPrefix(e.Task, queueName+"/tasks/"), e.URL, e.Attempt, e.Time.Sub(start).Round(time.Microsecond), next,
			e.Status, e.Failure, e.Duration, e.Response, e.Err))
	}
	replies := []int{500, 200, 404, 404}
	s = newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		_ = s.Advance(time.Second)
		w.WriteHeader(replies[0])
		fmt.Fprintf(w, "reply %d", replies[0])
		replies = replies[1:]
	}, localqueue.WithObserver(observer))
	named := func(id string) *resource.Task {
		task := httpTask()
		task.Name = queueName + "/tasks/" + id
		task.Retry = &cloudtask.RetryConfig{MaxAttempts: 2, MinBackoff: 10 * time.Second}
		return task
	}
	run := func() {
		t.Helper()
		if _, err := s.RunUntilIdle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	add(t, s, named("good"))
	run()
	add(t, s, named("bad"))
	run()
	if err := s.DeleteTask(t.Context(), add(t, s, named("deleted")).Name); err != nil {
		t.Fatal(err)
	}
	add(t, s, named("purged"))
	if _, err := s.PurgeQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PauseQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	old := add(t, s, named("old"))
	if err := s.Advance(31 * 24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetTask(t.Context(), old.Name, resource.ViewBasic); err == nil {
		t.Error("a task of 31 days is still there")
	}
	want := []string{
		`created good http://localhost/tasks/X attempt 0 at 0s next 0s status 0 "" in 0s:  <nil>`,
		`dispatched good http://localhost/tasks/X attempt 1 at 0s status 0 "" in 0s:  <nil>`,
		`retried good http://localhost/tasks/X attempt 1 at 1s next 11s status 500 "INTERNAL(13): HTTP status code 500" in 1s: reply 500 <nil>`,
		`dispatched good http://localhost/tasks/X attempt 2 at 10.999999s status 0 "" in 0s:  <nil>`,
		`succeeded good http://localhost/tasks/X attempt 2 at 11.999999s status 200 "" in 1s: reply 200 <nil>`,
		`created bad http://localhost/tasks/X attempt 0 at 11.999999s next 12s status 0 "" in 0s:  <nil>`,
		`dispatched bad http://localhost/tasks/X attempt 1 at 11.999999s status 0 "" in 0s:  <nil>`,
		`retried bad http://localhost/tasks/X attempt 1 at 12.999999s next 23s status 404 "NOT_FOUND(5): HTTP status code 404" in 1s: reply 404 <nil>`,
		`dispatched bad http://localhost/tasks/X attempt 2 at 22.999999s status 0 "" in 0s:  <nil>`,
		`exhausted bad http://localhost/tasks/X attempt 2 at 23.999999s status 404 "NOT_FOUND(5): HTTP status code 404" in 1s: reply 404 <nil>`,
		`created deleted http://localhost/tasks/X attempt 0 at 23.999999s next 24s status 0 "" in 0s:  <nil>`,
		`deleted deleted http://localhost/tasks/X attempt 0 at 23.999999s status 0 "" in 0s:  <nil>`,
		`created purged http://localhost/tasks/X attempt 0 at 23.999999s next 24s status 0 "" in 0s:  <nil>`,
		`purged purged http://localhost/tasks/X attempt 0 at 23.999999s status 0 "" in 0s:  <nil>`,
		`created old http://localhost/tasks/X attempt 0 at 23.999999s next 24s status 0 "" in 0s:  <nil>`,
		`expired old http://localhost/tasks/X attempt 0 at 744h0m23.999999s status 0 "" in 0s:  <nil>`,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// Many clients and real HTTP: every task that was acknowledged and not deleted is delivered, none twice at a time, none
// after it succeeded or after it was deleted before its first attempt.
func TestStress(t *testing.T) {
	t.Parallel()
	const clients, tasksEach, queues = 8, 150, 3
	var mu sync.Mutex
	running, succeeded := map[string]bool{}, map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Header.Get("X-CloudTasks-QueueName") + "/" + r.Header.Get("X-CloudTasks-TaskName")
		mu.Lock()
		if running[name] {
			t.Errorf("task %s runs twice at a time", name)
		}
		if succeeded[name] > 0 {
			t.Errorf("task %s runs after it succeeded", name)
		}
		running[name] = true
		mu.Unlock()
		if rand.N(8) == 0 {
			time.Sleep(time.Millisecond)
		}
		mu.Lock()
		defer mu.Unlock()
		delete(running, name)
		if rand.N(4) == 0 {
			w.WriteHeader(500)
			return
		}
		succeeded[name]++
	}))
	defer server.Close()
	s := newService(t)
	var wanted, deleted sync.Map
	var clientsDone sync.WaitGroup
	for c := range clients {
		clientsDone.Go(func() {
			for i := range tasksEach {
				id := fmt.Sprintf("t%d-%d", c, i)
				queue := fmt.Sprintf("q%d", rand.N(queues))
				task := httpTask()
				task.HTTP.URL = server.URL
				task.Name = location + "/queues/" + queue + "/tasks/" + id
				task.Retry = &cloudtask.RetryConfig{MinBackoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond, MaxAttempts: -1}
				task.ScheduleTime = time.Now().Add(rand.N(20 * time.Millisecond))
				if _, err := s.CreateTask(t.Context(), location+"/queues/"+queue, task); err != nil {
					t.Error(err)
				}
				switch rand.N(6) {
				case 0:
					if s.DeleteTask(t.Context(), task.Name) == nil {
						deleted.Store(queue+"/"+id, true)
						continue
					}
				case 1:
					_, _ = s.RunTask(t.Context(), task.Name, resource.ViewBasic) // it may be done already
				case 2:
					_, _ = s.PauseQueue(t.Context(), location+"/queues/"+queue)
					_, _ = s.ResumeQueue(t.Context(), location+"/queues/"+queue)
				case 3:
					_, _, _ = s.ListTasks(t.Context(), location+"/queues/"+queue, resource.Page{Size: 10}, resource.ViewFull)
				}
				wanted.Store(queue+"/"+id, true)
			}
		})
	}
	clientsDone.Wait()
	deadline := time.Now().Add(20 * time.Second)
	for left := 1; left > 0; time.Sleep(time.Millisecond) {
		if left = 0; time.Now().After(deadline) {
			t.Fatal("tasks are left after 20 s")
		}
		for q := range queues {
			tasks, _, err := s.ListTasks(t.Context(), fmt.Sprintf("%s/queues/q%d", location, q), resource.Page{}, resource.ViewBasic)
			if err != nil {
				t.Fatal(err)
			}
			left += len(tasks)
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	wanted.Range(func(name, _ any) bool {
		if succeeded[name.(string)] != 1 {
			t.Errorf("task %v succeeded %d times, want once", name, succeeded[name.(string)])
		}
		return true
	})
}

// Nothing of a service is left after Close, whatever it was doing.
func TestNoGoroutineIsLeft(t *testing.T) { // not parallel: it counts goroutines
	before := runtime.NumGoroutine()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		select {
		case <-r.Context().Done():
		case <-time.After(time.Millisecond):
		}
		w.WriteHeader(500)
	}))
	for _, opts := range [][]localqueue.Option{
		nil,
		{localqueue.WithHandler(server.Config.Handler)},
		{localqueue.WithVirtualClock(start), localqueue.WithHandler(server.Config.Handler)},
	} {
		s := newService(t, opts...)
		for i := range 200 {
			task := httpTask()
			task.HTTP.URL = server.URL
			if i%2 == 0 {
				task.ScheduleTime = s.Now().Add(time.Hour)
			}
			add(t, s, task)
		}
		time.Sleep(2 * time.Millisecond)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	server.Close()
	if calls.Load() == 0 {
		t.Error("nothing was dispatched")
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// A task that waits costs at most 1 KB, payload of 256 bytes included, and no goroutine.
func TestMemoryOfWaitingTasks(t *testing.T) { // not parallel: it measures the heap
	const tasks = 20_000
	s := newService(t, localqueue.WithHandler(answer(200)))
	task := benchTask("https://worker.example.com/tasks/SendWelcomeEmail")
	task.ScheduleTime = time.Now().Add(time.Hour)
	before, goroutines := heap(), runtime.NumGoroutine()
	for range tasks {
		add(t, s, task)
	}
	if each := int64(heap()-before) / tasks; each > 1024 {
		t.Errorf("%d bytes a task, want at most 1024", each)
	}
	if now := runtime.NumGoroutine(); now > goroutines+1 {
		t.Errorf("%d goroutines, %d before the tasks", now, goroutines)
	}
	if _, err := s.PurgeQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	if left := int64(heap() - before); left > tasks*150 {
		t.Errorf("%d bytes are left after all tasks were purged", left)
	}
}
