package localqueue_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

const otherQueue = location + "/queues/other"

// browsed is a service whose queues hold tasks in every state, and what they are called by their creation.
func browsed(t *testing.T) *localqueue.Service {
	t.Helper()
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/tasks/Fail":
			http.Error(w, "not today", 500)
		case "/tasks/Later":
			w.Header().Set("Retry-After", "7200")
			w.WriteHeader(503)
		}
	}, localqueue.WithHistory(100), localqueue.WithQueues(resource.Queue{Name: otherQueue}))
	for _, task := range []struct {
		queue, id, kind string
		in              time.Duration
		body            string
	}{
		{queueName, "fails", "Fail", 0, `{"user": "Ada"}`},
		{otherQueue, "succeeds", "Good", 0, `{"user": "ada"}`},
		{queueName, "asked-later", "Later", time.Second, `{"user": "Bob"}`},
		{queueName, "in-an-hour", "Good", time.Hour, `{"user": "Cyd"}`},
		{otherQueue, "in-two-hours", "Good", 2 * time.Hour, `{"user": "Cyd"}`},
		{otherQueue, "deleted", "Bad", 3 * time.Hour, ""},
	} {
		if _, err := s.CreateTask(t.Context(), task.queue, &resource.Task{
			Name: task.queue + "/tasks/" + task.id, ScheduleTime: s.Now().Add(task.in),
			Retry: &cloudtask.RetryConfig{MaxAttempts: 4, MinBackoff: time.Minute, MaxBackoff: 10 * time.Hour},
			HTTP:  &resource.HTTPRequest{URL: "http://worker.example/tasks/" + task.kind + "?x=/y", Body: []byte(task.body), Header: map[string]string{"X-Tenant": "ACME"}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.RunFor(t.Context(), 90*time.Second); n != 4 || err != nil {
		t.Fatalf("%d attempts, %v", n, err)
	}
	if err := s.DeleteTask(t.Context(), otherQueue+"/tasks/deleted"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateTask(t.Context(), queueName, &resource.Task{Name: queueName + "/tasks/due", HTTP: &resource.HTTPRequest{URL: "http://worker.example"}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBrowse(t *testing.T) {
	t.Parallel()
	s := browsed(t)
	tests := []struct {
		name   string
		browse localqueue.Browse
		want   string
	}{
		{"newest first", localqueue.Browse{}, "due in-two-hours in-an-hour asked-later fails"},
		{"next first", localqueue.Browse{NextFirst: true}, "due fails in-an-hour in-two-hours asked-later"},
		{"a queue", localqueue.Browse{Queue: queueName}, "due in-an-hour asked-later fails"},
		{"a type", localqueue.Browse{Type: "Good"}, "in-two-hours in-an-hour"},
		{"a URL without a path", localqueue.Browse{Type: "worker.example"}, "due"},
		{"scheduled", localqueue.Browse{State: localqueue.TaskScheduled}, "in-two-hours in-an-hour"},
		{"scheduled, next first", localqueue.Browse{State: localqueue.TaskScheduled, NextFirst: true}, "in-an-hour in-two-hours"},
		{"retrying", localqueue.Browse{State: localqueue.TaskRetrying, NextFirst: true}, "fails asked-later"},
		{"due", localqueue.Browse{State: localqueue.TaskDue}, "due"},
		{"due, next first", localqueue.Browse{State: localqueue.TaskDue, NextFirst: true}, "due"},
		{"running", localqueue.Browse{State: localqueue.TaskRunning}, ""},
		{"text of the payload, in any case", localqueue.Browse{Text: "CYD"}, "in-two-hours in-an-hour"},
		{"text of an id", localqueue.Browse{Text: "SKED-l"}, "asked-later"},
		{"text of the URL", localqueue.Browse{Text: "s/fail?x"}, "fails"},
		{"text of a header", localqueue.Browse{Text: "acme", Queue: otherQueue}, "in-two-hours"},
		{"text of a header's name", localqueue.Browse{Text: "x-tenant", Queue: otherQueue}, "in-two-hours"},
		{"text beyond one field", localqueue.Browse{Text: "ACME{"}, ""},
		{"ended", localqueue.Browse{Ended: true}, "deleted succeeds"},
		{"ended in that way", localqueue.Browse{Ended: true, Outcome: localqueue.TaskSucceeded}, "succeeds"},
		{"ended, of a type", localqueue.Browse{Ended: true, Type: "Bad"}, "deleted"},
		{"ended, of a queue", localqueue.Browse{Ended: true, Queue: queueName}, ""},
	}
	for _, test := range tests {
		for _, size := range []int{0, 1, 2} {
			t.Run(fmt.Sprintf("%s/%d", test.name, size), func(t *testing.T) {
				test.browse.Size = size
				if got := strings.Join(browse(t, s, test.browse), " "); got != test.want {
					t.Errorf("found %q, want %q", got, test.want)
				}
			})
		}
	}
	if _, err := s.Browse(t.Context(), localqueue.Browse{After: "1.2"}); cloudtask.StatusOf(err) != cloudtask.InvalidArgument {
		t.Errorf("a page that is none: %v", err)
	}
	if _, err := s.Browse(t.Context(), localqueue.Browse{Queue: location + "/queues/missing"}); cloudtask.StatusOf(err) != cloudtask.NotFound {
		t.Errorf("a missing queue: %v", err)
	}
	found, err := s.Browse(t.Context(), localqueue.Browse{NextFirst: true, Size: 2})
	if diff := cmp.Diff([]string{"Fail", "Good", "Later", "worker.example"}, mustFind(t, s, localqueue.Browse{}).Types); diff != "" || err != nil {
		t.Errorf("types (-want +got):\n%s%v", diff, err)
	}
	want := localqueue.Summary{
		Name: queueName + "/tasks/fails", Type: "Fail", URL: "http://worker.example/tasks/Fail?x=/y", Method: "POST", Payload: `{"user": "Ada"}`, Size: 15,
		Created: start.Truncate(time.Second), Scheduled: start.Add(3 * time.Minute).Truncate(time.Microsecond), Attempts: 2,
		Failure: "INTERNAL(13): HTTP status code 500", State: localqueue.TaskRetrying,
	}
	if diff := cmp.Diff(want, found.Tasks[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// browse returns the ids on all pages.
func browse(t *testing.T, s *localqueue.Service, b localqueue.Browse) (ids []string) {
	t.Helper()
	for {
		found := mustFind(t, s, b)
		for _, task := range found.Tasks {
			ids = append(ids, task.Name[strings.LastIndexByte(task.Name, '/')+1:])
		}
		if b.After = found.Next; b.After == "" {
			return ids
		}
	}
}

func mustFind(t *testing.T, s *localqueue.Service, b localqueue.Browse) *localqueue.Found {
	t.Helper()
	found, err := s.Browse(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Pages hold every task once, in order, and a search for what is rare ends before it has taken long, to be continued.
func TestBrowseMany(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	const tasks = 60_000
	random := rand.New(rand.NewPCG(1, 2))
	var byTime []string
	times := make(map[string]int64)
	for i := range tasks {
		task := httpTask()
		task.Name = fmt.Sprintf("%s/tasks/%d", []string{queueName, otherQueue}[i%2], i)
		task.ScheduleTime = start.Add(time.Duration(random.IntN(tasks/10)) * time.Second)
		if _, err := s.CreateTask(context.Background(), task.Name[:strings.LastIndex(task.Name, "/tasks/")], task); err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint(i)
		byTime, times[id] = append(byTime, id), task.ScheduleTime.Unix()
	}
	newest := slices.Clone(byTime)
	slices.Reverse(newest)
	if got := browse(t, s, localqueue.Browse{}); !slices.Equal(got, newest) {
		t.Error("not the newest first, each of them once")
	}
	slices.SortStableFunc(byTime, func(a, b string) int { return int(times[a] - times[b]) })
	if got := browse(t, s, localqueue.Browse{NextFirst: true}); !slices.Equal(got, byTime) {
		t.Error("not the next first, each of them once")
	}
	for _, nextFirst := range []bool{false, true} {
		b := localqueue.Browse{Text: "/x", Type: "none", NextFirst: nextFirst}
		pages := 0
		for more := true; more; more = b.After != "" {
			found := mustFind(t, s, b)
			if len(found.Tasks) != 0 || found.Searched > 25_000 {
				t.Errorf("%d tasks found, %d searched", len(found.Tasks), found.Searched)
			}
			pages++
			b.After = found.Next
		}
		if pages != 3 {
			t.Errorf("%d searches for 60,000 tasks, want 3", pages)
		}
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	s := browsed(t)
	inspect := func(name string) *localqueue.Inspection {
		t.Helper()
		out, err := s.Inspect(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	micro := start.Truncate(time.Microsecond)
	failed := func(number int, at time.Duration) localqueue.PastAttempt {
		return localqueue.PastAttempt{Number: number, Began: micro.Add(at), Status: 500, Failure: "INTERNAL(13): HTTP status code 500", Response: "not today\n"}
	}
	ahead := func(from int) []localqueue.Backoff {
		all := []localqueue.Backoff{{Attempt: 1, Wait: time.Minute}, {Attempt: 2, Wait: 2 * time.Minute}, {Attempt: 3, Wait: 4 * time.Minute}, {Attempt: 4, Last: true}}
		return all[from-1:]
	}
	tests := []struct {
		name string
		want localqueue.Inspection
	}{
		{queueName + "/tasks/fails", localqueue.Inspection{
			Reason: localqueue.ReasonBackoff, Ahead: ahead(3), Attempts: []localqueue.PastAttempt{failed(1, 0), failed(2, time.Minute)},
		}},
		{queueName + "/tasks/asked-later", localqueue.Inspection{
			Reason: localqueue.ReasonRetryAfter, Ahead: ahead(2),
			Attempts: []localqueue.PastAttempt{{Number: 1, Began: micro.Add(time.Second), Status: 503, Failure: "UNAVAILABLE(14): HTTP status code 503"}},
		}},
		{queueName + "/tasks/in-an-hour", localqueue.Inspection{Ahead: ahead(1)}},
		{otherQueue + "/tasks/succeeds", localqueue.Inspection{Attempts: []localqueue.PastAttempt{{Number: 1, Began: micro, Status: 200}}}},
		{otherQueue + "/tasks/deleted", localqueue.Inspection{}},
	}
	for _, test := range tests {
		got := inspect(test.name)
		if want := (cloudtask.RetryConfig{MaxAttempts: 4, MinBackoff: time.Minute, MaxBackoff: 10 * time.Hour, MaxDoublings: 16}); got.Retry != want {
			t.Errorf("%s: retried by %+v, want %+v", test.name, got.Retry, want)
		}
		free := time.Time{} // a task that is there keeps its name, and one that is gone for a day
		if !got.Ended.IsZero() {
			free = got.Ended.Add(24 * time.Hour)
		}
		if got.NameKept != 24*time.Hour || !got.NameFree.Equal(free) {
			t.Errorf("%s: its name is kept for %v after it is gone, until %v; want %v", test.name, got.NameKept, got.NameFree, free)
		}
		got.Summary, got.Task, got.Queue, got.Retry = localqueue.Summary{}, nil, localqueue.QueueOverview{}, cloudtask.RetryConfig{}
		got.NameKept, got.NameFree = 0, time.Time{}
		if diff := cmp.Diff(&test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if got := string(inspect(otherQueue + "/tasks/succeeds").Task.HTTP.Body); got != `{"user": "ada"}` {
		t.Errorf("payload %q of a task that has succeeded", got)
	}
	if _, err := s.Inspect(t.Context(), queueName+"/tasks/never"); cloudtask.StatusOf(err) != cloudtask.NotFound {
		t.Errorf("a task that never was: %v", err)
	}
	// A name that is used again is the present task's.
	if err := s.Advance(25 * time.Hour); err != nil {
		t.Fatal(err)
	}
	again := &resource.Task{Name: otherQueue + "/tasks/succeeds", HTTP: httpTask().HTTP}
	if _, err := s.CreateTask(t.Context(), otherQueue, again); err != nil {
		t.Fatal(err)
	}
	if got := inspect(again.Name); got.State != localqueue.TaskDue || got.Before != 1 || len(got.Attempts) != 0 {
		t.Errorf("%+v: want the task that is there, one before it and no attempt", got)
	}
}

// What is remembered is bounded, by number and by size, and of one outcome does not crowd out another.
func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, strings.Repeat("é", 1<<10))
		if r.URL.Path == "/fail" {
			panic(http.ErrAbortHandler)
		}
	}, localqueue.WithHistory(20), localqueue.WithQueues(resource.Queue{Name: "emails", Retry: cloudtask.RetryConfig{MaxAttempts: -1, MinBackoff: time.Second, MaxBackoff: time.Second}}))
	fails := add(t, s, &resource.Task{HTTP: &resource.HTTPRequest{URL: "http://localhost/fail"}})
	if err := s.DeleteTask(t.Context(), add(t, s, httpTask()).Name); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		task := httpTask()
		if task.HTTP.Body = []byte(fmt.Sprint(i)); i >= 10 {
			task.HTTP.Body = make([]byte, 1_000_000)
		}
		add(t, s, task)
	}
	if _, err := s.RunFor(t.Context(), 300*time.Second); err != nil {
		t.Fatal(err)
	}
	queue, err := s.QueueOverview(t.Context(), queueName)
	if err != nil {
		t.Fatal(err)
	}
	if got := queue.Ended; got != 8+1 { // of one megabyte, 8 fit
		t.Errorf("%d tasks are remembered, want 8 that have succeeded and 1 that was deleted", got)
	}
	var total localqueue.Minute
	for _, m := range queue.Minutes {
		total.Done, total.Failed = total.Done+m.Done, total.Failed+m.Failed
	}
	if want := (localqueue.Minute{Done: 30, Failed: 301}); total != want {
		t.Errorf("counted %+v, want %+v", total, want)
	}
	inspected, err := s.Inspect(t.Context(), fails.Name)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(inspected.Attempts); n != 200 || inspected.Attempts[0].Number != 102 || inspected.Attempts[n-1].Err == "" {
		t.Errorf("%d attempts from number %d on are remembered, want 200 from 102 on, with their errors", n, inspected.Attempts[0].Number)
	}
	done := mustFind(t, s, localqueue.Browse{Ended: true, Outcome: localqueue.TaskSucceeded})
	if got := len(done.Tasks[0].Last.Response); got != 1<<10 {
		t.Errorf("%d bytes of the response, want the first 1024", got)
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := newService(t, localqueue.WithHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })),
		localqueue.WithQueues(resource.Queue{Name: "one", RateLimits: resource.RateLimits{MaxConcurrentDispatches: 1}},
			resource.Queue{Name: "slow", RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 1e-3, MaxBurstSize: 1}}))
	t.Cleanup(func() { close(release) })
	if _, err := s.PauseQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	for _, queue := range []string{"one", "slow", "emails"} {
		for range 3 {
			if _, err := s.CreateTask(t.Context(), location+"/queues/"+queue, httpTask()); err != nil {
				t.Fatal(err)
			}
		}
	}
	type seen struct {
		Name                  string
		Waiting, Due, Running int
		Hold                  localqueue.Hold
	}
	want := []seen{
		{"emails", 3, 3, 0, localqueue.HoldPaused},
		{"one", 2, 2, 1, localqueue.HoldConcurrency},
		{"slow", 2, 2, 1, localqueue.HoldRate},
	}
	var got []seen
	for range 1000 { // attempts begin in their own time
		overview, err := s.Overview(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"emails", "one", "slow"}, overview.Defined); diff != "" || overview.Virtual {
			t.Fatalf("defined (-want +got):\n%s", diff)
		}
		found, err := s.BrowseQueues(t.Context(), localqueue.BrowseQueues{})
		if err != nil {
			t.Fatal(err)
		}
		got = nil
		for _, q := range found.Queues {
			got = append(got, seen{strings.TrimPrefix(q.Name, location+"/queues/"), q.Waiting, q.Due, q.Running, q.Hold})
		}
		if cmp.Equal(want, got) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	running := mustFind(t, s, localqueue.Browse{State: localqueue.TaskRunning})
	if len(running.Tasks) != 2 || running.Tasks[0].State != localqueue.TaskRunning {
		t.Errorf("running: %+v", running.Tasks)
	}
}

// Whatever changes is told by the number that Changes returns.
func TestChanges(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(500))
	var last uint64
	step := func(what string, errs ...any) {
		t.Helper()
		for _, err := range errs {
			if err, _ := err.(error); err != nil {
				t.Fatal(what, err)
			}
		}
		if now := s.Changes(); now == last {
			t.Errorf("%s: no change", what)
		} else {
			last = now
		}
		if now := s.Changes(); now != last {
			t.Errorf("after %s, a change by nothing", what)
		}
	}
	late := httpTask()
	late.ScheduleTime = start.Add(time.Hour)
	first := add(t, s, late)
	step("a task")
	late.ScheduleTime = start.Add(2 * time.Hour)
	add(t, s, late)
	step("a task that is not the first")
	_, err := s.PauseQueue(t.Context(), queueName)
	step("a pause", err)
	_, err = s.RunTask(t.Context(), first.Name, resource.ViewBasic)
	step("an attempt", err)
	step("faults", s.SetFaults("", localqueue.Faults{Twice: 1}))
	step("time", s.Advance(time.Second))
	step("a deletion", s.DeleteTask(t.Context(), first.Name))
	_, err = s.CreateQueue(t.Context(), location, &resource.Queue{Name: location + "/queues/new"})
	step("a queue", err)
	step("a queue that goes", s.DeleteQueue(t.Context(), location+"/queues/new"))
	step("a reset", s.Reset(t.Context()))
}

// What a handler tells of runs that failed is kept whole, and all that is remembered together has a bound: the latest stays.
func TestFailuresThatAreRemembered(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 7<<10)
	s := newVirtual(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(500)
		if strings.HasSuffix(r.URL.Path, "/plain") {
			fmt.Fprint(w, long)
			return
		}
		fmt.Fprintf(w, `{"status":"failed","error":"attempt %s","stack":"%s"}`, r.Header.Get("X-Cloudtasks-Taskretrycount"), long)
	}, localqueue.WithHistory(500))
	var events []localqueue.Event
	s.Observe(func(e localqueue.Event) {
		if e.Kind == localqueue.TaskRetried {
			events = append(events, e)
		}
	})
	task := httpTask()
	task.Retry = &cloudtask.RetryConfig{MaxAttempts: -1, MaxBackoff: time.Second, MinBackoff: time.Second}
	created := add(t, s, task)
	const attempts = 2000 // 14 MB
	if n, err := s.RunFor(t.Context(), attempts*time.Second-time.Millisecond); err != nil || n != attempts {
		t.Fatalf("%d attempts, %v", n, err)
	}
	found, err := s.Inspect(t.Context(), created.Name)
	if err != nil || len(found.Attempts) != attempts {
		t.Fatalf("%d attempts are remembered, %v", len(found.Attempts), err)
	}
	bytes, whole := 0, 0
	for i, a := range found.Attempts {
		bytes += len(a.Error) + len(a.Stack) + len(a.Response)
		if a.Stack != "" {
			whole++
		} else if whole > 0 {
			t.Fatalf("attempt %d is forgotten before an earlier one", i+1)
		}
	}
	if bytes > 8<<20 || whole < 1000 {
		t.Errorf("%d bytes of %d attempts are remembered", bytes, whole)
	}
	last := found.Attempts[attempts-1]
	if last.Error != fmt.Sprintf("attempt %d", attempts-1) || last.Stack != long || last.Response != "" || last.Failure == "" {
		t.Errorf("the last: %+v", last)
	}
	if n := len(events[0].Response); n != 1<<10 {
		t.Errorf("an observer gets %d bytes", n)
	}
	plain := httpTask()
	plain.HTTP.URL = "http://localhost/plain"
	created = add(t, s, plain)
	if _, err := s.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, err = s.Inspect(t.Context(), created.Name); err != nil || found.Attempts[0].Error != "" || len(found.Attempts[0].Response) != 1<<10 {
		t.Errorf("%v, %+v", err, found.Attempts)
	}
}

// The overview has the sums of all queues, and queues are found by name, a page at a time.
func TestQueuesAreBrowsed(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(500), localqueue.WithHistory(10), localqueue.WithQueues(resource.Queue{Name: "never"}))
	for _, place := range []string{"a", "a-b", "b"} {
		for i := range 5 {
			if _, err := s.CreateTask(t.Context(), fmt.Sprintf("projects/p/locations/%s/queues/q%d", place, i), httpTask()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := s.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PauseQueue(t.Context(), "projects/p/locations/b/queues/q0"); err != nil {
		t.Fatal(err)
	}
	add(t, s, httpTask())
	overview, err := s.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := &localqueue.Overview{
		Now: start, Virtual: true, Defined: []string{"emails", "never"}, Unused: []string{"never"}, History: 10,
		Queues: 16, Waiting: 16, Due: 1, Failing: 15, Failed: 15,
	}
	if diff := cmp.Diff(want, overview); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{location, "projects/p/locations/a", "projects/p/locations/a-b", "projects/p/locations/b"}, s.Locations()); diff != "" {
		t.Errorf("locations (-want +got):\n%s", diff)
	}
	var names []string
	for browse := (localqueue.BrowseQueues{Text: "LOCATIONS/A", Size: 3}); ; browse.After = names[len(names)-1] {
		found, err := s.BrowseQueues(t.Context(), browse)
		if err != nil || found.Total != 10 || len(found.Queues) > 3 {
			t.Fatal(found, err)
		}
		for _, q := range found.Queues {
			names = append(names, q.Name)
		}
		if !found.More {
			break
		}
	}
	if len(names) != 10 || !slices.IsSorted(names) {
		t.Errorf("found %q, want ten queues by name", names)
	}
	if err := s.Advance(time.Minute); err != nil {
		t.Fatal(err)
	}
	for _, task := range mustFind(t, s, localqueue.Browse{NextFirst: true}).Tasks {
		if held := strings.Contains(task.Name, "/b/queues/q0/"); task.State != localqueue.TaskDue || task.Held != held {
			t.Errorf("%s: %v, held %v", task.Name, task.State, task.Held)
		}
	}
}

// A search of more queues than it can keep in mind goes through all of their tasks, page by page.
func TestBrowseOfManyQueues(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(500))
	const queues = 60
	for i := range queues * 3 {
		task := httpTask()
		task.ScheduleTime = start.Add(time.Duration(i*7919%queues) * time.Minute)
		if _, err := s.CreateTask(t.Context(), fmt.Sprintf("%s/queues/q%d", location, i%queues), task); err != nil {
			t.Fatal(err)
		}
	}
	for _, nextFirst := range []bool{true, false} {
		seen := make(map[string]bool)
		browse := localqueue.Browse{NextFirst: nextFirst, Size: 7}
		var last localqueue.Summary
		for pages := 0; ; pages++ {
			found := mustFind(t, s, browse)
			for _, task := range found.Tasks {
				if seen[task.Name] || nextFirst && task.Scheduled.Before(last.Scheduled) {
					t.Errorf("next first %v: %s is out of order or there twice", nextFirst, task.Name)
				}
				seen[task.Name], last = true, task
			}
			if browse.After = found.Next; found.Next == "" || pages > queues {
				break
			}
		}
		if len(seen) != queues*3 {
			t.Errorf("next first %v: found %d tasks of %d", nextFirst, len(seen), queues*3)
		}
	}
}
