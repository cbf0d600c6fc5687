package cloudtasktest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// newServer returns a program's handler: with middleware, and a check of tokens.
func newServer(t *testing.T, cfg cloudtask.Config, run func(context.Context, any) error) http.Handler {
	t.Helper()
	handler, err := cloudtask.NewHandler(cfg, greetTask.Route(run))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tasks/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", "yes")
		handler.ServeHTTP(w, r)
	})
	return mux
}

// A program's own handler gets tasks as Cloud Tasks sends them, in the process and over a network.
func TestDeliverTo(t *testing.T) {
	t.Parallel()
	for _, networked := range []bool{false, true} {
		q := cloudtasktest.New(t)
		handler := newServer(t, q.Config, failsFirst(1))
		if networked {
			server := httptest.NewTLSServer(handler)
			defer server.Close()
			q.DeliverToServer(server.URL, server.Client())
		} else {
			q.DeliverTo(handler)
		}
		q.LoseAnswer(2)
		task := q.Task(enqueue(t, q, "Ada"))
		want := []cloudtasktest.Outcome{cloudtasktest.Failed, cloudtasktest.Failed, cloudtasktest.Executed}
		attempts := q.RunAll()
		if diff := cmp.Diff(want, cloudtasktest.Outcomes(attempts)); diff != "" {
			t.Errorf("networked %t: outcomes (-want +got):\n%s\n%v", networked, diff, attempts)
		}
		task.Want(t, cloudtasktest.Executed)
		if attempts[0].Err != nil && attempts[0].Err.Error() != errDown.Error() {
			t.Errorf("networked %t: %v", networked, attempts[0])
		}
	}

	// A handler that was made for production does not know the tests' tokens.
	strict := cloudtasktest.New(t)
	strict.DeliverTo(newServer(t, cloudtask.Config{ServiceAccount: "tasks@demo.iam.gserviceaccount.com", Logger: slog.New(slog.DiscardHandler),
		Authenticator: &cloudtask.OIDCAuthenticator{}}, failsFirst(0)))
	enqueue(t, strict, "Ada")
	if got := strict.RunNext(); got.Status != 401 || !strings.Contains(got.Err.Error(), "make the handler with the queue's Config") {
		t.Errorf("a foreign handler: %v", got)
	}

	// Nobody listens any more, or what answers knows nothing of tasks.
	server := httptest.NewServer(http.NotFoundHandler())
	q := cloudtasktest.New(t)
	q.DeliverToServer(server.URL, nil)
	enqueue(t, q, "Ada")
	if got := q.RunNext(); got.Status != http.StatusNotFound || got.Err == nil || got.Err.Error() != "answered 404 404 page not found\n" {
		t.Errorf("nothing there: %v", got)
	}
	server.Close()
	if got := q.RunNext(); got.Status != 0 || got.Outcome != cloudtasktest.Failed || got.Err == nil {
		t.Errorf("nobody listens: %v", got)
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	var meta cloudtask.Metadata
	handler := newServer(t, q.Config, func(ctx context.Context, _ any) error {
		meta = cloudtask.MetadataFrom(ctx)
		return nil
	})
	receipt := enqueue(t, q, "Ada", cloudtask.WithDelay(time.Hour), cloudtask.WithHeader("Traceparent", "00-1-2-01"), cloudtask.WithQueue("tasks"))
	task := cloudtasktest.Only(t, enqueuedGreet(q))
	tests := []struct {
		statuses []int
		want     cloudtask.Metadata
	}{
		{nil, cloudtask.Metadata{ETA: receipt.ETA}},
		{[]int{503, 404}, cloudtask.Metadata{Dispatches: 2, Executions: 1, ETA: receipt.ETA.Add(300 * time.Millisecond), PreviousResponse: 404, PreviousFailure: "HTTP 404"}},
		{[]int{0}, cloudtask.Metadata{Dispatches: 1, ETA: receipt.ETA.Add(100 * time.Millisecond), PreviousResponse: 503, PreviousFailure: "HTTP 503"}},
	}
	for _, test := range tests {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, cloudtasktest.Request(t, task.Task, test.statuses...))
		if answer.Code != http.StatusOK || answer.Header().Get("X-Seen") != "yes" {
			t.Fatalf("after %v: answer %d %s", test.statuses, answer.Code, answer.Body)
		}
		test.want.TaskID, test.want.Queue, test.want.Headers = receipt.TaskID, "tasks", http.Header{"Traceparent": {"00-1-2-01"}}
		meta.Project = ""
		if diff := cmp.Diff(test.want, meta, cmp.FilterPath(unexported, cmp.Ignore())); diff != "" {
			t.Errorf("after %v: metadata (-want +got):\n%s", test.statuses, diff)
		}
	}

	// The check of tokens is on.
	r := cloudtasktest.Request(t, task.Task)
	r.Header.Del("Authorization")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, r)
	if answer.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", answer.Code)
	}
	task.WantWaiting(t, receipt.ETA) // and stays as it was

	// What a test serves itself is none of the queue's attempts.
	failing := newServer(t, q.Config, func(context.Context, any) error { return cloudtask.Discard(errDown) })
	failing.ServeHTTP(httptest.NewRecorder(), cloudtasktest.Request(t, task.Task))
	q.DeliverTo(handler)
	if got := q.RunNext(); got.Outcome != cloudtasktest.Executed || got.Err != nil {
		t.Errorf("the queue's first attempt: %v", got)
	}
}

func unexported(p cmp.Path) bool {
	field, ok := p.Last().(cmp.StructField)
	return ok && field.Name()[0] >= 'a'
}

// In a bubble, code that asks for the time has the queue's.
func TestBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		q := cloudtasktest.New(t)
		var at []time.Duration
		q.DeliverTo(newServer(t, q.Config, func(ctx context.Context, payload any) error {
			task := payload.(*greet)
			at = append(at, time.Since(begin))
			if task.Name == "stuck" && cloudtask.MetadataFrom(ctx).FirstAttempt() {
				<-ctx.Done()
				return ctx.Err()
			}
			if task.Name == "Ada" {
				_, err := greetTask.Later(ctx, q.Client, &greet{Name: "next day"}, cloudtask.At(time.Now().Add(24*time.Hour)))
				return err
			}
			return nil
		}))
		enqueue(t, q, "Ada", cloudtask.WithDelay(time.Hour))
		stuck := q.Task(enqueue(t, q, "stuck", cloudtask.WithDelay(48*time.Hour), cloudtask.WithTimeout(5*time.Minute)))
		go func() {
			time.Sleep(3 * time.Second)
			enqueue(t, q, "aside", cloudtask.WithTaskName("aside"))
		}()
		if aside := cloudtasktest.Eventually(t, enqueuedGreet(q), greet{Name: "aside"}); aside.TaskID != "aside" {
			t.Errorf("eventually %v", aside)
		}
		q.RunFor(7 * 24 * time.Hour)
		want := []time.Duration{3 * time.Second, time.Hour, 25 * time.Hour, 48 * time.Hour, 48*time.Hour + 5*time.Minute - 6*time.Second + 100*time.Millisecond}
		if diff := cmp.Diff(want, at); diff != "" {
			t.Errorf("tasks ran after (-want +got):\n%s", diff)
		}
		if first := stuck.Attempts()[0]; first.Took != 5*time.Minute-6*time.Second || first.Outcome != cloudtasktest.Failed {
			t.Errorf("stuck: %v, took %v", first, first.Took)
		}
		if got := time.Since(begin); got != 7*24*time.Hour+3*time.Second {
			t.Errorf("it is %v later", got)
		}
	})
}

// The time of a run is over as it would be in production, by whichever clock the test has: the context ends before the
// dispatch deadline, a run that stops then is answered in time, and one that goes on is not.
func TestRunTime(t *testing.T) {
	t.Parallel()
	type ending struct{ Err, Cause error }
	expired := ending{context.DeadlineExceeded, context.DeadlineExceeded}
	tests := []struct {
		took    time.Duration
		ending  ending
		outcome cloudtasktest.Outcome
	}{
		{14*time.Second - time.Nanosecond, ending{}, cloudtasktest.Executed},
		{14 * time.Second, expired, cloudtasktest.Executed},
		{15*time.Second - time.Nanosecond, expired, cloudtasktest.Executed},
		{15 * time.Second, expired, cloudtasktest.Failed},
		{time.Hour, expired, cloudtasktest.Failed},
	}
	check := func(t *testing.T, direct bool, settle func()) {
		for _, test := range tests {
			for _, waits := range []bool{false, true} {
				var q *cloudtasktest.Queue
				var got ending
				run := func(ctx context.Context, _ any) error {
					if !cloudtask.MetadataFrom(ctx).FirstAttempt() {
						return nil
					}
					if waits {
						ctx.Done()
					}
					if err := q.Service.Advance(test.took); err != nil {
						t.Error(err)
					}
					settle() // timers of that very moment
					got = ending{ctx.Err(), context.Cause(ctx)}
					return nil
				}
				if q = cloudtasktest.New(t); direct {
					q.Handle(greetTask.Route(run))
				} else {
					q.DeliverTo(newServer(t, q.Config, run))
				}
				enqueue(t, q, "Ada", cloudtask.WithTimeout(15*time.Second))
				attempt := q.RunNext()
				if attempt.Outcome != test.outcome || attempt.Took != test.took || got != test.ending {
					t.Errorf("after %v, waited for %t: %v, took %v, the context ended with %v; want %s and %v", test.took, waits, attempt, attempt.Took, got, test.outcome, test.ending)
				}
				if failed := test.outcome == cloudtasktest.Failed; failed != errors.Is(attempt.Err, context.DeadlineExceeded) {
					t.Errorf("after %v: the attempt's error is %v", test.took, attempt.Err)
				}
			}
		}
	}
	for _, direct := range []bool{false, true} {
		t.Run(fmt.Sprintf("virtual clock, routes %t", direct), func(t *testing.T) {
			t.Parallel()
			check(t, direct, func() {})
		})
		t.Run(fmt.Sprintf("bubble, routes %t", direct), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { check(t, direct, synctest.Wait) })
		})
	}
}
