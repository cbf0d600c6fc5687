package emulator_test

import (
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

func (e *emulated) setTarget(t *testing.T, target *cloudtaskspb.HttpTarget) {
	t.Helper()
	if _, err := e.client.UpdateQueue(t.Context(), &cloudtaskspb.UpdateQueueRequest{
		Queue:      &cloudtaskspb.Queue{Name: queueName, HttpTarget: target},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"http_target"}},
	}); err != nil {
		t.Fatal(err)
	}
}

func testBufferTask(t *testing.T) {
	e := fresh(t, setup{})
	e.setTarget(t, &cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{
		Host: new("worker.example"), PathOverride: &cloudtaskspb.PathOverride{Path: "/in"}, QueryOverride: &cloudtaskspb.QueryOverride{QueryParams: "a=b"},
	}})
	answer := func(id, method, headers, body string) string {
		return `{"task": {"name": "` + queueName + `/tasks/` + id + `", "httpRequest": {"url": "https://worker.example/in?a=b", "httpMethod": "` + method + `", "headers": {` + headers + `"User-Agent": "Google-Cloud-Tasks"}},
			"createTime": "2026-11-23T09:30:15Z", "scheduleTime": "2026-11-23T09:30:15.987654Z", "dispatchDeadline": "600s", "view": "BASIC"}}`
	}
	plain := map[string]string{"Content-Type": "text/plain"}
	for _, x := range []struct {
		exchange
		body string // of the task
	}{
		{exchange{name: "any body", path: queuePath + "/tasks/raw:buffer", header: plain, body: "hello", status: 200, want: answer("raw", "POST", `"Content-Type": "text/plain", `, "hello")}, "hello"},
		{exchange{name: "JSON", path: queuePath + "/tasks/json:buffer", body: `{"message": "hello"}`, status: 200, want: answer("json", "POST", "", "")}, `{"message": "hello"}`},
		{exchange{name: "as the discovery document has it", path: queuePath + "/tasks/wrapped:buffer", body: `{"body": {"contentType": "a/b", "data": "aGk="}}`, status: 200,
			want: answer("wrapped", "POST", `"Content-Type": "a/b", `, "hi")}, "hi"},
		{exchange{name: "nothing", method: "POST", path: queuePath + "/tasks/empty:buffer", status: 200, want: answer("empty", "POST", "", "")}, ""},
		{exchange{name: "GET", path: queuePath + "/tasks/get:buffer", status: 200, want: answer("get", "GET", "", "")}, ""},
		{exchange{name: "a name that is taken", path: queuePath + "/tasks/get:buffer", status: 409, message: "Requested entity already exists"}, ""},
	} {
		x.check(t, e.addr)
		if x.status != 200 {
			continue
		}
		id := x.path[len(queuePath+"/tasks/") : len(x.path)-len(":buffer")]
		stored, err := e.client.GetTask(t.Context(), &cloudtaskspb.GetTaskRequest{Name: named(id).GetName(), ResponseView: cloudtaskspb.Task_FULL})
		if err != nil || string(stored.GetHttpRequest().GetBody()) != x.body {
			t.Errorf("%s: body %q, %v, want %q", x.name, stored.GetHttpRequest().GetBody(), err, x.body)
		}
	}
	for _, path := range []string{"/tasks:buffer", "/tasks/:buffer"} {
		exchange{name: "without an id", path: queuePath + path + "?fields=task/httpRequest/url", body: "x", status: 200,
			want: `{"task": {"httpRequest": {"url": "https://worker.example/in?a=b"}}}`}.check(t, e.addr)
	}
}

func testBufferTaskRefusals(t *testing.T) {
	e := fresh(t, setup{})
	none := exchange{path: queuePath + "/tasks:buffer", body: "x", status: 400, message: "BufferTask needs a queue with an HTTP target: set http_target.uri_override.host of the queue."}
	none.check(t, e.addr)
	e.setTarget(t, &cloudtaskspb.HttpTarget{HttpMethod: cloudtaskspb.HttpMethod_PUT})
	none.check(t, e.addr)
	e.setTarget(t, &cloudtaskspb.HttpTarget{UriOverride: &cloudtaskspb.UriOverride{Host: new("h")}})
	for _, x := range []exchange{
		{name: "missing queue", path: locationPath + "/queues/none/tasks:buffer", body: "x", status: 404, message: queueMissing},
		{name: "malformed id", path: queuePath + "/tasks/a.b:buffer", body: "x", status: 400,
			message: `Task ID "a.b" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). Task ID must between 1 and 500 characters.`},
		{name: "a type that is not UTF-8", path: queuePath + "/tasks:buffer", header: map[string]string{"Content-Type": "a/\xff"}, body: "x", status: 400,
			message: "The request's Content-Type is not UTF-8, which a task's headers must be."},
		{name: "another origin", method: "GET", path: queuePath + "/tasks:buffer", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: 403,
			message: "refused: a web page of another site made the request: cross-origin request detected from Sec-Fetch-Site header"},
	} {
		x.check(t, e.addr)
	}
}
