package gcp

import (
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// batchResults puts the outcome of a batch in the order of its requests. The response names only the tasks that were
// created and the metadata only the requests that were not, by index; opErr is the operation's own error.
//
// Tasks that the caller named are found by name, the others are the remaining ones in order. A request that is in
// neither answer gets an error: a task is never called created on a guess.
func batchResults(
	reqs []*cloudtaskspb.CreateTaskRequest, created []*cloudtaskspb.Task, failed map[int32]*rpcstatus.Status, opErr error,
) []cloudtask.CreateResult {
	results := make([]cloudtask.CreateResult, len(reqs))
	byName := make(map[string]*cloudtaskspb.Task, len(created))
	for _, task := range created {
		byName[task.GetName()] = task
	}
	for i, req := range reqs {
		name := req.GetTask().GetName()
		if st, ok := failed[int32(i)]; ok {
			results[i].Err = failedRequest(st)
		} else if task, ok := byName[name]; ok && name != "" {
			results[i].Task = fromProto(task)
			delete(byName, name)
		}
	}
	var unnamed []*cloudtaskspb.Task // created, and not yet somebody's
	for _, task := range created {
		if byName[task.GetName()] == task && task.GetName() != "" {
			unnamed = append(unnamed, task)
		}
	}
	for i, req := range reqs {
		if results[i].Task != nil || results[i].Err != nil {
			continue
		}
		switch {
		case opErr != nil:
			results[i].Err = opErr
		case req.GetTask().GetName() == "" && len(unnamed) > 0:
			results[i].Task = fromProto(unnamed[0])
			unnamed = unnamed[1:]
		default:
			results[i].Err = &cloudtask.StatusError{
				Code:    cloudtask.Unknown,
				Message: "the answer to BatchCreateTasks says neither that this task was created nor that it failed",
				Err:     cloudtask.ErrOutcomeUnknown,
			}
		}
	}
	return results
}

// failedRequest is the error of one request of a batch. A status that says OK is still a failure, as the request is
// listed as failed.
func failedRequest(st *rpcstatus.Status) error {
	err := status.ErrorProto(st)
	if err == nil {
		return &cloudtask.StatusError{Code: cloudtask.Unknown, Message: "listed as failed without a reason"}
	}
	return &cloudtask.StatusError{Code: cloudtask.Code(st.GetCode()), Message: st.GetMessage(), Err: err}
}
