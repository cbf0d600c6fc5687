package localqueue

import (
	"iter"
	"slices"
	"strings"
)

// queueSet holds queues by name, and in the order of their names, which lists are paged by. The order is kept in blocks,
// so that neither a new queue nor a page of many queues takes time for all of them.
type queueSet struct {
	named  map[string]*queue
	blocks [][]*queue // in order, none empty
}

// maxBlock is how many queues a block has before it is split.
const maxBlock = 512

func (s *queueSet) get(name string) *queue { return s.named[name] }

// put adds q, in place of a queue of the same name.
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

// remove takes q out, if it is there.
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

// place returns the block of the first queue whose name is not before name, and the queue's index in it.
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

// allQueues yields the queues by name. They are taken some at a time, so that neither is the service locked for long nor
// anything allocated for each; one that comes or goes meanwhile may be left out.
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
