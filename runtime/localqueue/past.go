package localqueue

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/failedanswer"
)

const (
	// attemptsPerTask is the number of failed attempts that a queue remembers for each task of [WithHistory].
	attemptsPerTask = 10
	// maxShelfBytes bounds the tasks of one outcome that a queue remembers, and the responses of attempts that failed.
	maxShelfBytes = 8 << 20
	// maxPastBytes bounds what all queues of a service remember. Beyond it, queues forget what exceeds an equal share.
	maxPastBytes = 256 << 20
	// endedOverhead is roughly the size in bytes of a remembered task without its texts.
	endedOverhead = 300
	// pastMinutes is the number of minutes for which outcomes are counted.
	pastMinutes = 60
)

// PastAttempt is an attempt that has ended. See [WithHistory].
type PastAttempt struct {
	Number   int // from 1
	Began    time.Time
	Duration time.Duration
	Status   int    // HTTP status; 0 without a response
	Failure  string // such as "INTERNAL(13): HTTP status code 500"; "" after success
	Err      string // why there was no response
	Response string // start of the response's body, at most 1 KiB of any bytes; empty if Error is not
	Forced   bool   // by RunTask

	// From the handler's answer for a failed run, which has them for embedded queues only.

	Error string // of Run
	Stack string // of a panic
}

// past is what a queue remembers of tasks and attempts that are over; nil without [WithHistory]. The queue's lock guards it.
type past struct {
	limit   int // of each shelf
	shelves [TaskExpired + 1]shelf
	number  uint64 // of the task that ended last
	failed  attemptRing
	minutes [pastMinutes]minute

	all     *pastSize
	counted int // bytes in all
}

// pastSize is the size of what all queues of a service remember.
type pastSize struct {
	s             *Service
	bytes, queues atomic.Int64
	most          int64 // bytes
}

// shelf holds the tasks of one outcome.
type shelf struct {
	tasks []endedTask // by number; those before first are forgotten
	first int
	bytes int
}

// endedTask is a task that is gone. It does not change any more.
type endedTask struct {
	number uint64 // counts the tasks of the queue that have ended
	t      *task
	at     int64           // when, in nanoseconds since the epoch
	last   finishedAttempt // the attempt that ended it; with number 0, none did
}

func (e *endedTask) size() int { return endedOverhead + len(e.t.record) + e.last.text() }

// finishedAttempt is an attempt that has ended, as a queue remembers it.
type finishedAttempt struct {
	number      int32
	status      int16 // HTTP status; 0 without a response
	countsAs    int16 // the status that it counts as
	forced      bool
	began, took int64 // in nanoseconds
	err         string
	response    string
	before      uint64 // the number in the ring of the task's attempt before; 0: there is none
}

// attemptRing holds the latest attempts that failed and were to be retried. Each has the number of its task's previous one, so a
// task's attempts are found from its last.
type attemptRing struct {
	limit    int
	attempts []finishedAttempt // the one with number n is at (n-1) % limit
	last     uint64            // number of the latest
	bytes    int               // of their responses
	bare     uint64            // number of the latest whose response was dropped to make room
}

// minute counts attempts.
type minute struct {
	at           int64 // minutes since the epoch
	done, failed int32
}

// newPast returns nil if limit is 0.
func newPast(limit int, all *pastSize) *past {
	if limit <= 0 {
		return nil
	}
	all.queues.Add(1)
	return &past{limit: limit, failed: attemptRing{limit: limit * attemptsPerTask}, all: all}
}

// bound forgets what exceeds the limit over all queues. The caller holds the queue's lock.
func (p *past) bound() {
	if p.shrink(math.MaxInt64); p.all.bytes.Load() <= p.all.most {
		return
	}
	share := p.all.most / p.all.queues.Load()
	if p.shrink(share); p.all.bytes.Load() > p.all.most {
		p.all.shrinkOthers(p, share)
	}
}

// shrink forgets the oldest items of the largest part until the queue remembers at most that many bytes.
func (p *past) shrink(most int64) {
	for {
		largest, size := &p.shelves[0], p.failed.bytes
		for i := range p.shelves {
			if size += p.shelves[i].bytes; p.shelves[i].bytes > largest.bytes {
				largest = &p.shelves[i]
			}
		}
		p.all.bytes.Add(int64(size - p.counted))
		p.counted = size
		switch {
		case int64(size) <= most:
			return
		case largest.bytes > p.failed.bytes:
			largest.forgetOldest()
		default:
			p.failed.stripOldest()
		}
	}
}

// shrinkOthers makes queues that remember more than their share forget enough that this is rarely needed. The caller holds the lock
// of p's queue, so it does not wait for others: it skips a queue that is busy.
func (all *pastSize) shrinkOthers(p *past, share int64) {
	if !all.s.mu.TryRLock() {
		return
	}
	defer all.s.mu.RUnlock()
	for q := range all.s.queues.all() {
		if q.past == p || !q.mu.TryLock() {
			continue
		}
		if int64(q.past.counted) > share {
			q.past.shrink(share / 4 * 3)
		}
		q.mu.Unlock()
	}
}

// release takes a queue that is going out of the sum of all queues.
func (p *past) release() {
	if p == nil {
		return
	}
	p.all.bytes.Add(int64(-p.counted))
	p.all.queues.Add(-1)
	p.all, p.counted = &pastSize{s: p.all.s, most: p.all.most}, 0
	p.all.queues.Store(1)
}

// public returns the attempt as callers see it.
func (m *finishedAttempt) public() PastAttempt {
	out := PastAttempt{
		Number: int(m.number), Began: microTime(m.began), Duration: time.Duration(m.took), Status: int(m.status),
		Err: m.err, Response: m.response, Forced: m.forced,
	}
	if err, stack, ok := failedanswer.Decode(m.response); ok && err != "" {
		out.Error, out.Stack, out.Response = err, stack, ""
	}
	if m.countsAs < 200 || m.countsAs > 299 {
		_, out.Failure = attemptStatus(int(m.countsAs))
	}
	return out
}

// text returns the size of an attempt's texts in bytes.
func (m *finishedAttempt) text() int { return len(m.err) + len(m.response) }

// fail remembers a failed attempt of t that will be retried.
func (p *past) fail(t *task, m finishedAttempt) {
	m.before = t.history.failed
	t.history.failed = p.failed.add(m)
	p.count(m.began+m.took).failed++
	p.bound()
}

// end remembers a task that is gone and gives it a number.
func (p *past) end(e endedTask, kind EventKind) (number uint64) {
	p.number++
	e.number = p.number
	p.shelves[kind].add(e, p.limit)
	p.bound()
	switch kind {
	case TaskSucceeded:
		p.count(e.at).done++
	case TaskExhausted:
		p.count(e.at).failed++
	}
	return e.number
}

// ends returns the number of the task that ended last; -1 if nothing is remembered.
func (p *past) ends() int64 {
	if p == nil {
		return -1
	}
	return int64(p.number)
}

// attempts returns the remembered failed attempts of t, oldest first.
func (p *past) attempts(t *task) []finishedAttempt {
	if t.history == nil {
		return nil
	}
	var found []finishedAttempt
	for m := p.failed.get(t.history.failed); m != nil; m = p.failed.get(m.before) {
		found = append(found, *m)
	}
	slices.Reverse(found)
	return found
}

// count returns the counters of the minute at a time.
func (p *past) count(at int64) *minute {
	n := at / int64(time.Minute)
	m := &p.minutes[(n%pastMinutes+pastMinutes)%pastMinutes]
	if m.at != n {
		*m = minute{at: n}
	}
	return m
}

// recount counts what is remembered, after recovery.
func (p *past) recount(now int64) {
	since := now - pastMinutes*int64(time.Minute)
	for _, kind := range []EventKind{TaskSucceeded, TaskExhausted} {
		for _, e := range p.shelves[kind].all() {
			switch {
			case e.at <= since || e.at > now:
			case kind == TaskSucceeded:
				p.count(e.at).done++
			default:
				p.count(e.at).failed++
			}
		}
	}
	for _, m := range p.failed.attempts {
		if at := m.began + m.took; at > since && at <= now {
			p.count(at).failed++
		}
	}
}

// all returns the shelf's tasks, oldest first.
func (s *shelf) all() []endedTask { return s.tasks[s.first:] }

// add puts a task on the shelf, unless it is there already, which happens during recovery.
func (s *shelf) add(e endedTask, limit int) {
	i, found := len(s.tasks), false
	if i > s.first && s.tasks[i-1].number >= e.number {
		i, found = s.find(e.number)
	}
	if found {
		return
	}
	if s.first > 32 && s.first > len(s.tasks)/2 && len(s.tasks) == cap(s.tasks) {
		n := copy(s.tasks, s.tasks[s.first:])
		clear(s.tasks[n:])
		s.tasks, s.first, i = s.tasks[:n], 0, i-s.first
	}
	s.tasks = slices.Insert(s.tasks, i, e)
	s.bytes += e.size()
	for len(s.tasks)-s.first > limit || s.bytes > maxShelfBytes {
		s.forgetOldest()
	}
}

func (s *shelf) forgetOldest() {
	s.bytes -= s.tasks[s.first].size()
	s.tasks[s.first] = endedTask{}
	s.first++
}

// find returns the index of the first task with at least that number, and reports whether it has exactly that number.
func (s *shelf) find(number uint64) (int, bool) {
	i, found := slices.BinarySearchFunc(s.all(), number, func(e endedTask, n uint64) int {
		switch {
		case e.number < n:
			return -1
		case e.number > n:
			return 1
		}
		return 0
	})
	return s.first + i, found
}

// add returns the attempt's number.
func (r *attemptRing) add(m finishedAttempt) uint64 {
	if len(r.attempts) < r.limit {
		r.attempts = append(r.attempts, m)
	} else {
		oldest := &r.attempts[r.last%uint64(r.limit)]
		r.bytes -= oldest.text()
		*oldest = m
	}
	r.last++
	r.bytes += m.text()
	for r.bytes > maxShelfBytes {
		r.stripOldest()
	}
	return r.last
}

// stripOldest forgets the response of the oldest attempt that has one.
func (r *attemptRing) stripOldest() {
	r.bare = max(r.bare, r.last-uint64(len(r.attempts))) + 1
	oldest := r.get(r.bare)
	r.bytes -= oldest.text()
	oldest.err, oldest.response = "", ""
}

// get returns the attempt with a number; nil if it is not remembered.
func (r *attemptRing) get(number uint64) *finishedAttempt {
	if number == 0 || number > r.last || number+uint64(len(r.attempts)) <= r.last {
		return nil
	}
	return &r.attempts[(number-1)%uint64(r.limit)]
}
