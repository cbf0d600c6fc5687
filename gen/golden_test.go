package gen_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/golden/manual"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/golden/names"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/golden/shared"
)

// The golden packages are what the generator writes for them, byte for byte. "go run ./cmd/cloudtaskgen
// ./testdata/golden/..." writes them anew.
func TestGolden(t *testing.T) {
	t.Parallel()
	res, err := gen.Generate(t.Context(), gen.Options{Dir: "..", Patterns: []string{"./testdata/golden/..."}})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range res.Diagnostics {
		t.Error(d.Format(res.Dir))
	}
	if len(res.Files) != 3 {
		t.Errorf("%d files, want 3", len(res.Files))
	}
	var diff bytes.Buffer
	differs, err := res.Diff(&diff)
	if err != nil {
		t.Fatal(err)
	}
	if len(differs) > 0 {
		t.Errorf("golden packages are stale:\n%s", &diff)
	}
}

// One run after the other gives the same bytes.
func TestGenerateTwice(t *testing.T) {
	t.Parallel()
	generate := func() []gen.File {
		t.Helper()
		return must(gen.Generate(t.Context(), gen.Options{Dir: "..", Patterns: []string{"./testdata/golden/..."}}))(t).Files
	}
	first := generate()
	if len(first) != 3 {
		t.Fatalf("%d files, want 3", len(first))
	}
	for range 3 {
		if diff := cmp.Diff(first, generate()); diff != "" {
			t.Fatalf("another run (-first +other):\n%s", diff)
		}
	}
}

// program is a service that runs the tasks of the golden packages, on an embedded queue whose clock is the test's.
type program struct {
	app     *manual.App
	runner  *runner
	queue   *localqueue.Service
	client  *cloudtask.Client
	handler http.Handler
}

// runner runs the tasks of package shared that have no Run.
type runner struct{ ran []string }

func (r *runner) RunShip(_ context.Context, task shared.Ship) error {
	r.ran = append(r.ran, "ship "+task.ID)
	return nil
}

func (r *runner) RunPack(_ context.Context, task shared.Pack) error {
	if len(task.Order.Lines) == 0 {
		return errors.New("nothing to pack")
	}
	r.ran = append(r.ran, "pack "+task.Order.ID)
	return nil
}

func double(n int) int { return 2 * n }

func start(t *testing.T) *program {
	t.Helper()
	p := &program{app: &manual.App{}, runner: &runner{}}
	var err error
	p.queue, err = localqueue.New(localqueue.WithVirtualClock(time.Now()), localqueue.WithLogger(slog.New(slog.DiscardHandler)), localqueue.WithHandler(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) })))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.queue.Close() })
	cfg := cloudtask.Config{Project: "p", Location: "l", BaseURL: "http://localhost:8080", InsecureNoAuth: true, Logger: slog.New(slog.DiscardHandler)}
	if p.client, err = cloudtask.NewClient(p.queue.Backend(), cfg); err != nil {
		t.Fatal(err)
	}
	routes := append(manual.Routes(p.client, p.app), shared.Routes(p.runner, double)...)
	if p.handler, err = cloudtask.NewHandler(cfg, routes...); err != nil {
		t.Fatal(err)
	}
	return p
}

// run runs what is in the queues until nothing is left.
func (p *program) run(t *testing.T) {
	t.Helper()
	if _, err := p.queue.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestGeneratedEnqueue(t *testing.T) {
	t.Parallel()
	p := start(t)
	ctx, c := t.Context(), p.client
	email := manual.SendWelcomeEmail{UserID: 1}

	receipt := must(manual.EnqueueSendWelcomeEmailAsap(ctx, c, email))(t)
	if receipt.Queue != "emails" || receipt.Duplicate {
		t.Errorf("receipt %+v, want queue emails and no duplicate", receipt)
	}
	p.run(t)
	email.UserID = 2
	must(manual.EnqueueSendWelcomeEmailLater(ctx, c, email, cloudtask.In(time.Hour)))(t)
	email.UserID = 3
	must(manual.EnqueueSendWelcomeEmailUntil(ctx, c, email, time.Now().Add(time.Minute)))(t)
	p.run(t)
	email.UserID = 4
	must(manual.EnqueueSendWelcomeEmailPush(ctx, c, email, cloudtask.WithQueue("other")))(t)
	p.run(t)
	receipts := must(manual.EnqueueSendWelcomeEmailBatch(ctx, c, []manual.SendWelcomeEmail{{UserID: 5}, {UserID: 6}}))(t)
	if len(receipts) != 2 {
		t.Errorf("%d receipts, want 2", len(receipts))
	}
	p.run(t)
	must(manual.EnqueueProcessAnalyticsBatchAsap(ctx, c, manual.ProcessAnalyticsBatch{UserIDs: []int64{7}}))(t)
	p.run(t)

	want := []string{"welcome 1", "welcome 3", "welcome 2", "welcome 4", "welcome 5", "welcome 6", "welcome 7"}
	if diff := cmp.Diff(want, p.app.Done()); diff != "" {
		t.Errorf("tasks that ran (-want +got):\n%s", diff)
	}
}

func TestGeneratedUniqueness(t *testing.T) {
	t.Parallel()
	p := start(t)
	ctx, c := t.Context(), p.client
	charge := func(task manual.ChargeOrder) bool {
		t.Helper()
		return must(manual.EnqueueChargeOrderAsap(ctx, c, task))(t).Duplicate
	}
	order := func(id string) bool {
		t.Helper()
		return must(manual.EnqueueProcessOrderAsap(ctx, c, manual.ProcessOrder{Order: shared.Order{ID: id}}))(t).Duplicate
	}
	ship := func(id string, at int64) bool {
		t.Helper()
		return must(shared.EnqueueShipAsap(ctx, c, shared.Ship{Order: shared.Order{ID: id}, At: time.Unix(at, 0).UTC()}))(t).Duplicate
	}
	tests := []struct {
		name string
		got  bool
		want bool
	}{
		{"unique: first", charge(manual.ChargeOrder{OrderID: "a", Line: 1, Cents: 5}), false},
		{"unique: same fields, other payload", charge(manual.ChargeOrder{OrderID: "a", Line: 1, Cents: 6}), true},
		{"unique: other field", charge(manual.ChargeOrder{OrderID: "a", Line: 2, Cents: 5}), false},
		{"once: first", order("a"), false},
		{"once: other payload", order("b"), true},
		{"unique, promoted field: first", ship("a", 1), false},
		{"unique, promoted field: same", ship("a", 1), true},
		{"unique, promoted field: other", ship("b", 1), false},
		{"unique, promoted field: other time", ship("a", 2), false},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%s: duplicate %v, want %v", test.name, test.got, test.want)
		}
	}
}

func TestGeneratedMethodsChoose(t *testing.T) {
	t.Parallel()
	p := start(t)
	ctx, c := t.Context(), p.client
	plain := must(manual.EnqueueHighPriorityNotificationAsap(ctx, c, manual.HighPriorityNotification{UserID: 7}))(t)
	alert := must(manual.EnqueueHighPriorityNotificationAsap(ctx, c, manual.HighPriorityNotification{UserID: 7, Alert: "fire"}))(t)
	if plain.Queue != "notifications" || alert.Queue != "critical" || alert.TaskID != "alert-7" {
		t.Errorf("queues %s and %s, task id %s; want notifications, critical and alert-7", plain.Queue, alert.Queue, alert.TaskID)
	}
	deadline := func(r cloudtask.Receipt) time.Duration {
		t.Helper()
		return must(p.queue.Backend().GetTask(ctx, "projects/p/locations/l/queues/"+r.Queue+"/tasks/"+r.TaskID))(t).DispatchDeadline
	}
	if got := deadline(plain); got != 20*time.Second {
		t.Errorf("dispatch deadline %v, want the directive's 20s", got)
	}
	if got := deadline(alert); got != time.Minute {
		t.Errorf("dispatch deadline %v, want the method's 1m", got)
	}
	robust := must(manual.EnqueueRobustEnqueueAsap(ctx, c, manual.RobustEnqueue{Data: map[string]any{}}))(t)
	got := must(p.queue.Backend().GetTask(ctx, "projects/p/locations/l/queues/"+robust.Queue+"/tasks/"+robust.TaskID))(t).Retry
	want := &cloudtask.RetryConfig{MaxAttempts: 7, MaxRetryDuration: time.Hour, MinBackoff: 5 * time.Second, MaxBackoff: 10 * time.Minute, MaxDoublings: 4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("retry of the task (-want +got):\n%s", diff)
	}
}

func TestGeneratedRoutes(t *testing.T) {
	t.Parallel()
	p := start(t)
	tests := []struct {
		name, path, body string
		status           int
		answer           string // contained in it
	}{
		{"result", "SendWelcomeEmail", `{"user_id":1,"custom_message":"<hi>"}`, 200, `{"status":"executed","result":{"to":"user-1","message":"<hi>"}}`},
		{"scalar result", "ChargeOrder", `{"order_id":"a","line":1,"cents":5}`, 200, `"result":-5`},
		{"alias", "BillOrder", `{"order_id":"b","line":1,"cents":6}`, 200, `"result":-6`},
		{"pointer result and receiver", "HighPriorityNotification", `{"user_id":1,"alert":"x"}`, 200, `"result":"x"`},
		{"function as dependency", "Count", `{"n":21}`, 200, `"result":42`},
		{"no result", "ProcessOrder", `{"order":{"id":"o"}}`, 200, `{"status":"executed"`},
		{"name of the directive", "discarding-task", `{}`, 202, `{"status":"discarded"}`},
		{"not the type's name then", "Discarding", `{}`, 404, `not found`},
		{"runner", "ship", `{"id":"s","at":"2026-01-02T03:04:05Z"}`, 200, `{"status":"executed"`},
		{"runner fails", "Pack", `{"order":{"id":"s"}}`, 500, `{"status":"failed"}`},
		{"required field missing", "ChargeOrder", `{"order_id":"a","line":1}`, 400, `cents`},
		{"nested field of the wrong type", "Pack", `{"order":{"id":"s","lines":[{"sku":1}]}}`, 400, `payload.order.lines[0].sku`},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		p.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/tasks/"+test.path, strings.NewReader(test.body)))
		body, _ := io.ReadAll(w.Body)
		if w.Code != test.status || !strings.Contains(string(body), test.answer) {
			t.Errorf("%s: answered %d %s, want %d with %s", test.name, w.Code, body, test.status, test.answer)
		}
	}
	if diff := cmp.Diff([]string{"ship s"}, p.runner.ran); diff != "" {
		t.Errorf("runner (-want +got):\n%s", diff)
	}
}

func TestGeneratedSyncDebugDiscard(t *testing.T) {
	t.Parallel()
	p := start(t)
	ctx, c := t.Context(), p.client

	sent := must(manual.SyncSendWelcomeEmail(ctx, p.app, manual.SendWelcomeEmail{UserID: 9, CustomMessage: "hi"}))(t)
	if want := (manual.EmailSent{To: "user-9", Message: "hi"}); sent != want {
		t.Errorf("SyncSendWelcomeEmail = %+v, want %+v", sent, want)
	}
	if err := manual.SyncDiscarding(ctx, manual.Discarding{}); err == nil || !strings.Contains(err.Error(), "account is closed") {
		t.Errorf("SyncDiscarding = %v, want Run's error", err)
	}
	if err := shared.SyncPack(ctx, p.runner, shared.Pack{Order: &shared.Order{ID: "x", Lines: []shared.Line{{}}}}); err != nil {
		t.Error(err)
	}

	var ids []string
	for id := range int64(3) {
		r := must(manual.EnqueueSendWelcomeEmailLater(ctx, c, manual.SendWelcomeEmail{UserID: id}, cloudtask.In(time.Hour)))(t)
		ids = append(ids, r.TaskID)
	}
	sent = must(manual.DebugSendWelcomeEmail(ctx, c, p.app, ids[2]))(t)
	if sent.To != "user-2" {
		t.Errorf("DebugSendWelcomeEmail = %+v, want that of user 2", sent)
	}
	if _, err := manual.DebugSendWelcomeEmail(ctx, c, p.app, ids[0]); err == nil || !strings.Contains(err.Error(), "no such user") {
		t.Errorf("DebugSendWelcomeEmail of user 0 = %v, want Run's error", err)
	}
	if _, err := manual.DebugSendWelcomeEmail(ctx, c, p.app, "nosuch"); err == nil {
		t.Error("DebugSendWelcomeEmail of a task that is not there succeeded")
	}
	deleted := must(manual.DiscardSendWelcomeEmail(ctx, c, cloudtask.TaskID(ids[1])))(t)
	if diff := cmp.Diff([]string{"SendWelcomeEmail/" + ids[1]}, deleted); diff != "" {
		t.Errorf("DiscardSendWelcomeEmail (-want +got):\n%s", diff)
	}
	if deleted = must(manual.DiscardSendWelcomeEmail(ctx, c))(t); len(deleted) != 2 {
		t.Errorf("DiscardSendWelcomeEmail deleted %v, want the other two", deleted)
	}
}

// Package names declares what generated code would like to call things; it works all the same.
func TestGeneratedNames(t *testing.T) {
	t.Parallel()
	if routes := names.Routes(nil, nil, nil); len(routes) != 4 {
		t.Errorf("%d routes, want 4", len(routes))
	}
	got := must(names.SyncOrder(t.Context(), nil, names.Order{ID: "1 "}))(t)
	if want := "1 orderorder task"; got != want {
		t.Errorf("SyncOrder = %q, want %q", got, want)
	}
	data := must(names.AppendOrder(nil, &names.Order{ID: "<&>"}))(t)
	var order names.Order
	if err := names.DecodeOrder(data, &order); err != nil || order.ID != "<&>" {
		t.Errorf("DecodeOrder(%s) = %+v, %v", data, order, err)
	}
}

// The payload is what encoding/json writes, HTML escaping off.
func TestGeneratedPayload(t *testing.T) {
	t.Parallel()
	task := shared.Ship{
		Order: shared.Order{ID: "ü<", Lines: []shared.Line{{SKU: "a", Parts: []*shared.Line{{SKU: "b", Count: 2}, nil}}}},
		At:    time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
	}
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(task); err != nil {
		t.Fatal(err)
	}
	got := must(shared.AppendShip([]byte("prefix "), &task))(t)
	if w := "prefix " + strings.TrimSpace(want.String()); string(got) != w {
		t.Errorf("AppendShip = %s, want %s", got, w)
	}
	var back shared.Ship
	if err := shared.DecodeShip(got[len("prefix "):], &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(task, back); diff != "" {
		t.Errorf("DecodeShip (-want +got):\n%s", diff)
	}
}
