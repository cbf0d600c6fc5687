package localqueue

import (
	"encoding/binary"
	"strings"
)

// What a durable service's files hold of a queue's past. Where a snapshot and the journal after it both tell of an end
// or an attempt, its number tells that they are the same.

// packFailed appends the attempt of t that failed last, if it is remembered.
func packFailed(b []byte, q *queue, t *task) []byte {
	if q.past == nil {
		return b
	}
	return packMade(packInts(b, entryFailed, int64(q.seq), int64(t.seq)), q.past.failed.get(t.history.failed))
}

// packAllFailed appends all attempts of t that failed and are remembered.
func packAllFailed(b []byte, q *queue, t *task) []byte {
	if q.past == nil {
		return b
	}
	for _, m := range q.past.attempts(t) {
		b = packMade(packInts(b, entryFailed, int64(q.seq), int64(t.seq)), &m)
	}
	return b
}

func packMade(b []byte, m *made) []byte {
	for _, n := range []int64{int64(m.number), int64(m.status), int64(m.said), m.began, m.took} {
		b = binary.AppendVarint(b, n)
	}
	return packString(packString(packBool(b, m.forced), m.err), m.response)
}

func unpackMade(e *record) made {
	m := made{number: int32(e.int()), status: int16(e.int()), said: int16(e.int()), began: e.int(), took: e.int()}
	m.forced, m.err, m.response = e.byte() == 1, strings.Clone(e.string()), strings.Clone(e.string())
	return m
}

func packEnded(b []byte, q *queue, kind EventKind, e *ended) []byte {
	return packEndedFields(packInts(b, entryEnded, int64(q.seq), int64(e.t.seq)), kind, e)
}

func packEndedFields(b []byte, kind EventKind, e *ended) []byte {
	for _, n := range []int64{int64(kind), e.at, int64(e.number)} {
		b = binary.AppendVarint(b, n)
	}
	b = packBool(b, e.last.number != 0)
	if e.last.number != 0 {
		b = packMade(b, &e.last)
	}
	return b
}

// packPast appends a task that is gone.
func packPast(b []byte, q *queue, kind EventKind, e *ended) []byte {
	b = packEndedFields(packInts(b, entryPast, int64(q.seq)), kind, e)
	b = packTaskFields(b, e.t)
	b = packBool(b, e.t.history != nil)
	if e.t.history != nil {
		b = packAttemptFields(b, e.t)
	}
	failed := q.past.attempts(e.t)
	b = binary.AppendVarint(b, int64(len(failed)))
	for _, m := range failed {
		b = packMade(b, &m)
	}
	return b
}

// past writes what the queue remembers.
func (n *newSnapshot) past(q *queue) error {
	if q.past == nil {
		return nil
	}
	for kind := range q.past.shelves {
		for after, more := uint64(0), true; more; {
			after, more = n.shelf(q, EventKind(kind), after)
			if err := n.flush(snapshotChunk); err != nil {
				return err
			}
		}
	}
	return nil
}

// shelf makes entries of tasks of one outcome with numbers after that one, up to a chunk, and returns the last number,
// and whether there may be more.
func (n *newSnapshot) shelf(q *queue, kind EventKind, after uint64) (last uint64, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := &q.past.shelves[kind]
	i, _ := s.find(after + 1)
	for _, e := range s.tasks[i:] {
		if len(n.buf) >= snapshotChunk {
			return after, true
		}
		n.buf = packPast(n.buf, q, kind, &e)
		after = e.number
	}
	return after, false
}

// failed replays an attempt that failed.
func (r *replay) failed(q *queue, e *record) {
	seq, m := uint64(e.int()), unpackMade(e)
	if q == nil || q.past == nil {
		return
	}
	if t := q.order.find(seq); t != nil && t.history != nil {
		q.past.restore(t, m)
	}
}

// restore remembers an attempt that failed, unless it is.
func (p *past) restore(t *task, m made) {
	if before := p.failed.get(t.history.failed); before == nil || before.number < m.number {
		m.before = t.history.failed
		t.history.failed = p.failed.add(m)
		p.bound()
	}
}

// taskEnded replays the end of a task.
func (r *replay) taskEnded(q *queue, e *record) {
	seq := uint64(e.int())
	kind, end := unpackEnded(e)
	if q == nil {
		return
	}
	if end.t = q.order.find(seq); end.t == nil {
		return
	}
	q.forget(end.t, end.at)
	if m := &end.last; m.number != 0 && end.t.history != nil {
		end.t.answered(int(m.status), m.began+m.took)
		if kind == TaskExhausted {
			end.t.history.last.Code, end.t.history.last.Message = attemptStatus(int(m.said))
		}
	}
	q.past.restoreEnd(kind, end)
}

func unpackEnded(e *record) (EventKind, ended) {
	kind, end := EventKind(e.int()), ended{at: e.int(), number: uint64(e.int())}
	if e.byte() == 1 {
		end.last = unpackMade(e)
	}
	return kind, end
}

// restoreEnd remembers the end of a task, unless it is.
func (p *past) restoreEnd(kind EventKind, e ended) {
	if p == nil || e.number == 0 { // it ended while nothing was remembered
		return
	}
	e.t.gone = true
	p.number = max(p.number, e.number)
	p.shelves[kind].add(e, p.limit)
	p.bound()
}

// purged replays a purge.
func (r *replay) purged(q *queue, e *record) {
	last, at, before := uint64(e.int()), e.int(), e.int()
	if q == nil {
		return
	}
	for t := q.order.oldest(); t != nil && t.seq <= last; t = q.order.oldest() {
		q.forget(t, at)
		if before >= 0 {
			before++
			q.past.restoreEnd(TaskPurged, ended{number: uint64(before), t: t, at: at})
		}
	}
}

// past replays a task that is gone.
func (r *replay) past(q *queue, e *record) {
	kind, end := unpackEnded(e)
	t := unpackTask(e)
	end.t = t
	if e.byte() == 1 {
		t.unpackAttempt(e)
	}
	failed := make([]made, e.int())
	for i := range failed {
		failed[i] = unpackMade(e)
	}
	if q == nil || q.past == nil {
		return
	}
	t.own()
	for _, m := range failed {
		q.past.restore(t, m)
	}
	q.past.restoreEnd(kind, end)
}
