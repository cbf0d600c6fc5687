package cloudtask

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// BatchDeleter is a [Backend] that can delete many tasks in one call: Cloud Tasks' BatchDeleteTasks.
type BatchDeleter interface {
	// BatchDeleteTasks deletes up to 1000 tasks of one queue and returns one error for each, in order: nil where it
	// deleted the task, [NotFound] where that was gone. The error is that of the whole call; after [Unimplemented] and
	// [PermissionDenied] tasks are deleted one by one. A repeated call with the same request id returns the results of the first. An error
	// that wraps [ErrOutcomeUnknown] means that the service began but its results cannot be read.
	BatchDeleteTasks(ctx context.Context, queue, requestID string, names []string) ([]error, error)
}

const (
	deleteBatch       = 1000 // tasks that Cloud Tasks deletes in one call
	deleteBatchLeast  = 20   // for which a call for all is worth its operation
	deleteConcurrency = 4    // batch calls at a time
)

// DeleteTasks deletes the tasks with these full resource names: in batch calls if the backend can and may make them, otherwise one by one,
// concurrency calls at a time. [Definition.Discard] uses it. When ctx ends, no further call begins; DeleteTasks waits up to 20 seconds for
// those that have begun, to learn their outcome.
//
// It returns one error for each task, in order: nil if it deleted the task; one with the code [NotFound] if the task was gone before;
// [ErrNotTried], with the reason, if no call for it began; and one that wraps [ErrOutcomeUnknown] if it may have been deleted. progress,
// unless nil, is called after each call with its number of tasks, concurrently.
func DeleteTasks(ctx context.Context, backend Backend, names []string, concurrency int, progress func(tasks int)) []error {
	d := deletion{backend: backend, timeout: defaultCallTimeout, random: mathrand.Int64N, concurrency: max(1, concurrency), progress: progress}
	return d.run(ctx, names)
}

// ErrNotTried is wrapped by the errors of [DeleteTasks] for tasks that it did not try to delete.
var ErrNotTried = errors.New("not tried")

// deletion deletes tasks.
type deletion struct {
	backend     Backend
	timeout     time.Duration // of a call
	random      func(int64) int64
	concurrency int
	progress    func(int) // nil: not wanted

	names    []string
	errs     []error // by name
	unsure   []bool  // by name: a batch call may have deleted the task
	oneByOne atomic.Bool
	down     atomic.Pointer[error] // the service does not answer
}

// run deletes the tasks. See [DeleteTasks].
func (d *deletion) run(ctx context.Context, names []string) []error {
	d.names, d.errs, d.unsure = names, make([]error, len(names)), make([]bool, len(names))
	chunks, singles := d.plan()
	var mu sync.Mutex
	forEach(len(chunks), min(d.concurrency, deleteConcurrency), func(i int) {
		if left := d.deleteBatch(ctx, chunks[i]); len(left) > 0 {
			mu.Lock()
			defer mu.Unlock()
			singles = append(singles, left...)
		}
	})
	slices.Sort(singles)
	forEach(len(singles), d.concurrency, func(n int) { d.deleteOne(ctx, singles[n]) })
	return d.errs
}

// plan returns the indexes of the tasks of each batch call, and of those to delete one by one.
func (d *deletion) plan() (chunks [][]int, singles []int) {
	byQueue := make(map[string][]int)
	var queues []string
	for i, name := range d.names {
		queue, _, _ := rules.CutTask(name)
		if byQueue[queue] == nil {
			queues = append(queues, queue)
		}
		byQueue[queue] = append(byQueue[queue], i)
	}
	_, able := d.backend.(BatchDeleter)
	for _, queue := range queues {
		if indexes := byQueue[queue]; able && len(indexes) >= deleteBatchLeast {
			chunks = slices.AppendSeq(chunks, slices.Chunk(indexes, deleteBatch))
		} else {
			singles = append(singles, indexes...)
		}
	}
	return chunks, singles
}

// deleteBatch deletes the tasks with these indexes, of one queue, in one call. It returns those that are left for calls of their own.
func (d *deletion) deleteBatch(ctx context.Context, indexes []int) (left []int) {
	if d.oneByOne.Load() {
		return indexes
	}
	if err := d.stopped(ctx); err != nil {
		d.fail(indexes, err)
		return nil
	}
	results, unsure, err := d.callBatch(ctx, indexes)
	refused := StatusOf(err) == Unimplemented || StatusOf(err) == PermissionDenied
	switch {
	case refused || errors.Is(err, ErrOutcomeUnknown):
		d.oneByOne.Store(true) // it is not permitted, or what comes of it may not be read
		for _, i := range indexes {
			d.unsure[i] = unsure
		}
		return indexes
	case err != nil:
		d.fail(indexes, deleteError(err, unsure))
		return nil
	}
	for n, i := range indexes {
		switch result := results[n]; {
		case mayHaveHappened(result):
			d.unsure[i] = true
			left = append(left, i)
		case StatusOf(result) == NotFound && unsure: // an earlier call whose answer was lost has deleted it
		default:
			d.errs[i] = result
		}
	}
	d.report(len(indexes) - len(left))
	return left
}

// callBatch makes the call, again by its request id where the answer is lost or cannot be read. unsure reports whether a
// call without an answer may have deleted tasks.
func (d *deletion) callBatch(ctx context.Context, indexes []int) (results []error, unsure bool, err error) {
	names := make([]string, len(indexes))
	for n, i := range indexes {
		names[n] = d.names[i]
	}
	queue, _, _ := rules.CutTask(names[0])
	requestID, begun := rand.Text(), context.WithoutCancel(ctx)
	r := newRetrier(readPolicy(), d.random)
	for {
		r.tries++
		callCtx, cancel := context.WithTimeout(begun, d.timeout)
		results, err = d.backend.(BatchDeleter).BatchDeleteTasks(callCtx, queue, requestID, names)
		if err != nil {
			err = callError(begun, callCtx, d.timeout, err)
		} else if len(results) != len(names) {
			err = &StatusError{Code: Internal, Message: fmt.Sprintf("%d results for a batch of %d deletions", len(results), len(names))}
		}
		cancel()
		unsure = unsure || mayHaveHappened(err)
		if err == nil || !r.covers(err) && !errors.Is(err, ErrOutcomeUnknown) || ctx.Err() != nil || r.pause(begun) != nil {
			return results, unsure, err
		}
	}
}

// deleteOne deletes the task with this index.
func (d *deletion) deleteOne(ctx context.Context, i int) {
	if err := d.stopped(ctx); err != nil {
		if d.unsure[i] {
			err = deleteError(err, true)
		}
		d.fail([]int{i}, err)
		return
	}
	_, err := repeat(context.WithoutCancel(ctx), d.timeout, d.random, func(ctx context.Context) (struct{}, error) {
		err := d.backend.DeleteTask(ctx, d.names[i])
		if d.unsure[i] && StatusOf(err) == NotFound {
			err = nil // a try without an answer has deleted it
		}
		d.unsure[i] = d.unsure[i] || mayHaveHappened(err)
		return struct{}{}, err
	})
	switch code := StatusOf(err); code {
	case OK, NotFound:
	case Unavailable, DeadlineExceeded:
		err = deleteError(err, true)
		d.down.CompareAndSwap(nil, &err)
	default:
		err = deleteError(err, d.unsure[i])
	}
	d.fail([]int{i}, err)
}

// fail ends the deletion of the tasks with these indexes with err, nil where it has succeeded.
func (d *deletion) fail(indexes []int, err error) {
	for _, i := range indexes {
		d.errs[i] = err
	}
	if !errors.Is(err, ErrNotTried) {
		d.report(len(indexes))
	}
}

func (d *deletion) report(tasks int) {
	if d.progress != nil && tasks > 0 {
		d.progress(tasks)
	}
}

// stopped returns why no further call may begin; nil if it may.
func (d *deletion) stopped(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotTried, err)
	}
	if down := d.down.Load(); down != nil {
		return fmt.Errorf("%w, because the service does not answer", ErrNotTried)
	}
	return nil
}

// deleteError returns the error of a deletion; unsure says that the task may have been deleted.
func deleteError(err error, unsure bool) error {
	if unsure && !errors.Is(err, ErrOutcomeUnknown) {
		return fmt.Errorf("%w (%w: the task may have been deleted)", err, ErrOutcomeUnknown)
	}
	return err
}
