package localqueue

import "github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"

// task is a task of a queue. The queue's lock guards everything that changes.
type task struct {
	id     string
	record record
	seq    uint64 // order of creation in its queue

	created   int64 // nanoseconds since the epoch, whole seconds
	schedule  int64 // of the next attempt, or of the one that is running; whole microseconds
	heapIndex int32 // in queue.waiting; -1 while running

	chosen  bool // the service chose the id
	running bool // an attempt has claimed it
	gone    bool // removed from its queue; an attempt that is still running has no effect
	forced  bool // RunTask began the attempt that is running, or was when the service stopped

	previous   int16 // HTTP status that the previous attempt counts as; 0: none; or noResponse
	dispatches int32 // attempts begun
	responses  int32 // attempts that got a response
	executions int32 // attempts that got one below 500; for App Engine, any
	history    *history
	attempt    *attempt // that is running; nil: none
}

// history is what a task keeps of its attempts; nil before the first.
type history struct {
	first  int64 // when the first attempt began
	last   cloudtask.Attempt
	failed uint64 // number in the queue's past of the latest failed attempt; 0: none, or no history
}

// answered records an attempt's response, if it got one.
func (t *task) answered(status int, now int64) {
	if status == 0 {
		return
	}
	t.responses++
	if status < 500 || t.record.isAppEngine() {
		t.executions++
	}
	t.history.last.ResponseTime = microTime(now)
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

// failure returns the message of the latest failed attempt of t.
func (t *task) failure() string {
	if message := t.history.last.Message; message != "" {
		return message
	}
	status := int(t.previous)
	if status == noResponse {
		status = countsAsUnreachable
	}
	_, message := attemptStatus(status)
	return message
}

// own copies what t shares into memory of its own, in one piece.
func (t *task) own() {
	both := string(t.record) + t.id
	t.id, t.record = both[len(t.record):], record(both[:len(t.record)])
}

// TaskState is what a task waits for.
type TaskState int

// The states.
const (
	TaskScheduled TaskState = iota + 1 // for its time
	TaskRetrying                       // for its time, after an attempt that failed
	TaskDue                            // for its queue: it is paused or at a limit, or the clock is virtual
	TaskRunning                        // for nothing: an attempt is running
)

// String returns the state in one lower-case word.
func (s TaskState) String() string {
	switch s {
	case TaskScheduled:
		return "scheduled"
	case TaskRetrying:
		return "retrying"
	case TaskDue:
		return "due"
	case TaskRunning:
		return "running"
	}
	return "any"
}
