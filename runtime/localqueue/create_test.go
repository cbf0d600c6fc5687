package localqueue_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

func TestCreateTaskRefuses(t *testing.T) {
	t.Parallel()
	const taskIDText = `" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). Task ID must between 1 and 500 characters.`
	const taskNameText = `Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"`
	tests := []struct {
		name    string
		change  func(*resource.Task)
		message string // "": the task is accepted
	}{
		{"nothing wrong", func(*resource.Task) {}, ""},
		{"another queue's name", func(k *resource.Task) { k.Name = location + "/queues/other/tasks/a" },
			"The queue name from request ('" + queueName + "') must be the same as the queue name in the named task ('" + location + "/queues/other')."},
		{"id with a space", func(k *resource.Task) { k.Name = queueName + "/tasks/a b" }, `Task ID "a b` + taskIDText},
		{"id with a slash", func(k *resource.Task) { k.Name = queueName + "/tasks/a/b" }, `Task ID "a/b` + taskIDText},
		{"empty id", func(k *resource.Task) { k.Name = queueName + "/tasks/" }, `Task ID "` + taskIDText},
		{"longest id", func(k *resource.Task) { k.Name = queueName + "/tasks/" + strings.Repeat("_", 500) }, ""},
		{"id too long", func(k *resource.Task) { k.Name = queueName + "/tasks/" + strings.Repeat("a", 501) }, `Task ID "` + strings.Repeat("a", 501) + taskIDText},
		{"malformed name", func(k *resource.Task) { k.Name = "tasks/a" }, taskNameText},
		{"queue's name as name", func(k *resource.Task) { k.Name = queueName }, taskNameText},
		{"no target", func(k *resource.Task) { k.HTTP = nil }, "Task must have a target: HttpRequest or AppEngineHttpRequest is required."},
		{"no URL", func(k *resource.Task) { k.HTTP.URL = "" }, "HttpRequest.url is required."},
		{"ftp URL", func(k *resource.Task) { k.HTTP.URL = "ftp://x" }, "HttpTarget.url must start with 'http://' or 'https://'."},
		{"relative URL", func(k *resource.Task) { k.HTTP.URL = "/tasks" }, "HttpTarget.url must start with 'http://' or 'https://'."},
		{"URL that does not parse", func(k *resource.Task) { k.HTTP.URL = "http://example.com/%zz" }, ""},
		{"longest URL", func(k *resource.Task) { k.HTTP.URL = "http://h/" + strings.Repeat("a", 2083-9) }, ""},
		{"URL too long", func(k *resource.Task) { k.HTTP.URL = "http://h/" + strings.Repeat("a", 2083-8) },
			"HttpRequest.url must be at most 2083 characters after encoding: it has 2084."},
		{"URL too long once encoded", func(k *resource.Task) { k.HTTP.URL = "http://h/" + strings.Repeat("é", 346) },
			"HttpRequest.url must be at most 2083 characters after encoding: it has 2085."},
		{"body with GET", func(k *resource.Task) { k.HTTP.Method = "GET" },
			"HttpRequest.body is only allowed with the HTTP methods POST, PUT and PATCH, not GET."},
		{"body with PATCH", func(k *resource.Task) { k.HTTP.Method = "PATCH" }, ""},
		{"unknown method", func(k *resource.Task) { k.HTTP.Method = "BREW" },
			`HttpRequest.httpMethod "BREW" is unknown: it must be POST, GET, HEAD, PUT, DELETE, PATCH or OPTIONS.`},
		{"largest headers", func(k *resource.Task) { k.HTTP.Header = map[string]string{"a": strings.Repeat("b", 80<<10-2)} }, ""},
		{"headers too large", func(k *resource.Task) { k.HTTP.Header = map[string]string{"a": strings.Repeat("b", 80<<10-1)} },
			"HttpRequest.headers must be less than 80KB in all: they have 81920 bytes."},
		{"deadline of 15s", func(k *resource.Task) { k.DispatchDeadline = 15 * time.Second }, ""},
		{"deadline too short", func(k *resource.Task) { k.DispatchDeadline = 15*time.Second - time.Millisecond }, "Task.dispatchDeadline must be between [15s, 30m]."},
		{"deadline of 30m and less than a ms", func(k *resource.Task) { k.DispatchDeadline = 30*time.Minute + time.Microsecond }, ""},
		{"deadline too long", func(k *resource.Task) { k.DispatchDeadline = 30*time.Minute + time.Millisecond }, "Task.dispatchDeadline must be between [15s, 30m]."},
		{"negative deadline", func(k *resource.Task) { k.DispatchDeadline = -time.Minute }, "Task.dispatchDeadline must be between [15s, 30m]."},
		{"in 30 days", func(k *resource.Task) { k.ScheduleTime = start.Add(720 * time.Hour) }, ""},
		{"too far away, in winter", func(k *resource.Task) { k.ScheduleTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) },
			"The Task.scheduleTime, 2099-12-31T16:00:00-08:00, is too far in the future. Schedule time must be no more than 720h in the future."},
		{"too far away, in summer", func(k *resource.Task) { k.ScheduleTime = time.Date(2099, 7, 1, 0, 0, 0, 0, time.UTC) },
			"The Task.scheduleTime, 2099-06-30T17:00:00-07:00, is too far in the future. Schedule time must be no more than 720h in the future."},
		{"two tokens", func(k *resource.Task) {
			k.HTTP.OIDC, k.HTTP.OAuth = &resource.OIDCToken{ServiceAccount: "a@b"}, &resource.OAuthToken{ServiceAccount: "a@b"}
		}, "HttpRequest must have at most one of oidcToken and oauthToken."},
		{"token of nobody", func(k *resource.Task) { k.HTTP.OIDC = &resource.OIDCToken{} }, "OidcToken.serviceAccountEmail is required."},
		{"unlimited attempts", func(k *resource.Task) { k.Retry = &cloudtask.RetryConfig{MaxAttempts: -1} }, ""},
		{"negative attempts", func(k *resource.Task) { k.Retry = &cloudtask.RetryConfig{MaxAttempts: -2} }, "RetryConfig.maxAttempts must be greater or equal to -1."},
		{"back-off upside down", func(k *resource.Task) { k.Retry = &cloudtask.RetryConfig{MaxBackoff: time.Millisecond} },
			"RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff."},
		{"unknown view", func(k *resource.Task) { k.View = 3 }, "Task view 3 is unknown: it must be BASIC or FULL."},
	}
	s := newVirtual(t, answer(200))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			task := httpTask()
			test.change(task)
			_, err := s.CreateTask(t.Context(), queueName, task)
			if test.message == "" {
				wantStatus(t, err, cloudtask.OK, "")
			} else {
				wantStatus(t, err, cloudtask.InvalidArgument, test.message)
			}
		})
	}
}

func TestCreateTaskHelp(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	task := httpTask()
	task.Name = queueName + "/tasks/?"
	_, err := s.CreateTask(t.Context(), queueName, task)
	var help *resource.Help
	if !errors.As(err, &help) {
		t.Fatalf("error %v has no help", err)
	}
	want := resource.Help{
		Description: "Definition of task ID",
		URL:         "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks#Task.FIELDS.name",
	}
	if diff := cmp.Diff(want, *help); diff != "" {
		t.Errorf("help (-want +got):\n%s", diff)
	}
}

func TestCreateTaskStores(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	task := &resource.Task{
		HTTP: &resource.HTTPRequest{
			URL: "https://worker.example/x?y=1",
			Header: map[string]string{
				"cOnTeNt-TyPe": "text/plain", "X-CloudTasks-Projectname": "demo", "user-agent": "mine", "HOST": "evil", "content-length": "7",
				"X-Google-Secret": "1", "x-appengine-queue": "1", "traceparent": "00-1-2-01",
			},
			Body: []byte("hello"),
			OIDC: &resource.OIDCToken{ServiceAccount: "runner@demo.example", Audience: "aud"},
		},
		ScheduleTime:     start.Add(time.Hour + 999*time.Nanosecond),
		DispatchDeadline: 20*time.Second + 999*time.Microsecond,
		Retry:            &cloudtask.RetryConfig{MaxAttempts: 3, MinBackoff: 1500 * time.Microsecond, MaxRetryDuration: 2900 * time.Millisecond},
		View:             resource.ViewFull,
		DispatchCount:    7, // output only
		LastAttempt:      &cloudtask.Attempt{},
	}
	created := add(t, s, task)
	want := &resource.Task{
		Name: created.Name,
		HTTP: &resource.HTTPRequest{
			URL: "https://worker.example/x?y=1", Method: "POST",
			Header: map[string]string{
				"cOnTeNt-TyPe": "text/plain", "X-CloudTasks-Projectname": "demo", "User-Agent": "Google-Cloud-Tasks", "traceparent": "00-1-2-01",
			},
			Body: []byte("hello"),
			OIDC: &resource.OIDCToken{ServiceAccount: "runner@demo.example", Audience: "aud"},
		},
		ScheduleTime:     time.Date(2026, 3, 1, 13, 0, 0, 123457000, time.UTC),
		CreateTime:       time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		DispatchDeadline: 20 * time.Second,
		Retry:            &cloudtask.RetryConfig{MaxAttempts: 3, MinBackoff: 1500 * time.Microsecond, MaxRetryDuration: 2 * time.Second},
		View:             resource.ViewFull,
	}
	if diff := cmp.Diff(want, created); diff != "" {
		t.Errorf("created task (-want +got):\n%s", diff)
	}
	id := strings.TrimPrefix(created.Name, queueName+"/tasks/")
	if len(id) < 17 || len(id) > 20 || strings.Trim(id, "0123456789") != "" {
		t.Errorf("task id %q, want 17 to 20 digits", id)
	}
	got, err := s.GetTask(t.Context(), created.Name, resource.ViewFull)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fetched task (-want +got):\n%s", diff)
	}
	got, err = s.GetTask(t.Context(), created.Name, resource.ViewUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	want.HTTP.Body, want.View = nil, resource.ViewBasic
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fetched task in the basic view (-want +got):\n%s", diff)
	}
}

func TestCreateTaskSharesNothing(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	task := httpTask()
	task.View, task.HTTP.Header = resource.ViewFull, map[string]string{"a": "b"}
	task.HTTP.OIDC = &resource.OIDCToken{ServiceAccount: "a@b"}
	task.Retry = &cloudtask.RetryConfig{MaxAttempts: 2}
	created := add(t, s, task)
	for _, k := range []*resource.Task{task, created} {
		k.HTTP.Body[0], k.HTTP.Header["a"], k.HTTP.OIDC.ServiceAccount, k.Retry.MaxAttempts = 'X', "X", "X", 99
	}
	got, err := s.GetTask(t.Context(), created.Name, resource.ViewFull)
	if err != nil {
		t.Fatal(err)
	}
	if string(got.HTTP.Body) != "{}" || got.HTTP.Header["a"] != "b" || got.HTTP.OIDC.ServiceAccount != "a@b" || got.Retry.MaxAttempts != 2 {
		t.Errorf("the stored task changed with the caller's: %+v, %+v", got.HTTP, got.Retry)
	}
}

func TestCreateTaskDefaults(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	task := httpTask()
	task.ScheduleTime = start.Add(-time.Hour)
	got := add(t, s, task)
	now := start.Truncate(time.Microsecond)
	if !got.ScheduleTime.Equal(now) || got.DispatchDeadline != 10*time.Minute || got.HTTP.Method != "POST" || got.View != resource.ViewBasic {
		t.Errorf("schedule %v, deadline %v, method %s, view %d; want %v, 10m, POST, basic", got.ScheduleTime, got.DispatchDeadline, got.HTTP.Method, got.View, now)
	}
}

// The largest body that is accepted is the one with which the stored task has 1,048,569 bytes on the wire.
func TestTaskSize(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		task resource.Task
	}{
		{"plain", resource.Task{HTTP: &resource.HTTPRequest{URL: "http://localhost/"}}},
		{"everything", resource.Task{
			HTTP: &resource.HTTPRequest{
				URL: "http://localhost/" + strings.Repeat("x", 200), Method: "PUT",
				Header: map[string]string{"a": "", "bb": strings.Repeat("c", 300)},
				OIDC:   &resource.OIDCToken{ServiceAccount: "runner@demo.example"},
			},
			ScheduleTime: start.Add(time.Minute), DispatchDeadline: 1700 * time.Second / 3,
			Retry: &cloudtask.RetryConfig{MaxAttempts: -1, MaxRetryDuration: time.Hour, MinBackoff: 123 * time.Millisecond, MaxDoublings: 300},
		}},
		{"OAuth and no options", resource.Task{
			HTTP:  &resource.HTTPRequest{URL: "http://localhost/", OAuth: &resource.OAuthToken{ServiceAccount: "a@b", Scope: strings.Repeat("s", 130)}},
			Retry: &cloudtask.RetryConfig{},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newVirtual(t, answer(200))
			try := func(name string, body int) error {
				task, request := test.task, *test.task.HTTP
				request.Body = make([]byte, body)
				task.HTTP, task.Name = &request, queueName+"/tasks/"+name
				_, err := s.CreateTask(t.Context(), queueName, &task)
				return err
			}
			// The body that fits is found from the size of the proto with an empty one.
			if err := try("0", 1); err != nil {
				t.Fatal(err)
			}
			stored, err := s.GetTask(t.Context(), queueName+"/tasks/0", resource.ViewFull)
			if err != nil {
				t.Fatal(err)
			}
			body := 1048569 - protoSize(stored, 0)
			for protoSize(stored, body) > 1048569 {
				body--
			}
			if err := try("1", body); err != nil {
				t.Errorf("body of %d bytes: %v", body, err)
			}
			wantStatus(t, try("2", body+1), cloudtask.InvalidArgument, "Task size too large")
		})
	}
}

func protoSize(k *resource.Task, body int) int {
	request := &cloudtaskspb.HttpRequest{
		Url: k.HTTP.URL, HttpMethod: cloudtaskspb.HttpMethod(cloudtaskspb.HttpMethod_value[k.HTTP.Method]), Headers: k.HTTP.Header, Body: make([]byte, body),
	}
	if token := k.HTTP.OIDC; token != nil {
		request.AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: token.ServiceAccount, Audience: token.Audience}}
	}
	if token := k.HTTP.OAuth; token != nil {
		request.AuthorizationHeader = &cloudtaskspb.HttpRequest_OauthToken{OauthToken: &cloudtaskspb.OAuthToken{ServiceAccountEmail: token.ServiceAccount, Scope: token.Scope}}
	}
	p := &cloudtaskspb.Task{
		Name: k.Name, MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: request}, View: cloudtaskspb.Task_FULL,
		ScheduleTime: timestamppb.New(k.ScheduleTime), CreateTime: timestamppb.New(k.CreateTime), DispatchDeadline: durationpb.New(k.DispatchDeadline),
	}
	if r := k.Retry; r != nil {
		duration := func(d time.Duration) *durationpb.Duration {
			if d == 0 {
				return nil
			}
			return durationpb.New(d)
		}
		p.RetryConfig = &cloudtaskspb.RetryConfig{
			MaxAttempts: int32(r.MaxAttempts), MaxRetryDuration: duration(r.MaxRetryDuration), MinBackoff: duration(r.MinBackoff),
			MaxBackoff: duration(r.MaxBackoff), MaxDoublings: int32(r.MaxDoublings),
		}
	}
	return proto.Size(p)
}

func TestMissingTasks(t *testing.T) {
	t.Parallel()
	const gone = "The task no longer exists, though a task with this name existed recently. The task either successfully completed or was deleted."
	const never = "Requested entity was not found."
	s := newVirtual(t, answer(200), localqueue.WithStrict())
	name := func(id string) string { return queueName + "/tasks/" + id }
	for _, id := range []string{"completed", "deleted", "purged"} {
		task := httpTask()
		task.Name = name(id)
		add(t, s, task)
		switch id {
		case "completed":
			if _, err := s.RunDue(t.Context()); err != nil {
				t.Fatal(err)
			}
		case "deleted":
			if err := s.DeleteTask(t.Context(), task.Name); err != nil {
				t.Fatal(err)
			}
		case "purged":
			if _, err := s.PurgeQueue(t.Context(), queueName); err != nil {
				t.Fatal(err)
			}
		}
	}
	chosen := add(t, s, httpTask())
	if err := s.DeleteTask(t.Context(), chosen.Name); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{
		name("completed"): gone, name("deleted"): gone, name("purged"): gone, chosen.Name: gone,
		name("never"): never, location + "/queues/missing/tasks/x": never,
	}
	for name, want := range names {
		_, err := s.GetTask(t.Context(), name, resource.ViewBasic)
		wantStatus(t, err, cloudtask.NotFound, want)
		wantStatus(t, s.DeleteTask(t.Context(), name), cloudtask.NotFound, never)
		_, err = s.RunTask(t.Context(), name, resource.ViewBasic)
		wantStatus(t, err, cloudtask.NotFound, never)
	}
	for _, id := range []string{"completed", "deleted", "purged"} {
		task := httpTask()
		task.Name = name(id)
		_, err := s.CreateTask(t.Context(), queueName, task)
		wantStatus(t, err, cloudtask.AlreadyExists, "Requested entity already exists")
	}
	// The names are free again after 24 hours, to the moment.
	if err := s.Advance(24*time.Hour - time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	task := httpTask()
	task.Name = name("purged")
	_, err := s.CreateTask(t.Context(), queueName, task)
	wantStatus(t, err, cloudtask.AlreadyExists, "")
	if err := s.Advance(time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	add(t, s, task)
	_, err = s.CreateTask(t.Context(), queueName, task)
	wantStatus(t, err, cloudtask.AlreadyExists, "Requested entity already exists")
	_, err = s.GetTask(t.Context(), name("completed"), resource.ViewBasic)
	wantStatus(t, err, cloudtask.NotFound, never)
}

func TestTombstonesOff(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200), localqueue.WithTombstones(-1, -1))
	task := httpTask()
	task.Name = queueName + "/tasks/again"
	for range 3 {
		add(t, s, task)
		if err := s.DeleteTask(t.Context(), task.Name); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := s.DeleteQueue(t.Context(), queueName); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateQueue(t.Context(), location, &resource.Queue{Name: queueName}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTombstonesForEver(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200), localqueue.WithTombstones(math.MaxInt64, math.MaxInt64))
	task := httpTask()
	task.Name = queueName + "/tasks/never-again"
	add(t, s, task)
	if attempts, err := s.RunFor(t.Context(), 100*365*24*time.Hour); attempts != 1 || err != nil {
		t.Fatalf("%d attempts, %v; want 1", attempts, err)
	}
	_, err := s.CreateTask(t.Context(), queueName, task)
	wantStatus(t, err, cloudtask.AlreadyExists, "")
	if err := s.DeleteQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateQueue(t.Context(), location, &resource.Queue{Name: queueName})
	wantStatus(t, err, cloudtask.FailedPrecondition, "")
}

func TestPaging(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	names := map[string]int{}
	var order []string
	for i := range 2500 {
		task := httpTask()
		task.ScheduleTime = start.Add(time.Duration(2500-i) * time.Second)
		name := add(t, s, task).Name
		names[name] = i
		order = append(order, name)
	}
	// Between pages, every third task goes away and others come.
	var got []string
	var sizes []int
	for token := ""; ; {
		page, next, err := s.ListTasks(t.Context(), queueName, resource.Page{Size: 700, Token: token}, resource.ViewBasic)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range page {
			if k.HTTP.Body != nil || k.View != resource.ViewBasic {
				t.Fatalf("task %s has body %q in the basic view", k.Name, k.HTTP.Body)
			}
			if _, early := names[k.Name]; early {
				got = append(got, k.Name)
			}
		}
		sizes = append(sizes, len(page))
		if next == "" {
			break
		}
		token = next
		if len(sizes) < 3 {
			for i, name := range order {
				if i%9 == 3*len(sizes) {
					if err := s.DeleteTask(t.Context(), name); err != nil {
						t.Fatal(err)
					}
				}
			}
			add(t, s, httpTask())
		}
	}
	seen := map[string]bool{}
	for _, name := range got {
		if seen[name] {
			t.Errorf("task %d is on two pages", names[name])
		}
		seen[name] = true
	}
	for i, name := range order {
		if deleted := i%9 == 3 || i%9 == 6; !deleted && !seen[name] {
			t.Errorf("task %d, which was there all the time, is on no page", i)
		}
	}
	if sizes[0] != 700 {
		t.Errorf("first page has %d tasks, want 700", sizes[0])
	}
}

func TestPageSizesAndTokens(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200), localqueue.WithQueues(resource.Queue{Name: "other"}))
	for range 1001 {
		add(t, s, httpTask())
	}
	list := func(queue string, page resource.Page) (int, string, error) {
		tasks, next, err := s.ListTasks(t.Context(), queue, page, resource.ViewFull)
		return len(tasks), next, err
	}
	for size, want := range map[int]int{0: 1000, 1: 1, 1000: 1000, 1001: 1000, 1 << 30: 1000} {
		if n, next, err := list(queueName, resource.Page{Size: size}); n != want || next == "" || err != nil {
			t.Errorf("page of size %d has %d tasks, next %q, %v; want %d", size, n, next, err, want)
		}
	}
	_, _, err := list(queueName, resource.Page{Size: -1})
	wantStatus(t, err, cloudtask.InvalidArgument, "The page size must not be negative: it is -1.")
	_, token, err := list(queueName, resource.Page{})
	if err != nil {
		t.Fatal(err)
	}
	if n, next, err := list(queueName, resource.Page{Token: token}); n != 1 || next != "" || err != nil {
		t.Errorf("last page has %d tasks, next %q, %v; want 1 and none", n, next, err)
	}
	const bad = "The page token is invalid: it must be the next page token of an answer for the same list."
	for _, wrong := range []string{"x", "!!", token + "A", token[1:]} {
		_, _, err := list(queueName, resource.Page{Token: wrong})
		wantStatus(t, err, cloudtask.InvalidArgument, bad)
	}
	_, _, err = list(location+"/queues/other", resource.Page{Token: token})
	wantStatus(t, err, cloudtask.InvalidArgument, bad)
	if err := s.Advance(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	_, _, err = list(queueName, resource.Page{Token: token})
	wantStatus(t, err, cloudtask.InvalidArgument, "The page token has expired: it is good for two hours.")
	_, _, err = list("queues/x", resource.Page{})
	wantStatus(t, err, cloudtask.InvalidArgument, "Invalid resource field value in the request.")
}

func TestFullPagesAreBounded(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	for range 6 {
		task := httpTask()
		task.HTTP.Body = make([]byte, 1<<20-1000)
		add(t, s, task)
	}
	total := 0
	for token, pages := "", 0; pages == 0 || token != ""; pages++ {
		tasks, next, err := s.ListTasks(t.Context(), queueName, resource.Page{Token: token}, resource.ViewFull)
		if err != nil {
			t.Fatal(err)
		}
		if len(tasks) == 0 || len(tasks) > 4 {
			t.Errorf("page of %d tasks of 1 MiB, want 1 to 4", len(tasks))
		}
		total, token = total+len(tasks), next
	}
	if total != 6 {
		t.Errorf("%d tasks on all pages, want 6", total)
	}
}

func TestContextOfCalls(t *testing.T) {
	t.Parallel()
	s := newVirtual(t, answer(200))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.CreateTask(ctx, queueName, httpTask())
	wantStatus(t, err, cloudtask.Canceled, "")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v is not context.Canceled", err)
	}
	if tasks, _, _ := s.ListTasks(t.Context(), queueName, resource.Page{}, resource.ViewBasic); len(tasks) != 0 {
		t.Errorf("%d tasks after a call that was given up, want none", len(tasks))
	}
}

// Ids that the service chooses differ, and are the same in every run with the same seed.
func TestIDs(t *testing.T) {
	t.Parallel()
	ids := func(opts ...localqueue.Option) string {
		s := newVirtual(t, answer(200), opts...)
		all := map[string]bool{}
		var text strings.Builder
		for range 1000 {
			name := add(t, s, httpTask()).Name
			all[name] = true
			fmt.Fprintln(&text, name)
		}
		if len(all) != 1000 {
			t.Errorf("%d different names, want 1000", len(all))
		}
		return text.String()
	}
	first, again, other := ids(localqueue.WithSeed(7)), ids(localqueue.WithSeed(7)), ids(localqueue.WithSeed(8))
	if first != again {
		t.Error("the same seed gives different ids")
	}
	if first == other {
		t.Error("different seeds give the same ids")
	}
}
