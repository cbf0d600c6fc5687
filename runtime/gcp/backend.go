package gcp

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/iterator"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// Backend is the [cloudtask.Backend] over the official Cloud Tasks client. [NewBackend] returns one.
//
// Every failure is a [*cloudtask.StatusError] that unwraps to what the official client returned, so that
// google.golang.org/grpc/status and its details still work on it. A service that cannot be reached is
// [cloudtask.Unavailable]. When the context of a call ends, its error is [cloudtask.DeadlineExceeded] or
// [cloudtask.Canceled], and unwraps to [context.DeadlineExceeded] or [context.Canceled], whatever gRPC calls it. Calls
// whose context has no deadline get 20 seconds.
type Backend struct {
	client   *cloudtasks.Client
	emulated bool // it is an emulator that is called
	closed   atomic.Bool
}

var (
	_ cloudtask.Backend      = (*Backend)(nil)
	_ cloudtask.BatchDeleter = (*Backend)(nil)
)

// defaultTimeout is the official client's for every call but those of batches, which it lets run on.
const defaultTimeout = 20 * time.Second

// CloudTasks reports whether the backend calls Cloud Tasks itself, not an emulator. See [cloudtask.Backend].
func (b *Backend) CloudTasks() bool { return !b.emulated }

// CreateTask implements [cloudtask.Backend].
func (b *Backend) CreateTask(ctx context.Context, queue string, task *cloudtask.Task) (*cloudtask.Task, error) {
	created, err := b.client.CreateTask(ctx, createRequest(queue, task))
	if err != nil {
		return nil, statusError(ctx, err)
	}
	return fromProto(created), nil
}

// GetTask implements [cloudtask.Backend].
func (b *Backend) GetTask(ctx context.Context, name string) (*cloudtask.Task, error) {
	task, err := b.client.GetTask(ctx, &cloudtaskspb.GetTaskRequest{Name: name, ResponseView: cloudtaskspb.Task_FULL})
	if err != nil {
		return nil, statusError(ctx, err)
	}
	return fromProto(task), nil
}

// ListTasks implements [cloudtask.Backend].
func (b *Backend) ListTasks(ctx context.Context, queue, pageToken string) ([]*cloudtask.Task, string, error) {
	tasks := b.client.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{
		Parent:       queue,
		ResponseView: cloudtaskspb.Task_BASIC,
		PageToken:    pageToken,
	})
	page := tasks.PageInfo()
	var list []*cloudtask.Task
	for {
		task, err := tasks.Next()
		if errors.Is(err, iterator.Done) {
			return list, "", nil
		}
		if err != nil {
			return nil, "", statusError(ctx, err)
		}
		list = append(list, fromProto(task))
		if page.Remaining() == 0 {
			return list, page.Token, nil // Next would fetch another page
		}
	}
}

// DeleteTask implements [cloudtask.Backend].
func (b *Backend) DeleteTask(ctx context.Context, name string) error {
	err := b.client.DeleteTask(ctx, &cloudtaskspb.DeleteTaskRequest{Name: name})
	return statusError(ctx, err)
}

// GetQueue implements [cloudtask.Backend].
func (b *Backend) GetQueue(ctx context.Context, name string) (*cloudtask.Queue, error) {
	queue, err := b.client.GetQueue(ctx, &cloudtaskspb.GetQueueRequest{Name: name})
	if err != nil {
		return nil, statusError(ctx, err)
	}
	return &cloudtask.Queue{Name: queue.GetName(), Retry: retryFromProto(queue.GetRetryConfig())}, nil
}

// Close implements [cloudtask.Backend]. Calls after the first do nothing.
func (b *Backend) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	if err := b.client.Close(); err != nil {
		return fmt.Errorf("closing the Cloud Tasks client: %w", err)
	}
	return nil
}

// CreateTasks implements [cloudtask.Backend]: it calls BatchCreateTasks and waits for the operation that it starts.
// When the operation was started and what came of it cannot be read, because the context ends first or the account lacks
// the permission cloudtasks.operations.get, the error wraps [cloudtask.ErrOutcomeUnknown]; the same requestID asks for
// the same operation again.
func (b *Backend) CreateTasks(ctx context.Context, queue, requestID string, tasks []*cloudtask.Task) ([]cloudtask.CreateResult, error) {
	req := &cloudtaskspb.BatchCreateTasksRequest{
		Parent:    queue,
		RequestId: requestID,
		Requests:  make([]*cloudtaskspb.CreateTaskRequest, len(tasks)),
	}
	for i, task := range tasks {
		req.Requests[i] = createRequest(queue, task)
	}
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	op, err := b.client.BatchCreateTasks(ctx, req)
	if err != nil {
		return nil, statusError(ctx, err)
	}
	var resp *cloudtaskspb.BatchCreateTasksResponse
	opErr := waitFor(ctx, op.Done, func() (err error) {
		resp, err = op.Poll(ctx)
		return err
	})
	if opErr != nil && !op.Done() {
		return nil, unreadable(ctx, op.Name(), opErr)
	}
	meta, err := op.Metadata()
	if err != nil {
		return nil, unreadable(ctx, op.Name(), err)
	}
	if opErr != nil && len(meta.GetFailedRequests()) == 0 {
		return nil, statusError(ctx, opErr)
	}
	return batchResults(req.Requests, resp.GetTasks(), meta.GetFailedRequests(), statusError(ctx, opErr)), nil
}

// BatchDeleteTasks implements [cloudtask.BatchDeleter]: it calls BatchDeleteTasks and waits for the operation that it
// starts. What [Backend.CreateTasks] says about operations that cannot be read holds here, too.
func (b *Backend) BatchDeleteTasks(ctx context.Context, queue, requestID string, names []string) ([]error, error) {
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	op, err := b.client.BatchDeleteTasks(ctx, &cloudtaskspb.BatchDeleteTasksRequest{Parent: queue, RequestId: requestID, Names: names})
	if err != nil {
		return nil, statusError(ctx, err)
	}
	opErr := waitFor(ctx, op.Done, func() error { return op.Poll(ctx) })
	if opErr != nil && !op.Done() {
		return nil, unreadable(ctx, op.Name(), opErr)
	}
	meta, err := op.Metadata()
	if err != nil {
		return nil, unreadable(ctx, op.Name(), err)
	}
	failed := meta.GetFailedRequests()
	if opErr != nil && len(failed) == 0 {
		return nil, statusError(ctx, opErr)
	}
	results := make([]error, len(names))
	for i := range names {
		if st, ok := failed[int32(i)]; ok {
			results[i] = failedRequest(st)
		} else {
			results[i] = statusError(ctx, opErr)
		}
	}
	return results, nil
}

// withDefaultTimeout gives a context without a deadline that of the official client's other calls.
func withDefaultTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, defaultTimeout)
}

// unreadable reports that err kept the outcome of an operation from being read.
func unreadable(ctx context.Context, operation string, err error) error {
	return statusError(ctx, fmt.Errorf("reading the outcome of %s: %w (%w)", operation, err, cloudtask.ErrOutcomeUnknown))
}

// waitFor polls an operation until it is done. The official Wait begins with a pause of up to a second and grows to a
// minute, which is long for a call that a request may be waiting for.
func waitFor(ctx context.Context, done func() bool, poll func() error) error {
	pauses := gax.Backoff{Initial: 100 * time.Millisecond, Max: 2 * time.Second, Multiplier: 1.5}
	for {
		if err := poll(); err != nil || done() {
			return err
		}
		if err := gax.Sleep(ctx, pauses.Pause()); err != nil {
			return err
		}
	}
}
