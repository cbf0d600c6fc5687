package localqueue_test

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

func coreTask(id string) *cloudtask.Task {
	return &cloudtask.Task{
		Name: queueName + "/tasks/" + id, URL: "https://worker.example/x", Header: map[string]string{"Content-Type": "application/json"},
		Body: []byte("{}"), ScheduleTime: start.Add(time.Minute), DispatchDeadline: 20 * time.Second,
		ServiceAccount: "a@b", Audience: "aud", Retry: &cloudtask.RetryConfig{MaxAttempts: 3, MinBackoff: time.Second},
	}
}

func TestBackend(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(500))
	var backend cloudtask.Backend = s.Backend()
	created, err := backend.CreateTask(t.Context(), queueName, coreTask("a"))
	if err != nil {
		t.Fatal(err)
	}
	want := coreTask("a")
	want.Body, want.CreateTime = nil, start.Truncate(time.Second)
	want.ScheduleTime = want.ScheduleTime.Truncate(time.Microsecond)
	want.Header["User-Agent"] = "Google-Cloud-Tasks"
	if diff := cmp.Diff(want, created); diff != "" {
		t.Errorf("created task (-want +got):\n%s", diff)
	}
	_, err = backend.CreateTask(t.Context(), queueName, coreTask("a"))
	wantStatus(t, err, cloudtask.AlreadyExists, "Requested entity already exists")

	if _, err := s.RunNext(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := backend.GetTask(t.Context(), created.Name)
	if err != nil {
		t.Fatal(err)
	}
	due := want.ScheduleTime
	want.Body = []byte("{}")
	want.ScheduleTime, want.DispatchCount, want.ResponseCount, want.FirstAttempt = due.Add(time.Second), 1, 1, due
	want.LastAttempt = &cloudtask.Attempt{
		ScheduleTime: due, DispatchTime: due, ResponseTime: due, Code: cloudtask.Internal, Message: "INTERNAL(13): HTTP status code 500",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("task after a failed attempt (-want +got):\n%s", diff)
	}
	want.Body = nil
	list, next, err := backend.ListTasks(t.Context(), queueName, "")
	if diff := cmp.Diff([]*cloudtask.Task{want}, list); diff != "" || next != "" || err != nil {
		t.Errorf("list (-want +got):\n%s%s %v", diff, next, err)
	}
	queue, err := backend.GetQueue(t.Context(), queueName)
	wantQueue := &cloudtask.Queue{Name: queueName, Retry: cloudtask.RetryConfig{
		MaxAttempts: 100, MinBackoff: 100 * time.Millisecond, MaxBackoff: time.Hour, MaxDoublings: 16,
	}}
	if diff := cmp.Diff(wantQueue, queue); diff != "" || err != nil {
		t.Errorf("queue (-want +got):\n%s%v", diff, err)
	}
	if err := backend.DeleteTask(t.Context(), created.Name); err != nil {
		t.Error(err)
	}
	_, err = backend.GetTask(t.Context(), created.Name)
	wantStatus(t, err, cloudtask.NotFound, "")
}

func TestBackendBatch(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	bad := coreTask("bad")
	bad.URL = ""
	results, err := s.Backend().CreateTasks(t.Context(), queueName, "r1", []*cloudtask.Task{coreTask("a"), bad, coreTask("a"), coreTask("b"), nil})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		if (r.Task == nil) != (r.Err != nil) {
			t.Errorf("result %+v has not exactly one of task and error", r)
		}
		got = append(got, cloudtask.StatusOf(r.Err).String())
	}
	if diff := cmp.Diff([]string{"OK", "INVALID_ARGUMENT", "ALREADY_EXISTS", "OK", "INVALID_ARGUMENT"}, got); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	again, err := s.Backend().CreateTasks(t.Context(), queueName, "r1", []*cloudtask.Task{coreTask("a"), bad, coreTask("a"), coreTask("b"), nil})
	if err != nil || again[0].Err != nil || again[0].Task.Name != results[0].Task.Name {
		t.Errorf("the same request again: %+v, %v; want the first answer", again, err)
	}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	tasks := make([]*resource.Task, 100)
	for i := range tasks {
		tasks[i] = httpTask()
	}
	tasks[1].View = resource.ViewFull
	batch, err := s.BatchCreateTasks(t.Context(), queueName, "", tasks)
	if err != nil {
		t.Fatal(err)
	}
	if batch.ID == "" || batch.Location != location || batch.Delete || !batch.Start.Equal(start) || !batch.End.Equal(start) {
		t.Errorf("batch %+v", batch)
	}
	if batch.Results[0].Task.HTTP.Body != nil || string(batch.Results[1].Task.HTTP.Body) != "{}" {
		t.Error("the results are not in the views asked for")
	}
	if same, err := s.GetBatch(t.Context(), location, batch.ID); same != batch || err != nil {
		t.Errorf("Batch: %v, %v; want the batch", same, err)
	}
	_, err = s.GetBatch(t.Context(), location, "other")
	wantStatus(t, err, cloudtask.NotFound, "Requested entity was not found.")

	names := []string{batch.Results[0].Task.Name, queueName + "/tasks/never", location + "/queues/other/tasks/x", "bad", batch.Results[0].Task.Name}
	deleted, err := s.BatchDeleteTasks(t.Context(), queueName, "d1", names)
	if err != nil || !deleted.Delete {
		t.Fatalf("DeleteTasks: %+v, %v", deleted, err)
	}
	var got []string
	for _, r := range deleted.Results {
		got = append(got, cloudtask.StatusOf(r.Err).String())
	}
	if diff := cmp.Diff([]string{"OK", "NOT_FOUND", "INVALID_ARGUMENT", "INVALID_ARGUMENT", "NOT_FOUND"}, got); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	// Creations and deletions share their request ids.
	if same, err := s.BatchCreateTasks(t.Context(), queueName, "d1", tasks[:1]); same != deleted || err != nil {
		t.Errorf("BatchCreateTasks with the id of a deletion: %v, %v; want that batch", same, err)
	}

	_, err = s.BatchCreateTasks(t.Context(), queueName, "", make([]*resource.Task, 101))
	wantStatus(t, err, cloudtask.InvalidArgument, "A batch must have between 1 and 100 requests: it has 101.")
	_, err = s.BatchDeleteTasks(t.Context(), queueName, "", nil)
	wantStatus(t, err, cloudtask.InvalidArgument, "A batch must have between 1 and 1000 requests: it has 0.")
	_, err = s.BatchDeleteTasks(t.Context(), location+"/queues/missing", "", []string{"x"})
	wantStatus(t, err, cloudtask.NotFound, msgQueueMissing)
}

// Concurrent calls with one request id do the work once. A call that did nothing can be made again.
func TestBatchOnce(t *testing.T) {
	t.Parallel()
	s := newService(t, localqueue.WithStrict())
	const fresh = location + "/queues/fresh"
	future := httpTask()
	future.ScheduleTime = time.Now().Add(time.Hour)
	call := func() (*localqueue.Batch, error) {
		return s.BatchCreateTasks(t.Context(), fresh, "id", []*resource.Task{future, future})
	}
	_, err := call()
	wantStatus(t, err, cloudtask.NotFound, msgQueueMissing)
	if _, err := s.CreateQueue(t.Context(), location, &resource.Queue{Name: fresh}); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if _, err := call(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if tasks, _, err := s.ListTasks(t.Context(), fresh, resource.Page{}, resource.ViewBasic); len(tasks) != 2 || err != nil {
		t.Errorf("%d tasks, %v; want 2", len(tasks), err)
	}
}

// Whatever a task looks like, it is refused with INVALID_ARGUMENT, or it is stored as it says and can be attempted.
func FuzzCreateTask(f *testing.F) {
	f.Add("t1", "http://localhost/x", "POST", "Content-Type", "text/plain", []byte("{}"), int64(0), int64(0), "a@b", "aud", 0, int64(0))
	f.Add("", "https://h/%zz", "GET", "host", "x", []byte(nil), int64(time.Hour), int64(20*time.Second), "", "", -1, int64(time.Second))
	f.Add("a b", "ftp://", "BREW", "X-CloudTasks-TaskName", "\r\n", []byte("x"), int64(-1), int64(-1), "", "x", min(math.MaxInt, 1<<31), int64(-1))
	f.Fuzz(func(t *testing.T, id, url, method, key, value string, body []byte, delay, deadline int64, account, audience string, attempts int, backoff int64) {
		reached := false
		s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
			reached = true
			for _, name := range []string{"X-CloudTasks-TaskRetryCount", "X-CloudTasks-TaskETA"} {
				if _, err := strconv.ParseFloat(r.Header.Get(name), 64); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
		task := &resource.Task{
			HTTP:         &resource.HTTPRequest{URL: url, Method: method, Header: map[string]string{key: value}, Body: body},
			ScheduleTime: start.Add(time.Duration(delay)), DispatchDeadline: time.Duration(deadline), View: resource.ViewFull,
			Retry: &cloudtask.RetryConfig{MaxAttempts: attempts, MinBackoff: time.Duration(backoff), MaxBackoff: time.Duration(backoff)},
		}
		if id != "" {
			task.Name = queueName + "/tasks/" + id
		}
		if account != "" {
			task.HTTP.OIDC = &resource.OIDCToken{ServiceAccount: account, Audience: audience}
		}
		created, err := s.CreateTask(t.Context(), queueName, task)
		if err != nil {
			wantStatus(t, err, cloudtask.InvalidArgument, "")
			return
		}
		if created.HTTP.URL != url || string(created.HTTP.Body) != string(body) || id != "" && created.Name != task.Name {
			t.Errorf("stored %+v of %+v", created.HTTP, task.HTTP)
		}
		if got, err := s.GetTask(t.Context(), created.Name, resource.ViewFull); err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(created, got, cmp.Transformer("body", func(b []byte) string { return string(b) })); diff != "" {
			t.Errorf("created and fetched differ:\n%s", diff)
		}
		if ran, err := s.RunNext(t.Context()); !ran || err != nil {
			t.Errorf("RunNext: %v, %v", ran, err)
		}
		if _, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic); reached != (err != nil) {
			t.Errorf("reached the handler: %v, task afterwards: %v", reached, err)
		}
	})
}

// Names never reach storage unless they have the form that Cloud Tasks requires.
func FuzzNames(f *testing.F) {
	f.Add("projects/p/locations/l/queues/q", "projects/p/locations/l/queues/q/tasks/t")
	f.Add("projects//locations/l/queues/q/queues/q", "tasks/")
	f.Fuzz(func(t *testing.T, queue, task string) {
		s := newVirtual(t, answer(200))
		if _, err := s.CreateTask(t.Context(), queue, httpTask()); err != nil {
			wantStatus(t, err, cloudtask.InvalidArgument, "")
		} else if parts := strings.Split(queue, "/"); len(parts) != 6 || parts[0] != "projects" || parts[2] != "locations" || parts[4] != "queues" {
			t.Errorf("queue %q was created", queue)
		}
		for _, err := range []error{s.DeleteTask(t.Context(), task), s.DeleteQueue(t.Context(), task)} {
			if code := cloudtask.StatusOf(err); code != cloudtask.NotFound && code != cloudtask.InvalidArgument && code != cloudtask.OK {
				t.Errorf("%q: %v", task, err)
			}
		}
		if _, _, err := s.ListTasks(t.Context(), queueName, resource.Page{Token: task}, resource.ViewBasic); err != nil {
			wantStatus(t, err, cloudtask.InvalidArgument, "")
		}
	})
}
