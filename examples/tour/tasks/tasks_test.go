package tasks

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// TestImportContactsGivesUp shows how tasks are tested: against an embedded queue on a virtual clock, which calls the
// handler directly. A day passes at once.
func TestImportContactsGivesUp(t *testing.T) {
	t.Parallel()
	cfg := cloudtask.Config{Project: "test", Location: "here", InsecureNoAuth: true}
	var notes []string
	app := &App{Note: func(actor, format string, args ...any) {
		notes = append(notes, actor+": "+fmt.Sprintf(format, args...))
	}}
	handler, err := NewHandler(cfg, app)
	if err != nil {
		t.Fatal(err)
	}
	queue, err := localqueue.New(localqueue.WithHandler(handler), localqueue.WithVirtualClock(time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	client, err := cloudtask.NewClient(queue, cfg)
	if err != nil {
		t.Fatal(err)
	}

	if _, err := EnqueueImportContactsAsap(t.Context(), client, ImportContacts{File: "broken.csv"}); err != nil {
		t.Fatal(err)
	}
	attempts, err := queue.RunFor(t.Context(), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := range 10 {
		want = append(want, fmt.Sprintf("ImportContacts broken.csv: attempt %d failed", n+1))
	}
	if diff := cmp.Diff(want, notes); attempts != 10 || diff != "" {
		t.Errorf("%d attempts, want 10 (-want +got):\n%s", attempts, diff)
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
