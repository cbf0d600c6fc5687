package resource

import (
	"math"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
)

// RetryDefaults fills in the service's defaults for fields that are zero, which counts as unset.
func RetryDefaults(c cloudtask.RetryConfig) cloudtask.RetryConfig {
	if c.MaxAttempts == 0 {
		c.MaxAttempts = rules.DefaultMaxAttempts
	}
	if c.MinBackoff == 0 {
		c.MinBackoff = rules.DefaultMinBackoff
	}
	if c.MaxBackoff == 0 {
		c.MaxBackoff = rules.DefaultMaxBackoff
	}
	if c.MaxDoublings == 0 {
		c.MaxDoublings = rules.DefaultMaxDoublings
	}
	c.MaxRetryDuration = c.MaxRetryDuration.Truncate(time.Second)
	return c
}

// checkRetry refuses what the service refuses in settings whose defaults are filled in.
func checkRetry(c cloudtask.RetryConfig) error {
	switch {
	case c.MaxAttempts < -1:
		return Invalid("RetryConfig.maxAttempts must be greater or equal to -1.")
	case c.MaxRetryDuration < 0:
		return Invalid("RetryConfig.maxRetryDuration cannot be negative.")
	case c.MinBackoff < 0:
		return Invalid("RetryConfig.minBackoff cannot be negative.")
	case c.MinBackoff > c.MaxBackoff:
		return Invalid("RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.")
	case c.MaxDoublings < 0:
		return Invalid("RetryConfig.maxDoublings cannot be negative.")
	}
	return nil
}

// Backoff returns the delay after the failed-th failed attempt, counted from 1: it doubles MaxDoublings times, then
// grows linearly, up to MaxBackoff.
func Backoff(c cloudtask.RetryConfig, failed int) time.Duration {
	// Floating point because 2^16 hours and more must saturate, not overflow.
	delay := math.Ldexp(float64(c.MinBackoff), min(failed-1, c.MaxDoublings))
	if failed-1 > c.MaxDoublings {
		delay *= float64(failed - c.MaxDoublings)
	}
	if delay >= float64(c.MaxBackoff) {
		return c.MaxBackoff
	}
	return time.Duration(delay)
}

// Exhausted reports whether a task that failed is given up after so many attempts, elapsed since the first one began.
// With both limits, both must be exceeded.
func Exhausted(c cloudtask.RetryConfig, attempts int, elapsed time.Duration) bool {
	attemptsUp := attempts >= c.MaxAttempts
	durationUp := elapsed > c.MaxRetryDuration
	switch {
	case c.MaxAttempts == -1:
		return c.MaxRetryDuration > 0 && durationUp
	case c.MaxRetryDuration == 0:
		return attemptsUp
	}
	return attemptsUp && durationUp
}
