package localqueue

import "slices"

// stream yields the tasks of one kind and queue, in order. It takes them out of the queue some at a time, so that the
// queue is locked for moments only, and none before the first of them is wanted.
type stream struct {
	head  position // of the next task
	q     *queue
	list  lister
	now   int64
	kind  EventKind // how the tasks ended; 0: they are there
	taken *taken    // nil: nothing was taken yet
}

// lister appends up to n tasks of a stream that follow a position. The caller holds the queue's lock.
type lister func(s *stream, last position, n int, out []candidate) []candidate

// taken is what a stream has taken out of its queue.
type taken struct {
	ready []candidate
	last  position
	n     int  // how many are taken the next time
	ended bool // no more are
}

// maxTaken is how many tasks are taken at a time.
const maxTaken = 4096

// streams are those of a search.
type streams struct {
	all     []stream
	most    int         // how many tasks a search looks at, at most
	dropped bool        // some that begin after so many others
	next    stream      // of begin, which allocates nothing for a stream without tasks
	scratch []candidate // of begin
}

// begin adds the stream, unless it has no tasks after the position.
func (ss *streams) begin(s stream, start position) {
	ss.next = s
	s.q.mu.Lock()
	ss.scratch = s.list(&ss.next, start, 1, ss.scratch[:0])
	s.q.mu.Unlock()
	if len(ss.scratch) == 0 {
		return
	}
	ss.next.head = ss.scratch[0].position
	if ss.all = append(ss.all, ss.next); len(ss.all) >= 2*ss.most {
		slices.SortFunc(ss.all, func(a, b stream) int {
			if a.head.before(b.head) {
				return -1
			}
			return 1
		})
		clear(ss.all[ss.most:])
		ss.all, ss.dropped = ss.all[:ss.most], true
	}
}

// merge calls visit with the tasks of all streams in order, until it returns false. It reports whether there was no task
// left to visit. A stream takes so many tasks as page says at first.
func (ss *streams) merge(page int, visit func(*candidate) bool) bool {
	for i := len(ss.all)/2 - 1; i >= 0; i-- {
		ss.down(i)
	}
	for len(ss.all) > 0 {
		first := &ss.all[0]
		if first.taken == nil {
			before := first.head
			before.queue-- // so that the head itself follows
			first.taken = &taken{last: before, n: page}
		} else if !visit(&first.taken.ready[0]) {
			return false
		} else {
			first.taken.last = first.head
			first.taken.ready = first.taken.ready[1:]
		}
		if !first.advance() {
			last := len(ss.all) - 1
			ss.all[0], ss.all[last] = ss.all[last], stream{}
			ss.all = ss.all[:last]
		}
		ss.down(0)
	}
	return true
}

// advance moves the head to the next task; false: there is none.
func (s *stream) advance() bool {
	t := s.taken
	if len(t.ready) == 0 && !t.ended {
		s.q.mu.Lock()
		t.ready = s.list(s, t.last, t.n, nil)
		s.q.mu.Unlock()
		t.ended = len(t.ready) < t.n
		t.n = min(2*t.n, maxTaken)
	}
	if len(t.ready) == 0 {
		return false
	}
	s.head = t.ready[0].position
	return true
}

// down restores the heap's order below i.
func (ss *streams) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(ss.all) {
			return
		}
		if child+1 < len(ss.all) && ss.all[child+1].head.before(ss.all[child].head) {
			child++
		}
		if !ss.all[child].head.before(ss.all[i].head) {
			return
		}
		ss.all[i], ss.all[child] = ss.all[child], ss.all[i]
		i = child
	}
}
