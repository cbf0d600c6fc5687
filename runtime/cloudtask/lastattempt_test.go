package cloudtask_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// settingsBackend answers for one queue and its tasks, and counts how often it is asked.
type settingsBackend struct {
	cloudtask.Backend // not called

	mu     sync.Mutex
	retry  cloudtask.RetryConfig
	first  time.Time // of every task
	err    error
	delay  time.Duration
	queues []string // asked for
	tasks  []string
}

func (b *settingsBackend) GetQueue(ctx context.Context, name string) (*cloudtask.Queue, error) {
	b.mu.Lock()
	b.queues = append(b.queues, name)
	delay, err, retry := b.delay, b.err, b.retry
	b.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return &cloudtask.Queue{Name: name, Retry: retry}, nil
}

func (b *settingsBackend) GetTask(_ context.Context, name string) (*cloudtask.Task, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tasks = append(b.tasks, name)
	if b.err != nil {
		return nil, b.err
	}
	return &cloudtask.Task{Name: name, FirstAttempt: b.first}, nil
}

var located = cloudtask.Config{InsecureNoAuth: true, Project: "acme", Location: "europe-west1"}

type lastAttempt struct {
	last bool
	err  error
}

// ask returns what LastAttempt says in a run after so many dispatches.
func ask(t testing.TB, cfg cloudtask.Config, retry *cloudtask.RetryConfig, backend cloudtask.Backend, dispatches int, work time.Duration) lastAttempt {
	t.Helper()
	def := greetTask
	def.Retry = retry
	var answer lastAttempt
	h := newHandler(t, cfg, def.Route(func(ctx context.Context, _ any) error {
		time.Sleep(work)
		answer.last, answer.err = cloudtask.MetadataFrom(ctx).LastAttempt(ctx)
		return nil
	}))
	if backend != nil {
		h = cloudtask.ProvideQueueSettings(backend)(h)
	}
	w := post(h, "/tasks/Greet", `{"name":"Ann"}`, "X-CloudTasks-TaskName", "0123", "X-CloudTasks-QueueName", "mail",
		"X-CloudTasks-TaskRetryCount", strconv.Itoa(dispatches))
	if w.Code != 200 {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	return answer
}

func TestLastAttempt(t *testing.T) {
	t.Parallel()
	const hour, minute = time.Hour, time.Minute
	tests := []struct {
		name       string
		directive  *cloudtask.RetryConfig
		queue      cloudtask.RetryConfig
		dispatches int
		since      time.Duration // the first attempt
		work       time.Duration // before it asks
		want       bool
		queueAsked bool
		taskAsked  bool
	}{
		{name: "attempts left", directive: &cloudtask.RetryConfig{MaxAttempts: 3}, dispatches: 1},
		{name: "attempts reached", directive: &cloudtask.RetryConfig{MaxAttempts: 3}, dispatches: 2, want: true},
		{name: "attempts exceeded", directive: &cloudtask.RetryConfig{MaxAttempts: 3}, dispatches: 7, want: true},
		{name: "one attempt", directive: &cloudtask.RetryConfig{MaxAttempts: 1}, want: true},
		{name: "default, left", directive: &cloudtask.RetryConfig{MinBackoff: 1}, dispatches: 98},
		{name: "default, reached", directive: &cloudtask.RetryConfig{MinBackoff: 1}, dispatches: 99, want: true},
		{name: "unlimited", directive: &cloudtask.RetryConfig{MaxAttempts: -1}, dispatches: 1_000_000},
		{name: "age, first attempt", directive: &cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: minute}},
		{name: "age, first attempt takes that long", directive: &cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: minute}, work: 61 * time.Second, want: true},
		{name: "age not exceeded", directive: &cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: hour}, dispatches: 5, since: hour, taskAsked: true},
		{name: "age exceeded", directive: &cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: hour}, dispatches: 5, since: hour + 1, want: true, taskAsked: true},
		{name: "age exceeded meanwhile", directive: &cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: hour}, dispatches: 5, since: hour, work: 1, want: true, taskAsked: true},
		{name: "both, neither exceeded", directive: &cloudtask.RetryConfig{MaxAttempts: 3, MaxRetryDuration: hour}, dispatches: 1, since: minute},
		{name: "both, only age", directive: &cloudtask.RetryConfig{MaxAttempts: 3, MaxRetryDuration: hour}, dispatches: 1, since: 2 * hour},
		{name: "both, only attempts", directive: &cloudtask.RetryConfig{MaxAttempts: 3, MaxRetryDuration: hour}, dispatches: 9, since: minute, taskAsked: true},
		{name: "both, both", directive: &cloudtask.RetryConfig{MaxAttempts: 3, MaxRetryDuration: hour}, dispatches: 2, since: 2 * hour, want: true, taskAsked: true},
		{name: "age with the default attempts", directive: &cloudtask.RetryConfig{MaxRetryDuration: hour}, dispatches: 50, since: 2 * hour},
		{name: "queue, left", queue: cloudtask.RetryConfig{MaxAttempts: 5}, dispatches: 3, queueAsked: true},
		{name: "queue, reached", queue: cloudtask.RetryConfig{MaxAttempts: 5}, dispatches: 4, want: true, queueAsked: true},
		{name: "queue, unlimited", queue: cloudtask.RetryConfig{MaxAttempts: -1}, dispatches: 400, queueAsked: true},
		{name: "queue, both", queue: cloudtask.RetryConfig{MaxAttempts: 5, MaxRetryDuration: hour}, dispatches: 4, since: 2 * hour, want: true, queueAsked: true, taskAsked: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				backend := &settingsBackend{retry: test.queue, first: time.Now().Add(-test.since)}
				got := ask(t, located, test.directive, backend, test.dispatches, test.work)
				if got != (lastAttempt{test.want, nil}) {
					t.Errorf("LastAttempt: %t, %v; want %t", got.last, got.err, test.want)
				}
				const queue = "projects/acme/locations/europe-west1/queues/mail"
				if test.queueAsked != (strings.Join(backend.queues, ",") == queue) || test.taskAsked != (strings.Join(backend.tasks, ",") == queue+"/tasks/0123") {
					t.Errorf("asked for queues %q and tasks %q", backend.queues, backend.tasks)
				}
			})
		})
	}
}

func TestLastAttemptUnknown(t *testing.T) {
	t.Parallel()
	denied := &cloudtask.StatusError{Code: cloudtask.PermissionDenied, Message: "cloudtasks.queues.get"}
	aged := &cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: time.Hour}
	tests := []struct {
		name    string
		cfg     cloudtask.Config
		retry   *cloudtask.RetryConfig
		backend cloudtask.Backend
		says    string
		is      error
	}{
		{"no directive, nobody to ask", located, nil, nil, "wrap the handler with cloudtask.ProvideQueueSettings", nil},
		{"age, nobody to ask", located, aged, nil, "wrap the handler with cloudtask.ProvideQueueSettings", nil},
		{"project unknown", cloudtask.Config{InsecureNoAuth: true, Location: "l"}, nil, &settingsBackend{}, `project "", location "l" and queue "mail" must all be known`, nil},
		{"location unknown", cloudtask.Config{InsecureNoAuth: true, Project: "p"}, nil, &settingsBackend{}, `project "p", location "" and queue "mail" must all be known`, nil},
		{"queue not readable", located, nil, &settingsBackend{err: denied}, "reading the settings of projects/acme/locations/europe-west1/queues/mail: PERMISSION_DENIED", denied},
		{"task not readable", located, aged, &settingsBackend{err: denied}, "when task 0123 of projects/acme/locations/europe-west1/queues/mail was tried first: PERMISSION_DENIED", denied},
		{"first attempt not told", located, aged, &settingsBackend{}, "does not say when task 0123", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := ask(t, test.cfg, test.retry, test.backend, 1, 0)
			if got.last || !errors.Is(got.err, cloudtask.ErrRetryLimitsUnknown) || !strings.Contains(got.err.Error(), test.says) {
				t.Errorf("LastAttempt: %t, %v; want ErrRetryLimitsUnknown that says %q", got.last, got.err, test.says)
			}
			if test.is != nil && !errors.Is(got.err, test.is) {
				t.Errorf("error %v does not wrap %v", got.err, test.is)
			}
		})
	}
}

func TestLastAttemptOutsideOfQueues(t *testing.T) {
	t.Parallel()
	if last, err := cloudtask.MetadataFrom(t.Context()).LastAttempt(t.Context()); last || !errors.Is(err, cloudtask.ErrRetryLimitsUnknown) {
		t.Errorf("outside of a task: %t, %v", last, err)
	}
	def := greetTask
	def.Retry = &cloudtask.RetryConfig{MaxAttempts: 1}
	h := newHandler(t, insecure, def.Route(func(ctx context.Context, _ any) error {
		if last, err := cloudtask.MetadataFrom(ctx).LastAttempt(ctx); last || !errors.Is(err, cloudtask.ErrRetryLimitsUnknown) {
			t.Errorf("called by Cloud Scheduler, whose jobs have limits of their own: %t, %v", last, err)
		}
		return nil
	}))
	post(h, "/tasks/Greet", `{"name":"Ann"}`, "X-CloudScheduler", "true")
	ctx := def.Sync(t.Context())
	if last, err := cloudtask.MetadataFrom(ctx).LastAttempt(ctx); !last || err != nil {
		t.Errorf("run synchronously: %t, %v", last, err)
	}
}

func TestQueueSettingsAreRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := &settingsBackend{retry: cloudtask.RetryConfig{MaxAttempts: 2}, delay: time.Second}
		var mu sync.Mutex
		var answers []lastAttempt
		h := cloudtask.ProvideQueueSettings(backend)(newHandler(t, located, route(func(ctx context.Context, _ string) error {
			last, err := cloudtask.MetadataFrom(ctx).LastAttempt(ctx)
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, lastAttempt{last, err})
			return nil
		})))
		run := func() {
			post(h, "/tasks/Greet", `{"name":"Ann"}`, "X-CloudTasks-TaskName", "0123", "X-CloudTasks-QueueName", "mail", "X-CloudTasks-TaskRetryCount", "1")
		}
		expect := func(calls int, want lastAttempt) {
			t.Helper()
			if len(backend.queues) != calls {
				t.Errorf("asked %d times, want %d", len(backend.queues), calls)
			}
			for _, got := range answers {
				if got.last != want.last || !errors.Is(got.err, want.err) {
					t.Errorf("LastAttempt: %t, %v; want %t, %v", got.last, got.err, want.last, want.err)
				}
			}
			answers = nil
		}
		var wait sync.WaitGroup
		for range 20 {
			wait.Go(run)
		}
		wait.Wait()
		expect(1, lastAttempt{true, nil})

		backend.retry.MaxAttempts = 3
		time.Sleep(59 * time.Second)
		run()
		expect(1, lastAttempt{true, nil})
		time.Sleep(time.Second)
		run()
		expect(2, lastAttempt{false, nil})

		backend.err = errors.New("away")
		time.Sleep(time.Minute)
		run()
		expect(3, lastAttempt{false, backend.err})
		backend.err = nil
		run()
		expect(4, lastAttempt{false, nil})
	})
}

// The call for a queue's settings serves all who ask: it outlives the one that was first, and each waits no longer
// than its own context.
func TestQueueSettingsOutliveTheirRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backend := &settingsBackend{retry: cloudtask.RetryConfig{MaxAttempts: 2}, delay: 5 * time.Second}
		results := make(chan error, 2)
		h := cloudtask.ProvideQueueSettings(backend)(newHandler(t, located, route(func(ctx context.Context, name string) error {
			if name == "hasty" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Second)
				defer cancel()
			}
			_, err := cloudtask.MetadataFrom(ctx).LastAttempt(ctx)
			results <- err
			return nil
		})))
		for _, name := range []string{"hasty", "patient"} {
			go post(h, "/tasks/Greet", `{"name":"`+name+`"}`, "X-CloudTasks-TaskName", "0123", "X-CloudTasks-QueueName", "mail")
			synctest.Wait()
		}
		if err := <-results; !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cloudtask.ErrRetryLimitsUnknown) {
			t.Errorf("the hasty one got %v", err)
		}
		if err := <-results; err != nil {
			t.Errorf("the patient one got %v", err)
		}
		if len(backend.queues) != 1 {
			t.Errorf("asked %d times", len(backend.queues))
		}
	})
}
