package localqueue_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

const (
	location  = "projects/demo/locations/europe-west1"
	queueName = location + "/queues/emails"
)

// start is where virtual clocks of tests begin: not on a whole second, so that truncation shows.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// newService returns a service with the queue emails, closed when the test ends.
func newService(t testing.TB, opts ...localqueue.Option) *localqueue.Service {
	t.Helper()
	opts = append([]localqueue.Option{
		localqueue.WithLogger(slog.New(slog.DiscardHandler)),
		localqueue.WithQueues(resource.Queue{Name: "emails"}),
	}, opts...)
	s, err := localqueue.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// newVirtual is newService on a virtual clock that delivers to h.
func newVirtual(t testing.TB, h http.HandlerFunc, opts ...localqueue.Option) *localqueue.Service {
	t.Helper()
	return newService(t, append([]localqueue.Option{localqueue.WithVirtualClock(start), localqueue.WithHandler(h)}, opts...)...)
}

func httpTask() *resource.Task {
	return &resource.Task{HTTP: &resource.HTTPRequest{URL: "http://localhost/tasks/X", Body: []byte(`{}`)}}
}

func add(t testing.TB, s *localqueue.Service, task *resource.Task) *resource.Task {
	t.Helper()
	created, err := s.CreateTask(context.Background(), queueName, task)
	if err != nil {
		t.Fatalf("CreateTask: %v", err)
	}
	return created
}

// answer answers with the status codes in turn, and with the last of them from then on.
func answer(codes ...int) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		code := codes[0]
		if len(codes) > 1 {
			codes = codes[1:]
		}
		mu.Unlock()
		w.WriteHeader(code)
	}
}

// wantStatus checks an error's code and, unless it is "", its message.
func wantStatus(t testing.TB, err error, code cloudtask.Code, message string) {
	t.Helper()
	var status *cloudtask.StatusError
	if code == cloudtask.OK {
		if err != nil {
			t.Errorf("error %v, want none", err)
		}
		return
	}
	if !errors.As(err, &status) {
		t.Errorf("error %v, want a StatusError of code %v", err, code)
		return
	}
	if status.Code != code || message != "" && status.Message != message {
		t.Errorf("error\n  %v: %s\nwant\n  %v: %s", status.Code, status.Message, code, message)
	}
}
