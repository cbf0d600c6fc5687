package localqueue_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// arrivals returns a service on a virtual clock and the times at which its handler was called.
func arrivals(t *testing.T, opts ...localqueue.Option) (*localqueue.Service, *[]time.Duration) {
	var s *localqueue.Service
	at := new([]time.Duration)
	s = newVirtual(t, func(http.ResponseWriter, *http.Request) { *at = append(*at, s.Now().Sub(start)) }, opts...)
	return s, at
}

func setRate(t *testing.T, s *localqueue.Service, rate float64) *resource.Queue {
	t.Helper()
	q, err := s.UpdateQueue(t.Context(), &resource.Queue{Name: queueName, RateLimits: resource.RateLimits{MaxDispatchesPerSecond: rate}},
		[]string{"rate_limits.max_dispatches_per_second"})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// A queue dispatches its burst at once and then exactly at its rate, retries included.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rate  float64
		burst int
	}{{500, 100}, {100, 20}, {50, 10}, {1, 10}, {0.5, 10}, {0.25, 10}, {0.001, 10}, {3, 10}}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.rate), func(t *testing.T) {
			s, at := arrivals(t)
			if q := setRate(t, s, test.rate); q.RateLimits.MaxBurstSize != test.burst {
				t.Errorf("burst size %d, want %d", q.RateLimits.MaxBurstSize, test.burst)
			}
			// The bucket of the new queue held the default's 100 tokens; now it holds at most the burst.
			for range test.burst + 40 {
				add(t, s, httpTask())
			}
			if attempts, err := s.RunFor(t.Context(), 25*24*time.Hour); attempts != test.burst+40 || err != nil {
				t.Fatalf("%d attempts, %v; want %d", attempts, err, test.burst+40)
			}
			interval := float64(time.Second) / test.rate
			for i, got := range *at {
				want := max(0, float64(i-test.burst+1)*interval)
				if diff := float64(got) - want; diff < -1e3 || diff > 1e3+interval*1e-5 {
					t.Errorf("dispatch %d at %v, want %v", i, got, time.Duration(want))
				}
			}
		})
	}
}

// A change of the rate applies at once to what is waiting.
func TestRateChangesLive(t *testing.T) {
	t.Parallel()
	s, at := arrivals(t)
	setRate(t, s, 1)
	for range 25 {
		add(t, s, httpTask())
	}
	run := func(d time.Duration, want int) {
		t.Helper()
		*at = nil
		if _, err := s.RunFor(t.Context(), d); err != nil || len(*at) != want {
			t.Errorf("%d dispatches in %v, %v; want %d", len(*at), d, err, want)
		}
	}
	run(0, 10)
	run(3*time.Second, 3)
	setRate(t, s, 0.1)
	run(9*time.Second, 0)
	run(time.Second, 1)
	setRate(t, s, 2)
	run(time.Second, 2)
	run(time.Hour, 9)
}

// Retries and tasks that fall due share the bucket; RunTask does not use it.
func TestRunTaskBypassesRate(t *testing.T) {
	t.Parallel()
	s, at := arrivals(t)
	setRate(t, s, 0.01)
	var names []string
	for range 13 {
		names = append(names, add(t, s, httpTask()).Name)
	}
	if _, err := s.RunDue(t.Context()); err != nil || len(*at) != 10 {
		t.Fatalf("%d dispatches at once, %v; want 10", len(*at), err)
	}
	if _, err := s.RunTask(t.Context(), names[12], resource.ViewBasic); err != nil || len(*at) != 11 {
		t.Errorf("%d dispatches after RunTask, %v; want 11", len(*at), err)
	}
	if _, err := s.RunFor(t.Context(), 100*time.Second); err != nil || len(*at) != 12 {
		t.Errorf("%d dispatches 100 s later, %v; want 12", len(*at), err)
	}
}

// Queues take turns, however many tasks each has.
func TestFairness(t *testing.T) {
	t.Parallel()
	var turns []string
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		turns = append(turns, r.Header.Get("X-CloudTasks-QueueName"))
	})
	for queue, tasks := range map[string]int{"a": 50, "b": 3, "c": 3} {
		for range tasks {
			if _, err := s.CreateTask(t.Context(), location+"/queues/"+queue, httpTask()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := s.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, q := range turns[:9] {
		counts[q]++
	}
	if diff := cmp.Diff(map[string]int{"a": 3, "b": 3, "c": 3}, counts); diff != "" {
		t.Errorf("queues of the first nine dispatches (-want +got):\n%s", diff)
	}
}

// Tasks of one queue are dispatched by schedule time, and in the order of their creation within it.
func TestOrder(t *testing.T) {
	t.Parallel()
	var got []string
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("X-CloudTasks-TaskName")) })
	for i, delay := range []int{5, 3, 9, 3, 0, 5} {
		task := httpTask()
		task.Name = fmt.Sprintf("%s/tasks/t%d", queueName, i)
		task.ScheduleTime = start.Add(time.Duration(delay) * time.Minute)
		add(t, s, task)
	}
	if _, err := s.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("t4 t1 t3 t0 t5 t2", strings.Join(got, " ")); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// On a real clock attempts run side by side up to the queue's limit, which may be far above the number of workers that
// quick tasks share, and which applies live. Another queue is not held up.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		release := make(chan struct{})
		other := make(chan struct{}, 1)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/other" {
				other <- struct{}{}
				return
			}
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			<-release
			running.Add(-1)
		})
		s := newService(t, localqueue.WithHandler(h), localqueue.WithQueues(resource.Queue{
			Name: "wide", RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 1e6, MaxConcurrentDispatches: 700},
		}))
		const wide = location + "/queues/wide"
		for range 1000 {
			if _, err := s.CreateTask(t.Context(), wide, httpTask()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second) // of the bubble's clock
		if n := running.Load(); n != 700 {
			t.Errorf("%d attempts at a time, want 700", n)
		}
		task := httpTask()
		task.HTTP.URL = "http://localhost/other"
		add(t, s, task)
		<-other

		limits := &resource.Queue{Name: wide, RateLimits: resource.RateLimits{MaxConcurrentDispatches: 10}}
		if _, err := s.UpdateQueue(t.Context(), limits, []string{"rate_limits.max_concurrent_dispatches"}); err != nil {
			t.Fatal(err)
		}
		for range 700 {
			release <- struct{}{}
		}
		time.Sleep(2 * time.Second)
		if n := running.Load(); n != 10 {
			t.Errorf("%d attempts at a time after the limit was lowered, want 10", n)
		}
		for range 300 {
			release <- struct{}{}
		}
		time.Sleep(time.Second)
		if n := running.Load(); n != 0 || most.Load() != 700 {
			t.Errorf("%d attempts still running, %d at most; want 0, 700", n, most.Load())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// On a real clock too, the rate is exact.
func TestRateLimitRealClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Since(begin))
		})
		s := newService(t, localqueue.WithHandler(h))
		setRate(t, s, 4)
		for range 20 {
			add(t, s, httpTask())
		}
		time.Sleep(time.Hour)
		want := make([]time.Duration, 10, 20)
		for i := range 10 {
			want = append(want, time.Duration(i+1)*250*time.Millisecond)
		}
		mu.Lock()
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("dispatches (-want +got):\n%s", diff)
		}
		mu.Unlock()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A higher limit lets waiting tasks begin at once, a queue whose limit is reached does not hold up others, and attempts
// that RunTask begins do not count.
func TestConcurrencyRaisedLive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		running := map[string]*atomic.Int64{"emails": {}, "other": {}}
		release := make(chan struct{})
		s := newService(t, localqueue.WithHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n := running[r.Header.Get("X-CloudTasks-QueueName")]
			n.Add(1)
			<-release
			n.Add(-1)
		})))
		limit := func(n int) {
			t.Helper()
			q := &resource.Queue{Name: queueName, RateLimits: resource.RateLimits{MaxConcurrentDispatches: n}}
			if _, err := s.UpdateQueue(t.Context(), q, []string{"rate_limits.max_concurrent_dispatches"}); err != nil {
				t.Fatal(err)
			}
		}
		want := func(what string, emails, other int64) {
			t.Helper()
			time.Sleep(2 * time.Second) // of the bubble's clock
			if e, o := running["emails"].Load(), running["other"].Load(); e != emails || o != other {
				t.Errorf("%s: %d and %d running, want %d and %d", what, e, o, emails, other)
			}
		}
		limit(3)
		var last *resource.Task
		for range 20 {
			last = add(t, s, httpTask())
		}
		want("limit 3", 3, 0)
		if _, err := s.CreateTask(t.Context(), location+"/queues/other", httpTask()); err != nil {
			t.Fatal(err)
		}
		want("another queue", 3, 1)
		limit(7)
		want("limit 7", 7, 1)
		if _, err := s.RunTask(t.Context(), last.Name, resource.ViewBasic); err != nil {
			t.Fatal(err)
		}
		want("RunTask", 8, 1)
		limit(2)
		for range 6 { // whichever they are: at most two of those left belong to the limit, and one to RunTask
			release <- struct{}{}
		}
		time.Sleep(2 * time.Second)
		if e := running["emails"].Load(); e < 2 || e > 3 {
			t.Errorf("limit 2 after six answers: %d running", e)
		}
		close(release)
		if b, err := s.WaitIdle(t.Context()); b != (localqueue.Backlog{}) || err != nil {
			t.Errorf("%+v, %v", b, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Queues that are held to their rates neither lose nor gain by one another, nor by a change of another's rate.
func TestRatesOfManyQueues(t *testing.T) {
	t.Parallel()
	var s *localqueue.Service
	at := make(map[string][]time.Duration)
	s = newVirtual(t, func(_ http.ResponseWriter, r *http.Request) {
		q := r.Header.Get("X-CloudTasks-QueueName")
		at[q] = append(at[q], s.Now().Sub(start))
	})
	rates := map[string]float64{"a": 1, "b": 2, "c": 5, "d": 0.5}
	setRates := func(factor float64) {
		t.Helper()
		for id, rate := range rates {
			q := &resource.Queue{Name: location + "/queues/" + id, RateLimits: resource.RateLimits{MaxDispatchesPerSecond: rate * factor}}
			if _, err := s.UpdateQueue(t.Context(), q, []string{"rate_limits"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for id, rate := range rates {
		q := &resource.Queue{Name: location + "/queues/" + id, RateLimits: resource.RateLimits{MaxDispatchesPerSecond: rate}}
		if _, err := s.CreateQueue(t.Context(), location, q); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			if _, err := s.CreateTask(t.Context(), q.Name, httpTask()); err != nil {
				t.Fatal(err)
			}
		}
	}
	counts := func() map[string]int {
		n := make(map[string]int)
		for id := range rates {
			n[id] = len(at[id])
		}
		return n
	}
	run := func(d time.Duration, want map[string]int) {
		t.Helper()
		if _, err := s.RunFor(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, counts()); diff != "" {
			t.Errorf("dispatches at +%v (-want +got):\n%s", s.Now().Sub(start), diff)
		}
	}
	run(0, map[string]int{"a": 10, "b": 10, "c": 10, "d": 10}) // the bursts
	run(20*time.Second, map[string]int{"a": 30, "b": 50, "c": 110, "d": 20})
	setRates(1) // the same again: changes nothing
	run(20*time.Second, map[string]int{"a": 50, "b": 90, "c": 210, "d": 30})
	setRates(2)
	run(20*time.Second, map[string]int{"a": 90, "b": 170, "c": 410, "d": 50})
}
