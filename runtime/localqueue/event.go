package localqueue

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// EventKind is a kind of [Event].
type EventKind int

// The kinds of events.
const (
	TaskCreated    EventKind = iota + 1
	TaskDispatched           // an attempt began
	TaskSucceeded            // an attempt was answered 2xx; the task is gone
	TaskRetried              // an attempt failed; the next is at Event.Next
	TaskExhausted            // an attempt failed and was the last; the task is gone
	TaskDeleted              // by a call, or with its queue
	TaskPurged               // with all tasks of its queue
	TaskExpired              // reached 31 days of age; the task is gone
	TaskFault                // a fault was injected: Event.Fault, into the attempt that has begun or, when late, the next
)

// String returns the kind in one lower-case word.
func (k EventKind) String() string {
	switch k {
	case TaskCreated:
		return "created"
	case TaskDispatched:
		return "dispatched"
	case TaskSucceeded:
		return "succeeded"
	case TaskRetried:
		return "retried"
	case TaskExhausted:
		return "exhausted"
	case TaskDeleted:
		return "deleted"
	case TaskPurged:
		return "purged"
	case TaskExpired:
		return "expired"
	case TaskFault:
		return "fault"
	}
	return "unknown"
}

// Event is a change of a task. See [WithObserver].
type Event struct {
	Kind  EventKind
	Time  time.Time // of the service's clock
	Queue string    // full resource name
	Task  string    // full resource name
	URL   string    // of an App Engine task, the relative URI

	Attempt int       // number of the attempt that began or ended, from 1; in other events of the last one, 0 before any
	Next    time.Time // TaskCreated and TaskRetried: when the task is due; a late TaskFault: when it will be attempted
	Fault   Fault     // TaskFault: which

	// Of the attempt that ended: TaskSucceeded, TaskRetried, TaskExhausted.

	Duration time.Duration
	Status   int    // HTTP status; 0 without a response
	Failure  string // such as "INTERNAL(13): HTTP status code 500"; "" after success
	Err      error  // why there was no response
	Response []byte // start of the response's body, at most 1 KiB
}

// events passes events on to the observers: in order, one at a time, and outside every lock, so that an observer may
// call the service.
type events struct {
	wanted    atomic.Bool // whether there are observers, to be read without the lock
	mu        sync.Mutex
	observers []*observer // replaced, never changed
	waiting   []Event
	passing   bool // a goroutine is passing events on
}

type observer struct{ f func(Event) }

// Observe calls f with every event from now on, as [WithObserver] does, until stop is called.
func (s *Service) Observe(f func(Event)) (stop func()) {
	ev, o := &s.events, &observer{f}
	ev.mu.Lock()
	defer ev.mu.Unlock()
	ev.observers = append(slices.Clone(ev.observers), o)
	ev.wanted.Store(true)
	return func() {
		ev.mu.Lock()
		defer ev.mu.Unlock()
		ev.observers = slices.DeleteFunc(slices.Clone(ev.observers), func(other *observer) bool { return other == o })
		if len(ev.observers) == 0 {
			ev.wanted.Store(false)
			ev.waiting = nil
		}
	}
}

// emit records an event of t. The caller holds the queue's lock; flush passes the event on.
func (s *Service) emit(q *queue, t *task, e Event) {
	if !s.events.wanted.Load() {
		return
	}
	e.Time, e.Queue, e.Task, e.Attempt = s.Now(), q.name, q.name+"/tasks/"+t.id, int(t.dispatches)
	r := t.record
	e.URL = r.string()
	s.events.mu.Lock()
	if len(s.events.observers) > 0 {
		s.events.waiting = append(s.events.waiting, e)
	}
	s.events.mu.Unlock()
}

// flush passes on the events that have been emitted, unless another goroutine, or the observer that is calling, is doing so.
// Events that are emitted while there is no observer are dropped.
func (s *Service) flush() {
	if !s.events.wanted.Load() {
		return
	}
	ev := &s.events
	for {
		ev.mu.Lock()
		batch, observers := ev.waiting, ev.observers
		if ev.passing || len(batch) == 0 {
			ev.mu.Unlock()
			return
		}
		ev.waiting, ev.passing = nil, true
		ev.mu.Unlock()
		s.observe(batch, observers)
	}
}

// observe passes events on. An observer that panics or ends its goroutine loses the rest of this batch, but not later events.
func (s *Service) observe(batch []Event, observers []*observer) {
	ev := &s.events
	defer func() {
		ev.mu.Lock()
		ev.passing = false
		ev.mu.Unlock()
		s.idle.changed()
	}()
	for _, e := range batch {
		for _, o := range observers {
			o.f(e)
		}
	}
}

// passedOn reports whether the observers have been called with every event.
func (e *events) passedOn() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.waiting) == 0 && !e.passing
}
