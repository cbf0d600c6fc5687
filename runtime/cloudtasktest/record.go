package cloudtasktest

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

// recorder is the queue service as clients use it: the queue knows of a task before its enqueue returns. Closing it is
// left to the test's end.
type recorder struct {
	localqueue.Backend
	q *Queue
}

func (recorder) Close() error { return nil }

// CreateTask records the task that it creates, and one that exists already.
func (r recorder) CreateTask(ctx context.Context, queue string, task *cloudtask.Task) (*cloudtask.Task, error) {
	stored, err := r.Backend.CreateTask(ctx, queue, task)
	r.q.created(task, stored, err)
	return stored, err
}

// CreateTasks is CreateTask for a batch.
func (r recorder) CreateTasks(ctx context.Context, queue, requestID string, tasks []*cloudtask.Task) ([]cloudtask.CreateResult, error) {
	results, err := r.Backend.CreateTasks(ctx, queue, requestID, tasks)
	for i, result := range results {
		r.q.created(tasks[i], result.Task, result.Err)
	}
	return results, err
}

// created takes note of an attempt to create a task.
func (q *Queue) created(task, stored *cloudtask.Task, err error) {
	switch {
	case err == nil:
		full := *stored
		full.Body = bytes.Clone(task.Body)
		q.record(&full)
	case cloudtask.StatusOf(err) == cloudtask.AlreadyExists:
		q.mu.Lock()
		defer q.mu.Unlock()
		q.tell(q.byName[task.Name], again, nil)
	}
}

// record adds a task. One that is known was created before, by a call that was repeated because its answer was lost.
func (q *Queue) record(stored *cloudtask.Task) {
	now := q.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.byName[stored.Name]
	switch {
	case t == nil || t.sent != nil && !t.sent.CreateTime.Equal(stored.CreateTime):
		t = q.addTask(stored.Name)
		t.next = stored.ScheduleTime
	case t.sent != nil:
		return
	}
	t.sent, t.Name, t.Body = stored, rules.Last(stored.URL), stored.Body
	t.EnqueuedAt, t.ETA, t.Timeout = now, stored.ScheduleTime, stored.DispatchDeadline
	t.AllHeaders = make(http.Header, len(stored.Header))
	for name, value := range stored.Header {
		t.AllHeaders.Set(name, value)
	}
	for _, name := range q.propagated() {
		if values := t.AllHeaders.Values(name); values != nil {
			if t.Headers == nil {
				t.Headers = http.Header{}
			}
			t.Headers[http.CanonicalHeaderKey(name)] = values
		}
	}
	q.tasks = append(q.tasks, t)
	q.tell(t, enqueued, nil)
	for _, waiter := range q.waiters {
		close(waiter)
	}
	q.waiters = nil
}

// addTask adds what is known of a task by its resource name. Where others enqueue while the test runs tasks, an attempt
// may have begun before the enqueue that is to be recorded has returned.
func (q *Queue) addTask(name string) *Task {
	queue, id := splitTaskName(name)
	t := &Task{q: q, outcome: Waiting}
	if q.attempted != nil {
		t.chain = q.attempted.chain + 1
	}
	t.Receipt.Metadata = cloudtask.Metadata{TaskID: id, Queue: rules.Last(queue), Project: q.Config.Project}
	q.byName[name] = t
	return t
}

// splitTaskName returns the parts of a task's resource name: the queue's, and the id.
func splitTaskName(name string) (queue, id string) {
	id = rules.Last(name)
	return strings.TrimSuffix(name, "/tasks/"+id), id
}

// propagated returns the names of the headers that receipts have.
func (q *Queue) propagated() []string {
	if q.Config.PropagatedHeaders == nil {
		return []string{"Traceparent"} // the default
	}
	return q.Config.PropagatedHeaders
}
