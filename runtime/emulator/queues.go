package emulator

import (
	"context"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
	"google.golang.org/protobuf/types/known/emptypb"
)

func (a *api) ListQueues(ctx context.Context, req *cloudtaskspb.ListQueuesRequest) (*cloudtaskspb.ListQueuesResponse, error) {
	filter, err := newQueueFilter(req.GetFilter())
	if err != nil {
		return nil, err
	}
	page := resource.Page{Size: int(req.GetPageSize()), Token: req.GetPageToken()}
	queues, next, err := a.queue.ListQueues(ctx, req.GetParent(), page, filter)
	if err != nil {
		return nil, wireError(err)
	}
	resp := &cloudtaskspb.ListQueuesResponse{NextPageToken: next, Queues: make([]*cloudtaskspb.Queue, len(queues))}
	for i, queue := range queues {
		resp.Queues[i] = queueToProto(queue)
	}
	return resp, nil
}

func (a *api) GetQueue(ctx context.Context, req *cloudtaskspb.GetQueueRequest) (*cloudtaskspb.Queue, error) {
	return queueAnswer(a.queue.GetQueue(ctx, req.GetName()))
}

func (a *api) CreateQueue(ctx context.Context, req *cloudtaskspb.CreateQueueRequest) (*cloudtaskspb.Queue, error) {
	queue, err := queueFromProto(req.GetQueue())
	if err != nil {
		return nil, wireError(err)
	}
	return queueAnswer(a.queue.CreateQueue(ctx, req.GetParent(), queue))
}

func (a *api) UpdateQueue(ctx context.Context, req *cloudtaskspb.UpdateQueueRequest) (*cloudtaskspb.Queue, error) {
	queue, err := queueFromProto(req.GetQueue())
	if err != nil {
		return nil, wireError(err)
	}
	return queueAnswer(a.queue.UpdateQueue(ctx, queue, req.GetUpdateMask().GetPaths()))
}

func (a *api) DeleteQueue(ctx context.Context, req *cloudtaskspb.DeleteQueueRequest) (*emptypb.Empty, error) {
	if err := a.queue.DeleteQueue(ctx, req.GetName()); err != nil { // with its policy
		return nil, wireError(err)
	}
	return &emptypb.Empty{}, nil
}

func (a *api) PurgeQueue(ctx context.Context, req *cloudtaskspb.PurgeQueueRequest) (*cloudtaskspb.Queue, error) {
	return queueAnswer(a.queue.PurgeQueue(ctx, req.GetName()))
}

func (a *api) PauseQueue(ctx context.Context, req *cloudtaskspb.PauseQueueRequest) (*cloudtaskspb.Queue, error) {
	return queueAnswer(a.queue.PauseQueue(ctx, req.GetName()))
}

func (a *api) ResumeQueue(ctx context.Context, req *cloudtaskspb.ResumeQueueRequest) (*cloudtaskspb.Queue, error) {
	return queueAnswer(a.queue.ResumeQueue(ctx, req.GetName()))
}

func queueAnswer(queue *resource.Queue, err error) (*cloudtaskspb.Queue, error) {
	if err != nil {
		return nil, wireError(err)
	}
	return queueToProto(queue), nil
}
