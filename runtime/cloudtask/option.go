package cloudtask

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// EnqueueOption changes one enqueue. It takes precedence over the task's methods and directives and over the client's configuration. If an option
// is given twice, the last one counts; for headers, the last one of a name.
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

// enqueueOptions returns the checked options.
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

// eta returns when the task is to run: as given by the verb, or by the options.
func (o *enqueueOptions) eta(given ETA) (ETA, error) {
	switch {
	case o.delay == nil:
		return given, nil
	case given.kind != etaNone:
		return ETA{}, errors.New("WithDelay cannot be combined with Later or Until, which say when the task runs")
	}
	return In(*o.delay), nil
}
