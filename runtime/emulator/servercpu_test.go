//go:build unix

package emulator_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
	"github.com/cloudtaskgen/cloudtaskgen/testdata/testenv"
)

// asServer in the environment makes the test binary a server of that kind, so that a benchmark can tell the server's
// processor time from the client's.
const asServer = "EMULATOR_BENCH_SERVER"

func TestMain(m *testing.M) {
	if kind := os.Getenv(asServer); kind != "" {
		if err := benchServer(kind); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(testenv.M{M: m}.Run())
}

// benchServer serves until its input ends, and answers each line of it with the processor time that it has taken.
func benchServer(kind string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	switch kind {
	case "no-op":
		server := grpc.NewServer()
		cloudtaskspb.RegisterCloudTasksServer(server, noop{})
		go server.Serve(listener)
	case "emulator":
		queue, err := localqueue.New(localqueue.WithLogger(slog.New(slog.DiscardHandler)), localqueue.WithQueues(resource.Queue{Name: queueName}))
		if err != nil {
			return err
		}
		emulator.Serve(queue, listener)
	}
	fmt.Println(listener.Addr())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			return err
		}
		fmt.Println(u.Utime.Nano() + u.Stime.Nano())
	}
	return nil
}

// noop answers at once, with nothing.
type noop struct {
	cloudtaskspb.UnimplementedCloudTasksServer
}

func (noop) CreateTask(context.Context, *cloudtaskspb.CreateTaskRequest) (*cloudtaskspb.Task, error) {
	return &cloudtaskspb.Task{}, nil
}

// benchProcess is a server in a process of its own.
type benchProcess struct {
	addr   string
	stdin  io.Writer
	stdout *bufio.Reader
}

func startBenchServer(b *testing.B, kind string) *benchProcess {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asServer+"="+kind)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	p := &benchProcess{stdin: stdin, stdout: bufio.NewReader(stdout)}
	p.addr = p.line(b)
	return p
}

func (p *benchProcess) line(b *testing.B) string {
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func (p *benchProcess) processorTime(b *testing.B) time.Duration {
	if _, err := io.WriteString(p.stdin, "\n"); err != nil {
		b.Fatal(err)
	}
	n, err := strconv.ParseInt(p.line(b), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return time.Duration(n)
}

// BenchmarkCreateTaskServerCPU is the processor time that a CreateTask takes on the server, and on one that does
// nothing, with the same sixteen clients. The two take turns within each run, so that whatever else the machine does
// befalls both.
func BenchmarkCreateTaskServerCPU(b *testing.B) {
	for _, connections := range []int{1, 16} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) { compareServers(b, connections) })
	}
}

func compareServers(b *testing.B, connections int) {
	const clients, turn = 16, 2000
	servers := []string{"no-op", "emulator"}
	processes := make([]*benchProcess, len(servers))
	callers := make([][]cloudtaskspb.CloudTasksClient, len(servers))
	spent := make([]time.Duration, len(servers))
	for i, kind := range servers {
		processes[i] = startBenchServer(b, kind)
		for range connections {
			conn, err := grpc.NewClient(processes[i].addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { conn.Close() })
			for range clients / connections {
				callers[i] = append(callers[i], cloudtaskspb.NewCloudTasksClient(conn))
			}
		}
		createTasks(b, callers[i], turn) // to warm up
	}
	b.ResetTimer()
	for done := 0; done < b.N; {
		n := min(turn, b.N-done)
		for i := range servers {
			before := processes[i].processorTime(b)
			createTasks(b, callers[i], n)
			spent[i] += processes[i].processorTime(b) - before
		}
		done += n
	}
	for i, kind := range servers {
		b.ReportMetric(float64(spent[i].Nanoseconds())/float64(b.N), kind+"-cpu-ns/op")
	}
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "×floor")
}

// createTasks creates n tasks, all clients at once.
func createTasks(b *testing.B, clients []cloudtaskspb.CloudTasksClient, n int) {
	var left atomic.Int64
	left.Store(int64(n))
	var group sync.WaitGroup
	for _, client := range clients {
		group.Go(func() {
			req := &cloudtaskspb.CreateTaskRequest{Parent: queueName, Task: &cloudtaskspb.Task{
				ScheduleTime: timestamppb.New(time.Now().Add(time.Hour)),
				MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{
					Url: "https://worker.example.com/tasks/SendWelcomeEmail", Headers: map[string]string{"Content-Type": "application/json"},
					Body: bytes.Repeat([]byte("x"), 256),
				}},
			}}
			for left.Add(-1) >= 0 {
				if _, err := client.CreateTask(context.Background(), req); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}
