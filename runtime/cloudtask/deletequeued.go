package cloudtask

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// discard deletes the tasks of the type that the options select.
func (c *Client) discard(ctx context.Context, t taskType, opts []DiscardOption) ([]string, error) {
	o, err := c.discardOptions(opts)
	if err != nil {
		return nil, err
	}
	if err := c.reachable(); err != nil {
		return nil, err
	}
	if t.dynamic && !o.inQueue && len(o.ids) == 0 {
		return nil, errors.New("the type has a Queue method, so its tasks may be in any queue: say with InQueue in which")
	}
	var names []string
	if len(o.ids) > 0 {
		names, err = c.selectByID(ctx, t, o)
	} else {
		names, err = c.selectAll(ctx, t, o)
	}
	if err != nil {
		return nil, err
	}
	return c.delete(ctx, t, names, o.concurrency)
}

// isExactly reports whether the task is one of the type that this client's handler runs.
func (c *Client) isExactly(t taskType, task *Task) bool {
	name, ours := strings.CutPrefix(task.URL, c.urls)
	return ours && (name == t.name || slices.Contains(t.aliases, name))
}

// selectByID returns the resource names of the tasks with the ids. One that is missing or of another type is an error.
func (c *Client) selectByID(ctx context.Context, t taskType, o *discardOptions) ([]string, error) {
	queues := o.queues
	if !o.inQueue {
		queues = c.queuesOf(t)
	}
	var names []string
	var errs []error
	for _, id := range o.ids {
		task, err := c.find(ctx, id, queues)
		switch {
		case err != nil && !o.inQueue:
			errs = append(errs, t.elsewhere(id, err, "say with InQueue in which, or give the full resource name"))
		case err != nil:
			errs = append(errs, err)
		case !c.isExactly(t, task):
			errs = append(errs, fmt.Errorf("%w; tasks of this type have the URL %s%s", otherType(task), c.urls, t.name))
		case task.DispatchCount >= o.minRetries:
			names = append(names, task.Name)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return names, nil
}

// selectAll returns the resource names of all tasks of the type. They are collected before the first is deleted, so
// that deleting cannot shift the pages of the listing.
func (c *Client) selectAll(ctx context.Context, t taskType, o *discardOptions) ([]string, error) {
	if o.inQueue {
		var names []string
		for _, queue := range o.queues {
			found, err := c.list(ctx, t, queue, o.minRetries)
			if err != nil {
				return nil, err
			}
			names = append(names, found...)
		}
		return names, nil
	}
	// One of the type's own queues may be missing: the backup queue replaces it meanwhile.
	var names []string
	var missing []error
	queues := c.queuesOf(t)
	for _, queue := range queues {
		found, err := c.list(ctx, t, queue, o.minRetries)
		switch {
		case StatusOf(err) == NotFound:
			missing = append(missing, err)
		case err != nil:
			return nil, err
		}
		names = append(names, found...)
	}
	if len(missing) == len(queues) {
		return nil, errors.Join(missing...)
	}
	return names, nil
}

// list returns the resource names of the queue's tasks of the type that have been dispatched at least dispatched times.
func (c *Client) list(ctx context.Context, t taskType, queue string, dispatched int) ([]string, error) {
	type page struct {
		tasks []*Task
		next  string
	}
	var names []string
	for token := ""; ; {
		p, err := repeat(ctx, c.cfg.CallTimeout, c.random, func(ctx context.Context) (page, error) {
			tasks, next, err := c.backend.ListTasks(ctx, c.queueName(queue), token)
			return page{tasks, next}, err
		})
		if err != nil {
			return nil, fmt.Errorf("listing queue %q: %w", queue, err)
		}
		for _, task := range p.tasks {
			if c.isExactly(t, task) && task.DispatchCount >= dispatched {
				names = append(names, task.Name)
			}
		}
		if token = p.next; token == "" {
			return names, nil
		}
	}
}

// delete deletes the tasks and returns what it deleted, in order.
func (c *Client) delete(ctx context.Context, t taskType, names []string, concurrency int) ([]string, error) {
	d := deletion{backend: c.backend, timeout: c.cfg.CallTimeout, random: c.random, concurrency: concurrency}
	errs := d.run(ctx, names)
	var deleted []string
	var failed []error
	notTried, why := 0, error(nil)
	for i, name := range names {
		switch err := errs[i]; {
		case err == nil:
			deleted = append(deleted, t.name+"/"+rules.Last(name))
		case StatusOf(err) == NotFound:
		case errors.Is(err, ErrNotTried):
			notTried, why = notTried+1, err
		default:
			failed = append(failed, fmt.Errorf("deleting %s: %w", name, err))
		}
	}
	c.cfg.Logger.DebugContext(ctx, "tasks discarded; their names stay taken for up to 24 h",
		"task", t.name, "found", len(names), "deleted", len(deleted))
	const most = 10
	if n := len(failed) - most; n > 0 {
		failed = append(failed[:most:most], fmt.Errorf("and %d more tasks", n))
	}
	if notTried > 0 {
		failed = append(failed, fmt.Errorf("%d of %d tasks: %w", notTried, len(names), why))
	}
	return deleted, errors.Join(failed...)
}

// forEach calls do for 0 to n-1, at most concurrency calls at a time.
func forEach(n, concurrency int, do func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, min(n, concurrency))
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}

// DiscardOption says which tasks to discard, and how.
type DiscardOption func(*discardOptions)

type discardOptions struct {
	ids         []string
	minRetries  int
	concurrency int
	queues      []string
	inQueue     bool
}

// TaskID discards only the task with this id or full resource name. It may be given several times. If one of the tasks is of another type,
// nothing is deleted, and the error names its type.
func TaskID(id string) DiscardOption {
	return func(o *discardOptions) { o.ids = append(o.ids, id) }
}

// MinRetries discards only tasks that have been dispatched at least n times, including an attempt that is running.
func MinRetries(n int) DiscardOption {
	return func(o *discardOptions) { o.minRetries = n }
}

// Concurrency sets the number of concurrent calls that delete tasks, at least 1. Default 8. If the service can and permits it, many tasks
// of a queue are deleted in calls for up to 1000 of them, at most 4 at a time.
func Concurrency(n int) DiscardOption {
	return func(o *discardOptions) { o.concurrency = n }
}

// InQueue looks for tasks in the queues with these ids, which get Config.QueuePrefix, instead of the type's own queue and
// the backup queue. A type whose Queue method chooses the queue needs it.
func InQueue(q ...string) DiscardOption {
	return func(o *discardOptions) { o.queues, o.inQueue = append(o.queues, q...), true }
}

const defaultConcurrency = 8

// discardOptions returns the checked options, with the ids of queues in Cloud Tasks.
func (c *Client) discardOptions(opts []DiscardOption) (*discardOptions, error) {
	o := &discardOptions{concurrency: defaultConcurrency}
	for _, opt := range opts {
		opt(o)
	}
	for _, id := range o.ids {
		if _, _, ok := rules.SplitTask(id); ok {
			continue
		}
		if err := checkTaskID(id); err != nil {
			return nil, fmt.Errorf("TaskID %s: %w", shorten(id), err)
		}
	}
	if o.minRetries < 0 {
		return nil, fmt.Errorf("MinRetries %d: must not be negative", o.minRetries)
	}
	if o.concurrency < 1 {
		return nil, fmt.Errorf("Concurrency %d: must be at least 1", o.concurrency)
	}
	if o.inQueue && len(o.queues) == 0 {
		return nil, errors.New("InQueue without a queue")
	}
	for i, queue := range o.queues {
		if err := c.cfg.checkQueue(queue); err != nil {
			return nil, fmt.Errorf("InQueue %s: %w", shorten(queue), err)
		}
		o.queues[i] = c.cfg.QueuePrefix + queue
	}
	return o, nil
}
