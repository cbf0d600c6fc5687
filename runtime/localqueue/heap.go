package localqueue

// taskHeap holds a queue's waiting tasks, the one that is due first at index 0. Each task knows its place, so that one
// can be taken out of the middle.
type taskHeap []*task

func (t *task) before(o *task) bool {
	return t.schedule < o.schedule || t.schedule == o.schedule && t.seq < o.seq
}

func (h *taskHeap) push(t *task) {
	*h = append(*h, t)
	h.up(len(*h) - 1)
}

func (h *taskHeap) remove(t *task) {
	i, last := int(t.heapIndex), len(*h)-1
	moved := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	t.heapIndex = -1
	if i == last {
		return
	}
	(*h)[i] = moved
	moved.heapIndex = int32(i)
	h.down(i)
	h.up(int(moved.heapIndex))
}

func (h *taskHeap) up(i int) {
	s := *h
	t := s[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !t.before(s[parent]) {
			break
		}
		s[i] = s[parent]
		s[i].heapIndex = int32(i)
		i = parent
	}
	s[i] = t
	t.heapIndex = int32(i)
}

func (h *taskHeap) down(i int) {
	s := *h
	t := s[i]
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1].before(s[child]) {
			child++
		}
		if !s[child].before(t) {
			break
		}
		s[i] = s[child]
		s[i].heapIndex = int32(i)
		i = child
	}
	s[i] = t
	t.heapIndex = int32(i)
}
