package localqueue

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// position is a task's place in a list of the tasks of several queues: the list is in the order of a, then b, then the
// queues' numbers.
type position struct {
	a, b  int64
	queue int
}

const maxPosition = math.MaxInt64

// firstPosition is before all tasks.
var firstPosition = position{a: math.MinInt64, b: math.MinInt64, queue: math.MinInt}

func (p position) before(o position) bool {
	switch {
	case p.a != o.a:
		return p.a < o.a
	case p.b != o.b:
		return p.b < o.b
	}
	return p.queue < o.queue
}

func (p position) max(o position) position {
	if p.before(o) {
		return o
	}
	return p
}

// String returns the position as a page token of its own kind: a list that changes is continued from there.
func (p position) String() string {
	return strconv.FormatInt(p.a, 10) + "." + strconv.FormatInt(p.b, 10) + "." + strconv.Itoa(p.queue)
}

// parsePosition is the inverse of String, and of "" the beginning.
func parsePosition(text string) (position, error) {
	if text == "" {
		return firstPosition, nil
	}
	parts := strings.Split(text, ".")
	var n [3]int64
	for i, part := range parts {
		v, err := strconv.ParseInt(part, 10, 64)
		if err != nil || len(parts) != len(n) {
			return position{}, resource.BadPageToken()
		}
		n[i] = v
	}
	return position{n[0], n[1], int(n[2])}, nil
}

// candidate is a task that a search looks at, with what may change afterwards as it was.
type candidate struct {
	position
	q        *queue
	t        *task
	schedule int64
	attempts int32
	state    TaskState
	held     bool // it is due, and its queue is paused
	failure  string

	kind  EventKind // of a task that is gone
	ended *ended
}

// candidate returns t, which is there, at the position.
func (q *queue) candidate(t *task, p position, now int64) candidate {
	c := candidate{position: p, q: q, t: t, schedule: t.schedule, attempts: t.dispatches, state: t.state(now)}
	c.held = c.state == TaskDue && q.settings.State != resource.StateRunning
	if t.previous != 0 {
		c.failure = t.failure()
	}
	return c
}

// isFailing reports whether there is a task that has failed.
func (q *queue) isFailing() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failing > 0
}

// state returns what t waits for.
func (t *task) state(now int64) TaskState {
	switch {
	case t.running:
		return TaskRunning
	case t.schedule <= now:
		return TaskDue
	case t.previous != 0:
		return TaskRetrying
	}
	return TaskScheduled
}

// failure returns the status of the attempt of t that failed last.
func (t *task) failure() string {
	if message := t.history.last.Message; message != "" {
		return message
	}
	said := int(t.previous)
	if said == noResponse {
		said = saidUnreachable
	}
	_, message := attemptStatus(said)
	return message
}

// newest lists the queue's tasks, the one that was created last first.
func (s *stream) newest(last position, n int, out []candidate) []candidate {
	q := s.q
	i := len(q.order.places)
	if last != firstPosition {
		i = q.order.after(uint64(-last.a)) // from there on, tasks are newer
	}
	for i--; i >= q.order.first && len(out) < n; i-- {
		place := q.order.places[i]
		if p := (position{a: -int64(place.seq), queue: q.seq}); place.t != nil && last.before(p) {
			out = append(out, q.candidate(place.t, p, s.now))
		}
	}
	return out
}

// waiting lists the queue's waiting tasks by schedule time.
func (s *stream) waiting(last position, n int, out []candidate) []candidate {
	q := s.q
	q.waiting.walk(func(w waiting) bool { return last.before(w.position(q)) }, func(w waiting) bool {
		out = append(out, q.candidate(w.t, w.position(q), s.now))
		return len(out) < n
	})
	return out
}

func (w waiting) position(q *queue) position { return position{w.schedule, int64(w.seq), q.seq} }

// walk calls visit with the tasks from the first on of which after is true, in order, until it returns false. It takes
// time for those before and those that it visits, not for those beyond.
func (h taskHeap) walk(after func(waiting) bool, visit func(waiting) bool) {
	frontier := make(walkHeap, 0, 64)          // tasks whose parents have been passed
	pending := append(make([]int32, 0, 64), 0) // so small mostly that nothing is allocated
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

// walkHeap is a heap of indices of a [taskHeap], in the order of what is there.
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

// running lists the queue's running tasks by schedule time.
func (s *stream) running(last position, n int, out []candidate) []candidate {
	q := s.q
	for _, a := range q.running {
		if p := (position{a.t.schedule, int64(a.t.seq), q.seq}); last.before(p) {
			out = append(out, q.candidate(a.t, p, s.now))
		}
	}
	slices.SortFunc(out, func(a, b candidate) int {
		if a.before(b.position) {
			return -1
		}
		return 1
	})
	return out[:min(n, len(out))]
}

// gone lists the tasks that have ended in the stream's way, the last one first.
func (s *stream) gone(last position, n int, out []candidate) []candidate {
	q := s.q
	shelf := &q.past.shelves[s.kind]
	for i := len(shelf.tasks) - 1; i >= shelf.first && len(out) < n; i-- {
		p := position{-shelf.tasks[i].at, -int64(shelf.tasks[i].number), q.seq}
		if last.before(p) {
			e := shelf.tasks[i]
			out = append(out, candidate{
				position: p, q: q, t: e.t, schedule: e.t.schedule, attempts: e.t.dispatches, kind: s.kind, ended: &e,
			})
		}
	}
	return out
}
