package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

const reportsQueue = "projects/my-project/locations/europe-west1/queues/reports"

// fill creates tasks of the type Report in the queue reports, due in an hour.
func (s *stage) fill(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		_, err := s.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: reportsQueue, Task: &cloudtaskspb.Task{
			Name: fmt.Sprintf("%s/tasks/%d", reportsQueue, i), ScheduleTime: timestamppb.New(clockStart.Add(time.Hour)),
			MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: "http://127.0.0.1:1/Report"}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (s *stage) left(t *testing.T) int {
	t.Helper()
	tasks, _, err := s.queue.Backend().ListTasks(t.Context(), reportsQueue, "")
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}

// run runs the command with the embedded queue, or the target that env sets, and returns its exit code and output.
func (s *stage) run(t *testing.T, args string, env ...string) (int, string) {
	t.Helper()
	cmd := cloudtaskCommand(t, strings.Fields(args)...)
	cmd.Env = append(append(cmd.Env, s.env()...), env...)
	out, _ := cmd.CombinedOutput() // how it ends, the exit code says
	return cmd.ProcessState.ExitCode(), string(out)
}

// Without some permissions, commands show the rest.
func TestPermissions(t *testing.T) {
	t.Parallel()
	s := newStage(t, t.TempDir())
	if err := s.enqueue([]string{"emails/a", "SendMail", `{"secret":1}`}); err != nil {
		t.Fatal(err)
	}
	refused := status.Error(codes.PermissionDenied, "The principal lacks IAM permission")
	s.production.setBefore(func(r *http.Request) error {
		switch call := lastSegment(r.URL.Path); call {
		case "ListTasks", "DeleteTask":
			return refused
		case "GetTask":
			const frame = 5 // bytes before a message of gRPC
			body, err := io.ReadAll(r.Body)
			if err != nil || len(body) < frame {
				return fmt.Errorf("%d bytes of a request: %w", len(body), err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			var req cloudtaskspb.GetTaskRequest
			if err := proto.Unmarshal(body[frame:], &req); err != nil {
				return err
			}
			if req.GetResponseView() == cloudtaskspb.Task_FULL {
				return refused
			}
		}
		return nil
	})
	for _, test := range []struct {
		args string
		code int
		text string
	}{
		{"ls -queue emails", cli.ExitOK, "emails  RUNNING  ?"},
		{"show emails/a", cli.ExitOK, "Payload\n(not shown: requires the permission cloudtasks.tasks.fullView)\n"},
		{"ls tasks -queue emails", cli.ExitFailed, "PERMISSION_DENIED: The principal lacks IAM permission"},
		{"replay emails/a", cli.ExitFailed, "PERMISSION_DENIED"},
		{"discard emails/a -yes", cli.ExitFailed, "0 tasks deleted\ncloudtask discard: 1 task could not be deleted\n"},
		{"purge emails -yes", cli.ExitOK, "This permanently deletes all tasks in the queue.\n"},
	} {
		if code, out := s.run(t, test.args, s.production.env...); code != test.code || !strings.Contains(out, test.text) {
			t.Errorf("%s: exit code %d, want %d; printed:\n%s\nwant %q in it", test.args, code, test.code, out, test.text)
		}
	}
}

// Scripts rely on exit codes.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	s := newStage(t, t.TempDir())
	s.fill(t, 1)
	for args, want := range map[string]int{
		"ls":                                     cli.ExitOK,
		"ls everything":                          cli.ExitUsage,
		"ls -count 3":                            cli.ExitUsage,
		"ls -nonsense":                           cli.ExitUsage,
		"ls tasks -queue nobody":                 exitNotFound,
		"show nobody":                            exitNotFound,
		"show a/b/c":                             cli.ExitUsage,
		"show " + reportsQueue + "/tasks/nobody": exitNotFound,
		"purge reports":                          cli.ExitUsage, // more than one
		"purge reports -location europe-west1":   cli.ExitUsage, // nobody to ask
		"pause reports -location europe-west1":   cli.ExitOK,
		"run 0 -wait":                            cli.ExitFailed,
		"replay absent.json":                     exitNotFound,
		"replay 0 -to http://127.0.0.1:1":        cli.ExitFailed,
		"ls -emulator 127.0.0.1:1":               cli.ExitFailed,
		"ls -emulator nonsense":                  cli.ExitUsage,
		"ls -project a/b":                        cli.ExitUsage,
		"completion tcsh":                        cli.ExitUsage,
		"-- ls":                                  cli.ExitUsage,
		"pause -- -yes":                          exitNotFound,
		"pause -location europe-west1 -yes -- reports":       cli.ExitOK,
		"pause --location=europe-west1 reports --yes --json": cli.ExitOK,
	} {
		if code, out := s.run(t, args); code != want {
			t.Errorf("%s: exit code %d, want %d; printed:\n%s", args, code, want, out)
		}
	}
}

// Tasks are counted up to the first page unless -count is set, and lists of many pages are complete.
func TestLongLists(t *testing.T) {
	t.Parallel()
	s := newStage(t, t.TempDir())
	const tasks = 2*maxPage + 100
	s.fill(t, tasks)
	run := func(args string) string {
		t.Helper()
		code, out := s.run(t, args)
		if code != cli.ExitOK {
			t.Fatalf("%s: exit code %d; printed:\n%s", args, code, out)
		}
		return out
	}
	row := regexp.MustCompile(`(?m)^\S+ +europe-west1 +reports +RUNNING +(\S+)`)
	for args, want := range map[string]string{"ls": "1000+", "ls -count": "2,100"} {
		if got := row.FindStringSubmatch(run(args)); got == nil || got[1] != want {
			t.Errorf("%s: %q, want %s tasks", args, got, want)
		}
	}
	var queues []struct {
		Tasks     int
		MoreTasks bool
	}
	if err := json.Unmarshal([]byte(run("ls -json -queue "+reportsQueue)), &queues); err != nil || len(queues) != 1 || queues[0].Tasks != maxPage || !queues[0].MoreTasks {
		t.Errorf("queues %+v, %v", queues, err)
	}
	var listed []struct{ Name string }
	if err := json.Unmarshal([]byte(run("ls tasks -json")), &listed); err != nil || len(listed) != tasks {
		t.Errorf("%d tasks, %v", len(listed), err)
	}
	if lines := strings.Count(run("ls tasks -limit 1234"), "\n"); lines != 1235 {
		t.Errorf("%d lines, want 1234 tasks and a header", lines)
	}
	if out := run("discard -type Report -yes"); out != "2,100 tasks deleted\n" || s.left(t) != 0 {
		t.Errorf("printed %q, %d left", out, s.left(t))
	}
}
