// Package directive is the language of //cloudtask: comments: the table of directives, and the parser, help and manual page that go by
// it.
package directive

import (
	"fmt"
	"strings"
	"time"
)

// Tool is what directives start with: //cloudtask:name.
const Tool = "cloudtask"

// A spec describes one directive. The parser, its messages, "cloudtaskgen help directives" and docs/directives.md all
// read the same table. Text may have code in backquotes.
type spec struct {
	name  string
	doc   string
	notes []string // paragraphs that go on from there
	list  *argSpec // the comma-separated list that comes first; nil: none
	args  []argSpec
}

// An argSpec is one argument of a directive.
type argSpec struct {
	key      string // "" for a list
	kind     argKind
	required bool
	meta     string // what stands for the value in help
	doc      string
	def      string        // what holds when it is left out; "": what the directive says of all
	min, max time.Duration // of a duration; 0: no limit
	low      int64         // of an integer
	special  int64         // a value below low that is allowed too; 0: none
	least    float64       // of a decimal
	syntax   string        // of a text or of the items of a list; "": anything
	check    func(string) error
}

type argKind int

const (
	flagArg argKind = iota
	textArg
	durationArg
	integerArg
	decimalArg
	listArg
)

// Names of the directives.
const (
	Task         = "task"
	Unique       = "unique"
	Retry        = "retry"
	EnqueueRetry = "enqueue-retry"
	Alias        = "alias"
)

const maxInt32 = 1<<31 - 1

// table returns the table of directives, in the order in which help lists them.
func table() []spec {
	return []spec{
		{
			name: Task, doc: "Makes the struct a task.",
			args: []argSpec{
				{key: "name", kind: textArg, meta: "NAME", check: CheckTaskName, syntax: taskNameSyntax, def: "the type's name", doc: "the stable ID in the task's " +
					"URL and in the names of unique tasks"},
				{key: "queue", kind: textArg, meta: "QUEUE", check: CheckQueueID, syntax: queueIDSyntax, def: "the client's default queue", doc: "the queue's ID"},
				{key: "timeout", kind: durationArg, meta: "DURATION", min: 15 * time.Second, max: 30 * time.Minute, def: "10m", doc: "Cloud Tasks' dispatch " +
					"deadline; the context of `Run` ends shortly before it"},
				{key: "once", kind: flagArg, doc: "one task of this type in a queue, whatever its payload, while it is queued, running, or remembered after it is " +
					"gone (up to 24 h)"},
			},
		},
		{
			name: Unique, doc: "One task per value of these fields while it is queued, running, or remembered after it is gone (up to 24 h).",
			notes: []string{
				"A task cannot be both `once` and `unique`.",
				"With `within`, the time at which the task is to run counts, not the time of the enqueue: the time given to `Later`, `latest` of `Until`, the end of " +
					"`WithDelay`, and now for the others. Digests for two days are two tasks, even if both are enqueued today. Two digests for the same time are one " +
					"task, even if midnight is between the calls.",
				"Periods begin at fixed times, those of 24h at midnight UTC, so two tasks close to each other may fall into two periods. Cloud Tasks remembers the " +
					"name of a task for up to 24 hours after it is gone. A shorter `within` frees the task earlier, because the period is part of the name.",
			},
			list: &argSpec{kind: listArg, required: true, meta: "FIELD", doc: "fields of the payload, by their Go names; an embedded struct means all fields " +
				"promoted from it"},
			args: []argSpec{
				{key: "within", kind: durationArg, meta: "DURATION", min: time.Second, max: 24 * time.Hour, def: "no period",
					doc: "divides time into periods of this length: a task that is to run in another period is not a duplicate"},
			},
		},
		{
			name: Retry, doc: "How Cloud Tasks delivers the task again after `Run` failed.",
			notes: []string{
				"These settings become the task's own RetryConfig and replace the queue's. Arguments that are left out have Cloud Tasks' defaults, not the queue's.",
				"With both `attempts` and `age`, Cloud Tasks gives up when both are exceeded. With `min=10s max=300s doublings=3` the pauses are 10, 20, 40, 80, " +
					"160, 240, 300, 300 … seconds.",
			},
			args: []argSpec{
				{key: "attempts", kind: integerArg, meta: "N", low: 1, special: -1, def: "100", doc: "the number of attempts, including the first"},
				{key: "age", kind: durationArg, meta: "DURATION", min: time.Second, def: "no limit", doc: "how long after the first attempt another may begin"},
				{key: "min", kind: durationArg, meta: "DURATION", min: time.Millisecond, def: "100ms", doc: "the first pause"},
				{key: "max", kind: durationArg, meta: "DURATION", min: time.Millisecond, def: "1h", doc: "the longest pause"},
				{key: "doublings", kind: integerArg, meta: "N", low: 1, def: "16", doc: "how often the pause doubles; from then on it grows by the same step"},
			},
		},
		{
			name: EnqueueRetry, doc: "How the call that enqueues the task is retried.",
			notes: []string{
				"The client retries the call; Cloud Tasks does not see these settings. Arguments that are left out have the values of `Config.EnqueueRetry`.",
			},
			args: []argSpec{
				{key: "on", kind: listArg, required: true, meta: "CODE", check: CheckCode, syntax: "gRPC code names, such as UNAVAILABLE", doc: "errors to retry; a " +
					"connection that cannot be made or that breaks counts as `UNAVAILABLE`"},
				{key: "initial", kind: durationArg, meta: "DURATION", min: time.Millisecond, doc: "the limit of the first pause, which is a random time up to it"},
				{key: "max", kind: durationArg, meta: "DURATION", min: time.Millisecond, doc: "the longest pause"},
				{key: "multiplier", kind: decimalArg, meta: "FACTOR", least: 1, doc: "the factor by which the pause's limit grows each time"},
				{key: "deadline", kind: durationArg, meta: "DURATION", min: time.Millisecond, doc: "the time for all tries together"},
			},
		},
		{
			name: Alias, doc: "Former names of the task type.",
			notes: []string{
				"This type also runs tasks that were enqueued under these names and are still in flight.",
			},
			list: &argSpec{kind: listArg, required: true, meta: "NAME", check: CheckTaskName, syntax: taskNameSyntax, doc: "former names"},
		},
	}
}

// full returns the directive as it is written in messages.
func (d *spec) full() string { return "//" + Tool + ":" + d.name }

// arg returns the argument of a key; nil: the directive has none.
func (d *spec) arg(key string) *argSpec {
	for i := range d.args {
		if d.args[i].key == key {
			return &d.args[i]
		}
	}
	return nil
}

// keys returns the keys that the directive allows, in the table's order.
func (d *spec) keys() []string {
	keys := make([]string, len(d.args))
	for i, a := range d.args {
		keys[i] = a.key
	}
	return keys
}

// usage returns the directive's syntax, such as "//cloudtask:alias NAME[,NAME...]".
func (d *spec) usage() string {
	var b strings.Builder
	b.WriteString(d.full())
	if d.list != nil {
		b.WriteString(" " + d.list.value())
	}
	for _, a := range d.args {
		text := a.key
		if a.kind != flagArg {
			text += "=" + a.value()
		}
		if !a.required {
			text = "[" + text + "]"
		}
		b.WriteString(" " + text)
	}
	return b.String()
}

// value returns what stands for the argument's value in help.
func (a *argSpec) value() string {
	if a.kind == listArg {
		return a.meta + "[," + a.meta + "...]"
	}
	return a.meta
}

// limits returns the values that the argument allows in words; "" when the kind says it all.
func (a *argSpec) limits() string {
	switch {
	case a.syntax != "":
		return a.syntax
	case a.kind == durationArg && a.max > 0:
		return fmt.Sprintf("from %s to %s", FormatDuration(a.min), FormatDuration(a.max))
	case a.kind == durationArg:
		return "at least " + FormatDuration(a.min)
	case a.kind == integerArg && a.special != 0:
		return fmt.Sprintf("%d or more, or %d for no limit", a.low, a.special)
	case a.kind == integerArg:
		return fmt.Sprintf("%d or more", a.low)
	case a.kind == decimalArg:
		return fmt.Sprintf("at least %v", a.least)
	}
	return ""
}

// FormatDuration is d.String without the zero units at its end: 15m, not 15m0s.
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
