package localqueue

// taskHeap holds a queue's waiting tasks, the one that is due first at index 0. Each task knows its place, so that one
// can be taken out of the middle. What tasks are compared by stands in the heap itself, where it is next to what it is
// compared with: the tasks are all over the memory.
type taskHeap []waiting

// waiting is a task's place in a [taskHeap]. The task's schedule time does not change while it is there.
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
