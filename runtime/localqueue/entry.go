package localqueue

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Kinds of entries. An entry records the new state, not a change of the old one, so it can be replayed again together with all that
// follow it. Queues are identified by their numbers and tasks by their sequence numbers; neither is ever reused. An entry of an
// unknown queue belongs to one that was deleted.
//
// An entry is its kind in one byte, then fields as in a [record]. A change of a kind's fields or meaning needs another
// [fileFormat]. So does a new kind, which older versions do not know.
const (
	entryCounter   = iota + 1 // queue counter
	entryQueue                // queue, unbounded, last sequence number, settings as JSON
	entryQueueGone            // queue or 0, name, free at; values kept under the name are gone too
	entryTask                 // queue, task, id, chosen, created, schedule, record
	entryAttempt              // queue, task, forced, schedule, dispatches, responses, executions, previous, and the history
	entryTaskGone             // of format 1: queue, task, when
	entryPurge                // of format 1: queue, last task, when
	entryTombstone            // queue, id, chosen, expires
	entryBatch                // JSON of a savedBatch
	entryKept                 // name, value
	entryReset                // last queue: all queues up to that one, and everything else, are gone
	entryEnd                  // of a snapshot
	entryFailed               // queue, task, an attempt that failed
	entryEnded                // queue, task, how, when, number, and the attempt that ended it or 0
	entryPurged               // queue, last task, when, the number of the task that ended last before or -1
	entryPast                 // queue, how, when, number, the attempt or 0, the task, and its attempts that failed
)

func packInts(b []byte, kind byte, ints ...int64) []byte {
	b = append(b, kind)
	for _, n := range ints {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func packBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func packQueue(b []byte, q *queue) []byte {
	b = packBool(packInts(b, entryQueue, int64(q.seq)), q.unbounded)
	b = binary.AppendVarint(b, int64(q.lastSeq))
	settings := q.settings
	settings.RateLimits.MaxDispatchesPerSecond = min(settings.RateLimits.MaxDispatchesPerSecond, math.MaxFloat64) // JSON has no infinity
	return packString(b, string(mustMarshal(settings)))
}

// mustMarshal marshals a type of this package, which JSON can hold.
func mustMarshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("localqueue: %v", err))
	}
	return data
}

func packQueueGone(b []byte, seq int, name string, free int64) []byte {
	b = packString(packInts(b, entryQueueGone, int64(seq)), name)
	return binary.AppendVarint(b, free)
}

func packTask(b []byte, q *queue, t *task) []byte {
	return packTaskFields(packInts(b, entryTask, int64(q.seq)), t)
}

func packTaskFields(b []byte, t *task) []byte {
	b = packString(binary.AppendVarint(b, int64(t.seq)), t.id)
	b = binary.AppendVarint(packBool(b, t.chosen), t.created)
	b = binary.AppendVarint(b, t.schedule)
	return packString(b, string(t.record))
}

// packAttempt appends the state of a task that has been attempted.
func packAttempt(b []byte, q *queue, t *task) []byte {
	return packAttemptFields(packInts(b, entryAttempt, int64(q.seq), int64(t.seq)), t)
}

func packAttemptFields(b []byte, t *task) []byte {
	b = packBool(b, t.forced)
	last := &t.history.last
	for _, n := range []int64{
		t.schedule, int64(t.dispatches), int64(t.responses), int64(t.executions), int64(t.previous), t.history.first,
		packTime(last.ScheduleTime), packTime(last.DispatchTime), packTime(last.ResponseTime), int64(last.Code),
	} {
		b = binary.AppendVarint(b, n)
	}
	return packString(b, last.Message)
}

// packTime returns a time that is zero or after the epoch in nanoseconds; zero stays zero.
func packTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func unpackTime(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return nanoTime(n)
}

func packTombstone(b []byte, q *queue, stone tombstone, chosen bool) []byte {
	b = packString(packInts(b, entryTombstone, int64(q.seq)), stone.id)
	return binary.AppendVarint(packBool(b, chosen), stone.expires)
}

func packKept(b []byte, name string, value []byte) []byte {
	return packString(packString(append(b, entryKept), name), string(value))
}

// savedBatch is a [Batch] as an entry holds it.
type savedBatch struct {
	Batch   Batch // without results
	Results []savedResult
}

// savedResult is a [BatchResult]: errors of calls are statuses, some with help.
type savedResult struct {
	Task    *resource.Task `json:",omitempty"`
	Code    cloudtask.Code `json:",omitempty"`
	Message string         `json:",omitempty"`
	Help    *resource.Help `json:",omitempty"`
}

func packBatch(b []byte, batch *Batch) []byte {
	saved := savedBatch{Batch: *batch, Results: make([]savedResult, len(batch.Results))}
	saved.Batch.Results = nil
	for i, r := range batch.Results {
		saved.Results[i].Task = r.Task
		if r.Err == nil {
			continue
		}
		var status *cloudtask.StatusError
		if !errors.As(r.Err, &status) {
			status = &cloudtask.StatusError{Code: cloudtask.Unknown, Message: r.Err.Error()}
		}
		saved.Results[i].Code, saved.Results[i].Message = status.Code, status.Message
		errors.As(r.Err, &saved.Results[i].Help)
	}
	return packString(append(b, entryBatch), string(mustMarshal(saved)))
}

func unpackBatch(data []byte) (*Batch, error) {
	var saved savedBatch
	if err := json.Unmarshal(data, &saved); err != nil {
		return nil, fmt.Errorf("a remembered batch cannot be read: %w", err)
	}
	batch := saved.Batch
	batch.Results = make([]BatchResult, len(saved.Results))
	for i, r := range saved.Results {
		batch.Results[i].Task = r.Task
		if r.Code == cloudtask.OK {
			continue
		}
		err := &cloudtask.StatusError{Code: r.Code, Message: r.Message}
		if r.Help != nil {
			err.Err = r.Help
		}
		batch.Results[i].Err = err
	}
	return batch.remembered(), nil
}

// packFailed appends the attempt of t that failed last, if it is remembered.
func packFailed(b []byte, q *queue, t *task) []byte {
	if q.past == nil {
		return b
	}
	return packFinished(packInts(b, entryFailed, int64(q.seq), int64(t.seq)), q.past.failed.get(t.history.failed))
}

// packAllFailed appends all attempts of t that failed and are remembered.
func packAllFailed(b []byte, q *queue, t *task) []byte {
	if q.past == nil {
		return b
	}
	for _, m := range q.past.attempts(t) {
		b = packFinished(packInts(b, entryFailed, int64(q.seq), int64(t.seq)), &m)
	}
	return b
}

func packFinished(b []byte, m *finishedAttempt) []byte {
	for _, n := range []int64{int64(m.number), int64(m.status), int64(m.countsAs), m.began, m.took} {
		b = binary.AppendVarint(b, n)
	}
	return packString(packString(packBool(b, m.forced), m.err), m.response)
}

func unpackFinished(e *record) finishedAttempt {
	m := finishedAttempt{number: int32(e.int()), status: int16(e.int()), countsAs: int16(e.int()), began: e.int(), took: e.int()}
	m.forced, m.err, m.response = e.byte() == 1, strings.Clone(e.string()), strings.Clone(e.string())
	return m
}

func packEnded(b []byte, q *queue, kind EventKind, e *endedTask) []byte {
	return packEndedFields(packInts(b, entryEnded, int64(q.seq), int64(e.t.seq)), kind, e)
}

func packEndedFields(b []byte, kind EventKind, e *endedTask) []byte {
	for _, n := range []int64{int64(kind), e.at, int64(e.number)} {
		b = binary.AppendVarint(b, n)
	}
	b = packBool(b, e.last.number != 0)
	if e.last.number != 0 {
		b = packFinished(b, &e.last)
	}
	return b
}

// packPast appends a task that is gone.
func packPast(b []byte, q *queue, kind EventKind, e *endedTask) []byte {
	b = packEndedFields(packInts(b, entryPast, int64(q.seq)), kind, e)
	b = packTaskFields(b, e.t)
	b = packBool(b, e.t.history != nil)
	if e.t.history != nil {
		b = packAttemptFields(b, e.t)
	}
	failed := q.past.attempts(e.t)
	b = binary.AppendVarint(b, int64(len(failed)))
	for _, m := range failed {
		b = packFinished(b, &m)
	}
	return b
}

func unpackEnded(e *record) (EventKind, endedTask) {
	kind, end := EventKind(e.int()), endedTask{at: e.int(), number: uint64(e.int())}
	if e.byte() == 1 {
		end.last = unpackFinished(e)
	}
	return kind, end
}

// unpackTask returns a task that shares the entry's memory.
func unpackTask(e *record) *task {
	t := &task{seq: uint64(e.int()), heapIndex: -1}
	t.id, t.chosen, t.created, t.schedule = e.string(), e.byte() == 1, e.int(), e.int()
	t.record = record(e.string())
	return t
}

func (t *task) unpackAttempt(e *record) {
	t.forced = e.byte() == 1
	var n [10]int64
	for i := range n {
		n[i] = e.int()
	}
	message := e.string()
	if t.history == nil {
		t.history = new(history)
	}
	t.schedule, t.dispatches, t.responses, t.executions, t.previous = n[0], int32(n[1]), int32(n[2]), int32(n[3]), int16(n[4])
	t.history.first, t.history.last = n[5], cloudtask.Attempt{
		ScheduleTime: unpackTime(n[6]), DispatchTime: unpackTime(n[7]), ResponseTime: unpackTime(n[8]),
		Code: cloudtask.Code(n[9]), Message: strings.Clone(message),
	}
}
