package cloudtask

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// syncContext returns the context of a run without a queue.
func syncContext(ctx context.Context, queue string, retry *RetryConfig) context.Context {
	now := time.Now()
	return contextWithMetadata(ctx, Metadata{
		TaskID: rand.Text(), Queue: queue, ETA: now.UTC().Truncate(time.Microsecond), Headers: headersFrom(ctx).Clone(),
		eager: true, started: now, retry: retry,
	})
}

// fetch returns the queued task with an id or full resource name. A task of another type is an error.
func (c *Client) fetch(ctx context.Context, t taskType, id string) (*Task, error) {
	if err := c.reachable(); err != nil {
		return nil, err
	}
	if _, _, ok := rules.SplitTask(id); !ok {
		if err := checkTaskID(id); err != nil {
			return nil, fmt.Errorf("task %s: %w", shorten(id), err)
		}
	}
	task, err := c.find(ctx, id, c.queuesOf(t))
	if err != nil {
		return nil, t.elsewhere(id, err, "give the full resource name")
	}
	if name := rules.Last(task.URL); name != t.name && !slices.Contains(t.aliases, name) {
		return nil, otherType(task)
	}
	return task, nil
}

// queuesOf returns the ids in Cloud Tasks of the queues that tasks of the type go to by default.
func (c *Client) queuesOf(t taskType) []string {
	queues := []string{c.cfg.Queue}
	if t.queue != "" {
		queues[0] = c.cfg.QueuePrefix + t.queue
	}
	if backup := c.cfg.BackupQueue; backup != "" && backup != queues[0] {
		queues = append(queues, backup)
	}
	return queues
}

// find returns the task with an id in the first queue that has it, or the task with a full resource name.
func (c *Client) find(ctx context.Context, id string, queues []string) (*Task, error) {
	names := []string{id}
	if !strings.Contains(id, "/") {
		names = nil
		for _, queue := range queues {
			names = append(names, c.queueName(queue)+"/tasks/"+id)
		}
	}
	var errs []error
	for _, name := range names {
		task, err := c.getTask(ctx, name)
		if err == nil {
			return task, nil
		}
		errs = append(errs, fmt.Errorf("getting %s: %w", name, err))
		if StatusOf(err) != NotFound {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// elsewhere adds to the error about a task that was not found by its id why it may be in another queue, and what to do then.
func (t taskType) elsewhere(id string, err error, remedy string) error {
	if StatusOf(err) != NotFound || strings.Contains(id, "/") {
		return err
	}
	why := "WithQueue"
	if t.dynamic {
		why = "the type's Queue method or WithQueue"
	}
	return fmt.Errorf("%w; if %s has sent it to another queue, %s", err, why, remedy)
}

// otherType returns the error about a task of another type than asked for.
func otherType(task *Task) error {
	return fmt.Errorf("%w: %s is a %s, its URL is %s", ErrOtherType, task.Name, rules.Last(task.URL), task.URL)
}

// debugContext returns the context for running the payload of a queued task: that of its next attempt, as if it began now.
func (c *Client) debugContext(ctx context.Context, task *Task, retry *RetryConfig) context.Context {
	m := Metadata{
		TaskID:     rules.Last(task.Name),
		Queue:      c.cfg.Queue,
		Project:    c.cfg.Project,
		Dispatches: task.DispatchCount,
		// The service counts answers with 5xx, too: a stored task does not tell them apart.
		Executions: task.ResponseCount,
		ETA:        task.ScheduleTime.UTC(),
		Headers:    c.propagated(task.Header),
		started:    time.Now(),
		location:   c.cfg.Location,
		retry:      cmp.Or(task.Retry, retry),
	}
	if queue, _, ok := rules.SplitTask(task.Name); ok {
		location, id, _ := rules.SplitQueue(queue)
		m.Project, m.location, _ = rules.SplitLocation(location)
		m.Queue = id
	}
	m.PreviousResponse, m.PreviousFailure = previousAttempt(task.LastAttempt)
	return &runContext{
		Context: contextWithHeaders(contextWithQueueSettings(ctx, c.settings), m.Headers), meta: m,
		began: m.started, timeout: cmp.Or(task.DispatchDeadline, rules.DefaultDeadline),
	}
}

// previousAttempt returns the status and reason of a failed attempt as the next attempt's headers have them: a time-out is 504.
func previousAttempt(last *Attempt) (response int, failure string) {
	if last == nil {
		return 0, ""
	}
	if _, status, found := strings.Cut(last.Message, "HTTP status code "); found {
		if code, err := strconv.Atoi(status); err == nil && code >= 100 && code <= 999 {
			response = code
		}
	}
	if response == 0 && last.Code == DeadlineExceeded {
		response = 504
	}
	switch {
	case response != 0:
		return response, "HTTP " + strconv.Itoa(response)
	case last.Code != OK && last.Message == "":
		return 0, last.Code.String()
	}
	return 0, last.Message
}
