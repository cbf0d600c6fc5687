package localqueue

import (
	"bytes"
	"context"
	"maps"
	"sync"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// keptValues holds the values of [Service.Keep].
type keptValues struct {
	mu     sync.Mutex
	values map[string][]byte
}

// set sets a value. The caller holds the lock, or nobody else uses k yet.
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

// removeIf removes the values whose names remove selects.
func (k *keptValues) removeIf(remove func(name string) bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.values, func(name string, _ []byte) bool { return remove(name) })
}

// remove removes the value of a name.
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

// pack appends an entry for each value.
func (k *keptValues) pack(b []byte) []byte {
	k.mu.Lock()
	values := maps.Clone(k.values)
	k.mu.Unlock()
	for key, value := range values {
		b = packKept(b, key, value)
	}
	return b
}

// Keep stores a value under the name of a resource, as long as queues and tasks are stored: while the service runs, or with [WithDir]
// for good. The service itself does not use it; it is for what only the wire API has, such as access policies. An empty value
// removes the name. A value under a queue's full name goes when the queue goes; without the queue, the error is NOT_FOUND.
func (s *Service) Keep(ctx context.Context, name string, value []byte) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.settle(&err)
	_, _, ofQueue := rules.SplitQueue(name)
	if ofQueue {
		s.find(name) // defines it, if it exists in every location
	}
	s.mu.RLock() // the queue must not be deleted meanwhile
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

// Kept returns the value of [Service.Keep] under a name; nil if there is none.
func (s *Service) Kept(ctx context.Context, name string) (value []byte, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.settle(&err)
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	return bytes.Clone(s.kept.values[name]), nil
}
