package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const routesJSON = `[
  {"name": "A", "package": "example.com/tasks", "queue": "emails", "runs": "Run"},
  {"name": "B", "queue": "archive"}, {"name": "C", "queue": "emails"}, {"name": "D"}
]`

// The prefix is prepended to the queue IDs of programs only.
func TestDevQueuePrefix(t *testing.T) {
	t.Parallel()
	yaml := writeFile(t, "queue.yaml", "queue:\n- name: as-it-is\n  rate: 5/s\n")
	p := startDev(t, "-listen", "127.0.0.1:0", "-strict", "-queue-prefix", "staging-", "-queue-file", yaml, "-queues-from", writeFile(t, "routes.json", routesJSON),
		"-queue", "named", "-queue", "staging-seen", "-queue", "projects/p/locations/l/queues/full")
	client := p.client(t)
	var got []string
	for q, err := range client.ListQueues(t.Context(), &cloudtaskspb.ListQueuesRequest{Parent: "projects/p/locations/l"}).All() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, lastSegment(q.GetName()))
	}
	if diff := cmp.Diff([]string{"as-it-is", "full", "staging-archive", "staging-emails", "staging-named", "staging-seen"}, got); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	var errText bytes.Buffer
	code := program().Run(t.Context(), []string{"dev", "-queue-prefix", "staging_"}, cli.Streams{Out: io.Discard, Err: &errText})
	if code != cli.ExitUsage || !strings.Contains(errText.String(), `-queue-prefix "staging_"`) {
		t.Errorf("a prefix that no queue can have: exit code %d, %s", code, errText.String())
	}
}

// The queues of all three flags exist in every location, and the settings of queue.yaml take precedence.
func TestDevQueueFiles(t *testing.T) {
	t.Parallel()
	yaml := writeFile(t, "queue.yaml", "total_storage_limit: 1M\nqueue:\n- name: emails\n  rate: 7/s\n- name: stopped\n  rate: 0/s\n")
	p := startDev(t, "-listen", "127.0.0.1:0", "-strict", "-queue-file", yaml, "-queues-from", writeFile(t, "routes.json", routesJSON), "-queue", "named")
	client := p.client(t)
	get := func(id string) (*cloudtaskspb.Queue, error) {
		return client.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: "projects/any/locations/where/queues/" + id})
	}
	for _, id := range []string{"emails", "archive", "stopped", "named"} {
		if _, err := get(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if _, err := get("absent"); status.Code(err) != codes.NotFound {
		t.Errorf("absent: %v", err)
	}
	if q, err := get("emails"); err != nil || q.GetRateLimits().GetMaxDispatchesPerSecond() != 7 || q.GetRateLimits().GetMaxBurstSize() != 5 {
		t.Errorf("emails: %v, %v", q, err)
	}
	if q, err := get("stopped"); err != nil || q.GetState() != cloudtaskspb.Queue_PAUSED {
		t.Errorf("stopped: %v, %v", q, err)
	}
	for _, want := range []string{"line 1: total_storage_limit has no effect", "the directives of D name no queue"} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("logged:\n%s\nwant %q", p.stderr, want)
		}
	}
}

func TestDevQueuesFromStandardInput(t *testing.T) {
	t.Parallel()
	p := startDevAs(t, func(cmd *exec.Cmd) { cmd.Stdin = strings.NewReader(routesJSON) }, "-listen", "127.0.0.1:0", "-strict", "-queues-from", "-")
	if err := createTask(t, p.client(t), "projects/p/locations/l/queues/archive", "http://127.0.0.1:1/"); err != nil {
		t.Error(err)
	}
}

// Test suites in any language can advance the clock over HTTP.
func TestDevVirtualClock(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	worker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) < 5 {
			w.WriteHeader(500)
		}
	}))
	t.Cleanup(worker.Close)
	p := startDev(t, "-listen", "127.0.0.1:0", "-clock", "virtual", "-start", "2026-03-01T12:00:00Z", "-seed", "7")
	client := p.client(t)
	created, err := client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: "projects/p/locations/l/queues/q", Task: &cloudtaskspb.Task{
		MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: worker.URL}},
	}})
	if err != nil || created.GetCreateTime().GetSeconds() != 1772366400 {
		t.Fatalf("%v, %v", created, err)
	}
	resp, err := http.Post("http://"+p.host+"/_cloudtask/v1/run-for", "application/json", strings.NewReader(`{"duration": "168h"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || strings.TrimSpace(string(body)) != `{"attempts":5,"now":"2026-03-08T12:00:00Z"}` || calls.Load() != 5 {
		t.Errorf("%s, %v, %d calls of the worker", body, err, calls.Load())
	}
}

func TestDevRefusesFiles(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, flag, file, want string }{
		{"unknown key", "-queue-file", "queue:\n- nam: a\n", `line 2: queue: unknown key "nam"`},
		{"no list", "-queues-from", "{}", `not the output of "cloudtaskgen list -json"`},
		{"no routes", "-queues-from", `[{"queue": "a"}]`, "an element has no name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, "file", test.file)
			cmd := cloudtaskCommand(t, "dev", "-listen", "127.0.0.1:0", test.flag, path)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(stderr.String(), test.want) || !strings.Contains(stderr.String(), path) {
				t.Errorf("%v:\n%s\nwant %q and the file's name", err, stderr.String(), test.want)
			}
		})
	}
}
