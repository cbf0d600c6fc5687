package localqueue_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// In a bubble the service and the handlers have one clock: what a handler sleeps is how long its attempt takes, a
// deadline ends a wait, and what the bubble's other goroutines add on the way is delivered when it is due.
func TestSynctestClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var got []string
		note := func(format string, args ...any) {
			got = append(got, time.Since(begin).String()+" "+fmt.Sprintf(format, args...))
		}
		s := newService(t, localqueue.WithSynctestClock(),
			localqueue.WithObserver(func(e localqueue.Event) {
				if e.Kind == localqueue.TaskSucceeded || e.Kind == localqueue.TaskRetried {
					note("%v %d after %v", e.Kind, e.Attempt, e.Duration)
				}
			}),
			localqueue.WithHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				note("%s attempt %s", r.URL.Path, r.Header.Get("X-Cloudtasks-Taskretrycount"))
				switch {
				case r.URL.Path == "/slow":
					time.Sleep(3 * time.Second)
				case r.URL.Path == "/stuck" && r.Header.Get("X-Cloudtasks-Taskretrycount") == "0":
					<-r.Context().Done()
				}
			})))
		at := func(path string, after time.Duration) {
			task := httpTask()
			task.HTTP.URL = "http://localhost" + path
			task.ScheduleTime = begin.Add(after)
			add(t, s, task)
		}
		at("/slow", time.Minute)
		at("/stuck", 2*time.Hour)
		go func() {
			time.Sleep(time.Hour)
			at("/added", 0)
		}()
		attempts, err := s.RunFor(t.Context(), 24*time.Hour)
		if err != nil || attempts != 4 || time.Since(begin) != 24*time.Hour || !s.Now().Equal(time.Now()) {
			t.Errorf("%d attempts, %v after %v; want 4 after 24h", attempts, err, time.Since(begin))
		}
		want := []string{
			"1m0s /slow attempt 0",
			"1m3s succeeded 1 after 3s",
			"1h0m0s /added attempt 0",
			"1h0m0s succeeded 1 after 0s",
			"2h0m0s /stuck attempt 0",
			"2h10m0s retried 1 after 10m0s",
			"2h10m0.1s /stuck attempt 1",
			"2h10m0.1s succeeded 2 after 0s",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("what happened (-want +got):\n%s", diff)
		}

		at("/late", 25*time.Hour)
		if err := s.Advance(2 * time.Hour); err != nil || time.Since(begin) != 26*time.Hour {
			t.Errorf("Advance: %v, then it is %v", err, time.Since(begin))
		}
		if attempts, err := s.RunDue(t.Context()); attempts != 1 || err != nil {
			t.Errorf("RunDue made %d attempts, %v; want 1", attempts, err)
		}
	})
}
