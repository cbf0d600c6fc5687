package cloudtask

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// ErrTooLarge is wrapped by the error of an enqueue whose task, or its headers, are larger than Cloud Tasks stores.
var ErrTooLarge = errors.New("task too large")

// serverIDLength is the length of the longest id that Cloud Tasks chooses.
const serverIDLength = 20

// checkSize refuses a task that Cloud Tasks would find too large in the queue with this resource name.
func checkSize(task *Task, queueName string) (int, error) {
	size := storedSize(task, queueName)
	if size > rules.MaxTaskSize {
		return size, fmt.Errorf("%w: %d bytes as Cloud Tasks stores it, of which the payload has %d; the limit is %d",
			ErrTooLarge, size, len(task.Body), rules.MaxTaskSize)
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
	size := rules.MessageSize(name) + rules.MessageSize(httpRequestSize(task)) + createTime + view
	if task.ScheduleTime.IsZero() {
		size += scheduleNow
	} else {
		at := task.ScheduleTime.Truncate(time.Microsecond)
		size += rules.MessageSize(rules.IntSize(at.Unix()) + rules.IntSize(int64(at.Nanosecond())))
	}
	size += rules.DurationSize(task.DispatchDeadline.Truncate(time.Millisecond))
	if r := task.Retry; r != nil {
		size += rules.MessageSize(rules.IntSize(int64(r.MaxAttempts)) + rules.DurationSize(r.MaxRetryDuration) + rules.DurationSize(r.MinBackoff) +
			rules.DurationSize(r.MaxBackoff) + rules.IntSize(int64(r.MaxDoublings)))
	}
	return size
}

func httpRequestSize(task *Task) int {
	const method = 1 + 1
	size := rules.MessageSize(len(task.URL)) + method
	size += rules.MessageSize(rules.MessageSize(len("User-Agent")) + rules.MessageSize(len(rules.UserAgent)))
	for name, value := range task.Header {
		size += rules.MessageSize(rules.MessageSize(len(name)) + rules.MessageSize(len(value)))
	}
	if len(task.Body) > 0 {
		size += rules.MessageSize(len(task.Body))
	}
	if task.ServiceAccount != "" {
		token := rules.MessageSize(len(task.ServiceAccount))
		if task.Audience != "" {
			token += rules.MessageSize(len(task.Audience))
		}
		size += rules.MessageSize(token)
	}
	return size
}
