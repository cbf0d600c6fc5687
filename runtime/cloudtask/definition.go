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

// Definition describes a task type to the runtime. Its fields come from the task's directives and methods, and must not change once it is
// used. Only generated code makes and calls definitions; they are not covered by the promise of compatibility.
//
// A task, in its fields and methods, is a pointer to the struct that Task points to. Definition has no type parameter, and its methods
// are not inlined, so none of this is compiled again for each task type.
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

// Asap enqueues task to run as soon as possible. Its error describes a problem of the task, or wraps the [StatusError] of the queue
// service. It also wraps [ErrOutcomeUnknown] if the task may have been enqueued nevertheless.
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

// Until enqueues task to run at a random time between now and latest, which must be in the future. That
// spreads many tasks evenly over the time.
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

// Batch enqueues tasks, a slice of structs, in as few calls as the service allows and returns their receipts in order. If
// some are not enqueued, the error is a [*BatchError] with the reasons by index, and the receipts of the others are valid. A reason that
// wraps [ErrOutcomeUnknown] means that the task may have been enqueued; since every task of a batch has an ID from the start, Batch has
// looked for it. Any other error means that no task was enqueued. The options apply to every task; [WithTaskName] is an error. A task
// with the ID of an earlier one of the batch, by once, unique or its TaskName method, gets a receipt with Duplicate.
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

// order returns the description of task that c enqueues.
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

// encode returns the payload's JSON, in memory of exactly its size.
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

// Sync returns the context of a run without a queue. Its metadata has a new id and the type's queue, without a prefix, because there is no
// configuration. Its deadline is that of ctx.
//
//go:noinline
func (d *Definition) Sync(ctx context.Context) context.Context {
	return syncContext(ctx, d.Queue, d.Retry)
}

// Debug fetches a queued task, decodes its payload into task, and returns the context for running it, with the metadata of its next
// attempt. taskID is a full resource name, or an id in the type's own queue or the backup queue; a task that [WithQueue] or the type's
// Queue method sent elsewhere needs its full name. The task stays in its queue. A task of another type is an error that wraps
// [ErrOtherType].
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

// Discard deletes queued tasks of this type and returns "Name/taskID" for each, in the order of the queue. Without options it deletes all of
// them in the type's own queue and the backup queue. [InQueue] deletes those that [WithQueue] sent to other queues; a type with a Queue
// method requires it, unless [TaskID] selects the tasks. A task is of this type if its URL is exactly that of one of the type's names at
// this client's BaseURL. A running task is deleted too, which does not stop the run. The IDs of deleted tasks stay reserved for up
// to 24 hours.
//
// Tasks that are gone before they can be deleted are left out. If some cannot be deleted, Discard returns the others with an error. When
// ctx ends, Discard waits for the calls that have begun, for at most Config.CallTimeout.
//
//go:noinline
func (d *Definition) Discard(ctx context.Context, c *Client, opts ...DiscardOption) ([]string, error) {
	deleted, err := c.discard(ctx, d.taskType(), opts)
	if err != nil {
		return deleted, fmt.Errorf("discard %s: %w", d.Name, err)
	}
	return deleted, nil
}

// taskType identifies the queued tasks of a type.
type taskType struct {
	name    string
	aliases []string
	queue   string // id, without the prefix; "": the client's default
	dynamic bool   // a Queue method chooses the queue
}

func (d *Definition) taskType() taskType {
	return taskType{name: d.Name, aliases: d.Aliases, queue: d.Queue, dynamic: d.QueueOf != nil}
}

// ErrOtherType is wrapped by errors about a queued task of another type than asked for.
var ErrOtherType = errors.New("task of another type")

// Route returns the route that runs tasks of this definition with run.
//
//go:noinline
func (d *Definition) Route(run func(ctx context.Context, task any) error) Route {
	return d.route(func(ctx context.Context, dst []byte, task any) ([]byte, error) {
		return dst, runError(run(ctx, task))
	})
}

// RouteWithResult is [Definition.Route] for a run that returns a pointer to its result. appendResult appends the result's JSON.
//
//go:noinline
func (d *Definition) RouteWithResult(
	run func(ctx context.Context, task any) (result any, err error), appendResult func(dst []byte, result any) ([]byte, error),
) Route {
	return d.route(func(ctx context.Context, dst []byte, task any) ([]byte, error) {
		result, err := run(ctx, task)
		if err != nil {
			return dst, runError(err)
		}
		return encodeResult(dst, result, appendResult)
	})
}

func (d *Definition) route(run func(ctx context.Context, dst []byte, task any) ([]byte, error)) Route {
	typ := reflect.TypeOf(d.Task).Elem()
	return Route{Name: d.Name, Aliases: d.Aliases, Queue: d.Queue, Timeout: d.Timeout, Retry: d.Retry, typeName: typ.PkgPath() + "." + typ.Name(),
		run: func(ctx context.Context, dst, payload []byte) ([]byte, error) {
			task := reflect.New(typ).Interface()
			if err := d.Decode(payload, task); err != nil {
				return dst, &payloadError{err}
			}
			return run(ctx, dst, task)
		}}
}
