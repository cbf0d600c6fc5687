package emulator_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

func TestInMemoryListener(t *testing.T) {
	t.Parallel()
	delivered := make(chan string, 1)
	queue, err := localqueue.New(localqueue.WithHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		delivered <- string(body)
	})))
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	client := dialMemory(t, queue)
	if _, err := client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: httpTask("http://anywhere/", "hello")}); err != nil {
		t.Fatal(err)
	}
	select {
	case body := <-delivered:
		if body != "hello" {
			t.Errorf("delivered %q", body)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("not delivered")
	}
}

// Not parallel: it counts goroutines.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, end := range []func(*emulator.Server) error{
		(*emulator.Server).Close,
		func(s *emulator.Server) error { return s.Shutdown(t.Context()) },
	} {
		queue, err := localqueue.New(localqueue.WithVirtualClock(time.Time{}))
		if err != nil {
			t.Fatal(err)
		}
		listener := bufconn.Listen(1 << 16)
		server := emulator.Serve(queue, listener)
		client := dial(t, "127.0.0.1:1", grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return listener.DialContext(ctx)
		}))
		if _, err := client.CreateTask(t.Context(), &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: httpTask("http://h/", "")}); err != nil {
			t.Fatal(err)
		}
		silent, err := listener.Dial() // never says what it is
		if err != nil {
			t.Fatal(err)
		}
		idle, err := listener.Dial() // has made a request and may make another
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(idle, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if resp, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil || resp.StatusCode != http.StatusNotFound {
			t.Fatalf("%v, %v", resp, err)
		}
		if err := end(server); err != nil {
			t.Error(err)
		}
		if _, err := silent.Read(make([]byte, 1)); err == nil {
			t.Error("a silent connection is still open")
		}
		if err := server.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
		client.Close()
		silent.Close()
		idle.Close()
		if err := queue.Close(); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

// A call is running while its handler is: on a virtual clock RunTask delivers.
func TestShutdownWaitsForCalls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		patient bool
	}{{"until they end", true}, {"as long as it may", false}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			running, release := make(chan struct{}), make(chan struct{})
			e := serve(t, localqueue.WithVirtualClock(time.Time{}), localqueue.WithHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				close(running)
				select {
				case <-release:
				case <-r.Context().Done():
				}
			})))
			e.pause(t)
			name := e.create(t, httpTask("http://h/", "")).GetName()
			called := make(chan error, 1)
			go func() {
				_, err := e.client.RunTask(background(), &cloudtaskspb.RunTaskRequest{Name: name})
				called <- err
			}()
			<-running
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if test.patient {
				ctx = t.Context()
				time.AfterFunc(20*time.Millisecond, func() { close(release) })
			}
			err := e.server.Shutdown(ctx)
			if test.patient && err != nil || !test.patient && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Shutdown: %v", err)
			}
			if err := <-called; (err == nil) != test.patient {
				t.Errorf("the running call: %v", err)
			}
			if conn, err := net.Dial("tcp", e.addr); err == nil {
				conn.Close()
				t.Error("the port is still open")
			}
		})
	}
}

// Google's servers take compressed messages, which clients may be set up to send. The call is made by hand, for a client
// would bring the compressor along that the server is to have.
func TestCompressedCalls(t *testing.T) {
	t.Parallel()
	e := serve(t)
	message, err := proto.Marshal(&cloudtaskspb.GetQueueRequest{Name: queueName})
	if err != nil {
		t.Fatal(err)
	}
	var compressed bytes.Buffer
	zip := gzip.NewWriter(&compressed)
	if _, err := zip.Write(message); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	body := append(binary.BigEndian.AppendUint32([]byte{1}, uint32(compressed.Len())), compressed.Bytes()...)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+e.addr+"/google.cloud.tasks.v2.CloudTasks/GetQueue", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "Grpc-Encoding": {"gzip"}}
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	status := resp.Trailer.Get("Grpc-Status") + resp.Header.Get("Grpc-Status")
	if status != "0" {
		t.Errorf("status %s: %s%s", status, resp.Trailer.Get("Grpc-Message"), resp.Header.Get("Grpc-Message"))
	}
}

func TestConnectionsAreToldApart(t *testing.T) {
	t.Parallel()
	e := serve(t)
	const http2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	tests := []struct {
		name  string
		sends []string
		want  string // what the answer begins with
	}{
		{"HTTP/1.1", []string{"GET /.well-known/nothing HTTP/1.1\r\nHost: h\r\n\r\n"}, "HTTP/1.1 404 "},
		{"HTTP/1.1 that begins like HTTP/2", []string{"P", "RI", "NT / HTTP/1.1\r\nHost: h\r\n\r\n"}, "HTTP/1.1 404 "},
		{"HTTP/2", []string{http2}, "\x00\x00"},
		{"HTTP/2 byte by byte", strings.Split(http2, ""), "\x00\x00"},
		{"HTTP/2 that breaks off", []string{"PRI * HTTP/2.0\r\n\r\nno\r\n\r\n"}, ""},
		{"one byte", []string{"P"}, ""},
		{"nothing", nil, ""},
		{"neither", []string{"\x16\x03\x01\r\n\r\n"}, "HTTP/1.1 400 "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", e.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for _, part := range test.sends {
				if _, err := io.WriteString(conn, part); err != nil {
					t.Fatal(err)
				}
				time.Sleep(100 * time.Microsecond)
			}
			if test.want == "" {
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					t.Fatal(err)
				}
			}
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			got := make([]byte, len(test.want))
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != test.want {
				t.Errorf("answered %q, %v, want %q", got, err, test.want)
			}
			if test.want == "" {
				if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
					t.Errorf("the connection is not closed: %v", err)
				}
			}
		})
	}
	e.create(t, httpTask("http://h/", "")) // and the server is well
}
