package cloudtask

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Definition describes a task type to the runtime. cloudtaskgen writes one a task; its fields come from the task's
// directives and methods. It must not change once used.
//
// A task, here and in methods, is a pointer to the struct that Task points to. It has no type parameter, and the methods
// that generated code calls are not inlined, so that nothing of this is compiled again for each task type.
type Definition struct {
	Task         any           // a pointer to a struct of the task's type, which may be nil
	Name         string        // the id used in URLs
	Aliases      []string      // former names whose tasks may still be in flight
	Queue        string        // queue id, without Config.QueuePrefix; "": the client's default
	Timeout      time.Duration // dispatch deadline; 0: Cloud Tasks' 10 minutes
	Once         bool          // one task of this type, whatever its payload
	Within       time.Duration // UniqueKey counts per period of this length, by the time the task is to run; 0: no periods
	Retry        *RetryConfig  // of delivery; nil: the queue's
	EnqueueRetry *RetryPolicy  // of the enqueue call; its zero fields, and nil, mean the client's

	Append func(dst []byte, task any) ([]byte, error) // appends the payload's JSON
	Decode func(data []byte, task any) error          // must not keep data, which is used again

	// UniqueKey appends the values that make a task unique, unambiguously; nil: not unique.
	UniqueKey func(dst []byte, task any) ([]byte, error)

	// The struct's optional methods; nil where it has none. A zero result means the directive's value.
	QueueOf    func(task any) string
	TimeoutOf  func(task any) time.Duration
	TaskNameOf func(task any) string
}

// Asap enqueues task to run as soon as a worker is free. Its error says what is wrong with the task, or wraps the
// [StatusError] of the queue service; it wraps [ErrOutcomeUnknown], too, if the task may have been enqueued nevertheless.
//
//go:noinline
func (d *Definition) Asap(ctx context.Context, c *Client, task any) (Receipt, error) {
	return d.enqueue(ctx, c, task, ETA{}, nil)
}

// Later enqueues task to run at eta.
//
//go:noinline
func (d *Definition) Later(ctx context.Context, c *Client, task any, eta ETA, opts ...EnqueueOption) (Receipt, error) {
	if eta.kind == etaNone {
		eta = In(0)
	}
	return d.enqueue(ctx, c, task, eta, opts)
}

// Until enqueues task to run at a random time between now and latest, which must be in the future. Many tasks that are
// enqueued so are spread evenly over that time.
//
//go:noinline
func (d *Definition) Until(ctx context.Context, c *Client, task any, latest time.Time, opts ...EnqueueOption) (Receipt, error) {
	return d.enqueue(ctx, c, task, ETA{kind: etaUntil, at: latest}, opts)
}

// Push enqueues task as the options say.
//
//go:noinline
func (d *Definition) Push(ctx context.Context, c *Client, task any, opts ...EnqueueOption) (Receipt, error) {
	return d.enqueue(ctx, c, task, ETA{}, opts)
}

func (d *Definition) enqueue(ctx context.Context, c *Client, task any, eta ETA, opts []EnqueueOption) (Receipt, error) {
	return c.enqueue(ctx, d.Name, eta, opts, func() (order, error) { return d.order(c, task) })
}

// Batch enqueues tasks, a slice of structs, in as few calls as the service allows and returns their receipts in order. Each
// task is on its own: when some are not enqueued, the error is a [*BatchError] that has the reasons by index, and the receipts of the
// others are valid. A reason that wraps [ErrOutcomeUnknown] means that its task may have been enqueued: every task of a
// batch has a name from the start, so what came of it is looked up before it is called unknown. Any other error than a
// BatchError means that none was enqueued. The options apply to every task; [WithTaskName] is an
// error. A task of the same name as an earlier one of the batch, by once, unique or its TaskName method, is a receipt
// with Duplicate.
//
//go:noinline
func (d *Definition) Batch(ctx context.Context, c *Client, tasks any, opts ...EnqueueOption) ([]Receipt, error) {
	all := reflect.ValueOf(tasks)
	b, err := c.newBatch(d.Name, all.Len(), opts)
	if err != nil {
		return nil, err
	}
	for i := range all.Len() {
		task, err := d.order(c, all.Index(i).Addr().Interface())
		b.add(ctx, i, &task, err)
	}
	return b.enqueue(ctx)
}

// order returns what enqueueing by c has to know of task.
func (d *Definition) order(c *Client, task any) (order, error) {
	o := order{
		name: d.Name, queue: d.Queue, timeout: d.Timeout, once: d.Once, within: d.Within, retry: d.Retry, enqueueRetry: d.EnqueueRetry,
	}
	if d.QueueOf != nil {
		o.queue = cmp.Or(d.QueueOf(task), o.queue)
	}
	if d.TimeoutOf != nil {
		o.timeout = cmp.Or(d.TimeoutOf(task), o.timeout)
	}
	if d.TaskNameOf != nil {
		o.id = d.TaskNameOf(task)
	}
	var err error
	if d.UniqueKey != nil {
		if o.unique, err = d.UniqueKey([]byte{}, task); err != nil {
			return order{}, fmt.Errorf("encoding the values that make the task unique: %w", err)
		}
	}
	if o.payload, err = d.encode(c, task); err != nil {
		return order{}, fmt.Errorf("encoding the payload: %w", err)
	}
	return o, nil
}

// encode returns the payload's JSON in memory of just its size.
func (d *Definition) encode(c *Client, task any) ([]byte, error) {
	buf, _ := c.buffers.Get().(*[]byte)
	if buf == nil {
		buf = new([]byte)
	}
	b, err := d.Append((*buf)[:0], task)
	if err != nil {
		return nil, err
	}
	payload := bytes.Clone(b)
	if cap(b) <= maxPooled {
		*buf = b
		c.buffers.Put(buf)
	}
	return payload, nil
}

// Sync returns the context in which a task is run here and now: its metadata says so, and has an id of its own and the
// type's queue, without a prefix: there is no configuration. It has no deadline but that of ctx.
//
//go:noinline
func (d *Definition) Sync(ctx context.Context) context.Context {
	return syncContext(ctx, d.Queue, d.Retry)
}

// Debug fetches a queued task, decodes its payload into task and returns the context to run it in, whose metadata is
// that of the queued task's next attempt. taskID is a full resource name, or an id in the type's own queue or the backup
// queue: a task that [WithQueue] or the type's Queue method has sent elsewhere needs its full name. The task stays in its
// queue. A task of another type is an error that wraps [ErrOtherType].
func (d *Definition) Debug(ctx context.Context, c *Client, taskID string, task any) (context.Context, error) {
	fetched, err := c.fetch(ctx, d.taskType(), taskID)
	if err == nil {
		if err = d.Decode(fetched.Body, task); err != nil {
			err = fmt.Errorf("decoding the payload of %s: %w", fetched.Name, err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("debug %s: %w", d.Name, err)
	}
	return c.debugContext(ctx, fetched, d.Retry), nil
}

// Discard deletes queued tasks of this type, and never one of another, and returns "Name/taskID" for each that it
// deleted, in the order in which the queue lists them. Without options it deletes all that the type's own queue holds,
// and the backup queue, where there is one. Tasks that [WithQueue] has sent to other queues are deleted there with
// [InQueue]; for a type with a Queue method, InQueue is required unless tasks are named by [TaskID]. Tasks of this type
// are those whose URL is exactly that of this type, under one of its names, at this client's BaseURL. A running task is
// deleted too, which does not stop the run. The names of deleted tasks stay taken for up to 24 hours.
//
// Tasks that are gone before they can be deleted are left out. When some could not be deleted the error says why, and
// what was deleted is returned with it. When ctx ends while tasks are deleted, the calls that have begun are waited for,
// for Config.CallTimeout at most.
//
//go:noinline
func (d *Definition) Discard(ctx context.Context, c *Client, opts ...DiscardOption) ([]string, error) {
	deleted, err := c.discard(ctx, d.taskType(), opts)
	if err != nil {
		return deleted, fmt.Errorf("discard %s: %w", d.Name, err)
	}
	return deleted, nil
}

// taskType is what tells the queued tasks of a type from others.
type taskType struct {
	name    string
	aliases []string
	queue   string // id, without the prefix; "": the client's default
	dynamic bool   // a Queue method chooses the queue
}

func (d *Definition) taskType() taskType {
	return taskType{name: d.Name, aliases: d.Aliases, queue: d.Queue, dynamic: d.QueueOf != nil}
}

// ErrOtherType is wrapped by errors about a queued task that is of another type than asked for.
var ErrOtherType = errors.New("task of another type")
