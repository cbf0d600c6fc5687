package cloudtask_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// A program mounts the handler of its tasks below their path prefix. Generated packages have a NewHandler of their
// own, which passes their routes.
func ExampleNewHandler() {
	welcome := greetTask.Route(func(ctx context.Context, payload any) error {
		task := payload.(*greeting)
		m := cloudtask.MetadataFrom(ctx)
		fmt.Printf("welcome %s, attempt %d of task %s\n", task.Name, m.Attempt(), m.TaskID)
		return nil
	})
	handler, err := cloudtask.NewHandler(cloudtask.Config{
		InsecureNoAuth: true, // for the example: nothing here can send tokens
		Logger:         slog.New(slog.DiscardHandler),
	}, welcome)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/tasks/", handler)

	// What Cloud Tasks sends.
	request := httptest.NewRequest("POST", "/tasks/Greet", strings.NewReader(`{"name":"Ann"}`))
	request.Header.Set("X-CloudTasks-TaskName", "0123456789")
	request.Header.Set("X-CloudTasks-TaskRetryCount", "1")
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, request)
	fmt.Println(answer.Code, answer.Body)
	// Output:
	// welcome Ann, attempt 2 of task 0123456789
	// 200 {"status":"executed","result":null}
}

func ExampleDiscard() {
	run := func(err error) error {
		if errors.Is(err, sql.ErrNoRows) {
			return cloudtask.Discard(fmt.Errorf("the user is gone: %w", err)) // no retry will find them
		}
		return err
	}
	fmt.Println(run(sql.ErrNoRows))
	fmt.Println(run(errors.New("connection refused")))
	// Output:
	// discarded: the user is gone: sql: no rows in result set
	// connection refused
}

// A task can do something else when it will not be tried again.
func ExampleMetadata_LastAttempt() {
	run := func(ctx context.Context) error {
		last, err := cloudtask.MetadataFrom(ctx).LastAttempt(ctx)
		switch {
		case errors.Is(err, cloudtask.ErrRetryLimitsUnknown):
			fmt.Println("nobody knows: ask for the queue's settings with ProvideQueueSettings")
		case err != nil:
			return err
		case last:
			fmt.Println("tell somebody")
		}
		return errors.New("still failing")
	}
	def := cloudtask.Definition{Task: (*greeting)(nil), Name: "Greet", Decode: greetTask.Decode, Retry: &cloudtask.RetryConfig{MaxAttempts: 3}}
	handler, err := cloudtask.NewHandler(
		cloudtask.Config{InsecureNoAuth: true, Logger: slog.New(slog.DiscardHandler)},
		def.Route(func(ctx context.Context, _ any) error { return run(ctx) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, retries := range []string{"0", "1", "2"} {
		fmt.Println(post(handler, "/tasks/Greet", `{"name":"Ann"}`, "X-CloudTasks-TaskName", "0123", "X-CloudTasks-TaskRetryCount", retries).Code)
	}
	// Output:
	// 500
	// 500
	// tell somebody
	// 500
}

// Tasks that a request enqueues carry its trace, and so do the tasks that they enqueue.
func ExamplePropagateHeaders() {
	cfg := cloudtask.Config{PropagatedHeaders: []string{"traceparent", "X-Tenant"}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /users", func(w http.ResponseWriter, r *http.Request) {
		// tasks.EnqueueSendWelcomeEmailAsap(r.Context(), client, …)
	})
	server := &http.Server{Handler: cloudtask.PropagateHeaders(cfg)(mux), ReadHeaderTimeout: 10 * time.Second}
	_ = server // server.ListenAndServe()
}

// Tokens of another issuer than Google, whose keys are at the address that its discovery document names.
func ExampleOIDCAuthenticator() {
	cfg := cloudtask.Config{
		BaseURL: "https://app.example",
		Authenticator: &cloudtask.OIDCAuthenticator{
			Email:      "tasks@app.example",
			Audiences:  []string{"https://app.example"},
			Issuers:    []string{"https://login.example"},
			HTTPClient: &http.Client{Timeout: 5 * time.Second},
		},
	}
	_, err := cloudtask.NewHandler(cfg) // no network: keys are fetched for the first token
	fmt.Println(err)
	// Output: <nil>
}
