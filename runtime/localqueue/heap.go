package localqueue

// taskHeap holds a queue's waiting tasks. The one that is due first is at index 0. Each task knows its index, so it can be removed
// from the middle. The heap holds what tasks are compared by, because the tasks themselves are scattered in memory.
type taskHeap []waiting

// waiting is an element of a [taskHeap]. The task's schedule time does not change while it is there.
type waiting struct {
	schedule int64
	seq      uint64
	t        *task
}

func (w waiting) before(o waiting) bool {
	return w.schedule < o.schedule || w.schedule == o.schedule && w.seq < o.seq
}

func (h *taskHeap) push(t *task) {
	*h = append(*h, waiting{t.schedule, t.seq, t})
	h.up(len(*h) - 1)
}

func (h *taskHeap) remove(t *task) {
	i, last := int(t.heapIndex), len(*h)-1
	moved := (*h)[last]
	(*h)[last] = waiting{}
	*h = (*h)[:last]
	t.heapIndex = -1
	if i == last {
		return
	}
	(*h)[i] = moved
	moved.t.heapIndex = int32(i)
	h.down(i)
	h.up(int(moved.t.heapIndex))
}

func (h *taskHeap) up(i int) {
	s := *h
	w := s[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !w.before(s[parent]) {
			break
		}
		s[i] = s[parent]
		s[i].t.heapIndex = int32(i)
		i = parent
	}
	s[i] = w
	w.t.heapIndex = int32(i)
}

func (h *taskHeap) down(i int) {
	s := *h
	w := s[i]
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1].before(s[child]) {
			child++
		}
		if !s[child].before(w) {
			break
		}
		s[i] = s[child]
		s[i].t.heapIndex = int32(i)
		i = child
	}
	s[i] = w
	w.t.heapIndex = int32(i)
}

// due returns the number of tasks that are due at now, counting up to limit, and when the next one after them is due; 0 if none is.
func (h taskHeap) due(now int64, limit int) (due int, next int64) {
	pending := append(make([]int, 0, 64), 0) // at most two for each level: nothing is allocated
	for len(pending) > 0 && due < limit {
		i := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		switch {
		case i >= len(h):
		case h[i].schedule <= now:
			due++
			pending = append(pending, 2*i+1, 2*i+2)
		case next == 0 || h[i].schedule < next:
			next = h[i].schedule
		}
	}
	return due, next
}

// before counts the tasks before w, up to MaxDue.
func (h taskHeap) before(w waiting) (n int) {
	for pending := []int{0}; len(pending) > 0 && n < MaxDue; {
		i := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if i < len(h) && h[i].before(w) {
			n++
			pending = append(pending, 2*i+1, 2*i+2)
		}
	}
	return n
}

func (w waiting) position(q *queue) position { return position{w.schedule, int64(w.seq), q.seq} }

// walk calls visit in order with the tasks for which after is true, until visit returns false. It takes time for the tasks before
// them and for those that it visits, not for the rest.
func (h taskHeap) walk(after func(waiting) bool, visit func(waiting) bool) {
	frontier := make(walkHeap, 0, 64)          // tasks whose parents were visited
	pending := append(make([]int32, 0, 64), 0) // mostly small enough that nothing is allocated
	for len(pending) > 0 {
		i := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		switch {
		case int(i) >= len(h):
		case after(h[i]):
			frontier = append(frontier, i)
		default:
			pending = append(pending, 2*i+1, 2*i+2)
		}
	}
	for i := len(frontier)/2 - 1; i >= 0; i-- {
		frontier.down(h, i)
	}
	for len(frontier) > 0 {
		i := frontier[0]
		if !visit(h[i]) {
			return
		}
		left, right := 2*i+1, 2*i+2
		if int(left) < len(h) {
			frontier[0] = left
		} else {
			frontier[0] = frontier[len(frontier)-1]
			frontier = frontier[:len(frontier)-1]
		}
		frontier.down(h, 0)
		if int(right) < len(h) {
			frontier = append(frontier, right)
			frontier.up(h, len(frontier)-1)
		}
	}
}

// walkHeap is a heap of indices into a [taskHeap], in the order of their tasks.
type walkHeap []int32

func (w walkHeap) down(h taskHeap, i int) {
	for {
		child := 2*i + 1
		if child >= len(w) {
			return
		}
		if child+1 < len(w) && h[w[child+1]].before(h[w[child]]) {
			child++
		}
		if !h[w[child]].before(h[w[i]]) {
			return
		}
		w[i], w[child] = w[child], w[i]
		i = child
	}
}

func (w walkHeap) up(h taskHeap, i int) {
	for i > 0 && h[w[i]].before(h[w[(i-1)/2]]) {
		w[i], w[(i-1)/2] = w[(i-1)/2], w[i]
		i = (i - 1) / 2
	}
}
