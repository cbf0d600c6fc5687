package emulator_test

import (
	"context"
	"net"
	"testing"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/emulator"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// dialMemory serves queue on an in-memory listener and connects the official client to it.
func dialMemory(t testing.TB, queue *localqueue.Service) *cloudtasks.Client {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := emulator.Serve(queue, listener)
	t.Cleanup(func() { server.Close() })
	return dial(t, "127.0.0.1:1", grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return listener.DialContext(ctx)
	}))
}
