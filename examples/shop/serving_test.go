package shop

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/examples/services/images"
	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/documents"
	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtasktest"
)

// elsewhere runs the tasks of the packages that have payloads only.
type elsewhere struct{ did []string }

func (e *elsewhere) RunArchiveDocument(ctx context.Context, task documents.ArchiveDocument) error {
	e.did = append(e.did, "archived "+task.DocumentID)
	return nil
}

func (e *elsewhere) RunResize(ctx context.Context, task images.Resize) error {
	e.did = append(e.did, "resized "+task.Image)
	return nil
}

func TestHandlerOfAll(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	outbox, e := new(Outbox), new(elsewhere)
	handler, err := NewHandlerOfAll(q.Config, newApp(outbox), e, e)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/tasks/", handler)
	q.DeliverTo(mux)

	_, err1 := tasks.EnqueueSendWelcomeEmailAsap(t.Context(), q.Client, tasks.SendWelcomeEmail{UserID: 1})
	_, err2 := documents.EnqueueArchiveDocumentAsap(t.Context(), q.Client, documents.ArchiveDocument{DocumentID: "d-17"})
	_, err3 := images.EnqueueResizeAsap(t.Context(), q.Client, images.Resize{Image: "cat.png"})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	q.RunAll()
	if diff := cmp.Diff([]string{"archived d-17", "resized cat.png"}, e.did); diff != "" || len(outbox.Sent()) != 1 {
		t.Errorf("sent %q; did (-want +got):\n%s", outbox.Sent(), diff)
	}
}

// Two handlers on one path are one too many for net/http, and two tasks of one name are for NewHandler.
func TestTwoOfOneName(t *testing.T) {
	t.Parallel()
	e := new(elsewhere)
	_, err := cloudtask.NewHandler(cloudtask.Config{InsecureNoAuth: true}, slices.Concat(images.Routes(e), images.Routes(e))...)
	if err == nil || !strings.Contains(err.Error(), `task Resize and task Resize both answer to "Resize"`) {
		t.Errorf("error %v, want one that names the task", err)
	}
	defer func() {
		if v := recover(); v == nil {
			t.Error("net/http took two handlers for one path")
		}
	}()
	mux := http.NewServeMux()
	mux.Handle("/tasks/", http.NotFoundHandler())
	mux.Handle("/tasks/", http.NotFoundHandler())
}

// A server's WriteTimeout cuts off the answer of a task that takes longer: the task ran, and is delivered again.
func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		middleware func(http.Handler) http.Handler
		want       cloudtasktest.Outcome
	}{
		{"as it is", func(h http.Handler) http.Handler { return h }, cloudtasktest.Failed},
		{"without it", WithoutWriteTimeout, cloudtasktest.Executed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			app, ran := newApp(new(Outbox)), new(atomic.Int32)
			app.Note = func(string, string, ...any) { // of GenerateReport, while it runs
				ran.Add(1)
				time.Sleep(300 * time.Millisecond)
			}
			q := cloudtasktest.New(t)
			handler, err := tasks.NewHandler(q.Config, app)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewUnstartedServer(test.middleware(handler))
			server.Config.WriteTimeout = 100 * time.Millisecond
			server.Start()
			defer server.Close()
			q.DeliverToServer(server.URL, server.Client())

			if _, err := tasks.EnqueueGenerateReportAsap(t.Context(), q.Client, tasks.GenerateReport{}); err != nil {
				t.Fatal(err)
			}
			attempt := q.RunNext()
			if attempt.Outcome != test.want || ran.Load() != 1 {
				t.Errorf("%v, and it ran %d times; want it to run once, and to be %v", attempt, ran.Load(), test.want)
			}
		})
	}
}

// Time-out middleware ends the context of Run before the task's own timeout does.
func TestTimeoutMiddleware(t *testing.T) {
	t.Parallel()
	app := newApp(new(Outbox))
	app.Mail = func(ctx context.Context, to, text string) error {
		<-ctx.Done()
		return ctx.Err()
	}
	q := cloudtasktest.New(t)
	handler, err := tasks.NewHandler(q.Config, app)
	if err != nil {
		t.Fatal(err)
	}
	q.DeliverTo(http.TimeoutHandler(handler, 50*time.Millisecond, "too late"))
	if _, err := tasks.EnqueueSendWelcomeEmailAsap(t.Context(), q.Client, tasks.SendWelcomeEmail{UserID: 1}); err != nil {
		t.Fatal(err)
	}
	if attempt := q.RunNext(); attempt.Status != http.StatusServiceUnavailable {
		t.Errorf("%v, want it to fail with 503", attempt)
	}
}

// Behind a gateway, the token of a task is in another header, and is checked there as it would be in Authorization.
func TestBehindGateway(t *testing.T) {
	t.Parallel()
	q := cloudtasktest.New(t)
	cfg := q.Config
	cfg.Authenticator = ForwardedToken{Header: "X-Forwarded-Authorization", Check: q.Config.Authenticator}
	var log strings.Builder
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	handler, err := tasks.NewHandler(cfg, newApp(new(Outbox)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tasks.EnqueueSendWelcomeEmailAsap(t.Context(), q.Client, tasks.SendWelcomeEmail{UserID: 1}); err != nil {
		t.Fatal(err)
	}
	task := cloudtasktest.Only(t, tasks.EnqueuedSendWelcomeEmail(q)).Task
	send := func(change func(h http.Header)) int {
		request := cloudtasktest.Request(t, task)
		change(request.Header)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		return answer.Code
	}

	gateway := func(h http.Header) {
		h["X-Forwarded-Authorization"] = h["Authorization"]
		h.Set("Authorization", "Bearer the gateway's own")
	}
	if code := send(gateway); code != http.StatusOK {
		t.Errorf("answered %d, want the task to run", code)
	}
	for name, change := range map[string]func(h http.Header){
		"past the gateway": func(h http.Header) {},
		"forged":           func(h http.Header) { h.Set("X-Forwarded-Authorization", "Bearer made up") },
		"two tokens":       func(h http.Header) { gateway(h); h.Add("X-Forwarded-Authorization", "Bearer made up") },
	} {
		if code := send(change); code != http.StatusUnauthorized {
			t.Errorf("%s: answered %d, want 401", name, code)
		}
	}
	if !strings.Contains(log.String(), "X-Forwarded-Authorization in place of Authorization: no Authorization header") {
		t.Errorf("the log does not say which header is missing:\n%s", log.String())
	}
}

func TestNewHandlerBehindGateway(t *testing.T) {
	t.Parallel()
	cfg := cloudtask.Config{
		BaseURL:        "https://gateway.example",
		ServiceAccount: "tasks@my-project.iam.gserviceaccount.com",
		Audiences:      []string{"https://gateway.example"},
		Logger:         slog.New(slog.DiscardHandler),
	}
	handler, err := NewHandlerBehindGateway(cfg, newApp(new(Outbox)))
	if err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequest("POST", "/tasks/CloseAccount", nil))
	if answer.Code != http.StatusUnauthorized {
		t.Errorf("answered %d without a token, want 401", answer.Code)
	}
}

// The name of a task that is once or unique stays taken when the task is gone, however it went.
func TestNamesStayTaken(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, q *cloudtasktest.Queue){
		"success": func(t *testing.T, q *cloudtasktest.Queue) { q.RunAll() },
		"discard": func(t *testing.T, q *cloudtasktest.Queue) {
			if ids, err := tasks.DiscardProcessOrder(t.Context(), q.Client); err != nil || len(ids) != 1 {
				t.Fatal(ids, err)
			}
		},
		"purge": func(t *testing.T, q *cloudtasktest.Queue) {
			order := cloudtasktest.Only(t, tasks.EnqueuedProcessOrder(q))
			queue := "projects/" + q.Config.Project + "/locations/" + q.Config.Location + "/queues/" + order.Queue
			if _, err := q.Service.PurgeQueue(t.Context(), queue); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := cloudtasktest.New(t, tasks.Routes(newApp(new(Outbox)))...)
			isDuplicate := func() bool {
				receipt, err := tasks.EnqueueProcessOrderAsap(t.Context(), q.Client, tasks.ProcessOrder{OrderID: 1})
				if err != nil {
					t.Fatal(err)
				}
				return receipt.Duplicate
			}
			if isDuplicate() {
				t.Error("the first one is a duplicate")
			}
			end(t, q)
			if !isDuplicate() {
				t.Error("its name is free although it has just gone")
			}
			shop := &Shop{Client: q.Client}
			if receipt, err := shop.ProcessAgain(t.Context(), tasks.ProcessOrder{OrderID: 1}); err != nil || receipt.Duplicate {
				t.Errorf("%+v, %v; want it enqueued under another name", receipt, err)
			}
			q.RunFor(24 * time.Hour)
			if isDuplicate() {
				t.Error("its name is taken after a day")
			}
		})
	}
}
