package gcp_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

// Whatever gRPC calls it, a context that has ended is told from a service that fails.
func TestContextsErrorWins(t *testing.T) {
	t.Parallel()
	for _, code := range []codes.Code{codes.Unavailable, codes.Unknown, codes.Internal, codes.Canceled, codes.DeadlineExceeded, codes.NotFound} {
		atOnce := func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ grpc.UnaryInvoker, _ ...grpc.CallOption) error {
			<-ctx.Done()
			return status.Error(code, "the connection's own words")
		}
		backend, err := gcp.NewBackend(t.Context(), cloudtask.Config{EmulatorHost: "127.0.0.1:1"}, option.WithGRPCDialOption(grpc.WithUnaryInterceptor(atOnce)))
		if err != nil {
			t.Fatal(err)
		}
		defer backend.Close()
		for _, method := range methods {
			wants := map[cloudtask.Code]error{cloudtask.DeadlineExceeded: context.DeadlineExceeded, cloudtask.Canceled: context.Canceled}
			for want, is := range wants {
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				if want == cloudtask.Canceled {
					ctx, cancel = context.WithCancel(t.Context())
					cancel()
				}
				err := method.call(ctx, backend)
				cancel()
				if code == codes.NotFound {
					want = cloudtask.NotFound // the service has answered
				}
				if cloudtask.StatusOf(err) != want || !errors.Is(err, is) {
					t.Errorf("%s, %v from gRPC: %v (%v), want %v that is %v", method.name, code, err, cloudtask.StatusOf(err), want, is)
				}
			}
		}
	}
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	backend, err := gcp.NewBackend(t.Context(), cloudtask.Config{EmulatorHost: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := backend.Close(); err != nil {
			t.Error(err)
		}
	}
}
