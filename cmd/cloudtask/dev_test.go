package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/issuer"
)

// process is a running cloudtask process.
type process struct {
	cmd    *exec.Cmd
	host   string // of the ready line
	stdout *bufio.Reader
	stderr *lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func cloudtaskCommand(t *testing.T, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // nothing here takes as long
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asCommand+"=1", quickExit)
	return cmd
}

// startDev starts cloudtask dev and waits for its ready line.
func startDev(t *testing.T, args ...string) *process {
	t.Helper()
	return startDevAs(t, func(*exec.Cmd) {}, args...)
}

// startDevAs is like startDev, but setUp can change the command.
func startDevAs(t *testing.T, setUp func(*exec.Cmd), args ...string) *process {
	t.Helper()
	p := &process{cmd: cloudtaskCommand(t, append([]string{"dev"}, args...)...), stderr: &lockedBuffer{}}
	setUp(p.cmd)
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		p.cmd.Wait()
	})
	p.stdout = bufio.NewReader(stdout)
	line, err := p.stdout.ReadString('\n')
	host, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "ready ")
	if err != nil || !ok {
		t.Fatalf("printed %q, %v; standard error:\n%s", line, err, p.stderr)
	}
	p.host = host
	return p
}

// end sends the signal and returns the exit code and the rest of the output.
func (p *process) end(t *testing.T, sig os.Signal) (code int, rest string) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	return p.wait(t)
}

func (p *process) wait(t *testing.T) (code int, rest string) {
	t.Helper()
	out, err := io.ReadAll(p.stdout)
	if err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode(), string(out)
}

func (p *process) client(t *testing.T) *cloudtasks.Client {
	t.Helper()
	client, err := cloudtasks.NewClient(t.Context(), option.WithEndpoint(p.host), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func createTask(t *testing.T, client *cloudtasks.Client, queue, url string) error {
	t.Helper()
	_, err := client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queue, Task: &cloudtaskspb.Task{
		MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: url}},
	}})
	return err
}

func TestDevServesUntilASignal(t *testing.T) {
	t.Parallel()
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		p := startDev(t, "-listen", "127.0.0.1:0")
		if host, port, err := net.SplitHostPort(p.host); err != nil || host != "127.0.0.1" || port == "0" {
			t.Errorf("ready %s", p.host)
		}
		const queue = "projects/any/locations/where/queues/new"
		if err := createTask(t, p.client(t), queue, "http://127.0.0.1:1/"); err != nil {
			t.Errorf("a task for a queue that is missing: %v", err)
		}
		code, rest := p.end(t, sig)
		if code != 0 || rest != "" {
			t.Errorf("%v: exit code %d, printed %q after the ready line; standard error:\n%s", sig, code, rest, p.stderr)
		}
		if !strings.Contains(p.stderr.String(), queue) {
			t.Errorf("no log line names the queue that was created:\n%s", p.stderr)
		}
	}
}

func TestDevQueues(t *testing.T) {
	t.Parallel()
	const full = "projects/p/locations/l/queues/full"
	p := startDev(t, "-listen", "127.0.0.1:0", "-strict", "-queue", full, "-queue", "bare")
	client := p.client(t)
	for queue, want := range map[string]codes.Code{
		full:                                   codes.OK,
		"projects/p/locations/l/queues/bare":   codes.OK,
		"projects/x/locations/y/queues/bare":   codes.OK,
		"projects/x/locations/y/queues/full":   codes.NotFound,
		"projects/p/locations/l/queues/absent": codes.NotFound,
	} {
		if err := createTask(t, client, queue, "http://127.0.0.1:1/"); status.Code(err) != want {
			t.Errorf("%s: %v, want %v", queue, err, want)
		}
	}
}

func TestDevIssuerIsTheReadyLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		args     []string
		wantHost string // without the port
	}{
		{"address", []string{"-listen", "127.0.0.1:0"}, "127.0.0.1"},
		{"name", []string{"-listen", "localhost:0"}, "localhost"},
		{"every interface", []string{"-listen", "0.0.0.0:0"}, "127.0.0.1"},
		{"empty host", []string{"-listen", ":0"}, "127.0.0.1"},
		{"advertised", []string{"-listen", ":0", "-advertise", "queue.internal"}, "queue.internal"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := startDev(t, test.args...)
			host, port, err := net.SplitHostPort(p.host)
			if err != nil || host != test.wantHost {
				t.Errorf("ready %s, want the host %s", p.host, test.wantHost)
			}
			resp, err := http.Get("http://127.0.0.1:" + port + "/.well-known/openid-configuration")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || !strings.Contains(string(body), `"http://`+p.host+`"`) {
				t.Errorf("discovery %s, %v: want the issuer http://%s", body, err, p.host)
			}
		})
	}
}

func TestDevAllowedHosts(t *testing.T) {
	t.Parallel()
	p := startDev(t, "-listen", "127.0.0.1:0", "-advertise", "queue.example.com", "-allow-host", "other.example.com")
	_, port, _ := net.SplitHostPort(p.host)
	for host, want := range map[string]int{"queue.example.com": 200, "other.example.com:80": 200, "queue:1": 200, "evil.example.com": 403} {
		for _, path := range []string{"/", "/v2/projects/p/locations/l/queues", "/_cloudtask/v1/now"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = host
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s of %s: %d, want %d", path, host, resp.StatusCode, want)
			}
		}
	}
	if !strings.Contains(p.stderr.String(), "evil.example.com") {
		t.Errorf("no log line tells of what was refused:\n%s", p.stderr)
	}
}

func TestDevDeliversAppEngineTasks(t *testing.T) {
	t.Parallel()
	received := make(chan string, 2)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r.RequestURI }))
	defer app.Close()
	p := startDev(t, "-listen", "127.0.0.1:0", "-app-engine", app.URL+"/default", "-app-engine", "worker="+app.URL+"/worker")
	client := p.client(t)
	for service, want := range map[string]string{"": "/default/x?a=b", "worker": "/worker/x?a=b"} {
		_, err := client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: "projects/p/locations/l/queues/q", Task: &cloudtaskspb.Task{
			MessageType: &cloudtaskspb.Task_AppEngineHttpRequest{AppEngineHttpRequest: &cloudtaskspb.AppEngineHttpRequest{
				RelativeUri: "/x?a=b", AppEngineRouting: &cloudtaskspb.AppEngineRouting{Service: service},
			}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-received:
			if got != want {
				t.Errorf("service %q: %s, want %s", service, got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("not delivered")
		}
	}
}

// The first signal waits for a running attempt, the second interrupts it.
func TestDevDrains(t *testing.T) {
	t.Parallel()
	for _, kill := range []bool{false, true} {
		running, release := make(chan struct{}), make(chan struct{})
		var finished bool
		worker := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(running)
			select {
			case <-release:
				finished = true
			case <-r.Context().Done():
			}
		})}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go worker.Serve(listener)
		p := startDev(t, "-listen", "127.0.0.1:0")
		if err := createTask(t, p.client(t), "projects/p/locations/l/queues/q", "http://"+listener.Addr().String()); err != nil {
			t.Fatal(err)
		}
		<-running
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); !strings.Contains(p.stderr.String(), "shutting down"); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("no log line about shutting down:\n%s", p.stderr)
			}
		}
		if kill {
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		} else {
			// The handler may still need the keys to verify its token.
			resp, err := http.Get("http://" + p.host + issuer.KeysPath)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Errorf("while draining: %v, %v; want the keys", resp, err)
			} else {
				resp.Body.Close()
			}
			close(release)
		}
		code, _ := p.wait(t)
		worker.Close()
		if kill && code == 0 || !kill && (code != 0 || !finished) {
			t.Errorf("second signal %v: exit code %d, attempt finished %v; standard error:\n%s", kill, code, finished, p.stderr)
		}
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() }) // after the parallel tests
	tests := []struct {
		args           string
		code           int
		stdout, stderr string // what each holds; "" is nothing at all
	}{
		{"", 2, "", "usage: cloudtask COMMAND"},
		{"nonsense", 2, "", `unknown command "nonsense"`},
		{"help", 0, "serve the embedded queue", ""},
		{"-h", 0, "usage: cloudtask COMMAND", ""},
		{"help dev", 0, "-queue NAME", ""},
		{"dev -h", 0, "usage: cloudtask dev", ""},
		{"help nonsense", 2, "", `unknown command "nonsense"`},
		{"dev -nonsense", 2, "", "-nonsense"},
		{"dev extra", 2, "", `unexpected argument "extra"`},
		{"dev -listen nonsense", 2, "", `-listen "nonsense": want HOST:PORT`},
		{"dev -listen 127.0.0.1:0 -dir /dev/null", 1, "", "/dev/null"},
		{"dev -clock sideways", 2, "", `-clock "sideways": want real or virtual`},
		{"dev -start 2026-03-01T12:00:00Z", 2, "", "-start requires -clock virtual"},
		{"dev -clock virtual -start noon", 2, "", "want a time such as"},
		{"dev -history -1", 2, "", "-history -1: must not be negative"},
		{"dev -seed x", 2, "", "want a whole number"},
		{"dev -queue-file absent.yaml", 2, "", "absent.yaml"},
		{"dev -listen 127.0.0.1:0 -queue a_b", 2, "", "a_b"},
		{"dev -listen 127.0.0.1:0 -queue q/tasks/t", 2, "", "q/tasks/t"},
		{"dev -listen 127.0.0.1:0 -app-engine localhost:8080", 2, "", `the base URL "localhost:8080" must be http:// or https:// and a host`},
		{"dev -listen 127.0.0.1:0 -app-engine worker=h", 2, "", `App Engine service "worker": the base URL "h"`},
		{"dev -listen 127.0.0.1:0 -advertise http://h", 2, "", `-advertise "http://h"`},
		{"dev -listen 127.0.0.1:0 -default-url localhost:8080", 2, "", `the default URL "localhost:8080" must be http:// or https:// and a host`},
		{"dev -listen 127.0.0.1:0 -default-url a_b=http://h/", 2, "", `for the queue "a_b"`},
		{"dev -listen 127.0.0.1:0 -default-url http://h/{region}", 2, "", "only {project}, {location} and {queue} are filled in"},
		{"dev -allow-host queue.example.com:8123", 2, "", "want a host name without a port"},
		{"dev -listen 127.0.0.1:0 -advertise h:0", 2, "", `-advertise "h:0"`},
		{"dev -listen " + taken.Addr().String(), 1, "", "address already in use"},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			cmd := cloudtaskCommand(t, strings.Fields(test.args)...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			var exit *exec.ExitError
			if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for stream, texts := range map[string][2]string{"output": {stdout.String(), test.stdout}, "error": {stderr.String(), test.stderr}} {
				if got, want := texts[0], texts[1]; !strings.Contains(got, want) || want == "" && got != "" {
					t.Errorf("standard %s:\n%s\nwant %q in it", stream, got, want)
				}
			}
		})
	}
}
