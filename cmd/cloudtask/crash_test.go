package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var kills = flag.Int("kills", 5, "how often the crash test kills the queue")

const crashClients = 4

// known is the state of a task according to the responses that its client received. A call without a response may or may not have had
// an effect.
type known struct {
	name, id string
	body     []byte
	future   bool // due in an hour
	failing  bool // never succeeds

	created      bool // answered
	run          bool // answered
	mayBeRemoved bool // a deletion or a purge was asked for
	mayHaveRun   bool
	gone         bool // answered, or told by a later answer
	goneIn       int  // generation of the process that said so
	dispatches   int32
}

// worker is the target of tasks. It outlives the queue's processes.
type worker struct {
	*httptest.Server
	mu          sync.Mutex
	connections int
	generation  int            // of the queue's process, from 1
	succeeded   map[string]int // deliveries by task id
	last        map[string]int // generation of the last delivery
}

func newWorker(t *testing.T) *worker {
	w := &worker{generation: 1, succeeded: make(map[string]int), last: make(map[string]int)}
	w.Server = httptest.NewUnstartedServer(w)
	w.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch state {
		case http.StateNew:
			w.connections++
		case http.StateClosed:
			w.connections--
		}
	}
	w.Start()
	t.Cleanup(w.Close)
	return w
}

func (w *worker) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	id := r.Header.Get("X-CloudTasks-TaskName")
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[id] = w.generation
	if r.URL.Path == "/fail" {
		rw.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.succeeded[id]++
}

// next waits for the last requests of a killed process, and starts the next generation.
func (w *worker) next(t *testing.T) {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		if w.connections == 0 {
			w.generation++
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		if time.Now().After(end) {
			t.Fatal("connections of a killed process stay open")
		}
	}
}

func (w *worker) deliveries(id string) (succeeded, last int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.succeeded[id], w.last[id]
}

// crashClient is a client with its own queue and tasks, so it knows their state.
type crashClient struct {
	rand   *rand.Rand
	queue  string
	worker *worker
	calls  *cloudtasks.Client
	tasks  []*known
	byName map[string]*known
	state  map[cloudtaskspb.Queue_State]bool // that the queue can be in
	acked  int
}

// TestCrash kills the queue at random moments while clients use it, and compares the responses that they received with the restored
// tasks and with the deliveries. "make soak" runs it for longer.
func TestCrash(t *testing.T) {
	t.Parallel()
	dir, w := t.TempDir(), newWorker(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	clients := make([]*crashClient, crashClients)
	for i := range clients {
		clients[i] = &crashClient{
			rand: rand.New(rand.NewPCG(seed, uint64(i))), queue: fmt.Sprintf("projects/p/locations/l/queues/q%d", i), worker: w,
			byName: make(map[string]*known), state: map[cloudtaskspb.Queue_State]bool{cloudtaskspb.Queue_RUNNING: true},
		}
	}
	random := rand.New(rand.NewPCG(seed, 1000))
	for generation := 1; ; generation++ {
		p := startDev(t, "-listen", "127.0.0.1:0", "-dir", dir, "-strict")
		api := p.client(t)
		if generation == 1 {
			for _, c := range clients {
				createCrashQueue(t, api, c.queue)
			}
		}
		for _, c := range clients {
			c.calls = api
			c.check(t, generation)
		}
		if generation > *kills {
			for _, c := range clients {
				c.finish(t)
			}
			if code, _ := p.end(t, syscall.SIGTERM); code != 0 {
				t.Errorf("exit code %d; standard error:\n%s", code, p.stderr)
			}
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for _, c := range clients {
			group.Go(func() { c.work(ctx, t, generation) })
		}
		time.Sleep(time.Duration(20+random.IntN(400)) * time.Millisecond)
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cancel()
		group.Wait()
		_ = p.cmd.Wait()
		_ = api.Close()
		if strings.Contains(p.stderr.String(), "watermark") {
			t.Error("the watermark is not as the process before left it")
		}
		if t.Failed() {
			t.Fatalf("in generation %d; standard error:\n%s", generation, p.stderr)
		}
		w.next(t)
	}
	acked := 0
	for _, c := range clients {
		acked += c.acked
	}
	files, err := filepath.Glob(filepath.Join(dir, "*-*"))
	t.Logf("%d kills, %d changes answered; files in the end: %q, %v", *kills, acked, files, err)
	if acked < 20**kills {
		t.Errorf("%d changes answered in all: too few to show anything", acked)
	}
}

func createCrashQueue(t *testing.T, api *cloudtasks.Client, name string) {
	t.Helper()
	_, err := api.CreateQueue(t.Context(), &cloudtaskspb.CreateQueueRequest{Parent: "projects/p/locations/l", Queue: &cloudtaskspb.Queue{
		Name: name,
		RetryConfig: &cloudtaskspb.RetryConfig{
			MaxAttempts: -1, MinBackoff: durationpb.New(20 * time.Millisecond), MaxBackoff: durationpb.New(50 * time.Millisecond),
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// work makes calls until one gets no response.
func (c *crashClient) work(ctx context.Context, t *testing.T, generation int) {
	for {
		var err error
		switch n := c.rand.IntN(100); {
		case n < 60:
			err = c.create(ctx)
		case n < 75:
			err = c.remove(ctx, generation)
		case n < 85:
			err = c.runTask(ctx)
		case n < 95:
			err = c.get(ctx, t, generation)
		case n < 97:
			err = c.pause(ctx, cloudtaskspb.Queue_PAUSED)
		case n < 99:
			err = c.pause(ctx, cloudtaskspb.Queue_RUNNING)
		default:
			err = c.purge(ctx, generation)
		}
		switch {
		case ctx.Err() != nil, status.Code(err) == codes.Unavailable, status.Code(err) == codes.Canceled:
			return
		case err != nil:
			t.Errorf("%s: %v", c.queue, err)
			return
		}
		c.acked++
	}
}

func (c *crashClient) create(ctx context.Context) error {
	k := &known{id: fmt.Sprintf("%s-%d", path.Base(c.queue), len(c.tasks)), future: c.rand.IntN(2) == 0, failing: c.rand.IntN(10) == 0}
	k.name = c.queue + "/tasks/" + k.id
	size := c.rand.IntN(600)
	if c.rand.IntN(20) == 0 {
		size = c.rand.IntN(500_000) // in the long run, enough for snapshots
	}
	k.body = bytes.Repeat([]byte{byte(c.rand.IntN(256))}, size)
	task := &cloudtaskspb.Task{Name: k.name, MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: c.worker.URL + "/ok", Body: k.body}}}
	if k.failing {
		task.GetHttpRequest().Url = c.worker.URL + "/fail"
	}
	if k.future {
		task.ScheduleTime = timestamppb.New(time.Now().Add(time.Hour))
	}
	c.tasks = append(c.tasks, k)
	c.byName[k.name] = k
	_, err := c.calls.CreateTask(ctx, &cloudtaskspb.CreateTaskRequest{Parent: c.queue, Task: task})
	k.created = err == nil
	return err
}

// pick returns a created task, preferably a recent one, or nil.
func (c *crashClient) pick() *known {
	for range 10 {
		if n := len(c.tasks); n > 0 {
			if k := c.tasks[n-1-c.rand.IntN(min(n, 100))]; k.created {
				return k
			}
		}
	}
	return nil
}

func (c *crashClient) remove(ctx context.Context, generation int) error {
	k := c.pick()
	if k == nil {
		return nil
	}
	k.mayBeRemoved = true
	err := c.calls.DeleteTask(ctx, &cloudtaskspb.DeleteTaskRequest{Name: k.name})
	if err == nil || status.Code(err) == codes.NotFound {
		k.setGone(generation)
		return nil
	}
	return err
}

func (k *known) setGone(generation int) {
	if !k.gone {
		k.gone, k.goneIn = true, generation
	}
}

func (c *crashClient) runTask(ctx context.Context) error {
	k := c.pick()
	if k == nil {
		return nil
	}
	k.mayHaveRun = true
	_, err := c.calls.RunTask(ctx, &cloudtaskspb.RunTaskRequest{Name: k.name})
	if status.Code(err) == codes.NotFound {
		return nil
	}
	k.run = k.run || err == nil
	return err
}

func (c *crashClient) get(ctx context.Context, t *testing.T, generation int) error {
	k := c.pick()
	if k == nil {
		return nil
	}
	task, err := c.calls.GetTask(ctx, &cloudtaskspb.GetTaskRequest{Name: k.name})
	if status.Code(err) == codes.NotFound {
		k.setGone(generation)
		return nil
	}
	if err == nil {
		k.saw(t, task)
	}
	return err
}

// saw compares a restored task with its known state.
func (k *known) saw(t *testing.T, task *cloudtaskspb.Task) {
	if k.gone {
		t.Errorf("%s is there, and was said to be gone in generation %d", k.name, k.goneIn)
	}
	if task.GetDispatchCount() < k.dispatches {
		t.Errorf("%s was dispatched %d times, and was said to have been %d times", k.name, task.GetDispatchCount(), k.dispatches)
	}
	k.dispatches = task.GetDispatchCount()
}

func (c *crashClient) pause(ctx context.Context, state cloudtaskspb.Queue_State) error {
	c.state[state] = true
	var err error
	if state == cloudtaskspb.Queue_PAUSED {
		_, err = c.calls.PauseQueue(ctx, &cloudtaskspb.PauseQueueRequest{Name: c.queue})
	} else {
		_, err = c.calls.ResumeQueue(ctx, &cloudtaskspb.ResumeQueueRequest{Name: c.queue})
	}
	if err == nil {
		c.state = map[cloudtaskspb.Queue_State]bool{state: true}
	}
	return err
}

func (c *crashClient) purge(ctx context.Context, generation int) error {
	for _, k := range c.tasks {
		k.mayBeRemoved = true
	}
	_, err := c.calls.PurgeQueue(ctx, &cloudtaskspb.PurgeQueueRequest{Name: c.queue})
	if err == nil {
		for _, k := range c.tasks {
			k.setGone(generation)
		}
	}
	return err
}

// check compares the tasks after a restart with their known states.
func (c *crashClient) check(t *testing.T, generation int) {
	t.Helper()
	queue, err := c.calls.GetQueue(t.Context(), &cloudtaskspb.GetQueueRequest{Name: c.queue})
	if err != nil {
		t.Fatal(err)
	}
	if !c.state[queue.GetState()] {
		t.Errorf("%s is %v, want %v", c.queue, queue.GetState(), c.state)
	}
	c.state = map[cloudtaskspb.Queue_State]bool{queue.GetState(): true}
	if got := queue.GetRetryConfig().GetMinBackoff().AsDuration(); got != 20*time.Millisecond {
		t.Errorf("%s has the minimum back-off %v", c.queue, got)
	}
	there := make(map[string]bool)
	tasks := c.calls.ListTasks(t.Context(), &cloudtaskspb.ListTasksRequest{Parent: c.queue, ResponseView: cloudtaskspb.Task_FULL})
	for {
		task, err := tasks.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		k := c.byName[task.GetName()]
		if k == nil {
			t.Errorf("%s was never created", task.GetName())
			continue
		}
		there[k.name] = true
		k.saw(t, task)
		if !bytes.Equal(task.GetHttpRequest().GetBody(), k.body) {
			t.Errorf("%s has another body than it was created with", k.name)
		}
	}
	for _, k := range c.tasks {
		succeeded, last := c.worker.deliveries(k.id)
		mayBeDone := !k.failing && (!k.future || k.mayHaveRun) // and then it may have been delivered
		switch {
		case k.gone && last > k.goneIn:
			t.Errorf("%s was delivered in generation %d, and was said to be gone in generation %d", k.name, last, k.goneIn)
		case k.created && k.gone && !k.mayBeRemoved && succeeded == 0:
			t.Errorf("%s was lost: said to be gone, never delivered, never deleted", k.name)
		case k.created && !k.mayBeRemoved && !there[k.name] && !(mayBeDone && succeeded > 0):
			t.Errorf("%s was lost: created, not there, delivered %d times (future %v, failing %v)", k.name, succeeded, k.future, k.failing)
		case k.future && !k.mayHaveRun && last != 0:
			t.Errorf("%s was delivered an hour early", k.name)
		}
		if !there[k.name] {
			k.setGone(generation)
		}
	}
}

// finish waits until the queue has delivered all due tasks.
func (c *crashClient) finish(t *testing.T) {
	t.Helper()
	if err := c.pause(t.Context(), cloudtaskspb.Queue_RUNNING); err != nil {
		t.Fatal(err)
	}
	var missing []string
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		missing = missing[:0]
		for _, k := range c.tasks {
			succeeded, last := c.worker.deliveries(k.id)
			due := k.created && !k.mayBeRemoved && (!k.future || k.run)
			if due && (k.failing && last == 0 || !k.failing && succeeded == 0) {
				missing = append(missing, fmt.Sprintf("%s (future %v, run %v, failing %v)", k.id, k.future, k.run, k.failing))
			}
		}
		if len(missing) == 0 {
			return
		}
	}
	t.Errorf("%s: %d tasks were never delivered: %s", c.queue, len(missing), strings.Join(missing[:min(len(missing), 10)], ", "))
}
