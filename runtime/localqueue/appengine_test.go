package localqueue_test

import (
	"context"
	"io"
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

func appEngineTask(r resource.AppEngineRequest) *resource.Task {
	return &resource.Task{AppEngine: &r}
}

const appEngineAgent = "AppEngine-Google; (+http://code.google.com/appengine)"

func TestAppEngineTaskIsStored(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		in, want resource.AppEngineRequest
	}{
		{"defaults", resource.AppEngineRequest{}, resource.AppEngineRequest{
			Method: "POST", RelativeURI: "/", Header: map[string]string{"User-Agent": appEngineAgent},
			Routing: resource.AppEngineRouting{Host: "demo.appspot.com"},
		}},
		{"with a body", resource.AppEngineRequest{Method: "PUT", RelativeURI: "/a?b=c", Body: []byte("hello")}, resource.AppEngineRequest{
			Method: "PUT", RelativeURI: "/a?b=c", Body: []byte("hello"),
			Header:  map[string]string{"User-Agent": appEngineAgent, "Content-Length": "5", "Content-Type": "application/octet-stream"},
			Routing: resource.AppEngineRouting{Host: "demo.appspot.com"},
		}},
		{"own headers", resource.AppEngineRequest{
			Body:    []byte("{}"),
			Header:  map[string]string{"content-TYPE": "application/json", "user-agent": "mine", "Host": "h", "content-length": "9", "X-Google-A": "a", "x-appengine-taskname": "b", "Kept": "c"},
			Routing: resource.AppEngineRouting{Service: "worker", Version: "v2", Instance: "1", Host: "ignored"},
		}, resource.AppEngineRequest{
			Method: "POST", RelativeURI: "/", Body: []byte("{}"),
			Header:  map[string]string{"content-TYPE": "application/json", "User-Agent": "mine " + appEngineAgent, "Content-Length": "2", "Kept": "c"},
			Routing: resource.AppEngineRouting{Service: "worker", Version: "v2", Instance: "1", Host: "1.v2.worker.demo.appspot.com"},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newVirtual(t, answer(200))
			created := add(t, s, &resource.Task{AppEngine: &test.in, View: resource.ViewFull})
			got, err := s.GetTask(t.Context(), created.Name, resource.ViewFull)
			if err != nil {
				t.Fatal(err)
			}
			if got.DispatchDeadline != 0 {
				t.Errorf("deadline %v, want none", got.DispatchDeadline)
			}
			for call, task := range map[string]*resource.Task{"CreateTask": created, "Task": got} {
				if diff := cmp.Diff(&test.want, task.AppEngine); diff != "" || task.HTTP != nil {
					t.Errorf("%s (-want +got):\n%s", call, diff)
				}
			}
			basic, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
			if err != nil || basic.AppEngine.Body != nil {
				t.Errorf("basic view: %v, %v", basic, err)
			}
		})
	}
}

// The sequence that was recorded from the real service: every response counts, whatever its status.
func TestAppEngineHeaders(t *testing.T) {
	t.Parallel()
	var got [][]string
	reply := answer(503, 404, 429, 500, 302, 200)
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		var row []string
		for _, key := range []string{"QueueName", "TaskName", "TaskRetryCount", "TaskExecutionCount", "TaskPreviousResponse", "TaskRetryReason"} {
			row = append(row, strings.Join(r.Header["X-Appengine-"+strings.ToUpper(key[:1])+strings.ToLower(key[1:])], "|"))
		}
		got = append(got, row)
		w.Header().Set("Location", "http://elsewhere/") // not followed
		reply(w, r)
		if r.Header.Get("X-CloudTasks-TaskName") != "" || r.Header.Get("X-AppEngine-TaskETA") == "" || r.Host != "demo.appspot.com" {
			t.Errorf("host %q, headers %v", r.Host, r.Header)
		}
	})
	task := appEngineTask(resource.AppEngineRequest{RelativeURI: "/work"})
	task.Name = queueName + "/tasks/t1"
	add(t, s, task)
	if _, err := s.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"emails", "t1", "0", "0", "", ""},
		{"emails", "t1", "1", "1", "503", "App Error"},
		{"emails", "t1", "2", "2", "404", "App Error"},
		{"emails", "t1", "3", "3", "429", "App Error"},
		{"emails", "t1", "4", "4", "500", "App Error"},
		{"emails", "t1", "5", "5", "302", "App Error"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestAppEngineTimeout(t *testing.T) {
	t.Parallel()
	var s *localqueue.Service
	var got []string
	s = newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, strings.Join(r.Header["X-Appengine-Taskpreviousresponse"], "|")+"/"+r.Header.Get("X-AppEngine-TaskRetryReason")+"/"+r.Header.Get("X-AppEngine-TaskExecutionCount"))
		if len(got) == 1 {
			if err := s.Advance(10*time.Minute + time.Second); err != nil { // past the default deadline
				t.Error(err)
			}
		}
	})
	name := add(t, s, appEngineTask(resource.AppEngineRequest{})).Name
	if _, err := s.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	task, err := s.GetTask(t.Context(), name, resource.ViewBasic)
	if err != nil || task.ResponseCount != 0 || task.DispatchCount != 1 || task.LastAttempt.Message != "DEADLINE_EXCEEDED(4): HTTP status code 504" {
		t.Errorf("after the timeout: %+v, %v", task, err)
	}
	if _, err := s.RunUntilIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"//0", "0/Instance Unavailable/0"}, got); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
}

func TestAppEngineServices(t *testing.T) {
	t.Parallel()
	received := make(chan string, 10)
	app := func(name string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			received <- name + " " + r.Method + " " + r.RequestURI + " " + string(body) + " " + r.Header.Get("User-Agent")
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	s := newService(t, localqueue.WithAppEngine("", app("default")+"/"), localqueue.WithAppEngine("worker", app("worker")))
	send := func(service string) string {
		add(t, s, appEngineTask(resource.AppEngineRequest{RelativeURI: "/x?y", Body: []byte("hi"), Routing: resource.AppEngineRouting{Service: service}}))
		select {
		case r := <-received:
			return r
		case <-time.After(10 * time.Second):
			t.Fatal("not delivered")
			return ""
		}
	}
	for _, test := range []struct{ service, want string }{
		{"", "default POST /x?y hi " + appEngineAgent},
		{"other", "default POST /x?y hi " + appEngineAgent},
		{"worker", "worker POST /x?y hi " + appEngineAgent},
	} {
		if got := send(test.service); got != test.want {
			t.Errorf("service %q: %q, want %q", test.service, got, test.want)
		}
	}
	override := &resource.Queue{Name: queueName, AppEngineRouting: &resource.AppEngineRouting{Service: "worker", Host: "ignored"}}
	updated, err := s.UpdateQueue(t.Context(), override, []string{"app_engine_routing_override"})
	if err != nil || *updated.AppEngineRouting != (resource.AppEngineRouting{Service: "worker", Host: "worker.demo.appspot.com"}) {
		t.Fatalf("%+v, %v", updated.AppEngineRouting, err)
	}
	if got := send("other"); !strings.HasPrefix(got, "worker ") {
		t.Errorf("with an override: %q", got)
	}
	if _, err := localqueue.New(localqueue.WithAppEngine("", "localhost:8080")); err == nil || !strings.Contains(err.Error(), `"localhost:8080"`) {
		t.Errorf("a base URL without a scheme: %v", err)
	}
}

// Without an app, an attempt fails as one does that nothing answers.
func TestAppEngineWithoutAnApp(t *testing.T) {
	t.Parallel()
	events := make(chan localqueue.Event, 10)
	s := newService(t, localqueue.WithObserver(func(e localqueue.Event) {
		if e.Kind == localqueue.TaskRetried {
			events <- e
		}
	}))
	if _, err := s.CreateTask(context.Background(), queueName, appEngineTask(resource.AppEngineRequest{RelativeURI: "/x"})); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-events:
		if e.Status != 0 || e.Err == nil || !strings.Contains(e.Err.Error(), "WithAppEngine") || e.URL != "/x" {
			t.Errorf("%+v", e)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no attempt")
	}
}

func TestAppEngineTasksOfABackend(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	name := add(t, s, appEngineTask(resource.AppEngineRequest{RelativeURI: "/x", Body: []byte("b")})).Name
	got, err := s.Backend().GetTask(t.Context(), name)
	if err != nil || got.URL != "http://demo.appspot.com/x" || string(got.Body) != "b" {
		t.Errorf("%+v, %v", got, err)
	}
	both := httpTask()
	both.AppEngine = &resource.AppEngineRequest{}
	_, err = s.CreateTask(t.Context(), queueName, both)
	wantStatus(t, err, cloudtask.InvalidArgument, "Task must have one target: either HttpRequest or AppEngineHttpRequest.")
}
