package localqueue_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// newDurable returns a service on the directory whose virtual clock stands at the time. Its calls are answered when they
// are on disk, so that the files it leaves are those that a process which is killed leaves.
func newDurable(t testing.TB, dir string, at time.Time, h http.HandlerFunc, opts ...localqueue.Option) *localqueue.Service {
	t.Helper()
	s, err := localqueue.New(append([]localqueue.Option{
		localqueue.WithLogger(slog.New(slog.DiscardHandler)), localqueue.WithDir(dir),
		localqueue.WithVirtualClock(at), localqueue.WithHandler(h),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// everything is all that callers can see of a service.
type everything struct {
	Queues  []*resource.Queue
	Tasks   map[string][]*resource.Task // by queue
	Lookups map[string]string           // what Task says of tasks by these names
	Batches map[string]*localqueue.Batch
	Kept    string
	Past    []*localqueue.Inspection // of tasks that are gone, and those that are there: of some, when there are many
	Minutes [][]localqueue.Minute    // by queue
}

func observe(t *testing.T, s *localqueue.Service) everything {
	t.Helper()
	e := everything{Tasks: make(map[string][]*resource.Task), Lookups: make(map[string]string), Batches: make(map[string]*localqueue.Batch)}
	var err error
	if e.Queues, _, err = s.ListQueues(t.Context(), location, resource.Page{}, localqueue.QueueFilter{}); err != nil {
		t.Fatal(err)
	}
	for _, q := range e.Queues {
		tasks, next, err := s.ListTasks(t.Context(), q.Name, resource.Page{}, resource.ViewFull)
		if err != nil || next != "" {
			t.Fatalf("tasks of %s: next page %q, %v", q.Name, next, err)
		}
		e.Tasks[q.Name] = tasks
		for _, id := range []string{"a", "b", "c", "never"} {
			name := q.Name + "/tasks/" + id
			if _, err := s.GetTask(t.Context(), name, resource.ViewBasic); err != nil {
				e.Lookups[name] = err.Error()
			}
		}
	}
	for _, id := range []string{"request-1", "request-2"} {
		if b, err := s.GetBatch(t.Context(), location, id); err == nil {
			e.Batches[id] = b
		}
	}
	kept, err := s.Kept(t.Context(), "policy")
	if err != nil {
		t.Fatal(err)
	}
	e.Kept = string(kept)
	for _, ended := range []bool{true, false} {
		found, err := s.Browse(t.Context(), localqueue.Browse{Ended: ended})
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range found.Tasks[:min(100, len(found.Tasks))] {
			inspected, err := s.Inspect(t.Context(), task.Name)
			if err != nil {
				t.Fatal(err)
			}
			inspected.State, inspected.Held, inspected.Before, inspected.Ahead, inspected.Queue = 0, false, 0, nil, localqueue.QueueOverview{} // the clock's doing too
			e.Past = append(e.Past, inspected)
		}
	}
	overview, err := s.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	queues, err := s.BrowseQueues(t.Context(), localqueue.BrowseQueues{})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range queues.Queues {
		if overview.Virtual {
			e.Minutes = append(e.Minutes, q.Minutes)
		}
	}
	return e
}

// byText compares errors by their text, details included.
var byText = cmp.Transformer("error", func(err error) string {
	if err == nil {
		return ""
	}
	if help, ok := errors.AsType[*resource.Help](err); ok {
		return err.Error() + " " + help.URL
	}
	return err.Error()
})

func TestRestartKeeps(t *testing.T) {
	t.Parallel()
	named := func(id string) *resource.Task {
		task := httpTask()
		task.Name = queueName + "/tasks/" + id
		return task
	}
	must := func(t *testing.T, errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	second := func(_ any, err error) error { return err }
	tests := []struct {
		name string
		do   func(t *testing.T, s *localqueue.Service)
		now  func(t *testing.T, s *localqueue.Service) // must hold after the restart, beyond what is compared
	}{
		{"a task with all that it can have", func(t *testing.T, s *localqueue.Service) {
			task := named("a")
			task.HTTP = &resource.HTTPRequest{
				URL: "http://localhost/x?y=%20", Method: "PUT", Body: []byte{0, 255, '\n'}, Header: map[string]string{"X-One": "1", "x-two": ""},
				OIDC: &resource.OIDCToken{ServiceAccount: "a@b", Audience: "c"},
			}
			task.ScheduleTime, task.DispatchDeadline = start.Add(time.Hour), 20*time.Second
			task.Retry = &cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: time.Hour, MinBackoff: time.Second, MaxBackoff: time.Minute, MaxDoublings: 3}
			add(t, s, task)
			add(t, s, httpTask())
		}, nil},
		{"attempts", func(t *testing.T, s *localqueue.Service) {
			add(t, s, named("a"))
			must(t, second(s.RunFor(t.Context(), time.Minute)))
		}, func(t *testing.T, s *localqueue.Service) {
			task, err := s.GetTask(t.Context(), queueName+"/tasks/a", resource.ViewBasic)
			if err != nil || task.DispatchCount < 5 || task.LastAttempt.Message == "" {
				t.Errorf("%+v, %v: want some attempts", task, err)
			}
		}},
		{"what is gone", func(t *testing.T, s *localqueue.Service) {
			for _, id := range []string{"a", "b", "c"} {
				add(t, s, named(id))
			}
			must(t, s.DeleteTask(t.Context(), queueName+"/tasks/b"))
			must(t, second(s.RunTask(t.Context(), queueName+"/tasks/c", resource.ViewBasic)))
		}, func(t *testing.T, s *localqueue.Service) {
			for _, id := range []string{"a", "b"} {
				_, err := s.CreateTask(t.Context(), queueName, named(id))
				wantStatus(t, err, cloudtask.AlreadyExists, "Requested entity already exists")
			}
		}},
		{"a purge", func(t *testing.T, s *localqueue.Service) {
			add(t, s, named("a"))
			must(t, second(s.PurgeQueue(t.Context(), queueName)))
			add(t, s, named("b"))
		}, func(t *testing.T, s *localqueue.Service) {
			_, err := s.CreateTask(t.Context(), queueName, named("a"))
			wantStatus(t, err, cloudtask.AlreadyExists, "")
		}},
		{"a queue's settings and state", func(t *testing.T, s *localqueue.Service) {
			ratio := 0.25
			must(t, second(s.CreateQueue(t.Context(), location, &resource.Queue{
				Name: location + "/queues/other", SamplingRatio: &ratio,
				RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 0.25, MaxConcurrentDispatches: 7},
				Retry:      cloudtask.RetryConfig{MaxAttempts: 3, MinBackoff: 1500 * time.Millisecond},
			})))
			must(t, second(s.UpdateQueue(t.Context(), &resource.Queue{Name: queueName, Retry: cloudtask.RetryConfig{MaxDoublings: 2}}, nil)))
			must(t, second(s.PauseQueue(t.Context(), queueName)))
			add(t, s, named("a"))
		}, func(t *testing.T, s *localqueue.Service) {
			if n, err := s.RunUntilIdle(t.Context()); n != 0 || err != nil {
				t.Errorf("%d attempts from a paused queue, %v", n, err)
			}
		}},
		{"what is remembered", func(t *testing.T, s *localqueue.Service) {
			for i, id := range strings.Fields("b c d e f g h i j k") {
				task := named(id)
				task.HTTP.Body = []byte("payload of " + id)
				if id < "e" {
					task.HTTP.URL = "http://localhost/ok"
				}
				task.ScheduleTime = start.Add(time.Duration(i) * time.Second)
				task.Retry = &cloudtask.RetryConfig{MaxAttempts: 3, MinBackoff: time.Second}
				add(t, s, task)
			}
			must(t, second(s.RunFor(t.Context(), 6*time.Second)))
			for id := range strings.FieldsSeq("i j k g") {
				must(t, s.DeleteTask(t.Context(), queueName+"/tasks/"+id))
			}
			must(t, second(s.PurgeQueue(t.Context(), queueName)))
		}, func(t *testing.T, s *localqueue.Service) {
			got := make(map[string]string)
			found, err := s.Browse(t.Context(), localqueue.Browse{Ended: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range found.Tasks {
				inspected, err := s.Inspect(t.Context(), task.Name)
				if err != nil {
					t.Fatal(err)
				}
				responses := ""
				for _, a := range inspected.Attempts {
					responses += " " + a.Response
				}
				got[string(inspected.Task.HTTP.Body)] = task.Outcome.String() + responses
			}
			want := map[string]string{ // of each outcome, the last three
				"payload of b": "succeeded done", "payload of c": "succeeded done", "payload of d": "succeeded done",
				"payload of e": "exhausted no no no", "payload of f": "purged no no", "payload of h": "purged no",
				"payload of g": "deleted no no", "payload of j": "deleted", "payload of k": "deleted",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("remembered (-want +got):\n%s", diff)
			}
		}},
		{"a deleted queue", func(t *testing.T, s *localqueue.Service) {
			add(t, s, named("a"))
			must(t, s.DeleteQueue(t.Context(), queueName))
		}, func(t *testing.T, s *localqueue.Service) {
			_, err := s.CreateQueue(t.Context(), location, &resource.Queue{Name: queueName})
			wantStatus(t, err, cloudtask.FailedPrecondition, "")
			_, err = s.CreateTask(t.Context(), queueName, httpTask())
			wantStatus(t, err, cloudtask.NotFound, "")
		}},
		{"a queue that was created again", func(t *testing.T, s *localqueue.Service) {
			must(t, second(s.CreateQueue(t.Context(), location, &resource.Queue{Name: location + "/queues/other"})))
			must(t, s.DeleteQueue(t.Context(), location+"/queues/other"))
			must(t, s.Advance(4*24*time.Hour))
			must(t, second(s.CreateQueue(t.Context(), location, &resource.Queue{Name: location + "/queues/other"})))
			must(t, second(s.CreateTask(t.Context(), location+"/queues/other", httpTask())))
		}, nil},
		{"batches", func(t *testing.T, s *localqueue.Service) {
			must(t, second(s.BatchCreateTasks(t.Context(), queueName, "request-1", []*resource.Task{named("a"), named("a"), named("x y")})))
			must(t, second(s.BatchDeleteTasks(t.Context(), queueName, "request-2", []string{queueName + "/tasks/a"})))
		}, func(t *testing.T, s *localqueue.Service) {
			b, err := s.BatchCreateTasks(t.Context(), queueName, "request-1", []*resource.Task{named("b")})
			if err != nil || len(b.Results) != 3 {
				t.Errorf("%+v, %v: want the batch of the first call", b, err)
			}
		}},
		{"targets", func(t *testing.T, s *localqueue.Service) {
			host, port, scheme := "h.example.com", int64(81), resource.SchemeHTTP
			must(t, second(s.UpdateQueue(t.Context(), &resource.Queue{
				Name: queueName, AppEngineRouting: &resource.AppEngineRouting{Service: "worker"},
				HTTPTarget: &resource.HTTPTarget{
					URI: &resource.URIOverride{Scheme: &scheme, Host: &host, Port: &port, Mode: resource.OverrideAlways}, Method: "PUT",
					Header: []resource.HeaderOverride{{Key: "X-A", Value: "b"}}, OAuth: &resource.OAuthToken{ServiceAccount: "a@b", Scope: "s"},
				},
			}, nil)))
			task := named("a")
			task.HTTP, task.AppEngine = nil, &resource.AppEngineRequest{RelativeURI: "/x", Method: "PUT", Body: []byte("y"), Routing: resource.AppEngineRouting{Version: "v"}}
			add(t, s, task)
			add(t, s, httpTask())
			must(t, second(s.RunDue(t.Context())))
		}, nil},
		{"a reset", func(t *testing.T, s *localqueue.Service) {
			add(t, s, named("a"))
			must(t, s.DeleteTask(t.Context(), queueName+"/tasks/a"), s.Keep(t.Context(), "policy", []byte("p")))
			must(t, second(s.BatchCreateTasks(t.Context(), queueName, "request-1", []*resource.Task{named("c")})))
			must(t, second(s.CreateQueue(t.Context(), location, &resource.Queue{Name: location + "/queues/other"})))
			must(t, s.DeleteQueue(t.Context(), location+"/queues/other"))
			must(t, s.Reset(t.Context()))
			add(t, s, named("b"))
		}, func(t *testing.T, s *localqueue.Service) {
			must(t, second(s.CreateQueue(t.Context(), location, &resource.Queue{Name: location + "/queues/other"})))
			add(t, s, named("a"))
		}},
		{"values", func(t *testing.T, s *localqueue.Service) {
			must(t, s.Keep(t.Context(), "policy", []byte("old")), s.Keep(t.Context(), "policy", []byte("new")))
			must(t, s.Keep(t.Context(), "gone", []byte("x")), s.Keep(t.Context(), "gone", nil))
		}, nil},
		{"twice the same name, a day apart", func(t *testing.T, s *localqueue.Service) {
			add(t, s, named("a"))
			must(t, s.DeleteTask(t.Context(), queueName+"/tasks/a"))
			must(t, s.Advance(25*time.Hour))
			add(t, s, named("a"))
			must(t, s.DeleteTask(t.Context(), queueName+"/tasks/a"))
		}, func(t *testing.T, s *localqueue.Service) {
			_, err := s.CreateTask(t.Context(), queueName, named("a"))
			wantStatus(t, err, cloudtask.AlreadyExists, "")
		}},
	}
	for _, test := range tests {
		for _, snapshotEvery := range []int64{1 << 30, 1} { // the journal alone, and snapshots after every change
			t.Run(fmt.Sprintf("%s/%d", test.name, snapshotEvery), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				h := func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/ok" {
						_, _ = io.WriteString(w, "done")
						return
					}
					w.WriteHeader(500)
					_, _ = io.WriteString(w, "no")
				}
				emails := localqueue.WithQueues(resource.Queue{Name: queueName})
				opts := []localqueue.Option{emails, localqueue.WithStrict(), localqueue.WithSnapshotEvery(snapshotEvery), localqueue.WithHistory(3)}
				s := newDurable(t, dir, start, h, opts...)
				test.do(t, s)
				want, at := observe(t, s), s.Now()
				for restart := range 2 {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					s = newDurable(t, dir, at, h, opts...)
					if diff := cmp.Diff(want, observe(t, s), byText); diff != "" {
						t.Errorf("after restart %d (-before +after):\n%s", restart+1, diff)
					}
				}
				if test.now != nil {
					test.now(t, s)
				}
			})
		}
	}
}

// What was left waiting is delivered after a restart, by the schedule that it had.
func TestRestartDelivers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var got []string
	h := func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.Path+" "+strings.Join(r.Header["X-Cloudtasks-Taskretrycount"], ","))
		if len(got) == 1 {
			w.WriteHeader(503)
		}
	}
	s := newDurable(t, dir, start, h)
	for _, path := range []string{"late", "now"} {
		task := httpTask()
		if task.HTTP.URL = "http://localhost/" + path; path == "late" {
			task.ScheduleTime = start.Add(time.Hour)
		}
		add(t, s, task)
	}
	if n, err := s.RunDue(t.Context()); n != 1 || err != nil {
		t.Fatalf("%d attempts, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = newDurable(t, dir, start, h)
	if n, err := s.RunUntilIdle(t.Context()); n != 2 || err != nil {
		t.Fatalf("%d attempts, %v", n, err)
	}
	if want := []string{"/now 0", "/now 1", "/late 0"}; !cmp.Equal(got, want) {
		t.Errorf("delivered %q, want %q", got, want)
	}
	if at := s.Now(); at.Sub(start) < time.Hour-time.Microsecond || at.Sub(start) > time.Hour {
		t.Errorf("the late task was delivered at %v, not an hour after %v", at, start)
	}
}

// A call that changes a queue while another deletes it does not bring the queue back with the next start.
func TestDeletedQueueStaysDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newDurable(t, dir, start, answer(200))
	tasks := make([]*resource.Task, 100)
	for i := range tasks {
		tasks[i] = httpTask()
	}
	for i := range 10 {
		name := fmt.Sprintf("%s/queues/q%d", location, i)
		for range 10 { // long to list, so that calls wait for one another
			if _, err := s.BatchCreateTasks(t.Context(), name, "", tasks); err != nil {
				t.Fatal(err)
			}
		}
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for err := error(nil); err == nil; {
					_, _, err = s.ListTasks(t.Context(), name, resource.Page{}, resource.ViewFull)
				}
			})
			group.Go(func() {
				for err := error(nil); err == nil; {
					_, err = s.PauseQueue(t.Context(), name)
				}
			})
		}
		time.Sleep(time.Millisecond)
		if err := s.DeleteQueue(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		group.Wait()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = newDurable(t, dir, start, answer(200))
	if queues, _, err := s.ListQueues(t.Context(), location, resource.Page{}, localqueue.QueueFilter{}); err != nil || len(queues) != 0 {
		t.Errorf("%d of 10 deleted queues are there again, %v", len(queues), err)
	}
}

// A queue that comes again under the name of a deleted one is there after a restart, with its tasks: a snapshot that is
// written meanwhile may tell of a later queue than the journal. How they meet is a matter of luck, so that it is tried often.
func TestRecreatedQueueStays(t *testing.T) {
	t.Parallel()
	for i := range 200 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := newDurable(t, dir, start, answer(200), localqueue.WithSnapshotEvery(1), localqueue.WithTombstones(0, -1))
			add(t, s, httpTask())
			for range 2 {
				if err := s.DeleteQueue(t.Context(), queueName); err != nil {
					t.Fatal(err)
				}
				add(t, s, httpTask())
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = newDurable(t, dir, start, answer(200), localqueue.WithStrict())
			if tasks, _, err := s.ListTasks(t.Context(), queueName, resource.Page{}, resource.ViewBasic); err != nil || len(tasks) != 1 {
				t.Errorf("%d tasks, %v; want the one that was added", len(tasks), err)
			}
		})
	}
}

// Ids that come from a seed begin anew with each start, and yet a batch without a request id is never taken for an
// earlier one.
func TestBatchesWithoutRequestIDs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for run := range 3 {
		s := newDurable(t, dir, start, answer(200))
		for range 2 {
			if _, err := s.BatchCreateTasks(t.Context(), queueName, "", []*resource.Task{httpTask()}); err != nil {
				t.Fatal(err)
			}
		}
		if tasks, _, err := s.ListTasks(t.Context(), queueName, resource.Page{}, resource.ViewBasic); err != nil || len(tasks) != 2*run+2 {
			t.Errorf("run %d: %d tasks, %v; want %d", run, len(tasks), err, 2*run+2)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What is kept under a queue's name goes with the queue, and cannot be kept without it.
func TestKeptGoesWithTheQueue(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := []localqueue.Option{localqueue.WithQueues(resource.Queue{Name: "emails"}), localqueue.WithTombstones(0, -1)}
	s := newDurable(t, dir, start, answer(200), opts...)
	if err := s.Keep(t.Context(), queueName, []byte("policy")); err != nil { // of a queue that nobody has named before
		t.Fatal(err)
	}
	if err := s.DeleteQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, s.Keep(t.Context(), queueName, []byte("policy")), cloudtask.NotFound, "")
	for range 2 {
		if kept, err := s.Kept(t.Context(), queueName); err != nil || kept != nil {
			t.Errorf("%q is kept, %v; want nothing", kept, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = newDurable(t, dir, start, answer(200), opts...)
	}
}

// A queue that takes the name of a deleted one keeps nothing of that one's, after a restart either.
func TestKeptDoesNotComeBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newDurable(t, dir, start, answer(200), localqueue.WithTombstones(0, -1))
	settings := &resource.Queue{Name: location + "/queues/again"}
	create := func() {
		t.Helper()
		if _, err := s.CreateQueue(t.Context(), location, settings); err != nil {
			t.Fatal(err)
		}
	}
	create()
	if err := s.Keep(t.Context(), settings.Name, []byte("policy")); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteQueue(t.Context(), settings.Name); err != nil {
		t.Fatal(err)
	}
	create()
	for range 2 {
		if kept, err := s.Kept(t.Context(), settings.Name); err != nil || kept != nil {
			t.Errorf("%q is kept, %v; want nothing", kept, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = newDurable(t, dir, start, answer(200), localqueue.WithTombstones(0, -1))
	}
}
