package localqueue_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// rawServer serves each connection of a loopback listener with f, and returns its URL.
func rawServer(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				f(conn)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// The bytes of a request: Cloud Tasks' spelling of its headers, the task's own spelling of the others, and nothing else.
func TestRequestOnTheWire(t *testing.T) {
	t.Parallel()
	got := make(chan []string, 1)
	url := rawServer(t, func(conn net.Conn) {
		var lines []string
		reader := bufio.NewReader(conn)
		for {
			line, err := reader.ReadString('\n')
			if line = strings.TrimSpace(line); line == "" || err != nil {
				break
			}
			lines = append(lines, line)
		}
		body := make([]byte, 5)
		_, _ = io.ReadFull(reader, body)
		got <- append(lines, string(body))
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	s := newService(t, localqueue.WithVirtualClock(time.Unix(1774000000, 250_000_999)), localqueue.WithTokenSource(fakeTokens{}))
	created := add(t, s, &resource.Task{
		Name: queueName + "/tasks/t",
		HTTP: &resource.HTTPRequest{
			URL: url + "/a%2Fb?q=1", Method: "PUT", Body: []byte("hello"),
			Header: map[string]string{"cOnTeNt-TyPe": "text/plain", "X-lower-case": "v"},
			OIDC:   &resource.OIDCToken{ServiceAccount: "a@b", Audience: "aud"},
		},
	})
	if attempts, err := s.RunDue(t.Context()); attempts != 1 || err != nil {
		t.Fatalf("%d attempts, %v", attempts, err)
	}
	want := []string{
		"PUT /a%2Fb?q=1 HTTP/1.1",
		"Host: " + strings.TrimPrefix(url, "http://"),
		"User-Agent: Google-Cloud-Tasks",
		"Content-Length: 5",
		"Authorization: Bearer id:a@b:aud",
		"X-CloudTasks-QueueName: emails",
		"X-CloudTasks-TaskETA: 1774000000.250000",
		"X-CloudTasks-TaskExecutionCount: 0",
		"X-CloudTasks-TaskName: t",
		"X-CloudTasks-TaskRetryCount: 0",
		"X-lower-case: v",
		"cOnTeNt-TyPe: text/plain",
		"hello",
	}
	if diff := cmp.Diff(want, <-got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if _, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic); err == nil {
		t.Error("the task is still there after 204")
	}
}

// Whatever a target does, its attempt ends, and no other task's does.
func TestHostileTargets(t *testing.T) {
	t.Parallel()
	reply := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, text)
		}
	}
	endless := func(head, body string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, err := io.WriteString(conn, head)
			for chunk := strings.Repeat(body, 1000); err == nil; {
				_, err = io.WriteString(conn, chunk)
			}
		}
	}
	const unavailable = "UNAVAILABLE(14): HTTP status code 503"
	tests := []struct {
		name    string
		url     string
		serve   func(net.Conn)
		message string // "": success
	}{
		{"endless body", "", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "8\r\nxxxxxxxx\r\n"), ""},
		{"endless body of a failure", "", endless("HTTP/1.1 500 Oops\r\n\r\n", "x"), "INTERNAL(13): HTTP status code 500"},
		{"endless headers", "", endless("HTTP/1.1 200 OK\r\n", "A: b\r\n"), unavailable},
		{"endless informational responses", "", endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"), unavailable},
		{"body that breaks off", "", reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), unavailable},
		{"chunk that breaks off", "", reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), unavailable},
		{"no response", "", reply(""), unavailable},
		{"closes at once", "", func(net.Conn) {}, unavailable},
		{"not HTTP", "", reply("SSH-2.0-OpenSSH_9.9\r\n"), unavailable},
		{"half-closed", "", func(conn net.Conn) {
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, io.LimitReader(conn, 100))
		}, unavailable},
		{"switches protocols", "", reply("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), "UNKNOWN(2): HTTP status code 101"},
		{"refused", closedURL(t), nil, unavailable},
		{"URL that does not parse", "http://127.0.0.1/%zz", nil, unavailable},
		{"URL without a host", "http://", nil, unavailable},
		{"URL with a bad port", "http://127.0.0.1:99999/", nil, unavailable},
		{"TLS that is none", "https" + strings.TrimPrefix(rawServer(t, reply("HTTP/1.1 200 OK\r\n\r\n")), "http"), nil, unavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.serve != nil {
				test.url = rawServer(t, test.serve)
			}
			s := newService(t, localqueue.WithVirtualClock(start))
			created := add(t, s, &resource.Task{HTTP: &resource.HTTPRequest{URL: test.url, Body: []byte("x")}})
			if attempts, err := s.RunDue(t.Context()); attempts != 1 || err != nil {
				t.Fatalf("%d attempts, %v", attempts, err)
			}
			got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic)
			message := ""
			if err == nil {
				message = got.LastAttempt.Message
			}
			if message != test.message {
				t.Errorf("last attempt %q, want %q", message, test.message)
			}
			if err == nil && (got.ResponseCount == 1) != (message != unavailable) {
				t.Errorf("%d responses", got.ResponseCount)
			}
		})
	}
}

// A header that cannot be sent fails the attempt, not the service.
func TestHeadersThatCannotBeSent(t *testing.T) {
	t.Parallel()
	s := newService(t, localqueue.WithVirtualClock(start))
	for _, header := range []map[string]string{{"a b": "c"}, {"a": "b\r\nc: d"}, {"": "x"}, {"é": "x"}} {
		task := &resource.Task{HTTP: &resource.HTTPRequest{URL: closedURL(t), Header: header}}
		created := add(t, s, task)
		if _, err := s.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := s.GetTask(t.Context(), created.Name, resource.ViewBasic); err != nil || got.LastAttempt.Message == "" {
			t.Errorf("headers %q: %+v, %v; want a failed attempt", header, got, err)
		}
	}
}

// closedURL returns the URL of a port that nobody listens on.
func closedURL(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

// A target that answers slowly is cancelled when the queue is closed, and Close does not wait for it.
func TestCloseCancelsAttempts(t *testing.T) {
	t.Parallel()
	arrived, gone := make(chan struct{}), make(chan struct{})
	url := rawServer(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		_, _ = http.ReadRequest(reader)
		close(arrived)
		_, _ = io.Copy(io.Discard, reader) // until the client is gone
		close(gone)
	})
	s := newService(t)
	task := httpTask()
	task.HTTP.URL = url
	add(t, s, task)
	<-arrived
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-gone
}

// Shutdown waits for the attempt that is running, as long as its context says, and begins no other.
func TestShutdown(t *testing.T) {
	t.Parallel()
	for _, patient := range []bool{true, false} {
		t.Run(fmt.Sprintf("patient=%v", patient), func(t *testing.T) {
			t.Parallel()
			arrived, release, result := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			s := newService(t, localqueue.WithHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(arrived) // panics if a second attempt begins
				select {
				case <-release:
					result <- nil
				case <-r.Context().Done():
					result <- r.Context().Err()
				}
				w.WriteHeader(500)
			})))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			add(t, s, httpTask())
			<-arrived
			done := make(chan error)
			go func() { done <- s.Shutdown(ctx) }()
			for {
				if _, err := s.CreateTask(t.Context(), queueName, httpTask()); err != nil {
					break // it has begun
				}
			}
			if patient {
				close(release)
			} else {
				cancel()
			}
			shutdown, attempt := <-done, <-result
			if patient && (shutdown != nil || attempt != nil) || !patient && (!errors.Is(shutdown, context.Canceled) || attempt == nil) {
				t.Errorf("Shutdown: %v; the attempt's context: %v", shutdown, attempt)
			}
		})
	}
}
