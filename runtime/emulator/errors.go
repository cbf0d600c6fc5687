package emulator

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// maxMessage bounds an error's message in bytes. Messages quote what the caller sent, and travel in HTTP/2 headers,
// which clients bound.
const maxMessage = 4 << 10

// wireError is an error of the engine as gRPC sends it, details included; nil stays nil.
func wireError(err error) error {
	var refused *cloudtask.StatusError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, localqueue.ErrClosed):
		return status.Error(codes.Unavailable, "the queue is shutting down")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	case !errors.As(err, &refused):
		return status.Error(codes.Internal, bounded(err.Error()))
	}
	st := &rpcstatus.Status{Code: int32(refused.Code), Message: bounded(refused.Message)}
	if help, ok := errors.AsType[*resource.Help](err); ok {
		detail, err := anypb.New(&errdetails.Help{Links: []*errdetails.Help_Link{{Description: help.Description, Url: help.URL}}})
		if err != nil {
			return status.Errorf(codes.Internal, "packing the help of %q: %v", st.GetMessage(), err)
		}
		st.Details = append(st.Details, detail)
	}
	return status.ErrorProto(st)
}

// bounded makes message fit to be sent: not too long, and valid UTF-8 wherever it was cut.
func bounded(message string) string {
	if len(message) > maxMessage {
		message = message[:maxMessage] + "…"
	}
	return strings.ToValidUTF8(message, "\uFFFD")
}
