package emulator_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/console"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/issuer"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// A web page reaches the queue through its user's browser: under a name of its own that it has been given this machine's
// address for, or across sites. No face of the server answers it.
func TestWebPagesAreKeptOut(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	queue, err := localqueue.New(localqueue.WithLogger(quiet), localqueue.WithTokenSource(issuer.New("http://advertised.example:8123")),
		localqueue.WithQueues(resource.Queue{Name: queueName}, resource.Queue{Name: "everywhere"}))
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	server := emulator.Serve(queue, listener, emulator.WithLogger(quiet), emulator.WithConsole(console.New(queue, console.WithLogger(quiet))),
		emulator.WithHosts("allowed.example"))
	defer server.Close()
	addr := listener.Addr().String()

	get := func(path, host string, header map[string]string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		for key, value := range header {
			r.Header.Set(key, value)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	const rest, page = "/v2/" + queueName, "/"
	image := map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
	link := map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
	for _, path := range []string{rest, rest + "/tasks?responseView=FULL", "/$discovery/rest?version=v2", "/_cloudtask/v1/now", "/.well-known/openid-configuration", page, "/ui/tasks"} {
		for _, host := range []string{addr, "localhost:8123", "queue:8123", "advertised.example:8123", "allowed.example", "host.docker.internal:8123"} {
			if code, body := get(path, host, nil); code != http.StatusOK {
				t.Errorf("%s under the name %s: %d %s", path, host, code, body)
			}
		}
		if code, body := get(path, "evil.example:8123", nil); code != http.StatusForbidden || !strings.Contains(body, `"evil.example:8123\" could be`) && !strings.Contains(body, `"evil.example:8123" could be`) {
			t.Errorf("%s by DNS rebinding: %d %s", path, code, body)
		}
		if code, body := get(path, addr, image); code != http.StatusForbidden {
			t.Errorf("%s as an image elsewhere: %d %s", path, code, body)
		}
		want := http.StatusForbidden
		if path == page || strings.HasPrefix(path, console.Prefix) {
			want = http.StatusOK
		}
		if code, body := get(path, addr, link); code != want {
			t.Errorf("%s by a link elsewhere: %d %s, want %d", path, code, body, want)
		}
	}
	for authority, want := range map[string]codes.Code{"evil.example:8123": codes.PermissionDenied, "allowed.example:8123": codes.OK, "queue:8123": codes.OK} {
		client := dial(t, addr, grpc.WithAuthority(authority))
		if _, err := client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: queueName}); status.Code(err) != want {
			t.Errorf("gRPC to the authority %s: %v, want %v", authority, err, want)
		}
	}
}

// A GET shows: it adds none of the queues that are defined for every location, and begins nothing.
func TestGetChangesNothing(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	queue, err := localqueue.New(localqueue.WithLogger(quiet), localqueue.WithVirtualClock(clockStart), localqueue.WithHistory(10),
		localqueue.WithQueues(resource.Queue{Name: queueName}, resource.Queue{Name: "everywhere"}))
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := emulator.Serve(queue, listener, emulator.WithLogger(quiet), emulator.WithConsole(console.New(queue, console.WithLogger(quiet))))
	defer server.Close()
	if _, err := queue.CreateTask(t.Context(), queueName, &resource.Task{Name: queueName + "/tasks/t", HTTP: &resource.HTTPRequest{URL: "http://h/"}}); err != nil {
		t.Fatal(err)
	}
	const elsewhere = "projects/a/locations/b/queues/everywhere"
	changes := queue.Changes()
	for path, want := range map[string]int{
		"/v2/" + elsewhere: 200, "/v2/" + elsewhere + "/tasks": 200, "/v2/" + elsewhere + "/tasks/t": 404, "/v2/projects/a/locations/b/queues": 200,
		"/v2/" + queueName: 200, "/v2/" + queueName + "/tasks": 200, "/v2/" + queueName + "/tasks/t": 200, "/v2/projects/a/locations/b/cmekConfig": 200,
		"/v2/projects/a/locations/b/operations/o": 404, "/v2/projects/a/locations": 200, "/v2/" + elsewhere + "/tasks:buffer": 400,
		"/": 200, "/ui/tasks": 200, "/ui/tasks?queue=" + elsewhere: 200, "/ui/finished?queue=" + elsewhere: 200, "/ui/send?queue=" + elsewhere: 200,
		"/ui/" + elsewhere: 200, "/ui/" + elsewhere + "/tasks/t": 404, "/ui/?ask=purge:" + queueName: 404, "/?ask=purge:" + queueName: 200,
		"/ui/do/purge?queue=" + queueName: 404, "/ui/payload/" + queueName + "/tasks/t": 200,
		"/_cloudtask/v1/now": 200, "/_cloudtask/v1/backlog": 200, "/_cloudtask/v1/faults": 200, "/_cloudtask/v1/events": 400, "/_cloudtask/v1/locations": 200,
		"/_cloudtask/v1/reset": 404, "/_cloudtask/v1/run-due": 404, "/$discovery/rest": 200, "/.well-known/openid-configuration": 200,
	} {
		resp, err := http.Get("http://" + listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != want {
			t.Errorf("GET %s: %d, %v, want %d; %s", path, resp.StatusCode, err, want, body)
		}
		if now := queue.Changes(); now != changes {
			t.Errorf("GET %s changes something", path)
			changes = now
		}
	}
	if got := queue.Locations(); len(got) != 1 {
		t.Errorf("queues are in %v", got)
	}
	if err := queue.Close(); err != nil {
		t.Error(err)
	}
}
