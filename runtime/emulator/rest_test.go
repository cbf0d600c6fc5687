package emulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// exchange is a request over REST and what it is answered.
type exchange struct {
	name    string
	method  string // "" is POST with a body and GET without
	path    string // after the host; "Q" begins it with queueName's path, "L" with the location's
	header  map[string]string
	body    string
	status  int
	want    string // JSON of the answer, in any layout; "" is an empty answer
	message string // in place of want: the message of the error
}

const (
	locationPath = "/v2/" + locationName
	queuePath    = "/v2/" + queueName
)

// do makes the exchange's request.
func (x exchange) do(t *testing.T, addr string) (*http.Response, string) {
	t.Helper()
	method := x.method
	if method == "" {
		method = http.MethodGet
		if x.body != "" {
			method = http.MethodPost
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+x.path, strings.NewReader(x.body))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range x.header {
		req.Header.Set(key, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// check makes the exchange and compares the answer.
func (x exchange) check(t *testing.T, addr string) {
	t.Helper()
	resp, body := x.do(t, addr)
	if resp.StatusCode != x.status {
		t.Errorf("%s %s, want %d:\n%s", x.path, resp.Status, x.status, body)
		return
	}
	if x.want == "" && x.message == "" {
		if body != "" {
			t.Errorf("%s answered %q, want nothing", x.path, body)
		}
		return
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json; charset=UTF-8" {
		t.Errorf("Content-Type %q", got)
	}
	var got any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Errorf("answered %q: %v", body, err)
		return
	}
	if x.message != "" {
		failure, _ := got.(map[string]any)["error"].(map[string]any)
		if failure["message"] != x.message || failure["code"] != float64(x.status) {
			t.Errorf("answered %s\nwant %d %q", body, x.status, x.message)
		}
		return
	}
	var want any
	if err := json.Unmarshal([]byte(x.want), &want); err != nil {
		t.Fatalf("%q: %v", x.want, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", x.path, diff)
	}
}

// The clock of REST's tests stands here.
func restClock() time.Time { return time.Date(2026, 11, 23, 9, 30, 15, 987654321, time.UTC) }

const (
	taskT1 = `{"name": "` + queueName + `/tasks/t1", "httpRequest": {"url": "http://h/", "httpMethod": "POST",
		"headers": {"User-Agent": "Google-Cloud-Tasks", "a": "<b>&"}},
		"createTime": "2026-11-23T09:30:15Z", "scheduleTime": "2026-11-23T09:30:18.500Z", "dispatchDeadline": "20s", "view": "BASIC"}`
	createT1 = `{"task": {"name": "` + queueName + `/tasks/t1", "httpRequest": {"url": "http://h/", "headers": {"a": "<b>&"}, "body": "aGk="},
		"scheduleTime": "2026-11-23T09:30:18.5Z", "dispatchDeadline": "20.000s"}}`
)

// The exchanges of one table share a service, in their order.
func testREST(t *testing.T) {
	e := fresh(t, setup{})
	const limits = `"rateLimits": {"maxDispatchesPerSecond": 0.5, "maxBurstSize": 10, "maxConcurrentDispatches": 7}`
	const retry = `"retryConfig": {"maxAttempts": 100, "minBackoff": "3.500s", "maxBackoff": "3600s", "maxDoublings": 16}`
	const queueN = `{"name": "` + locationName + `/queues/n", ` + limits + `, ` + retry + `, "state": "RUNNING"}`
	paused := strings.Replace(queueN, "RUNNING", "PAUSED", 1)
	for _, x := range []exchange{
		{name: "create a queue", path: locationPath + "/queues", status: 200, want: queueN,
			body: `{"name": "` + locationName + `/queues/n", "rateLimits": {"maxDispatchesPerSecond": 0.5, "max_concurrent_dispatches": "7"}, "retry_config": {"minBackoff": "3.5s"}}`},
		{name: "pause", path: locationPath + "/queues/n:pause", body: `{}`, status: 200, want: paused},
		{name: "resume without a body", method: "POST", path: locationPath + "/queues/n:resume", status: 200, want: queueN},
		{name: "purge", path: locationPath + "/queues/n:purge", body: ` {} `, status: 200,
			want: strings.Replace(queueN, `"state"`, `"purgeTime": "2026-11-23T09:30:15.987654Z", "state"`, 1)},
		{name: "get", path: locationPath + "/queues/n?fields=name,rateLimits(maxBurstSize)", status: 200,
			want: `{"name": "` + locationName + `/queues/n", "rateLimits": {"maxBurstSize": 10}}`},
		{name: "fields by path", path: locationPath + "/queues?pageSize=1&fields=queues/name,queues/retryConfig/maxAttempts", status: 200,
			want: `{"queues": [{"name": "` + locationName + `/queues/n", "retryConfig": {"maxAttempts": 100}}]}`},
		{name: "fields by path with dots", path: locationPath + "/queues?pageSize=1&fields=queues.name,queues.retryConfig.maxAttempts", status: 200,
			want: `{"queues": [{"name": "` + locationName + `/queues/n", "retryConfig": {"maxAttempts": 100}}]}`},
		{name: "fields in snake case", path: locationPath + "/queues?pageSize=1&fields=queues(name,rate_limits.max_burst_size)", status: 200,
			want: `{"queues": [{"name": "` + locationName + `/queues/n", "rateLimits": {"maxBurstSize": 10}}]}`},
		{name: "every field", path: locationPath + "/queues/n?fields=*", status: 200, want: strings.Replace(queueN, `"state"`, `"purgeTime": "2026-11-23T09:30:15.987654Z", "state"`, 1)},
		{name: "a field of every message", path: locationPath + "/queues/n?$fields=name,*/maxBurstSize", status: 200,
			want: `{"name": "` + locationName + `/queues/n", "rateLimits": {"maxBurstSize": 10}, "retryConfig": {}}`},
		{name: "mask in camel case", method: "PATCH", path: locationPath + "/queues/n?updateMask=rateLimits.maxConcurrentDispatches,retryConfig.maxAttempts&fields=rateLimits,retryConfig.maxRetryDuration",
			body: `{"rateLimits": {"maxConcurrentDispatches": 8, "maxDispatchesPerSecond": 9}, "retryConfig": {"maxAttempts": 3}}`, status: 200,
			want: `{"rateLimits": {"maxDispatchesPerSecond": 0.5, "maxBurstSize": 10, "maxConcurrentDispatches": 8}, "retryConfig": {}}`},
		{name: "mask in snake case", method: "PATCH", path: locationPath + "/queues/n?update_mask=rate_limits&fields=rateLimits",
			body: `{"rateLimits": {"maxDispatchesPerSecond": 1}}`, status: 200,
			want: `{"rateLimits": {"maxDispatchesPerSecond": 1, "maxBurstSize": 10, "maxConcurrentDispatches": 1000}}`},
		{name: "patch by override", method: "POST", header: map[string]string{"X-HTTP-Method-Override": "PATCH"}, path: locationPath + "/queues/n?updateMask=retryConfig.maxAttempts&fields=retryConfig(maxAttempts)",
			body: `{"retryConfig": {"maxAttempts": -1}}`, status: 200, want: `{"retryConfig": {"maxAttempts": -1}}`},
		{name: "delete a queue", method: "DELETE", path: locationPath + "/queues/n", status: 200, want: `{}`},
		{name: "deleted", path: locationPath + "/queues/n", status: 404, message: queueMissing},

		{name: "create a task", path: queuePath + "/tasks", body: createT1, status: 200, want: taskT1},
		{name: "get it", path: queuePath + "/tasks/t1", status: 200, want: taskT1},
		{name: "get it by encoded name", path: strings.ReplaceAll(queuePath, "l/queues", "%6C/queues") + "/tasks/%74%31?$alt=json&key=k&prettyPrint=false", status: 200, want: taskT1},
		{name: "full view by name", path: queuePath + "/tasks/t1?responseView=FULL&fields=view,httpRequest(body)", status: 200, want: `{"view": "FULL", "httpRequest": {"body": "aGk="}}`},
		{name: "full view by number", path: queuePath + "/tasks/t1?response_view=2&fields=view", status: 200, want: `{"view": "FULL"}`},
		{name: "enums by number", path: queuePath + "/tasks/t1?$alt=json;enum-encoding=int&fields=view,httpRequest/httpMethod", status: 200, want: `{"view": 1, "httpRequest": {"httpMethod": 1}}`},
		{name: "names of tasks", path: queuePath + "/tasks?fields=tasks.name", status: 200, want: `{"tasks": [{"name": "` + queueName + `/tasks/t1"}]}`},
		{name: "names and times of tasks", path: queuePath + "/tasks?fields=tasks(name,createTime)", status: 200,
			want: `{"tasks": [{"name": "` + queueName + `/tasks/t1", "createTime": "2026-11-23T09:30:15Z"}]}`},
		{name: "one header", path: queuePath + "/tasks/t1?fields=httpRequest.headers.User-Agent", status: 200, want: `{"httpRequest": {"headers": {"User-Agent": "Google-Cloud-Tasks"}}}`},
		{name: "list", path: queuePath + "/tasks?pageSize=10&responseView=BASIC", status: 200, want: `{"tasks": [` + taskT1 + `]}`},
		{name: "delete a task", method: "DELETE", path: queuePath + "/tasks/t1", status: 200, want: `{}`},
		{name: "delete it again, with an empty body", method: "DELETE", path: queuePath + "/tasks/t1", body: "{}", status: 404, message: notFound},
		{name: "taken", path: queuePath + "/tasks", body: createT1, status: 409,
			want: `{"error": {"code": 409, "message": "Requested entity already exists", "status": "ALREADY_EXISTS"}}`},
		{name: "run what is not there", path: queuePath + "/tasks/t1:run", body: `{"responseView": "FULL"}`, status: 404, message: notFound},

		{name: "locations", path: "/v2/projects/p/locations?fields=locations/locationId", status: 200,
			want: `{"locations": [{"locationId": "asia-northeast1"}, {"locationId": "europe-west1"}, {"locationId": "us-central1"}, {"locationId": "us-east1"}]}`},
		{name: "location", path: locationPath, status: 200, want: `{"name": "` + locationName + `", "locationId": "l"}`},
		{name: "no key", path: locationPath + "/cmekConfig", status: 200, want: `{"name": "` + locationName + `/cmekConfig"}`},
		{name: "set a key", method: "PATCH", path: locationPath + "/cmekConfig?updateMask=kmsKey", body: `{"kmsKey": "` + locationName + `/keyRings/r/cryptoKeys/k"}`, status: 200,
			want: `{"name": "` + locationName + `/cmekConfig", "kmsKey": "` + locationName + `/keyRings/r/cryptoKeys/k"}`},
		{name: "key", path: locationPath + "/cmekConfig", status: 200, want: `{"name": "` + locationName + `/cmekConfig", "kmsKey": "` + locationName + `/keyRings/r/cryptoKeys/k"}`},
		{name: "policy", path: queuePath + ":getIamPolicy", body: `{"options": {"requestedPolicyVersion": 3}}`, status: 200, want: `{}`},
		{name: "set a policy", path: queuePath + ":setIamPolicy?fields=bindings", body: `{"policy": {"bindings": [{"role": "roles/r", "members": ["user:a@b"]}]}}`, status: 200,
			want: `{"bindings": [{"role": "roles/r", "members": ["user:a@b"]}]}`},
		{name: "permissions", path: queuePath + ":testIamPermissions", body: `{"permissions": ["a"]}`, status: 200, want: `{"permissions": ["a"]}`},
		{name: "batch", path: queuePath + "/tasks:batchCreate?fields=name,done,response(@type,tasks/name)", status: 200,
			body: `{"requestId": "r1", "requests": [{"parent": "` + queueName + `", "task": {"name": "` + queueName + `/tasks/b1", "httpRequest": {"url": "http://h/"}}}]}`,
			want: `{"name": "` + locationName + `/operations/r1", "done": true, "response": {"@type": "type.googleapis.com/google.cloud.tasks.v2.BatchCreateTasksResponse", "tasks": [{"name": "` + queueName + `/tasks/b1"}]}}`},
		{name: "batch of deletions", path: queuePath + "/tasks:batchDelete?fields=done,metadata(state),response", body: `{"requestId": "r/2", "names": ["` + queueName + `/tasks/b1"]}`, status: 200,
			want: `{"done": true, "metadata": {"state": "SUCCEEDED"}, "response": {"@type": "type.googleapis.com/google.protobuf.Empty"}}`},
		{name: "operation", path: locationPath + "/operations/r1?fields=done", status: 200, want: `{"done": true}`},
		{name: "operation with a slash in its id", path: locationPath + "/operations/r/2?fields=done", status: 200, want: `{"done": true}`},
	} {
		t.Run(x.name, func(t *testing.T) { x.check(t, e.addr) })
	}
}

func testRESTRefusals(t *testing.T) {
	e := fresh(t, setup{})
	tasks := queuePath + "/tasks"
	noURL := func(method, path string) string {
		return "The requested URL " + path + " was not found on this server for method " + method + "."
	}
	for _, x := range []exchange{
		{name: "help is a detail", path: locationPath + "/queues", body: `{"name": "q"}`, status: 400, want: `{"error": {"code": 400,
			"message": "Queue name must be formatted: \"projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>\".", "status": "INVALID_ARGUMENT",
			"details": [{"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": "Definition of queue name",
				"url": "https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues#Queue.FIELDS.name"}]}]}}`},
		{name: "unknown names", path: tasks, body: `{"x": 1, "task": {"httpRequest": {"uri": "", "Url": ""}}}`, status: 400, want: `{"error": {"code": 400, "status": "INVALID_ARGUMENT",
			"message": "Invalid JSON payload received. Unknown name \"Url\" at 'task.http_request': Cannot find field.\nInvalid JSON payload received. Unknown name \"uri\" at 'task.http_request': Cannot find field.\nInvalid JSON payload received. Unknown name \"x\": Cannot find field.",
			"details": [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [
				{"field": "task.http_request", "description": "Invalid JSON payload received. Unknown name \"Url\" at 'task.http_request': Cannot find field."},
				{"field": "task.http_request", "description": "Invalid JSON payload received. Unknown name \"uri\" at 'task.http_request': Cannot find field."},
				{"description": "Invalid JSON payload received. Unknown name \"x\": Cannot find field."}]}]}}`},
		{name: "unknown name in a body that is a field", path: locationPath + "/queues", body: `{"rateLimits": {"rps": 1}}`, status: 400,
			message: `Invalid JSON payload received. Unknown name "rps" at 'queue.rate_limits': Cannot find field.`},
		{name: "unknown name in a list", path: tasks + ":batchCreate", body: `{"requests": [{}, {"a": 1}]}`, status: 400,
			message: `Invalid JSON payload received. Unknown name "a" at 'requests[1]': Cannot find field.`},
		{name: "number for a string", path: tasks, body: `{"task": {"name": 5}}`, status: 400, message: `Invalid value at 'task.name' (TYPE_STRING), 5`},
		{name: "no base64", path: tasks, body: `{"task": {"httpRequest": {"body": "%"}}}`, status: 400,
			message: `Invalid value at 'task.http_request.body' (TYPE_BYTES), Base64 decoding failed for "%"`},
		{name: "no enum", path: tasks, body: `{"task": {"httpRequest": {"httpMethod": "SHOUT"}}}`, status: 400,
			message: `Invalid value at 'task.http_request.http_method' (type.googleapis.com/google.cloud.tasks.v2.HttpMethod), "SHOUT"`},
		{name: "no time", path: tasks, body: `{"task": {"scheduleTime": "tomorrow"}}`, status: 400,
			message: `Invalid value at 'task.schedule_time' (type.googleapis.com/google.protobuf.Timestamp), "tomorrow"`},
		{name: "no duration", path: tasks, body: `{"task": {"dispatchDeadline": "5"}}`, status: 400,
			message: `Invalid value at 'task.dispatch_deadline' (type.googleapis.com/google.protobuf.Duration), "5"`},
		{name: "number in a map", path: tasks, body: `{"task": {"httpRequest": {"headers": {"a": "b", "c": 1}}}}`, status: 400,
			message: `Invalid value at 'task.http_request.headers[1].value' (TYPE_STRING), 1`},
		{name: "list for one", path: tasks, body: `{"task": [{}]}`, status: 400,
			message: `Invalid JSON payload received. Unknown name "task": Proto field is not repeating, cannot start list.`},
		{name: "one for a message", path: tasks, body: `{"task": "t"}`, status: 400,
			message: `Invalid value at 'task' (type.googleapis.com/google.cloud.tasks.v2.Task), "t"`},
		{name: "two of a oneof", path: tasks, body: `{"task": {"httpRequest": {}, "appEngineHttpRequest": {}}}`, status: 400,
			message: `Invalid value at 'task' (oneof), oneof field 'message_type' is already set. Cannot set 'httpRequest'`},
		{name: "no object", path: tasks, body: `[]`, status: 400, message: `Invalid JSON payload received. Unknown name "": Root element must be a message.`},
		{name: "cut short", path: tasks, body: `{"task": {`, status: 400, message: "Invalid JSON payload received. Unexpected end of string.\n{\"task\": {\n          ^"},
		{name: "no JSON", path: tasks, body: `{"task": nil}`, status: 400, message: "Invalid JSON payload received. Unexpected token.\n{\"task\": nil}\n          ^"},
		{name: "more than one value", path: tasks, body: `{} {}`, status: 400, message: "Invalid JSON payload received. Expected end of input.\n{} {}\n  ^"},
		{name: "a name twice", path: tasks, body: `{"parent": "", "parent": ""}`, status: 400, message: `Invalid JSON payload received. (line 1:16): duplicate field "parent"`},
		{name: "curl's form", path: tasks, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, body: `{"task": {}}`, status: 400,
			message: `Invalid JSON payload received. Unknown name "{\"task\": {}}": Cannot bind query parameter. Field '{"task": {}}' could not be found in request message.`},
		{name: "unknown parameter", path: tasks + "?pageSizes=1", status: 400,
			message: `Invalid JSON payload received. Unknown name "pageSizes": Cannot bind query parameter. Field 'pageSizes' could not be found in request message.`},
		{name: "parameter beside a body that is everything", method: "POST", path: tasks + "?responseView=FULL", body: `{}`, status: 400,
			message: `Invalid JSON payload received. Unknown name "responseView": Cannot bind query parameter. Field 'responseView' could not be found in request message.`},
		{name: "malformed parameters", path: tasks + "?pageSize=ten&responseView=ALL", status: 400,
			message: "Invalid value at 'page_size' (TYPE_INT32), \"ten\"\nInvalid value at 'response_view' (type.googleapis.com/google.cloud.tasks.v2.Task.View), \"ALL\""},
		{name: "malformed query", path: tasks + "?a=%zz", status: 400, message: `The query string is malformed: invalid URL escape "%zz"`},
		{name: "malformed selection", path: tasks + "?fields=a(b", status: 400, message: `Invalid field selection a(b: a ) is missing`},
		{name: "body where none belongs", method: "DELETE", path: tasks + "/t", body: `{"force": true}`, status: 400, message: "Request payload must be empty: this method has no body."},
		{name: "too large", path: tasks, body: strings.Repeat(" ", 10<<20+1), status: 400, message: "Request payload size exceeds the limit: 10485760 bytes."},
		{name: "fields that there are not", path: tasks + "?fields=tasks(nonsense,name.first),queues.name", status: 400,
			want: `{"error": {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID_ARGUMENT", "details": [
				{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [
					{"field": "queues", "description": "Error expanding 'fields' parameter. Cannot find matching fields for path 'queues'."},
					{"field": "tasks.name.first", "description": "Error expanding 'fields' parameter. Cannot find matching fields for path 'tasks.name.first'."},
					{"field": "tasks.nonsense", "description": "Error expanding 'fields' parameter. Cannot find matching fields for path 'tasks.nonsense'."}]}]}}`},
		{name: "fields of what is created", path: tasks + "?fields=task.name", body: `{"task": {"name": "` + queueName + `/tasks/never", "httpRequest": {"url": "http://h/"}}}`, status: 400,
			message: "Request contains an invalid argument."},
		{name: "and it is not there", path: tasks + "/never", status: 404, message: notFound},
		{name: "another origin", path: queuePath + ":pause", header: map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, body: `{}`, status: 403,
			message: "refused: a web page of another site made the request: cross-origin request detected from Sec-Fetch-Site header"},

		{name: "nothing", path: "/nonsense", status: 404, message: noURL("GET", "/nonsense")},
		{name: "no path of the API", path: "/v2/nonsense", status: 404, message: noURL("GET", "/v2/nonsense")},
		{name: "an older version", path: "/v2beta3/" + queueName, status: 404, message: noURL("GET", "/v2beta3/"+queueName)},
		{name: "wrong method", method: "PUT", path: queuePath, status: 404, message: noURL("PUT", queuePath)},
		{name: "verb with the wrong method", path: queuePath + ":pause", status: 404, message: noURL("GET", queuePath+":pause")},
		{name: "unknown verb is a name", path: queuePath + ":stop", status: 400, message: "Invalid resource field value in the request."},
		{name: "encoded colon is no verb", method: "POST", path: queuePath + "%3Apause", status: 404, message: noURL("POST", queuePath+"%3Apause")},
		{name: "empty segment", path: "/v2/projects//locations/l/queues/q", status: 404, message: noURL("GET", "/v2/projects//locations/l/queues/q")},
		{name: "dots", path: "/v2/projects/p/locations/l/queues/../queues/q", status: 404, message: noURL("GET", "/v2/projects/p/locations/l/queues/../queues/q")},
		{name: "encoded dots", path: "/v2/projects/p/locations/l/queues/%2E%2E", status: 400, message: "Invalid resource field value in the request."},
		{name: "encoded slash is none", path: "/v2/projects/p%2Flocations/l/queues/q", status: 404, message: noURL("GET", "/v2/projects/p%2Flocations/l/queues/q")},
		{name: "encoded slash in an id", path: queuePath + "%2Ftasks", status: 400, message: "Invalid resource field value in the request."},
		{name: "not UTF-8", path: queuePath + "/tasks/%ff", status: 404, message: noURL("GET", queuePath+"/tasks/%ff")},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			x.check(t, e.addr)
		})
	}
}

func TestRESTMethodsWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(restClock()))
	resp, body := exchange{method: "HEAD", path: queuePath}.do(t, e.addr)
	if resp.StatusCode != 200 || body != "" || resp.Header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Errorf("HEAD: %s, %q, %v", resp.Status, body, resp.Header)
	}
	resp, body = exchange{method: "OPTIONS", path: queuePath}.do(t, e.addr)
	if resp.StatusCode != 204 || body != "" || resp.Header.Get("Allow") != "DELETE, GET, OPTIONS, PATCH" || resp.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("OPTIONS: %s, %q, %v", resp.Status, body, resp.Header)
	}
}

func TestRESTLayout(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(restClock()))
	path := queuePath + "?fields=name,rateLimits/maxBurstSize"
	for query, want := range map[string]string{
		"":                   "{\n  \"name\": \"" + queueName + "\",\n  \"rateLimits\": {\n    \"maxBurstSize\": 100\n  }\n}\n",
		"&prettyPrint=false": `{"name":"` + queueName + `","rateLimits":{"maxBurstSize":100}}` + "\n",
	} {
		if _, body := (exchange{path: path + query}).do(t, e.addr); body != want {
			t.Errorf("%q answered %q, want %q", query, body, want)
		}
	}
}

// Firebase's SDKs leave out the API's version where CLOUD_TASKS_EMULATOR_HOST is set. Their delete takes 404 for success.
func TestPathsWithoutVersion(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithDefaultURL("q", "http://functions/{project}/{location}/{queue}"))
	e.pause(t)
	call := func(method, path, body string) (int, map[string]any) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+e.addr+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer owner")
		r.Header.Set("Content-Type", "application/json;charset=utf-8")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var answer map[string]any
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, answer
	}
	task := `{"task": {"name": "` + queueName + `/tasks/t", "httpRequest": {"url": "", "body": "e30="}}}`
	if code, answer := call("POST", "/"+queueName+"/tasks", task); code != 200 || answer["name"] != queueName+"/tasks/t" {
		t.Errorf("creating: %d %v", code, answer)
	}
	code, answer := call("GET", "/v2/"+queueName+"/tasks/t", "")
	if request, _ := answer["httpRequest"].(map[string]any); code != 200 || request["url"] != "http://functions/p/l/q" {
		t.Errorf("created %d %v", code, answer)
	}
	if code, answer := call("POST", "/"+queueName+"/tasks", task); code != 409 {
		t.Errorf("creating again: %d %v", code, answer)
	}
	for _, want := range []int{200, 404} {
		if code, answer := call("DELETE", "/"+queueName+"/tasks/t", ""); code != want {
			t.Errorf("deleting: %d %v, want %d", code, answer, want)
		}
	}
	if code, answer := call("GET", "/projects/p/nonsense", ""); code != 404 || !strings.Contains(fmt.Sprint(answer), "/projects/p/nonsense was not found") {
		t.Errorf("no path of the API: %d %v", code, answer)
	}
}
