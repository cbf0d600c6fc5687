package cloudtask

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// order is what a definition says of one task that is to be enqueued.
type order struct {
	name         string
	queue        string        // "": the client's default
	id           string        // "": what once and unique say
	timeout      time.Duration // 0: rules.DefaultDeadline
	once         bool
	unique       []byte // key of a unique task; nil: not unique
	within       time.Duration
	retry        *RetryConfig
	enqueueRetry *RetryPolicy
	payload      []byte
}

// job is a task on its way into a queue.
type job struct {
	name   string
	queue  string // its id in Cloud Tasks
	parent string // resource name of the queue
	own    string // the queue that it was diverted from; "" where it is still in its own
	id     string // "" lets the service choose
	random bool   // the id was made for this task alone
	token  string // value of tokenHeader; "": none is sent
	unsure bool   // a try whose answer was lost may have put the task into the queue
	policy RetryPolicy
	task   Task // complete
	size   int  // as stored
}

func checkTimeout(d time.Duration) error {
	if d < rules.MinDeadline || d > rules.MaxDeadline {
		return fmt.Errorf("timeout %v is outside of Cloud Tasks' %v to %v", d, rules.MinDeadline, rules.MaxDeadline)
	}
	return nil
}

// enqueue sends one task to its queue, or runs it in eager mode.
func (c *Client) enqueue(ctx context.Context, name string, verb ETA, opts []EnqueueOption, describe func() (order, error)) (Receipt, error) {
	j, err := c.newJob(ctx, verb, opts, describe)
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

func (c *Client) newJob(ctx context.Context, verb ETA, opts []EnqueueOption, describe func() (order, error)) (*job, error) {
	o, when, err := c.timing(verb, opts)
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
func (c *Client) timing(verb ETA, opts []EnqueueOption) (enqueueOptions, timing, error) {
	o, err := c.enqueueOptions(opts)
	if err != nil {
		return o, timing{}, err
	}
	eta, err := o.eta(verb)
	if err != nil {
		return o, timing{}, err
	}
	now := c.now()
	schedule, err := c.scheduleTime(now, eta)
	return o, timing{schedule: schedule, period: eta.period(now)}, err
}

// prepare makes the task as it goes to the service, and refuses here what the service would refuse. A task whose
// creation may be asked for again gets what it is recognized by.
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

// chooseID returns the id that makes the task one of its name; "" where it has none. The task is unique in the period
// that period falls into.
func (d *order) chooseID(o *enqueueOptions, period time.Time) (string, error) {
	switch {
	case o.id != nil:
		return *o.id, nil // checked
	case d.id != "":
		if err := checkTaskID(d.id); err != nil {
			return "", fmt.Errorf("task name %s: %w", shorten(d.id), err)
		}
		return d.id, nil
	case d.once:
		return hashID([]byte(d.name)), nil
	case d.unique != nil:
		// Neither a name nor the JSON of a key holds a zero byte, and a once task's hash has none: no two kinds or keys
		// hash the same bytes.
		key := make([]byte, 0, len(d.name)+len(d.unique)+48)
		key = append(key, d.name...)
		key = append(key, 0)
		key = append(key, d.unique...)
		key = append(key, 0)
		if d.within > 0 {
			key = strconv.AppendInt(key, int64(d.within), 10)
			key = append(key, 0)
			key = strconv.AppendInt(key, period.UnixNano()/int64(d.within), 10)
		}
		return hashID(key), nil
	}
	return "", nil
}

// hashID returns the SHA-256 of key in hexadecimal: no two keys meet by chance, and names that begin differently are
// what Cloud Tasks is fastest with.
func hashID(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:])
}

// checkTypeName refuses a name that would not be the last segment of a URL as it is.
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

// create makes the calls that put the job into its queue or the backup queue.
func (c *Client) create(ctx context.Context, j *job) (Receipt, error) {
	r := newRetrier(j.policy, c.random)
	for {
		r.tries++
		stored, err := c.createOnce(ctx, j, &r)
		switch {
		case err == nil:
			return c.created(ctx, j, stored), nil
		case StatusOf(err) == AlreadyExists && j.id != "":
			return c.exists(ctx, j), nil
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

// inQueue says which queue err is about.
func (j *job) inQueue(err error) error {
	if j.own != "" {
		return fmt.Errorf("backup queue %q, tried because queue %q does not take the task: %w", j.queue, j.own, err)
	}
	return fmt.Errorf("queue %q: %w", j.queue, err)
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

// backUp reports whether err says that the job's queue is gone and there is another to try.
func (c *Client) backUp(j *job, err error) bool {
	code := StatusOf(err)
	return (code == NotFound || code == FailedPrecondition) && c.cfg.BackupQueue != "" && c.cfg.BackupQueue != j.queue
}

// divert sends the job to the backup queue.
func (c *Client) divert(j *job) error {
	j.own, j.unsure = j.queue, false
	if err := c.address(j, c.cfg.BackupQueue); err != nil {
		return j.inQueue(err) // the queue's longer name may be too much
	}
	return nil
}

// warnDiverted logs that n tasks like j go to the backup queue because of what their own answered.
func (c *Client) warnDiverted(ctx context.Context, j *job, n int, cause error) {
	c.cfg.Logger.WarnContext(ctx, "queue does not take tasks, trying the backup queue",
		"task", j.name, "tasks", n, "queue", j.queue, "backup_queue", c.cfg.BackupQueue, "error", cause)
}
