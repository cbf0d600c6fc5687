package localqueue

import (
	"bytes"
	"context"
	"maps"
	"sync"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// kept holds what callers of [Service.Keep] had kept.
type keptValues struct {
	mu     sync.Mutex
	values map[string][]byte
}

// set is called with the lock held, or before there is anybody else.
func (k *keptValues) set(key string, value []byte) {
	if len(value) == 0 {
		delete(k.values, key)
		return
	}
	if k.values == nil {
		k.values = make(map[string][]byte)
	}
	k.values[key] = value
}

// removeIf removes what is kept under names that remove selects.
func (k *keptValues) removeIf(remove func(name string) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.values, func(name string, _ []byte) bool { return remove(name) })
}

// remove removes what is kept under the name.
func (k *keptValues) remove(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.values, name)
}

func (k *keptValues) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.values)
}

// pack appends entries for all that is kept.
func (k *keptValues) pack(b []byte) []byte {
	k.mu.Lock()
	values := maps.Clone(k.values)
	k.mu.Unlock()
	for key, value := range values {
		b = packKept(b, key, value)
	}
	return b
}

// Keep keeps value under the name of a resource, in the same way as queues and tasks: for as long as the service runs, or
// with [WithDir] for good. The service has no use for it itself; it is for what belongs to the wire API alone, such as
// access policies. An empty value removes the name. A value under a queue's full name goes with the queue, and without the
// queue the error is NOT_FOUND.
func (s *Service) Keep(ctx context.Context, name string, value []byte) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.settle(&err)
	_, _, ofQueue := rules.SplitQueue(name)
	if ofQueue {
		s.find(name) // defines it, if it exists in every location
	}
	s.mu.RLock() // so that the queue is not deleted meanwhile
	defer s.mu.RUnlock()
	if ofQueue && s.queues.get(name) == nil {
		return resource.QueueMissing()
	}
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	s.kept.set(name, bytes.Clone(value))
	s.journal.append(func(b []byte) []byte { return packKept(b, name, value) })
	return nil
}

// Kept returns what is kept under the name, nil if nothing is.
func (s *Service) Kept(ctx context.Context, name string) (value []byte, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.settle(&err)
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	return bytes.Clone(s.kept.values[name]), nil
}
