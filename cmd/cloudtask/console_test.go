package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// page requests a page of the console under that host name and returns its status and text.
func (p *process) page(t *testing.T, method, path, host string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+p.addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
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

// addr returns the address that p listens on, which may differ from the advertised one.
func (p *process) addr() string { return "127.0.0.1" + p.host[strings.LastIndexByte(p.host, ':'):] }

// The console shows finished tasks, after a restart too, and is served under the names of this machine and the advertised name.
func TestDevConsole(t *testing.T) {
	t.Parallel()
	worker := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "well received") }))
	defer worker.Close()
	const queue = "projects/p/locations/l/queues/q"
	dir := t.TempDir()
	p := startDev(t, "-listen", "127.0.0.1:0", "-dir", dir)
	if err := createTask(t, p.client(t), queue, worker.URL+"/Greet"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, body := p.page(t, "GET", "/ui/finished", ""); strings.Contains(body, "well received") {
			break
		} else if time.Now().After(end) {
			t.Fatalf("the task is not among those that have finished:\n%s", body)
		}
	}
	if code, rest := p.end(t, os.Interrupt); code != 0 || rest != "" {
		t.Errorf("exit code %d, printed %q", code, rest)
	}

	p = startDev(t, "-listen", "127.0.0.1:0", "-dir", dir, "-advertise", "queue.internal", "-read-only")
	for host, want := range map[string]int{"localhost": 200, "queue.internal": 200, "queue.internal:99": 200, "evil.example": 403} {
		status, body := p.page(t, "GET", "/ui/finished", host)
		if status != want || want == 200 && (!strings.Contains(body, "well received") || !strings.Contains(body, "read-only")) {
			t.Errorf("%s: status %d, want %d:\n%s", host, status, want, body)
		}
	}
	if status, body := p.page(t, "POST", "/ui/do/purge", "localhost"); status != 403 || !strings.Contains(body, "read-only") {
		t.Errorf("an action of a read-only console: %d %s", status, body)
	}
	p.end(t, syscall.SIGTERM)

	p = startDev(t, "-listen", "127.0.0.1:0", "-dir", dir, "-history", "0")
	if _, body := p.page(t, "GET", "/ui/finished", ""); !strings.Contains(body, "History is off") {
		t.Errorf("without a history:\n%s", body)
	}
}
