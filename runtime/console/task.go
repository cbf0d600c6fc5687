package console

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/internal/rules"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/localqueue"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/resource"
)

// latestAttempts is how many attempts of a task are shown. Earlier ones are folded.
const latestAttempts = 10

// taskPage is the data of a task's page.
type taskPage struct {
	*localqueue.Inspection
	Row       queueRow // its queue
	Body      payload
	ChosenID  bool // by the task's creator. IDs that the queue assigns are never reused
	Header    []field
	Facts     []field
	Latest    []localqueue.PastAttempt // latest first
	Earlier   []localqueue.PastAttempt // latest first
	Forgotten int                      // number of attempts that are no longer remembered
	Why       []string                 // sentences that explain when the next attempt is
	Plan      []step                   // what happens if further attempts fail
	Next      int                      // number of the next attempt
}

type field struct{ Name, Value string }

// step is what happens when an attempt, or any of several, fails.
type step struct {
	Which, Then string
	first, last localqueue.Backoff
}

// plan returns what happens if further attempts fail. It merges equal steps, and abbreviates long plans.
func plan(ahead []localqueue.Backoff) (steps []step) {
	for i := 0; i < len(ahead); {
		last := i
		for last+1 < len(ahead) && !ahead[last+1].Last && ahead[last+1].Wait == ahead[i].Wait {
			last++
		}
		which := "attempt " + strconv.Itoa(ahead[i].Attempt)
		then := "wait " + formatDuration(ahead[i].Wait)
		switch {
		case ahead[i].Last:
			then = "stop retrying"
		case last == len(ahead)-1:
			which = "any from " + strconv.Itoa(ahead[i].Attempt) + " on"
		case last > i:
			which = "any of " + strconv.Itoa(ahead[i].Attempt) + " to " + strconv.Itoa(ahead[last].Attempt)
		}
		steps = append(steps, step{which, then, ahead[i], ahead[last]})
		i = last + 1
	}
	const head, tail = 4, 2
	if n := len(steps); n > head+tail+1 {
		from, to := steps[head].first, steps[n-tail-1].last
		between := step{
			Which: "any of " + strconv.Itoa(from.Attempt) + " to " + strconv.Itoa(to.Attempt),
			Then:  "wait longer each time, " + formatDuration(from.Wait) + " to " + formatDuration(to.Wait),
		}
		steps = slices.Concat(steps[:head], []step{between}, steps[n-tail:])
	}
	return steps
}

func bodyOf(t *resource.Task) []byte {
	if t.AppEngine != nil {
		return t.AppEngine.Body
	}
	return t.HTTP.Body
}

func headerOf(t *resource.Task) map[string]string {
	if t.AppEngine != nil {
		return t.AppEngine.Header
	}
	return t.HTTP.Header
}

// hiddenValue replaces the values of headers that carry credentials.
const hiddenValue = "(not shown)"

// visibleHeader returns a task's headers sorted by name, with hiddenValue for the values of those that carry credentials.
func visibleHeader(header map[string]string) []field {
	fields := make([]field, 0, len(header))
	for _, name := range slices.Sorted(maps.Keys(header)) {
		value := header[name]
		if cloudtask.IsSecretHeader(name) {
			value = hiddenValue
		}
		fields = append(fields, field{name, value})
	}
	return fields
}

func (c *Console) showTask(ctx context.Context, v *view, name string) error {
	found, err := c.queue.Inspect(ctx, name)
	if err != nil {
		return err
	}
	page := taskPage{Inspection: found, Row: newQueueRow(found.Queue), Body: showPayload(bodyOf(found.Task)), Facts: facts(found)}
	page.ChosenID = strings.Trim(rules.Last(name), "0123456789") != ""
	page.Header = visibleHeader(headerOf(found.Task))
	page.Latest = slices.Clone(found.Attempts)
	slices.Reverse(page.Latest)
	if n := len(page.Latest); n > latestAttempts {
		page.Latest, page.Earlier = page.Latest[:latestAttempts], page.Latest[latestAttempts:]
	}
	page.Forgotten = found.Task.DispatchCount - len(found.Attempts)
	if found.State == localqueue.TaskRunning {
		page.Forgotten-- // the running attempt
	}
	page.Why = why(found, v.Overview.Virtual)
	page.Plan, page.Next = plan(found.Ahead), found.Summary.Attempts+1
	v.Title, v.Section, v.template, v.Data = found.Type+" "+rules.Last(name), "tasks", "task.html", page
	return nil
}

// facts returns the properties of a task that its page lists.
func facts(i *localqueue.Inspection) []field {
	t := i.Task
	all := []field{{"Request", i.Method + " " + i.URL}}
	if t.AppEngine != nil {
		all = append(all, field{"App Engine", t.AppEngine.Routing.Host})
	} else if oidc := t.HTTP.OIDC; oidc != nil {
		value := oidc.ServiceAccount
		if oidc.Audience != "" {
			value += ", audience " + oidc.Audience
		}
		all = append(all, field{"OIDC token", value})
	} else if oauth := t.HTTP.OAuth; oauth != nil {
		all = append(all, field{"OAuth token", strings.TrimSpace(oauth.ServiceAccount + " " + oauth.Scope)})
	}
	deadline := "10 min per attempt (default)"
	if t.DispatchDeadline > 0 {
		deadline = formatDuration(t.DispatchDeadline) + " per attempt"
	}
	all = append(all, field{"Deadline", deadline})
	source := "queue's settings"
	if t.Retry != nil {
		source = "task's own settings"
	}
	return append(all, field{"Retries", retryText(i.Retry) + " (" + source + ")"})
}

// retryText describes retry settings.
func retryText(r cloudtask.RetryConfig) string {
	attempts := strconv.Itoa(r.MaxAttempts) + " attempts"
	switch limited := r.MaxAttempts >= 0; {
	case limited && r.MaxRetryDuration > 0:
		attempts = "at least " + attempts + " and " + formatDuration(r.MaxRetryDuration)
	case r.MaxRetryDuration > 0:
		attempts = "for " + formatDuration(r.MaxRetryDuration)
	case !limited:
		attempts = "unlimited attempts"
	}
	return attempts + ", backoff " + formatDuration(r.MinBackoff) + " to " + formatDuration(r.MaxBackoff) + ", " + strconv.Itoa(r.MaxDoublings) + " doublings"
}

// afterFailure returns when a task's next attempt is, relative to the last failure.
func afterFailure(i *localqueue.Inspection) string {
	failed := "attempt " + strconv.Itoa(i.Summary.Attempts) + " failed"
	if len(i.Attempts) == 0 {
		return "after " + failed
	}
	last := i.Attempts[len(i.Attempts)-1]
	return formatDuration(i.Scheduled.Sub(last.Began.Add(last.Duration))) + " after " + failed
}

// why explains when the next attempt of a task is.
func why(i *localqueue.Inspection, virtual bool) (sentences []string) {
	say := func(text string) { sentences = append(sentences, text) }
	next := "Attempt " + strconv.Itoa(i.Summary.Attempts+1)
	switch i.State {
	case localqueue.TaskScheduled, localqueue.TaskRetrying:
		switch i.Reason {
		case localqueue.ReasonBackoff:
			say(next + " is due " + afterFailure(i) + " (backoff).")
		case localqueue.ReasonRetryAfter:
			say(next + " is due " + afterFailure(i) + ": the response's Retry-After header asked for more than the backoff.")
		case localqueue.ReasonFault:
			say(next + " is delayed by an injected fault.")
		default:
			say(next + " is due at the time that the task was scheduled for.")
		}
		if i.Queue.Hold == localqueue.HoldPaused {
			say("The queue is paused: it delivers nothing until it is resumed.")
		} else if virtual {
			say("The clock is virtual: advance it to that time to deliver the task.")
		}
	case localqueue.TaskDue:
		switch i.Queue.Hold {
		case localqueue.HoldPaused:
			say(next + " is due, but the queue is paused.")
		case localqueue.HoldConcurrency:
			say(next + " is due, but " + formatNumber(i.Queue.Running) + " attempts are running, as many as the queue allows at a time.")
		case localqueue.HoldRate:
			say(next + " is due, but limited by the queue's rate of " + formatRate(i.Queue.RateLimits.MaxDispatchesPerSecond) + ".")
		case localqueue.HoldClock:
			say(next + " is due. The clock is virtual: run due tasks to deliver it.")
		default:
			say(next + " is due.")
		}
		switch {
		case i.Before == 1:
			say("One task is due before it.")
		case i.Before > 1:
			say(formatDue(i.Before) + " tasks are due before it.")
		}
	}
	return sentences
}
