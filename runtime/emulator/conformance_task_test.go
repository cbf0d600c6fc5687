package emulator_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const appEngineAgent = "AppEngine-Google; (+http://code.google.com/appengine)"

// storedTask is what becomes of httpTask("http://h/", …) at restClock.
func storedTask(body string) *cloudtaskspb.Task {
	task := httpTask("http://h/", body)
	task.GetHttpRequest().Headers = map[string]string{"User-Agent": "Google-Cloud-Tasks"}
	task.CreateTime = timestamppb.New(restClock().Truncate(time.Second))
	task.ScheduleTime = timestamppb.New(restClock().Truncate(time.Microsecond))
	task.DispatchDeadline = durationpb.New(10 * time.Minute)
	task.View = cloudtaskspb.Task_BASIC
	return task
}

// storedCases are those of what CreateTask makes of a task.
func storedCases() cases {
	all := make(cases)
	request := func(change func(r *cloudtaskspb.HttpRequest)) func(task *cloudtaskspb.Task) {
		return func(task *cloudtaskspb.Task) { change(task.GetHttpRequest()) }
	}
	headers := func(headers map[string]string) func(*cloudtaskspb.Task) {
		return request(func(r *cloudtaskspb.HttpRequest) { r.Headers = headers })
	}
	nothing := func(*cloudtaskspb.Task) {}
	for name, test := range map[string]struct{ in, want func(task *cloudtaskspb.Task) }{
		"1.4/http_method unset is POST":        {request(func(r *cloudtaskspb.HttpRequest) { r.HttpMethod = 0 }), nothing},
		"1.4/deadline unset is 600 s":          {nothing, nothing},
		"1.4/schedule time in the past is now": {func(task *cloudtaskspb.Task) { task.ScheduleTime = timestamppb.New(restClock().Add(-anHour)) }, nothing},
		"1.4/schedule time in microseconds": {
			func(task *cloudtaskspb.Task) { task.ScheduleTime = timestamppb.New(restClock().Add(anHour)) },
			func(task *cloudtaskspb.Task) {
				task.ScheduleTime = timestamppb.New(restClock().Add(anHour).Truncate(time.Microsecond))
			},
		},
		"1.4/schedule time in 30 days": {
			func(task *cloudtaskspb.Task) { task.ScheduleTime = timestamppb.New(restClock().Add(30 * 24 * anHour)) },
			func(task *cloudtaskspb.Task) {
				task.ScheduleTime = timestamppb.New(restClock().Add(30 * 24 * anHour).Truncate(time.Microsecond))
			},
		},
		"1.4/deadline in milliseconds": {
			func(task *cloudtaskspb.Task) { task.DispatchDeadline = durationpb.New(15*time.Second + 1234567) },
			func(task *cloudtaskspb.Task) {
				task.DispatchDeadline = durationpb.New(15*time.Second + time.Millisecond)
			},
		},
		"1.4/deadline of 15 s": {
			func(task *cloudtaskspb.Task) { task.DispatchDeadline = durationpb.New(15 * time.Second) },
			func(task *cloudtaskspb.Task) { task.DispatchDeadline = durationpb.New(15 * time.Second) },
		},
		"1.4/deadline of 30 m": {
			func(task *cloudtaskspb.Task) { task.DispatchDeadline = durationpb.New(30 * time.Minute) },
			func(task *cloudtaskspb.Task) { task.DispatchDeadline = durationpb.New(30 * time.Minute) },
		},
		"1.4/output only fields are ignored": {func(task *cloudtaskspb.Task) {
			task.CreateTime, task.DispatchCount, task.ResponseCount, task.View = timestamppb.Now(), 7, 7, cloudtaskspb.Task_FULL
			task.FirstAttempt, task.LastAttempt = &cloudtaskspb.Attempt{DispatchTime: timestamppb.Now()}, &cloudtaskspb.Attempt{DispatchTime: timestamppb.Now()}
		}, nothing},
		"1.4/OIDC token of any account": {
			request(func(r *cloudtaskspb.HttpRequest) {
				r.AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: "nobody@nowhere", Audience: "a"}}
			}),
			request(func(r *cloudtaskspb.HttpRequest) {
				r.AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: "nobody@nowhere", Audience: "a"}}
			}),
		},
		"1.4/OAuth token of any account": {
			request(func(r *cloudtaskspb.HttpRequest) {
				r.AuthorizationHeader = &cloudtaskspb.HttpRequest_OauthToken{OauthToken: &cloudtaskspb.OAuthToken{ServiceAccountEmail: "nobody@nowhere"}}
			}),
			request(func(r *cloudtaskspb.HttpRequest) {
				r.AuthorizationHeader = &cloudtaskspb.HttpRequest_OauthToken{OauthToken: &cloudtaskspb.OAuthToken{ServiceAccountEmail: "nobody@nowhere"}}
			}),
		},
		"1.1/Task.retry_config is stored": {
			func(task *cloudtaskspb.Task) {
				task.RetryConfig = &cloudtaskspb.RetryConfig{MaxAttempts: 3, MinBackoff: durationpb.New(250 * time.Millisecond)}
			},
			func(task *cloudtaskspb.Task) {
				task.RetryConfig = &cloudtaskspb.RetryConfig{MaxAttempts: 3, MinBackoff: durationpb.New(250 * time.Millisecond)}
			},
		},
		"1.7/headers as they are spelt": {
			headers(map[string]string{"x-Mixed-CASE": "1", "Content-Type": "application/json"}),
			headers(map[string]string{"x-Mixed-CASE": "1", "Content-Type": "application/json", "User-Agent": "Google-Cloud-Tasks"}),
		},
		"1.7/User-Agent overrides the task's": {headers(map[string]string{"user-agent": "mine"}), nothing},
		"1.7/reserved headers are dropped": {
			headers(map[string]string{"Host": "h", "content-length": "7", "X-Google-Foo": "x", "x-google-bar": "x", "X-AppEngine-Foo": "x", "x-appengine-bar": "x"}), nothing,
		},
		"1.7/dispatch headers are never stored": {
			headers(map[string]string{
				"X-CloudTasks-QueueName": "x", "X-CloudTasks-TaskName": "x", "x-cloudtasks-taskretrycount": "x", "X-CloudTasks-TaskExecutionCount": "x",
				"X-CloudTasks-TaskETA": "x", "X-CloudTasks-TaskPreviousResponse": "x", "X-CloudTasks-TaskRetryReason": "x",
			}), nothing,
		},
		"1.7/other X-CloudTasks headers are kept": {
			headers(map[string]string{"X-CloudTasks-Projectname": "kept"}),
			headers(map[string]string{"X-CloudTasks-Projectname": "kept", "User-Agent": "Google-Cloud-Tasks"}),
		},
	} {
		all[name] = func(t *testing.T) {
			e := fresh(t, setup{})
			in, want := httpTask("http://h/", "body"), storedTask("")
			in.Name, want.Name = queueName+"/tasks/t", queueName+"/tasks/t"
			test.in(in)
			test.want(want)
			want.GetHttpRequest().Body = nil
			created := e.create(t, in)
			if diff := cmp.Diff(want, created, protocmp.Transform()); diff != "" {
				t.Errorf("CreateTask (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, e.get(t, in.GetName()), protocmp.Transform()); diff != "" {
				t.Errorf("GetTask (-want +got):\n%s", diff)
			}
		}
	}
	for name, test := range map[string]struct {
		in, want *cloudtaskspb.AppEngineHttpRequest
	}{
		"defaults": {&cloudtaskspb.AppEngineHttpRequest{}, &cloudtaskspb.AppEngineHttpRequest{
			HttpMethod: cloudtaskspb.HttpMethod_POST, RelativeUri: "/", Headers: map[string]string{"User-Agent": appEngineAgent}, AppEngineRouting: &cloudtaskspb.AppEngineRouting{Host: "p.appspot.com"},
		}},
		"User-Agent is appended to, and reserved headers are dropped": {&cloudtaskspb.AppEngineHttpRequest{
			HttpMethod: cloudtaskspb.HttpMethod_PUT, RelativeUri: "/x", AppEngineRouting: &cloudtaskspb.AppEngineRouting{Service: "s"},
			Headers: map[string]string{"User-Agent": "mine", "Host": "h", "Content-Length": "1", "X-AppEngine-Foo": "x", "X-Google-Foo": "x", "a": "b"},
		}, &cloudtaskspb.AppEngineHttpRequest{
			HttpMethod: cloudtaskspb.HttpMethod_PUT, RelativeUri: "/x", AppEngineRouting: &cloudtaskspb.AppEngineRouting{Service: "s", Host: "s.p.appspot.com"},
			Headers: map[string]string{"User-Agent": "mine " + appEngineAgent, "a": "b"},
		}},
		"dispatch headers are never stored": {&cloudtaskspb.AppEngineHttpRequest{Headers: map[string]string{"X-AppEngine-TaskName": "x", "X-CloudTasks-TaskName": "x"}}, &cloudtaskspb.AppEngineHttpRequest{
			HttpMethod: cloudtaskspb.HttpMethod_POST, RelativeUri: "/", Headers: map[string]string{"User-Agent": appEngineAgent}, AppEngineRouting: &cloudtaskspb.AppEngineRouting{Host: "p.appspot.com"},
		}},
		"Content-Length and Content-Type of a body": {&cloudtaskspb.AppEngineHttpRequest{Body: []byte("12345")}, &cloudtaskspb.AppEngineHttpRequest{
			HttpMethod: cloudtaskspb.HttpMethod_POST, RelativeUri: "/", Body: []byte("12345"), AppEngineRouting: &cloudtaskspb.AppEngineRouting{Host: "p.appspot.com"},
			Headers: map[string]string{"User-Agent": appEngineAgent, "Content-Length": "5", "Content-Type": "application/octet-stream"},
		}},
		"Content-Type of the task, however it is spelt": {&cloudtaskspb.AppEngineHttpRequest{Body: []byte("{}"), Headers: map[string]string{"content-type": "application/json"}}, &cloudtaskspb.AppEngineHttpRequest{
			HttpMethod: cloudtaskspb.HttpMethod_POST, RelativeUri: "/", Body: []byte("{}"), AppEngineRouting: &cloudtaskspb.AppEngineRouting{Host: "p.appspot.com"},
			Headers: map[string]string{"User-Agent": appEngineAgent, "Content-Length": "2", "content-type": "application/json"},
		}},
	} {
		all["1.7/App Engine, "+name] = func(t *testing.T) {
			e := fresh(t, setup{})
			task := appEngineTask(test.in)
			task.Name = queueName + "/tasks/t"
			want := appEngineTask(proto.CloneOf(test.want))
			want.Name, want.View = task.GetName(), cloudtaskspb.Task_FULL
			want.CreateTime, want.ScheduleTime = storedTask("").GetCreateTime(), storedTask("").GetScheduleTime() // no deadline is stored
			created, err := e.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: task, ResponseView: cloudtaskspb.Task_FULL})
			if diff := cmp.Diff(want, created, protocmp.Transform()); diff != "" || err != nil {
				t.Errorf("%v; CreateTask (-want +got):\n%s", err, diff)
			}
			want.GetAppEngineHttpRequest().Body, want.View = nil, cloudtaskspb.Task_BASIC
			if diff := cmp.Diff(want, e.get(t, task.GetName()), protocmp.Transform()); diff != "" {
				t.Errorf("GetTask (-want +got):\n%s", diff)
			}
		}
	}
	for _, d := range []time.Duration{15 * time.Second, anHour, 24*anHour + 15*time.Second} {
		all[fmt.Sprintf("1.4/App Engine, deadline of %v", d)] = func(t *testing.T) {
			task := appEngineTask(&cloudtaskspb.AppEngineHttpRequest{})
			task.DispatchDeadline = durationpb.New(d)
			if got := fresh(t, setup{}).create(t, task).GetDispatchDeadline().AsDuration(); got != d {
				t.Errorf("stored %v", got)
			}
		}
	}
	for name, size := range map[string]int{"1": 1, "500": 500} {
		all["1.4/task id of "+name+" characters"] = func(t *testing.T) {
			id := strings.Repeat("_", size)
			if got := fresh(t, setup{}).create(t, named(id)).GetName(); got != queueName+"/tasks/"+id {
				t.Errorf("created %s", got)
			}
		}
	}
	all["1.4/id of the service's choice"] = func(t *testing.T) {
		e := fresh(t, setup{})
		seen := make(map[string]bool)
		for range 20 {
			id := strings.TrimPrefix(e.create(t, httpTask("http://h/", "")).GetName(), queueName+"/tasks/")
			if len(id) < 15 || len(id) > 20 || strings.Trim(id, "0123456789") != "" || seen[id] {
				t.Errorf("id %q, want up to 20 digits, once", id)
			}
			seen[id] = true
		}
	}
	all["1.4/url of 2083 characters"] = func(t *testing.T) {
		url := "http://h/" + strings.Repeat("x", 2083-len("http://h/"))
		if got := fresh(t, setup{}).create(t, httpTask(url, "")).GetHttpRequest().GetUrl(); got != url {
			t.Errorf("stored %q", got)
		}
	}
	all["1.4/headers of a byte less than 80 KB"] = func(t *testing.T) {
		task := named("t")
		task.GetHttpRequest().Headers = map[string]string{"X": strings.Repeat("x", 80<<10-2)}
		if got := fresh(t, setup{}).create(t, task).GetHttpRequest().GetHeaders()["X"]; len(got) != 80<<10-2 {
			t.Errorf("stored %d bytes", len(got))
		}
	}
	all["1.4/App Engine, URI of 2083 characters"] = func(t *testing.T) {
		uri := "/" + strings.Repeat("x", 2082)
		got := fresh(t, setup{}).create(t, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{RelativeUri: uri})).GetAppEngineHttpRequest().GetRelativeUri()
		if got != uri {
			t.Errorf("stored %q", got)
		}
	}
	all["1.4/url that cannot be decoded"] = testUnencodableURLIsAccepted
	all["1.4/largest HTTP task"] = func(t *testing.T) { testLargestTask(t, httpTask("http://worker.example/", "x")) }
	all["1.4/largest App Engine task"] = func(t *testing.T) {
		testLargestTask(t, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{
			RelativeUri: "/", Body: []byte("x"), AppEngineRouting: &cloudtaskspb.AppEngineRouting{Service: "s"}, Headers: map[string]string{"a": ""},
		}))
	}
	for _, method := range []cloudtaskspb.HttpMethod{cloudtaskspb.HttpMethod_POST, cloudtaskspb.HttpMethod_PUT, cloudtaskspb.HttpMethod_PATCH} {
		all["1.4/body with "+method.String()] = func(t *testing.T) {
			p := play(t, always(200))
			task := httpTask(p.url, "body")
			task.GetHttpRequest().HttpMethod = method
			p.create(t, task)
			if p.run(t, 0); len(p.seen) != 1 || p.seen[0].body != "body" || p.seen[0].method != method.String() {
				t.Errorf("received %+v", p.seen)
			}
		}
	}
	for _, method := range []cloudtaskspb.HttpMethod{cloudtaskspb.HttpMethod_GET, cloudtaskspb.HttpMethod_HEAD, cloudtaskspb.HttpMethod_DELETE, cloudtaskspb.HttpMethod_OPTIONS} {
		all["1.4/no body with "+method.String()] = func(t *testing.T) {
			p := play(t, always(200))
			task := p.task("")
			task.GetHttpRequest().HttpMethod = method
			p.create(t, task)
			if p.run(t, 0); len(p.seen) != 1 || p.seen[0].body != "" || p.seen[0].method != method.String() {
				t.Errorf("received %+v", p.seen)
			}
		}
	}
	return all
}

// lifeCases are those of views, lists, counters and the end of a task.
func lifeCases() cases {
	again := func(t *testing.T, e *emulated, name string) {
		t.Helper()
		e.wantGone(t, name)
		_, err := e.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: named(name[len(queueName+"/tasks/"):])})
		wantStatus(t, err, codes.AlreadyExists, taskExists)
	}
	hourly := func(p *played) *cloudtaskspb.Task {
		return p.retrying(&cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(anHour)})
	}
	micro := func(d time.Duration) *timestamppb.Timestamp {
		return timestamppb.New(restClock().Add(d).Truncate(time.Microsecond))
	}
	all := cases{
		"1.5/task that completed": func(t *testing.T) {
			p := play(t, always(200))
			name := p.create(t, p.task("t")).GetName()
			p.run(t, 0)
			again(t, p.emulated, name)
		},
		"1.5/task that was exhausted": func(t *testing.T) {
			p := play(t, always(500))
			task := p.retrying(&cloudtaskspb.RetryConfig{MaxAttempts: 1})
			task.Name = queueName + "/tasks/t"
			p.create(t, task)
			p.run(t, 0)
			again(t, p.emulated, task.GetName())
		},
		"1.5/task that was deleted": func(t *testing.T) {
			e := fresh(t, setup{})
			name := e.create(t, named("t")).GetName()
			if err := e.client.DeleteTask(t.Context(), &cloudtaskspb.DeleteTaskRequest{Name: name}); err != nil {
				t.Fatal(err)
			}
			again(t, e, name)
		},
		"1.5/task that was purged": func(t *testing.T) {
			e := fresh(t, setup{})
			name := e.create(t, named("t")).GetName()
			if _, err := e.client.PurgeQueue(t.Context(), &cloudtaskspb.PurgeQueueRequest{Name: queueName}); err != nil {
				t.Fatal(err)
			}
			again(t, e, name)
		},
		"1.4/name of a live task": func(t *testing.T) {
			e := fresh(t, setup{})
			e.create(t, named("t"))
			_, err := e.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: named("t")})
			wantStatus(t, err, codes.AlreadyExists, taskExists)
		},
		"1.2/DeleteTask of a task that is scheduled": func(t *testing.T) {
			p := play(t, always(200))
			task := p.task("t")
			task.ScheduleTime = micro(anHour)
			name := p.create(t, task).GetName()
			if err := p.client.DeleteTask(t.Context(), &cloudtaskspb.DeleteTaskRequest{Name: name}); err != nil {
				t.Fatal(err)
			}
			if n := p.run(t, 2*anHour); n != 0 {
				t.Errorf("%d attempts", n)
			}
		},
		"1.2/DeleteTask of a task that is running": func(t *testing.T) {
			var p *played
			p = play(t, func(*played, int) int {
				if err := p.client.DeleteTask(t.Context(), &cloudtaskspb.DeleteTaskRequest{Name: queueName + "/tasks/t"}); err != nil {
					t.Error(err)
				}
				return 500
			})
			p.create(t, p.task("t"))
			p.run(t, anHour)
			if len(p.seen) != 1 {
				t.Errorf("%d attempts of a task that was deleted in its first", len(p.seen))
			}
			p.wantGone(t, queueName+"/tasks/t")
		},
		"1.2/DeleteTask of a task that completed": func(t *testing.T) {
			p := play(t, always(200))
			name := p.create(t, p.task("t")).GetName()
			p.run(t, 0)
			wantStatus(t, p.client.DeleteTask(t.Context(), &cloudtaskspb.DeleteTaskRequest{Name: name}), codes.NotFound, notFound)
		},
		"1.2/ListTasks by page":            testListTasksByPage,
		"1.10/ListTasks of 100,000 a page": testPageSizeIsClamped,
		"1.2/ListTasks with a token of two hours": func(t *testing.T) {
			e := fresh(t, setup{})
			e.create(t, named("a"))
			e.create(t, named("b"))
			page := func(token string) (ids []string, next string, err error) {
				var tasks []*cloudtaskspb.Task
				next, err = iterator.NewPager(e.client.ListTasks(t.Context(), &cloudtaskspb.ListTasksRequest{Parent: queueName}), 1, token).NextPage(&tasks)
				return taskNames(tasks), next, err
			}
			_, token, err := page("")
			if err != nil || token == "" {
				t.Fatal(token, err)
			}
			e.advance(t, 2*anHour-time.Second)
			if ids, _, err := page(token); err != nil || len(ids) != 1 || ids[0] != named("b").GetName() {
				t.Errorf("%v, %v", ids, err)
			}
			e.advance(t, time.Second)
			_, _, err = page(token)
			wantStatus(t, err, codes.InvalidArgument, "The page token has expired: it is good for two hours.")
		},
		"1.2/ListTasks with a token of another queue": func(t *testing.T) {
			e := fresh(t, setup{})
			e.newQueueNamed(t, newName)
			e.create(t, named("a"))
			e.create(t, named("b"))
			var tasks []*cloudtaskspb.Task
			token, err := iterator.NewPager(e.client.ListTasks(t.Context(), &cloudtaskspb.ListTasksRequest{Parent: queueName}), 1, "").NextPage(&tasks)
			if err != nil {
				t.Fatal(err)
			}
			_, err = e.client.ListTasks(t.Context(), &cloudtaskspb.ListTasksRequest{Parent: newName, PageToken: token}).Next()
			wantStatus(t, err, codes.InvalidArgument, "The page token is invalid: it must be the next page token of an answer for the same list.")
		},
		"1.2/ListTasks of an empty queue": func(t *testing.T) {
			if task, err := fresh(t, setup{}).client.ListTasks(t.Context(), &cloudtaskspb.ListTasksRequest{Parent: queueName}).Next(); !errors.Is(err, iterator.Done) {
				t.Errorf("%v, %v", task, err)
			}
		},
		"1.8/before an attempt": func(t *testing.T) {
			e := fresh(t, setup{})
			got := e.get(t, e.create(t, named("t")).GetName())
			if got.GetDispatchCount() != 0 || got.GetResponseCount() != 0 || got.GetFirstAttempt() != nil || got.GetLastAttempt() != nil {
				t.Errorf("%v", got)
			}
		},
		"1.8/during an attempt": func(t *testing.T) {
			var during *cloudtaskspb.Task
			var p *played
			p = play(t, func(*played, int) int {
				during = p.get(t, queueName+"/tasks/t")
				return 200
			})
			p.create(t, p.task("t"))
			p.run(t, 0)
			want := &cloudtaskspb.Attempt{ScheduleTime: micro(0), DispatchTime: micro(0)}
			if diff := cmp.Diff(want, during.GetLastAttempt(), protocmp.Transform()); diff != "" || during.GetDispatchCount() != 1 || during.GetResponseCount() != 0 {
				t.Errorf("%v; last attempt (-want +got):\n%s", during, diff)
			}
		},
		"1.8/after an attempt": func(t *testing.T) {
			p := play(t, func(p *played, n int) int {
				p.advance(t, 3*time.Second)
				return 500
			})
			p.create(t, func() *cloudtaskspb.Task { task := hourly(p); task.Name = queueName + "/tasks/t"; return task }())
			p.advance(t, 2*time.Second)
			p.run(t, 0)
			got := p.get(t, queueName+"/tasks/t")
			if diff := cmp.Diff(&cloudtaskspb.Attempt{DispatchTime: micro(2 * time.Second)}, got.GetFirstAttempt(), protocmp.Transform()); diff != "" {
				t.Errorf("first attempt (-want +got):\n%s", diff)
			}
			last := got.GetLastAttempt()
			if !last.GetScheduleTime().AsTime().Equal(micro(0).AsTime()) || !last.GetDispatchTime().AsTime().Equal(micro(2*time.Second).AsTime()) ||
				!last.GetResponseTime().AsTime().Equal(micro(5*time.Second).AsTime()) || last.GetResponseStatus().GetMessage() != "INTERNAL(13): HTTP status code 500" {
				t.Errorf("last attempt %v", last)
			}
			if want := micro(5*time.Second + anHour); !got.GetScheduleTime().AsTime().Equal(want.AsTime()) || got.GetDispatchCount() != 1 || got.GetResponseCount() != 1 {
				t.Errorf("%v, want the next attempt at %v", got, want.AsTime())
			}
		},
		"1.8/after the second attempt": func(t *testing.T) {
			p := play(t, inTurn(500, 404))
			name := p.create(t, hourly(p)).GetName()
			p.run(t, anHour)
			got := p.get(t, name)
			if !got.GetFirstAttempt().GetDispatchTime().AsTime().Equal(micro(0).AsTime()) || !got.GetLastAttempt().GetDispatchTime().AsTime().Equal(micro(anHour).AsTime()) ||
				got.GetLastAttempt().GetResponseStatus().GetCode() != int32(codes.NotFound) || got.GetDispatchCount() != 2 || got.GetResponseCount() != 2 {
				t.Errorf("%v", got)
			}
		},
		"1.8/App Engine task after an attempt": func(t *testing.T) {
			p := play(t, always(503))
			task := appEngineTask(&cloudtaskspb.AppEngineHttpRequest{})
			task.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(anHour)}
			name := p.create(t, task).GetName()
			p.run(t, 0)
			if got := p.get(t, name); got.GetDispatchCount() != 1 || got.GetResponseCount() != 1 || got.GetLastAttempt().GetResponseStatus().GetMessage() != "UNAVAILABLE(14): HTTP status code 503" {
				t.Errorf("%v", got)
			}
		},
		"1.8/times of whole microseconds over REST": func(t *testing.T) {
			p := play(t, always(500))
			task := hourly(p)
			task.Name = queueName + "/tasks/t"
			p.create(t, task)
			p.run(t, 0)
			exchange{path: queuePath + "/tasks/t?fields=createTime,dispatchCount,responseCount,firstAttempt,lastAttempt", status: 200, want: `{
				"createTime": "2026-11-23T09:30:15Z", "dispatchCount": 1, "responseCount": 1,
				"firstAttempt": {"dispatchTime": "2026-11-23T09:30:15.987654Z"},
				"lastAttempt": {"scheduleTime": "2026-11-23T09:30:15.987654Z", "dispatchTime": "2026-11-23T09:30:15.987654Z", "responseTime": "2026-11-23T09:30:15.987654Z",
					"responseStatus": {"code": 13, "message": "INTERNAL(13): HTTP status code 500"}}}`}.check(t, p.addr)
		},
		"2.4/a scheduled task waits": func(t *testing.T) {
			p := play(t, always(200))
			task := p.task("")
			task.ScheduleTime = micro(90 * time.Minute)
			p.create(t, task)
			p.run(t, 3*anHour)
			wantSeconds(t, p.times(), 5400)
		},
	}
	for view, full := range map[cloudtaskspb.Task_View]bool{cloudtaskspb.Task_VIEW_UNSPECIFIED: false, cloudtaskspb.Task_BASIC: false, cloudtaskspb.Task_FULL: true} {
		for target, task := range map[string]*cloudtaskspb.Task{
			"HTTP": httpTask("http://h/", "body"), "App Engine": appEngineTask(&cloudtaskspb.AppEngineHttpRequest{Body: []byte("body"), Headers: map[string]string{"a": "b"}}),
		} {
			all[fmt.Sprintf("1.6/%v, %s", view, target)] = func(t *testing.T) {
				e := fresh(t, setup{})
				task := proto.CloneOf(task)
				task.Name = queueName + "/tasks/t"
				created, err := e.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: task, ResponseView: view})
				if err != nil {
					t.Fatal(err)
				}
				got, err := e.client.GetTask(t.Context(), &cloudtaskspb.GetTaskRequest{Name: task.GetName(), ResponseView: view})
				if err != nil {
					t.Fatal(err)
				}
				listed, err := e.client.ListTasks(t.Context(), &cloudtaskspb.ListTasksRequest{Parent: queueName, ResponseView: view}).Next()
				if err != nil {
					t.Fatal(err)
				}
				wantView, wantBody := cloudtaskspb.Task_BASIC, ""
				if full {
					wantView, wantBody = cloudtaskspb.Task_FULL, "body"
				}
				for call, got := range map[string]*cloudtaskspb.Task{"CreateTask": created, "GetTask": got, "ListTasks": listed} {
					body := string(got.GetHttpRequest().GetBody()) + string(got.GetAppEngineHttpRequest().GetBody())
					headers := len(got.GetHttpRequest().GetHeaders()) + len(got.GetAppEngineHttpRequest().GetHeaders())
					if got.GetView() != wantView || body != wantBody || headers == 0 {
						t.Errorf("%s: %v, want view %v, body %q and the headers", call, got, wantView, wantBody)
					}
				}
			}
		}
	}
	return all
}

func testListTasksByPage(t *testing.T) {
	e := fresh(t, setup{})
	want := make(map[string]bool)
	for i := range 25 {
		want[e.create(t, named(fmt.Sprint("t", i))).GetName()] = true
	}
	got := make(map[string]bool)
	var sizes []int
	pager := iterator.NewPager(e.client.ListTasks(t.Context(), &cloudtaskspb.ListTasksRequest{Parent: queueName}), 10, "")
	for token := "first"; token != ""; {
		var page []*cloudtaskspb.Task
		var err error
		if token, err = pager.NextPage(&page); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page))
		for _, task := range page {
			got[task.GetName()] = true
		}
	}
	if diff := cmp.Diff([]int{10, 10, 5}, sizes); diff != "" {
		t.Errorf("page sizes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
}

func testPageSizeIsClamped(t *testing.T) {
	e := fresh(t, setup{})
	for i := range 11 {
		var ids []string
		for j := range 91 {
			ids = append(ids, fmt.Sprintf("t%d-%d", i, j))
		}
		if _, err := e.client.BatchCreateTasks(t.Context(), batchRequest("", ids...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, size := range []string{"pageSize=0&", "", "pageSize=1001&", "pageSize=100000&"} {
		_, body := exchange{path: queuePath + "/tasks?" + size + "fields=tasks/name"}.do(t, e.addr)
		if n := strings.Count(body, `"name"`); n != 1000 {
			t.Errorf("a page of %q has %d tasks of 1001, want 1000", size, n)
		}
	}
	exchange{path: queuePath + "/tasks?pageSize=-1", status: 400, message: "The page size must not be negative: it is -1."}.check(t, e.addr)
}

// batchCases are those of the batch methods.
func batchCases() cases {
	return cases{
		"1.2/BatchCreateTasks":                   testBatchCreateTasks,
		"1.2/BatchCreateTasks without a success": testBatchCreateWithoutASuccess,
		"1.2/BatchDeleteTasks without a success": testBatchDeleteWithoutASuccess,
		"1.2/BatchDeleteTasks of another queue's task": func(t *testing.T) {
			e := fresh(t, setup{})
			e.create(t, named("t"))
			const other = locationName + "/queues/other/tasks/t"
			op, err := e.client.BatchDeleteTasks(t.Context(), &cloudtaskspb.BatchDeleteTasksRequest{Parent: queueName, Names: []string{other, "t", named("t").GetName()}})
			if err != nil {
				t.Fatal(err)
			}
			meta, err := op.Metadata()
			failed := meta.GetFailedRequests()
			if err != nil || len(failed) != 2 || codes.Code(failed[0].GetCode()) != codes.InvalidArgument || codes.Code(failed[1].GetCode()) != codes.InvalidArgument {
				t.Errorf("%v, %v", failed, err)
			}
			e.wantGone(t, named("t").GetName())
		},
		"1.2/BatchDeleteTasks": testBatchDeleteTasks,
		"1.2/request ids are shared": func(t *testing.T) {
			e := fresh(t, setup{})
			create, err := e.client.BatchCreateTasks(t.Context(), batchRequest("shared", "a"))
			if err != nil {
				t.Fatal(err)
			}
			remove, err := e.client.BatchDeleteTasks(t.Context(), &cloudtaskspb.BatchDeleteTasksRequest{Parent: queueName, RequestId: "shared", Names: []string{named("a").GetName()}})
			if err != nil || remove.Name() != create.Name() {
				t.Errorf("%v, %v, want the operation of the creation", remove, err)
			}
			if got := e.get(t, named("a").GetName()); got.GetName() != named("a").GetName() {
				t.Errorf("the task: %v", got)
			}
		},
		"1.2/BatchCreateTasks without a request id is another each time": func(t *testing.T) {
			e := fresh(t, setup{})
			first, err1 := e.client.BatchCreateTasks(t.Context(), batchRequest("", "a"))
			second, err2 := e.client.BatchCreateTasks(t.Context(), batchRequest("", "b"))
			if err1 != nil || err2 != nil || first.Name() == second.Name() {
				t.Errorf("%v and %v", err1, err2)
			}
			if got := e.get(t, named("b").GetName()); got.GetView() != cloudtaskspb.Task_BASIC {
				t.Errorf("%v", got)
			}
		},
		"1.2/BatchCreateTasks of 100": func(t *testing.T) {
			e := fresh(t, setup{})
			var ids []string
			for i := range 100 {
				ids = append(ids, fmt.Sprint("t", i))
			}
			op, err := e.client.BatchCreateTasks(t.Context(), batchRequest("", ids...))
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := op.Wait(t.Context()); err != nil || len(resp.GetTasks()) != 100 {
				t.Errorf("%d tasks, %v", len(resp.GetTasks()), err)
			}
		},
		"1.2/BatchDeleteTasks of 1000": func(t *testing.T) {
			e := fresh(t, setup{})
			name := e.create(t, named("t999")).GetName()
			var names []string
			for i := range 1000 {
				names = append(names, named(fmt.Sprint("t", i)).GetName())
			}
			op, err := e.client.BatchDeleteTasks(t.Context(), &cloudtaskspb.BatchDeleteTasksRequest{Parent: queueName, Names: names})
			if err != nil {
				t.Fatal(err)
			}
			if meta, err := op.Metadata(); err != nil || len(meta.GetFailedRequests()) != 999 || meta.GetState() != cloudtaskspb.BatchDeleteTasksMetadata_PARTIALLY_SUCCEEDED {
				t.Errorf("%d failed, %v, %v", len(meta.GetFailedRequests()), meta.GetState(), err)
			}
			e.wantGone(t, name)
		},
		"1.2/BatchCreateTasks answers each in its view": func(t *testing.T) {
			e := fresh(t, setup{})
			req := batchRequest("", "a", "b")
			for _, one := range req.GetRequests() {
				one.Task.GetHttpRequest().Body = []byte("body")
			}
			req.Requests[1].ResponseView = cloudtaskspb.Task_FULL
			op, err := e.client.BatchCreateTasks(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := op.Wait(t.Context())
			if err != nil || len(resp.GetTasks()) != 2 || resp.GetTasks()[0].GetHttpRequest().GetBody() != nil || string(resp.GetTasks()[1].GetHttpRequest().GetBody()) != "body" {
				t.Errorf("%v, %v", resp, err)
			}
		},
		"1.2/operation over REST": func(t *testing.T) {
			e := fresh(t, setup{})
			const want = `{"name": "` + locationName + `/operations/r", "done": true, "response": {"@type": "type.googleapis.com/google.cloud.tasks.v2.BatchCreateTasksResponse", "tasks": [{"name": "` + queueName + `/tasks/a"}]},
				"metadata": {"@type": "type.googleapis.com/google.cloud.tasks.v2.BatchCreateTasksMetadata", "state": "SUCCEEDED", "startTime": "2026-11-23T09:30:15.987654321Z", "endTime": "2026-11-23T09:30:15.987654321Z"}}`
			const fields = "?fields=name,done,metadata,response(@type,tasks/name)"
			exchange{path: queuePath + "/tasks:batchCreate" + fields, status: 200, want: want,
				body: `{"requestId": "r", "requests": [{"parent": "` + queueName + `", "task": {"name": "` + queueName + `/tasks/a", "httpRequest": {"url": "http://h/"}}}]}`}.check(t, e.addr)
			exchange{path: locationPath + "/operations/r" + fields, status: 200, want: want}.check(t, e.addr)
		},
	}
}

// restCases are those of the REST face alone.
func restCases() cases {
	all := cases{
		"1.2/REST":                 testREST,
		"1.2/REST refusals":        testRESTRefusals,
		"1.2/REST is what gRPC is": testOfficialClientOverREST,
		"1.2/REST by discovery":    testDiscoveryClient,
		"1.2/REST by Terraform":    testTerraform,
	}
	for _, version := range []string{"v1", "v2beta2", "v2beta3"} {
		all["1.1/"+version+" is unknown"] = func(t *testing.T) {
			path := "/" + version + "/" + queueName
			exchange{path: path, status: 404, message: "The requested URL " + path + " was not found on this server for method GET."}.check(t, fresh(t, setup{}).addr)
		}
	}
	return all
}
