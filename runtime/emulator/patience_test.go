package emulator_test

import (
	"bytes"
	"context"
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

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// fill adds twelve tasks of a megabyte, of which a list in the full view has a few on a page.
func (e *emulated) fill(t *testing.T) {
	t.Helper()
	if _, err := e.queue.PauseQueue(t.Context(), queueName); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		task := &resource.Task{Name: fmt.Sprintf("%s/tasks/t%d", queueName, i), HTTP: &resource.HTTPRequest{URL: "http://h/", Body: bytes.Repeat([]byte{byte(i)}, 1_000_000)}}
		if _, err := e.queue.CreateTask(t.Context(), queueName, task); err != nil {
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
	const readers = 300
	for _, face := range []struct {
		name string
		ask  func(*emulated, *testing.T) net.Conn
		most uint64 // bytes
	}{
		{"REST", (*emulated).ask, 400 << 20},
		{"gRPC", (*emulated).askGRPC, 400 << 20},
		{"gRPC, of a task", (*emulated).askGRPCForOne, 400 << 20},
	} {
		t.Run(face.name, func(t *testing.T) {
			e := serve(t)
			e.fill(t)
			before := heap()
			for range readers {
				face.ask(e, t)
			}
			var peak uint64
			for range 40 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
				time.Sleep(50 * time.Millisecond)
			}
			held := heap() - before
			t.Logf("%d readers: %d MB are held, %d MB at the peak with garbage", readers, held>>20, peak>>20)
			if held > 150<<20 || peak > face.most { // without a bound, a gigabyte and more
				t.Errorf("%d readers hold %d MB, %d MB at the peak", readers, held>>20, peak>>20)
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
		})
	}
}

// askGRPC asks for the tasks over gRPC, and reads nothing.
func (e *emulated) askGRPC(t *testing.T) net.Conn {
	return e.callUnread(t, "ListTasks", &cloudtaskspb.ListTasksRequest{Parent: queueName, ResponseView: cloudtaskspb.Task_FULL})
}

// askGRPCForOne asks for a task over gRPC, and reads nothing.
func (e *emulated) askGRPCForOne(t *testing.T) net.Conn {
	return e.callUnread(t, "GetTask", &cloudtaskspb.GetTaskRequest{Name: queueName + "/tasks/t1", ResponseView: cloudtaskspb.Task_FULL})
}

func (e *emulated) callUnread(t *testing.T, method string, req proto.Message) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	request, err := proto.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	var header bytes.Buffer
	fields := hpack.NewEncoder(&header)
	for _, f := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", "/google.cloud.tasks.v2.CloudTasks/" + method}, {":authority", e.addr},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		if err := fields.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, nil)
	message := append([]byte{0, 0, 0, 0, byte(len(request))}, request...)
	err = errors.Join(framer.WriteSettings(), framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: header.Bytes(), EndHeaders: true}), framer.WriteData(1, true, message))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// A client over gRPC that does not read what it asked for is cut off, and others get their turn.
func TestUnreadAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	e := serve(t)
	e.fill(t)
	var conns []net.Conn
	for range 20 { // more than have their turn at a time
		conns = append(conns, e.askGRPC(t))
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tasks := e.client.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{Parent: queueName, ResponseView: cloudtaskspb.Task_FULL})
	listed := 0
	for _, err := range tasks.All() {
		if err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		listed++
	}
	if listed != 12 {
		t.Errorf("listed %d tasks, want 12", listed)
	}
	conns[0].SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := io.Copy(io.Discard, conns[0]); errors.Is(err, os.ErrDeadlineExceeded) || n > 100_000 {
		t.Errorf("read %d bytes, %v; want the end of the connection", n, err)
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
	if _, err := queue.CreateQueue(t.Context(), locationName, &resource.Queue{Name: queueName}); err != nil {
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
