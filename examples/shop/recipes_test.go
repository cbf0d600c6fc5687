package shop

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// newApp returns what the tasks need, with two users.
func newApp(outbox *Outbox) *tasks.App {
	return &tasks.App{
		Users:  map[int64]tasks.User{1: {Name: "Ada", Email: "ada@example.com"}, 2: {Name: "Bo", Email: "bo@example.com"}},
		Spread: time.Hour,
		Mail:   outbox.Mail,
		Note:   func(actor, format string, args ...any) {},
	}
}

// Recipe 1: what was enqueued.
func TestSignUp(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	shop := &Shop{Client: q.Client}

	if err := shop.SignUp(t.Context(), 7); err != nil {
		t.Fatal(err)
	}

	email := cloudtasktest.Only(t, tasks.EnqueuedSendWelcomeEmail(q), tasks.SendWelcomeEmail{UserID: 7})
	if email.Queue != "emails" || email.Delay() != 30*time.Minute {
		t.Errorf("%v, due in %v; want it in emails, due in half an hour", email, email.Delay())
	}
	cloudtasktest.None(t, tasks.EnqueuedCloseAccount(q))
}

// Recipe 2: run it, with all that comes of it.
func TestLeave(t *testing.T) {
	t.Parallel()
	app := newApp(new(Outbox))
	q := cloudtasktest.New(t, tasks.Routes(app)...)
	app.Client = q.Client // for tasks that enqueue tasks
	shop := &Shop{Client: q.Client}

	if err := shop.Leave(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	q.RunAll()

	alert := cloudtasktest.Only(t, tasks.EnqueuedHighPriorityNotification(q))
	if alert.Payload.UserID != 1 || alert.Queue != "critical-notifications-queue" {
		t.Errorf("%v to user %d", alert, alert.Payload.UserID)
	}
	alert.Want(t, cloudtasktest.Executed)
}

func TestLeaveTwice(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t, tasks.Routes(newApp(new(Outbox)))...)
	shop := &Shop{Client: q.Client}

	if err := shop.Leave(t.Context(), 404); err != nil {
		t.Fatal(err)
	}
	attempt := q.RunNext()

	if attempt.Outcome != cloudtasktest.Discarded || attempt.Status != http.StatusNonAuthoritativeInfo {
		t.Errorf("%v, want it to be discarded with status 203", attempt)
	}
	cloudtasktest.None(t, tasks.EnqueuedHighPriorityNotification(q))
}

// Recipe 3: days pass.
func TestImportIsGivenUp(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t, tasks.Routes(newApp(new(Outbox)))...)

	receipt, err := tasks.EnqueueImportContactsAsap(t.Context(), q.Client, tasks.ImportContacts{File: "broken.csv"})
	if err != nil {
		t.Fatal(err)
	}
	task := q.Task(receipt)

	q.RunNext()
	task.WantWaiting(t, q.Now().Add(10*time.Minute))

	attempts := q.RunFor(24 * time.Hour)
	want := append(slices.Repeat([]cloudtasktest.Outcome{cloudtasktest.Failed}, 8), cloudtasktest.Exhausted)
	if diff := cmp.Diff(want, cloudtasktest.Outcomes(attempts)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	task.Want(t, cloudtasktest.Exhausted)
}

func TestAnalyticsAreSpread(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newApp(new(Outbox))
		q := cloudtasktest.New(t, tasks.Routes(app)...)
		app.Client = q.Client

		batch := tasks.ProcessAnalyticsBatch{UserIDs: []int64{1, 2}}
		if _, err := tasks.EnqueueProcessAnalyticsBatchLater(t.Context(), q.Client, batch, cloudtask.In(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		q.RunFor(48 * time.Hour)

		// Run asks time.Now for the time, and it is tomorrow there too.
		for _, email := range cloudtasktest.Exactly(t, tasks.EnqueuedSendWelcomeEmail(q), tasks.SendWelcomeEmail{UserID: 1}, tasks.SendWelcomeEmail{UserID: 2}) {
			if email.Delay() > app.Spread {
				t.Errorf("%v was put off by %v, want at most %v", email, email.Delay(), app.Spread)
			}
			email.Want(t, cloudtasktest.Executed)
		}
	})
}

// Recipe 4: what goes wrong in production.
func TestWelcomeIsSentOnce(t *testing.T) {
	t.Parallel()
	outbox := new(Outbox)
	q := cloudtasktest.New(t, tasks.Routes(newApp(outbox))...)
	shop := &Shop{Client: q.Client}

	q.FailAttempt(1, http.StatusServiceUnavailable) // while a new version is deployed
	q.LoseAnswer(2)
	q.DeliverTwice()
	if err := shop.SignUp(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	attempts := q.RunAll()

	if len(attempts) != 3 {
		t.Errorf("%d attempts, want 3:\n%v", len(attempts), attempts)
	}
	if diff := cmp.Diff([]string{"ada@example.com: Hi Ada, thanks for signing up!"}, outbox.Sent()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// Recipe 5: the handler.
func TestServer(t *testing.T) {
	t.Parallel()
	outbox := new(Outbox)
	q := cloudtasktest.New(t)
	shop := &Shop{Client: q.Client}
	server, err := NewServer(q.Config, shop, newApp(outbox))
	if err != nil {
		t.Fatal(err)
	}

	if err := shop.SignUp(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	email := cloudtasktest.Only(t, tasks.EnqueuedSendWelcomeEmail(q))
	request := cloudtasktest.Request(t, email.Task, http.StatusBadGateway) // of the second attempt, after a 502

	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, request)
	if want := `{"status":"executed","result":{"user_id":1,"email":"ada@example.com"}}`; answer.Code != http.StatusOK || answer.Body.String() != want {
		t.Errorf("answer %d %s, want 200 %s", answer.Code, answer.Body, want)
	}

	forged := cloudtasktest.Request(t, email.Task)
	forged.Header.Set("Authorization", "Bearer made up")
	answer = httptest.NewRecorder()
	server.ServeHTTP(answer, forged)
	if answer.Code != http.StatusUnauthorized {
		t.Errorf("answer %d to a forged request, want 401", answer.Code)
	}
}

func TestServerOverHTTP(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	app := newApp(new(Outbox))
	app.Client = q.Client
	handler, err := NewServer(q.Config, &Shop{Client: q.Client}, app)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	q.DeliverToServer(server.URL, server.Client())

	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, server.URL+"/users/2", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	answer, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	q.RunAll()

	alert := cloudtasktest.Only(t, tasks.EnqueuedHighPriorityNotification(q))
	if got := alert.Headers.Get("Traceparent"); got != request.Header.Get("Traceparent") {
		t.Errorf("the alert belongs to trace %q, want the request's", got)
	}
	alert.Want(t, cloudtasktest.Executed)
}
