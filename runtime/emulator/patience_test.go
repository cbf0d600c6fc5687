package emulator_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// fill adds twelve tasks of a megabyte, of which a list in the full view has a few on a page.
func (e *emulated) fill(t *testing.T) {
	t.Helper()
	if _, err := e.queue.PauseQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		task := &localqueue.Task{Name: fmt.Sprintf("%s/tasks/t%d", queueName, i), HTTP: &localqueue.HTTPRequest{URL: "http://h/", Body: bytes.Repeat([]byte{byte(i)}, 1_000_000)}}
		if _, err := e.queue.AddTask(t.Context(), queueName, task); err != nil {
			t.Fatal(err)
		}
	}
}

// ask asks for the tasks, and reads nothing.
func (e *emulated) ask(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "GET %s/tasks?responseView=FULL HTTP/1.1\r\nHost: h\r\n\r\n", queuePath); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Clients that ask for much and read nothing hold a part of it, and keep nobody else from being answered. Not parallel: it
// measures memory.
func TestReadersThatDoNotRead(t *testing.T) {
	e := serve(t)
	e.fill(t)
	before := heap()
	for range 100 {
		e.ask(t)
	}
	time.Sleep(2 * time.Second)
	if held := heap() - before; held > 300<<20 { // without a bound it is 1.1 GB
		t.Errorf("100 readers hold %d MB", held>>20)
	}
	began := time.Now()
	resp, err := http.Get("http://" + e.addr + queuePath + "/tasks/t1")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if took := time.Since(began); resp.StatusCode != 200 || took > 5*time.Second {
		t.Errorf("another reader is answered %s after %v", resp.Status, took)
	}
}

// A client that stops reading is cut off, and its answer is gone.
func TestReaderIsCutOff(t *testing.T) {
	t.Parallel()
	queue, err := localqueue.New(localqueue.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	listener := bufconn.Listen(16 << 10) // a network that holds next to nothing
	e := &emulated{queue: queue, server: emulator.Serve(queue, listener)}
	defer e.server.Close()
	if _, err := queue.CreateQueue(t.Context(), locationName, &localqueue.Queue{Name: queueName}); err != nil {
		t.Fatal(err)
	}
	e.fill(t)
	conn, err := listener.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s/tasks?responseView=FULL HTTP/1.1\r\nHost: h\r\n\r\n", queuePath); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // the answer is being written
		t.Fatal(err)
	}
	time.Sleep(12 * time.Second)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if n, err := io.Copy(io.Discard, conn); err != nil || n == 0 || n > 100_000 {
		t.Errorf("read %d bytes, %v; want the end of the connection after the first", n, err)
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A connection that has begun to speak HTTP/2 and says no more is closed.
func TestHalfOpenConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	e := serve(t)
	for _, said := range []string{"PRI ", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"} {
		t.Run(fmt.Sprint(len(said), " bytes"), func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", e.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, said); err != nil {
				t.Fatal(err)
			}
			conn.SetReadDeadline(time.Now().Add(25 * time.Second))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("it is still open after 25 s")
			}
		})
	}
}
