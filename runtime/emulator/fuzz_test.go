package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// FuzzCreateTask sends arbitrary tasks through a gRPC server and gets back what it was answered.
func FuzzCreateTask(f *testing.F) {
	h := newHostile(f)
	seeds := []*cloudtaskspb.CreateTaskRequest{
		{},
		{Parent: queueName},
		{Parent: queueName, Task: &cloudtaskspb.Task{}},
		{Parent: queueName, Task: httpTask("http://h/", "body"), ResponseView: cloudtaskspb.Task_FULL},
		{Parent: queueName, Task: httpTask("http://example.com/%zz", "")},
		{Parent: queueName, Task: named("t1"), ResponseView: 77},
		{Parent: "projects/p/locations/l/queues/q/tasks/x", Task: named("a/b/queues/c/tasks/d")},
		{Parent: queueName, Task: &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_AppEngineHttpRequest{}}},
		{Parent: queueName, Task: &cloudtaskspb.Task{
			MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
				Url: "https://h", HttpMethod: -1, Headers: map[string]string{"": "", "a\nb": "c\r\nd", "X-Google-": "x"},
				AuthorizationHeader: &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: "a"}},
			}},
			ScheduleTime:     &timestamppb.Timestamp{Seconds: -1 << 62, Nanos: -1},
			DispatchDeadline: &durationpb.Duration{Seconds: 1 << 62},
			RetryConfig:      &cloudtaskspb.RetryConfig{MaxAttempts: -1 << 31, MinBackoff: &durationpb.Duration{Seconds: -1 << 62}, MaxDoublings: 1<<31 - 1},
			View:             -5,
		}},
	}
	for _, seed := range seeds {
		raw, err := proto.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		req := &cloudtaskspb.CreateTaskRequest{}
		if proto.Unmarshal(raw, req) != nil {
			return // gRPC refuses it before it reaches us
		}
		ctx := h.next(t)
		client := cloudtaskspb.NewCloudTasksClient(h.conn)
		created, err := client.CreateTask(ctx, req)
		switch code := status.Code(err); code {
		case codes.OK:
			stored, err := client.GetTask(ctx, &cloudtaskspb.GetTaskRequest{Name: created.GetName(), ResponseView: req.GetResponseView()})
			if err != nil || !proto.Equal(created, stored) {
				t.Errorf("%v, created %v\nstored  %v", err, created, stored)
			}
		case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists:
			if status.Convert(err).Message() == "" {
				t.Errorf("%v without a message", code)
			}
		default:
			t.Errorf("%v for %v", err, req)
		}
	})
}

// hostile is a service for inputs of any kind. After some hundred of them it is closed, which must leave neither
// goroutines nor memory behind, and another takes its place.
type hostile struct {
	queue  *localqueue.Service
	server *emulator.Server
	conn   *grpc.ClientConn
	client *http.Client

	inputs int
}

const (
	inputsOfAService = 500
	callTime         = 20 * time.Second    // far more than any call takes: whatever needs it hangs
	engineHeap       = 100 << 20           // what the fuzzing engine makes its inputs in
	maxHeap          = 256 << 20           // of the whole process, while a service is open
	maxHeapLeft      = engineHeap + 32<<20 // once it is closed
)

// open starts the service.
func (h *hostile) open(t testing.TB) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	var err error
	if h.queue, err = localqueue.New(localqueue.WithVirtualClock(time.Time{}), localqueue.WithHandler(http.NotFoundHandler()), localqueue.WithLogger(logger)); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.server = emulator.Serve(h.queue, listener, emulator.WithLogger(logger))
	h.conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	h.client = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", listener.Addr().String())
	}}}
}

// close ends the service and checks that nothing of it is left.
func (h *hostile) close(t testing.TB) {
	t.Helper()
	if heap := liveHeap(); heap > maxHeap {
		t.Errorf("%d MiB of memory after %d inputs", heap>>20, h.inputs)
	}
	h.client.CloseIdleConnections()
	for _, end := range []func() error{h.conn.Close, h.server.Close, h.queue.Close} {
		if err := end(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
	h.queue, h.server, h.conn, h.client = nil, nil, nil, nil
	left := ofServices()
	for end := time.Now().Add(10 * time.Second); len(left) > 0 && time.Now().Before(end); left = ofServices() {
		time.Sleep(time.Millisecond)
	}
	if len(left) > 0 {
		t.Fatalf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
	}
	if heap := liveHeap(); heap > maxHeapLeft {
		t.Errorf("%d MiB of memory are left", heap>>20)
	}
}

// ofServices returns the stacks of the goroutines that services and their clients started. The fuzzing engine has some of
// its own.
func ofServices() []string {
	stacks := make([]byte, 4<<20)
	all := strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n")
	return slices.DeleteFunc(all[1:], func(stack string) bool { // the first is the caller's
		return !strings.Contains(stack, "runtime/localqueue.") && !strings.Contains(stack, "runtime/emulator.") &&
			!strings.Contains(stack, "google.golang.org/grpc") && !strings.Contains(stack, "net/http.")
	})
}

func liveHeap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// next makes the service ready for another input, which has the context's time.
func (h *hostile) next(t *testing.T) context.Context {
	t.Helper()
	if h.inputs++; h.inputs%inputsOfAService == 0 {
		h.close(t)
		h.open(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), callTime)
	t.Cleanup(cancel)
	return ctx
}

// newHostile opens a service for the inputs of f.
func newHostile(f *testing.F) *hostile {
	h := &hostile{}
	h.open(f)
	f.Cleanup(func() { h.close(f) })
	return h
}

// FuzzCall sends an arbitrary request to any method over gRPC. It must be answered, with an error that a client can
// do something about if with any.
func FuzzCall(f *testing.F) {
	h := newHostile(f)
	methods := allMethods(f)
	for i, method := range methods {
		f.Add(uint8(i), []byte{})
		// The resource names of a request are its first fields, in every request.
		for _, name := range []string{queueName, locationName, queueName + "/tasks/t", locationName + "/cmekConfig", "projects/p", locationName + "/operations/o"} {
			req := newMessage(f, method.Input())
			first := req.ProtoReflect().Descriptor().Fields().ByNumber(1)
			if first.Kind() == protoreflect.StringKind {
				req.ProtoReflect().Set(first, protoreflect.ValueOfString(name))
			} else if inner := req.ProtoReflect().Mutable(first).Message(); inner.Descriptor().Fields().ByName("name") != nil {
				inner.Set(inner.Descriptor().Fields().ByName("name"), protoreflect.ValueOfString(name))
			}
			raw, err := proto.Marshal(req)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), raw)
		}
	}
	f.Fuzz(func(t *testing.T, index uint8, raw []byte) {
		method := methods[int(index)%len(methods)]
		req, resp := newMessage(t, method.Input()), newMessage(t, method.Output())
		if proto.Unmarshal(raw, req) != nil {
			return
		}
		ctx := h.next(t)
		err := h.conn.Invoke(ctx, fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()), req, resp)
		switch code := status.Code(err); code {
		case codes.OK:
		case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.Aborted:
			if status.Convert(err).Message() == "" {
				t.Errorf("%v without a message", code)
			}
		case codes.Unimplemented:
			if method.Parent().Name() != "Operations" { // of which Cloud Tasks has one method
				t.Errorf("%s: %v", method.FullName(), err)
			}
		default:
			t.Errorf("%s: %v for %v", method.FullName(), err, req)
		}
	})
}

// allMethods are those of the services on the port.
func allMethods(t testing.TB) []protoreflect.MethodDescriptor {
	t.Helper()
	var methods []protoreflect.MethodDescriptor
	for _, name := range []protoreflect.FullName{"google.cloud.tasks.v2.CloudTasks", "google.cloud.location.Locations", "google.longrunning.Operations"} {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			t.Fatal(err)
		}
		of := found.(protoreflect.ServiceDescriptor).Methods()
		for i := range of.Len() {
			methods = append(methods, of.Get(i))
		}
	}
	return methods
}

func newMessage(t testing.TB, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	found, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		t.Fatal(err)
	}
	return found.New().Interface()
}

// FuzzREST sends arbitrary requests over REST.
func FuzzREST(f *testing.F) {
	h := newHostile(f)
	for _, seed := range []struct{ method, path, query, kind, body string }{
		{"POST", locationPath + "/queues", "", "", `{"name": "` + queueName + `", "httpTarget": {"uriOverride": {"host": "h", "port": "5", "pathOverride": {}}}}`},
		{"PATCH", queuePath, "updateMask=rateLimits.maxDispatchesPerSecond", "", `{"rateLimits": {"maxDispatchesPerSecond": "NaN"}}`},
		{"POST", queuePath + "/tasks", "", "application/json", createT1},
		{"POST", queuePath + "/tasks", "$alt=json;enum-encoding=int", "", `{"task": {"appEngineHttpRequest": {"relativeUri": "/", "headers": {"a": null}}}, "responseView": 2}`},
		{"POST", queuePath + "/tasks:buffer", "", "text/plain", "hello"},
		{"POST", queuePath + "/tasks:buffer", "", "text/p\xb0\xb0in", "hello"},
		{"GET", queuePath + "/tasks/t1:buffer", "fields=task(name,view)", "", ""},
		{"GET", locationPath + "/queues", "filter=state:PAUSED OR (NOT name=*x AND -purge_time>2020-01-01T00:00:00Z)&pageSize=1&pageToken=a", "", ""},
		{"GET", queuePath + "/tasks", "pageSize=-1&responseView=FULL&fields=tasks/name,next*", "", ""},
		{"POST", queuePath + "/tasks:batchCreate", "prettyPrint=false", "", `{"requests": [{"task": {"scheduleTime": "9999-12-31T23:59:59Z"}}]}`},
		{"POST", queuePath + ":setIamPolicy", "alt=proto", "application/x-protobuf", "\n\x02ab"},
		{"DELETE", queuePath + "/tasks/%2e%2E", "", "", ""},
		{"OPTIONS", queuePath + ":pause", "", "", ""},
		{"GET", locationPath + "/operations/a/b", "", "", ""},
	} {
		f.Add(seed.method, seed.path, seed.query, seed.kind, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, path, query, kind, body string) {
		target, err := url.Parse("http://h" + path)
		if err != nil || target.Host != "h" {
			return // no request that a client sends
		}
		if strings.HasPrefix(target.Path, "/_cloudtask/") {
			return // the control API takes as long as it is told
		}
		target.RawQuery = query
		if query, err = url.QueryUnescape(query); err == nil && !strings.Contains(target.RawQuery, "%") {
			target.RawQuery = strings.NewReplacer(" ", "+", "#", "%23").Replace(query)
		}
		ctx := h.next(t)
		req, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("Content-Type", kind)
		resp, err := h.client.Do(req)
		if ctx.Err() != nil {
			t.Fatalf("%s %s hangs: %v", method, target, err)
		}
		if err != nil {
			return // refused by the client, or a request that is none: what counts is that the server goes on
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode >= 500 {
			t.Errorf("%s %s: %s\n%s", method, target, resp.Status, answer)
		}
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") && method != http.MethodHead && !json.Valid(answer) {
			t.Errorf("%s %s: %s, no JSON: %q", method, target, resp.Status, answer)
		}
	})
}
