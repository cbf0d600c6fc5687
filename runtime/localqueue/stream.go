package localqueue

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// stream yields the tasks of one kind and queue in order. It reads some at a time, so it locks the queue only briefly, and not before the
// first task is needed.
type stream struct {
	head  position // of the next task
	q     *queue
	list  lister
	now   int64
	kind  EventKind // how the tasks ended; 0: they are not gone
	taken *taken    // nil: nothing was read yet
}

// lister appends up to n tasks of a stream that follow a position. The caller holds the queue's lock.
type lister func(s *stream, last position, n int, out []candidate) []candidate

// taken is what a stream has read of its queue.
type taken struct {
	ready []candidate
	last  position
	n     int  // number to read next time
	ended bool // there are no more
}

// maxTaken bounds the tasks read at a time.
const maxTaken = 4096

// streams are the streams of a search, merged.
type streams struct {
	all     []stream
	most    int         // bounds the tasks that a search examines
	dropped bool        // streams were dropped that begin after so many tasks
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

// merge calls visit with the tasks of all streams in order, until visit returns false. It reports whether it reached the end. A stream
// first reads page tasks.
func (ss *streams) merge(page int, visit func(*candidate) bool) bool {
	for i := len(ss.all)/2 - 1; i >= 0; i-- {
		ss.down(i)
	}
	for len(ss.all) > 0 {
		first := &ss.all[0]
		if first.taken == nil {
			before := first.head
			before.queue-- // the head itself comes next
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

// advance moves the head to the next task and reports whether there is one.
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

// String returns the position as a kind of page token: a list that changes is continued from there.
func (p position) String() string {
	return strconv.FormatInt(p.a, 10) + "." + strconv.FormatInt(p.b, 10) + "." + strconv.Itoa(p.queue)
}

// parsePosition is the inverse of String. "" is the beginning.
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

// candidate is a task that a search examines, with a copy of what may change afterwards.
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
	ended *endedTask
}

// candidate returns a task that is not gone.
func (q *queue) candidate(t *task, p position, now int64) candidate {
	c := candidate{position: p, q: q, t: t, schedule: t.schedule, attempts: t.dispatches, state: t.state(now)}
	c.held = c.state == TaskDue && q.settings.State != resource.StateRunning
	if t.previous != 0 {
		c.failure = t.failure()
	}
	return c
}

// summary returns the candidate in the form that callers get.
func (c *candidate) summary() Summary {
	contents := c.t.record.unpack()
	out := Summary{
		Name: c.q.name + "/tasks/" + c.t.id, Type: taskType(contents.url), URL: contents.url, Method: contents.method,
		Payload: start(contents.body, maxPayloadStart), Size: len(contents.body),
		Created: nanoTime(c.t.created), Scheduled: nanoTime(c.schedule), Attempts: int(c.attempts), Failure: c.failure, State: c.state, Held: c.held,
	}
	if e := c.ended; e != nil {
		out.Outcome, out.Ended = c.kind, nanoTime(e.at)
		if e.last.number != 0 {
			last := e.last.public()
			out.Last = &last
		}
	}
	return out
}

// newest lists the queue's tasks, newest first.
func (s *stream) newest(last position, n int, out []candidate) []candidate {
	q := s.q
	i := len(q.order.places)
	if last != firstPosition {
		i = q.order.after(uint64(-last.a)) // tasks after it are newer
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

// gone lists the tasks that ended as the stream's kind says, the last one first.
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
