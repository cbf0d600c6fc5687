package emulator_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

const (
	locationName = "projects/p/locations/l"
	queueName    = locationName + "/queues/q"
)

// emulated is a served queue with the official client connected to it.
type emulated struct {
	queue  *localqueue.Service
	server *emulator.Server
	addr   string
	client *cloudtasks.Client
}

// serve starts a strict service on a loopback port, with the queue named queueName in it.
func serve(t *testing.T, opts ...localqueue.Option) *emulated {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	opts = append([]localqueue.Option{localqueue.WithStrict(), localqueue.WithLogger(quiet), localqueue.WithQueues(quickQueue())}, opts...)
	queue, err := localqueue.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queue.Close() })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &emulated{queue: queue, addr: listener.Addr().String()}
	e.server = emulator.Serve(queue, listener, emulator.WithLogger(quiet))
	t.Cleanup(func() { e.server.Close() })
	e.client = dial(t, e.addr)
	return e
}

// quickQueue retries after a millisecond, for tests that wait in real time.
func quickQueue() resource.Queue {
	q := resource.Queue{Name: queueName}
	q.Retry.MinBackoff = time.Millisecond
	q.Retry.MaxBackoff = time.Millisecond
	return q
}

// dial connects the official client to addr.
func dial(t testing.TB, addr string, opts ...grpc.DialOption) *cloudtasks.Client {
	t.Helper()
	clientOpts := []option.ClientOption{
		option.WithEndpoint(addr),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}
	for _, opt := range opts {
		clientOpts = append(clientOpts, option.WithGRPCDialOption(opt))
	}
	client, err := cloudtasks.NewClient(t.Context(), clientOpts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// create creates a task in queueName, which must work.
func (e *emulated) create(t *testing.T, task *cloudtaskspb.Task) *cloudtaskspb.Task {
	t.Helper()
	created, err := e.client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: task})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// pause keeps the tasks of queueName where they are.
func (e *emulated) pause(t *testing.T) {
	t.Helper()
	if _, err := e.client.PauseQueue(t.Context(), &cloudtaskspb.PauseQueueRequest{Name: queueName}); err != nil {
		t.Fatal(err)
	}
}

// httpTask is a task that posts body to url.
func httpTask(url, body string) *cloudtaskspb.Task {
	return &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
		Url: url, HttpMethod: cloudtaskspb.HttpMethod_POST, Body: []byte(body),
	}}}
}

// appEngineTask is a task for App Engine.
func appEngineTask(request *cloudtaskspb.AppEngineHttpRequest) *cloudtaskspb.Task {
	return &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_AppEngineHttpRequest{AppEngineHttpRequest: request}}
}

func named(id string) *cloudtaskspb.Task {
	task := httpTask("http://worker.example/", "")
	task.Name = queueName + "/tasks/" + id
	return task
}

// request is what a worker received.
type request struct {
	since     time.Duration // on a case's virtual clock
	method    string
	host      string
	path, uri string
	header    http.Header
	body      string
}

// worker is a server that answers the n-th request with the n-th status, and the rest with the last.
func worker(t *testing.T, statuses ...int) (url string, received <-chan request) {
	t.Helper()
	requests := make(chan request, 1000)
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading the task's body: %v", err)
		}
		status := statuses[min(n, len(statuses)-1)]
		n++
		w.WriteHeader(status)
		requests <- request{method: r.Method, path: r.URL.Path, header: r.Header, body: string(body)}
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

// next returns the next request, which must come within some seconds.
func next(t *testing.T, received <-chan request) request {
	t.Helper()
	select {
	case r := <-received:
		return r
	case <-time.After(10 * time.Second):
		t.Fatal("the worker was not called")
		return request{}
	}
}

// eventually waits for a condition that becomes true in another goroutine.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

func background() context.Context { return context.Background() }

func timestamp(t time.Time) *timestamppb.Timestamp { return timestamppb.New(t) }
