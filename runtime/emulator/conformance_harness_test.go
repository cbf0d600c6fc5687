package emulator_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// setup is what a case's service is started with, besides the queue named queueName.
type setup struct {
	real      bool              // the clock; otherwise it is virtual and stands at restClock
	appEngine map[string]string // base URLs by service
}

// fresh starts a strict service for one case: in this process, or with -dev as a process of its own. Its queue field is
// for nobody: a case sees what a client sees.
func fresh(t *testing.T, with setup) *emulated {
	t.Helper()
	if *devCommand != "" {
		return startCommand(t, with)
	}
	opts := []localqueue.Option{localqueue.WithQueues(resource.Queue{Name: queueName})}
	if !with.real {
		opts = append(opts, localqueue.WithVirtualClock(restClock()))
	}
	for service, url := range with.appEngine {
		opts = append(opts, localqueue.WithAppEngine(service, url))
	}
	e := serve(t, opts...)
	e.queue = nil
	return e
}

// startCommand starts cloudtask dev and waits until it serves.
func startCommand(t *testing.T, with setup) *emulated {
	t.Helper()
	args := []string{"dev", "-listen", "127.0.0.1:0", "-strict", "-queue", queueName}
	if !with.real {
		args = append(args, "-clock", "virtual", "-start", restClock().Format(time.RFC3339Nano))
	}
	for service, url := range with.appEngine {
		args = append(args, "-app-engine", strings.TrimPrefix(service+"="+url, "="))
	}
	cmd := exec.Command(*devCommand, args...)
	cmd.Stderr = io.Discard
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // the second signal ends what still runs
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Process.Signal(os.Kill)
		_ = cmd.Wait() // killed
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		t.Fatalf("%v printed %q, %v", args, line, err)
	}
	return &emulated{addr: addr, client: dial(t, addr)}
}

// moved makes a call of the control API that must work and returns its answer.
func (e *emulated) moved(t testing.TB, method, call, body string) map[string]any {
	req, err := http.NewRequest(method, "http://"+e.addr+"/_cloudtask/v1/"+call, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Errorf("%s: %v", call, err)
		return nil
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s %s: %s, %v, %v", call, body, resp.Status, answer, err)
	}
	return answer
}

// now is the service's virtual time.
func (e *emulated) now(t testing.TB) time.Time {
	text, _ := e.moved(t, "GET", "now", "")["now"].(string)
	now, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Errorf("now: %v", err)
	}
	return now
}

// advance moves the clock by d and delivers nothing.
func (e *emulated) advance(t testing.TB, d time.Duration) {
	e.moved(t, "POST", "advance", fmt.Sprintf(`{"duration": %q}`, d))
}

// run moves the clock by d, delivers what falls due, and returns how many attempts that was.
func (e *emulated) run(t testing.TB, d time.Duration) int {
	attempts, _ := e.moved(t, "POST", "run-for", fmt.Sprintf(`{"duration": %q}`, d))["attempts"].(float64)
	return int(attempts)
}

func (e *emulated) get(t *testing.T, name string) *cloudtaskspb.Task {
	t.Helper()
	task, err := e.client.GetTask(t.Context(), &cloudtaskspb.GetTaskRequest{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return task
}

// update updates the queue queueName.
func (e *emulated) update(t *testing.T, queue *cloudtaskspb.Queue, mask ...string) *cloudtaskspb.Queue {
	t.Helper()
	queue.Name = queueName
	updated, err := e.client.UpdateQueue(t.Context(), &cloudtaskspb.UpdateQueueRequest{Queue: queue, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask}})
	if err != nil {
		t.Fatal(err)
	}
	return updated
}

func (e *emulated) setRate(t *testing.T, rate float64) {
	t.Helper()
	e.update(t, &cloudtaskspb.Queue{RateLimits: &cloudtaskspb.RateLimits{MaxDispatchesPerSecond: rate}}, "rate_limits.max_dispatches_per_second")
}

func (e *emulated) setConcurrency(t *testing.T, n int32) {
	t.Helper()
	e.update(t, &cloudtaskspb.Queue{RateLimits: &cloudtaskspb.RateLimits{MaxConcurrentDispatches: n}}, "rate_limits.max_concurrent_dispatches")
}

func (e *emulated) resume(t *testing.T) {
	t.Helper()
	if _, err := e.client.ResumeQueue(t.Context(), &cloudtaskspb.ResumeQueueRequest{Name: queueName}); err != nil {
		t.Fatal(err)
	}
}

// newQueueNamed creates a queue with default settings.
func (e *emulated) newQueueNamed(t *testing.T, name string) {
	t.Helper()
	if _, err := e.client.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: name[:strings.LastIndex(name, "/queues/")], Queue: &cloudtaskspb.Queue{Name: name}}); err != nil {
		t.Fatal(err)
	}
}

// reply is what a worker answers.
type reply struct {
	status int
	header http.Header
}

// played is a service on a virtual clock whose tasks are answered by a test.
type played struct {
	*emulated
	url string // of the worker

	mu   sync.Mutex
	seen []request // attempts, with the virtual time since the clock's start
}

// play answers the n-th attempt, from 0, with what answer says.
func play(t *testing.T, answer func(p *played, n int) int) *played {
	t.Helper()
	return playReplies(t, func(p *played, n int) reply { return reply{status: answer(p, n)} })
}

func playReplies(t *testing.T, answer func(p *played, n int) reply) *played {
	t.Helper()
	p := &played{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading the task's body: %v", err)
		}
		p.mu.Lock()
		n := len(p.seen)
		p.seen = append(p.seen, request{since: p.now(t).Sub(restClock()), method: r.Method, host: r.Host, path: r.URL.Path, uri: r.RequestURI, header: r.Header, body: string(body)})
		p.mu.Unlock()
		said := answer(p, n)
		maps.Copy(w.Header(), said.header)
		w.WriteHeader(said.status)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	p.emulated = fresh(t, setup{appEngine: map[string]string{"": server.URL}})
	return p
}

func always(status int) func(*played, int) int { return func(*played, int) int { return status } }

// inTurn answers with one status after the other, and with the last for ever.
func inTurn(statuses ...int) func(*played, int) int {
	return func(_ *played, n int) int { return statuses[min(n, len(statuses)-1)] }
}

// task is a task for the worker.
func (p *played) task(id string) *cloudtaskspb.Task {
	task := httpTask(p.url+"/", "")
	if id != "" {
		task.Name = queueName + "/tasks/" + id
	}
	return task
}

// retrying is a task for the worker with retry settings of its own.
func (p *played) retrying(config *cloudtaskspb.RetryConfig) *cloudtaskspb.Task {
	task := p.task("")
	task.RetryConfig = config
	return task
}

// times are those of the attempts, since the clock's start.
func (p *played) times() []time.Duration {
	var times []time.Duration
	for _, r := range p.seen {
		times = append(times, r.since)
	}
	return times
}

// header is what the attempts said in a header; "-" without one.
func (p *played) header(key string) []string {
	var values []string
	for _, r := range p.seen {
		value := "-"
		if all, ok := r.header[http.CanonicalHeaderKey(key)]; ok {
			value = strings.Join(all, "|")
		}
		values = append(values, value)
	}
	return values
}

// wantSeconds compares times to the millisecond.
func wantSeconds(t *testing.T, got []time.Duration, want ...float64) {
	t.Helper()
	var rounded []float64
	for _, at := range got {
		rounded = append(rounded, at.Round(time.Millisecond).Seconds())
	}
	if diff := cmp.Diff(want, rounded); diff != "" {
		t.Errorf("attempts at seconds (-want +got):\n%s", diff)
	}
}

func wantStrings(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
