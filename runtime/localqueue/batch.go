package localqueue

import (
	"context"
	"sync"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

const (
	maxBatchCreate = 100
	maxBatchDelete = 1000
	// maxBatches is how many batches are remembered for calls that are repeated.
	maxBatches = 256
)

// batches remembers batch calls by location and id.
type batches struct {
	mu    sync.Mutex
	byID  map[string]*batchCall
	order []string // keys of byID, oldest first
}

// batchCall is a batch call that was begun.
type batchCall struct {
	done  chan struct{} // closed when batch and err are set
	batch *Batch
	err   error
}

// AddTasks adds up to 100 tasks (BatchCreateTasks); each task.View is the view of its result. A call with the request
// id of an earlier one, of AddTasks or DeleteTasks in the same location, returns that one's batch and does nothing.
func (s *Service) AddTasks(ctx context.Context, queue, requestID string, tasks []*Task) (*Batch, error) {
	if err := s.enterBatch(ctx, queue, len(tasks), maxBatchCreate); err != nil {
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

// DeleteTasks removes up to 1000 tasks of queue (BatchDeleteTasks). See [Service.AddTasks] on request ids.
func (s *Service) DeleteTasks(ctx context.Context, queue, requestID string, names []string) (*Batch, error) {
	if err := s.enterBatch(ctx, queue, len(names), maxBatchDelete); err != nil {
		return nil, err
	}
	return s.batch(ctx, queue, requestID, func() (*Batch, error) {
		if s.look(queue) == nil {
			return nil, status(cloudtask.NotFound, msgQueueMissing)
		}
		b := &Batch{Delete: true, Results: make([]BatchResult, len(names))}
		for i, name := range names {
			if parent, _, ok := queueOfTask(name); ok && parent != queue {
				b.Results[i].Err = invalid("The queue name from request ('%s') must be the same as the queue name in the named task ('%s').", queue, parent)
				continue
			}
			b.Results[i].Err = s.onTask(name, deleteTask)
		}
		return b, nil
	})
}

// enterBatch checks what all batch calls have in common.
func (s *Service) enterBatch(ctx context.Context, queue string, items, limit int) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	if err := checkQueueName(queue); err != nil {
		return err
	}
	if items == 0 || items > limit {
		return invalid("A batch must have between 1 and %d requests: it has %d.", limit, items)
	}
	return nil
}

// batch does what do does, once for each request id.
func (s *Service) batch(ctx context.Context, queue, requestID string, do func() (*Batch, error)) (*Batch, error) {
	location, _, _ := splitQueueName(queue)
	chosen := requestID == ""
	if chosen {
		requestID = s.ids.next()
	}
	call, first := s.batches.begin(location, requestID)
	for chosen && !first { // an id of before a restart: those of a seed begin anew
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
	s.make(call, location, requestID, do)
	s.flush()
	return call.batch, call.err
}

// make makes a batch call for all who wait for it, even if do panics.
func (s *Service) make(call *batchCall, location, requestID string, do func() (*Batch, error)) {
	start := s.Now()
	call.err = status(cloudtask.Internal, "The batch ended before all of it was done.")
	defer func() {
		if b := call.batch; b != nil {
			b.ID, b.Location, b.Start, b.End = requestID, location, start, s.Now()
			s.journal.append(func(buf []byte) []byte { return packBatch(buf, b) })
		}
		if s.settle(&call.err); call.err != nil {
			call.batch = nil
			s.batches.forget(location, requestID) // the call may be made again
		}
		close(call.done)
	}()
	call.batch, call.err = do()
}

// Batch returns the batch of an earlier AddTasks or DeleteTasks in location (projects/P/locations/L). The last 256
// batches are remembered.
func (s *Service) Batch(ctx context.Context, location, id string) (*Batch, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.batches.mu.Lock()
	call := s.batches.byID[batchKey(location, id)]
	s.batches.mu.Unlock()
	if call == nil {
		return nil, status(cloudtask.NotFound, msgNotFound)
	}
	select {
	case <-call.done:
		return call.batch, call.err
	case <-ctx.Done():
		return nil, contextError(ctx.Err())
	}
}

func batchKey(location, id string) string { return location + "/operations/" + id }

// begin returns the call of that id, and whether it is the caller who must make it.
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
