package localqueue

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue/internal/wal"
)

// journal records every change of a durable service in the order in which the changes take effect. A change's entry is appended under
// the lock that guards what it changes. One goroutine writes the entries that have gathered as one group, which reaches the disk as
// a whole or not at all, with one sync. Answers wait for that: see [Service.settle].
//
// The methods that the service calls while it works do nothing on a nil journal, which a service in memory has.
//
// After a failed write nobody knows what is on disk, so it is not tried again: the journal refuses everything from then on, and so
// does the service. Everything that was acknowledged is on disk.
type journal struct {
	path    string // of the directory
	log     *slog.Logger
	service *Service

	mu        sync.Mutex
	changed   *sync.Cond // wakes the writer: there is something to write, or the journal is closing
	gathering *group     // collects entries
	writing   *group     // the previous group; nil when it is on disk
	refused   *group     // set for good when a write has failed or the journal is closed
	closing   bool
	enough    int // number of callers that the writer waits for; 0: it does not wait

	spare []byte // memory of an earlier group

	// The writer goroutine's.

	full     chan struct{} // buffered: gathering has enough callers
	callers  int           // that recently waited at the same time
	files    *wal.Log
	rollAt   int64         // bytes of journals that make a snapshot worthwhile
	snapshot *newSnapshot  // that is being written; nil: none is
	stopped  chan struct{} // closed when the writer has ended
}

// group is a number of entries that are on disk together.
type group struct {
	buf     []byte
	callers int           // that wait for it
	done    chan struct{} // closed when err is set
	err     error
}

func newGroup(buf []byte) *group {
	return &group{buf: buf[:0], done: make(chan struct{})}
}

func (g *group) empty() bool { return len(g.buf) == 0 }

// errStore is in the tree of the errors of calls once the journal cannot be written.
var errStore = errors.New("localqueue: the service has stopped because it cannot write to its directory")

// begin starts the writer.
func (j *journal) begin() {
	j.changed = sync.NewCond(&j.mu)
	j.gathering = newGroup(nil)
	j.stopped, j.full = make(chan struct{}), make(chan struct{}, 1)
	go j.write()
}

// append adds the entry that encode appends. The caller holds the lock that guards what has changed.
func (j *journal) append(encode func(b []byte) []byte) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refused != nil {
		return
	}
	first := j.gathering.empty()
	j.gathering.buf = encode(j.gathering.buf)
	if first {
		j.changed.Signal()
	}
}

// last returns the newest group; nil if everything appended is on disk.
func (j *journal) last() *group {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.refused != nil:
		return j.refused
	case !j.gathering.empty():
		return j.gathering
	}
	return j.writing
}

// awaited is last for a caller that waits for the group before its next call.
func (j *journal) awaited() *group {
	if j == nil {
		return nil
	}
	g := j.last()
	j.mu.Lock()
	defer j.mu.Unlock()
	if g != nil && g == j.gathering {
		if g.callers++; g.callers == j.enough {
			j.full <- struct{}{}
		}
	}
	return g
}

// wait returns when the group is on disk.
func (g *group) wait() error {
	if g == nil {
		return nil
	}
	<-g.done
	return g.err
}

// err returns why the journal refuses entries; nil if it does not.
func (j *journal) err() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refused != nil {
		return j.refused.err
	}
	return nil
}

// write writes group after group until the journal is closed or a write fails.
func (j *journal) write() {
	defer close(j.stopped)
	for {
		g := j.next()
		if g == nil {
			return
		}
		if err := j.files.Write(g.buf); err != nil {
			j.fail(g, err)
			return
		}
		j.mu.Lock()
		j.writing = nil
		j.callers = max(g.callers+j.gathering.callers, j.callers-1)
		if cap(g.buf) <= 1<<20 {
			j.spare = g.buf
		}
		g.buf = nil
		j.mu.Unlock()
		close(g.done)
		j.compact()
	}
}

const (
	// fewCallers are served at once. More callers, each making one call after the other, are worth waiting for.
	fewCallers = 3
	// maxGather bounds that wait: callers may have gone.
	maxGather = 500 * time.Microsecond
)

// next returns the group that has gathered; nil when the journal is closed and all is written. It waits for half of the recent
// callers: the other half make their next calls while that group is written. Without this, the first caller would be nearly alone
// in its group, and each sync costs much processor time.
func (j *journal) next() *group {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.gathering.empty() && !j.closing {
		j.changed.Wait()
	}
	if half := (j.callers + 1) / 2; half > fewCallers && j.gathering.callers < half && !j.closing {
		j.enough = half
		j.mu.Unlock()
		timer := time.NewTimer(maxGather)
		select {
		case <-j.full:
		case <-timer.C:
		}
		timer.Stop()
		j.mu.Lock()
		j.enough = 0
		select {
		case <-j.full: // it filled up as the timer fired
		default:
		}
	}
	if j.gathering.empty() {
		return nil
	}
	j.writing, j.gathering = j.gathering, newGroup(j.spare)
	j.spare = nil
	return j.writing
}

// fail refuses g, the entries that have gathered since, and everything after.
func (j *journal) fail(g *group, err error) {
	err = fmt.Errorf("%w %s: %w", errStore, j.path, err)
	j.log.Error("cannot write to the queue's directory: all calls fail from now on, and no task is attempted. "+
		"Everything that was acknowledged is safe. Free space or repair the disk, then start again", "dir", j.path, "error", err)
	err = &cloudtask.StatusError{Code: cloudtask.Unavailable, Message: err.Error(), Err: err}
	j.refuse(err)
	g.err = err
	close(g.done)
	j.service.dispatcher.stop()
	j.service.idle.changed()
}

// refuse makes err the answer to all who append from now on, or wait for what is not written yet.
func (j *journal) refuse(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.refused != nil {
		return
	}
	j.refused, j.writing = j.gathering, nil
	j.refused.err = err
	close(j.refused.done)
}

// close writes the entries that have gathered and releases the directory.
func (j *journal) close() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	j.closing = true
	j.changed.Signal()
	j.mu.Unlock()
	<-j.stopped
	if errors.Is(j.err(), ErrClosed) { // closed before
		return nil
	}
	j.refuse(errClosed())
	if j.snapshot != nil {
		j.snapshot.abandoned.Store(true)
		<-j.snapshot.done
	}
	return j.files.Close()
}

// compact begins a snapshot when it is worthwhile. The journal continues in another file, and the files before it are not needed once
// the snapshot is complete. A snapshot that cannot be written costs time and space but loses nothing.
func (j *journal) compact() {
	if n := j.snapshot; n != nil {
		select {
		case <-n.done:
		default:
			return
		}
		if n.err == nil {
			j.rollAt = max(j.service.options.minRoll, n.size)
		}
		j.snapshot = nil
	}
	if j.files.Grown() < j.rollAt {
		return
	}
	out, err := j.files.Roll()
	if err != nil {
		j.log.Warn("cannot start a new journal; the current one keeps growing", "dir", j.path, "error", err)
		return
	}
	n := &newSnapshot{s: j.service, out: out, done: make(chan struct{})}
	j.snapshot = n
	go n.run(j)
}
