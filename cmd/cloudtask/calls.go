package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"golang.org/x/sync/errgroup"
	"google.golang.org/api/iterator"
)

const (
	maxPage = 1000 // tasks that Cloud Tasks lists in one call
	atOnce  = 16   // calls that are made at the same time where there are many to make
)

// errStop ends a listing early.
var errStop = errors.New("stop")

// queues returns the queues that are looked at, in order of their names; id selects those of that id, "" all with the
// prefix.
func (t *target) queues(ctx context.Context, id string) ([]*cloudtaskspb.Queue, error) {
	locations, err := t.locations(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var found []*cloudtaskspb.Queue
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, location := range locations {
		group.Go(func() error {
			queues := t.client.ListQueues(groupCtx, &cloudtaskspb.ListQueuesRequest{Parent: location})
			for {
				q, err := queues.Next()
				if errors.Is(err, iterator.Done) {
					return nil
				}
				if err != nil {
					return failed(ctx, err, "listing the queues of %s", location)
				}
				if own := lastSegment(q.GetName()); own == id || id == "" && strings.HasPrefix(own, t.prefix) {
					mu.Lock()
					found = append(found, q)
					mu.Unlock()
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b *cloudtaskspb.Queue) int { return strings.Compare(a.GetName(), b.GetName()) })
	return found, nil
}

func (t *target) getTask(ctx context.Context, name string, view cloudtaskspb.Task_View) (*cloudtaskspb.Task, error) {
	task, err := t.client.GetTask(ctx, &cloudtaskspb.GetTaskRequest{Name: name, ResponseView: view})
	return task, failed(ctx, err, "getting %s", name)
}

// queue returns the queue's settings, nil where they cannot be read: for what can be told without them too.
func (t *target) queue(ctx context.Context, name string) *cloudtaskspb.Queue {
	q, err := t.client.GetQueue(ctx, &cloudtaskspb.GetQueueRequest{Name: name})
	if err != nil {
		return nil
	}
	return q
}

func isPaused(q *cloudtaskspb.Queue) bool {
	return q.GetState() == cloudtaskspb.Queue_PAUSED || q.GetState() == cloudtaskspb.Queue_DISABLED
}

// tasksOf calls f with each task of the queue, without its body, page by page; f may end that with errStop. An error
// names the queue.
func (t *target) tasksOf(ctx context.Context, queue string, f func(*cloudtaskspb.Task) error) error {
	list := t.client.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{Parent: queue, PageSize: maxPage})
	for {
		task, err := list.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			return failed(ctx, err, "listing the tasks of %s", queue)
		}
		if err := f(task); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		}
	}
}
