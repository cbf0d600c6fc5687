package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/testenv"
)

// asCommand is an environment variable that makes the test binary run the command.
const asCommand = "TEST_AS_CLOUDTASK"

// quickExit makes processes with the race detector exit immediately instead of after a second.
const quickExit = "GORACE=atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	testscript.Main(testenv.M{M: m}, map[string]func(){"cloudtask": main})
}

var clockStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stage has the queue and the servers that scripts use.
type stage struct {
	queue      *localqueue.Service
	embedded   string // HOST:PORT
	client     *cloudtasks.Client
	production *production
	worker     *httptest.Server // answers with what it receives
	handler    *httptest.Server // of the task Greet, which wants the embedded queue's tokens, fails, and saves failures
}

// newStage starts an embedded queue on a virtual clock, with the queues emails and reports, and a fake production in front of it.
func newStage(t testing.TB, dir string) *stage {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	queue, err := localqueue.New(localqueue.WithLogger(quiet), localqueue.WithVirtualClock(clockStart), localqueue.WithHistory(100), localqueue.WithQueues(
		resource.Queue{Name: "projects/my-project/locations/europe-west1/queues/emails", RateLimits: resource.RateLimits{MaxDispatchesPerSecond: 0.5, MaxConcurrentDispatches: 8},
			Retry: cloudtask.RetryConfig{MaxAttempts: 5, MinBackoff: 10 * time.Second, MaxBackoff: 5 * time.Minute, MaxDoublings: 3}},
		resource.Queue{Name: "projects/my-project/locations/europe-west1/queues/reports"},
		resource.Queue{Name: "projects/my-project/locations/us-east1/queues/reports", State: resource.StatePaused},
	))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := emulator.Serve(queue, listener, emulator.WithLogger(quiet), emulator.WithHosts("cloudtasks.googleapis.com"))
	s := &stage{queue: queue, embedded: listener.Addr().String(), worker: httptest.NewServer(http.HandlerFunc(work))}
	if s.client, err = gcp.Connect(context.Background(), cloudtask.Config{EmulatorHost: s.embedded}); err != nil {
		t.Fatal(err)
	}
	s.handler = httptest.NewServer(failingHandler(t, s.embedded, filepath.Join(dir, "failures")))
	s.production = newProduction(t, dir, s.embedded)
	t.Cleanup(func() {
		s.client.Close()
		s.worker.Close()
		s.handler.Close()
		server.Close()
		queue.Close()
	})
	return s
}

// work responds with the status at the end of the path, with 503 to a broken payload, or else with 200. The response has the request.
func work(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	if _, text, found := strings.Cut(r.URL.Path, "-"); found {
		fmt.Sscan(text, &status)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	if bytes.Contains(body, []byte("broken")) {
		status = http.StatusServiceUnavailable
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s\n", r.Method, r.URL)
	if !strings.HasPrefix(r.Host, "127.0.0.1:") {
		fmt.Fprintf(&text, "Host: %s\n", r.Host)
	}
	r.Header.WriteSubset(&text, map[string]bool{"Content-Length": true, "X-Cloudtasks-Tasketa": r.Header.Get("X-Cloudtasks-Tasketa") == ""})
	w.WriteHeader(status)
	fmt.Fprintf(w, "%s%s\n", strings.ReplaceAll(text.String(), "\r\n", "\n"), body)
}

const tasksAccount = "tasks@my-project.iam.gserviceaccount.com"

// failingHandler runs Greet, which fails, or panics if the payload says so. In a replay it succeeds and returns the metadata.
func failingHandler(t testing.TB, embedded, failures string) http.Handler {
	def := cloudtask.Definition{
		Task: (*json.RawMessage)(nil),
		Name: "Greet", Decode: func(data []byte, task any) error { return json.Unmarshal(data, task) },
	}
	handler, err := cloudtask.NewHandler(cloudtask.Config{
		Project: "my-project", Location: "europe-west1", ServiceAccount: tasksAccount, BaseURL: "https://app.example", EmulatorHost: embedded,
		Logger:       slog.New(slog.DiscardHandler),
		SaveFailures: cloudtask.FailureFiles{Dir: failures, RedactFields: []string{"secret"}},
	}, def.RouteWithResult(func(ctx context.Context, task any) (any, error) {
		meta := cloudtask.MetadataFrom(ctx)
		switch {
		case strings.Contains(string(*task.(*json.RawMessage)), "panic"):
			panic("no \x1b[31mway")
		case !meta.Replay():
			return nil, errors.New("not today")
		}
		return fmt.Sprintf("attempt %d of %s in %s: %s", meta.Attempt(), meta.TaskID, meta.Queue, *task.(*json.RawMessage)), nil
	}, func(dst []byte, result any) ([]byte, error) {
		text, err := json.Marshal(result)
		return append(dst, text...), err
	}))
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func (s *stage) env() []string {
	return []string{
		"CLOUD_TASKS_EMULATOR_HOST=" + s.embedded, "QUEUE=" + s.embedded, "WORKER=" + s.worker.URL, "HANDLER=" + s.handler.URL,
		quickExit, "CLOUDTASK_PROJECT=", "CLOUDTASK_LOCATION=", "GOOGLE_CLOUD_PROJECT=", "K_SERVICE=", "NO_COLOR=",
	}
}

// TestOperator runs scripts of commands with an embedded queue and with a fake production. If UPDATE_SCRIPTS is set, it replaces the
// expected output in the scripts by the actual one. Scripts have the additional commands enqueue, deliver and production.
func TestOperator(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("..", "..", "testdata", "operator"),
		Setup: func(e *testscript.Env) error {
			s := newStage(t, e.WorkDir)
			e.Vars = append(e.Vars, s.env()...)
			e.Values[stage{}] = s
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"enqueue": scriptEnqueue, "deliver": scriptDeliver, "production": scriptProduction,
		},
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value(stage{}).(*stage) }

// scriptEnqueue implements "enqueue [LOCATION/]QUEUE/ID TYPE BODY [DELAY]". The task goes to $WORKER/tasks/TYPE, to $HANDLER if the type
// is Greet, or to App Engine if the type begins with a slash. A Charge has a header that carries a credential.
func scriptEnqueue(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(stageOf(ts).enqueue(args))
}

func (s *stage) enqueue(args []string) error {
	parts := strings.Split(args[0], "/")
	if len(parts) == 2 {
		parts = append([]string{"europe-west1"}, parts...)
	}
	parent := "projects/my-project/locations/" + parts[0] + "/queues/" + parts[1]
	task := &cloudtaskspb.Task{Name: parent + "/tasks/" + parts[2]}
	if strings.HasPrefix(args[1], "/") {
		task.MessageType = &cloudtaskspb.Task_AppEngineHttpRequest{AppEngineHttpRequest: &cloudtaskspb.AppEngineHttpRequest{RelativeUri: args[1], Body: []byte(args[2])}}
	} else {
		server := s.worker
		if args[1] == "Greet" {
			server = s.handler
		}
		headers := map[string]string{"Content-Type": "application/json", "X-Tenant": "7"}
		if args[1] == "Charge" {
			headers["X-Api-Key"] = "hush"
		}
		task.MessageType = &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
			Url: server.URL + "/tasks/" + args[1], Body: []byte(args[2]), Headers: headers,
			AuthorizationHeader: &cloudtaskspb.HttpRequest_OidcToken{OidcToken: &cloudtaskspb.OidcToken{ServiceAccountEmail: tasksAccount, Audience: "https://app.example"}},
		}}
	}
	if len(args) > 3 {
		delay, err := time.ParseDuration(args[3])
		if err != nil {
			return err
		}
		task.ScheduleTime = timestamppb.New(s.queue.Now().Add(delay))
	}
	_, err := s.client.CreateTask(context.Background(), &cloudtaskspb.CreateTaskRequest{Parent: parent, Task: task})
	return err
}

// scriptDeliver implements "deliver DURATION", which runs the attempts that are due within that time.
func scriptDeliver(ts *testscript.TestScript, neg bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	_, err = stageOf(ts).queue.RunFor(context.Background(), d)
	ts.Check(err)
}

// scriptProduction implements "production", which makes production the target of the following commands.
func scriptProduction(ts *testscript.TestScript, neg bool, args []string) {
	for _, pair := range stageOf(ts).production.env {
		name, value, _ := strings.Cut(pair, "=")
		ts.Setenv(name, value)
	}
}
