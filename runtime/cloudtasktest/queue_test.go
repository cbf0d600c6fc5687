package cloudtasktest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

var errDown = errors.New("mail server is down")

// enqueue enqueues a greeting.
func enqueue(t *testing.T, q *cloudtasktest.Queue, name string, opts ...cloudtask.EnqueueOption) cloudtask.Receipt {
	t.Helper()
	receipt, err := greetTask.Push(t.Context(), q.Client, &greet{Name: name}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return receipt
}

func TestWhatWasEnqueued(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	ctx := t.Context()
	receipt := enqueue(t, q, "Ada", cloudtask.WithDelay(90*time.Minute), cloudtask.WithHeader("X-Reason", "sign-up"),
		cloudtask.WithTimeout(time.Minute), cloudtask.WithHeader("Traceparent", "00-1-2-01"))
	got := cloudtasktest.Only(t, enqueuedGreet(q), greet{Name: "Ada"})
	if diff := cmp.Diff(receipt.Metadata.TaskID+" "+receipt.Queue+" "+receipt.ETA.String()+fmt.Sprint(receipt.Headers),
		got.TaskID+" "+got.Queue+" "+got.ETA.String()+fmt.Sprint(got.Headers)); diff != "" {
		t.Errorf("receipt (-returned +recorded):\n%s", diff)
	}
	if got.Delay() != 90*time.Minute || got.Timeout != time.Minute || got.AllHeaders.Get("x-reason") != "sign-up" || got.Name != "Greet" {
		t.Errorf("recorded %v: delay %v, timeout %v, headers %v", got, got.Delay(), got.Timeout, got.AllHeaders)
	}
	if q.Task(receipt) != got.Task {
		t.Error("the receipt's task is another")
	}
	got.WantWaiting(t, q.Now().Add(90*time.Minute))

	// A batch, an alias, a duplicate, and none of them any more.
	q.Forget()
	cloudtasktest.Nothing(t, q)
	cloudtasktest.None(t, enqueuedGreet(q))
	if _, err := greetTask.Batch(ctx, q.Client, []greet{{"Bo"}, {"Cy"}}); err != nil {
		t.Fatal(err)
	}
	enqueue(t, q, "Di", cloudtask.WithTaskName("di"))
	if again := enqueue(t, q, "Di", cloudtask.WithTaskName("di")); !again.Duplicate {
		t.Error("the second of its name is no duplicate")
	}
	former := &cloudtask.Task{URL: "http://localhost:8080/tasks/Hello", Body: []byte(`{"Name":"Ed"}`)}
	if _, err := q.Backend.CreateTask(ctx, "projects/test/locations/here/queues/greetings", former); err != nil {
		t.Fatal(err)
	}
	all := cloudtasktest.Exactly(t, enqueuedGreet(q), greet{"Ed"}, greet{"Cy"}, greet{"Bo"}, greet{"Di"})
	if len(all) != 4 || all[0].Payload.Name != "Bo" || len(q.Tasks()) != 4 {
		t.Errorf("%v, want four, Bo first", all)
	}
}

// Outcomes of attempts and of tasks, with the errors themselves.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t, greetTask.Route(func(ctx context.Context, payload any) error {
		task := payload.(*greet)
		switch task.Name {
		case "done":
			return nil
		case "never":
			return cloudtask.DiscardStatus(http.StatusNoContent, errDown)
		case "once":
			return failsFirst(1)(ctx, task)
		}
		return fmt.Errorf("greeting: %w", errDown)
	}))
	if _, err := q.Service.CreateQueue(t.Context(), "projects/test/locations/here", &resource.Queue{
		Name: "projects/test/locations/here/queues/strict", Retry: cloudtask.RetryConfig{MaxAttempts: 2, MinBackoff: time.Minute},
	}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		want  cloudtasktest.Outcome
		of    []cloudtasktest.Outcome
		after time.Duration
	}{
		{"done", cloudtasktest.Executed, []cloudtasktest.Outcome{cloudtasktest.Executed}, 0},
		{"never", cloudtasktest.Discarded, []cloudtasktest.Outcome{cloudtasktest.Discarded}, 0},
		{"once", cloudtasktest.Executed, []cloudtasktest.Outcome{cloudtasktest.Failed, cloudtasktest.Executed}, time.Minute},
		{"always", cloudtasktest.Exhausted, []cloudtasktest.Outcome{cloudtasktest.Failed, cloudtasktest.Exhausted}, time.Minute},
	}
	for _, test := range tests {
		begin := q.Now()
		task := q.Task(enqueue(t, q, test.name, cloudtask.WithQueue("strict")))
		first := q.RunNext()
		if len(test.of) > 1 {
			task.WantWaiting(t, begin.Add(time.Minute))
			if !errors.Is(first.Err, errDown) || first.Status != 500 || !first.Next.Equal(task.Next()) {
				t.Errorf("%s: %v", test.name, first)
			}
		}
		q.RunAll()
		task.Want(t, test.want)
		if diff := cmp.Diff(test.of, cloudtasktest.Outcomes(task.Attempts())); diff != "" || q.Now().Sub(begin) != test.after {
			t.Errorf("%s: after %v, outcomes (-want +got):\n%s", test.name, q.Now().Sub(begin), diff)
		}
	}
	if a := cloudtasktest.All(t, enqueuedGreet(q))[1].Attempts()[0]; a.Status != http.StatusNoContent || !errors.Is(a.Err, errDown) {
		t.Errorf("the discarded attempt is %v", a)
	}

	waiting := q.Task(enqueue(t, q, "later", cloudtask.WithDelay(time.Hour)))
	if _, err := greetTask.Discard(t.Context(), q.Client); err != nil {
		t.Fatal(err)
	}
	waiting.Want(t, cloudtasktest.Deleted)
	if attempts := q.RunAll(); len(attempts) != 0 {
		t.Errorf("a deleted task was attempted: %v", attempts)
	}
}

// A task that deletes itself while it runs has an attempt that ended, too; and a name that has become free is another
// task's.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	q.Handle(greetTask.Route(func(ctx context.Context, _ any) error {
		_, err := greetTask.Discard(ctx, q.Client)
		return err
	}))
	task := q.Task(enqueue(t, q, "Ada", cloudtask.WithTaskName("ada")))
	if got := q.RunNext(); got.Outcome != cloudtasktest.Deleted || got.Number != 1 {
		t.Errorf("attempt %v, want one that was deleted", got)
	}
	task.Want(t, cloudtasktest.Deleted)
	q.RunFor(25 * time.Hour)
	second := q.Task(enqueue(t, q, "Ada", cloudtask.WithTaskName("ada")))
	task.Want(t, cloudtasktest.Deleted)
	second.WantWaiting(t, q.Now())
}

func TestOptions(t *testing.T) {
	t.Parallel()
	begin := time.Date(2031, 5, 6, 23, 59, 0, 0, time.UTC)
	q := cloudtasktest.NewWithOptions(t, cloudtasktest.Options{
		Config: cloudtask.Config{Queue: "mine", BackupQueue: "backup", MaxETA: time.Hour, PropagatedHeaders: []string{"X-Tenant"}},
		Service: []localqueue.Option{localqueue.WithStrict(), localqueue.WithVirtualClock(begin),
			localqueue.WithQueues(resource.Queue{Name: "backup"})},
	})
	ctx := t.Context()
	if _, err := greetTask.Later(ctx, q.Client, &greet{}, cloudtask.In(2*time.Hour)); !errors.Is(err, cloudtask.ErrETATooFar) {
		t.Errorf("beyond the maximum ETA: %v", err)
	}
	if receipt := enqueue(t, q, "Ada", cloudtask.WithHeader("X-Tenant", "7")); receipt.Queue != "backup" || !receipt.ETA.Equal(begin) {
		t.Errorf("receipt %+v, want queue backup, due %v", receipt, begin)
	}
	if got := cloudtasktest.Only(t, enqueuedGreet(q)).Headers.Get("X-Tenant"); got != "7" {
		t.Errorf("propagated %q, want 7", got)
	}
	if err := q.Client.Close(); err != nil {
		t.Error(err)
	}
	enqueue(t, q, "Bo") // Closing a client of the test's does not end its queue.
}

// What others enqueue at the same time is recorded, waited for and run; each test has its own.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t, greetTask.Route(failsFirst(1)))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 100 {
			if _, err := greetTask.Asap(context.WithoutCancel(t.Context()), q.Client, &greet{Name: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		}
	}()
	cloudtasktest.Eventually(t, enqueuedGreet(q), greet{Name: "50"})
	attempts := q.RunAll()
	<-done
	attempts = append(attempts, q.RunAll()...)
	if len(attempts) != 200 {
		t.Errorf("%d attempts, want 200", len(attempts))
	}
	for _, task := range q.Tasks() {
		task.Want(t, cloudtasktest.Executed)
	}
	other := cloudtasktest.New(t)
	cloudtasktest.Nothing(t, other)
}

// losesAnswers loses the answer to the first call.
type losesAnswers struct {
	cloudtask.Backend
	lost bool
}

func (l *losesAnswers) CreateTasks(ctx context.Context, queue, requestID string, tasks []*cloudtask.Task) ([]cloudtask.CreateResult, error) {
	results, err := l.Backend.CreateTasks(ctx, queue, requestID, tasks)
	if !l.lost {
		l.lost = true
		return nil, &cloudtask.StatusError{Code: cloudtask.Unavailable}
	}
	return results, err
}

// A client of the program's own enqueues here too. What it enqueues again because the answer was lost is one task.
func TestRepeatedBatch(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	cfg := q.Config
	cfg.EnqueueRetry = cloudtask.RetryPolicy{On: []cloudtask.Code{cloudtask.Unavailable}, Initial: time.Millisecond}
	client, err := cloudtask.NewClient(&losesAnswers{Backend: q.Backend}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := greetTask.Batch(t.Context(), client, []greet{{"Ada"}, {"Bo"}}); err != nil {
		t.Fatal(err)
	}
	cloudtasktest.Exactly(t, enqueuedGreet(q), greet{"Ada"}, greet{"Bo"})
}

// The end of the test is the end of its queue.
func TestEnd(t *testing.T) {
	t.Parallel()
	fake := &fakeTB{ctx: t.Context()}
	q := cloudtasktest.New(fake)
	fake.end()
	if _, err := greetTask.Asap(t.Context(), q.Client, &greet{}); !errors.Is(err, localqueue.ErrClosed) {
		t.Errorf("enqueue after the test: %v, want ErrClosed", err)
	}
}
