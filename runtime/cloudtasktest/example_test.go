package cloudtasktest_test

import (
	"context"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// TestExamples runs the examples, which need a test.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, example := range []func(){ExampleOnly, ExampleQueue_RunAll, ExampleQueue_RunFor} {
		example()
		body(t)
	}
}

// body is that of the test which an example shows.
var body func(t *testing.T)

func inTest(f func(t *testing.T)) { body = f }

// signUp is the code under test.
func signUp(ctx context.Context, client *cloudtask.Client, userID int64) error {
	_, err := tasks.EnqueueSendWelcomeEmailLater(ctx, client, tasks.SendWelcomeEmail{UserID: userID}, cloudtask.In(30*time.Minute))
	return err
}

// Only fails the test unless exactly this task was enqueued.
func ExampleOnly() {
	inTest(func(t *testing.T) {
		q := cloudtasktest.New(t)
		if err := signUp(t.Context(), q.Client, 7); err != nil {
			t.Fatal(err)
		}

		email := cloudtasktest.Only(t, tasks.EnqueuedSendWelcomeEmail(q), tasks.SendWelcomeEmail{UserID: 7})
		if email.Delay() != 30*time.Minute {
			t.Errorf("due in %v, want half an hour", email.Delay())
		}
		cloudtasktest.None(t, tasks.EnqueuedCloseAccount(q))
	})
}

// A queue that has the package's routes runs its tasks, when the test says so.
func ExampleQueue_RunAll() {
	inTest(func(t *testing.T) {
		sent := 0
		app := &tasks.App{
			Users: map[int64]tasks.User{7: {Name: "Ada", Email: "ada@example.com"}},
			Mail:  func(context.Context, string, string) error { sent++; return nil },
		}
		q := cloudtasktest.New(t, tasks.Routes(app)...)
		if err := signUp(t.Context(), q.Client, 7); err != nil {
			t.Fatal(err)
		}
		q.RunAll()
		if sent != 1 {
			t.Errorf("%d e-mails, want 1", sent)
		}
	})
}

// A week of retries takes milliseconds: the queue's clock is virtual.
func ExampleQueue_RunFor() {
	inTest(func(t *testing.T) {
		q := cloudtasktest.New(t, tasks.Routes(&tasks.App{})...)
		q.FailAttempt(1, 503) // the first attempt of each task
		if err := signUp(t.Context(), q.Client, 7); err != nil {
			t.Fatal(err)
		}
		attempts := q.RunFor(7 * 24 * time.Hour)
		t.Log(cloudtasktest.Outcomes(attempts)) // failed, then discarded: there is no user 7
	})
}
