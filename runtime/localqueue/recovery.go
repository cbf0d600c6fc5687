package localqueue

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue/internal/wal"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// recovery restores the state that a directory holds.
type recovery struct {
	s      *Service
	queues map[int]*queue // by number
	ended  bool           // a snapshot's last entry has been read

	batches   [maxBatches][]byte // the last ones, in a ring: the others are forgotten
	lastBatch int                // number of the next
}

// recover opens the service's directory, restores its state, and makes the journal that continues it.
func (s *Service) recover(path string) error {
	began := time.Now()
	r := recovery{s: s, queues: make(map[int]*queue)}
	files, err := wal.Open(path, s.log, r.group)
	if err != nil {
		return err
	}
	if err := r.restoreBatches(); err != nil {
		return errors.Join(err, files.Close())
	}
	tasks := r.finish()
	s.log.Info("queues recovered", "dir", path, "queues", s.queues.len(), "tasks", tasks, "took", time.Since(began).Round(time.Millisecond))
	s.journal = &journal{path: path, log: s.log, service: s, files: files, rollAt: max(s.options.minRoll, files.SnapshotSize())}
	s.journal.begin()
	return nil
}

// group replays the entries of a group.
func (r *recovery) group(group []byte, endsSnapshot bool) error {
	if err := r.entries(unsafe.String(unsafe.SliceData(group), len(group))); err != nil {
		return err
	}
	if endsSnapshot && !r.ended {
		return errors.New("the snapshot's end is missing")
	}
	return nil
}

// finish builds the state that entries do not hold, and returns the number of tasks.
func (r *recovery) finish() (tasks int) {
	for q := range r.s.queues.all() {
		q.gone.sort()
		for _, p := range q.order.places {
			if p.t != nil {
				q.waiting.push(p.t)
				if p.t.previous != 0 {
					q.failing++
				}
			}
		}
		if q.past != nil {
			q.past.recount(r.s.nanos())
		}
		r.s.created.Store(max(r.s.created.Load(), q.lastSeq))
		tasks += len(q.tasks)
	}
	r.s.kept.removeIf(func(name string) bool { // formats 1 and 2 may have kept the policy of a deleted queue
		_, _, ofQueue := rules.SplitQueue(name)
		return ofQueue && r.s.queues.get(name) == nil
	})
	return tasks
}

// resumeDispatching starts to dispatch the tasks of all queues. Tasks that RunTask had begun to run are attempted at once: the call may
// have been answered, and the queue may be paused.
func (s *Service) resumeDispatching() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for q := range s.queues.all() {
		q.mu.Lock()
		now := s.nanos()
		for _, p := range q.order.places {
			if p.t != nil && p.t.forced && s.virtual == nil {
				s.runForced(q.force(p.t, now))
			}
		}
		q.rearm(now)
		q.mu.Unlock()
	}
}

// entries replays entries. It copies what it keeps, because the text changes afterwards. The text's checksum is right, so an entry that
// cannot be read was written wrong.
func (r *recovery) entries(text string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("an entry cannot be read: %v", p)
		}
	}()
	for e := record(text); e != ""; {
		kind := e.byte()
		if err := r.entry(kind, &e); err != nil {
			return err
		}
	}
	return nil
}

func (r *recovery) entry(kind int, e *record) error {
	switch kind {
	case entryCounter:
		r.s.queueCounter = max(r.s.queueCounter, int(e.int()))
	case entryQueue:
		return r.queue(e)
	case entryQueueGone:
		r.queueGone(int(e.int()), e.string(), e.int())
	case entryTask:
		r.task(r.queues[int(e.int())], e)
	case entryAttempt:
		r.attempt(r.queues[int(e.int())], e)
	case entryTaskGone:
		q, seq, at := r.queues[int(e.int())], uint64(e.int()), e.int()
		if q != nil {
			if t := q.order.find(seq); t != nil {
				q.forget(t, at)
			}
		}
	case entryPurge:
		q, last, at := r.queues[int(e.int())], uint64(e.int()), e.int()
		if q != nil {
			for t := q.order.oldest(); t != nil && t.seq <= last; t = q.order.oldest() {
				q.forget(t, at)
			}
		}
	case entryTombstone:
		q, id, chosen, expires := r.queues[int(e.int())], e.string(), e.byte() == 1, e.int()
		if q != nil {
			q.gone.put(tombstone{strings.Clone(id), expires}, chosen)
		}
	case entryBatch:
		return r.batch(e.string())
	case entryKept:
		name, value := e.string(), e.string()
		name = strings.TrimPrefix(name, "iam/") // of a queue's policy, in formats 1 and 2
		r.s.kept.set(strings.Clone(name), []byte(value))
	case entryReset:
		r.reset(int(e.int()))
	case entryFailed:
		r.failed(r.queues[int(e.int())], e)
	case entryEnded:
		r.taskEnded(r.queues[int(e.int())], e)
	case entryPurged:
		r.purged(r.queues[int(e.int())], e)
	case entryPast:
		r.past(r.queues[int(e.int())], e)
	case entryEnd:
		r.ended = true
	default:
		return fmt.Errorf("an entry has kind %d, which this version does not know", kind)
	}
	return nil
}

func (r *recovery) queue(e *record) error {
	number, unbounded, lastSeq := int(e.int()), e.byte() == 1, uint64(e.int())
	var settings resource.Queue
	if err := json.Unmarshal([]byte(e.string()), &settings); err != nil {
		return fmt.Errorf("a queue's settings cannot be read: %w", err)
	}
	if later := r.s.queues.get(settings.Name); later != nil && later.seq > number {
		return nil // a snapshot has a later queue of this name: this one is gone
	}
	q := r.queues[number]
	if q == nil {
		q = newQueue(r.s, settings, number, r.s.nanos())
		r.queues[number] = q
		r.s.queues.put(q)
		delete(r.s.goneQueues, q.name)
		r.s.queueCounter = max(r.s.queueCounter, number)
	}
	q.settings, q.unbounded, q.lastSeq = settings, unbounded, max(q.lastSeq, lastSeq)
	q.bucket.limit(settings.RateLimits, r.s.nanos())
	return nil
}

func (r *recovery) queueGone(number int, name string, free int64) {
	r.drop(number)
	r.s.kept.remove(name)
	if q := r.s.queues.get(name); q != nil {
		if q.seq > number {
			return // a snapshot has a later queue of this name
		}
		r.s.queues.remove(q)
	}
	r.s.goneQueues[strings.Clone(name)] = free
}

// drop removes the queue with a number, if there is one.
func (r *recovery) drop(number int) {
	if q := r.queues[number]; q != nil {
		q.past.release()
		delete(r.queues, number)
	}
}

func (r *recovery) task(q *queue, e *record) {
	t := unpackTask(e)
	if q == nil {
		return
	}
	if known := q.order.find(t.seq); known != nil {
		q.tasks[known.id] = known
		return
	}
	t.own()
	q.lastSeq = max(q.lastSeq, t.seq)
	q.tasks[t.id] = t
	q.order.add(t)
}

func (r *recovery) reset(last int) {
	for number, q := range r.queues {
		if number <= last {
			r.drop(number)
			r.s.queues.remove(q)
		}
	}
	clear(r.s.goneQueues)
	r.s.kept.clear()
	r.lastBatch = 0
}

// forget removes t, which left the queue at a time, from the queue.
func (q *queue) forget(t *task, at int64) {
	if q.tasks[t.id] == t { // and not a later task of the same name from a snapshot
		delete(q.tasks, t.id)
	}
	q.order.remove(t)
	q.gone.expire(at)
	q.gone.add(t.id, t.chosen, at)
}

func (r *recovery) attempt(q *queue, e *record) {
	seq := uint64(e.int())
	var t *task
	if q != nil {
		t = q.order.find(seq)
	}
	if t == nil {
		t = new(task) // discarded
	}
	t.unpackAttempt(e)
}

// batch keeps a batch unread: only the last ones will be read.
func (r *recovery) batch(text string) error {
	if len(text) > 4*maxBatchBytes { // formats 1 and 2 held all of it
		b, err := unpackBatch([]byte(text))
		if err != nil {
			return err
		}
		e := record(packBatch(nil, b))
		e.byte()
		text = e.string()
	}
	r.batches[r.lastBatch%maxBatches] = append(r.batches[r.lastBatch%maxBatches][:0], text...)
	r.lastBatch++
	return nil
}

func (r *recovery) restoreBatches() error {
	for n := max(0, r.lastBatch-maxBatches); n < r.lastBatch; n++ {
		b, err := unpackBatch(r.batches[n%maxBatches])
		if err != nil {
			return err
		}
		if call, first := r.s.batches.begin(b.Location, b.ID); first {
			call.batch = b
			close(call.done)
		}
	}
	return nil
}

// failed replays an attempt that failed.
func (r *recovery) failed(q *queue, e *record) {
	seq, m := uint64(e.int()), unpackFinished(e)
	if q == nil || q.past == nil {
		return
	}
	if t := q.order.find(seq); t != nil && t.history != nil {
		q.past.restore(t, m)
	}
}

// restore remembers an attempt that failed, unless it is remembered already.
func (p *past) restore(t *task, m finishedAttempt) {
	if before := p.failed.get(t.history.failed); before == nil || before.number < m.number {
		m.before = t.history.failed
		t.history.failed = p.failed.add(m)
		p.bound()
	}
}

// taskEnded replays the end of a task.
func (r *recovery) taskEnded(q *queue, e *record) {
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
			end.t.history.last.Code, end.t.history.last.Message = attemptStatus(int(m.countsAs))
		}
	}
	q.past.restoreEnd(kind, end)
}

// restoreEnd remembers the end of a task, unless it is remembered already.
func (p *past) restoreEnd(kind EventKind, e endedTask) {
	if p == nil || e.number == 0 { // it ended without history
		return
	}
	e.t.gone = true
	p.number = max(p.number, e.number)
	p.shelves[kind].add(e, p.limit)
	p.bound()
}

// purged replays a purge.
func (r *recovery) purged(q *queue, e *record) {
	last, at, before := uint64(e.int()), e.int(), e.int()
	if q == nil {
		return
	}
	for t := q.order.oldest(); t != nil && t.seq <= last; t = q.order.oldest() {
		q.forget(t, at)
		if before >= 0 {
			before++
			q.past.restoreEnd(TaskPurged, endedTask{number: uint64(before), t: t, at: at})
		}
	}
}

// past replays a task that is gone.
func (r *recovery) past(q *queue, e *record) {
	kind, end := unpackEnded(e)
	t := unpackTask(e)
	end.t = t
	if e.byte() == 1 {
		t.unpackAttempt(e)
	}
	failed := make([]finishedAttempt, e.int())
	for i := range failed {
		failed[i] = unpackFinished(e)
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
