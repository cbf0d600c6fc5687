package localqueue

import (
	"bytes"
	"context"
	"maps"
	"sync"
)

// kept holds what callers of [Service.Keep] had kept.
type kept struct {
	mu     sync.Mutex
	values map[string][]byte
}

// set is called with the lock held, or before there is anybody else.
func (k *kept) set(key string, value []byte) {
	if len(value) == 0 {
		delete(k.values, key)
		return
	}
	if k.values == nil {
		k.values = make(map[string][]byte)
	}
	k.values[key] = value
}

func (k *kept) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.values)
}

// pack appends entries for all that is kept.
func (k *kept) pack(b []byte) []byte {
	k.mu.Lock()
	values := maps.Clone(k.values)
	k.mu.Unlock()
	for key, value := range values {
		b = packKept(b, key, value)
	}
	return b
}

// Keep keeps value under key, in the same way as queues and tasks: for as long as the service runs, or with [WithDir]
// for good. The service has no use for it itself; it is for what belongs to the wire API alone, such as access policies.
// An empty value removes the key.
func (s *Service) Keep(ctx context.Context, key string, value []byte) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.settle(&err)
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	s.kept.set(key, bytes.Clone(value))
	s.journal.append(func(b []byte) []byte { return packKept(b, key, value) })
	return nil
}

// Kept returns what is kept under key, nil if nothing is.
func (s *Service) Kept(ctx context.Context, key string) (value []byte, err error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.settle(&err)
	s.kept.mu.Lock()
	defer s.kept.mu.Unlock()
	return bytes.Clone(s.kept.values[key]), nil
}
