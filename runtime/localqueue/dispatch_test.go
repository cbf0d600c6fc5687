package localqueue_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// The sequence that was recorded from the real service: replies 503, 404, 429, 500, 302 (without Location), 200.
func TestGoldenSequence(t *testing.T) {
	t.Parallel()
	replies := answer(503, 404, 429, 500, 302, 200)
	var got []map[string]string
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		headers := map[string]string{}
		for k, v := range r.Header {
			if k != "X-Cloudtasks-Tasketa" {
				headers[strings.TrimPrefix(k, "X-Cloudtasks-")] = strings.Join(v, "|")
			}
		}
		got = append(got, headers)
		replies(w, r)
	})
	task := httpTask()
	task.Name = queueName + "/tasks/golden"
	add(t, s, task)
	attempts, err := s.RunUntilIdle(t.Context())
	if err != nil || attempts != 6 {
		t.Fatalf("RunUntilIdle: %d attempts, %v; want 6", attempts, err)
	}
	attempt := func(retries, executions, previous string) map[string]string {
		h := map[string]string{
			"Queuename": "emails", "Taskname": "golden", "Taskretrycount": retries, "Taskexecutioncount": executions,
			"User-Agent": "Google-Cloud-Tasks",
		}
		if previous != "" {
			h["Taskpreviousresponse"], h["Taskretryreason"] = previous, ""
		}
		return h
	}
	want := []map[string]string{
		attempt("0", "0", ""), attempt("1", "0", "503"), attempt("2", "1", "404"),
		attempt("3", "2", "429"), attempt("4", "2", "500"), attempt("5", "3", "302"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers of the attempts (-want +got):\n%s", diff)
	}
}

// The example of RetryConfig.max_doublings' documentation.
func TestBackoff(t *testing.T) {
	t.Parallel()
	var at []time.Time
	var s *localqueue.Service
	s = newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		at = append(at, s.Now())
		w.WriteHeader(500)
	})
	task := httpTask()
	task.Retry = &cloudtask.RetryConfig{MaxAttempts: 9, MinBackoff: 10 * time.Second, MaxBackoff: 300 * time.Second, MaxDoublings: 3}
	add(t, s, task)
	if _, err := s.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []int
	for i := 1; i < len(at); i++ {
		got = append(got, int(at[i].Sub(at[i-1]).Round(time.Second)/time.Second))
	}
	if diff := cmp.Diff([]int{10, 20, 40, 80, 160, 240, 300, 300}, got); diff != "" {
		t.Errorf("seconds between attempts (-want +got):\n%s", diff)
	}
}

func TestRealClock(t *testing.T) {
	t.Parallel()
	got := make(chan string, 3)
	s := newService(t, localqueue.WithHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("X-CloudTasks-TaskRetryCount")
		if r.Header.Get("X-CloudTasks-TaskRetryCount") != "2" {
			w.WriteHeader(500)
		}
	})))
	task := httpTask()
	task.Retry = &cloudtask.RetryConfig{MinBackoff: time.Millisecond}
	task.ScheduleTime = time.Now().Add(5 * time.Millisecond)
	created := add(t, s, task)
	for _, want := range []string{"0", "1", "2"} {
		if count := <-got; count != want {
			t.Errorf("retry count %s, want %s", count, want)
		}
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	_, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
	wantStatus(t, err, cloudtask.Unavailable, "")
}

// The service's own transport trusts whom it is told to.
func TestTLSConfig(t *testing.T) {
	t.Parallel()
	received := make(chan struct{}, 1)
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { received <- struct{}{} }))
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s := newService(t, localqueue.WithTLSConfig(&tls.Config{RootCAs: roots}))
	add(t, s, &resource.Task{HTTP: &resource.HTTPRequest{URL: server.URL}})
	select {
	case <-received:
	case <-time.After(10 * time.Second):
		t.Fatal("not delivered")
	}
	_, err := localqueue.New(localqueue.WithTransport(http.DefaultTransport), localqueue.WithTLSConfig(&tls.Config{}))
	if err == nil || !strings.Contains(err.Error(), "WithTLSConfig is for the service's own transport") {
		t.Errorf("together with a transport: %v", err)
	}
}
