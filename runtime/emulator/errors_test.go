package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/iam/apiv1/iampb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/option"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

const (
	queueMissing = "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."
	notFound     = "Requested entity was not found."
	taskGone     = "The task no longer exists, though a task with this name existed recently. The task either successfully completed or was deleted."
)

// refusal is a call that is refused, and how.
type refusal struct {
	name    string
	call    func(ctx context.Context, c *cloudtasks.Client) error
	code    codes.Code
	message string // "": not known of Cloud Tasks, and must say something
	help    *errdetails.Help_Link

	onlyGRPC bool // no REST request says this: its path would be another
}

func createTask(parent string, task *cloudtaskspb.Task) func(context.Context, *cloudtasks.Client) error {
	return func(ctx context.Context, c *cloudtasks.Client) error {
		_, err := c.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{Parent: parent, Task: task})
		return err
	}
}

func createQueue(queue *cloudtaskspb.Queue) func(context.Context, *cloudtasks.Client) error {
	return func(ctx context.Context, c *cloudtasks.Client) error {
		_, err := c.CreateQueue(ctx, &cloudtaskspb.CreateQueueRequest{Parent: locationName, Queue: queue})
		return err
	}
}

// newQueue is a queue that does not exist yet.
func newQueue(change func(*cloudtaskspb.Queue)) *cloudtaskspb.Queue {
	queue := &cloudtaskspb.Queue{
		Name: locationName + "/queues/new", RateLimits: &cloudtaskspb.RateLimits{}, RetryConfig: &cloudtaskspb.RetryConfig{},
	}
	change(queue)
	return queue
}

// changed is a task that would be good without the change.
func changed(change func(*cloudtaskspb.Task)) *cloudtaskspb.Task {
	task := httpTask("http://worker.example/", "")
	change(task)
	return task
}

func taskRefusals() []refusal {
	taskID := &errdetails.Help_Link{
		Description: "Definition of task ID",
		Url:         "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks#Task.FIELDS.name",
	}
	idMessage := func(id string) string {
		return `Task ID "` + id + `" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). Task ID must between 1 and 500 characters.`
	}
	const malformedTask = `Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"`
	request := func(change func(*cloudtaskspb.HttpRequest)) *cloudtaskspb.Task {
		return changed(func(task *cloudtaskspb.Task) { change(task.GetHttpRequest()) })
	}
	return []refusal{
		{name: "1.4/queue missing", call: createTask(locationName+"/queues/none", httpTask("http://h/", "")), code: codes.NotFound, message: queueMissing},
		{name: "1.4/malformed parent", onlyGRPC: true, call: createTask("not-a-valid-parent", httpTask("http://h/", "")), code: codes.InvalidArgument, message: "Invalid resource field value in the request."},
		{name: "1.4/no task", call: createTask(queueName, nil), code: codes.InvalidArgument},
		{name: "1.4/no target", call: createTask(queueName, &cloudtaskspb.Task{}), code: codes.InvalidArgument},
		{
			name: "1.4/name in another queue",
			call: createTask(queueName, changed(func(task *cloudtaskspb.Task) { task.Name = locationName + "/queues/other/tasks/t" })),
			code: codes.InvalidArgument,
			message: "The queue name from request ('" + queueName + "') must be the same as the queue name in the named task ('" +
				locationName + "/queues/other').",
		},
		{name: "1.4/task id of other characters", call: createTask(queueName, named("a.b")), code: codes.InvalidArgument, message: idMessage("a.b"), help: taskID},
		{name: "1.4/task id of 501 characters", call: createTask(queueName, named(strings.Repeat("x", 501))), code: codes.InvalidArgument, message: idMessage(strings.Repeat("x", 501)), help: taskID},
		{name: "1.4/empty task id", call: createTask(queueName, named("")), code: codes.InvalidArgument, message: idMessage(""), help: taskID},
		{name: "1.4/malformed task name", call: createTask(queueName, changed(func(task *cloudtaskspb.Task) { task.Name = "t" })), code: codes.InvalidArgument, message: malformedTask},
		{name: "1.4/url missing", call: createTask(queueName, httpTask("", "")), code: codes.InvalidArgument, message: "HttpRequest.url is required."},
		{name: "1.4/url not http", call: createTask(queueName, httpTask("ftp://h/", "")), code: codes.InvalidArgument, message: "HttpTarget.url must start with 'http://' or 'https://'."},
		{name: "1.4/url too long", call: createTask(queueName, httpTask("http://h/"+strings.Repeat("x", 2083), "")), code: codes.InvalidArgument},
		{name: "1.4/url too long once it is encoded", call: createTask(queueName, httpTask("http://h/"+strings.Repeat("é", 500), "")), code: codes.InvalidArgument},
		{name: "1.4/method of no name", call: createTask(queueName, request(func(r *cloudtaskspb.HttpRequest) { r.HttpMethod = 99 })), code: codes.InvalidArgument},
		{
			name: "1.4/80 KB of headers",
			call: createTask(queueName, request(func(r *cloudtaskspb.HttpRequest) { r.Headers = map[string]string{"X": strings.Repeat("x", 80<<10)} })),
			code: codes.InvalidArgument,
		},
		{name: "1.4/too large", call: createTask(queueName, httpTask("http://h/", strings.Repeat("x", 1<<20))), code: codes.InvalidArgument, message: "Task size too large"},
		{
			name: "1.4/schedule time in 2100",
			call: createTask(queueName, changed(func(task *cloudtaskspb.Task) {
				task.ScheduleTime = timestamppb.New(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
			})),
			code:    codes.InvalidArgument,
			message: "The Task.scheduleTime, 2099-12-31T16:00:00-08:00, is too far in the future. Schedule time must be no more than 720h in the future.",
		},
		{
			name: "1.4/schedule time over 30 days",
			call: createTask(queueName, changed(func(task *cloudtaskspb.Task) {
				task.ScheduleTime = timestamppb.New(restClock().Add(30*24*time.Hour + time.Second))
			})),
			code:    codes.InvalidArgument,
			message: "The Task.scheduleTime, 2026-12-23T01:30:16-08:00, is too far in the future. Schedule time must be no more than 720h in the future.",
		},
		{name: "1.4/impossible time", onlyGRPC: true, call: createTask(queueName, changed(func(task *cloudtaskspb.Task) { task.ScheduleTime = &timestamppb.Timestamp{Nanos: -1} })), code: codes.InvalidArgument},
		{
			name: "1.4/deadline too short", code: codes.InvalidArgument, message: "Task.dispatchDeadline must be between [15s, 30m].",
			call: createTask(queueName, changed(func(task *cloudtaskspb.Task) { task.DispatchDeadline = durationpb.New(14 * time.Second) })),
		},
		{
			name: "1.4/deadline too long", code: codes.InvalidArgument, message: "Task.dispatchDeadline must be between [15s, 30m].",
			call: createTask(queueName, changed(func(task *cloudtaskspb.Task) { task.DispatchDeadline = durationpb.New(30*time.Minute + time.Second) })),
		},
		{
			name: "1.4/deadline beyond what a time.Duration holds", code: codes.InvalidArgument, message: "Task.dispatchDeadline must be between [15s, 30m].",
			call: createTask(queueName, changed(func(task *cloudtaskspb.Task) { task.DispatchDeadline = &durationpb.Duration{Seconds: 315_576_000_000} })),
		},
		{name: "1.4/impossible deadline", onlyGRPC: true, call: createTask(queueName, changed(func(task *cloudtaskspb.Task) { task.DispatchDeadline = &durationpb.Duration{Seconds: 20, Nanos: -5} })), code: codes.InvalidArgument},
		{
			name: "1.4/task retries below -1", code: codes.InvalidArgument, message: "RetryConfig.maxAttempts must be greater or equal to -1.",
			call: createTask(queueName, changed(func(task *cloudtaskspb.Task) { task.RetryConfig = &cloudtaskspb.RetryConfig{MaxAttempts: -2} })),
		},
		{name: "1.4/oidc without an account", code: codes.InvalidArgument, call: createTask(queueName, request(func(r *cloudtaskspb.HttpRequest) {
			r.AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{}
		}))},
		{name: "1.4/App Engine URI not from the root", code: codes.InvalidArgument, call: createTask(queueName, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{RelativeUri: "x"}))},
		{name: "1.4/App Engine URI with a space", code: codes.InvalidArgument, call: createTask(queueName, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{RelativeUri: "/a b"}))},
		{name: "1.4/App Engine URI with a line break", code: codes.InvalidArgument, call: createTask(queueName, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{RelativeUri: "/a\nb"}))},
		{name: "1.4/App Engine URI too long", code: codes.InvalidArgument, call: createTask(queueName, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{RelativeUri: "/" + strings.Repeat("x", 2083)}))},
		{
			name: "1.4/App Engine deadline too short", code: codes.InvalidArgument, message: "Task.dispatchDeadline must be between [15s, 24h15s].",
			call: createTask(queueName, func() *cloudtaskspb.Task {
				task := appEngineTask(&cloudtaskspb.AppEngineHttpRequest{})
				task.DispatchDeadline = durationpb.New(14 * time.Second)
				return task
			}()),
		},
		{
			name: "1.4/App Engine deadline too long", code: codes.InvalidArgument, message: "Task.dispatchDeadline must be between [15s, 24h15s].",
			call: createTask(queueName, func() *cloudtaskspb.Task {
				task := appEngineTask(&cloudtaskspb.AppEngineHttpRequest{})
				task.DispatchDeadline = durationpb.New(24*time.Hour + 16*time.Second)
				return task
			}()),
		},
		{name: "1.5/get a task that never was", code: codes.NotFound, message: notFound, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.GetTask(ctx, &cloudtaskspb.GetTaskRequest{Name: queueName + "/tasks/never"})
			return err
		}},
		{name: "1.5/delete a task that never was", code: codes.NotFound, message: notFound, call: func(ctx context.Context, c *cloudtasks.Client) error {
			return c.DeleteTask(ctx, &cloudtaskspb.DeleteTaskRequest{Name: queueName + "/tasks/never"})
		}},
		{name: "1.5/run a task that never was", code: codes.NotFound, message: notFound, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.RunTask(ctx, &cloudtaskspb.RunTaskRequest{Name: queueName + "/tasks/never"})
			return err
		}},
		{name: "1.10/list a malformed queue", onlyGRPC: true, code: codes.InvalidArgument, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{Parent: "q"}).Next()
			return err
		}},
		{name: "1.10/list a missing queue", code: codes.NotFound, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{Parent: locationName + "/queues/none"}).Next()
			return err
		}},
	}
}

// bodyRefusals are bodies with the methods that take none.
func bodyRefusals() []refusal {
	var all []refusal
	for _, name := range []string{"GET", "HEAD", "DELETE", "OPTIONS", "PATCH"} {
		method := cloudtaskspb.HttpMethod(cloudtaskspb.HttpMethod_value[name])
		if name != "PATCH" {
			all = append(all, refusal{name: "1.4/a body with " + name, code: codes.InvalidArgument, call: createTask(queueName, changed(func(task *cloudtaskspb.Task) {
				task.GetHttpRequest().HttpMethod, task.GetHttpRequest().Body = method, []byte("x")
			}))})
		}
		all = append(all, refusal{name: "1.4/App Engine, a body with " + name, code: codes.InvalidArgument,
			call: createTask(queueName, appEngineTask(&cloudtaskspb.AppEngineHttpRequest{HttpMethod: method, Body: []byte("x")}))})
	}
	return all
}

func queueRefusals() []refusal {
	const none = locationName + "/queues/none"
	queueNameHelp := queueNameHelp()
	const malformedQueue = `Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".`
	rate := func(change func(*cloudtaskspb.RateLimits)) func(context.Context, *cloudtasks.Client) error {
		return createQueue(newQueue(func(q *cloudtaskspb.Queue) { change(q.RateLimits) }))
	}
	retry := func(change func(*cloudtaskspb.RetryConfig)) func(context.Context, *cloudtasks.Client) error {
		return createQueue(newQueue(func(q *cloudtaskspb.Queue) { change(q.RetryConfig) }))
	}
	target := func(target *cloudtaskspb.HttpTarget) func(context.Context, *cloudtasks.Client) error {
		return createQueue(newQueue(func(q *cloudtaskspb.Queue) { q.HttpTarget = target }))
	}
	const invalid = codes.InvalidArgument
	return []refusal{
		{name: "1.3/no queue", call: createQueue(nil), code: invalid, message: malformedQueue, help: queueNameHelp},
		{name: "1.3/malformed name", call: createQueue(&cloudtaskspb.Queue{Name: locationName + "/queues/a_b"}), code: invalid, message: malformedQueue, help: queueNameHelp},
		{name: "1.3/name of 101 characters", call: createQueue(&cloudtaskspb.Queue{Name: locationName + "/queues/" + strings.Repeat("x", 101)}), code: invalid, message: malformedQueue, help: queueNameHelp},
		{name: "1.3/name elsewhere", call: createQueue(&cloudtaskspb.Queue{Name: "projects/p/locations/other/queues/new"}), code: invalid, message: "projects/p/locations/other/queues/new must begin with projects/p/locations/l."},
		{name: "1.5/exists", call: createQueue(&cloudtaskspb.Queue{Name: queueName}), code: codes.AlreadyExists, message: "Queue already exists"},
		{name: "1.3/rate below 0", call: rate(func(r *cloudtaskspb.RateLimits) { r.MaxDispatchesPerSecond = -1 }), code: invalid, message: "RateLimits.maxDispatchesPerSecond cannot be negative."},
		{name: "1.3/rate over 500", call: rate(func(r *cloudtaskspb.RateLimits) { r.MaxDispatchesPerSecond = 500.5 }), code: invalid, message: "RateLimits.maxDispatchesPerSecond must be less than or equal to 500."},
		{name: "1.3/concurrency below 0", call: rate(func(r *cloudtaskspb.RateLimits) { r.MaxConcurrentDispatches = -1 }), code: invalid, message: "RateLimits.maxConcurrentDispatches cannot be negative."},
		{name: "1.3/concurrency over 5000", call: rate(func(r *cloudtaskspb.RateLimits) { r.MaxConcurrentDispatches = 5001 }), code: invalid, message: "RateLimits.maxConcurrentDispatches must be less than or equal to 5000."},
		{name: "1.3/attempts below -1", call: retry(func(r *cloudtaskspb.RetryConfig) { r.MaxAttempts = -2 }), code: invalid, message: "RetryConfig.maxAttempts must be greater or equal to -1."},
		{name: "1.3/back-off below 0", call: retry(func(r *cloudtaskspb.RetryConfig) { r.MinBackoff = durationpb.New(-1) }), code: invalid, message: "RetryConfig.minBackoff cannot be negative."},
		{
			name: "1.3/back-off over the greatest", code: invalid, message: "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.",
			call: retry(func(r *cloudtaskspb.RetryConfig) { r.MinBackoff, r.MaxBackoff = durationpb.New(2), durationpb.New(1) }),
		},
		{name: "1.3/doublings below 0", call: retry(func(r *cloudtaskspb.RetryConfig) { r.MaxDoublings = -1 }), code: invalid, message: "RetryConfig.maxDoublings cannot be negative."},
		{name: "1.3/impossible back-off", onlyGRPC: true, call: retry(func(r *cloudtaskspb.RetryConfig) { r.MaxBackoff = &durationpb.Duration{Seconds: 1, Nanos: -1} }), code: invalid},
		{name: "1.3/sampling ratio over 1", code: invalid, call: createQueue(newQueue(func(q *cloudtaskspb.Queue) {
			q.StackdriverLoggingConfig = &cloudtaskspb.StackdriverLoggingConfig{SamplingRatio: 1.1}
		}))},
		{name: "1.3/sampling ratio below 0", code: invalid, call: createQueue(newQueue(func(q *cloudtaskspb.Queue) {
			q.StackdriverLoggingConfig = &cloudtaskspb.StackdriverLoggingConfig{SamplingRatio: -0.1}
		}))},
		{name: "1.3/max_retry_duration below 0", code: invalid, call: retry(func(r *cloudtaskspb.RetryConfig) { r.MaxRetryDuration = durationpb.New(-time.Second) })},
		{name: "1.3/oauth override without an account", code: invalid, call: target(&cloudtaskspb.HttpTarget{AuthorizationHeader: &cloudtaskspb.HttpTarget_OauthToken{
			OauthToken: &cloudtaskspb.OAuthToken{Scope: "s"},
		}})},
		{name: "1.3/project of other characters", code: invalid, message: malformedQueue, help: queueNameHelp, call: createQueue(&cloudtaskspb.Queue{Name: "projects/p_1/locations/l/queues/q"})},
		{name: "1.3/empty id", code: invalid, message: malformedQueue, help: queueNameHelp, call: createQueue(&cloudtaskspb.Queue{Name: locationName + "/queues/"})},
		{name: "1.3/slash after the id", code: invalid, message: malformedQueue, help: queueNameHelp, call: createQueue(&cloudtaskspb.Queue{Name: locationName + "/queues/q/"})},
		{name: "1.3/http_target with an empty host", code: invalid, call: target(&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Host: new("")}})},
		{name: "1.3/http_target with a URL for a host", code: invalid, call: target(&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Host: new("http://h")}})},
		{name: "1.3/http_target with a port below 0", code: invalid, call: target(&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Port: new(int64(-1))}})},
		{name: "1.3/http_target with a port over 65535", code: invalid, call: target(&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Port: new(int64(65536))}})},
		{name: "1.3/http_target with a scheme of no name", code: invalid, call: target(&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Scheme: cloudtaskspb.UriOverride_Scheme(9).Enum()}})},
		{name: "1.3/http_target with a mode of no name", code: invalid, call: target(&cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{UriOverrideEnforceMode: 9}})},
		{name: "1.3/http_target with a method of no name", code: invalid, call: target(&cloudtaskspb.HttpTarget{HttpMethod: 99})},
		{name: "1.3/http_target with 80 KB of headers", code: invalid, call: target(&cloudtaskspb.HttpTarget{HeaderOverrides: []*cloudtaskspb.HttpTarget_HeaderOverride{
			{Header: &cloudtaskspb.HttpTarget_Header{Key: "a", Value: strings.Repeat("x", 80<<10)}},
		}})},
		{name: "1.3/oidc override without an audience", code: invalid, call: target(&cloudtaskspb.HttpTarget{AuthorizationHeader: &cloudtaskspb.HttpTarget_OidcToken{
			OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: "a@b"},
		}})},
		{name: "1.3/oidc override without an account", code: invalid, call: target(&cloudtaskspb.HttpTarget{AuthorizationHeader: &cloudtaskspb.HttpTarget_OidcToken{
			OidcToken: &cloudtaskspb.OidcToken{Audience: "a"},
		}})},
		{name: "1.3/oauth override without a scope", code: invalid, call: target(&cloudtaskspb.HttpTarget{AuthorizationHeader: &cloudtaskspb.HttpTarget_OauthToken{
			OauthToken: &cloudtaskspb.OAuthToken{ServiceAccountEmail: "a@b"},
		}})},
		{name: "1.5/delete a missing queue", code: codes.NotFound, message: notFound, call: func(ctx context.Context, c *cloudtasks.Client) error {
			return c.DeleteQueue(ctx, &cloudtaskspb.DeleteQueueRequest{Name: none})
		}},
		{name: "1.5/get a missing queue", code: codes.NotFound, message: queueMissing, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.GetQueue(ctx, &cloudtaskspb.GetQueueRequest{Name: none})
			return err
		}},
		{name: "1.5/pause a missing queue", code: codes.NotFound, message: queueMissing, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.PauseQueue(ctx, &cloudtaskspb.PauseQueueRequest{Name: none})
			return err
		}},
		{name: "1.5/resume a missing queue", code: codes.NotFound, message: queueMissing, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.ResumeQueue(ctx, &cloudtaskspb.ResumeQueueRequest{Name: none})
			return err
		}},
		{name: "1.5/purge a missing queue", code: codes.NotFound, message: queueMissing, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.PurgeQueue(ctx, &cloudtaskspb.PurgeQueueRequest{Name: none})
			return err
		}},
		{name: "1.10/list queues of nowhere", onlyGRPC: true, code: codes.InvalidArgument, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.ListQueues(ctx, &cloudtaskspb.ListQueuesRequest{Parent: "x"}).Next()
			return err
		}},
	}
}

// refusalCases are a case for each refusal: over gRPC, and over REST with the body that Google's REST APIs answer with.
func refusalCases() cases {
	all := make(cases)
	for _, r := range slices.Concat(taskRefusals(), bodyRefusals(), queueRefusals(), callRefusals()) {
		all[r.name] = func(t *testing.T) {
			e := fresh(t, setup{})
			details := []any{}
			if r.help != nil {
				details = append(details, &errdetails.Help{Links: []*errdetails.Help_Link{r.help}})
			}
			st := status.Convert(r.call(t.Context(), e.client))
			if st.Code() != r.code || r.message != "" && st.Message() != r.message || st.Message() == "" {
				t.Errorf("%v %q,\nwant %v %q", st.Code(), st.Message(), r.code, r.message)
			}
			if diff := cmp.Diff(details, st.Details(), protocmp.Transform()); diff != "" {
				t.Errorf("details (-want +got):\n%s", diff)
			}
			if !r.onlyGRPC {
				e.checkOverREST(t, r, st)
			}
		}
	}
	return all
}

// checkOverREST makes the call over REST, which must be refused as it was over gRPC.
func (e *emulated) checkOverREST(t *testing.T, r refusal, want *status.Status) {
	t.Helper()
	recorder := &recorder{}
	client, err := cloudtasks.NewRESTClient(t.Context(), option.WithEndpoint("http://"+e.addr), option.WithHTTPClient(&http.Client{Transport: recorder}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := r.call(t.Context(), client); err == nil {
		t.Error("over REST it is not refused")
	}
	type link struct{ Description, URL string }
	type detail struct {
		Type  string `json:"@type"`
		Links []link
	}
	type failure struct {
		Code            int
		Message, Status string
		Details         []detail
	}
	var got struct{ Error failure }
	if err := json.Unmarshal(recorder.body, &got); err != nil {
		t.Fatalf("over REST it is answered %q: %v", recorder.body, err)
	}
	wanted := failure{Code: map[codes.Code]int{codes.InvalidArgument: 400, codes.NotFound: 404, codes.AlreadyExists: 409, codes.FailedPrecondition: 400}[r.code], Message: want.Message()}
	wanted.Status = map[codes.Code]string{codes.InvalidArgument: "INVALID_ARGUMENT", codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS", codes.FailedPrecondition: "FAILED_PRECONDITION"}[r.code]
	if r.help != nil {
		wanted.Details = []detail{{"type.googleapis.com/google.rpc.Help", []link{{r.help.GetDescription(), r.help.GetUrl()}}}}
	}
	if diff := cmp.Diff(wanted, got.Error); diff != "" || recorder.status != wanted.Code {
		t.Errorf("over REST, %d (-want +got):\n%s", recorder.status, diff)
	}
}

// recorder keeps the last answer.
type recorder struct {
	status int
	body   []byte
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if r.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	r.status, resp.Body = resp.StatusCode, io.NopCloser(bytes.NewReader(r.body))
	return resp, nil
}

// A body fits when the stored task has 1,048,569 bytes, as Cloud Tasks counts them.
func testLargestTask(t *testing.T, task *cloudtaskspb.Task) {
	e := fresh(t, setup{})
	n := 0
	create := func(size int) (*cloudtaskspb.Task, error) {
		n++
		task := proto.CloneOf(task)
		task.Name = fmt.Sprintf("%s/tasks/t%03d", queueName, n)
		if r := task.GetHttpRequest(); r != nil {
			r.Body = make([]byte, size)
		} else {
			task.GetAppEngineHttpRequest().Body = make([]byte, size)
		}
		return e.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: task, ResponseView: cloudtaskspb.Task_FULL})
	}
	const limit, some = 1_048_569, 1_000_000 // bytes; lengths of both take as many
	small, err := create(some)
	if err != nil {
		t.Fatal(err)
	}
	room := limit - proto.Size(small)
	largest, err := create(some + room)
	if err != nil || proto.Size(largest) != limit {
		t.Errorf("a task of %d bytes: %v", proto.Size(largest), err)
	}
	_, err = create(some + room + 1)
	wantStatus(t, err, codes.InvalidArgument, "Task size too large")
}

// Its attempts fail, and nothing else does.
func testUnencodableURLIsAccepted(t *testing.T) {
	e := fresh(t, setup{})
	task := httpTask("http://example.com/%zz", "")
	task.RetryConfig = &cloudtaskspb.RetryConfig{MinBackoff: durationpb.New(time.Hour)}
	created := e.create(t, task)
	if created.GetHttpRequest().GetUrl() != "http://example.com/%zz" {
		t.Errorf("stored %v", created)
	}
	e.run(t, time.Minute)
	got := e.get(t, created.GetName())
	if got.GetDispatchCount() != 1 || got.GetResponseCount() != 0 || got.GetLastAttempt().GetResponseStatus().GetCode() == 0 {
		t.Errorf("task %v, want one failed attempt without a request", got)
	}
}

func TestMissingQueueIsCreatedUnlessStrict(t *testing.T) {
	t.Parallel()
	queue, err := localqueue.New(localqueue.WithVirtualClock(time.Time{}))
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	client := dialMemory(t, queue)
	const name = "projects/x/locations/y/queues/z"
	if _, err := client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: name, Task: httpTask("http://h/", "")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: name}); err != nil {
		t.Error(err)
	}
}

// callRefusals are those of calls other than creating.
func callRefusals() []refusal {
	const none, malformed = locationName + "/queues/none", "Invalid resource field value in the request."
	const malformedTask = `Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"`
	all := []refusal{
		{name: "1.5/update of a malformed name", code: codes.InvalidArgument, message: `Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".`,
			help: queueNameHelp(), onlyGRPC: true, call: func(ctx context.Context, c *cloudtasks.Client) error {
				_, err := c.UpdateQueue(ctx, &cloudtaskspb.UpdateQueueRequest{Queue: &cloudtaskspb.Queue{Name: "q"}})
				return err
			}},
		{name: "1.2/update mask of an unknown field", code: codes.InvalidArgument, call: updateQueue("no_such_field")},
		{name: "1.2/update mask of an unknown field of http_target", code: codes.InvalidArgument, call: updateQueue("http_target.no_such_field")},
		{name: "1.6/unknown view, GetTask", code: codes.InvalidArgument, message: "Task view 7 is unknown: it must be BASIC or FULL.", call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.GetTask(ctx, &cloudtaskspb.GetTaskRequest{Name: queueName + "/tasks/t", ResponseView: 7})
			return err
		}},
		{name: "1.6/unknown view, ListTasks", code: codes.InvalidArgument, message: "Task view 7 is unknown: it must be BASIC or FULL.", call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{Parent: queueName, ResponseView: 7}).Next()
			return err
		}},
		{name: "1.6/unknown view, RunTask", code: codes.InvalidArgument, message: "Task view 7 is unknown: it must be BASIC or FULL.", call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.RunTask(ctx, &cloudtaskspb.RunTaskRequest{Name: queueName + "/tasks/t", ResponseView: 7})
			return err
		}},
		{name: "1.6/unknown view, CreateTask", code: codes.InvalidArgument, message: "Task view 7 is unknown: it must be BASIC or FULL.", call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: httpTask("http://h/", ""), ResponseView: 7})
			return err
		}},
		{name: "1.10/made-up page token of tasks", code: codes.InvalidArgument, message: "The page token is invalid: it must be the next page token of an answer for the same list.",
			call: func(ctx context.Context, c *cloudtasks.Client) error {
				_, err := c.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{Parent: queueName, PageToken: "made up"}).Next()
				return err
			}},
		{name: "1.10/made-up page token of queues", code: codes.InvalidArgument, message: "The page token is invalid: it must be the next page token of an answer for the same list.",
			call: func(ctx context.Context, c *cloudtasks.Client) error {
				_, err := c.ListQueues(ctx, &cloudtaskspb.ListQueuesRequest{Parent: locationName, PageToken: "made up"}).Next()
				return err
			}},
		{name: "1.2/batch with a request of another queue", code: codes.InvalidArgument,
			message: `requests[0].parent ("` + none + `") must be the same as the batch's parent ("` + queueName + `").`,
			call:    batch(func(req *cloudtaskspb.BatchCreateTasksRequest) { req.Requests[0].Parent = none })},
		{name: "1.2/batch of 101 requests", code: codes.InvalidArgument, message: "A batch must have between 1 and 100 requests: it has 101.",
			call: batch(func(req *cloudtaskspb.BatchCreateTasksRequest) {
				for i := range 100 {
					req.Requests = append(req.Requests, batchRequest("", fmt.Sprint("t", i)).GetRequests()...)
				}
			})},
		{name: "1.2/batch of nothing", code: codes.InvalidArgument, message: "A batch must have between 1 and 100 requests: it has 0.",
			call: batch(func(req *cloudtaskspb.BatchCreateTasksRequest) { req.Requests = nil })},
		{name: "1.2/batch in a missing queue", code: codes.NotFound, message: queueMissing, call: batch(func(req *cloudtaskspb.BatchCreateTasksRequest) {
			req.Parent, req.Requests[0].Parent, req.Requests[0].Task.Name = none, none, ""
		})},
		{name: "1.2/batch of 1001 deletions", code: codes.InvalidArgument, message: "A batch must have between 1 and 1000 requests: it has 1001.", call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.BatchDeleteTasks(ctx, &cloudtaskspb.BatchDeleteTasksRequest{Parent: queueName, Names: make([]string, 1001)})
			return err
		}},
		{name: "1.5/delete tasks of a missing queue", code: codes.NotFound, message: queueMissing, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.BatchDeleteTasks(ctx, &cloudtaskspb.BatchDeleteTasksRequest{Parent: none, Names: []string{none + "/tasks/t"}})
			return err
		}},
		{name: "1.5/policy of a missing queue", code: codes.NotFound, message: queueMissing, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: none})
			return err
		}},
		{name: "1.5/set the policy of a missing queue", code: codes.NotFound, message: queueMissing, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: none, Policy: &iampb.Policy{}})
			return err
		}},
		{name: "1.3/malformed parent", code: codes.InvalidArgument, message: malformed, onlyGRPC: true, call: func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.CreateQueue(ctx, &cloudtaskspb.CreateQueueRequest{Parent: "not-a-valid-parent", Queue: &cloudtaskspb.Queue{Name: newName}})
			return err
		}},
	}
	for method, call := range map[string]func(ctx context.Context, c *cloudtasks.Client, name string) error{
		"GetQueue": func(ctx context.Context, c *cloudtasks.Client, name string) error {
			_, err := c.GetQueue(ctx, &cloudtaskspb.GetQueueRequest{Name: name})
			return err
		},
		"DeleteQueue": func(ctx context.Context, c *cloudtasks.Client, name string) error {
			return c.DeleteQueue(ctx, &cloudtaskspb.DeleteQueueRequest{Name: name})
		},
		"PauseQueue": func(ctx context.Context, c *cloudtasks.Client, name string) error {
			_, err := c.PauseQueue(ctx, &cloudtaskspb.PauseQueueRequest{Name: name})
			return err
		},
		"ResumeQueue": func(ctx context.Context, c *cloudtasks.Client, name string) error {
			_, err := c.ResumeQueue(ctx, &cloudtaskspb.ResumeQueueRequest{Name: name})
			return err
		},
		"PurgeQueue": func(ctx context.Context, c *cloudtasks.Client, name string) error {
			_, err := c.PurgeQueue(ctx, &cloudtaskspb.PurgeQueueRequest{Name: name})
			return err
		},
		"GetIamPolicy": func(ctx context.Context, c *cloudtasks.Client, name string) error {
			_, err := c.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: name})
			return err
		},
		"SetIamPolicy": func(ctx context.Context, c *cloudtasks.Client, name string) error {
			_, err := c.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: name})
			return err
		},
		"TestIamPermissions": func(ctx context.Context, c *cloudtasks.Client, name string) error {
			_, err := c.TestIamPermissions(ctx, &iampb.TestIamPermissionsRequest{Resource: name})
			return err
		},
		"BatchDeleteTasks": func(ctx context.Context, c *cloudtasks.Client, name string) error {
			_, err := c.BatchDeleteTasks(ctx, &cloudtaskspb.BatchDeleteTasksRequest{Parent: name, Names: []string{"x"}})
			return err
		},
	} {
		all = append(all, refusal{name: "1.10/" + method + " of a malformed name", code: codes.InvalidArgument, message: malformed,
			call: func(ctx context.Context, c *cloudtasks.Client) error { return call(ctx, c, locationName+"/queues/a_b") }})
	}
	for method, call := range map[string]func(ctx context.Context, c *cloudtasks.Client) error{
		"GetTask": func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.GetTask(ctx, &cloudtaskspb.GetTaskRequest{Name: "t"})
			return err
		},
		"DeleteTask": func(ctx context.Context, c *cloudtasks.Client) error {
			return c.DeleteTask(ctx, &cloudtaskspb.DeleteTaskRequest{Name: "t"})
		},
		"RunTask": func(ctx context.Context, c *cloudtasks.Client) error {
			_, err := c.RunTask(ctx, &cloudtaskspb.RunTaskRequest{Name: "t"})
			return err
		},
	} {
		all = append(all, refusal{name: "1.10/" + method + " of a malformed name", code: codes.InvalidArgument, message: malformedTask, onlyGRPC: true, call: call})
	}
	return all
}

func queueNameHelp() *errdetails.Help_Link {
	return &errdetails.Help_Link{
		Description: "Definition of queue name",
		Url:         "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues#Queue.FIELDS.name",
	}
}

func updateQueue(mask string) func(context.Context, *cloudtasks.Client) error {
	return func(ctx context.Context, c *cloudtasks.Client) error {
		_, err := c.UpdateQueue(ctx, &cloudtaskspb.UpdateQueueRequest{Queue: &cloudtaskspb.Queue{Name: queueName}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{mask}}})
		return err
	}
}

// batch is a batch of one creation that would be good without the change.
func batch(change func(*cloudtaskspb.BatchCreateTasksRequest)) func(context.Context, *cloudtasks.Client) error {
	return func(ctx context.Context, c *cloudtasks.Client) error {
		req := batchRequest("", "a")
		change(req)
		_, err := c.BatchCreateTasks(ctx, req)
		return err
	}
}
