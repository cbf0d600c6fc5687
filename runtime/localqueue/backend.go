package localqueue

import (
	"context"
	"maps"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

var (
	_ cloudtask.Backend      = (*Service)(nil)
	_ cloudtask.BatchDeleter = (*Service)(nil)
)

// CreateTask is [Service.AddTask] in the core's types.
func (s *Service) CreateTask(ctx context.Context, queue string, task *cloudtask.Task) (*cloudtask.Task, error) {
	created, err := s.AddTask(ctx, queue, fromCore(task))
	if err != nil {
		return nil, err
	}
	return toCore(created), nil
}

// CreateTasks is [Service.AddTasks] in the core's types.
func (s *Service) CreateTasks(ctx context.Context, queue, requestID string, tasks []*cloudtask.Task) ([]cloudtask.CreateResult, error) {
	rich := make([]*Task, len(tasks))
	for i, t := range tasks {
		rich[i] = fromCore(t)
	}
	batch, err := s.AddTasks(ctx, queue, requestID, rich)
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

// BatchDeleteTasks is [Service.DeleteTasks] in the core's types.
func (s *Service) BatchDeleteTasks(ctx context.Context, queue, requestID string, names []string) ([]error, error) {
	batch, err := s.DeleteTasks(ctx, queue, requestID, names)
	if err != nil {
		return nil, err
	}
	errs := make([]error, len(batch.Results))
	for i, r := range batch.Results {
		errs[i] = r.Err
	}
	return errs, nil
}

// GetTask is [Service.Task] in the core's types, with the body.
func (s *Service) GetTask(ctx context.Context, name string) (*cloudtask.Task, error) {
	t, err := s.Task(ctx, name, ViewFull)
	if err != nil {
		return nil, err
	}
	return toCore(t), nil
}

// ListTasks is [Service.Tasks] in the core's types, without bodies.
func (s *Service) ListTasks(ctx context.Context, queue, pageToken string) ([]*cloudtask.Task, string, error) {
	page, next, err := s.Tasks(ctx, queue, Page{Token: pageToken}, ViewBasic)
	if err != nil {
		return nil, "", err
	}
	tasks := make([]*cloudtask.Task, len(page))
	for i, t := range page {
		tasks[i] = toCore(t)
	}
	return tasks, next, nil
}

// GetQueue is [Service.Queue] in the core's types.
func (s *Service) GetQueue(ctx context.Context, name string) (*cloudtask.Queue, error) {
	q, err := s.Queue(ctx, name)
	if err != nil {
		return nil, err
	}
	return &cloudtask.Queue{Name: q.Name, Retry: q.Retry}, nil
}

func fromCore(t *cloudtask.Task) *Task {
	if t == nil {
		return nil
	}
	rich := &Task{
		Name: t.Name, ScheduleTime: t.ScheduleTime, DispatchDeadline: t.DispatchDeadline, Retry: t.Retry,
		HTTP: &HTTPRequest{URL: t.URL, Header: t.Header, Body: t.Body},
	}
	if t.ServiceAccount != "" {
		rich.HTTP.OIDC = &OIDCToken{ServiceAccount: t.ServiceAccount, Audience: t.Audience}
	}
	return rich
}

func toCore(t *Task) *cloudtask.Task {
	request := requestOf(t)
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
