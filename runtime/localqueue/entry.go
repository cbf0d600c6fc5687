package localqueue

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// Kinds of entries. Each tells what is so from then on, not what to do to what was before, and may be repeated together
// with all that follow it. Queues are known by their numbers and tasks by their sequence numbers, neither of which is
// ever used again; an entry about a queue that is not there is about one that was deleted.
//
// An entry is its kind in one byte and then fields as in a [record]. To change what they hold, or what a kind is, takes
// another [fileFormat]; a kind that is new does too, for older versions do not know it.
const (
	entryCounter   = iota + 1 // queue counter
	entryQueue                // queue, unbounded, last sequence number, settings as JSON
	entryQueueGone            // queue or 0, name, free at; what was kept under the name is gone too
	entryTask                 // queue, task, id, chosen, created, schedule, record
	entryAttempt              // queue, task, forced, schedule, dispatches, responses, executions, previous, and the history
	entryTaskGone             // of format 1: queue, task, when
	entryPurge                // of format 1: queue, last task, when
	entryTombstone            // queue, id, chosen, expires
	entryBatch                // JSON of a savedBatch
	entryKept                 // name, value
	entryReset                // last queue: all up to that one, and what else there was, is gone
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

// mustMarshal is for types of this package that JSON can hold.
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

// packAttempt is for a task that has been attempted.
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
		return nil, fmt.Errorf("a batch that was kept cannot be read: %w", err)
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
