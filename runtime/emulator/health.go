package emulator

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// health is grpc.health.v1 of the server as a whole, which is the service "", and of each of its services. All are
// SERVING until the queue answers no more: it drains, or its directory cannot be written.
type health struct {
	healthpb.UnimplementedHealthServer

	queue    *localqueue.Service
	services map[string]bool
	ended    context.Context // done when the server ends
}

func newHealth(ended context.Context, queue *localqueue.Service, services []*grpc.ServiceDesc) *health {
	h := &health{queue: queue, services: map[string]bool{"": true}, ended: ended}
	for _, service := range services {
		h.services[service.ServiceName] = true
	}
	return h
}

func (h *health) status() healthpb.HealthCheckResponse_ServingStatus {
	if h.ended.Err() != nil || h.queue.Err() != nil {
		return healthpb.HealthCheckResponse_NOT_SERVING
	}
	return healthpb.HealthCheckResponse_SERVING
}

func (h *health) Check(_ context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	if !h.services[req.GetService()] {
		return nil, status.Errorf(codes.NotFound, "unknown service %q", bounded(req.GetService()))
	}
	return &healthpb.HealthCheckResponse{Status: h.status()}, nil
}

func (h *health) List(context.Context, *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	resp := &healthpb.HealthListResponse{Statuses: make(map[string]*healthpb.HealthCheckResponse)}
	for service := range h.services {
		resp.Statuses[service] = &healthpb.HealthCheckResponse{Status: h.status()}
	}
	return resp, nil
}

// healthEvery is how often a watched status is looked at.
const healthEvery = 200 * time.Millisecond

// Watch sends the status, and again whenever it changes, until the server ends.
func (h *health) Watch(req *healthpb.HealthCheckRequest, stream healthpb.Health_WatchServer) error {
	ticks := time.NewTicker(healthEvery)
	defer ticks.Stop()
	sent := healthpb.HealthCheckResponse_UNKNOWN
	for {
		now := healthpb.HealthCheckResponse_SERVICE_UNKNOWN
		if h.services[req.GetService()] {
			now = h.status()
		}
		if now != sent {
			if err := stream.Send(&healthpb.HealthCheckResponse{Status: now}); err != nil {
				return err
			}
			sent = now
		}
		select {
		case <-ticks.C:
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		case <-h.ended.Done():
			if now == healthpb.HealthCheckResponse_SERVING {
				_ = stream.Send(&healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_NOT_SERVING}) // or the client is gone
			}
			return status.Error(codes.Unavailable, "the server ends")
		}
	}
}
