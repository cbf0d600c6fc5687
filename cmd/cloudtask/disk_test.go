//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// When files cannot be written, as on a full disk, calls fail. What was confirmed before is restored once there is space again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	limited := func(cmd *exec.Cmd) {
		shell, err := exec.LookPath("sh")
		if err != nil {
			t.Fatal(err)
		}
		cmd.Args = append([]string{shell, "-c", `ulimit -f 6000 && exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = shell
	}
	p := startDevAs(t, limited, "-listen", "127.0.0.1:0", "-dir", dir)
	const queue = "projects/p/locations/l/queues/q"
	later := timestamppb.New(time.Now().Add(time.Hour))
	var acked []string
	var refused error
	client := p.client(t)
	for i := range 1000 {
		name := fmt.Sprintf("%s/tasks/t%d", queue, i)
		_, err := client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queue, Task: &cloudtaskspb.Task{
			Name: name, ScheduleTime: later,
			MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: "http://127.0.0.1:1/", Body: make([]byte, 50_000)}},
		}})
		if refused = err; err != nil {
			break
		}
		acked = append(acked, name)
	}
	if status.Code(refused) != codes.Unavailable || !strings.Contains(refused.Error(), dir) || len(acked) < 10 {
		t.Fatalf("%d tasks, then %v: want UNAVAILABLE that names the directory", len(acked), refused)
	}
	if _, err := client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{
		Parent: "projects/p/locations/l", Queue: &cloudtaskspb.Queue{Name: queue + "2"},
	}); status.Code(err) != codes.Unavailable {
		t.Errorf("another call: %v, want UNAVAILABLE", err)
	}
	p.end(t, syscall.SIGTERM)
	if !strings.Contains(p.stderr.String(), "Free space or repair the disk") {
		t.Errorf("no log line says what to do:\n%s", p.stderr)
	}

	p = startDev(t, "-listen", "127.0.0.1:0", "-dir", dir)
	client = p.client(t)
	for _, name := range acked {
		if _, err := client.GetTask(t.Context(), &cloudtaskspb.GetTaskRequest{Name: name}); err != nil {
			t.Errorf("%s was answered: %v", name, err)
		}
	}
	if err := createTask(t, client, queue, "http://127.0.0.1:1/"); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

func TestDirIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/new/dir"
	p := startDev(t, "-listen", "127.0.0.1:0", "-dir", dir, "-queue", "projects/p/locations/l/queues/q")
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v: want a directory of mode 0700", info, err)
	}
	second := cloudtaskCommand(t, "dev", "-listen", "127.0.0.1:0", "-dir", dir)
	if out, err := second.CombinedOutput(); err == nil || second.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), dir+" is in use by another queue") {
		t.Errorf("a second process: %v\n%s", err, out)
	}
	p.end(t, syscall.SIGTERM)
	p = startDev(t, "-listen", "127.0.0.1:0", "-dir", dir)
	p.end(t, syscall.SIGTERM) // all of its standard error is there then
	if text := p.stderr.String(); !strings.Contains(text, "queues recovered") || !strings.Contains(text, "queues=1 tasks=0") {
		t.Errorf("no log line says what was recovered:\n%s", text)
	}
}
