package gcp_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc"

	"github.com/cloudtaskgen/cloudtaskgen/testdata/testenv"
)

// asServer in the environment makes the test binary a server that does nothing, so that a benchmark can tell its own
// processor time from the server's.
const asServer = "GCP_BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		os.Exit(testenv.M{M: m}.Run())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	server := grpc.NewServer()
	cloudtaskspb.RegisterCloudTasksServer(server, noop{})
	go server.Serve(listener)
	io.Copy(io.Discard, os.Stdin) // until the benchmark is over
}

// noop answers with a name, as the service does.
type noop struct {
	cloudtaskspb.UnimplementedCloudTasksServer
}

func (noop) CreateTask(_ context.Context, req *cloudtaskspb.CreateTaskRequest) (*cloudtaskspb.Task, error) {
	return &cloudtaskspb.Task{Name: req.GetParent() + "/tasks/1234567890123456789"}, nil
}

func startNoop(t testing.TB) (addr string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asServer+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	if _, err := fmt.Fscanln(stdout, &addr); err != nil {
		t.Fatal(err)
	}
	return addr
}
