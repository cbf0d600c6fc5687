package cloudtask

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// ErrTooLarge is wrapped by the error of an enqueue whose task, or its headers, are larger than Cloud Tasks stores.
var ErrTooLarge = errors.New("task too large")

// maxStoredSize is the size in bytes of the largest task that Cloud Tasks stores: 1 MiB less 7 bytes, of which name,
// URL, headers and settings take their part.
const maxStoredSize = 1_048_569

// userAgent is the header that Cloud Tasks stores with each task.
const userAgent = "Google-Cloud-Tasks"

// serverIDLength is the length of the longest id that Cloud Tasks chooses.
const serverIDLength = 20

// checkSize refuses a task that Cloud Tasks would find too large in the queue with this resource name.
func checkSize(task *Task, queueName string) (int, error) {
	size := storedSize(task, queueName)
	if size > maxStoredSize {
		return size, fmt.Errorf("%w: %d bytes as Cloud Tasks stores it, of which the payload has %d; the limit is %d",
			ErrTooLarge, size, len(task.Body), maxStoredSize)
	}
	return size, nil
}

// storedSize returns what proto.Size says of the task as Cloud Tasks stores it: with its name, its times, the method,
// the User-Agent header and view=FULL. What only the service knows, its clock and the id that it chooses, counts with
// the most that it can take.
func storedSize(task *Task, queueName string) int {
	name := len(task.Name)
	if name == 0 {
		name = len(queueName) + len("/tasks/") + serverIDLength
	}
	const createTime = 1 + 1 + 1 + 5 // whole seconds of this century
	const scheduleNow = createTime + 1 + 5
	const view = 1 + 1
	size := lengthDelimited(name) + lengthDelimited(httpRequestSize(task)) + createTime + view
	if task.ScheduleTime.IsZero() {
		size += scheduleNow
	} else {
		at := task.ScheduleTime.Truncate(time.Microsecond)
		size += lengthDelimited(varint(at.Unix()) + varint(int64(at.Nanosecond())))
	}
	size += durationSize(task.DispatchDeadline.Truncate(time.Millisecond))
	if r := task.Retry; r != nil {
		size += lengthDelimited(varint(int64(r.MaxAttempts)) + durationSize(r.MaxRetryDuration) + durationSize(r.MinBackoff) +
			durationSize(r.MaxBackoff) + varint(int64(r.MaxDoublings)))
	}
	return size
}

func httpRequestSize(task *Task) int {
	const method = 1 + 1
	size := lengthDelimited(len(task.URL)) + method
	size += lengthDelimited(lengthDelimited(len("User-Agent")) + lengthDelimited(len(userAgent)))
	for name, value := range task.Header {
		size += lengthDelimited(lengthDelimited(len(name)) + lengthDelimited(len(value)))
	}
	if len(task.Body) > 0 {
		size += lengthDelimited(len(task.Body))
	}
	if task.ServiceAccount != "" {
		token := lengthDelimited(len(task.ServiceAccount))
		if task.Audience != "" {
			token += lengthDelimited(len(task.Audience))
		}
		size += lengthDelimited(token)
	}
	return size
}

// lengthDelimited is the size of a field of n bytes: tag, length and content. All of the task's tags take one byte.
func lengthDelimited(n int) int { return 1 + varintLength(uint64(n)) + n }

// varint is the size of a number's field, which is left out when 0.
func varint(n int64) int {
	if n == 0 {
		return 0
	}
	return 1 + varintLength(uint64(n))
}

func varintLength(n uint64) int { return (bits.Len64(n|1) + 6) / 7 }

// durationSize is the size of a field of the type Duration, which is left out when 0.
func durationSize(d time.Duration) int {
	if d == 0 {
		return 0
	}
	return lengthDelimited(varint(int64(d/time.Second)) + varint(int64(d%time.Second)))
}
