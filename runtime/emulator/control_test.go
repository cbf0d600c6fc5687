package emulator_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/issuer"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

var clockStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// controlCall is a request of the control API; what is empty is left out.
type controlCall struct {
	method, path, body string
	host, origin       string
	contentType        string // default application/json
	fetchSite          string
}

// control makes the call and returns the status and the answer, which must be a JSON object.
func (e *emulated) control(t *testing.T, call controlCall) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), call.method, "http://"+e.addr+"/_cloudtask/v1/"+call.path, strings.NewReader(call.body))
	if err != nil {
		t.Fatal(err)
	}
	if call.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for key, value := range map[string]string{"Origin": call.origin, "Content-Type": call.contentType, "Sec-Fetch-Site": call.fetchSite} {
		if value != "" {
			req.Header.Set(key, value)
		}
	}
	req.Host = call.host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(data, &answer); err != nil || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		t.Fatalf("%s %s: %d %s (%s): %v", call.method, call.path, resp.StatusCode, data, resp.Header.Get("Content-Type"), err)
	}
	return resp.StatusCode, answer
}

// want makes the call, which must be answered with the status and the object.
func (e *emulated) want(t *testing.T, call controlCall, status int, want map[string]any) {
	t.Helper()
	gotStatus, got := e.control(t, call)
	if diff := cmp.Diff(want, got); diff != "" || gotStatus != status {
		t.Errorf("%s %s %s: status %d, want %d; answer (-want +got):\n%s", call.method, call.path, call.body, gotStatus, status, diff)
	}
}

// wantError makes the call, which must be refused with the status, its name, and words in the message.
func (e *emulated) wantError(t *testing.T, call controlCall, status int, name, words string) map[string]any {
	t.Helper()
	gotStatus, answer := e.control(t, call)
	got, _ := answer["error"].(map[string]any)
	message, _ := got["message"].(string)
	if gotStatus != status || got["status"] != name || got["code"] != float64(status) || !strings.Contains(message, words) {
		t.Errorf("%s %s %s: status %d, %v\nwant %d, %s and %q in the message", call.method, call.path, call.body, gotStatus, answer, status, name, words)
	}
	return answer
}

// A test suite in another language moves time: nothing is delivered before it says so, and then over real HTTP.
func TestControlVirtualTime(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(clockStart))
	url, received := worker(t, 503, 200)
	for _, delay := range []time.Duration{0, time.Hour, 2 * time.Hour} {
		task := httpTask(url, delay.String())
		task.ScheduleTime = timestamp(clockStart.Add(delay))
		e.create(t, task)
	}
	at := func(d time.Duration) string { return clockStart.Add(d).Format(time.RFC3339Nano) }

	e.want(t, controlCall{method: "GET", path: "now"}, 200, map[string]any{"now": at(0), "clock": "virtual"})
	e.want(t, controlCall{method: "GET", path: "backlog"}, 200, map[string]any{
		"idle": false, "running": 0.0, "due": 1.0, "scheduled": 2.0, "held": 0.0, "next": at(time.Hour), "now": at(0)})
	if len(received) != 0 {
		t.Error("delivered before being told")
	}
	e.want(t, controlCall{method: "POST", path: "run-due"}, 200, map[string]any{"attempts": 1.0, "now": at(0)})
	if r := next(t, received); r.body != "0s" || r.header.Get("X-CloudTasks-TaskRetryCount") != "0" {
		t.Errorf("delivered %+v", r)
	}
	e.want(t, controlCall{method: "POST", path: "run-next", body: "{}"}, 200, map[string]any{"attempts": 1.0, "now": at(time.Millisecond)})
	if r := next(t, received); r.body != "0s" || r.header.Get("X-CloudTasks-TaskPreviousResponse") != "503" {
		t.Errorf("delivered %+v", r)
	}
	e.want(t, controlCall{method: "POST", path: "run-for", body: `{"duration": "30m"}`}, 200, map[string]any{"attempts": 0.0, "now": at(30*time.Minute + time.Millisecond)})
	e.want(t, controlCall{method: "POST", path: "advance", body: `{"duration": "1h"}`}, 200, map[string]any{"now": at(90*time.Minute + time.Millisecond), "clock": "virtual"})
	e.want(t, controlCall{method: "POST", path: "wait-idle"}, 200, map[string]any{
		"idle": true, "running": 0.0, "due": 0.0, "scheduled": 1.0, "held": 0.0, "next": at(2 * time.Hour), "now": at(90*time.Minute + time.Millisecond)})
	if r := next(t, received); r.body != "1h0m0s" {
		t.Errorf("delivered %+v", r)
	}
	e.want(t, controlCall{method: "POST", path: "run-until-idle", body: `{"timeout": "10s"}`}, 200, map[string]any{"attempts": 1.0, "now": at(2 * time.Hour)})
	e.want(t, controlCall{method: "POST", path: "run-next"}, 200, map[string]any{"attempts": 0.0, "now": at(2 * time.Hour)})
	if r := next(t, received); r.body != "2h0m0s" || len(received) != 0 {
		t.Errorf("delivered %+v and %d more", r, len(received))
	}
}

// Reset gives the next test a queue of its own.
func TestControlReset(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(clockStart))
	e.create(t, named("a"))
	if _, err := e.client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: locationName, Queue: &cloudtaskspb.Queue{Name: locationName + "/queues/new"}}); err != nil {
		t.Fatal(err)
	}
	e.want(t, controlCall{method: "POST", path: "advance", body: `{"duration": "1h"}`}, 200, map[string]any{"now": "2026-03-01T13:00:00Z", "clock": "virtual"})
	e.want(t, controlCall{method: "POST", path: "reset"}, 200, map[string]any{"now": "2026-03-01T12:00:00Z", "clock": "virtual"})
	e.want(t, controlCall{method: "GET", path: "backlog"}, 200, map[string]any{
		"idle": true, "running": 0.0, "due": 0.0, "scheduled": 0.0, "held": 0.0, "now": "2026-03-01T12:00:00Z"})
	if _, err := e.client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: locationName + "/queues/new"}); status.Code(err) != codes.NotFound {
		t.Errorf("a queue that is not configured: %v", err)
	}
	e.create(t, named("a")) // neither there nor remembered
}

func TestControlFaults(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(clockStart))
	url, received := worker(t, 200)
	all := map[string]any{"twice": 1.0, "loseAnswer": 0.5, "late": 1.0, "delay": "90s", "fail": 0.25, "failFirst": 2.0, "failStatus": 500.0, "clockSkew": "-3600s"}
	body, err := json.Marshal(map[string]any{"queue": "other", "faults": all})
	if err != nil {
		t.Fatal(err)
	}
	e.want(t, controlCall{method: "PUT", path: "faults", body: string(body)}, 200, map[string]any{"faults": map[string]any{"other": all}})
	e.want(t, controlCall{method: "PUT", path: "faults", body: `{"faults": {"failFirst": 1}}`}, 200,
		map[string]any{"faults": map[string]any{"other": all, "": map[string]any{"failFirst": 1.0}}})
	e.want(t, controlCall{method: "PUT", path: "faults", body: `{"queue": "other", "faults": {}}`}, 200,
		map[string]any{"faults": map[string]any{"": map[string]any{"failFirst": 1.0}}})

	e.create(t, httpTask(url, ""))
	if _, answer := e.control(t, controlCall{method: "POST", path: "run-until-idle"}); answer["attempts"] != 2.0 {
		t.Errorf("%v, want 2 attempts", answer)
	}
	if r := next(t, received); r.header.Get("X-CloudTasks-TaskRetryCount") != "1" || len(received) != 0 {
		t.Errorf("delivered %+v and %d more", r, len(received))
	}
	e.want(t, controlCall{method: "DELETE", path: "faults"}, 200, map[string]any{"faults": map[string]any{}})
	e.want(t, controlCall{method: "GET", path: "faults"}, 200, map[string]any{"faults": map[string]any{}})
}

// What the operator's command asks beside the wire API.
func TestControlTools(t *testing.T) {
	t.Parallel()
	e := serve(t)
	if _, err := e.client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: "projects/a/locations/z", Queue: &cloudtaskspb.Queue{Name: "projects/a/locations/z/queues/new"}}); err != nil {
		t.Fatal(err)
	}
	e.want(t, controlCall{method: "GET", path: "locations"}, 200, map[string]any{"locations": []any{"projects/a/locations/z", locationName}})

	_, answer := e.control(t, controlCall{method: "POST", path: "token", body: `{"serviceAccount": "tasks@p.iam.gserviceaccount.com", "audience": "http://app"}`})
	token, _ := answer["token"].(string)
	handler, err := cloudtask.NewHandler(cloudtask.Config{ServiceAccount: "tasks@p.iam.gserviceaccount.com", Audiences: []string{"http://app"}, EmulatorHost: e.addr})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/tasks/Nobody", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	if handler.ServeHTTP(w, r); w.Code != 404 {
		t.Errorf("a handler that trusts this queue answered %d to its token %q, want that it knows no such task", w.Code, token)
	}
	e.wantError(t, controlCall{method: "POST", path: "token", body: `{"audience": "http://app"}`}, 400, "INVALID_ARGUMENT", `"serviceAccount" and "audience" are required`)
}

func TestControlRefuses(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(clockStart))
	real := serve(t)
	tests := []struct {
		name   string
		on     *emulated
		call   controlCall
		status int
		code   string
		words  string
	}{
		{"unknown call", e, controlCall{method: "POST", path: "nonsense"}, 404, "NOT_FOUND", "POST /_cloudtask/v1/nonsense"},
		{"method", e, controlCall{method: "GET", path: "reset"}, 404, "NOT_FOUND", "GET /_cloudtask/v1/reset"},
		{"no object", e, controlCall{method: "POST", path: "advance", body: `[1]`}, 400, "INVALID_ARGUMENT", "no JSON object"},
		{"unknown field", e, controlCall{method: "POST", path: "advance", body: `{"by": "1h"}`}, 400, "INVALID_ARGUMENT", `unknown field "by": this call knows duration`},
		{"field of another call", e, controlCall{method: "POST", path: "reset", body: `{"duration": "1h"}`}, 400, "INVALID_ARGUMENT", `"duration": this call knows none`},
		{"no duration", e, controlCall{method: "POST", path: "advance"}, 400, "INVALID_ARGUMENT", `"duration" is required`},
		{"a number", e, controlCall{method: "POST", path: "advance", body: `{"duration": 3600}`}, 400, "INVALID_ARGUMENT", `3600 is no duration`},
		{"a word", e, controlCall{method: "POST", path: "advance", body: `{"duration": "soon"}`}, 400, "INVALID_ARGUMENT", `"soon" is no duration`},
		{"backwards", e, controlCall{method: "POST", path: "run-for", body: `{"duration": "-1h"}`}, 400, "INVALID_ARGUMENT", "only moves forward"},
		{"no time", e, controlCall{method: "POST", path: "wait-idle", body: `{"timeout": "0s"}`}, 400, "INVALID_ARGUMENT", "timeout 0s"},
		{"too long", e, controlCall{method: "POST", path: "wait-idle", body: `{"timeout": "11m"}`}, 400, "INVALID_ARGUMENT", "at most 10m0s"},
		{"long body", e, controlCall{method: "POST", path: "reset", body: strings.Repeat(" ", 65<<10)}, 400, "INVALID_ARGUMENT", "longer than 65536 bytes"},
		{"no faults", e, controlCall{method: "PUT", path: "faults", body: `{"queue": "q"}`}, 400, "INVALID_ARGUMENT", `"faults" is required`},
		{"bad faults", e, controlCall{method: "PUT", path: "faults", body: `{"faults": {"twice": 2}}`}, 400, "INVALID_ARGUMENT", "Faults.Twice is 2"},
		{"unknown fault", e, controlCall{method: "PUT", path: "faults", body: `{"faults": {"thrice": 1}}`}, 400, "INVALID_ARGUMENT", `"thrice"`},
		{"content type", e, controlCall{method: "POST", path: "advance", body: `{"duration": "1h"}`, contentType: "text/plain"}, 400, "INVALID_ARGUMENT", `"text/plain": want application/json`},
		{"real clock", real, controlCall{method: "POST", path: "advance", body: `{"duration": "1h"}`}, 400, "FAILED_PRECONDITION", "-clock virtual"},
		{"real clock, run", real, controlCall{method: "POST", path: "run-until-idle"}, 400, "FAILED_PRECONDITION", "-clock virtual"},
		{"rebinding", e, controlCall{method: "GET", path: "now", host: "evil.example:8123"}, 403, "PERMISSION_DENIED", `"evil.example:8123"`},
		{"loopback in a name", e, controlCall{method: "GET", path: "now", host: "127.0.0.1.evil.example"}, 403, "PERMISSION_DENIED", "-advertise"},
		{"another site", e, controlCall{method: "POST", path: "reset", origin: "https://evil.example"}, 403, "PERMISSION_DENIED", "another site"},
		{"another site, by the browser's word", e, controlCall{method: "POST", path: "reset", fetchSite: "cross-site"}, 403, "PERMISSION_DENIED", "another site"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.on.wantError(t, test.call, test.status, test.code, test.words)
		})
	}
	for _, host := range []string{"localhost:1", "LOCALHOST", "[::1]:8123", "127.0.0.2"} {
		if code, answer := e.control(t, controlCall{method: "GET", path: "now", host: host}); code != 200 {
			t.Errorf("by the name %s: %d, %v", host, code, answer)
		}
	}
}

// The name that the tokens' issuer has is the one that clients are told.
func TestControlAdvertisedName(t *testing.T) {
	t.Parallel()
	queue, err := localqueue.New(localqueue.WithTokenSource(issuer.New("http://queue.example:8123")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queue.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &emulated{queue: queue, addr: listener.Addr().String(), server: emulator.Serve(queue, listener)}
	t.Cleanup(func() { e.server.Close() })
	if code, answer := e.control(t, controlCall{method: "GET", path: "now", host: "queue.example:9000"}); code != 200 || answer["clock"] != "real" {
		t.Errorf("%d, %v", code, answer)
	}
	e.wantError(t, controlCall{method: "GET", path: "now", host: "other.example:8123"}, 403, "PERMISSION_DENIED", "other.example")
}

// On a real clock, waiting ends when everything is done, or with what is left.
func TestControlWaitIdle(t *testing.T) {
	t.Parallel()
	e := serve(t)
	var handled atomic.Int64
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-release
		handled.Add(1)
	}))
	t.Cleanup(server.Close)
	for range 3 {
		e.create(t, httpTask(server.URL, ""))
	}
	answer := e.wantError(t, controlCall{method: "POST", path: "wait-idle", body: `{"timeout": "20ms"}`}, 504, "DEADLINE_EXCEEDED", "not idle in time")
	left, _ := answer["backlog"].(map[string]any)
	if running, _ := left["running"].(float64); running+left["due"].(float64) != 3 || left["idle"] != false {
		t.Errorf("left %v, want 3 running or due", left)
	}
	close(release)
	if code, answer := e.control(t, controlCall{method: "POST", path: "wait-idle"}); code != 200 || answer["idle"] != true || handled.Load() != 3 {
		t.Errorf("%d, %v, %d handled", code, answer, handled.Load())
	}
}

// One call at a time delivers; a delivery that goes on for ever ends with the call's time.
func TestControlRunIsBounded(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(clockStart))
	reached := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	e.create(t, httpTask(server.URL, ""))
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.wantError(t, controlCall{method: "POST", path: "run-until-idle", body: `{"timeout": "200ms"}`}, 504, "DEADLINE_EXCEEDED", "1 attempts were made")
	}()
	<-reached
	e.wantError(t, controlCall{method: "POST", path: "run-due"}, 409, "ABORTED", "one at a time")
	e.wantError(t, controlCall{method: "POST", path: "reset"}, 409, "ABORTED", "one at a time")
	<-done
	e.want(t, controlCall{method: "GET", path: "backlog"}, 200, map[string]any{
		"idle": false, "running": 0.0, "due": 1.0, "scheduled": 0.0, "held": 0.0, "now": "2026-03-01T12:00:00Z"})
}

// A queue whose clock is ahead signs tokens that are not issued yet by the handler's.
func TestClockSkewInTokens(t *testing.T) {
	t.Parallel()
	e := serve(t)
	url, received := worker(t, 200)
	for _, skew := range []time.Duration{0, time.Hour, -2 * time.Hour} {
		if err := e.queue.SetFaults("q", localqueue.Faults{ClockSkew: skew}); err != nil {
			t.Fatal(err)
		}
		task := httpTask(url, "")
		task.GetHttpRequest().AuthorizationHeader = &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: "a@b.example"}}
		e.create(t, task)
		parts := strings.Split(next(t, received).header.Get("Authorization"), ".")
		if len(parts) != 3 {
			t.Fatalf("token of %d parts", len(parts))
		}
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		var claims struct{ Iat, Exp int64 }
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		off := time.Until(time.Unix(claims.Iat, 0)) - skew
		if off.Abs() > time.Minute || claims.Exp-claims.Iat != 3600 {
			t.Errorf("skew %v: issued %v away from it, good for %d s", skew, off, claims.Exp-claims.Iat)
		}
	}
}

// A test suite asks what has happened, and sees the faults that it asked for.
func TestControlEvents(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(clockStart))
	url, _ := worker(t, 200)
	e.create(t, named("unobserved"))
	e.wantError(t, controlCall{method: "GET", path: "events"}, 400, "FAILED_PRECONDITION", "POST events begins it")
	e.want(t, controlCall{method: "POST", path: "events"}, 200, map[string]any{"next": 0.0})
	e.want(t, controlCall{method: "GET", path: "events"}, 200, map[string]any{"events": []any{}, "next": 0.0})
	e.control(t, controlCall{method: "PUT", path: "faults", body: `{"queue": "q", "faults": {"loseAnswer": 1}}`})
	task := httpTask(url, "")
	task.Name = queueName + "/tasks/a"
	e.create(t, task)
	if err := e.client.DeleteTask(t.Context(), &cloudtaskspb.DeleteTaskRequest{Name: queueName + "/tasks/unobserved"}); err != nil {
		t.Fatal(err)
	}
	e.control(t, controlCall{method: "POST", path: "run-next"})
	event := func(number int, kind, task string, more map[string]any) map[string]any {
		m := map[string]any{"number": float64(number), "kind": kind, "time": "2026-03-01T12:00:00Z", "queue": queueName, "task": queueName + "/tasks/" + task, "url": url}
		maps.Copy(m, more)
		return m
	}
	deleted := event(1, "deleted", "unobserved", map[string]any{"url": "http://worker.example/"})
	all := []any{
		event(0, "created", "a", map[string]any{"next": "2026-03-01T12:00:00Z"}), deleted,
		event(2, "dispatched", "a", map[string]any{"attempt": 1.0}),
		event(3, "fault", "a", map[string]any{"attempt": 1.0, "fault": "lose-answer"}),
		event(4, "retried", "a", map[string]any{"attempt": 1.0, "next": "2026-03-01T12:00:00.001Z", "failure": "UNAVAILABLE(14): HTTP status code 503",
			"error": "the answer was dropped by an injected fault (HTTP status 200)"}),
	}
	e.want(t, controlCall{method: "GET", path: "events?since=0"}, 200, map[string]any{"events": all, "next": 5.0})
	e.want(t, controlCall{method: "GET", path: "events?since=4"}, 200, map[string]any{"events": all[4:], "next": 5.0})
	e.want(t, controlCall{method: "GET", path: "events?since=5"}, 200, map[string]any{"events": []any{}, "next": 5.0})
	e.want(t, controlCall{method: "GET", path: "events?since=99"}, 200, map[string]any{"events": []any{}, "next": 5.0})
	e.wantError(t, controlCall{method: "GET", path: "events?since=-1"}, 400, "INVALID_ARGUMENT", `since="-1"`)
	e.want(t, controlCall{method: "POST", path: "events"}, 200, map[string]any{"next": 5.0})
	e.control(t, controlCall{method: "POST", path: "reset"})
	e.want(t, controlCall{method: "GET", path: "events?since=5"}, 200, map[string]any{"events": []any{}, "next": 6.0, "missed": 1.0})
}

// Answers are bounded, and so is what is kept.
func TestControlEventsAreBounded(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(clockStart))
	e.control(t, controlCall{method: "POST", path: "events"})
	for i := range 25_000 {
		if _, err := e.queue.CreateTask(t.Context(), queueName, &resource.Task{HTTP: &resource.HTTPRequest{URL: "http://h/" + strconv.Itoa(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	since, missed, seen := 0, 0, 0
	for {
		_, answer := e.control(t, controlCall{method: "GET", path: "events?since=" + strconv.Itoa(since)})
		events := answer["events"].([]any)
		if m, ok := answer["missed"].(float64); ok {
			missed += int(m)
		}
		if len(events) == 0 {
			break
		}
		if first := events[0].(map[string]any); first["url"] != "http://h/"+strconv.Itoa(int(first["number"].(float64))) || len(events) > 1000 {
			t.Fatalf("%d events, the first %v", len(events), first)
		}
		seen += len(events)
		since = int(answer["next"].(float64))
	}
	if seen != 10_000 || missed != 15_000 || since != 25_000 {
		t.Errorf("%d events seen, %d missed, next %d; want 10000, 15000, 25000", seen, missed, since)
	}
}

// Events are kept by their size too: long URLs leave fewer of them.
func TestControlEventsBytes(t *testing.T) {
	t.Parallel()
	e := serve(t, localqueue.WithVirtualClock(clockStart))
	e.want(t, controlCall{method: "POST", path: "events"}, 200, map[string]any{"next": 0.0})
	url := "http://localhost/" + strings.Repeat("x", 2000)
	const created = 9000
	for range created {
		if _, err := e.queue.CreateTask(t.Context(), queueName, &resource.Task{HTTP: &resource.HTTPRequest{URL: url}}); err != nil {
			t.Fatal(err)
		}
	}
	_, answer := e.control(t, controlCall{method: "GET", path: "events?since=0"})
	missed, _ := answer["missed"].(float64)
	if kept := created - int(missed); kept*len(url) > 16<<20 || kept*len(url) < 12<<20 {
		t.Errorf("%d events of %d bytes and more are kept, want about 16 MiB", kept, len(url))
	}
}
