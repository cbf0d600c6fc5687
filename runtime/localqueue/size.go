package localqueue

import (
	"math/bits"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
)

// maxTaskSize is the largest task that Cloud Tasks stores, in bytes of the wire encoding of google.cloud.tasks.v2.Task
// with defaults filled in and in the full view: 1 MiB less 7.
const maxTaskSize = 1048569

// storedSize returns that size of a normalized task. Every field number of the messages involved is below 16, so that
// every tag takes one byte.
func storedSize(t *Task) int {
	h := requestOf(t)
	request := stringSize(len(h.URL)) + 2 // http_method is an enum below 128
	for k, v := range h.Header {
		request += messageSize(messageSize(len(k)) + messageSize(len(v))) // a map's entries have both, even if empty
	}
	request += stringSize(len(h.Body))
	switch {
	case t.AppEngine != nil:
		r := t.AppEngine.Routing
		request += messageSize(stringSize(len(r.Service)) + stringSize(len(r.Version)) + stringSize(len(r.Instance)) + stringSize(len(r.Host)))
	case h.OAuth != nil:
		request += messageSize(stringSize(len(h.OAuth.ServiceAccount)) + stringSize(len(h.OAuth.Scope)))
	case h.OIDC != nil:
		request += messageSize(stringSize(len(h.OIDC.ServiceAccount)) + stringSize(len(h.OIDC.Audience)))
	}
	size := stringSize(len(t.Name)) + messageSize(request) + timeSize(t.ScheduleTime) + timeSize(t.CreateTime) + 2 // view
	size += durationSize(t.DispatchDeadline)
	if t.Retry != nil {
		size += messageSize(retrySize(t.Retry))
	}
	return size
}

func retrySize(r *cloudtask.RetryConfig) int {
	return intSize(int64(r.MaxAttempts)) + durationSize(r.MaxRetryDuration) + durationSize(r.MinBackoff) +
		durationSize(r.MaxBackoff) + intSize(int64(r.MaxDoublings))
}

// stringSize is the size of a string or bytes field; an empty one is left out.
func stringSize(n int) int {
	if n == 0 {
		return 0
	}
	return messageSize(n)
}

// messageSize is the size of a message field of n bytes, which is there even when empty.
func messageSize(n int) int { return 1 + varintSize(uint64(n)) + n }

func intSize(n int64) int {
	if n == 0 {
		return 0
	}
	return 1 + varintSize(uint64(n))
}

func timeSize(t time.Time) int {
	return messageSize(intSize(t.Unix()) + intSize(int64(t.Nanosecond())))
}

// durationSize is that of a Duration field that is left out when zero.
func durationSize(d time.Duration) int {
	if d == 0 {
		return 0
	}
	return messageSize(intSize(int64(d/time.Second)) + intSize(int64(d%time.Second)))
}

func varintSize(u uint64) int { return (bits.Len64(u|1) + 6) / 7 }
