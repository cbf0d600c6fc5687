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

// latest is how many attempts of a task can be seen without opening the list of the others.
const latest = 10

// taskPage is the page of a task.
type taskPage struct {
	*localqueue.Inspection
	Row       queueRow // its queue
	Body      payload
	Named     bool // the enqueuer chose its name, not the queue, whose names do not come again
	Header    []field
	Facts     []field
	Latest    []localqueue.PastAttempt // the last of its attempts, the latest first
	Earlier   []localqueue.PastAttempt // those before
	Forgotten int                      // attempts that were made and are not remembered
	Why       []string                 // the next attempt is when it is; sentences
	Plan      []step                   // what follows if attempts fail
	Upcoming  int                      // number of the next attempt
}

type field struct{ Name, Value string }

// step is what follows when an attempt fails, or each of some.
type step struct {
	Which, Then string
	first, last localqueue.Backoff
}

// plan returns what follows when attempts fail from now on, in as few steps as say it.
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
			then = "give the task up"
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

// shownHeader returns a task's headers by name, without the values that could let somebody in.
func shownHeader(header map[string]string) []field {
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
	page.Named = strings.Trim(rules.Last(name), "0123456789") != ""
	page.Header = shownHeader(headerOf(found.Task))
	page.Latest = slices.Clone(found.Attempts)
	slices.Reverse(page.Latest)
	if n := len(page.Latest); n > latest {
		page.Latest, page.Earlier = page.Latest[:latest], page.Latest[latest:]
	}
	page.Forgotten = found.Task.DispatchCount - len(found.Attempts)
	if found.State == localqueue.TaskRunning {
		page.Forgotten-- // the one that is running
	}
	page.Why = why(found, v.Overview.Virtual)
	page.Plan, page.Upcoming = plan(found.Ahead), found.Summary.Attempts+1
	v.Title, v.Section, v.template, v.Data = found.Type+" "+rules.Last(name), "tasks", "task.html", page
	return nil
}

// facts are what else a task has.
func facts(i *localqueue.Inspection) []field {
	t := i.Task
	all := []field{{"Request", i.Method + " " + i.URL}}
	if t.AppEngine != nil {
		all = append(all, field{"App Engine", t.AppEngine.Routing.Host})
	} else if oidc := t.HTTP.OIDC; oidc != nil {
		value := oidc.ServiceAccount
		if oidc.Audience != "" {
			value += ", for " + oidc.Audience
		}
		all = append(all, field{"OIDC token", value})
	} else if oauth := t.HTTP.OAuth; oauth != nil {
		all = append(all, field{"OAuth token", strings.TrimSpace(oauth.ServiceAccount + " " + oauth.Scope)})
	}
	deadline := "10 min, the default"
	if t.DispatchDeadline > 0 {
		deadline = formatDuration(t.DispatchDeadline)
	}
	all = append(all, field{"Deadline", deadline + " for each attempt"})
	whose := "the queue's"
	if t.Retry != nil {
		whose = "the task's own"
	}
	return append(all, field{"Retries", retryText(i.Retry) + " (" + whose + ")"})
}

// retryText describes retry settings.
func retryText(r cloudtask.RetryConfig) string {
	parts := []string{strconv.Itoa(r.MaxAttempts) + " attempts"}
	if r.MaxAttempts < 0 {
		parts[0] = "any number of attempts"
	}
	if r.MaxRetryDuration > 0 {
		parts = append(parts, "for "+formatDuration(r.MaxRetryDuration)+" at least")
		if r.MaxAttempts < 0 {
			parts = []string{"for " + formatDuration(r.MaxRetryDuration)}
		}
	}
	parts = append(parts, "back-off "+formatDuration(r.MinBackoff)+" to "+formatDuration(r.MaxBackoff)+", "+strconv.Itoa(r.MaxDoublings)+" doublings")
	return strings.Join(parts, ", ")
}

// afterFailure says how long after the last failure a task's next attempt is.
func afterFailure(i *localqueue.Inspection) string {
	failed := "attempt " + strconv.Itoa(i.Summary.Attempts) + " failed"
	if len(i.Attempts) == 0 {
		return "after " + failed
	}
	last := i.Attempts[len(i.Attempts)-1]
	return formatDuration(i.Scheduled.Sub(last.Began.Add(last.Duration))) + " after " + failed
}

// why says why the next attempt of a task is when it is.
func why(i *localqueue.Inspection, virtual bool) (sentences []string) {
	say := func(text string) { sentences = append(sentences, text) }
	next := "Attempt " + strconv.Itoa(i.Summary.Attempts+1)
	switch i.State {
	case localqueue.TaskScheduled, localqueue.TaskRetrying:
		switch i.Reason {
		case localqueue.ReasonBackoff:
			say(next + " comes " + afterFailure(i) + ": that is the back-off.")
		case localqueue.ReasonRetryAfter:
			say(next + " comes " + afterFailure(i) + ": the response asked for more than the back-off, by its Retry-After header.")
		case localqueue.ReasonFault:
			say(next + " is late on purpose: a fault is set for the queue.")
		default:
			say(next + " is due at the time that the task was created with.")
		}
		if i.Queue.Hold == localqueue.HoldPaused {
			say("The queue is paused: nothing is delivered before it is resumed.")
		} else if virtual {
			say("The clock is virtual: it is delivered when time is moved there.")
		}
	case localqueue.TaskDue:
		switch i.Queue.Hold {
		case localqueue.HoldPaused:
			say(next + " is due, but the queue is paused.")
		case localqueue.HoldConcurrency:
			say(next + " is due, and waits for one of the " + formatNumber(i.Queue.Running) + " attempts that are running to end: no more may run at a time.")
		case localqueue.HoldRate:
			say(next + " is due, and waits for the queue's rate of " + formatRate(i.Queue.RateLimits.MaxDispatchesPerSecond) + ".")
		case localqueue.HoldClock:
			say(next + " is due. The clock is virtual: it is delivered when you run what is due.")
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
