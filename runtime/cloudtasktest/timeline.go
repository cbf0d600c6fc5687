package cloudtasktest

import (
	"fmt"
	"strings"
	"time"
)

// incidentKind is what happened to a task.
type incidentKind int

const (
	enqueued incidentKind = iota
	again                 // another of its name was enqueued, and was a duplicate
	attempted
	deleted
)

// incident is something that happened.
type incident struct {
	kind    incidentKind
	at      time.Time
	task    *Task
	attempt *Attempt
}

// tell adds to what happened.
func (q *Queue) tell(t *Task, kind incidentKind, attempt *Attempt) {
	if t != nil {
		q.story = append(q.story, incident{kind, q.Now(), t, attempt})
	}
}

// maxTimeline is how many lines a failed test prints of what happened.
const maxTimeline = 100

// timeline says what happened, for a test that failed: line by line, with times since the first.
func (q *Queue) timeline() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var b strings.Builder
	shown := make(map[string]bool) // stacks: a task that panics in each of its attempts does so in the same place
	for i, line := range q.story {
		if skipped := len(q.story) - maxTimeline; i == maxTimeline/2 && skipped > 0 {
			fmt.Fprintf(&b, "\t… %d more …\n", skipped)
		}
		if i < maxTimeline/2 || i >= len(q.story)-maxTimeline/2 {
			fmt.Fprintf(&b, "\t%-12v %s\n", line.at.Sub(q.story[0].at).Round(time.Microsecond), line)
			if line.kind == attempted && line.attempt.stack != "" {
				if place := sources(line.attempt.stack); !shown[place] {
					shown[place] = true
					b.WriteString(line.attempt.stack + "\n")
				}
			}
		}
	}
	return b.String()
}

// sources returns the lines of a stack that name files: the others have addresses and numbers of goroutines, which are
// others each time.
func sources(stack string) string {
	var b strings.Builder
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(line, "\t") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// String says what happened.
func (i incident) String() string {
	switch i.kind {
	case again:
		return fmt.Sprintf("%v enqueued again: a duplicate", i.task)
	case attempted:
		return i.attempt.String()
	case deleted:
		return fmt.Sprintf("%v deleted", i.task)
	}
	due := "now"
	if d := i.task.Delay(); d > 0 {
		due = "in " + d.String()
	}
	return fmt.Sprintf("%v enqueued, due %s: %s", i.task, due, clip(i.task.Body))
}

// clip returns a payload as messages show it.
func clip(payload []byte) string {
	const limit = 300
	if len(payload) > limit {
		return string(payload[:limit]) + "…"
	}
	return string(payload)
}
