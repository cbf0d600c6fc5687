package cloudtask

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// EnqueueOption changes one enqueue; it wins over the task's methods and directives and over the client's
// configuration. Given twice, the last one counts, and of headers the last one of a name.
type EnqueueOption func(*enqueueOptions)

type enqueueOptions struct {
	delay   *time.Duration
	headers []header
	queue   *string
	id      *string
	timeout *time.Duration
}

// WithDelay lets the task run d after the enqueue at the earliest. It must not be negative nor beyond the maximum ETA,
// and excludes Later and Until.
func WithDelay(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.delay = &d }
}

// WithHeader adds a header to the task's request. Several values of one header are given as one, separated by commas.
// Headers that Cloud Tasks sets or drops are refused, and so are values other than printable ASCII; all headers of a
// task together must stay below 80 KB.
func WithHeader(k, v string) EnqueueOption {
	return func(o *enqueueOptions) {
		o.headers = slices.DeleteFunc(o.headers, func(h header) bool { return strings.EqualFold(h.name, k) })
		o.headers = append(o.headers, header{k, v})
	}
}

// WithQueue sends the task to the queue with this id: 1 to 100 letters, digits and "-", with Config.QueuePrefix, which is
// put in front of it. A task's name is remembered per queue, so a task that is once or unique can be enqueued again in
// another queue. Discard and Debug functions look for it there only by [InQueue] or by its full resource name.
func WithQueue(q string) EnqueueOption {
	return func(o *enqueueOptions) { o.queue = &q }
}

// WithTaskName sets the task's id: 1 to 500 letters, digits, "-" and "_", used as it is. While a task of that name is
// queued or running, and for up to 24 hours after (9 days in queues made with queue.yaml), enqueueing another yields a
// receipt with Duplicate. Cloud Tasks is slower with names that begin alike. In a batch it is an error.
func WithTaskName(n string) EnqueueOption {
	return func(o *enqueueOptions) { o.id = &n }
}

// WithTimeout sets how long Cloud Tasks waits for the answer of a run, from 15 s to 30 min: its dispatch deadline. The
// context of Run ends before by 2 % of it, at least 1 s and at most 10 s.
func WithTimeout(d time.Duration) EnqueueOption {
	return func(o *enqueueOptions) { o.timeout = &d }
}

// enqueueOptions returns what the options say together, checked.
func (c *Client) enqueueOptions(opts []EnqueueOption) (enqueueOptions, error) {
	if len(opts) == 0 {
		return enqueueOptions{}, nil
	}
	o := new(enqueueOptions)
	for _, opt := range opts {
		opt(o)
	}
	return *o, c.checkOptions(o)
}

func (c *Client) checkOptions(o *enqueueOptions) error {
	for _, h := range o.headers {
		if err := c.checkHeader(h.name, h.value); err != nil {
			return err
		}
	}
	if o.queue != nil {
		if err := c.cfg.checkQueue(*o.queue); err != nil {
			return fmt.Errorf("WithQueue %s: %w", shorten(*o.queue), err)
		}
	}
	if o.id != nil {
		if err := checkTaskID(*o.id); err != nil {
			return fmt.Errorf("WithTaskName %s: %w", shorten(*o.id), err)
		}
	}
	if o.timeout != nil {
		if err := checkTimeout(*o.timeout); err != nil {
			return fmt.Errorf("WithTimeout: %w", err)
		}
	}
	return nil
}

// eta returns when the task is to run, according to the verb and the options.
func (o *enqueueOptions) eta(verb ETA) (ETA, error) {
	switch {
	case o.delay == nil:
		return verb, nil
	case verb.kind != etaNone:
		return ETA{}, errors.New("WithDelay cannot be combined with Later or Until, which say when the task runs")
	}
	return In(*o.delay), nil
}

// DiscardOption says which tasks to discard, and how.
type DiscardOption func(*discardOptions)

type discardOptions struct {
	ids         []string
	minRetries  int
	concurrency int
	queues      []string
	inQueue     bool
}

// TaskID discards the task with this id, or with this full resource name, and no other. Several of them discard
// several. A task of another type is not deleted, nor is any other then, and the error names its type.
func TaskID(id string) DiscardOption {
	return func(o *discardOptions) { o.ids = append(o.ids, id) }
}

// MinRetries discards only tasks that have been dispatched at least n times, attempts that are running included.
func MinRetries(n int) DiscardOption {
	return func(o *discardOptions) { o.minRetries = n }
}

// Concurrency sets how many calls delete tasks at the same time, at least 1. Default 8. Many tasks of a queue are deleted
// in calls for up to 1000 of them, where the service can do that and permits it, 4 at a time at most.
func Concurrency(n int) DiscardOption {
	return func(o *discardOptions) { o.concurrency = n }
}

// InQueue looks for tasks in the queues with these ids, which get Config.QueuePrefix, instead of the type's own queue and
// the backup queue. A type whose Queue method chooses the queue needs it.
func InQueue(q ...string) DiscardOption {
	return func(o *discardOptions) { o.queues, o.inQueue = append(o.queues, q...), true }
}

const defaultConcurrency = 8

// discardOptions returns what the options say together, checked, with the ids of queues in Cloud Tasks.
func (c *Client) discardOptions(opts []DiscardOption) (*discardOptions, error) {
	o := &discardOptions{concurrency: defaultConcurrency}
	for _, opt := range opts {
		opt(o)
	}
	for _, id := range o.ids {
		if _, _, ok := rules.SplitTask(id); ok {
			continue
		}
		if err := checkTaskID(id); err != nil {
			return nil, fmt.Errorf("TaskID %s: %w", shorten(id), err)
		}
	}
	if o.minRetries < 0 {
		return nil, fmt.Errorf("MinRetries %d: must not be negative", o.minRetries)
	}
	if o.concurrency < 1 {
		return nil, fmt.Errorf("Concurrency %d: must be at least 1", o.concurrency)
	}
	if o.inQueue && len(o.queues) == 0 {
		return nil, errors.New("InQueue without a queue")
	}
	for i, queue := range o.queues {
		if err := c.cfg.checkQueue(queue); err != nil {
			return nil, fmt.Errorf("InQueue %s: %w", shorten(queue), err)
		}
		o.queues[i] = c.cfg.QueuePrefix + queue
	}
	return o, nil
}
