package localqueue

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Batch is the result of a batch call, which the wire API reports as a finished google.longrunning.Operation.
type Batch struct {
	ID         string // the request id, or one that the service chose
	Location   string // projects/P/locations/L
	Delete     bool   // a batch of deletions, not of creations
	Start, End time.Time
	Results    []BatchResult // one for each item, in order; shared with other callers: do not change
}

// BatchResult is the outcome of one item of a [Batch].
type BatchResult struct {
	Task *resource.Task // as stored, in the view asked for; nil for deletions and failures
	Err  error
}

const (
	maxBatchCreate = 100
	maxBatchDelete = 1000
	// maxBatches is the number of batches remembered, for repeated calls.
	maxBatches = 256
	// maxBatchBytes bounds the results that are remembered in full.
	maxBatchBytes = 128 << 10
	// maxBatchError bounds an error's text in larger results, in bytes.
	maxBatchError = 200
	// maxRequestID bounds a request id, in bytes. Cloud Tasks' own limit is not known.
	maxRequestID = 1000
)

// batches remembers batch calls by location and id.
type batches struct {
	mu    sync.Mutex
	byID  map[string]*batchCall
	order []string // keys of byID, oldest first
}

// batchCall is a batch call that has begun.
type batchCall struct {
	done  chan struct{} // closed when batch and err are set
	batch *Batch
	err   error
}

// BatchCreateTasks adds up to 100 tasks; each task.View is the view of its result. A call with the request id of an
// earlier one, of BatchCreateTasks or BatchDeleteTasks in the same location, does nothing and returns the earlier batch. If the tasks
// of that batch have more than 128 KiB, they come back without their targets: see [Service.GetBatch].
func (s *Service) BatchCreateTasks(ctx context.Context, queue, requestID string, tasks []*resource.Task) (*Batch, error) {
	if err := s.enterBatch(ctx, queue, requestID, len(tasks), maxBatchCreate); err != nil {
		return nil, err
	}
	return s.batch(ctx, queue, requestID, func() (*Batch, error) {
		if _, err := s.findOrCreate(queue); err != nil {
			return nil, err
		}
		b := &Batch{Results: make([]BatchResult, len(tasks))}
		for i, t := range tasks {
			b.Results[i].Task, b.Results[i].Err = s.addTask(queue, t)
		}
		return b, nil
	})
}

// BatchDeleteTasks removes up to 1000 tasks of queue. See [Service.BatchCreateTasks] on request ids.
func (s *Service) BatchDeleteTasks(ctx context.Context, queue, requestID string, names []string) (*Batch, error) {
	if err := s.enterBatch(ctx, queue, requestID, len(names), maxBatchDelete); err != nil {
		return nil, err
	}
	return s.batch(ctx, queue, requestID, func() (*Batch, error) {
		if s.look(queue) == nil {
			return nil, resource.QueueMissing()
		}
		b := &Batch{Delete: true, Results: make([]BatchResult, len(names))}
		for i, name := range names {
			if parent, _, ok := rules.CutTask(name); ok && parent != queue {
				b.Results[i].Err = resource.Invalid("The queue name from request ('%s') must be the same as the queue name in the named task ('%s').", queue, parent)
				continue
			}
			b.Results[i].Err = s.onTask(name, deleteTask)
		}
		return b, nil
	})
}

// enterBatch makes the checks that all batch calls share.
func (s *Service) enterBatch(ctx context.Context, queue, requestID string, items, limit int) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if err := resource.CheckQueueName(queue); err != nil {
		return err
	}
	if items == 0 || items > limit {
		return resource.Invalid("A batch must have between 1 and %d requests: it has %d.", limit, items)
	}
	if len(requestID) > maxRequestID {
		return resource.Invalid("The request ID must have at most %d bytes: it has %d.", maxRequestID, len(requestID))
	}
	return nil
}

// batch calls do once for each request id.
func (s *Service) batch(ctx context.Context, queue, requestID string, do func() (*Batch, error)) (*Batch, error) {
	location, _, _ := rules.SplitQueue(queue)
	chosen := requestID == ""
	if chosen {
		requestID = s.ids.next()
	}
	call, first := s.batches.begin(location, requestID)
	for chosen && !first { // taken before a restart: with a seed, ids start over
		requestID = s.ids.next()
		call, first = s.batches.begin(location, requestID)
	}
	if !first {
		select {
		case <-call.done:
			return call.batch, call.err
		case <-ctx.Done():
			return nil, contextError(ctx.Err())
		}
	}
	defer s.flush()
	return s.make(call, location, requestID, do)
}

// make makes a batch call and releases those who wait for it, even if do panics.
func (s *Service) make(call *batchCall, location, requestID string, do func() (*Batch, error)) (b *Batch, err error) {
	start := s.Now()
	err = resource.Error(cloudtask.Internal, "The batch ended before all of it was done.")
	defer func() {
		if b != nil {
			b.ID, b.Location, b.Start, b.End = requestID, location, start, s.Now()
			call.batch = b.remembered()
			s.journal.append(func(buf []byte) []byte { return packBatch(buf, call.batch) })
		}
		if s.settle(&err); err != nil {
			b, call.batch, call.err = nil, nil, err
			s.batches.forget(location, requestID) // the call may be made again
		}
		close(call.done)
	}()
	return do()
}

// remembered returns the batch as it is kept. A large one loses its tasks' targets and the ends of long errors.
func (b *Batch) remembered() *Batch {
	size := 0
	for _, r := range b.Results {
		size += r.size()
	}
	if size <= maxBatchBytes {
		return b
	}
	out := *b
	out.Results = make([]BatchResult, len(b.Results))
	for i, r := range b.Results {
		if t := r.Task; t != nil {
			r.Task = &resource.Task{
				Name: t.Name, ScheduleTime: t.ScheduleTime, DispatchDeadline: t.DispatchDeadline, View: resource.ViewBasic,
				CreateTime: t.CreateTime, DispatchCount: t.DispatchCount, ResponseCount: t.ResponseCount,
			}
		}
		var long *cloudtask.StatusError
		if errors.As(r.Err, &long) && len(long.Message) > maxBatchError {
			r.Err = &cloudtask.StatusError{Code: long.Code, Message: strings.Clone(start(long.Message, maxBatchError)) + "…", Err: long.Err}
		}
		out.Results[i] = r
	}
	return &out
}

// size returns roughly the result's size in bytes.
func (r *BatchResult) size() int {
	size := 0
	if r.Err != nil {
		size += len(r.Err.Error())
	}
	if r.Task == nil {
		return size
	}
	size += len(r.Task.Name)
	if request := r.Task.Request(); request != nil {
		size += len(request.URL) + len(request.Body)
		for key, value := range request.Header {
			size += len(key) + len(value)
		}
	}
	return size
}

// GetBatch returns the batch of an earlier BatchCreateTasks or BatchDeleteTasks in location (projects/P/locations/L). The last 256
// batches are remembered. In a batch whose results have more than 128 KiB, tasks have name, times, counts and deadline, but no
// target.
func (s *Service) GetBatch(ctx context.Context, location, id string) (*Batch, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.batches.mu.Lock()
	call := s.batches.byID[batchKey(location, id)]
	s.batches.mu.Unlock()
	if call == nil {
		return nil, resource.NotFound()
	}
	select {
	case <-call.done:
		return call.batch, call.err
	case <-ctx.Done():
		return nil, contextError(ctx.Err())
	}
}

func batchKey(location, id string) string { return location + "/operations/" + id }

// begin returns the call with that id and reports whether the caller is the first, who must make it.
func (b *batches) begin(location, id string) (call *batchCall, first bool) {
	key := batchKey(location, id)
	b.mu.Lock()
	defer b.mu.Unlock()
	if call := b.byID[key]; call != nil {
		return call, false
	}
	if b.byID == nil {
		b.byID = make(map[string]*batchCall)
	}
	if len(b.order) == maxBatches {
		delete(b.byID, b.order[0])
		b.order = b.order[1:]
	}
	call = &batchCall{done: make(chan struct{})}
	b.byID[key] = call
	b.order = append(b.order, key)
	return call, true
}

// finished returns the batches that have been begun, oldest first, once they have ended.
func (b *batches) finished() []*Batch {
	b.mu.Lock()
	calls := make([]*batchCall, len(b.order))
	for i, key := range b.order {
		calls[i] = b.byID[key]
	}
	b.mu.Unlock()
	var out []*Batch
	for _, call := range calls {
		if <-call.done; call.batch != nil {
			out = append(out, call.batch)
		}
	}
	return out
}

// clear forgets all batches.
func (b *batches) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.byID)
	b.order = nil
}

func (b *batches) forget(location, id string) {
	key := batchKey(location, id)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.byID, key)
	for i, k := range b.order {
		if k == key {
			b.order = append(b.order[:i:i], b.order[i+1:]...)
			return
		}
	}
}
