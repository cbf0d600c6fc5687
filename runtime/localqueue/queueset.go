package localqueue

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// queueSet holds queues by name and in the order of their names, for pages of lists. It keeps the order in blocks, so neither adding
// a queue nor reading a page takes time for all queues.
type queueSet struct {
	named  map[string]*queue
	blocks [][]*queue // in order, none empty
}

// maxBlock is the size at which a block is split.
const maxBlock = 512

func (s *queueSet) get(name string) *queue { return s.named[name] }

// put adds q, or replaces a queue of the same name.
func (s *queueSet) put(q *queue) {
	if s.named == nil {
		s.named = make(map[string]*queue)
	}
	_, known := s.named[q.name]
	s.named[q.name] = q
	b, i := s.place(q.name)
	switch {
	case known:
		s.blocks[b][i] = q
		return
	case len(s.blocks) == 0:
		s.blocks = append(s.blocks, nil)
	case b == len(s.blocks): // after all others
		b--
		i = len(s.blocks[b])
	}
	block := slices.Insert(s.blocks[b], i, q)
	s.blocks[b] = block
	if len(block) > maxBlock {
		half := len(block) / 2
		s.blocks[b] = slices.Clip(block[:half])
		s.blocks = slices.Insert(s.blocks, b+1, slices.Clone(block[half:]))
	}
}

// remove removes q, if it is there.
func (s *queueSet) remove(q *queue) {
	if s.named[q.name] != q {
		return
	}
	delete(s.named, q.name)
	b, i := s.place(q.name)
	if s.blocks[b] = slices.Delete(s.blocks[b], i, i+1); len(s.blocks[b]) == 0 {
		s.blocks = slices.Delete(s.blocks, b, b+1)
	}
}

// place returns the block of the first queue at or after name, and the queue's index in it.
func (s *queueSet) place(name string) (block, index int) {
	block, _ = slices.BinarySearchFunc(s.blocks, name, func(b []*queue, name string) int {
		return strings.Compare(b[len(b)-1].name, name)
	})
	if block < len(s.blocks) {
		index, _ = slices.BinarySearchFunc(s.blocks[block], name, func(q *queue, name string) int { return strings.Compare(q.name, name) })
	}
	return block, index
}

// after yields the queues whose names come after name, in order.
func (s *queueSet) after(name string) iter.Seq[*queue] {
	return func(yield func(*queue) bool) {
		b, i := s.place(name)
		for ; b < len(s.blocks); b, i = b+1, 0 {
			for _, q := range s.blocks[b][i:] {
				if q.name != name && !yield(q) {
					return
				}
			}
		}
	}
}

func (s *queueSet) all() iter.Seq[*queue] { return s.after("") }

func (s *queueSet) len() int { return len(s.named) }

func (s *queueSet) clear() { *s = queueSet{} }

// allQueues yields the queues in the order of their names. It reads some at a time, so it neither locks the service for long nor
// allocates for each queue. It may miss a queue that comes or goes meanwhile.
func (s *Service) allQueues() iter.Seq[*queue] {
	return func(yield func(*queue) bool) {
		some := make([]*queue, 0, maxBlock)
		for after := ""; ; after = some[len(some)-1].name {
			some = some[:0]
			s.mu.RLock()
			for q := range s.queues.after(after) {
				if some = append(some, q); len(some) == cap(some) {
					break
				}
			}
			s.mu.RUnlock()
			for _, q := range some {
				if !yield(q) {
					return
				}
			}
			if len(some) < cap(some) {
				return
			}
		}
	}
}

// find returns the queue with a full name; nil if there is none. It adds a queue that is defined for every location, so that it can
// be changed.
func (s *Service) find(name string) *queue {
	q, settings := s.lookUp(name)
	if q != nil || settings == nil {
		return q
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues.get(name); q != nil {
		return q
	}
	if _, gone := s.goneQueues[name]; gone {
		return nil
	}
	return s.addQueue(*settings)
}

// look is find without a change: for a queue that find would add, it returns an empty one that is not part of the service.
func (s *Service) look(name string) *queue {
	q, settings := s.lookUp(name)
	if q != nil || settings == nil {
		return q
	}
	return newQueue(s, *settings, 0, s.nanos())
}

// lookUp returns the queue with a name or, if it is missing but defined for every location, its settings.
func (s *Service) lookUp(name string) (*queue, *resource.Queue) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if q := s.queues.get(name); q != nil || len(s.everywhere) == 0 {
		return q, nil
	}
	_, id, ok := rules.SplitQueue(name)
	settings, defined := s.everywhere[id]
	_, gone := s.goneQueues[name] // once deleted, only CreateQueue brings it back
	if !ok || !defined || gone {
		return nil, nil
	}
	settings.Name = name
	return nil, &settings
}

// addQueue adds a queue. The caller holds s.mu.
func (s *Service) addQueue(settings resource.Queue) *queue {
	s.queueCounter++
	s.changes.Add(1)
	q := newQueue(s, settings, s.queueCounter, s.nanos())
	s.queues.put(q)
	s.journal.append(func(b []byte) []byte { return packQueue(b, q) })
	return q
}

// tombstoned reports whether a queue of that name was deleted too recently to be created again. The caller holds s.mu.
func (s *Service) tombstoned(name string) bool {
	free, gone := s.goneQueues[name]
	return gone && s.nanos() < free
}

// findOrCreate returns the queue for a new task.
func (s *Service) findOrCreate(name string) (*queue, error) {
	if q := s.find(name); q != nil {
		return q, nil
	}
	missing := resource.QueueMissing()
	if s.options.strict {
		return nil, missing
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues.get(name); q != nil {
		return q, nil
	}
	if s.tombstoned(name) {
		return nil, missing
	}
	s.log.Info("queue created for its first task (in production the call fails, because the queue does not exist)", "queue", name)
	return s.addQueue(resource.Queue{Name: name}.WithDefaults()), nil
}

// withQueue calls f with the queue locked, or returns the error missing. f must not change settings: see changeQueue.
func (s *Service) withQueue(name string, missing error, f func(q *queue, now int64) error) error {
	q := s.look(name)
	if q == nil {
		if err := resource.CheckQueueName(name); err != nil {
			return err
		}
		return missing
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deleted {
		return missing
	}
	now := s.nanos()
	q.expire(now)
	return f(q, now)
}

// forget removes q from the service, or reports false if another call did. Calls that have found q before must not change it any
// more: the journal would have their entries after the queue's end.
func (s *Service) forget(q *queue) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues.get(q.name) != q {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deleted = true
	q.past.release()
	s.queues.remove(q)
	s.kept.remove(q.name)
	s.changes.Add(1)
	free := later(s.nanos(), int64(max(0, tombstoneWindow(s.options.queueTombstone, 3*24*time.Hour))))
	s.goneQueues[q.name] = free
	s.journal.append(func(b []byte) []byte { return packQueueGone(b, q.seq, q.name, free) })
	return true
}

// queuesIn returns up to n queues of a location after the given name, in order, including those that are defined for every location but
// have not been used.
func (s *Service) queuesIn(location, after string, n int) []*queue {
	prefix := location + "/queues/"
	s.mu.RLock()
	defer s.mu.RUnlock()
	var in []*queue
	for q := range s.queues.after(max(prefix, after)) {
		if len(in) == n || !strings.HasPrefix(q.name, prefix) {
			break
		}
		in = append(in, q)
	}
	for id, settings := range s.everywhere {
		settings.Name = prefix + id
		_, gone := s.goneQueues[settings.Name]
		if settings.Name > after && !gone && s.queues.get(settings.Name) == nil {
			in = append(in, newQueue(s, settings, 0, s.nanos()))
		}
	}
	slices.SortFunc(in, func(a, b *queue) int { return strings.Compare(a.name, b.name) })
	return in[:min(n, len(in))]
}
