package localqueue

import (
	"cmp"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue/internal/wal"
)

const (
	// minRoll is the least size of journals, in bytes, that makes a snapshot worthwhile. If the previous snapshot was larger, its size
	// is: then snapshots are never written faster than journals, and reading journals never takes longer than reading a snapshot.
	minRoll = 64 << 20
	// snapshotChunk is the size, in bytes, of the part of a snapshot that is made while a queue is locked.
	snapshotChunk = 256 << 10
)

// newSnapshot is a snapshot that is being written while the service works.
type newSnapshot struct {
	s         *Service
	out       *wal.Snapshot
	buf       []byte // the next group
	abandoned atomic.Bool

	done chan struct{} // closed when size and err are set
	size int64
	err  error
}

var errAbandoned = errors.New("the service is being closed")

func (n *newSnapshot) run(j *journal) {
	defer close(n.done)
	n.err = n.write(j)
	if n.err != nil && !errors.Is(n.err, errAbandoned) {
		j.log.Warn("cannot write a snapshot; keeping the journals that it would replace", "dir", j.path, "error", n.err)
	}
}

// write writes the snapshot and removes the files that it replaces.
func (n *newSnapshot) write(j *journal) error {
	err := n.state()
	if err == nil {
		err = j.last().wait() // no snapshot may have what the journal lacks
	}
	if err != nil {
		return errors.Join(err, n.out.Abandon())
	}
	n.size, err = n.out.Commit()
	return err
}

// state writes the service's state, queue by queue and chunk by chunk. The chunks are of different moments, all of them after the
// journal with the snapshot's number began. Changes between them are in that journal.
func (n *newSnapshot) state() error {
	n.buf = make([]byte, 0, snapshotChunk+snapshotChunk/2)
	s := n.s
	s.mu.RLock()
	n.buf = packInts(n.buf, entryCounter, int64(s.queueCounter))
	for name, free := range s.goneQueues {
		n.buf = packQueueGone(n.buf, 0, name, free)
	}
	queues := slices.SortedFunc(s.queues.all(), func(a, b *queue) int { return cmp.Compare(a.seq, b.seq) })
	s.mu.RUnlock()
	for _, q := range queues {
		if err := n.queue(q); err != nil {
			return err
		}
	}
	for _, b := range s.batches.finished() {
		n.buf = packBatch(n.buf, b)
		if err := n.flush(snapshotChunk); err != nil {
			return err
		}
	}
	n.buf = s.kept.pack(n.buf)
	n.buf = append(n.buf, entryEnd)
	return n.flush(0)
}

// queue writes a queue: its settings, its tasks, then its tombstones and its past. A task that ends meanwhile is in at least one of
// them.
func (n *newSnapshot) queue(q *queue) error {
	q.mu.Lock()
	n.buf = packQueue(n.buf, q)
	q.mu.Unlock()
	for after, more := uint64(0), true; more; {
		after, more = n.tasks(q, after)
		if err := n.flush(snapshotChunk); err != nil {
			return err
		}
	}
	q.mu.Lock()
	named, recent := slices.Clone(q.gone.named), slices.Clone(q.gone.recent)
	q.mu.Unlock()
	for i, stone := range append(named, recent...) {
		n.buf = packTombstone(n.buf, q, stone, i >= len(named))
		if err := n.flush(snapshotChunk); err != nil {
			return err
		}
	}
	return n.past(q)
}

// tasks appends entries of the tasks after a sequence number, up to a chunk. It returns the last one's number and reports whether there
// may be more.
func (n *newSnapshot) tasks(q *queue, after uint64) (last uint64, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, p := range q.order.places[q.order.after(after):] {
		if p.t == nil {
			continue
		}
		if len(n.buf) >= snapshotChunk {
			return after, true
		}
		n.buf = packTask(n.buf, q, p.t)
		if p.t.history != nil {
			n.buf = packAllFailed(packAttempt(n.buf, q, p.t), q, p.t)
		}
		after = p.seq
	}
	return after, false
}

// flush writes the buffer as a group if it holds at least least bytes.
func (n *newSnapshot) flush(least int) error {
	if n.abandoned.Load() {
		return errAbandoned
	}
	if len(n.buf) < least {
		return nil
	}
	err := n.out.Write(n.buf)
	n.buf = n.buf[:0]
	return err
}

// past writes a queue's past.
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

// shelf appends entries of the tasks of one outcome after a number, up to a chunk. It returns the last number and reports whether there
// may be more.
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
