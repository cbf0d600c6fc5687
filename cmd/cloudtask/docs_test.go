package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentedCommands runs the commands of docs/command.md in order. A command follows "$ ", and its output is on the next lines.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "command.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := newStage(t, dir)
	for _, args := range [][]string{
		{"emails/import-31", "ImportContacts", `{"file":"broken.csv"}`},
		{"emails/welcome-77", "SendWelcomeEmail", `{"user_id":7}`, "90m1s"},
		{"reports/daily", "Report", `{}`, "24h"},
		{"us-east1/reports/daily", "Report", `{}`},
	} {
		if err := s.enqueue(args); err != nil {
			t.Fatal(err)
		}
	}
	deliver := func(d time.Duration) {
		t.Helper()
		if _, err := s.queue.RunFor(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	deliver(time.Second)
	blocks := consoles(strings.ReplaceAll(string(page), "\r\n", "\n"))
	if len(blocks) < 5 {
		t.Fatalf("only %d blocks of commands", len(blocks))
	}
	for _, block := range blocks {
		for _, command := range strings.Split(block, "$ ")[1:] {
			line, want, _ := strings.Cut(command, "\n")
			if strings.HasPrefix(line, "cloudtask replay greet-5 ") { // the page continues with another queue
				if err := s.enqueue([]string{"emails/greet-5", "Greet", `{"name":"Ann"}`}); err != nil {
					t.Fatal(err)
				}
			}
			if strings.HasPrefix(line, "cloudtask replay failures/") {
				if _, err := s.queue.ResumeQueue(t.Context(), "projects/my-project/locations/europe-west1/queues/emails"); err != nil {
					t.Fatal(err)
				}
				deliver(time.Second)
			}
			if got := s.output(t, dir, line); got != want {
				t.Errorf("%s (-documented +printed):\n%s", line, cmp.Diff(want, got))
			}
		}
	}
}

// output runs a command of the page and returns its output, with the addresses and durations of the page.
func (s *stage) output(t *testing.T, dir, line string) string {
	t.Helper()
	args := strings.Fields(line)[1:]
	for i, arg := range args {
		if arg == "''" {
			args[i] = ""
		}
		args[i] = strings.ReplaceAll(args[i], "http://localhost:8080", s.handler.URL)
	}
	if args[0] == "replay" && !strings.Contains(line, "-to") {
		args = append(args, "-to", s.handler.URL)
	}
	cmd := cloudtaskCommand(t, args...)
	cmd.Dir = dir
	cmd.Env = append(append(cmd.Env, s.production.env...), s.env()...)
	out, _ := cmd.CombinedOutput() // the page has no exit codes
	text := strings.NewReplacer(s.handler.URL, "http://localhost:8080", s.worker.URL, "http://localhost:8080", s.embedded, "127.0.0.1:8123").Replace(string(out))
	return regexp.MustCompile(`(?m), after \S+$`).ReplaceAllString(text, ", after 2ms")
}

// consoles returns the fenced console blocks of a Markdown page.
func consoles(page string) []string {
	var blocks []string
	for _, part := range strings.Split(page, "```console\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		blocks = append(blocks, block)
	}
	return blocks
}
