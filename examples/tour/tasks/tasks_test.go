package tasks

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// world is the app of a test, with its queue, and what the tasks did to it.
type world struct {
	*cloudtasktest.Queue
	app  *App
	mail error    // of sending mail
	did  []string // mails and notes
}

func newWorld(t *testing.T, opts ...localqueue.Option) *world {
	w := &world{Queue: cloudtasktest.NewWithOptions(t, cloudtasktest.Options{Service: opts})}
	w.app = &App{
		Client: w.Client,
		Users:  map[int64]User{1: {Name: "Ada", Email: "ada@example.com"}, 2: {Name: "Bo", Email: "bo@example.com"}},
		Spread: time.Hour,
		Mail: func(_ context.Context, to, message string) error {
			if w.mail == nil {
				w.did = append(w.did, "mail to "+to+": "+message)
			}
			return w.mail
		},
		Note: func(actor, format string, args ...any) {
			w.did = append(w.did, actor+": "+fmt.Sprintf(format, args...))
		},
	}
	w.Handle(Routes(w.app)...)
	return w
}

// TestEveryTask enqueues a task of each type and runs it, with all that comes of it, to the end.
func TestEveryTask(t *testing.T) {
	t.Parallel()
	const failed, executed = cloudtasktest.Failed, cloudtasktest.Executed
	type enqueue = func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error)
	tests := map[string]struct {
		enqueue  enqueue
		queue    string
		outcomes []cloudtasktest.Outcome // of the task's attempts; nil: executed
		did      []string
	}{
		"SendWelcomeEmail": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueSendWelcomeEmailLater(ctx, c, SendWelcomeEmail{UserID: 1}, cloudtask.In(time.Hour))
			},
			queue: "emails", did: []string{"mail to ada@example.com: Hi Ada, thanks for signing up!"},
		},
		"ProcessAnalyticsBatch": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueProcessAnalyticsBatchAsap(ctx, c, ProcessAnalyticsBatch{UserIDs: []int64{2}})
			},
			queue: "tasks", did: []string{"ProcessAnalyticsBatch: spread 1 e-mails over the next 1h0m0s", "mail to bo@example.com: Hi Bo, thanks for signing up!"},
		},
		"RetryAware": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueRetryAwareAsap(ctx, c, RetryAware{APICall: "POST /invoices"})
			},
			queue: "tasks", outcomes: []cloudtasktest.Outcome{failed, failed, failed, executed},
			did: []string{
				"RetryAware: attempt 1 in tasks, last: false, no previous failure",
				"RetryAware: attempt 2 in tasks, last: false, previous failure: HTTP 500",
				"RetryAware: attempt 3 in tasks, last: false, previous failure: HTTP 500",
				"RetryAware: attempt 4 in tasks, last: true, previous failure: HTTP 500",
				"RetryAware: POST /invoices done by hand",
			},
		},
		"CloseAccount": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueCloseAccountAsap(ctx, c, CloseAccount{UserID: 2})
			},
			queue: "tasks", did: []string{"CloseAccount: account 2 closed", "HighPriorityNotification: alert to Bo: your account is closed"},
		},
		"ImportContacts": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueImportContactsAsap(ctx, c, ImportContacts{File: "good.csv"})
			},
			queue: "imports", did: []string{"ImportContacts good.csv: imported"},
		},
		"ProcessOrder": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueProcessOrderAsap(ctx, c, ProcessOrder{OrderID: 41, PaymentDetails: map[string]string{"method": "card"}})
			},
			queue: "tasks", did: []string{"ProcessOrder: order 41, paid by card"},
		},
		"ProcessItem": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueProcessItemAsap(ctx, c, ProcessItem{UserID: 1, ItemID: 5})
			},
			queue: "tasks", did: []string{"ProcessItem 1-5: processed"},
		},
		"DailyDigest": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueDailyDigestAsap(ctx, c, DailyDigest{UserID: 1})
			},
			queue: "emails", did: []string{"DailyDigest 1: sent"},
		},
		"RobustEnqueue": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueRobustEnqueueAsap(ctx, c, RobustEnqueue{Data: map[string]any{"n": 1}})
			},
			queue: "tasks", did: []string{"RobustEnqueue: enqueued robustly and now running: map[n:1]"},
		},
		"HighPriorityNotification": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueHighPriorityNotificationPush(ctx, c, HighPriorityNotification{UserID: 1, AlertMessage: "disk full"},
					cloudtask.WithHeader("Traceparent", "00-trace-span-01"))
			},
			queue: "critical-notifications-queue", did: []string{"HighPriorityNotification: alert to Ada: disk full, trace trace"},
		},
		"BatchDataProcessing": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueBatchDataProcessingAsap(ctx, c, BatchDataProcessing{DatasetID: "b", Rows: 2_000_000})
			},
			queue: "large-batch-jobs-queue", did: []string{"BatchDataProcessing b: task dataset-b in large-batch-jobs-queue, 30m0s to finish"},
		},
		"GenerateReport": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueGenerateReportAsap(ctx, c, GenerateReport{ReportParams: map[string]string{"month": "May"}, Format: "csv"})
			},
			queue: "tasks", did: []string{"GenerateReport: csv report of May, 15m0s to finish"},
		},
		"MonthEnd": {
			enqueue: func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
				return EnqueueCloseBooksAsap(ctx, c, CloseBooks{Month: "May"})
			},
			queue: "tasks", did: []string{"CloseBooks: May is closed"},
		},
	}
	for _, route := range Routes(nil) {
		t.Run(route.Name, func(t *testing.T) {
			t.Parallel()
			test, ok := tests[route.Name]
			if !ok {
				t.Fatal("there is no test of this task")
			}
			w := newWorld(t)
			receipt, err := test.enqueue(t.Context(), w.Client)
			if err != nil {
				t.Fatal(err)
			}
			w.RunAll()
			task := w.Task(receipt)
			if test.outcomes == nil {
				test.outcomes = []cloudtasktest.Outcome{executed}
			}
			if diff := cmp.Diff(test.outcomes, cloudtasktest.Outcomes(task.Attempts())); diff != "" || task.Queue != test.queue || task.Name != route.Name {
				t.Errorf("%v, want it in %s; outcomes (-want +got):\n%s", task, test.queue, diff)
			}
			if diff := cmp.Diff(test.did, w.did); diff != "" {
				t.Errorf("what was done (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImportContactsGivesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	receipt, err := EnqueueImportContactsAsap(t.Context(), w.Client, ImportContacts{File: "broken.csv"})
	if err != nil {
		t.Fatal(err)
	}
	w.RunFor(24 * time.Hour)
	w.Task(receipt).Want(t, cloudtasktest.Exhausted)
	var want []string
	for n := range 10 {
		want = append(want, fmt.Sprintf("ImportContacts broken.csv: attempt %d failed", n+1))
	}
	if diff := cmp.Diff(want, w.did); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
}

func TestWelcomeIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mail = errors.New("mail server is down")
	for _, user := range []int64{1, 404} { // the second is nobody
		if _, err := EnqueueSendWelcomeEmailAsap(t.Context(), w.Client, SendWelcomeEmail{UserID: user}); err != nil {
			t.Fatal(err)
		}
	}
	if attempts := w.RunFor(0); !errors.Is(attempts[0].Err, w.mail) {
		t.Errorf("attempts %v, want the first to fail with %q", attempts, w.mail)
	}
	emails := cloudtasktest.Exactly(t, EnqueuedSendWelcomeEmail(w.Queue), SendWelcomeEmail{UserID: 1}, SendWelcomeEmail{UserID: 404})
	emails[0].WantWaiting(t, w.Now().Add(100*time.Millisecond))
	emails[1].Want(t, cloudtasktest.Discarded)
	w.mail = nil
	w.RunAll()
	emails[0].Want(t, cloudtasktest.Executed)
}

// An order is one of its type, an item one of its values, and a digest one of its day.
func TestUniqueness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	for id := range int64(3) {
		if _, err := EnqueueProcessOrderAsap(ctx, w.Client, ProcessOrder{OrderID: id, PaymentDetails: map[string]string{}}); err != nil {
			t.Fatal(err)
		}
		if _, err := EnqueueProcessItemAsap(ctx, w.Client, ProcessItem{UserID: 1, ItemID: id / 2}); err != nil {
			t.Fatal(err)
		}
	}
	cloudtasktest.Exactly(t, EnqueuedProcessOrder(w.Queue), ProcessOrder{PaymentDetails: map[string]string{}})
	cloudtasktest.Exactly(t, EnqueuedProcessItem(w.Queue), ProcessItem{UserID: 1}, ProcessItem{UserID: 1, ItemID: 1})

	for range 3 {
		for range 2 {
			if _, err := EnqueueDailyDigestAsap(ctx, w.Client, DailyDigest{UserID: 1}); err != nil {
				t.Fatal(err)
			}
		}
		w.RunFor(24 * time.Hour)
	}
	cloudtasktest.Exactly(t, EnqueuedDailyDigest(w.Queue), slices.Repeat([]DailyDigest{{UserID: 1}}, 3)...)
}

// A digest's day is the one that it is sent on, not the day of the enqueue.
func TestDigestsOfADay(t *testing.T) {
	t.Parallel()
	type enqueue = func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error)
	digest := DailyDigest{UserID: 1}
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	at := func(sinceMidnight time.Duration) enqueue {
		return func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
			return EnqueueDailyDigestLater(ctx, c, digest, cloudtask.At(midnight.Add(sinceMidnight)))
		}
	}
	until := func(sinceMidnight time.Duration) enqueue {
		return func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
			return EnqueueDailyDigestUntil(ctx, c, digest, midnight.Add(sinceMidnight))
		}
	}
	delayed := func(d time.Duration) enqueue {
		return func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
			return EnqueueDailyDigestPush(ctx, c, digest, cloudtask.WithDelay(d))
		}
	}
	batch := func(d time.Duration) enqueue {
		return func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
			receipts, err := EnqueueDailyDigestBatch(ctx, c, []DailyDigest{digest}, cloudtask.WithDelay(d))
			return receipts[0], err
		}
	}
	now := func(ctx context.Context, c *cloudtask.Client) (cloudtask.Receipt, error) {
		return EnqueueDailyDigestAsap(ctx, c, digest)
	}
	const oneDay, midnightBetween = 0, 10 * time.Minute
	tests := []struct {
		name          string
		first, second enqueue
		apart         time.Duration // the first is at five to midnight
		tasks         int
	}{
		{"for two days, on one day", at(8 * time.Hour), at(32 * time.Hour), oneDay, 2},
		{"for two days", at(8 * time.Hour), at(32 * time.Hour), midnightBetween, 2},
		{"for one time", at(8 * time.Hour), at(8 * time.Hour), midnightBetween, 1},
		{"for one time that is past", at(-time.Minute), at(-time.Minute), midnightBetween, 1},
		{"for two days by delay, on one day", delayed(0), delayed(8 * time.Hour), oneDay, 2},
		{"for one day by delay", delayed(8 * time.Hour), delayed(8 * time.Hour), midnightBetween, 1},
		{"for two days by delay", delayed(0), delayed(0), midnightBetween, 2},
		{"for one day by a batch", batch(8 * time.Hour), at(8 * time.Hour), midnightBetween, 1},
		{"until the end of one day", until(24*time.Hour - 1), until(24*time.Hour - 1), midnightBetween, 1},
		{"until the ends of two days, on one day", until(24*time.Hour - 1), until(48*time.Hour - 1), oneDay, 2},
		{"now", now, now, midnightBetween, 2},
		{"for the next day, and then now", at(time.Hour), now, midnightBetween, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, localqueue.WithVirtualClock(midnight.Add(-5*time.Minute)))
			if _, err := test.first(t.Context(), w.Client); err != nil {
				t.Fatal(err)
			}
			w.RunFor(test.apart)
			second, err := test.second(t.Context(), w.Client)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(cloudtasktest.All(t, EnqueuedDailyDigest(w.Queue))); n != test.tasks || second.Duplicate != (test.tasks == 1) {
				t.Errorf("%d tasks, want %d; the second is a duplicate: %t", n, test.tasks, second.Duplicate)
			}
		})
	}
}

// losesAnswer loses the answer to the first enqueue.
type losesAnswer struct {
	cloudtask.Backend
	calls int
}

func (l *losesAnswer) CreateTask(ctx context.Context, queue string, task *cloudtask.Task) (*cloudtask.Task, error) {
	stored, err := l.Backend.CreateTask(ctx, queue, task)
	if l.calls++; l.calls == 1 {
		return nil, &cloudtask.StatusError{Code: cloudtask.Unavailable, Message: "connection reset"}
	}
	return stored, err
}

// In a bubble the pauses between the tries take no time.
func TestRobustEnqueueIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		backend := &losesAnswer{Backend: w.Backend}
		client, err := cloudtask.NewClient(backend, w.Config)
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := EnqueueRobustEnqueueAsap(t.Context(), client, RobustEnqueue{Data: map[string]any{}})
		if err != nil || receipt.Duplicate || backend.calls != 2 {
			t.Errorf("%+v, %v after %d calls; want it enqueued after 2", receipt, err, backend.calls)
		}
		cloudtasktest.Only(t, EnqueuedRobustEnqueue(w.Queue))
	})
}

func TestFormerNameAndDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	queue := "projects/" + w.Config.Project + "/locations/" + w.Config.Location + "/queues/tasks"
	former := &cloudtask.Task{URL: w.Config.BaseURL + "/tasks/ReportGeneration", Body: []byte(`{"report_params":{"month":"April"}}`)}
	if _, err := w.Backend.CreateTask(t.Context(), queue, former); err != nil {
		t.Fatal(err)
	}
	w.RunAll()
	want := GenerateReport{ReportParams: map[string]string{"month": "April"}, Format: "pdf"}
	cloudtasktest.Only(t, EnqueuedGenerateReport(w.Queue), want).Want(t, cloudtasktest.Executed)
}

// What middleware puts into the context gets to the task: the handler is the program's own, and so is its check of tokens.
func TestCorrelationID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handler, err := NewHandler(w.Config, w.app)
	if err != nil {
		t.Fatal(err)
	}
	w.DeliverTo(WithCorrelationID(handler))
	alert := HighPriorityNotification{UserID: 2, AlertMessage: "pushed"}
	if _, err := EnqueueHighPriorityNotificationPush(t.Context(), w.Client, alert, cloudtask.WithHeader("X-Correlation-ID", "77")); err != nil {
		t.Fatal(err)
	}
	w.RunAll()
	if diff := cmp.Diff([]string{"HighPriorityNotification: alert to Bo: pushed, correlation 77"}, w.did); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
}

// TestSavedFailure shows how a failed task becomes a test: it is the file that the handler has saved in production.
func TestSavedFailure(t *testing.T) {
	t.Parallel()
	var notes []string
	app := &App{Note: func(actor, format string, args ...any) {
		notes = append(notes, actor+": "+fmt.Sprintf(format, args...))
	}}
	handler, err := NewHandler(cloudtask.Config{InsecureNoAuth: true}, app)
	if err != nil {
		t.Fatal(err)
	}

	file, err := os.Open("testdata/ImportContacts.imports.5.failed-task.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	failed, err := cloudtask.ReadFailedTask(file)
	if err != nil {
		t.Fatal(err)
	}
	request, err := failed.Request(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)

	if diff := cmp.Diff([]string{"ImportContacts broken.csv: attempt 3 failed"}, notes); diff != "" || answer.Code != http.StatusInternalServerError {
		t.Errorf("answered %d; (-want +got):\n%s", answer.Code, diff)
	}
}

// TestDefaultOfReport is what docs/json.md says of defaults: a report without a format is a PDF, whether the enqueuer left
// it empty or an earlier version did not know the field.
func TestDefaultOfReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := EnqueueGenerateReportAsap(t.Context(), w.Client, GenerateReport{ReportParams: map[string]string{"month": "May"}}); err != nil {
		t.Fatal(err)
	}
	w.RunAll()
	if len(w.did) != 1 || !strings.HasPrefix(w.did[0], "GenerateReport: pdf report of May") {
		t.Errorf("did %q, want a PDF", w.did)
	}
	var report GenerateReport
	if err := DecodeGenerateReport([]byte(`{"report_params":{}}`), &report); err != nil || report.Format != "pdf" {
		t.Errorf("without a format: %+v, %v; want a PDF", report, err)
	}
}
