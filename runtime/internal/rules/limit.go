package rules

import "time"

// The dispatch deadline of tasks with an HTTP target.
const (
	DefaultDeadline = 10 * time.Minute
	MinDeadline     = 15 * time.Second
	MaxDeadline     = 30 * time.Minute
)

// Times in the life of a task.
const (
	MaxScheduleAhead = 30 * 24 * time.Hour // how far ahead of now a task may be scheduled
	Retention        = 31 * 24 * time.Hour // how old a task gets
)

// What an unset field of a task's or queue's RetryConfig means.
const (
	DefaultMaxAttempts  = 100
	DefaultMinBackoff   = 100 * time.Millisecond
	DefaultMaxBackoff   = time.Hour
	DefaultMaxDoublings = 16
)

// Rate limits of a queue: what an unset field means, and the most that is allowed.
const (
	DefaultRate          = 500 // dispatches a second
	MaxRate              = 500
	DefaultMaxConcurrent = 1000
	MaxConcurrent        = 5000
)
