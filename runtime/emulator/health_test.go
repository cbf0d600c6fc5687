package emulator_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// A supervisor sees that the server and each of its services serve, and that they stop when the queue does: while what is
// running ends, calls are answered no more, and the server is still there.
func TestHealth(t *testing.T) {
	t.Parallel()
	e := serve(t)
	conn, err := grpc.NewClient(e.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := healthpb.NewHealthClient(conn)
	services := []string{"", "google.cloud.location.Locations", "google.cloud.tasks.v2.CloudTasks", "google.longrunning.Operations", "grpc.health.v1.Health"}
	want := func(want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for _, service := range services {
			if got, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service}); err != nil || got.GetStatus() != want {
				t.Errorf("%q is %v, %v; want %v", service, got, err, want)
			}
		}
		list, err := client.List(t.Context(), &healthpb.HealthListRequest{})
		if err != nil || !slices.Equal(slices.Sorted(maps.Keys(list.GetStatuses())), services) || list.GetStatuses()[""].GetStatus() != want {
			t.Errorf("all are %v, %v; want %v", list, err, want)
		}
	}
	want(healthpb.HealthCheckResponse_SERVING)
	if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "nonsense"}); status.Code(err) != codes.NotFound {
		t.Errorf("an unknown service: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	watch := func(service string, want healthpb.HealthCheckResponse_ServingStatus) healthpb.Health_WatchClient {
		t.Helper()
		stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := stream.Recv(); err != nil || got.GetStatus() != want {
			t.Fatalf("watching %q: %v, %v; want %v", service, got, err, want)
		}
		return stream
	}
	watch("nonsense", healthpb.HealthCheckResponse_SERVICE_UNKNOWN)
	stream := watch("google.cloud.tasks.v2.CloudTasks", healthpb.HealthCheckResponse_SERVING)
	if err := e.queue.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := stream.Recv(); err != nil || got.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("watching the end: %v, %v", got, err)
	}
	want(healthpb.HealthCheckResponse_NOT_SERVING)
	if err := e.server.Shutdown(ctx); err != nil {
		t.Errorf("whoever watches keeps the server from ending: %v", err)
	}
	if got, err := stream.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("watching a server that has ended: %v, %v", got, err)
	}
}
