package cloudtask

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// order is what a definition says of one task that is to be enqueued.
type order struct {
	name         string
	queue        string        // "": the client's default
	id           string        // "": what once and unique say
	timeout      time.Duration // 0: rules.DefaultDeadline
	once         bool
	unique       []byte // key of a unique task; nil: not unique
	within       time.Duration
	retry        *RetryConfig
	enqueueRetry *RetryPolicy
	payload      []byte
}

// job is a task on its way into a queue.
type job struct {
	name   string
	queue  string // its id in Cloud Tasks
	parent string // resource name of the queue
	own    string // the queue that it was diverted from; "" where it is still in its own
	id     string // "" lets the service choose
	random bool   // the id was made for this task alone
	token  string // value of tokenHeader; "": none is sent
	unsure bool   // a try whose answer was lost may have put the task into the queue
	policy RetryPolicy
	task   Task // complete
	size   int  // as stored
}

// chooseID returns the id that makes the task one of its name; "" where it has none. The task is unique in the period
// that period falls into.
func (d *order) chooseID(o *enqueueOptions, period time.Time) (string, error) {
	switch {
	case o.id != nil:
		return *o.id, nil // checked
	case d.id != "":
		if err := checkTaskID(d.id); err != nil {
			return "", fmt.Errorf("task name %s: %w", shorten(d.id), err)
		}
		return d.id, nil
	case d.once:
		return hashID([]byte(d.name)), nil
	case d.unique != nil:
		// Neither a name nor the JSON of a key holds a zero byte, and a once task's hash has none: no two kinds or keys
		// hash the same bytes.
		key := make([]byte, 0, len(d.name)+len(d.unique)+48)
		key = append(key, d.name...)
		key = append(key, 0)
		key = append(key, d.unique...)
		key = append(key, 0)
		if d.within > 0 {
			key = strconv.AppendInt(key, int64(d.within), 10)
			key = append(key, 0)
			key = strconv.AppendInt(key, period.UnixNano()/int64(d.within), 10)
		}
		return hashID(key), nil
	}
	return "", nil
}

// hashID returns the SHA-256 of key in hexadecimal: no two keys meet by chance, and names that begin differently are
// what Cloud Tasks is fastest with.
func hashID(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:])
}

// inQueue says which queue err is about.
func (j *job) inQueue(err error) error {
	if j.own != "" {
		return fmt.Errorf("backup queue %q, tried because queue %q does not take the task: %w", j.queue, j.own, err)
	}
	return fmt.Errorf("queue %q: %w", j.queue, err)
}

// tried records a try to create the job's task that failed with err.
func (j *job) tried(err error) {
	j.unsure = j.unsure || mayHaveHappened(err)
}

// failed returns the error of an enqueue that ends with err.
func (j *job) failed(err error) error {
	if j.unsure && !errors.Is(err, ErrOutcomeUnknown) {
		err = fmt.Errorf("%w (%w: the task may have been enqueued)", err, ErrOutcomeUnknown)
	}
	return j.inQueue(err)
}
