package emulator

import (
	"context"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
	"google.golang.org/protobuf/types/known/emptypb"
)

func (a *api) CreateTask(ctx context.Context, req *cloudtaskspb.CreateTaskRequest) (*cloudtaskspb.Task, error) {
	return taskAnswer(a.queue.CreateTask(ctx, req.GetParent(), taskFromProto(req.GetTask(), req.GetResponseView())))
}

func (a *api) GetTask(ctx context.Context, req *cloudtaskspb.GetTaskRequest) (*cloudtaskspb.Task, error) {
	return taskAnswer(a.queue.GetTask(ctx, req.GetName(), resource.View(req.GetResponseView())))
}

func (a *api) ListTasks(ctx context.Context, req *cloudtaskspb.ListTasksRequest) (*cloudtaskspb.ListTasksResponse, error) {
	page := resource.Page{Size: int(req.GetPageSize()), Token: req.GetPageToken()}
	tasks, next, err := a.queue.ListTasks(ctx, req.GetParent(), page, resource.View(req.GetResponseView()))
	if err != nil {
		return nil, wireError(err)
	}
	resp := &cloudtaskspb.ListTasksResponse{NextPageToken: next, Tasks: make([]*cloudtaskspb.Task, len(tasks))}
	for i, task := range tasks {
		resp.Tasks[i] = taskToProto(task)
	}
	return resp, nil
}

func (a *api) DeleteTask(ctx context.Context, req *cloudtaskspb.DeleteTaskRequest) (*emptypb.Empty, error) {
	if err := a.queue.DeleteTask(ctx, req.GetName()); err != nil {
		return nil, wireError(err)
	}
	return &emptypb.Empty{}, nil
}

func (a *api) RunTask(ctx context.Context, req *cloudtaskspb.RunTaskRequest) (*cloudtaskspb.Task, error) {
	return taskAnswer(a.queue.RunTask(ctx, req.GetName(), resource.View(req.GetResponseView())))
}

func taskAnswer(task *resource.Task, err error) (*cloudtaskspb.Task, error) {
	if err != nil {
		return nil, wireError(err)
	}
	return taskToProto(task), nil
}
