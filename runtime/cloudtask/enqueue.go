package cloudtask

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

func checkTimeout(d time.Duration) error {
	if d < rules.MinDeadline || d > rules.MaxDeadline {
		return fmt.Errorf("timeout %v is outside of Cloud Tasks' %v to %v", d, rules.MinDeadline, rules.MaxDeadline)
	}
	return nil
}

// enqueue sends one task to its queue, or runs it in eager mode.
func (c *Client) enqueue(ctx context.Context, name string, eta ETA, opts []EnqueueOption, describe func() (order, error)) (Receipt, error) {
	j, err := c.newJob(ctx, eta, opts, describe)
	if err != nil {
		return Receipt{}, fmt.Errorf("enqueue %s: %w", name, err)
	}
	if c.cfg.Eager {
		return c.runEager(ctx, j)
	}
	receipt, err := c.create(ctx, j)
	if err != nil {
		return Receipt{}, fmt.Errorf("enqueue %s: %w", name, err)
	}
	return receipt, nil
}

func (c *Client) newJob(ctx context.Context, eta ETA, opts []EnqueueOption, describe func() (order, error)) (*job, error) {
	o, when, err := c.timing(eta, opts)
	if err != nil {
		return nil, err
	}
	task, err := describe()
	if err != nil {
		return nil, err
	}
	return c.prepare(ctx, &task, &o, when, false)
}

// timing is when a task is to run.
type timing struct {
	schedule time.Time // as the service is told; zero: as soon as possible
	period   time.Time // of the period in which the task is unique
}

// timing returns the options, and when the task is to run.
func (c *Client) timing(given ETA, opts []EnqueueOption) (enqueueOptions, timing, error) {
	o, err := c.enqueueOptions(opts)
	if err != nil {
		return o, timing{}, err
	}
	eta, err := o.eta(given)
	if err != nil {
		return o, timing{}, err
	}
	now := c.now()
	schedule, err := c.scheduleTime(now, eta)
	return o, timing{schedule: schedule, period: eta.period(now)}, err
}

// prepare makes the task that is sent to the service, and refuses what the service would refuse. With again, creation may be retried, so the
// task gets a mark by which it is recognized.
func (c *Client) prepare(ctx context.Context, d *order, o *enqueueOptions, when timing, again bool) (*job, error) {
	j := &job{name: d.name, policy: d.enqueueRetry.or(c.cfg.EnqueueRetry)}
	if err := checkTypeName(d.name); err != nil {
		return nil, err
	}
	var err error
	if j.queue, err = c.chooseQueue(d, o); err != nil {
		return nil, err
	}
	if j.id, err = d.chooseID(o, when.period); err != nil {
		return nil, err
	}
	if again || len(j.policy.On) > 0 {
		if j.id == "" {
			j.id, j.random = rand.Text(), true
		} else if !c.cfg.Eager {
			j.token = rand.Text()
		}
	}
	timeout := cmp.Or(d.timeout, rules.DefaultDeadline)
	if o.timeout != nil {
		timeout = *o.timeout
	}
	if err := checkTimeout(timeout); err != nil {
		return nil, err
	}
	timeout = timeout.Truncate(time.Millisecond) // as Cloud Tasks does
	headers, err := c.taskHeader(ctx, o.headers, timeout, j.token)
	if err != nil {
		return nil, err
	}
	j.task = Task{URL: c.urls + d.name, Header: headers, Body: d.payload, ScheduleTime: when.schedule, DispatchDeadline: timeout, Retry: d.retry}
	if len(j.task.URL) > rules.MaxURLLength {
		return nil, fmt.Errorf("URL %s has %d characters, Cloud Tasks allows %d", shorten(j.task.URL), len(j.task.URL), rules.MaxURLLength)
	}
	if c.cfg.ServiceAccount != "" {
		j.task.ServiceAccount, j.task.Audience = c.cfg.ServiceAccount, c.cfg.Audiences[0]
	}
	return j, c.address(j, j.queue)
}

// chooseQueue returns the id in Cloud Tasks of the task's queue: the option's, else the method's or the directive's, else
// the default.
func (c *Client) chooseQueue(d *order, o *enqueueOptions) (string, error) {
	switch {
	case o.queue != nil:
		return c.cfg.QueuePrefix + *o.queue, nil // checked
	case d.queue == "":
		return c.cfg.Queue, nil // checked
	}
	if err := c.cfg.checkQueue(d.queue); err != nil {
		return "", fmt.Errorf("queue %s: %w", shorten(d.queue), err)
	}
	return c.cfg.QueuePrefix + d.queue, nil
}

// checkTypeName refuses a name that cannot be the last segment of a URL without escaping.
func checkTypeName(name string) error {
	for _, c := range []byte(name) {
		if !isAlphanumeric(c) && strings.IndexByte("._~-", c) < 0 {
			return fmt.Errorf(`task type %q: a name holds only letters, digits, "-", "_", "~" and "."`, name)
		}
	}
	if name == "" || name == "." || name == ".." {
		return fmt.Errorf("task type %q: not a name", name)
	}
	return nil
}

// address sends the job to the queue, whose name is part of the task's.
func (c *Client) address(j *job, queue string) error {
	j.queue, j.parent = queue, c.queueName(queue)
	if j.id != "" {
		j.task.Name = j.parent + "/tasks/" + j.id
	}
	var err error
	j.size, err = checkSize(&j.task, j.parent)
	return err
}

// create puts the job into its queue or the backup queue.
func (c *Client) create(ctx context.Context, j *job) (Receipt, error) {
	r := newRetrier(j.policy, c.random)
	for {
		r.tries++
		stored, err := c.createOnce(ctx, j, &r)
		switch {
		case err == nil:
			return c.receiptOfCreated(ctx, j, stored), nil
		case StatusOf(err) == AlreadyExists && j.id != "":
			return c.receiptOfExisting(ctx, j), nil
		case c.backUp(j, err):
			if receipt, found := c.queuedBefore(ctx, j); found {
				return receipt, nil
			}
			c.warnDiverted(ctx, j, 1, err)
			if err = c.divert(j); err != nil {
				return Receipt{}, err
			}
			r.tries = 0
			continue
		}
		if err := r.retry(ctx, err); err != nil {
			return Receipt{}, j.failed(err)
		}
	}
}

func (c *Client) createOnce(ctx context.Context, j *job, r *retrier) (*Task, error) {
	if err := ctx.Err(); err != nil {
		return nil, contextError(err) // nothing is sent
	}
	timeout := r.timeout(c.cfg.CallTimeout)
	callCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stored, err := c.backend.CreateTask(callCtx, j.parent, &j.task)
	if err != nil {
		err = callError(ctx, callCtx, timeout, err)
		j.tried(err)
		return nil, err
	}
	return stored, nil
}

// backUp reports whether err means that the job's queue is missing and there is a backup queue.
func (c *Client) backUp(j *job, err error) bool {
	code := StatusOf(err)
	return (code == NotFound || code == FailedPrecondition) && c.cfg.BackupQueue != "" && c.cfg.BackupQueue != j.queue
}

// divert sends the job to the backup queue.
func (c *Client) divert(j *job) error {
	j.own, j.unsure = j.queue, false
	if err := c.address(j, c.cfg.BackupQueue); err != nil {
		return j.inQueue(err) // the longer name may make the task too large
	}
	return nil
}

// warnDiverted logs that n tasks like j go to the backup queue because of what their own answered.
func (c *Client) warnDiverted(ctx context.Context, j *job, n int, cause error) {
	c.cfg.Logger.WarnContext(ctx, "queue does not take tasks, trying the backup queue",
		"task", j.name, "tasks", n, "queue", j.queue, "backup_queue", c.cfg.BackupQueue, "error", cause)
}
