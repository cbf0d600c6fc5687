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
	maxPage  = 1000 // tasks that Cloud Tasks lists in one call
	maxCalls = 16   // concurrent calls
)

// errStop is returned by callbacks to end a listing early.
var errStop = errors.New("stop")

// queues returns the queues with the given ID, or if it is "" all queues with the target's prefix, sorted by name.
func (t *target) queues(ctx context.Context, id string) ([]*cloudtaskspb.Queue, error) {
	locations, err := t.locations(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var found []*cloudtaskspb.Queue
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(maxCalls)
	for _, location := range locations {
		group.Go(func() error {
			queues := t.client.ListQueues(groupCtx, &cloudtaskspb.ListQueuesRequest{Parent: location})
			for {
				q, err := queues.Next()
				if errors.Is(err, iterator.Done) {
					return nil
				}
				if err != nil {
					return wrapCall(ctx, err, "listing the queues of %s", location)
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
	return task, wrapCall(ctx, err, "getting %s", name)
}

// queue returns the queue, or nil if it cannot be read. It is for output that works without.
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

// tasksOf calls f with each task of the queue, without its body. If f returns errStop, tasksOf stops and returns nil.
func (t *target) tasksOf(ctx context.Context, queue string, f func(*cloudtaskspb.Task) error) error {
	list := t.client.ListTasks(ctx, &cloudtaskspb.ListTasksRequest{Parent: queue, PageSize: maxPage})
	for {
		task, err := list.Next()
		if errors.Is(err, iterator.Done) {
			return nil
		}
		if err != nil {
			return wrapCall(ctx, err, "listing the tasks of %s", queue)
		}
		if err := f(task); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		}
	}
}
