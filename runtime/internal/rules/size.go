package rules

import (
	"math/bits"
	"time"
)

// MaxTaskSize is the size of the largest task that Cloud Tasks stores, in bytes of the wire encoding of google.cloud.tasks.v2.Task
// with defaults filled in and in the full view: 1 MiB less 7.
const MaxTaskSize = 1_048_569

// The functions below return the sizes of fields in protobuf's wire encoding. Every field number of a task is below 16, so each tag
// is one byte.

// MessageSize is the size of a message field of n bytes, which is there even when empty.
func MessageSize(n int) int { return 1 + varintSize(uint64(n)) + n }

// BytesSize is the size of a string or bytes field of n bytes. An empty one is left out.
func BytesSize(n int) int {
	if n == 0 {
		return 0
	}
	return MessageSize(n)
}

// IntSize is the size of an integer field. 0 is left out.
func IntSize(n int64) int {
	if n == 0 {
		return 0
	}
	return 1 + varintSize(uint64(n))
}

// TimeSize is the size of a Timestamp field.
func TimeSize(t time.Time) int {
	return MessageSize(IntSize(t.Unix()) + IntSize(int64(t.Nanosecond())))
}

// DurationSize is the size of a Duration field that is left out when it is 0.
func DurationSize(d time.Duration) int {
	if d == 0 {
		return 0
	}
	return MessageSize(IntSize(int64(d/time.Second)) + IntSize(int64(d%time.Second)))
}

func varintSize(u uint64) int { return (bits.Len64(u|1) + 6) / 7 }
