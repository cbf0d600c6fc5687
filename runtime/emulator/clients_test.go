package emulator_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"github.com/google/go-cmp/cmp"
	"github.com/googleapis/gax-go/v2/apierror"
	discovery "google.golang.org/api/cloudtasks/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/genproto/googleapis/cloud/location"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// restClient is the official client, over REST.
func (e *emulated) restClient(t *testing.T) *cloudtasks.Client {
	t.Helper()
	client, err := cloudtasks.NewRESTClient(t.Context(), option.WithEndpoint("http://"+e.addr), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// discoveryClient is the client that Google generates from the discovery document.
func (e *emulated) discoveryClient(t *testing.T) *discovery.Service {
	t.Helper()
	service, err := discovery.NewService(t.Context(), option.WithEndpoint("http://"+e.addr+"/"), option.WithoutAuthentication(), option.WithHTTPClient(http.DefaultClient))
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// Every method of the official client answers over REST what it answers over gRPC.
func testOfficialClientOverREST(t *testing.T) {
	url := serveHTTP(t, func(http.ResponseWriter, *http.Request) {})
	run := func(client *cloudtasks.Client) []string {
		var answers []string
		note := func(call string, answer proto.Message, err error) {
			t.Helper()
			text := "OK"
			if failure, ok := errors.AsType[*apierror.APIError](err); ok {
				text = fmt.Sprintf("%v %q, %v", status.Code(err), status.Convert(err).Message(), failure.Details())
			} else if err != nil {
				t.Errorf("%s: %v", call, err)
			} else if answer != nil {
				raw, err := protojson.Marshal(answer)
				if err != nil {
					t.Fatal(err)
				}
				var compact bytes.Buffer
				if err := json.Compact(&compact, raw); err != nil {
					t.Fatal(err)
				}
				text = compact.String()
			}
			answers = append(answers, call+": "+text)
		}
		ctx := t.Context()
		const name = locationName + "/queues/new"
		q, err := client.CreateQueue(ctx, &cloudtaskspb.CreateQueueRequest{Parent: locationName, Queue: &cloudtaskspb.Queue{Name: name, HttpTarget: &cloudtaskspb.HttpTarget{
			UriOverride: &cloudtaskspb.UriOverride{Host: new("h"), Port: new(int64(5))},
		}}})
		note("CreateQueue", q, err)
		q, err = client.CreateQueue(ctx, &cloudtaskspb.CreateQueueRequest{Parent: locationName, Queue: &cloudtaskspb.Queue{Name: "x"}})
		note("CreateQueue of a malformed name", q, err)
		q, err = client.UpdateQueue(ctx, &cloudtaskspb.UpdateQueueRequest{
			Queue:      &cloudtaskspb.Queue{Name: name, RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: 1.5}},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"rate_limits.max_dispatches_per_second", "http_target.uri_override.port"}},
		})
		note("UpdateQueue", q, err)
		for listed, err := range client.ListQueues(ctx, &cloudtaskspb.ListQueuesRequest{Parent: locationName, Filter: "state: RUNNING", PageSize: 1}).All() {
			note("ListQueues", listed, err)
		}
		q, err = client.PauseQueue(ctx, &cloudtaskspb.PauseQueueRequest{Name: name})
		note("PauseQueue", q, err)
		q, err = client.ResumeQueue(ctx, &cloudtaskspb.ResumeQueueRequest{Name: name})
		note("ResumeQueue", q, err)
		q, err = client.PurgeQueue(ctx, &cloudtaskspb.PurgeQueueRequest{Name: name})
		note("PurgeQueue", q, err)
		q, err = client.GetQueue(ctx, &cloudtaskspb.GetQueueRequest{Name: name})
		note("GetQueue", q, err)

		task, err := client.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{Parent: name, Task: &cloudtaskspb.Task{
			Name: name + "/tasks/t", MessageType: httpTask(url+"/<&>", "\x00\xff").GetMessageType(),
		}, ResponseView: cloudtaskspb.Task_FULL})
		note("CreateTask", task, err)
		task, err = client.GetTask(ctx, &cloudtaskspb.GetTaskRequest{Name: name + "/tasks/t", ResponseView: cloudtaskspb.Task_FULL})
		note("GetTask", task, err)
		for listed, err := range client.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{Parent: name, ResponseView: cloudtaskspb.Task_BASIC}).All() {
			note("ListTasks", listed, err)
		}
		task, err = client.RunTask(ctx, &cloudtaskspb.RunTaskRequest{Name: name + "/tasks/t", ResponseView: cloudtaskspb.Task_FULL})
		note("RunTask", task, err)
		task, err = client.GetTask(ctx, &cloudtaskspb.GetTaskRequest{Name: name + "/tasks/t"})
		note("GetTask of a task that ran", task, err)
		note("DeleteTask", nil, client.DeleteTask(ctx, &cloudtaskspb.DeleteTaskRequest{Name: name + "/tasks/t"}))
		create, err := client.BatchCreateTasks(ctx, &cloudtaskspb.BatchCreateTasksRequest{Parent: name, RequestId: "r", Requests: []*cloudtaskspb.CreateTaskRequest{
			{Parent: name, Task: &cloudtaskspb.Task{Name: name + "/tasks/b", MessageType: httpTask("http://h/", "").GetMessageType()}},
			{Parent: name, Task: &cloudtaskspb.Task{Name: name + "/tasks/b", MessageType: httpTask("http://h/", "").GetMessageType()}},
		}})
		note("BatchCreateTasks", nil, err)
		created, err := create.Wait(ctx)
		note("its response", created, err)
		meta, err := create.Metadata()
		note("its metadata", meta, err)
		remove, err := client.BatchDeleteTasks(ctx, &cloudtaskspb.BatchDeleteTasksRequest{Parent: name, RequestId: "s", Names: []string{name + "/tasks/never"}})
		note("BatchDeleteTasks", nil, err)
		note("its failure", nil, remove.Wait(ctx))
		op, err := client.GetOperation(ctx, &longrunningpb.GetOperationRequest{Name: create.Name()})
		note("GetOperation", op, err)
		config, err := client.UpdateCmekConfig(ctx, &cloudtaskspb.UpdateCmekConfigRequest{CmekConfig: &cloudtaskspb.CmekConfig{
			Name: locationName + "/cmekConfig", KmsKey: locationName + "/keyRings/r/cryptoKeys/k",
		}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"kms_key"}}})
		note("UpdateCmekConfig", config, err)
		config, err = client.GetCmekConfig(ctx, &cloudtaskspb.GetCmekConfigRequest{Name: locationName + "/cmekConfig"})
		note("GetCmekConfig", config, err)
		policy, err := client.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: name, Policy: &iampb.Policy{Bindings: []*iampb.Binding{{Role: "r", Members: []string{"m"}}}}})
		if policy != nil {
			policy.Etag = nil // made up
		}
		note("SetIamPolicy", policy, err)
		policy, err = client.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{Resource: name, Options: &iampb.GetPolicyOptions{RequestedPolicyVersion: 3}})
		if policy != nil {
			policy.Etag = nil
		}
		note("GetIamPolicy", policy, err)
		granted, err := client.TestIamPermissions(ctx, &iampb.TestIamPermissionsRequest{Resource: name, Permissions: []string{"a", "b"}})
		note("TestIamPermissions", granted, err)
		place, err := client.GetLocation(ctx, &location.GetLocationRequest{Name: locationName})
		note("GetLocation", place, err)
		for place, err := range client.ListLocations(ctx, &location.ListLocationsRequest{Name: "projects/p"}).All() {
			note("ListLocations", place, err)
		}
		note("DeleteQueue", nil, client.DeleteQueue(ctx, &cloudtaskspb.DeleteQueueRequest{Name: name}))
		q, err = client.GetQueue(ctx, &cloudtaskspb.GetQueueRequest{Name: name})
		note("GetQueue of a deleted queue", q, err)
		return answers
	}
	overGRPC, overREST := fresh(t, setup{}), fresh(t, setup{})
	want, got := run(overGRPC.client), run(overREST.restClient(t))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("over gRPC (-), over REST (+):\n%s", diff)
	}
	if len(want) < 30 {
		t.Errorf("only %d answers", len(want))
	}
}

func testDiscoveryClient(t *testing.T) {
	e := fresh(t, setup{})
	locations := e.discoveryClient(t).Projects.Locations
	queue, err := locations.Queues.Create(locationName, &discovery.Queue{
		Name: locationName + "/queues/new", RetryConfig: &discovery.RetryConfig{MinBackoff: "3.5s", MaxAttempts: -1},
		HttpTarget: &discovery.HttpTarget{UriOverride: &discovery.UriOverride{Host: "worker.example", Port: 8080, Scheme: "HTTP"}},
	}).Context(t.Context()).Do()
	if err != nil || queue.RetryConfig.MinBackoff != "3.500s" || queue.State != "RUNNING" || queue.HttpTarget.UriOverride.Port != 8080 {
		t.Fatalf("Create: %+v, %v", queue, err)
	}
	patched, err := locations.Queues.Patch(queue.Name, &discovery.Queue{RetryConfig: &discovery.RetryConfig{MaxAttempts: 5}}).UpdateMask("retryConfig.maxAttempts").Do()
	if err != nil || patched.RetryConfig.MaxAttempts != 5 || patched.RetryConfig.MinBackoff != "3.500s" {
		t.Errorf("Patch: %+v, %v", patched, err)
	}
	paused, err := locations.Queues.Pause(queue.Name, &discovery.PauseQueueRequest{}).Do()
	if err != nil || paused.State != "PAUSED" {
		t.Errorf("Pause: %+v, %v", paused, err)
	}
	listed, err := locations.Queues.List(locationName).Filter("state: PAUSED").Do()
	if err != nil || len(listed.Queues) != 1 || listed.Queues[0].Name != queue.Name {
		t.Errorf("List: %+v, %v", listed, err)
	}
	task, err := locations.Queues.Tasks.Create(queue.Name, &discovery.CreateTaskRequest{ResponseView: "FULL", Task: &discovery.Task{
		Name: queue.Name + "/tasks/t", DispatchDeadline: "20s", AppEngineHttpRequest: &discovery.AppEngineHttpRequest{RelativeUri: "/x", Body: "aGk="},
	}}).Do()
	if err != nil || task.AppEngineHttpRequest.Body != "aGk=" || task.AppEngineHttpRequest.AppEngineRouting.Host != "p.appspot.com" || task.View != "FULL" || task.DispatchDeadline != "20s" {
		t.Fatalf("Create: %+v, %v", task, err)
	}
	got, err := locations.Queues.Tasks.Get(task.Name).ResponseView("BASIC").Do()
	if err != nil || got.View != "BASIC" || got.AppEngineHttpRequest.Body != "" {
		t.Errorf("Get: %+v, %v", got, err)
	}
	buffered, err := locations.Queues.Tasks.Buffer(queue.Name, "b", &discovery.BufferTaskRequest{Body: &discovery.HttpBody{ContentType: "text/plain", Data: "aGk="}}).Do()
	if err != nil || buffered.Task.Name != queue.Name+"/tasks/b" || buffered.Task.HttpRequest.Url != "http://worker.example:8080" || buffered.Task.HttpRequest.Headers["Content-Type"] != "text/plain" {
		t.Errorf("Buffer: %+v, %v", buffered, err)
	}
	op, err := locations.Queues.Tasks.BatchDelete(queue.Name, &discovery.BatchDeleteTasksRequest{Names: []string{task.Name}}).Do()
	if err != nil || !op.Done {
		t.Fatalf("BatchDelete: %+v, %v", op, err)
	}
	if again, err := locations.Operations.Get(op.Name).Do(); err != nil || again.Name != op.Name || !again.Done {
		t.Errorf("operation: %+v, %v", again, err)
	}
	if all, err := locations.List("projects/p").Do(); err != nil || len(all.Locations) == 0 {
		t.Errorf("locations: %+v, %v", all, err)
	}
	_, err = locations.Queues.Tasks.Get(task.Name).Do()
	var failure *googleapi.Error
	if !errors.As(err, &failure) || failure.Code != 404 || failure.Message != taskGone {
		t.Errorf("a deleted task: %v", err)
	}
	if _, err := locations.Queues.Delete(queue.Name).Do(); err != nil {
		t.Error(err)
	}
	if _, err := e.client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: queue.Name}); status.Code(err) != codes.NotFound {
		t.Errorf("a deleted queue: %v", err)
	}
}

// The requests are those of Terraform's provider for Google Cloud, whose resources google_cloud_tasks_queue and
// google_cloud_tasks_queue_iam_binding make no others.
func testTerraform(t *testing.T) {
	e := fresh(t, setup{})
	const queue = locationPath + "/queues/new"
	header := map[string]string{"Authorization": "Bearer x", "Content-Type": "application/json", "X-Goog-User-Project": "p"}
	state := func(change ...string) string {
		return strings.NewReplacer(change...).Replace(`{"name": "projects/p/locations/l/queues/new", "state": "RUNNING",
			"rateLimits": {"maxDispatchesPerSecond": 2, "maxBurstSize": 10, "maxConcurrentDispatches": 3},
			"retryConfig": {"maxAttempts": 5, "maxRetryDuration": "4s", "minBackoff": "2s", "maxBackoff": "3s", "maxDoublings": 1},
			"stackdriverLoggingConfig": {"samplingRatio": 0.9},
			"httpTarget": {"httpMethod": "POST", "uriOverride": {"scheme": "HTTPS", "host": "oidc.example.com", "port": "8443", "pathOverride": {"path": "/users/1234"},
				"queryOverride": {"queryParams": "qparam1=123"}, "uriOverrideEnforceMode": "IF_NOT_EXISTS"},
				"headerOverrides": [{"header": {"key": "AddSomethingElse", "value": "MyOtherValue"}}], "oidcToken": {"serviceAccountEmail": "a@b.example", "audience": "https://oidc.example.com"}}}`)
	}
	limited := []string{`"maxDispatchesPerSecond": 2`, `"maxDispatchesPerSecond": 7`, `"maxConcurrentDispatches": 3`, `"maxConcurrentDispatches": 1000`,
		`"retryConfig": {"maxAttempts": 5, "maxRetryDuration": "4s", "minBackoff": "2s", "maxBackoff": "3s", "maxDoublings": 1}`,
		`"retryConfig": {"maxAttempts": 100, "minBackoff": "0.100s", "maxBackoff": "3600s", "maxDoublings": 16}`, `"samplingRatio": 0.9`, ``}
	for _, x := range []exchange{
		{name: "plan", path: queue + "?alt=json", status: 404, message: queueMissing},
		{name: "create", path: locationPath + "/queues?alt=json", status: 200, want: state(),
			body: strings.Replace(state(`"state": "RUNNING",`, "", `"maxBurstSize": 10,`, ""), `"port": "8443"`, `"port": 8443`, 1)},
		{name: "create again", path: locationPath + "/queues?alt=json", body: `{"name": "projects/p/locations/l/queues/new"}`, status: 409, message: "Queue already exists"},
		{name: "desired_state", method: "POST", path: queue + ":pause?alt=json", status: 200, want: state("RUNNING", "PAUSED")},
		{name: "refresh", path: queue + "?alt=json", status: 200, want: state("RUNNING", "PAUSED")},
		{name: "update", method: "PATCH", path: queue + "?alt=json&updateMask=rateLimits%2CretryConfig%2CstackdriverLoggingConfig",
			body: `{"rateLimits": {"maxDispatchesPerSecond": 7}, "retryConfig": null}`, status: 200, want: state(append(limited, "RUNNING", "PAUSED", `"stackdriverLoggingConfig": {"samplingRatio": 0.9},`, "")...)},
		{name: "desired_state again", method: "POST", path: queue + ":resume?alt=json", status: 200, want: state(append(limited, `"stackdriverLoggingConfig": {"samplingRatio": 0.9},`, "")...)},
		{name: "policy", method: "POST", path: queue + ":getIamPolicy?alt=json", status: 200, want: `{}`},
		{name: "destroy", method: "DELETE", path: queue + "?alt=json", status: 200, want: `{}`},
		{name: "destroyed", path: queue + "?alt=json", status: 404, message: queueMissing},
	} {
		x.header = header
		x.check(t, e.addr)
	}
}
