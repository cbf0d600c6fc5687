package cloudtask_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// creationBackend keeps the headers of the tasks that are created.
type creationBackend struct {
	cloudtask.Backend // not called

	mu      sync.Mutex
	headers []map[string]string
}

func (b *creationBackend) CreateTask(_ context.Context, queue string, task *cloudtask.Task) (*cloudtask.Task, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.headers = append(b.headers, task.Header)
	stored := *task
	stored.Name = queue + "/tasks/1"
	return &stored, nil
}

// From a request of the outside, through the task that it enqueues, to the task that that one enqueues.
func TestPropagation(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		names    []string
		incoming http.Header
		want     map[string]string
	}{
		{"by default", nil, http.Header{"Traceparent": {"00-1"}, "X-Tenant": {"acme"}}, map[string]string{"Traceparent": "00-1"}},
		{"as configured", []string{"x-tenant", "TRACEPARENT", "X-Tenant"}, http.Header{"Traceparent": {"00-1"}, "X-Tenant": {"acme"}, "X-Other": {"x"}},
			map[string]string{"Traceparent": "00-1", "X-Tenant": "acme"}},
		{"nothing to carry", nil, http.Header{"X-Tenant": {"acme"}}, map[string]string{}},
		{"nothing configured", []string{}, http.Header{"Traceparent": {"00-1"}}, map[string]string{}},
		{"several values", []string{"Tracestate"}, http.Header{"Tracestate": {"a=1", "b=2"}}, map[string]string{"Tracestate": "a=1, b=2"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			backend := new(creationBackend)
			cfg := located
			cfg.PropagatedHeaders = test.names
			client, err := cloudtask.NewClient(backend, cfg)
			if err != nil {
				t.Fatal(err)
			}
			enqueue := func(ctx context.Context) {
				if _, err := greetTask.Asap(ctx, client, &greeting{"Ann"}); err != nil {
					t.Error(err)
				}
			}
			outside := cloudtask.PropagateHeaders(cfg)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { enqueue(r.Context()) }))
			r := httptest.NewRequest("GET", "/", nil)
			r.Header = test.incoming
			outside.ServeHTTP(httptest.NewRecorder(), r)

			inside := newHandler(t, cfg, route(func(ctx context.Context, _ string) error { enqueue(ctx); return nil }))
			var headers []string
			for name, value := range backend.headers[0] {
				headers = append(headers, name, value)
			}
			if w := post(inside, "/tasks/Greet", `{"name":"Ann"}`, headers...); w.Code != 200 {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			for i, got := range backend.headers {
				delete(got, "Content-Type")
				delete(got, "Cloudtask-Timeout")
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("headers of task %d (-want +got):\n%s", i, diff)
				}
			}
			if len(backend.headers) != 2 {
				t.Errorf("%d tasks", len(backend.headers))
			}
		})
	}
}

// Nothing is carried that could let a caller be impersonated later, or that a request cannot choose.
func TestHeadersThatAreNotPropagated(t *testing.T) {
	t.Parallel()
	for _, name := range append(slices.Clone(secretHeaders), "authorization", "Host", "Connection", "TE", "Content-Length", "Content-Type", "User-Agent",
		"X-CloudTasks-TaskName", "x-cloudtasks-anything", "X-CloudScheduler", "X-CloudScheduler-JobName", "X-AppEngine-Country",
		"X-Google-Trace", "Cloudtask-Timeout", "", "with space", "colon:", "ünicode", "line\nbreak") {
		cfg := cloudtask.Config{InsecureNoAuth: true, PropagatedHeaders: []string{name, "X-Tenant"}}
		if _, err := cloudtask.NewHandler(cfg); err == nil {
			t.Errorf("NewHandler accepts %q", name)
		}
		backend := new(creationBackend)
		all := located
		all.PropagatedHeaders = []string{"X-Tenant"}
		client, err := cloudtask.NewClient(backend, all)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = http.Header{http.CanonicalHeaderKey(name): {"x"}, "X-Tenant": {"acme"}}
		cloudtask.PropagateHeaders(cfg)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, err := greetTask.Asap(r.Context(), client, &greeting{"Ann"}); err != nil {
				t.Error(err)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
		if got := backend.headers[0]; got["X-Tenant"] != "acme" || got[http.CanonicalHeaderKey(name)] == "x" {
			t.Errorf("with %q configured, a task has headers %v", name, got)
		}
	}
	for _, name := range []string{"X-Cloud-Trace-Context", "baggage", "X-Request-Id", "Accept-Language"} {
		if _, err := cloudtask.NewHandler(cloudtask.Config{InsecureNoAuth: true, PropagatedHeaders: []string{name}}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
