package gcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

type mail struct {
	UserID int `json:"user_id"`
}

func appendMail(dst []byte, task any) ([]byte, error) {
	b, err := json.Marshal(task)
	return append(dst, b...), err
}

func mailDefinition() cloudtask.Definition {
	return cloudtask.Definition{
		Task: (*mail)(nil),
		Name: "Mail", Queue: "emails", Append: appendMail,
		Decode: func(data []byte, task any) error { return json.Unmarshal(data, task) },
	}
}

// delivery is a run of a task as the task saw it.
type delivery struct {
	task     mail
	metadata cloudtask.Metadata
	deadline time.Duration
}

// system is everything that a program in production has, but for Google: a client over gRPC, a queue, and a handler that
// verifies the tokens of what reaches it over HTTP.
type system struct {
	cfg    cloudtask.Config
	client *cloudtask.Client
	queue  *localqueue.Service
	runs   chan delivery
}

const testAccount = "runner@p.iam.gserviceaccount.com"

// newSystem runs tasks of the definition with run.
func newSystem(t *testing.T, definition *cloudtask.Definition, run func(ctx context.Context, task any) error, change ...func(client, handler *cloudtask.Config)) *system {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	emails := resource.Queue{Name: "emails"}
	emails.Retry.MinBackoff, emails.Retry.MaxBackoff = time.Millisecond, time.Millisecond
	queue, err := localqueue.New(localqueue.WithStrict(), localqueue.WithLogger(quiet), localqueue.WithQueues(emails, resource.Queue{Name: "spare"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queue.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := emulator.Serve(queue, listener, emulator.WithLogger(quiet))
	t.Cleanup(func() { server.Close() })

	s := &system{queue: queue, runs: make(chan delivery, 1000)}
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	s.cfg = cloudtask.Config{
		Project: "p", Location: "l", BaseURL: web.URL, EmulatorHost: listener.Addr().String(), ServiceAccount: testAccount, Logger: quiet,
		PropagatedHeaders: []string{"traceparent", "X-Tenant"},
	}
	clientCfg, handlerCfg := s.cfg, s.cfg
	for _, f := range change {
		f(&clientCfg, &handlerCfg)
	}
	handler, err := cloudtask.NewHandler(handlerCfg, definition.Route(func(ctx context.Context, payload any) error {
		task := payload.(*mail)
		d := delivery{task: *task, metadata: cloudtask.MetadataFrom(ctx)}
		if end, ok := ctx.Deadline(); ok {
			d.deadline = time.Until(end)
		}
		s.runs <- d
		return run(ctx, task)
	}))
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/tasks/", handler)
	if s.client, err = gcp.NewClient(t.Context(), clientCfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.client.Close() })
	return s
}

func (s *system) next(t *testing.T) delivery {
	t.Helper()
	select {
	case d := <-s.runs:
		return d
	case <-time.After(10 * time.Second):
		t.Fatal("the task did not run")
		return delivery{}
	}
}

// idle waits until the queue has no task, and checks that nothing ran that the test has not looked at.
func (s *system) idle(t *testing.T) {
	t.Helper()
	s.settle(t)
	if len(s.runs) > 0 {
		t.Errorf("ran once more: %+v", <-s.runs)
	}
}

// settle waits until the queue has no task.
func (s *system) settle(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		tasks, _, err := s.queue.Backend().ListTasks(t.Context(), "projects/p/locations/l/queues/emails", "")
		if err != nil {
			t.Fatal(err)
		}
		if len(tasks) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d tasks are still queued", len(tasks))
		}
	}
}

func succeed(context.Context, any) error { return nil }

func TestEnqueueAndRun(t *testing.T) {
	t.Parallel()
	definition := mailDefinition()
	definition.Timeout = 20 * time.Second
	s := newSystem(t, &definition, succeed)
	// As from a request that the program is answering.
	var receipt cloudtask.Receipt
	request := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	request.Header.Set("X-Tenant", "blue")
	cloudtask.PropagateHeaders(s.cfg)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var err error
		if receipt, err = definition.Asap(r.Context(), s.client, &mail{UserID: 7}); err != nil {
			t.Error(err)
		}
	})).ServeHTTP(httptest.NewRecorder(), request)

	d := s.next(t)
	if d.task.UserID != 7 || d.metadata.TaskID != receipt.TaskID || d.metadata.Queue != "emails" || !d.metadata.FirstAttempt() {
		t.Errorf("ran %+v for the receipt %+v", d, receipt)
	}
	if got := d.metadata.Headers.Get("X-Tenant"); got != "blue" {
		t.Errorf("X-Tenant %q, want the incoming request's", got)
	}
	if d.deadline > 19*time.Second || d.deadline < 10*time.Second {
		t.Errorf("the context ends in %v, want the dispatch deadline of 20 s less a second", d.deadline)
	}
	s.idle(t)
}

func TestFailureIsRetriedAndDiscardIsNot(t *testing.T) {
	t.Parallel()
	definition := mailDefinition()
	var runs atomic.Int32
	s := newSystem(t, &definition, func(context.Context, any) error {
		if runs.Add(1) < 3 {
			return errors.New("not yet")
		}
		return cloudtask.Discard(errors.New("never"))
	})
	if _, err := definition.Asap(t.Context(), s.client, &mail{}); err != nil {
		t.Fatal(err)
	}
	type attempt struct {
		Number, PreviousResponse int
		PreviousFailure          string
	}
	var got []attempt
	for range 3 {
		m := s.next(t).metadata
		got = append(got, attempt{m.Attempt(), m.PreviousResponse, m.PreviousFailure})
	}
	want := []attempt{{1, 0, ""}, {2, 500, "HTTP 500"}, {3, 500, "HTTP 500"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	s.idle(t)
}

func TestHandlerRefusesTokensOfOthers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(client, handler *cloudtask.Config){
		"another account":  func(client, _ *cloudtask.Config) { client.ServiceAccount = "other@p.iam.gserviceaccount.com" },
		"another audience": func(client, _ *cloudtask.Config) { client.Audiences = []string{"https://other.example"} },
		"no token":         func(client, _ *cloudtask.Config) { client.ServiceAccount = "" },
		"another issuer":   func(_, handler *cloudtask.Config) { handler.EmulatorHost = "127.0.0.1:1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			definition := mailDefinition()
			s := newSystem(t, &definition, succeed, change)
			receipt, err := definition.Asap(t.Context(), s.client, &mail{})
			if err != nil {
				t.Fatal(err)
			}
			name := "projects/p/locations/l/queues/emails/tasks/" + receipt.TaskID
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
				task, err := s.queue.Backend().GetTask(t.Context(), name)
				if err != nil {
					t.Fatalf("the task is gone: %v", err)
				}
				if task.DispatchCount > 1 {
					if task.LastAttempt.Message != "" && task.LastAttempt.Code != cloudtask.Unauthenticated {
						t.Errorf("the attempt ended in %q", task.LastAttempt.Message)
					}
					break
				}
				if time.Now().After(end) {
					t.Fatalf("the task is not tried again: %+v", task)
				}
			}
			if len(s.runs) > 0 {
				t.Errorf("ran: %+v", <-s.runs)
			}
		})
	}
}

func TestBatchesOfHundreds(t *testing.T) {
	t.Parallel()
	definition := mailDefinition()
	s := newSystem(t, &definition, succeed)
	tasks := make([]mail, 250)
	want := make(map[string]int)
	for i := range tasks {
		tasks[i].UserID = i
	}
	receipts, err := definition.Batch(t.Context(), s.client, tasks)
	if err != nil || len(receipts) != len(tasks) {
		t.Fatalf("%d receipts, %v", len(receipts), err)
	}
	for i, receipt := range receipts {
		want[receipt.TaskID] = i
	}
	got := make(map[string]int)
	for range tasks {
		d := s.next(t)
		got[d.metadata.TaskID] = d.task.UserID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("users by task id (-receipts +runs):\n%s", diff)
	}
	s.idle(t)
}

func TestOnceIsRemembered(t *testing.T) {
	t.Parallel()
	definition := mailDefinition()
	definition.Once = true
	s := newSystem(t, &definition, succeed)
	first, err := definition.Asap(t.Context(), s.client, &mail{UserID: 1})
	if err != nil || first.Duplicate {
		t.Fatalf("%+v, %v", first, err)
	}
	s.next(t)
	s.idle(t)
	second, err := definition.Asap(t.Context(), s.client, &mail{UserID: 2})
	if err != nil || !second.Duplicate || second.TaskID != first.TaskID {
		t.Errorf("%+v, %v, want a duplicate of %s", second, err, first.TaskID)
	}
	receipts, err := definition.Batch(t.Context(), s.client, []mail{{UserID: 3}, {UserID: 4}})
	if err != nil || !receipts[0].Duplicate || !receipts[1].Duplicate {
		t.Errorf("in a batch: %+v, %v, want duplicates", receipts, err)
	}
	s.idle(t)
}

func TestLaterDebugAndDiscard(t *testing.T) {
	t.Parallel()
	definition := mailDefinition()
	s := newSystem(t, &definition, succeed)
	var ids []string
	for i := range 3 {
		receipt, err := definition.Later(t.Context(), s.client, &mail{UserID: i}, cloudtask.In(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if wait := time.Until(receipt.ETA); wait < 59*time.Minute || wait > 61*time.Minute {
			t.Errorf("due in %v, want an hour", wait)
		}
		ids = append(ids, "Mail/"+receipt.TaskID)
	}
	var task mail
	ctx, err := definition.Debug(t.Context(), s.client, strings.TrimPrefix(ids[2], "Mail/"), &task)
	if err != nil || task.UserID != 2 || cloudtask.MetadataFrom(ctx).Queue != "emails" {
		t.Errorf("Debug: %+v, %v", task, err)
	}
	if last, err := cloudtask.MetadataFrom(ctx).LastAttempt(ctx); err != nil || last {
		t.Errorf("LastAttempt by the queue's settings: %v, %v", last, err)
	}
	one, err := definition.Discard(t.Context(), s.client, cloudtask.TaskID(strings.TrimPrefix(ids[0], "Mail/")))
	if err != nil || !slices.Equal(one, ids[:1]) {
		t.Errorf("Discard of one: %v, %v", one, err)
	}
	rest, err := definition.Discard(t.Context(), s.client)
	slices.Sort(rest)
	want := slices.Sorted(slices.Values(ids[1:]))
	if err != nil || !slices.Equal(rest, want) {
		t.Errorf("Discard of all: %v, %v, want %v", rest, err, want)
	}
	s.idle(t)
}

func TestDeletedQueueHasABackup(t *testing.T) {
	t.Parallel()
	definition := mailDefinition()
	s := newSystem(t, &definition, succeed, func(client, _ *cloudtask.Config) { client.BackupQueue = "spare" })
	if err := s.queue.DeleteQueue(t.Context(), "projects/p/locations/l/queues/emails"); err != nil {
		t.Fatal(err)
	}
	receipt, err := definition.Asap(t.Context(), s.client, &mail{UserID: 5})
	if err != nil || receipt.Queue != "spare" {
		t.Fatalf("%+v, %v, want the backup queue", receipt, err)
	}
	if d := s.next(t); d.task.UserID != 5 || d.metadata.Queue != "spare" {
		t.Errorf("ran %+v", d)
	}
}

func TestEagerClientConnectsToNothing(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere") // would fail if it were read
	definition := mailDefinition()
	var ran mail
	route := definition.Route(func(_ context.Context, payload any) error {
		task := payload.(*mail)
		ran = *task
		return nil
	})
	client, err := gcp.NewClient(t.Context(), cloudtask.Config{Eager: true}, route)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := definition.Asap(t.Context(), client, &mail{UserID: 9}); err != nil || ran.UserID != 9 {
		t.Errorf("ran %+v, %v", ran, err)
	}
	_, err = gcp.NewClient(t.Context(), productionConfig())
	if err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("without Eager: %v, want the missing credentials", err)
	}
}

func TestNewClientChecksTheConfig(t *testing.T) {
	t.Parallel()
	_, err := gcp.NewClient(t.Context(), cloudtask.Config{Project: "p/q", BaseURL: "/relative", EmulatorHost: "127.0.0.1:1"})
	for _, field := range []string{"Project", "Location", "BaseURL"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v, want the error to name %s", err, field)
		}
	}
}

func ExampleNewClient() {
	cfg := cloudtask.Config{Eager: true} // in production, of cloudtask.ConfigFromEnv
	definition := mailDefinition()       // written by cloudtaskgen, with an EnqueueMailAsap over it
	client, err := gcp.NewClient(context.Background(), cfg, definition.Route(func(_ context.Context, payload any) error {
		task := payload.(*mail)
		fmt.Println("mail to", task.UserID)
		return nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	if _, err := definition.Asap(context.Background(), client, &mail{UserID: 7}); err != nil {
		fmt.Println(err)
	}
	// Output: mail to 7
}
