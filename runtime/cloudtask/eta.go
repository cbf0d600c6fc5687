package cloudtask

import (
	"errors"
	"fmt"
	"time"
)

// ErrETATooFar is wrapped by the error of an enqueue whose time is beyond Config.MaxETA, or beyond the 30 days that
// Cloud Tasks allows.
var ErrETATooFar = errors.New("eta too far in the future")

// farthestETA is how far in the future Cloud Tasks lets a task be scheduled.
const farthestETA = 30 * 24 * time.Hour

// ETA is the time at which a task is to run: Cloud Tasks' schedule time. The task runs then, or later if its queue's limits do not allow it. The
// zero ETA is In(0).
type ETA struct {
	kind  etaKind
	delay time.Duration // of etaIn
	at    time.Time     // of etaAt and etaUntil
}

type etaKind int

const (
	etaNone  etaKind = iota // as soon as possible
	etaIn                   // after a delay
	etaAt                   // at a time
	etaUntil                // at a random time between now and at
)

// In returns the ETA that is d after the enqueue; a negative d is an error of the enqueue.
func In(d time.Duration) ETA { return ETA{kind: etaIn, delay: d} }

// At returns the ETA at t; a time that is past means now.
func At(t time.Time) ETA { return ETA{kind: etaAt, at: t} }

// period returns the time whose period, by unique … within=D, a task enqueued now belongs to: the time that the caller
// asked for, also where it is past, the latest of Until, and now where there is none.
func (eta ETA) period(now time.Time) time.Time {
	switch {
	case eta.kind == etaIn:
		return now.Add(eta.delay)
	case eta.kind == etaNone || eta.at.Unix() <= 0: // At of the zero time
		return now
	}
	return eta.at
}

// scheduleTime returns when a task enqueued now is to run, to the microsecond as Cloud Tasks keeps it; the zero time
// for as soon as possible.
func (c *Client) scheduleTime(now time.Time, eta ETA) (time.Time, error) {
	delay := eta.delay
	switch eta.kind {
	case etaNone:
		return time.Time{}, nil
	case etaIn:
		if delay < 0 {
			return time.Time{}, fmt.Errorf("delay %v is negative", delay)
		}
	case etaAt:
		delay = eta.at.Sub(now)
	case etaUntil:
		if delay = eta.at.Sub(now); delay <= 0 {
			return time.Time{}, fmt.Errorf("latest time %s is not in the future, it is %s now", eta.at.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano))
		}
	}
	limit, whose := farthestETA, "Cloud Tasks allows"
	if c.cfg.MaxETA > 0 && c.cfg.MaxETA < limit {
		limit, whose = c.cfg.MaxETA, "Config.MaxETA (CLOUDTASK_MAXIMUM_ETA) allows"
	}
	if delay > limit {
		return time.Time{}, fmt.Errorf("%w: %s is %v from now, %s %v", ErrETATooFar, now.Add(delay).Format(time.RFC3339), delay, whose, limit)
	}
	if eta.kind == etaUntil {
		delay = time.Duration(c.random(int64(delay) + 1))
	}
	if delay <= 0 {
		return time.Time{}, nil
	}
	return now.Add(delay).UTC().Truncate(time.Microsecond), nil
}
