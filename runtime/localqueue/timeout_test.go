package localqueue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// pipeNet is a network in memory, so that a bubble of testing/synctest knows when all wait: a listener, and what dials it.
type pipeNet struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipeNet() *pipeNet { return &pipeNet{make(chan net.Conn), make(chan struct{})} }

func (n *pipeNet) Addr() net.Addr { return &net.TCPAddr{} }
func (n *pipeNet) Close() error   { close(n.closed); return nil }

func (n *pipeNet) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *pipeNet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// outcomes keeps the level and outcome of each run that a handler logs, by task.
type outcomes struct {
	slog.Handler
	mu   sync.Mutex
	runs map[string][]string
}

func (l *outcomes) Handle(_ context.Context, r slog.Record) error {
	attrs := make(map[string]string)
	r.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs[attrs["id"]] = append(l.runs[attrs["id"]], r.Level.String()+" "+attrs["outcome"])
	return nil
}

// Over HTTP the queue hangs up at the dispatch deadline. A run that stops when its context ends is answered before. One
// that fails then, or goes on, has timed out, also where the request was so long on its way that the queue hangs up first.
func TestTimeOuts(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"stops":       {"INFO executed"},
		"fails":       {"ERROR timed out", "INFO executed"},
		"goes-on":     {"ERROR timed out", "INFO executed"},
		"comes-later": {"ERROR timed out", "INFO executed"},
		"comes-last":  {"ERROR timed out", "INFO executed"},
		"abandoned":   {"ERROR canceled", "INFO executed"},
	}
	synctest.Test(t, func(t *testing.T) {
		log := &outcomes{Handler: slog.Default().Handler(), runs: make(map[string][]string)}
		causes := make(map[string]error)
		definition := cloudtask.Definition{
			Task: (*struct{})(nil),
			Name: "X", Queue: "emails", Timeout: 15 * time.Second,
			Append: func(dst []byte, _ any) ([]byte, error) { return append(dst, "{}"...), nil },
			Decode: func(data []byte, task any) error { return json.Unmarshal(data, task) },
		}
		handler, err := cloudtask.NewHandler(cloudtask.Config{InsecureNoAuth: true, Logger: slog.New(log)},
			definition.Route(func(ctx context.Context, _ any) error {
				m := cloudtask.MetadataFrom(ctx)
				switch {
				case !m.FirstAttempt():
					return nil
				case m.TaskID == "goes-on":
					time.Sleep(15*time.Second + time.Millisecond)
					return nil
				}
				<-ctx.Done()
				log.mu.Lock()
				defer log.mu.Unlock()
				causes[m.TaskID] = context.Cause(ctx)
				if m.TaskID == "stops" {
					return nil
				}
				return fmt.Errorf("interrupted: %w", ctx.Err())
			}))
		if err != nil {
			t.Fatal(err)
		}
		network := newPipeNet()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-CloudTasks-TaskRetryCount") == "0" { // the way takes time, as when an instance is started
				switch r.Header.Get("X-CloudTasks-TaskName") {
				case "comes-later":
					time.Sleep(1500 * time.Millisecond)
				case "comes-last":
					time.Sleep(5 * time.Second)
				case "abandoned": // by a proxy that waits for five seconds only
					ctx, cancel := context.WithCancel(r.Context())
					time.AfterFunc(5*time.Second, cancel)
					r = r.WithContext(ctx)
				}
			}
			handler.ServeHTTP(w, r)
		})}
		go server.Serve(network)
		defer server.Close()
		transport := &http.Transport{DialContext: network.dial}
		defer transport.CloseIdleConnections()
		s := newService(t, localqueue.WithTransport(transport))
		client, err := cloudtask.NewClient(s.Backend(), cloudtask.Config{Project: "demo", Location: "europe-west1", Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for id := range want {
			if _, err := definition.Push(t.Context(), client, &struct{}{}, cloudtask.WithTaskName(id)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		log.mu.Lock()
		defer log.mu.Unlock()
		for _, runs := range log.runs {
			slices.Sort(runs) // the second attempt overtakes a first one that goes on
		}
		if diff := cmp.Diff(want, log.runs); diff != "" {
			t.Errorf("what was logged (-want +got):\n%s", diff)
		}
		for id, cause := range causes {
			if (cause == context.DeadlineExceeded) != (id != "abandoned") {
				t.Errorf("%s: the cause is %v", id, cause)
			}
		}
		if backlog := s.Backlog(); !backlog.Idle() {
			t.Errorf("left: %+v", backlog)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
