package localqueue

import (
	"context"
	"maps"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Backend is a service as a client's [cloudtask.Backend]: its calls in package cloudtask's types.
type Backend struct{ service *Service }

var (
	_ cloudtask.Backend      = Backend{}
	_ cloudtask.BatchDeleter = Backend{}
)

// Backend returns what [cloudtask.NewClient] needs to enqueue to the service.
func (s *Service) Backend() Backend { return Backend{s} }

// Now returns the service's time, by which clients compute delays.
func (b Backend) Now() time.Time { return b.service.Now() }

// Close closes the service.
func (b Backend) Close() error { return b.service.Close() }

// CreateTask creates a task. The answer has no body.
func (b Backend) CreateTask(ctx context.Context, queue string, task *cloudtask.Task) (*cloudtask.Task, error) {
	created, err := b.service.CreateTask(ctx, queue, fromCore(task))
	if err != nil {
		return nil, err
	}
	return toCore(created), nil
}

// CreateTasks creates tasks in one call.
func (b Backend) CreateTasks(ctx context.Context, queue, requestID string, tasks []*cloudtask.Task) ([]cloudtask.CreateResult, error) {
	rich := make([]*resource.Task, len(tasks))
	for i, t := range tasks {
		rich[i] = fromCore(t)
	}
	batch, err := b.service.BatchCreateTasks(ctx, queue, requestID, rich)
	if err != nil {
		return nil, err
	}
	results := make([]cloudtask.CreateResult, len(batch.Results))
	for i, r := range batch.Results {
		results[i].Err = r.Err
		if r.Task != nil {
			results[i].Task = toCore(r.Task)
		}
	}
	return results, nil
}

// BatchDeleteTasks deletes tasks in one call.
func (b Backend) BatchDeleteTasks(ctx context.Context, queue, requestID string, names []string) ([]error, error) {
	batch, err := b.service.BatchDeleteTasks(ctx, queue, requestID, names)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(batch.Results))
	for i, r := range batch.Results {
		errs[i] = r.Err
	}
	return errs, nil
}

// GetTask returns a task with its body.
func (b Backend) GetTask(ctx context.Context, name string) (*cloudtask.Task, error) {
	t, err := b.service.GetTask(ctx, name, resource.ViewFull)
	if err != nil {
		return nil, err
	}
	return toCore(t), nil
}

// DeleteTask deletes a task.
func (b Backend) DeleteTask(ctx context.Context, name string) error {
	return b.service.DeleteTask(ctx, name)
}

// ListTasks returns a page of tasks without bodies.
func (b Backend) ListTasks(ctx context.Context, queue, pageToken string) ([]*cloudtask.Task, string, error) {
	page, next, err := b.service.ListTasks(ctx, queue, resource.Page{Token: pageToken}, resource.ViewBasic)
	if err != nil {
		return nil, "", err
	}
	tasks := make([]*cloudtask.Task, len(page))
	for i, t := range page {
		tasks[i] = toCore(t)
	}
	return tasks, next, nil
}

// GetQueue returns a queue.
func (b Backend) GetQueue(ctx context.Context, name string) (*cloudtask.Queue, error) {
	q, err := b.service.GetQueue(ctx, name)
	if err != nil {
		return nil, err
	}
	return &cloudtask.Queue{Name: q.Name, Retry: q.Retry}, nil
}

func fromCore(t *cloudtask.Task) *resource.Task {
	if t == nil {
		return nil
	}
	rich := &resource.Task{
		Name: t.Name, ScheduleTime: t.ScheduleTime, DispatchDeadline: t.DispatchDeadline, Retry: t.Retry,
		HTTP: &resource.HTTPRequest{URL: t.URL, Header: t.Header, Body: t.Body},
	}
	if t.ServiceAccount != "" {
		rich.HTTP.OIDC = &resource.OIDCToken{ServiceAccount: t.ServiceAccount, Audience: t.Audience}
	}
	return rich
}

func toCore(t *resource.Task) *cloudtask.Task {
	request := t.Request()
	if t.AppEngine != nil {
		request.URL = "http://" + t.AppEngine.Routing.Host + t.AppEngine.RelativeURI
	}
	core := &cloudtask.Task{
		Name: t.Name, URL: request.URL, Header: maps.Clone(request.Header), Body: request.Body,
		ScheduleTime: t.ScheduleTime, DispatchDeadline: t.DispatchDeadline, Retry: t.Retry,
		CreateTime: t.CreateTime, DispatchCount: t.DispatchCount, ResponseCount: t.ResponseCount,
		FirstAttempt: t.FirstAttempt, LastAttempt: t.LastAttempt,
	}
	if oidc := request.OIDC; oidc != nil {
		core.ServiceAccount, core.Audience = oidc.ServiceAccount, oidc.Audience
	}
	return core
}
