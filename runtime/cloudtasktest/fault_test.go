package cloudtasktest_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		inject func(q *cloudtasktest.Queue)
		runs   int // of the task
		want   []string
	}{
		{"none", func(q *cloudtasktest.Queue) {}, 1, []string{"executed, HTTP 200"}},
		{"an attempt fails", func(q *cloudtasktest.Queue) { q.FailAttempt(2, 429); q.FailAttempt(1, 503) }, 1, []string{
			"failed, HTTP 503, made to fail by the test (FailAttempt); the next in 100ms",
			"failed, HTTP 429, made to fail by the test (FailAttempt); the next in 200ms", "executed, HTTP 200"}},
		{"nothing listens", func(q *cloudtasktest.Queue) { q.FailAttempt(1, 0, "Greet") }, 1, []string{
			"failed, made to fail by the test (FailAttempt); the next in 100ms", "executed, HTTP 200"}},
		{"another type fails", func(q *cloudtasktest.Queue) { q.FailAttempt(1, 503, "Hello") }, 1, []string{"executed, HTTP 200"}},
		{"the answer is lost", func(q *cloudtasktest.Queue) { q.LoseAnswer(1) }, 2, []string{
			"failed, its answer was lost by the test (LoseAnswer); the next in 100ms", "executed, HTTP 200"}},
		{"delivered twice", func(q *cloudtasktest.Queue) { q.DeliverTwice() }, 2, []string{"executed, HTTP 200"}},
		{"all at once", func(q *cloudtasktest.Queue) { q.DeliverTwice("Greet"); q.LoseAnswer(2); q.FailAttempt(1, 500) }, 4, []string{
			"failed, HTTP 500, made to fail by the test (FailAttempt); the next in 100ms",
			"failed, its answer was lost by the test (LoseAnswer); the next in 200ms", "executed, HTTP 200"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			q := cloudtasktest.New(t, greetTask.Route(func(_ context.Context, payload any) error {
				task := payload.(*greet)
				if runs++; task.Name != "Ada" {
					t.Errorf("ran with %+v", task)
				}
				return nil
			}))
			test.inject(q)
			enqueue(t, q, "Ada", cloudtask.WithTaskName("ada"))
			var got []string
			for _, attempt := range q.RunAll() {
				got = append(got, attempt.String()[len("Greet ada attempt 1: "):])
			}
			if diff := cmp.Diff(test.want, got); diff != "" || runs != test.runs {
				t.Errorf("%d runs, want %d; attempts (-want +got):\n%s", runs, test.runs, diff)
			}
		})
	}
}

// The first of two answers counts, and it is the first run's error that the attempt has.
func TestFirstAnswerCounts(t *testing.T) {
	t.Parallel()
	runs := 0
	q := cloudtasktest.New(t, greetTask.Route(func(context.Context, any) error {
		if runs++; runs == 2 {
			return cloudtask.Discard(errDown)
		}
		return nil
	}))
	q.DeliverTwice()
	enqueue(t, q, "Ada")
	if got := q.RunNext(); got.Outcome != cloudtasktest.Executed || got.Err != nil || runs != 2 {
		t.Errorf("%v after %d runs, want executed after 2", got, runs)
	}
}
