//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/creack/pty"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/cmd/internal/cli"
)

// terminal is a process whose standard streams are a terminal.
type terminal struct {
	*os.File
	cmd  *exec.Cmd
	text lockedBuffer // printed so far
	done chan struct{}
}

func startTerminal(t *testing.T, env []string, args ...string) *terminal {
	t.Helper()
	cmd := cloudtaskCommand(t, args...)
	cmd.Env = append(append(cmd.Env, "TERM=xterm"), env...)
	file, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{File: file, cmd: cmd, done: make(chan struct{})}
	go func() {
		defer close(term.done)
		_, _ = io.Copy(&term.text, file) // fails when the process ends
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		file.Close()
	})
	return term
}

// expect waits until the text has been printed.
func (term *terminal) expect(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(term.text.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never printed %q; printed:\n%s", text, term.text.String())
		}
	}
}

// exit waits for the process to exit and returns the exit code and the output, with Unix line ends.
func (term *terminal) exit(t *testing.T) (int, string) {
	t.Helper()
	var exit *exec.ExitError
	if err := term.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	<-term.done
	return term.cmd.ProcessState.ExitCode(), strings.ReplaceAll(term.text.String(), "\r\n", "\n")
}

// On a terminal, commands ask. In production, deletions require typing the project ID.
func TestQuestions(t *testing.T) {
	t.Parallel()
	s := newStage(t, t.TempDir())
	s.fill(t, 3)
	embedded, production := s.env(), append(s.env(), s.production.env...)
	tests := []struct {
		name     string
		env      []string
		args     string
		question string
		answer   string
		code     int
		left     int
	}{
		{"no", embedded, "purge reports -location europe-west1", "Continue? [y/N] ", "n\n", exitDeclined, 3},
		{"nothing", embedded, "discard reports/0 -location europe-west1", "Continue? [y/N] ", "\n", exitDeclined, 3},
		{"end of input", embedded, "purge reports -location europe-west1", "Continue? [y/N] ", "\x04", exitDeclined, 3},
		{"yes", embedded, "discard reports/0 -location europe-west1", "Continue? [y/N] ", "Yes\n", cli.ExitOK, 2},
		{"Ctrl-C", production, "discard -type Report", "Type the project ID, my-project, to continue: ", "\x03", cli.ExitInterrupted, 2},
		{"yes is not the name", production, "discard -type Report", "Type the project ID, my-project, to continue: ", "yes\n", exitDeclined, 2},
		{"the name", production, "purge reports -location europe-west1", "Type the project ID, my-project, to continue: ", "my-project\n", cli.ExitOK, 0},
		{"a change that can be undone", production, "pause reports -location europe-west1", "Continue? [y/N] ", "y\n", cli.ExitOK, 0},
	}
	for _, test := range tests { // one after the other, on the same queue
		term := startTerminal(t, test.env, strings.Fields(test.args)...)
		term.expect(t, test.question)
		if _, err := io.WriteString(term, test.answer); err != nil {
			t.Fatal(err)
		}
		code, text := term.exit(t)
		if code != test.code || s.left(t) != test.left {
			t.Errorf("%s: exit code %d, want %d; %d tasks left, want %d; printed:\n%s", test.name, code, test.code, s.left(t), test.left, text)
		}
		if named := strings.Contains(text, "\x1b[1;31mPRODUCTION: project my-project, location europe-west1, queue reports\x1b[0m\n"); named != (len(test.env) > len(embedded)) {
			t.Errorf("%s: production is named %v; printed:\n%s", test.name, named, text)
		}
	}
}

// Output has colours only on terminals that support them, unless NO_COLOR is set. Task data never controls a terminal.
func TestColours(t *testing.T) {
	t.Parallel()
	s := newStage(t, t.TempDir())
	_, err := s.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: reportsQueue, Task: &cloudtaskspb.Task{
		Name: reportsQueue + "/tasks/hostile", ScheduleTime: timestamppb.New(clockStart.Add(time.Hour)),
		MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
			Url: "http://127.0.0.1:1/%1b%5b31m", Body: []byte("\x1b]0;owned\a\u202e\tx\r\ny"),
			Headers: map[string]string{"Authorization": "Basic hush", "X-C1": "\u009b31m\U000e0041"},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	sequence := regexp.MustCompile(`\x1b\[[0-9;]*m`)
	for _, env := range [][]string{nil, {"NO_COLOR=1"}, {"TERM=dumb"}} {
		for _, args := range []string{"ls", "ls tasks", "show hostile", "show hostile -json"} {
			_, text := startTerminal(t, append(s.env(), env...), strings.Fields(args)...).exit(t)
			if coloured := sequence.MatchString(text); coloured != (env == nil && !strings.Contains(args, "-json")) {
				t.Errorf("%s with %v: coloured %v:\n%s", args, env, coloured, text)
			}
			if rest := sequence.ReplaceAllString(text, ""); strings.ContainsAny(rest, "\x1b\a\r\u202e\u009b\U000e0041") || strings.Contains(text, "\x1b[31mx") || strings.Contains(text, "hush") {
				t.Errorf("%s prints %q", args, text)
			}
			if args == "show hostile -json" && !strings.Contains(text, `"X-C1": "\u009b31m\udb40\udc41"`) {
				t.Errorf("%s prints %q", args, text)
			}
			if args == "show hostile" && !strings.HasSuffix(text, "\n\\x1b]0;owned\\a\\u202e\tx\ny\n") {
				t.Errorf("%s prints %q", args, text)
			}
		}
	}
}

// Long operations show progress. Ctrl-C waits for calls in progress and reports the result; a second one exits immediately.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, twice := range []bool{false, true} {
		s := newStage(t, t.TempDir())
		const tasks, quick = 200, 100
		s.fill(t, tasks)
		var deletions atomic.Int32
		release := make(chan struct{})
		slow, cancel := context.WithCancel(t.Context())
		s.production.setBefore(func(r *http.Request) error {
			if strings.HasSuffix(r.URL.Path, "/BatchDeleteTasks") {
				return status.Error(codes.PermissionDenied, "one by one")
			}
			if strings.HasSuffix(r.URL.Path, "/DeleteTask") && deletions.Add(1) > quick {
				select {
				case <-release:
				case <-slow.Done():
				}
			}
			return nil
		})
		term := startTerminal(t, append(s.env(), s.production.env...), "discard", "-type", "Report", "-yes")
		term.expect(t, "deleting tasks [===============               ] 100 of 200, ")
		if _, err := io.WriteString(term, "\x03"); err != nil {
			t.Fatal(err)
		}
		term.expect(t, "waiting for deletions in progress")
		if twice {
			if _, err := io.WriteString(term, "\x03"); err != nil {
				t.Fatal(err)
			}
			_, text := term.exit(t)
			if status := term.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
				t.Errorf("ended with %v; printed:\n%s", status, text)
			}
			cancel()
			continue
		}
		close(release)
		code, text := term.exit(t)
		cancel()
		if want := fmt.Sprintf("%d tasks deleted\ncloudtask discard: interrupted: %d tasks left\n", tasks-s.left(t), s.left(t)); code != cli.ExitInterrupted || !strings.HasSuffix(text, want) {
			t.Errorf("exit code %d, want %d; printed %q, want %q at its end", code, cli.ExitInterrupted, text, want)
		}
		if left := s.left(t); left != tasks-quick-maxCalls {
			t.Errorf("%d tasks left, want %d: those that had begun may end, and no more begin", left, tasks-quick-maxCalls)
		}
	}
}
