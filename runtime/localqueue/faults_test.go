package localqueue_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// diary writes down what happens to tasks, one short line an event.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) observe(e localqueue.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := e.Task[strings.LastIndex(e.Task, "/")+1:]
	line := fmt.Sprintf("%v %s %v %d", e.Time.Sub(start).Truncate(time.Millisecond), id, e.Kind, e.Attempt)
	if e.Fault != "" {
		line += " " + string(e.Fault)
	}
	if e.Failure != "" {
		line += " " + e.Failure
	}
	d.lines = append(d.lines, line)
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.lines...)
}

// note is what a handler writes into the diary when it is called.
func (d *diary) note(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, s)
}

// faulty returns a service on a virtual clock with those faults of queueName, and its diary.
func faulty(t testing.TB, f localqueue.Faults, opts ...localqueue.Option) (*localqueue.Service, *diary) {
	t.Helper()
	d := &diary{}
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		d.note("  " + r.Header.Get("X-CloudTasks-TaskName") + " handled, retry count " + r.Header.Get("X-CloudTasks-TaskRetryCount"))
	}, append([]localqueue.Option{localqueue.WithObserver(d.observe)}, opts...)...)
	if err := s.SetFaults(queueName, f); err != nil {
		t.Fatal(err)
	}
	return s, d
}

func namedTask(id string) *resource.Task {
	task := httpTask()
	task.Name = queueName + "/tasks/" + id
	return task
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		faults localqueue.Faults
		want   []string
	}{
		{"twice", localqueue.Faults{Twice: 1}, []string{
			"0s a created 0", "0s a dispatched 1", "0s a fault 1 twice", "  a handled, retry count 0", "  a handled, retry count 0", "0s a succeeded 1"}},
		{"fail first, no response", localqueue.Faults{FailFirst: 1}, []string{
			"0s a created 0", "0s a dispatched 1", "0s a fault 1 fail", "0s a retried 1 UNAVAILABLE(14): HTTP status code 503",
			"99ms a dispatched 2", "  a handled, retry count 1", "99ms a succeeded 2"}},
		{"fail first, status", localqueue.Faults{FailFirst: 2, FailStatus: 429}, []string{
			"0s a created 0", "0s a dispatched 1", "0s a fault 1 fail", "0s a retried 1 RESOURCE_EXHAUSTED(8): HTTP status code 429",
			"99ms a dispatched 2", "99ms a fault 2 fail", "99ms a retried 2 RESOURCE_EXHAUSTED(8): HTTP status code 429",
			"299ms a dispatched 3", "  a handled, retry count 2", "299ms a succeeded 3"}},
		{"late", localqueue.Faults{Late: 1, Delay: time.Minute}, []string{
			"0s a created 0", "0s a fault 0 late", "59.999s a dispatched 1", "  a handled, retry count 0", "59.999s a succeeded 1"}},
		{"skew", localqueue.Faults{ClockSkew: -time.Minute}, []string{
			"0s a created 0", "0s a dispatched 1", "0s a fault 1 clock-skew", "  a handled, retry count 0", "0s a succeeded 1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, d := faulty(t, test.faults)
			add(t, s, namedTask("a"))
			if _, err := s.RunUntilIdle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, d.all()); diff != "" {
				t.Errorf("what happened (-want +got):\n%s", diff)
			}
		})
	}
}

// The handler has run and answered, yet the task is there, with an attempt that got no response.
func TestLoseAnswer(t *testing.T) {
	t.Parallel()
	s, d := faulty(t, localqueue.Faults{LoseAnswer: 1})
	created := add(t, s, namedTask("a"))
	if ran, err := s.RunNext(t.Context()); !ran || err != nil {
		t.Fatal(ran, err)
	}
	got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
	if err != nil || got.DispatchCount != 1 || got.ResponseCount != 0 || got.LastAttempt.Code != cloudtask.Unavailable || !got.LastAttempt.ResponseTime.IsZero() {
		t.Errorf("task %+v, last attempt %+v, %v", got, got.LastAttempt, err)
	}
	if err := s.SetFaults(queueName, localqueue.Faults{}); err != nil { // live
		t.Fatal(err)
	}
	if n, err := s.RunUntilIdle(t.Context()); n != 1 || err != nil {
		t.Errorf("%d more attempts, %v; want 1", n, err)
	}
	want := []string{"0s a created 0", "0s a dispatched 1", "  a handled, retry count 0", "0s a fault 1 lose-answer",
		"0s a retried 1 UNAVAILABLE(14): HTTP status code 503", "99ms a dispatched 2", "  a handled, retry count 1", "99ms a succeeded 2"}
	if diff := cmp.Diff(want, d.all()); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
}

// A late task keeps the ETA that it tells, and others overtake it; RunTask does not wait.
func TestLate(t *testing.T) {
	t.Parallel()
	var got []string
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("X-CloudTasks-TaskName")+" "+r.Header.Get("X-CloudTasks-TaskETA"))
	})
	if err := s.SetFaults("emails", localqueue.Faults{Late: 1, Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	add(t, s, namedTask("late"))
	forced := add(t, s, namedTask("forced"))
	if n, err := s.RunDue(t.Context()); n != 0 || err != nil {
		t.Errorf("%d attempts at once, %v; want 0", n, err)
	}
	if err := s.SetFaults("emails", localqueue.Faults{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RunTask(t.Context(), forced.Name, resource.ViewBasic); err != nil {
		t.Fatal(err)
	}
	add(t, s, namedTask("later"))
	if n, err := s.RunUntilIdle(t.Context()); n != 2 || err != nil {
		t.Errorf("%d attempts, %v; want 2", n, err)
	}
	eta := func(seconds int64) string { return fmt.Sprintf("%d.123456", start.Unix()+seconds) }
	if diff := cmp.Diff([]string{"forced " + eta(1), "later " + eta(1), "late " + eta(0)}, got); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	if now := s.Now().Sub(start); now < time.Hour-time.Microsecond || now > time.Hour {
		t.Errorf("ended at +%v, want an hour", now)
	}
}

func TestClockSkew(t *testing.T) {
	t.Parallel()
	var got []string
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("X-CloudTasks-TaskETA")) })
	for _, skew := range []time.Duration{time.Hour, -time.Hour} {
		if err := s.SetFaults("", localqueue.Faults{ClockSkew: skew}); err != nil {
			t.Fatal(err)
		}
		created := add(t, s, httpTask())
		if !created.ScheduleTime.Equal(start.Truncate(time.Microsecond)) {
			t.Errorf("stored schedule time %v", created.ScheduleTime)
		}
		if _, err := s.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{fmt.Sprintf("%d.123456", start.Unix()+3600), fmt.Sprintf("%d.123456", start.Unix()-3600)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ETAs (-want +got):\n%s", diff)
	}
}

// What befalls a task depends on the seed, its name and the attempt, and on nothing else; shares are kept.
func TestFaultsAreDeterministic(t *testing.T) {
	t.Parallel()
	fates := func(seed uint64, backwards bool) map[string]bool {
		failed := make(map[string]bool)
		s := newVirtual(t, answer(200), localqueue.WithSeed(seed), localqueue.WithObserver(func(e localqueue.Event) {
			if e.Fault == localqueue.FaultFail && e.Attempt == 1 {
				failed[e.Task] = true
			}
		}))
		if err := s.SetFaults("", localqueue.Faults{Fail: 0.25, Twice: 0.5, LoseAnswer: 0.5}); err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if backwards {
				i = 999 - i
			}
			add(t, s, namedTask(fmt.Sprint("t", i)))
		}
		if _, err := s.RunFor(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		return failed
	}
	first := fates(7, false)
	if n := len(first); n < 200 || n > 300 {
		t.Errorf("%d of 1000 first attempts failed, want about 250", n)
	}
	if diff := cmp.Diff(first, fates(7, true)); diff != "" {
		t.Errorf("other faults in another order (-first +second):\n%s", diff)
	}
	if cmp.Equal(first, fates(8, false)) {
		t.Error("the same faults with another seed")
	}
}

// The most specific setting counts.
func TestFaultsByQueue(t *testing.T) {
	t.Parallel()
	calls := make(map[string]int)
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) { calls[r.Header.Get("X-CloudTasks-QueueName")]++ })
	set := map[string]localqueue.Faults{
		"": {Twice: 1}, "failing": {FailFirst: 1}, location + "/queues/sound": {ClockSkew: time.Second},
	}
	for queue, f := range set {
		if err := s.SetFaults(queue, f); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(set, s.Faults()); diff != "" {
		t.Errorf("Faults (-want +got):\n%s", diff)
	}
	for _, queue := range []string{"any", "failing", "sound"} {
		if _, err := s.CreateTask(t.Context(), location+"/queues/"+queue, httpTask()); err != nil {
			t.Fatal(err)
		}
	}
	attempts, err := s.RunUntilIdle(t.Context())
	if diff := cmp.Diff(map[string]int{"any": 2, "failing": 1, "sound": 1}, calls); diff != "" || attempts != 4 || err != nil {
		t.Errorf("%d attempts, %v, want 4; calls of the handler (-want +got):\n%s", attempts, err, diff)
	}
	for queue := range set {
		if err := s.SetFaults(queue, localqueue.Faults{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.Faults()); n != 0 {
		t.Errorf("%d settings left", n)
	}
}

func TestSetFaultsRefuses(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	tests := []struct {
		name, queue string
		faults      localqueue.Faults
		want        string // in the message
	}{
		{"queue", "a_b", localqueue.Faults{Twice: 1}, `"a_b"`},
		{"share", "", localqueue.Faults{Twice: 1.5}, "Faults.Twice is 1.5"},
		{"negative share", "", localqueue.Faults{LoseAnswer: -0.1}, "Faults.LoseAnswer is -0.1"},
		{"no number", "", localqueue.Faults{Fail: math.NaN()}, "Faults.Fail is NaN"},
		{"late without delay", "", localqueue.Faults{Late: 0.5}, "set both"},
		{"delay without late", "", localqueue.Faults{Delay: time.Second}, "set both"},
		{"negative delay", "", localqueue.Faults{Late: 1, Delay: -time.Second}, "Faults.Delay is -1s"},
		{"negative attempts", "", localqueue.Faults{FailFirst: -1}, "Faults.FailFirst is -1"},
		{"success", "", localqueue.Faults{FailFirst: 1, FailStatus: 200}, "Faults.FailStatus is 200"},
		{"status of nothing", "", localqueue.Faults{FailStatus: 500}, "no attempt fails"},
		{"skew", "", localqueue.Faults{ClockSkew: math.MinInt64}, "Faults.ClockSkew"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := s.SetFaults(test.queue, test.faults)
			wantStatus(t, err, cloudtask.InvalidArgument, "")
			if err == nil || !strings.Contains(err.Error(), test.want) || len(s.Faults()) != 0 {
				t.Errorf("%v, want %q in it; settings %v", err, test.want, s.Faults())
			}
		})
	}
}

// On a real clock a duplicate is delivered at the same time, and a late task by the scheduler.
func TestFaultsOnARealClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		at := make(chan time.Duration, 10)
		s := newService(t, localqueue.WithHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != "{}" {
				t.Errorf("body %q, %v", body, err)
			}
			at <- time.Since(begin)
			time.Sleep(time.Second)
		})))
		if err := s.SetFaults("emails", localqueue.Faults{Twice: 1, Late: 1, Delay: time.Minute}); err != nil {
			t.Fatal(err)
		}
		add(t, s, httpTask())
		time.Sleep(time.Hour)
		if first, second := <-at, <-at; first != time.Minute || second != time.Minute || len(at) != 0 {
			t.Errorf("delivered at %v and %v, and %d times more", first, second, len(at))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func containsWord(line, word string) bool { return strings.Contains(" "+line+" ", " "+word+" ") }
