package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
)

type nowJSON struct {
	Now   time.Time `json:"now"`
	Clock string    `json:"clock"` // real or virtual
}

type runJSON struct {
	Attempts int       `json:"attempts"`
	Now      time.Time `json:"now"`
}

type backlogJSON struct {
	Idle      bool       `json:"idle"`
	Running   int        `json:"running"`
	Due       int        `json:"due"`
	Scheduled int        `json:"scheduled"`
	Held      int        `json:"held"`
	Next      *time.Time `json:"next,omitempty"`
	Now       time.Time  `json:"now"`
}

func (c *control) now(r *http.Request) (any, error) {
	clock := "real"
	if c.queue.Virtual() {
		clock = "virtual"
	}
	return nowJSON{c.queue.Now(), clock}, nil
}

func (c *control) backlog(r *http.Request) (any, error) { return c.left(c.queue.Backlog()), nil }

func (c *control) left(b localqueue.Backlog) backlogJSON {
	out := backlogJSON{Idle: b.Idle(), Running: b.Running, Due: b.Due, Scheduled: b.Scheduled, Held: b.Held, Now: c.queue.Now()}
	if !b.Next.IsZero() {
		out.Next = &b.Next
	}
	return out
}

func (c *control) waitIdle(r *http.Request) (any, error) {
	req, err := c.read(r, "timeout")
	if err != nil {
		return nil, err
	}
	ctx, cancel, err := req.bound(r.Context())
	if err != nil {
		return nil, err
	}
	defer cancel()
	b, err := c.queue.WaitIdle(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &cloudtask.StatusError{Code: cloudtask.DeadlineExceeded, Message: fmt.Sprintf("not idle in time: %d attempts are running and %d tasks "+
			"due", b.Running, b.Due)}
	}
	return c.left(b), err
}

func (c *control) reset(r *http.Request) (any, error) {
	if _, err := c.read(r); err != nil {
		return nil, err
	}
	if err := c.queue.Reset(r.Context()); err != nil {
		return nil, err
	}
	c.events.clear()
	return c.now(r)
}

func (c *control) advance(r *http.Request) (any, error) {
	req, err := c.read(r, "duration")
	if err != nil {
		return nil, err
	}
	d, err := req.duration()
	if err != nil {
		return nil, err
	}
	if err := c.queue.Advance(d); err != nil {
		return nil, err
	}
	return c.now(r)
}

func (req controlRequest) duration() (time.Duration, error) {
	if req.Duration == nil {
		return 0, badControl(`"duration" is required, such as "90s" or "168h"`)
	}
	if d := time.Duration(*req.Duration); d < 0 {
		return 0, badControl("duration %v: time only moves forward", d)
	}
	return time.Duration(*req.Duration), nil
}

func (c *control) runDue(r *http.Request) (any, error) {
	return c.run(r, c.queue.RunDue)
}

func (c *control) runNext(r *http.Request) (any, error) {
	return c.run(r, func(ctx context.Context) (int, error) {
		ran, err := c.queue.RunNext(ctx)
		if ran {
			return 1, err
		}
		return 0, err
	})
}

func (c *control) runUntilIdle(r *http.Request) (any, error) {
	return c.run(r, c.queue.RunUntilIdle)
}

func (c *control) runFor(r *http.Request) (any, error) {
	req, err := c.read(r, "duration", "timeout")
	if err != nil {
		return nil, err
	}
	d, err := req.duration()
	if err != nil {
		return nil, err
	}
	return c.deliver(r, req, func(ctx context.Context) (int, error) { return c.queue.RunFor(ctx, d) })
}

func (c *control) run(r *http.Request, run func(context.Context) (int, error)) (any, error) {
	req, err := c.read(r, "timeout")
	if err != nil {
		return nil, err
	}
	return c.deliver(r, req, run)
}

// deliver calls run for as long as the request allows.
func (c *control) deliver(r *http.Request, req controlRequest, run func(context.Context) (int, error)) (any, error) {
	ctx, cancel, err := req.bound(r.Context())
	if err != nil {
		return nil, err
	}
	defer cancel()
	attempts, err := run(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = &cloudtask.StatusError{Code: cloudtask.DeadlineExceeded, Message: fmt.Sprintf("not done in time: %d attempts were made; tasks that "+
			"enqueue tasks go on for ever", attempts)}
	}
	return runJSON{attempts, c.queue.Now()}, err
}

func (c *control) getFaults(r *http.Request) (any, error) {
	all := make(map[string]faultsJSON)
	for queue, f := range c.queue.Faults() {
		all[queue] = faultsJSON{
			Twice: f.Twice, LoseAnswer: f.LoseAnswer, Late: f.Late, Delay: duration(f.Delay),
			Fail: f.Fail, FailFirst: f.FailFirst, FailStatus: f.FailStatus, ClockSkew: duration(f.ClockSkew),
		}
	}
	return map[string]any{"faults": all}, nil
}

func (c *control) putFaults(r *http.Request) (any, error) {
	req, err := c.read(r, "queue", "faults")
	if err != nil {
		return nil, err
	}
	if req.Faults == nil {
		return nil, badControl(`"faults" is required: {} ends those of the queue`)
	}
	f := req.Faults
	if err := c.queue.SetFaults(req.Queue, localqueue.Faults{
		Twice: f.Twice, LoseAnswer: f.LoseAnswer, Late: f.Late, Delay: time.Duration(f.Delay),
		Fail: f.Fail, FailFirst: f.FailFirst, FailStatus: f.FailStatus, ClockSkew: time.Duration(f.ClockSkew),
	}); err != nil {
		return nil, err
	}
	return c.getFaults(r)
}

func (c *control) deleteFaults(r *http.Request) (any, error) {
	if _, err := c.read(r); err != nil {
		return nil, err
	}
	for queue := range c.queue.Faults() {
		if err := c.queue.SetFaults(queue, localqueue.Faults{}); err != nil {
			return nil, err
		}
	}
	return c.getFaults(r)
}

// faultsJSON is [localqueue.Faults].
type faultsJSON struct {
	Twice      float64  `json:"twice,omitempty"`
	LoseAnswer float64  `json:"loseAnswer,omitempty"`
	Late       float64  `json:"late,omitempty"`
	Delay      duration `json:"delay,omitempty"`
	Fail       float64  `json:"fail,omitempty"`
	FailFirst  int      `json:"failFirst,omitempty"`
	FailStatus int      `json:"failStatus,omitempty"`
	ClockSkew  duration `json:"clockSkew,omitempty"`
}

// duration is written in seconds, such as "90s", which every language can read; it is read in Go's syntax.
type duration time.Duration

func (d duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(strconv.FormatFloat(time.Duration(d).Seconds(), 'f', -1, 64) + "s")
}

func (d *duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf(`%s is no duration: want a string such as "1.5s", "90m" or "168h"`, data)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf(`%q is no duration: want one such as "1.5s", "90m" or "168h"`, text)
	}
	*d = duration(parsed)
	return nil
}
