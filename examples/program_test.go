package examples_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is a running example, whose log the test reads.
type program struct {
	cmd   *exec.Cmd
	lines chan string // of standard error; closed when it ends
	log   strings.Builder
}

// start starts a program with additional environment variables. The program is stopped after the test.
func start(t *testing.T, binary string, env ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(binary), lines: make(chan string, 1000)}
	p.cmd.Env = append(os.Environ(), env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	})
	return p
}

// waitFor reads the log up to the first line that contains text.
func (p *program) waitFor(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("%s has ended without logging %q; its log:\n%s", p.cmd, text, p.log.String())
			}
			p.log.WriteString(line + "\n")
			if strings.Contains(line, text) {
				return
			}
		case <-timeout:
			t.Fatalf("%s has not logged %q; its log:\n%s", p.cmd, text, p.log.String())
		}
	}
}

// terminate sends SIGTERM, as Cloud Run and Docker do.
func (p *program) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// wantEnd reads the log to its end. The exit code must be 0.
func (p *program) wantEnd(t *testing.T) {
	t.Helper()
	for line := range p.lines {
		p.log.WriteString(line + "\n")
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%s ended with %v; its log:\n%s", p.cmd, err, p.log.String())
	}
}
