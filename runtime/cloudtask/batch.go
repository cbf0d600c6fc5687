package cloudtask

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// BatchError reports the tasks of a batch that were not enqueued, or may not have been: then their errors wrap [ErrOutcomeUnknown]. All
// other tasks were enqueued.
type BatchError struct {
	Total  int           // tasks in the batch
	Errors map[int]error // by the index of the task
}

// Error returns how many tasks were not enqueued, how many may not have been, and the first one's reason.
func (e *BatchError) Error() string {
	const most = 5
	unknown := 0
	for _, err := range e.Errors {
		if errors.Is(err, ErrOutcomeUnknown) {
			unknown++
		}
	}
	var s strings.Builder
	switch refused := len(e.Errors) - unknown; {
	case unknown == 0:
		fmt.Fprintf(&s, "%d of %d tasks not enqueued", refused, e.Total)
	case refused == 0:
		fmt.Fprintf(&s, "%d of %d tasks may not have been enqueued", unknown, e.Total)
	default:
		fmt.Fprintf(&s, "%d of %d tasks not enqueued, and %d may not have been", refused, e.Total, unknown)
	}
	for n, i := range e.indexes() {
		if n == most {
			fmt.Fprintf(&s, "; and %d more", len(e.Errors)-n)
			break
		}
		fmt.Fprintf(&s, "; [%d] %v", i, e.Errors[i])
	}
	return s.String()
}

// Unwrap returns the errors in the order of their tasks.
func (e *BatchError) Unwrap() []error {
	errs := make([]error, 0, len(e.Errors))
	for _, i := range e.indexes() {
		errs = append(errs, e.Errors[i])
	}
	return errs
}

func (e *BatchError) indexes() []int {
	indexes := make([]int, 0, len(e.Errors))
	for i := range e.Errors {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	return indexes
}

const (
	batchTasks       = 100       // that Cloud Tasks takes in one call
	batchBytes       = 4_000_000 // of one call, below the 4 MiB that gRPC servers read unless told otherwise
	batchOverhead    = 200       // bytes of one task beside what is stored
	batchConcurrency = 4         // calls at a time
	singleCalls      = 16        // at a time, where the service cannot create tasks in batches
)

// batch is a batch of tasks of one type that is being enqueued. Its slices have one element for each task.
type batch struct {
	c        *Client
	name     string
	options  enqueueOptions
	when     timing
	jobs     []*job // nil where there is an error
	original []int  // index of the first task of the same name; the task's own where it is that
	first    map[jobName]int
	receipts []Receipt
	errs     []error
}

type jobName struct{ queue, id string }

func (c *Client) newBatch(name string, n int, opts []EnqueueOption) (*batch, error) {
	o, when, err := c.timing(ETA{}, opts)
	if err == nil && o.id != nil {
		err = fmt.Errorf("WithTaskName %q: the tasks of a batch cannot all have one name; give the type a TaskName method", *o.id)
	}
	if err != nil {
		return nil, fmt.Errorf("enqueue %d %s: %w", n, name, err)
	}
	return &batch{
		c: c, name: name, options: o, when: when, first: map[jobName]int{},
		jobs: make([]*job, n), original: make([]int, n), receipts: make([]Receipt, n), errs: make([]error, n),
	}, nil
}

// add adds the task with index i, or the reason why it cannot be enqueued.
func (b *batch) add(ctx context.Context, i int, d *order, err error) {
	b.original[i] = i
	if err == nil {
		b.jobs[i], err = b.c.prepare(ctx, d, &b.options, b.when, true)
	}
	if err != nil {
		b.jobs[i], b.errs[i] = nil, err
		return
	}
	if j := b.jobs[i]; j.id != "" && !j.random {
		name := jobName{j.queue, j.id}
		if first, taken := b.first[name]; taken {
			b.original[i] = first
		} else {
			b.first[name] = i
		}
	}
}

// enqueue creates the tasks that were added.
func (b *batch) enqueue(ctx context.Context) ([]Receipt, error) {
	if b.c.cfg.Eager {
		for i, j := range b.jobs {
			if j != nil && b.original[i] == i {
				b.receipts[i], b.errs[i] = b.c.runEager(ctx, j)
			}
		}
	} else {
		chunks := b.chunks()
		forEach(len(chunks), batchConcurrency, func(i int) { b.send(ctx, chunks[i]) })
		b.lookUp(ctx)
	}
	failed := &BatchError{Total: len(b.jobs), Errors: map[int]error{}}
	for i, first := range b.original {
		if first != i {
			// It shares the outcome of the first task of its name.
			if b.errs[i] = b.errs[first]; b.errs[i] == nil {
				b.receipts[i] = Receipt{Metadata: b.receipts[first].Metadata, Duplicate: true}
			}
		}
		if b.errs[i] != nil {
			b.receipts[i] = Receipt{}
			failed.Errors[i] = b.errs[i]
		}
	}
	if len(failed.Errors) > 0 {
		return b.receipts, fmt.Errorf("enqueue %s: %w", b.name, failed)
	}
	return b.receipts, nil
}

// chunks returns the indexes of the tasks of each call: tasks of one queue, within the limits of one call.
func (b *batch) chunks() [][]int {
	var chunks [][]int
	type open struct{ chunk, bytes int }
	filling := map[string]open{} // by queue
	for i, j := range b.jobs {
		if j == nil || b.original[i] != i {
			continue
		}
		size := j.size + batchOverhead
		at, ok := filling[j.queue]
		if !ok || len(chunks[at.chunk]) == batchTasks || at.bytes+size > batchBytes {
			chunks = append(chunks, nil)
			at = open{chunk: len(chunks) - 1}
		}
		chunks[at.chunk] = append(chunks[at.chunk], i)
		at.bytes += size
		filling[j.queue] = at
	}
	return chunks
}

// send creates the tasks with these indexes, all of one queue, in calls for all of them. It retries those that may be retried, and
// sends those whose queue is gone to the backup queue.
func (b *batch) send(ctx context.Context, indexes []int) {
	if len(indexes) == 0 {
		return
	}
	first := b.jobs[indexes[0]]
	r := newRetrier(first.policy, b.c.random)
	requestID := rand.Text()
	for {
		if b.c.noBatch.Load() {
			forEach(len(indexes), singleCalls, func(n int) {
				i := indexes[n]
				b.receipts[i], b.errs[i] = b.c.create(ctx, b.jobs[i])
			})
			return
		}
		if err := ctx.Err(); err != nil { // nothing is sent
			for _, i := range indexes {
				b.errs[i] = b.jobs[i].failed(r.failed(contextError(err)))
			}
			return
		}
		r.tries++
		results, err := b.call(ctx, &r, first.parent, requestID, indexes)
		if StatusOf(err) == Unimplemented {
			b.c.noBatch.Store(true)
			continue
		}
		if r.hasLast(ctx, err) {
			for _, i := range indexes {
				b.jobs[i].tried(err)
			}
			b.giveUp(indexes, r.gaveUp())
			return
		}
		if err != nil {
			// The call failed for all of them. Repeated with its id it is still one call to the service.
			results = slices.Repeat([]CreateResult{{Err: err}}, len(indexes))
		}
		again, diverted := b.settle(ctx, &r, indexes, results)
		if len(diverted) > 0 {
			b.send(ctx, b.divert(ctx, diverted))
		}
		if len(again) == 0 {
			return
		}
		if stop := r.pause(ctx); stop != nil {
			b.giveUp(again, stop)
			return
		}
		r.last = b.errs[again[0]]
		if err == nil {
			requestID = rand.Text() // the tasks that failed need a new call
		}
		indexes = again
	}
}

// giveUp fails the tasks with the error of their last try and the reason why there is no further one.
func (b *batch) giveUp(indexes []int, why error) {
	for _, i := range indexes {
		b.errs[i] = b.jobs[i].failed(fmt.Errorf("%w: %w", why, b.errs[i]))
	}
}

// call creates the tasks. If the service began but its answer cannot be read, call repeats the request id, which creates nothing more.
func (b *batch) call(ctx context.Context, r *retrier, parent, requestID string, indexes []int) ([]CreateResult, error) {
	tasks := make([]*Task, len(indexes))
	for n, i := range indexes {
		tasks[n] = &b.jobs[i].task
	}
	results, err := b.callOnce(ctx, r, parent, requestID, tasks)
	for ask := newRetrier(readPolicy(), b.c.random); errors.Is(err, ErrOutcomeUnknown) && ask.pause(ctx) == nil; {
		for _, i := range indexes {
			b.jobs[i].tried(err)
		}
		results, err = b.callOnce(ctx, &ask, parent, requestID, tasks)
	}
	return results, err
}

// callOnce makes one call for the tasks.
func (b *batch) callOnce(ctx context.Context, r *retrier, parent, requestID string, tasks []*Task) ([]CreateResult, error) {
	timeout := r.timeout(b.c.cfg.CallTimeout)
	callCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	results, err := b.c.backend.CreateTasks(callCtx, parent, requestID, tasks)
	if err != nil {
		return nil, callError(ctx, callCtx, timeout, err)
	}
	if len(results) != len(tasks) {
		return nil, &StatusError{Code: Internal, Message: fmt.Sprintf("%d results for a batch of %d tasks", len(results), len(tasks))}
	}
	return results, nil
}

// divert sends the tasks to the backup queue, and returns those that can go there.
func (b *batch) divert(ctx context.Context, indexes []int) []int {
	first := indexes[0]
	b.c.warnDiverted(ctx, b.jobs[first], len(indexes), b.errs[first])
	var diverted []int
	for _, i := range indexes {
		if b.errs[i] = b.c.divert(b.jobs[i]); b.errs[i] == nil {
			diverted = append(diverted, i)
		}
	}
	return diverted
}

// settle records results, and returns the tasks to retry and those to send to the backup queue.
func (b *batch) settle(ctx context.Context, r *retrier, indexes []int, results []CreateResult) (again, diverted []int) {
	for n, i := range indexes {
		j, err := b.jobs[i], results[n].Err
		b.errs[i] = nil
		if err != nil {
			j.tried(err)
		}
		switch {
		case err == nil:
			b.receipts[i] = b.c.receiptOfCreated(ctx, j, results[n].Task)
		case StatusOf(err) == AlreadyExists && j.id != "":
			b.receipts[i] = b.c.receiptOfExisting(ctx, j)
		case b.c.backUp(j, err):
			if receipt, found := b.c.queuedBefore(ctx, j); found {
				b.receipts[i] = receipt
				continue
			}
			b.errs[i] = err
			diverted = append(diverted, i)
		case r.covers(err) && ctx.Err() == nil:
			b.errs[i] = err
			again = append(again, i)
		default:
			b.errs[i] = j.failed(r.failed(err))
		}
	}
	return again, diverted
}

// lookUp looks for the tasks that failed but may be queued nevertheless, and gives those that it finds their receipts. It stops at the
// first one that cannot be read.
func (b *batch) lookUp(ctx context.Context) {
	var lost []int
	for i, j := range b.jobs {
		if j != nil && b.errs[i] != nil && j.unsure {
			lost = append(lost, i)
		}
	}
	var blind atomic.Bool
	forEach(len(lost), singleCalls, func(n int) {
		i := lost[n]
		if blind.Load() || ctx.Err() != nil {
			return
		}
		by, err := b.c.creatorOf(ctx, b.jobs[i])
		switch {
		case by == thisCall:
			b.receipts[i], b.errs[i] = b.c.receiptOfCreated(ctx, b.jobs[i], nil), nil
		case by == anotherCall: // which has kept this one from creating it
			b.receipts[i], b.errs[i] = b.c.receiptOfDuplicate(ctx, b.jobs[i], false), nil
		case StatusOf(err) != NotFound:
			blind.Store(true)
		}
	})
}
