package emulator

import (
	"context"
	"strings"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

func (a *api) BatchCreateTasks(ctx context.Context, req *cloudtaskspb.BatchCreateTasksRequest) (*longrunningpb.Operation, error) {
	tasks := make([]*resource.Task, len(req.GetRequests()))
	for i, one := range req.GetRequests() {
		if one.GetParent() != req.GetParent() {
			return nil, status.Errorf(codes.InvalidArgument, "requests[%d].parent (%q) must be the same as the batch's parent "+
				"(%q).", i, bounded(one.GetParent()), bounded(req.GetParent()))
		}
		tasks[i] = taskFromProto(one.GetTask(), one.GetResponseView())
	}
	return operationAnswer(a.queue.BatchCreateTasks(ctx, req.GetParent(), req.GetRequestId(), tasks))
}

func (a *api) BatchDeleteTasks(ctx context.Context, req *cloudtaskspb.BatchDeleteTasksRequest) (*longrunningpb.Operation, error) {
	return operationAnswer(a.queue.BatchDeleteTasks(ctx, req.GetParent(), req.GetRequestId(), req.GetNames()))
}

// operationSegment stands between location and id in an operation's name. The id is a request id, which is the
// caller's to choose and may hold anything.
const operationSegment = "/operations/"

func (a *api) GetOperation(ctx context.Context, req *longrunningpb.GetOperationRequest) (*longrunningpb.Operation, error) {
	location, id, ok := strings.Cut(req.GetName(), operationSegment)
	if ok {
		_, _, ok = rules.SplitLocation(location)
	}
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument,
			"Operation name %q must be formatted: \"projects/<PROJECT_ID>/locations/<LOCATION_ID>/operations/<OPERATION_ID>\".", bounded(req.GetName()))
	}
	return operationAnswer(a.queue.GetBatch(ctx, location, id))
}

// operationAnswer reports a batch as an operation that is done: the engine is, by the time it answers.
func operationAnswer(batch *localqueue.Batch, err error) (*longrunningpb.Operation, error) {
	if err != nil {
		return nil, wireError(err)
	}
	var created []*cloudtaskspb.Task
	failed := make(map[int32]*rpcstatus.Status)
	for i, result := range batch.Results {
		switch {
		case result.Err != nil:
			failed[int32(i)] = status.Convert(wireError(result.Err)).Proto()
		case result.Task != nil:
			created = append(created, taskToProto(result.Task))
		}
	}
	op := &longrunningpb.Operation{Name: batch.Location + operationSegment + batch.ID, Done: true}
	var metadata, response proto.Message
	if batch.Delete {
		metadata, response = deleteMetadata(batch, failed), &emptypb.Empty{}
	} else {
		metadata, response = createMetadata(batch, failed), &cloudtaskspb.BatchCreateTasksResponse{Tasks: created}
	}
	if op.Metadata, err = anypb.New(metadata); err != nil {
		return nil, status.Errorf(codes.Internal, "packing the operation's metadata: %v", err)
	}
	if len(failed) > 0 && len(failed) == len(batch.Results) {
		op.Result = &longrunningpb.Operation_Error{Error: &rpcstatus.Status{
			Code: int32(codes.Aborted),
			Message: "None of the requests succeeded, refer to " + string(metadata.ProtoReflect().Descriptor().Name()) +
				".failed_requests for individual error details",
		}}
		return op, nil
	}
	packed, err := anypb.New(response)
	if err != nil {
		return nil, status.Errorf(codes.Internal, "packing the operation's response: %v", err)
	}
	op.Result = &longrunningpb.Operation_Response{Response: packed}
	return op, nil
}

func createMetadata(batch *localqueue.Batch, failed map[int32]*rpcstatus.Status) *cloudtaskspb.BatchCreateTasksMetadata {
	m := &cloudtaskspb.BatchCreateTasksMetadata{
		StartTime:      timestamppb.New(batch.Start),
		EndTime:        timestamppb.New(batch.End),
		State:          cloudtaskspb.BatchCreateTasksMetadata_SUCCEEDED,
		FailedRequests: failed,
	}
	switch len(failed) {
	case 0:
	case len(batch.Results):
		m.State = cloudtaskspb.BatchCreateTasksMetadata_FAILED
	default:
		m.State = cloudtaskspb.BatchCreateTasksMetadata_PARTIALLY_SUCCEEDED
	}
	return m
}

func deleteMetadata(batch *localqueue.Batch, failed map[int32]*rpcstatus.Status) *cloudtaskspb.BatchDeleteTasksMetadata {
	m := &cloudtaskspb.BatchDeleteTasksMetadata{
		StartTime:      timestamppb.New(batch.Start),
		EndTime:        timestamppb.New(batch.End),
		State:          cloudtaskspb.BatchDeleteTasksMetadata_SUCCEEDED,
		FailedRequests: failed,
	}
	switch len(failed) {
	case 0:
	case len(batch.Results):
		m.State = cloudtaskspb.BatchDeleteTasksMetadata_FAILED
	default:
		m.State = cloudtaskspb.BatchDeleteTasksMetadata_PARTIALLY_SUCCEEDED
	}
	return m
}
