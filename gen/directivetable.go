package gen

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// directiveTool is what directives start with: //cloudtask:name.
const directiveTool = "cloudtask"

// A directiveSpec is one directive. The parser, its messages and the command's help all read the same table.
type directiveSpec struct {
	name string
	doc  string
	list *argSpec // the comma-separated list that comes first; nil: none
	args []argSpec
}

// An argSpec is one argument of a directive.
type argSpec struct {
	key      string // "" for a list
	kind     argKind
	required bool
	meta     string // what stands for the value in help
	doc      string
	min, max time.Duration // of a duration; 0: no limit
	low      int64         // of an integer
	special  int64         // a value below low that is allowed too; 0: none
	least    float64       // of a decimal
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

// Keys of the table that code asks for.
const (
	dirTask         = "task"
	dirUnique       = "unique"
	dirRetry        = "retry"
	dirEnqueueRetry = "enqueue-retry"
	dirAlias        = "alias"
)

const maxInt32 = 1<<31 - 1

// directives returns the table of directives, in the order in which help lists them.
func directives() []directiveSpec {
	return []directiveSpec{
		{
			name: dirTask, doc: "makes the struct a task",
			args: []argSpec{
				{key: "name", kind: textArg, meta: "NAME", check: checkTaskName, doc: "the stable id used in URLs; default: the type's name"},
				{key: "queue", kind: textArg, meta: "QUEUE", check: checkQueueID, doc: "queue id; default: the client's default queue"},
				{key: "timeout", kind: durationArg, meta: "DURATION", min: 15 * time.Second, max: 30 * time.Minute, doc: "Cloud Tasks' dispatch deadline and the deadline of Run's context; default 10m"},
				{key: "once", kind: flagArg, doc: "one task of this type, whatever its payload, while it is queued, running or remembered (up to 24h)"},
			},
		},
		{
			name: dirUnique, doc: "one task per value of these fields while it is queued, running or remembered (up to 24h)",
			list: &argSpec{kind: listArg, required: true, meta: "FIELD", doc: "Go names of fields of the struct"},
			args: []argSpec{
				{key: "within", kind: durationArg, meta: "DURATION", min: time.Second, max: 24 * time.Hour, doc: "buckets by time"},
			},
		},
		{
			name: dirRetry, doc: "how delivery is retried after Run fails: the task's own RetryConfig, in place of the queue's",
			args: []argSpec{
				{key: "attempts", kind: integerArg, meta: "N", low: 1, special: -1, doc: "attempts in all; Cloud Tasks' default 100"},
				{key: "age", kind: durationArg, meta: "DURATION", min: time.Second, doc: "no more attempts this long after the first; default: no limit"},
				{key: "min", kind: durationArg, meta: "DURATION", min: time.Millisecond, doc: "first delay; Cloud Tasks' default 100ms"},
				{key: "max", kind: durationArg, meta: "DURATION", min: time.Millisecond, doc: "longest delay; Cloud Tasks' default 1h"},
				{key: "doublings", kind: integerArg, meta: "N", low: 1, doc: "times that the delay doubles before it grows by the same step; Cloud Tasks' default 16"},
			},
		},
		{
			name: dirEnqueueRetry, doc: "how the enqueue call itself is retried",
			args: []argSpec{
				{key: "on", kind: listArg, required: true, meta: "CODE", check: checkCode, doc: "gRPC code names, such as UNAVAILABLE; transport errors count as it"},
				{key: "initial", kind: durationArg, meta: "DURATION", min: time.Millisecond, doc: "first delay"},
				{key: "max", kind: durationArg, meta: "DURATION", min: time.Millisecond, doc: "longest delay"},
				{key: "multiplier", kind: decimalArg, meta: "FACTOR", least: 1, doc: "by which the delay grows"},
				{key: "deadline", kind: durationArg, meta: "DURATION", min: time.Millisecond, doc: "of all tries together"},
			},
		},
		{
			name: dirAlias, doc: "former names whose tasks may still be in flight: routed here too",
			list: &argSpec{kind: listArg, required: true, meta: "NAME", check: checkTaskName, doc: "former names"},
		},
	}
}

// full returns the directive as it is written in messages.
func (d *directiveSpec) full() string { return "//" + directiveTool + ":" + d.name }

// arg returns the argument of a key; nil: the directive has none.
func (d *directiveSpec) arg(key string) *argSpec {
	for i := range d.args {
		if d.args[i].key == key {
			return &d.args[i]
		}
	}
	return nil
}

// keys returns the keys that the directive allows, in the table's order.
func (d *directiveSpec) keys() []string {
	keys := make([]string, len(d.args))
	for i, a := range d.args {
		keys[i] = a.key
	}
	return keys
}

// usage returns the directive's syntax, such as "//cloudtask:alias NAME[,NAME...]".
func (d *directiveSpec) usage() string {
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
	case a.kind == durationArg && a.max > 0:
		return fmt.Sprintf("from %s to %s", formatDuration(a.min), formatDuration(a.max))
	case a.kind == durationArg:
		return "at least " + formatDuration(a.min)
	case a.kind == integerArg && a.special != 0:
		return fmt.Sprintf("%d or more, or %d for no limit", a.low, a.special)
	case a.kind == integerArg:
		return fmt.Sprintf("%d or more", a.low)
	case a.kind == decimalArg:
		return fmt.Sprintf("at least %v", a.least)
	}
	return ""
}

// WriteDirectiveHelp writes what every directive and its arguments mean.
func WriteDirectiveHelp(w io.Writer) error {
	var b strings.Builder
	for i, d := range directives() {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s\n    %s\n", d.usage(), d.doc)
		args := d.args
		if d.list != nil {
			args = append([]argSpec{*d.list}, args...)
		}
		for _, a := range args {
			name := a.key
			if name == "" {
				name = a.meta
			}
			fmt.Fprintf(&b, "      %-10s  %s", name, a.doc)
			if l := a.limits(); l != "" {
				fmt.Fprintf(&b, " (%s)", l)
			}
			b.WriteString("\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// formatDuration is d.String without the zero units at its end: 15m, not 15m0s.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
