package localqueue

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// maxPageBytes bounds the bodies of a page in the full view: a page is one message to a client, and gRPC's default limit for a message
// is 4 MiB. The rest is for names and times.
const maxPageBytes = 3 << 20

// CreateTask adds task to queue and returns it as stored, in the view that task.View names.
func (s *Service) CreateTask(ctx context.Context, queue string, task *resource.Task) (out *resource.Task, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.settle(&err)
	if s.look(queue) == nil {
		if err := resource.CheckQueueName(queue); err != nil {
			return nil, err
		}
	}
	defer s.flush()
	return s.addTask(queue, task)
}

// addTask adds a task to a queue whose name is well-formed.
func (s *Service) addTask(queue string, in *resource.Task) (*resource.Task, error) {
	if in != nil && in.HTTP != nil && in.HTTP.URL == "" {
		in = s.withDefaultURL(queue, in)
	}
	norm, id, err := resource.Normalize(queue, in, s.Now(), s.ids.next)
	if err != nil {
		return nil, err
	}
	t := &task{
		id: id, record: pack(norm), chosen: in.Name == "", heapIndex: -1,
		created: norm.CreateTime.UnixNano(), schedule: norm.ScheduleTime.UnixNano(),
	}
	for {
		q, err := s.findOrCreate(queue)
		if err != nil {
			return nil, err
		}
		added, err := q.tryAdd(t)
		if errors.Is(err, errQueueGone) {
			continue // deleted since it was found; try again
		}
		if !added {
			if t.chosen {
				t.id = s.ids.next() // taken, which is very unlikely
				continue
			}
			return nil, resource.Error(cloudtask.AlreadyExists, "Requested entity already exists")
		}
		break
	}
	norm.Name = queue + "/tasks/" + t.id
	norm.Answer()
	return norm, nil
}

// withDefaultURL returns a task without a URL with that of its queue, if there is one.
func (s *Service) withDefaultURL(queue string, in *resource.Task) *resource.Task {
	url := s.options.defaultURL(queue)
	if url == "" {
		s.warnURLs.Do(func() {
			s.log.Warn("task without a URL refused: clients such as Firebase's leave the URL to the emulator; "+
				"set it with WithDefaultURL (cloudtask dev -default-url)", "queue", queue)
		})
		return in
	}
	out, request := *in, *in.HTTP
	request.URL = url
	out.HTTP = &request
	return &out
}

var errQueueGone = errors.New("the queue has been deleted")

func (q *queue) tryAdd(t *task) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deleted {
		return false, errQueueGone
	}
	return q.add(t, q.s.nanos()), nil
}

// withTask calls f with a task while its queue is locked.
func (s *Service) withTask(ctx context.Context, name string, f func(q *queue, t *task, now int64) error) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.settle(&err)
	return s.onTask(name, f)
}

// onTask is withTask without waiting for the disk.
func (s *Service) onTask(name string, f func(q *queue, t *task, now int64) error) error {
	parent, id, err := resource.ParseTaskName(name)
	if err != nil {
		return err
	}
	defer s.flush()
	return s.withQueue(parent, resource.NotFound(), func(q *queue, now int64) error {
		return f(q, q.tasks[id], now)
	})
}

// GetTask returns a task.
func (s *Service) GetTask(ctx context.Context, name string, view resource.View) (out *resource.Task, err error) {
	if err := view.Check(); err != nil {
		return nil, err
	}
	err = s.withTask(ctx, name, func(q *queue, t *task, now int64) error {
		if t == nil {
			_, id, _ := rules.CutTask(name)
			if q.gone.has(id, now) {
				return resource.TaskGone()
			}
			return resource.NotFound()
		}
		out = q.view(t, view)
		return nil
	})
	return out, err
}

// DeleteTask removes a task. An attempt that is running has no effect.
func (s *Service) DeleteTask(ctx context.Context, name string) error {
	return s.withTask(ctx, name, deleteTask)
}

func deleteTask(q *queue, t *task, now int64) error {
	if t == nil {
		return resource.NotFound()
	}
	q.remove(t, TaskDeleted, now, finishedAttempt{})
	q.rearm(now)
	return nil
}

// RunTask begins an attempt of a task now, regardless of the queue's limits and state, and returns the task. A task that is running gets
// no second attempt. When the attempt fails, the next one is due at the time of the call plus the back-off. On a virtual clock the
// attempt has ended when RunTask returns; the task is returned as it was during the attempt.
func (s *Service) RunTask(ctx context.Context, name string, view resource.View) (out *resource.Task, err error) {
	if err := view.Check(); err != nil {
		return nil, err
	}
	var a *attempt
	err = s.withTask(ctx, name, func(q *queue, t *task, now int64) error {
		if t == nil {
			return resource.NotFound()
		}
		if !t.running {
			a = q.force(t, now)
		}
		out = q.view(t, view)
		return nil
	})
	switch {
	case a == nil:
	case s.virtual != nil:
		s.attempt(ctx, a)
	default:
		s.runForced(a)
	}
	return out, err
}

// runForced makes an attempt of RunTask without waiting for a worker.
func (s *Service) runForced(a *attempt) {
	if !s.dispatcher.run(a) {
		a.q.finish(a, outcome{aborted: true}, s.nanos())
		s.idle.ended()
	}
}

// ListTasks returns a page of the tasks of the queue parent, oldest first, and the token of the next page, "" after the last. A task
// that exists from the first page's call to the last's is on exactly one page, whatever else comes and goes.
func (s *Service) ListTasks(ctx context.Context, parent string, page resource.Page, view resource.View) (tasks []*resource.Task, next string, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, "", err
	}
	defer s.settle(&err)
	if err := view.Check(); err != nil {
		return nil, "", err
	}
	size, err := page.Limit(resource.MaxTaskPage)
	if err != nil {
		return nil, "", err
	}
	after, err := taskPosition(page, parent, s.Now())
	if err != nil {
		return nil, "", err
	}
	defer s.flush()
	err = s.withQueue(parent, resource.QueueMissing(), func(q *queue, now int64) error {
		bytes := 0
		for _, p := range q.order.places[q.order.after(after):] {
			if p.t == nil {
				continue
			}
			if len(tasks) == size || view == resource.ViewFull && bytes > 0 && bytes+len(p.t.record) > maxPageBytes {
				next = resource.NextPageToken(parent, strconv.FormatUint(after, 10), nanoTime(now))
				break
			}
			tasks = append(tasks, q.view(p.t, view))
			bytes += len(p.t.record)
			after = p.seq
		}
		return nil
	})
	return tasks, next, err
}

// taskPosition returns the sequence number that the page begins after.
func taskPosition(page resource.Page, parent string, now time.Time) (uint64, error) {
	position, err := page.After(parent, now)
	if position == "" || err != nil {
		return 0, err
	}
	seq, err := strconv.ParseUint(position, 10, 64)
	if err != nil {
		return 0, resource.BadPageToken()
	}
	return seq, nil
}
