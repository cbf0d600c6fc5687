package localqueue

import (
	"math"
	"sync"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// queue is one queue. Lock order: Service.mu, queue.mu, then the dispatcher's or the observer's lock.
type queue struct {
	s    *Service
	name string // full resource name
	id   string // its last part
	seq  int    // order of creation, which breaks ties between queues that are due at the same time

	unbounded bool // WithQueues defined it with limits above the service's maxima, so updates may exceed them too

	mu       sync.Mutex
	settings resource.Queue // Name, State and PurgeTime included
	deleted  bool           // this queue is gone: look the name up again
	tasks    map[string]*task
	waiting  taskHeap
	order    order
	lastSeq  uint64
	gone     tombstones
	bucket   bucket
	inFlight int             // attempts that count against MaxConcurrentDispatches
	late     map[*task]int64 // when tasks that a fault postponed were due
	running  []*attempt      // of tasks that are not gone, in no order
	failing  int             // tasks that have failed
	past     *past           // nil: nothing is remembered

	slot slot // the dispatcher's, under its lock
}

func newQueue(s *Service, settings resource.Queue, seq int, now int64) *queue {
	_, id, _ := rules.SplitQueue(settings.Name)
	q := &queue{s: s, name: settings.Name, id: id, seq: seq, tasks: make(map[string]*task)}
	q.gone.window = int64(tombstoneWindow(s.options.taskTombstone, 24*time.Hour))
	q.past = newPast(s.options.history, &s.pastSize)
	q.unbounded = settings.RateLimits.Check(false) != nil
	q.settings = settings
	q.settings.PurgeTime = time.Time{}
	if settings.State != resource.StatePaused {
		q.settings.State = resource.StateRunning
	}
	q.bucket.limit(settings.RateLimits, now)
	q.bucket.tokens = q.bucket.burst
	q.slot.index = -1
	return q
}

// expire removes the tasks that are older than 31 days.
func (q *queue) expire(now int64) {
	t := q.order.oldest()
	if t == nil || t.created+int64(rules.Retention) > now {
		return
	}
	for t != nil && t.created+int64(rules.Retention) <= now {
		q.remove(t, TaskExpired, now, finishedAttempt{})
		t = q.order.oldest()
	}
	q.rearm(now)
}

// add adds t, whose record and times are set. It reports false if the id is taken, by a task or by a tombstone.
func (q *queue) add(t *task, now int64) bool {
	q.expire(now)
	if _, taken := q.tasks[t.id]; taken || q.gone.has(t.id, now) {
		return false
	}
	q.s.changes.Add(1)
	q.lastSeq = q.s.created.Add(1)
	t.seq = q.lastSeq
	q.tasks[t.id] = t
	q.order.add(t)
	q.s.journal.append(func(b []byte) []byte { return packTask(b, q, t) })
	q.s.emit(q, t, Event{Kind: TaskCreated, Next: nanoTime(t.schedule)})
	q.wait(t, now)
	return true
}

// wait puts t among the waiting tasks.
func (q *queue) wait(t *task, now int64) {
	q.waiting.push(t)
	if t.heapIndex == 0 { // otherwise the queue's next attempt is as before
		q.rearm(now)
	}
}

// remove removes t from the queue for good. kind is the reason, and last the attempt that caused it, if any.
func (q *queue) remove(t *task, kind EventKind, now int64, last finishedAttempt) {
	if !t.running {
		q.waiting.remove(t)
	}
	if t.attempt != nil {
		q.stopped(t.attempt)
	}
	if t.previous != 0 {
		q.failing--
	}
	delete(q.tasks, t.id)
	delete(q.late, t)
	q.order.remove(t)
	q.gone.add(t.id, t.chosen, now)
	t.gone = true
	if !q.deleted { // otherwise nobody can ask for it
		q.remember(t, kind, now, last)
	}
	switch kind {
	case TaskDeleted, TaskPurged, TaskExpired: // attempts emit the other events themselves
		q.s.emit(q, t, Event{Kind: kind})
	}
}

// removeAll takes every task out of the queue.
func (q *queue) removeAll(kind EventKind, now int64) {
	for t := q.order.oldest(); t != nil; t = q.order.oldest() {
		q.remove(t, kind, now, finishedAttempt{})
	}
	q.rearm(now)
}

// remember records how t ended.
func (q *queue) remember(t *task, kind EventKind, now int64, last finishedAttempt) {
	e := endedTask{t: t, at: now, last: last}
	if q.past != nil {
		e.number = q.past.end(e, kind)
	}
	if kind != TaskPurged { // a purge has one entry for all
		q.s.journal.append(func(b []byte) []byte { return packEnded(b, q, kind, &e) })
	}
}

// next returns when the queue may begin an attempt. It reports false if an event must come first: a new task, the end of an attempt,
// or a change of settings.
func (q *queue) next(now int64) (int64, bool) {
	if q.deleted || q.settings.State != resource.StateRunning || len(q.waiting) == 0 || q.inFlight >= q.settings.RateLimits.MaxConcurrentDispatches {
		return 0, false
	}
	return max(q.waiting[0].schedule, q.bucket.readyAt(now)), true
}

// rearm tells the dispatcher when the queue may begin an attempt. Call it after any change that could affect that time.
func (q *queue) rearm(now int64) {
	at, ok := q.next(now)
	if !ok {
		at = math.MaxInt64
	}
	q.s.changes.Add(1)
	q.s.dispatcher.arm(q, at, now)
	q.s.idle.changed()
}

// claim begins an attempt of the task that is due first, if the queue may begin one now.
func (q *queue) claim(now int64) *attempt {
	defer q.s.flush()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire(now)
	q.holdBack(now)
	var a *attempt
	if at, ok := q.next(now); ok && at <= now {
		q.bucket.take()
		q.inFlight++
		t := q.waiting[0].t
		q.waiting.remove(t)
		a = q.begin(t, now, false)
	}
	q.rearm(now)
	return a
}

// force begins an attempt of t regardless of limits and state.
func (q *queue) force(t *task, now int64) *attempt {
	q.waiting.remove(t)
	delete(q.late, t)
	t.schedule = now - now%1000
	a := q.begin(t, now, true)
	q.rearm(now)
	return a
}

// begin begins an attempt of t, which is no longer waiting.
func (q *queue) begin(t *task, now int64, forced bool) *attempt {
	t.schedule = q.punctual(t)
	a := &attempt{
		q: q, t: t, began: now, schedule: t.schedule, number: int(t.dispatches) + 1,
		executions: int(t.executions), previous: int(t.previous), target: q.settings.HTTPTarget, routing: q.settings.AppEngineRouting,
		forced: forced, depends: q.s.journal.last(),
	}
	q.s.idle.began()
	q.started(a)
	t.running, t.forced = true, forced
	t.dispatches++
	if t.history == nil {
		t.history = &history{first: now}
	}
	t.history.last = cloudtask.Attempt{ScheduleTime: nanoTime(t.schedule), DispatchTime: microTime(now)}
	q.s.journal.append(func(b []byte) []byte { return packAttempt(b, q, t) })
	q.s.emit(q, t, Event{Kind: TaskDispatched})
	return a
}

// finish records an attempt's outcome and returns the event that it caused; 0 if none.
func (q *queue) finish(a *attempt, o outcome, now int64) EventKind {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !a.forced {
		q.inFlight--
	}
	defer q.rearm(now)
	if a.t.gone {
		return 0
	}
	q.stopped(a)
	if o.aborted {
		a.t.running = false
		q.waiting.push(a.t)
		return 0
	}
	e := q.conclude(a, o, now)
	if q.s.events.wanted.Load() {
		e.Duration, e.Status, e.Err, e.Response = time.Duration(now-a.began), o.status, o.err, []byte(o.response[:min(len(o.response), maxKept)])
		q.s.emit(q, a.t, e)
	}
	return e.Kind
}

// started adds an attempt to those that are running, and stopped removes it.
func (q *queue) started(a *attempt) {
	a.t.attempt, a.place = a, len(q.running)
	q.running = append(q.running, a)
}

func (q *queue) stopped(a *attempt) {
	last := len(q.running) - 1
	moved := q.running[last]
	q.running[a.place], moved.place = moved, a.place
	q.running[last] = nil
	q.running = q.running[:last]
	a.t.attempt = nil
}

// conclude removes the task of an attempt that ended, or schedules the next attempt.
func (q *queue) conclude(a *attempt, o outcome, now int64) Event {
	t, last := a.t, &a.t.history.last
	var m finishedAttempt
	if q.past != nil {
		m = a.outcome(o, now)
	}
	t.answered(o.status, now)
	if o.status >= 200 && o.status < 300 {
		q.remove(t, TaskSucceeded, now, m)
		return Event{Kind: TaskSucceeded}
	}
	if t.previous == 0 {
		q.failing++
	}
	t.previous = int16(o.countsAs)
	if o.status == 0 && t.record.isAppEngine() {
		t.previous = noResponse
	}
	last.Code, last.Message = attemptStatus(o.countsAs)
	retry := q.retryOf(a)
	if resource.Exhausted(retry, int(t.dispatches), time.Duration(now-t.history.first)) {
		q.remove(t, TaskExhausted, now, m)
		return Event{Kind: TaskExhausted, Failure: last.Message}
	}
	from := now
	if a.forced {
		from = a.began
	}
	delay := max(resource.Backoff(retry, int(t.dispatches)), o.retryAfter)
	t.schedule = from + int64(min(delay, rules.Retention)) // the task expires before that in any case
	t.schedule -= t.schedule % 1000
	t.running, t.forced = false, false
	q.waiting.push(t)
	if q.past != nil {
		q.past.fail(t, m)
	}
	q.s.journal.append(func(b []byte) []byte { return packFailed(packAttempt(b, q, t), q, t) })
	return Event{Kind: TaskRetried, Failure: last.Message, Next: nanoTime(t.schedule)}
}

// retryOf returns the task's own retry settings, or the queue's.
func (q *queue) retryOf(a *attempt) cloudtask.RetryConfig {
	if a.retry == nil {
		return q.settings.Retry
	}
	return resource.RetryDefaults(*a.retry)
}

// view returns t as a resource.
func (q *queue) view(t *task, view resource.View) *resource.Task {
	c := t.record.unpack()
	out := c.task(view)
	out.Name = q.name + "/tasks/" + t.id
	if out.AppEngine != nil {
		out.AppEngine.Routing = out.AppEngine.Routing.In(q.name)
	}
	out.ScheduleTime, out.CreateTime = nanoTime(t.schedule), nanoTime(t.created)
	out.DispatchCount, out.ResponseCount = int(t.dispatches), int(t.responses)
	if t.history != nil {
		out.FirstAttempt = microTime(t.history.first)
		last := t.history.last
		out.LastAttempt = &last
	}
	return out
}

// copySettings returns a copy of the queue's settings.
func (q *queue) copySettings() *resource.Queue {
	c := q.settings.WithDefaults()
	c.RateLimits.MaxBurstSize = q.settings.RateLimits.MaxBurstSize // WithQueues may have set one
	return &c
}

// isFailing reports whether there is a task that has failed.
func (q *queue) isFailing() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failing > 0
}
