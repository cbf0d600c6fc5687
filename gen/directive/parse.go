package directive

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
)

// Directive is one //cloudtask: line that was understood.
type Directive struct {
	Name string // such as "task"
	Pos  token.Pos
	List []Value // of directives that start with a list

	spec *spec
	args map[string]Value
}

// Value is what was given for one argument, with its place.
type Value struct {
	Pos      token.Pos
	Text     string
	Duration time.Duration
	Integer  int64
	Decimal  float64
	List     []Value
}

// Full returns the directive as it is written, without its arguments.
func (d *Directive) Full() string { return d.spec.full() }

// Has reports whether the argument was given. A nil directive has none.
func (d *Directive) Has(key string) bool {
	if d == nil {
		return false
	}
	_, ok := d.args[key]
	return ok
}

// Arg returns the value of an argument, zero when it was not given.
func (d *Directive) Arg(key string) Value {
	if d == nil {
		return Value{}
	}
	return d.args[key]
}

// Parse reads one comment that is directive-like. Every problem is reported at its own place; the result is nil when
// the directive as such was not understood.
func Parse(r *diag.Reporter, pos token.Pos, text string) *Directive {
	text = strings.TrimRight(text, "\r")
	parsed, ok := ast.ParseDirective(pos, text)
	if !ok || parsed.Tool != Tool {
		m := like.FindStringSubmatch(text)
		written, name := diag.Clip(strings.TrimSpace(m[0])), diag.Clip(strings.ToLower(m[6]))
		if name == "" {
			r.Errorf(pos, "%q names no directive (there are %s)", written, fullNames())
		} else {
			r.Errorf(pos, "%q is not a directive: write //%s:%s, in lower case and without spaces", written, Tool, name)
		}
		return nil
	}
	all := table()
	i := slices.IndexFunc(all, func(d spec) bool { return d.name == parsed.Name })
	if i < 0 {
		names := make([]string, len(all))
		for i := range all {
			names[i] = all[i].name
		}
		hint := ""
		if s := diag.Suggest(parsed.Name, names); s != "" {
			hint = fmt.Sprintf("; did you mean //%s:%s?", Tool, s)
		}
		r.Errorf(pos, "unknown directive //%s:%s%s (there are %s)", Tool, diag.Clip(parsed.Name), hint, fullNames())
		return nil
	}
	d := &Directive{Name: all[i].name, Pos: pos, spec: &all[i], args: map[string]Value{}}
	args, err := parsed.ParseArgs()
	if err != nil {
		r.Errorf(parsed.ArgsPos, "%s: a quoted argument does not end, or goes on after its closing quote: %s", d.spec.full(), diag.Clip(parsed.Args))
		return nil
	}
	d.parseArgs(r, args)
	return d
}

// fullNames lists the directives for a message.
func fullNames() string {
	var fulls []string
	for _, d := range table() {
		fulls = append(fulls, d.full())
	}
	return strings.Join(fulls, ", ")
}

// parseArgs reads the words after the directive's name.
func (d *Directive) parseArgs(r *diag.Reporter, args []ast.DirectiveArg) {
	if l := d.spec.list; l != nil {
		if len(args) == 0 || strings.Contains(args[0].Arg, "=") {
			r.Errorf(d.Pos, "%s has an empty list: write %s", d.spec.full(), d.spec.usage())
		} else {
			d.List = d.parseList(r, l, args[0].Pos, args[0].Arg)
			args = args[1:]
		}
	}
	if d.spec.name == Retry && len(args) == 0 {
		r.Errorf(d.Pos, "%s has no arguments: write %s", d.spec.full(), d.spec.usage())
	}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if strings.HasPrefix(word.Arg, "//") {
			r.Errorf(word.Pos, "%s: a comment cannot follow on the same line", d.spec.full())
			break
		}
		key, text, isPair := strings.Cut(word.Arg, "=")
		spec := d.spec.arg(key)
		if n, value := d.spec.spaced(word.Arg, args); n > 0 && spec != nil {
			r.Errorf(word.Pos, "%s: spaces separate arguments: write %s=%s", d.spec.full(), key, diag.Clip(cmp.Or(value, spec.value())))
			args = args[n:]
			continue
		}
		if spec == nil {
			r.Errorf(word.Pos, "%s", d.unknownArg(word.Arg, key, isPair))
			continue
		}
		if earlier, dup := d.args[key]; dup {
			r.Errorf(word.Pos, "%s gives %s twice, first at %s", d.spec.full(), key, r.At(earlier.Pos))
			continue
		}
		valuePos := word.Pos + token.Pos(len(key)+1)
		switch {
		case spec.kind == flagArg && isPair:
			r.Errorf(word.Pos, "%s: %s is a flag and takes no value: write %s, or leave it out", d.spec.full(), key, key)
			continue
		case spec.kind != flagArg && !isPair, spec.kind != flagArg && text == "":
			r.Errorf(word.Pos, "%s: %s needs a value: %s=%s", d.spec.full(), key, key, spec.value())
			continue
		}
		d.args[key] = d.parseValue(r, spec, valuePos, word.Pos, text)
	}
	for _, spec := range d.spec.args {
		if spec.required && !d.Has(spec.key) {
			r.Errorf(d.Pos, "%s needs %s=%s: write %s", d.spec.full(), spec.key, spec.value(), d.spec.usage())
		}
	}
}

// spaced recognizes "key = value" with spaces on either side of the sign or on both: it returns how many of the words that
// follow belong to the first, and the value.
func (d *spec) spaced(word string, next []ast.DirectiveArg) (n int, value string) {
	_, after, isPair := strings.Cut(word, "=")
	switch {
	case isPair && after == "" && len(next) > 0 && !strings.Contains(next[0].Arg, "=") && d.arg(next[0].Arg) == nil:
		return 1, next[0].Arg
	case isPair || len(next) == 0 || !strings.HasPrefix(next[0].Arg, "="):
		return 0, ""
	case next[0].Arg != "=":
		return 1, next[0].Arg[1:]
	case len(next) > 1:
		return 2, next[1].Arg
	}
	return 1, ""
}

// unknownArg words what is wrong with an argument that the directive does not have.
func (d *Directive) unknownArg(word, key string, isPair bool) string {
	if d.spec.list != nil && !isPair {
		return fmt.Sprintf("%s: %q is not expected here: the names are one list with commas and without spaces, as in "+
			"%s", d.spec.full(), diag.Clip(word), d.spec.usage())
	}
	keys := d.spec.keys()
	hint := ""
	if name, value, ok := strings.Cut(word, ":"); ok && slices.Contains(keys, name) {
		hint = fmt.Sprintf("; did you mean %s=%s?", name, diag.Clip(value))
	} else if s := diag.Suggest(key, keys); s != "" {
		hint = fmt.Sprintf("; did you mean %s?", s)
	}
	if len(keys) == 0 {
		return fmt.Sprintf("%s has no argument %q", d.spec.full(), diag.Clip(key))
	}
	return fmt.Sprintf("%s has no argument %q%s (it has %s)", d.spec.full(), diag.Clip(key), hint, strings.Join(keys, ", "))
}

// parseValue reads the value of one argument. at is the place of the whole argument, pos that of its value.
func (d *Directive) parseValue(r *diag.Reporter, spec *argSpec, pos, at token.Pos, text string) Value {
	v := Value{Pos: at, Text: text}
	fail := func(format string, args ...any) {
		r.Errorf(at, "%s: %s=%s: %s", d.spec.full(), spec.key, diag.Clip(text), fmt.Sprintf(format, args...))
	}
	if text != "" && strings.ContainsRune("\"'`", rune(text[0])) {
		fail("write it without quotes")
		return v
	}
	switch spec.kind {
	case textArg:
		if err := spec.check(text); err != nil {
			fail("%v", err)
		}
	case listArg:
		v.List = d.parseList(r, spec, pos, text)
	case durationArg:
		dur, err := time.ParseDuration(text)
		switch {
		case err != nil:
			if _, e := strconv.ParseFloat(text, 64); e == nil {
				fail("a duration needs a unit, as in %ss", text)
			} else {
				fail("not a duration: write it as in 30s, 5m or 1h30m")
			}
		case dur < spec.min || spec.max > 0 && dur > spec.max:
			fail("must be %s", spec.limits())
		default:
			v.Duration = dur
		}
	case integerArg:
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange) || err == nil && n > maxInt32:
			fail("must be at most %d", maxInt32)
		case err != nil:
			fail("not a whole number")
		case n < spec.low && (spec.special == 0 || n != spec.special):
			fail("must be %s", spec.limits())
		default:
			v.Integer = n
		}
	case decimalArg:
		f, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || math.IsNaN(f) || math.IsInf(f, 0):
			fail("not a decimal number")
		case f < spec.least:
			fail("must be %s", spec.limits())
		default:
			v.Decimal = f
		}
	}
	return v
}

// parseList reads a comma-separated list, whose items have places of their own.
func (d *Directive) parseList(r *diag.Reporter, spec *argSpec, pos token.Pos, text string) []Value {
	var items []Value
	places := map[string]token.Pos{}
	empty := false
	offset := 0
	for item := range strings.SplitSeq(text, ",") {
		v := Value{Pos: pos + token.Pos(offset), Text: item}
		offset += len(item) + 1
		if item == "" {
			if !empty {
				r.Errorf(v.Pos, "%s: %q has an empty item: the items are one list with commas and without spaces, as in %s", d.spec.full(), diag.Clip(text), d.spec.usage())
			}
			empty = true
			continue
		}
		if first, dup := places[item]; dup {
			r.Errorf(v.Pos, "%s lists %s twice, first at %s", d.spec.full(), diag.Clip(item), r.At(first))
			continue
		}
		places[item] = v.Pos
		if spec.check != nil {
			if err := spec.check(item); err != nil {
				r.Errorf(v.Pos, "%s: %s: %v", d.spec.full(), diag.Clip(item), err)
				continue
			}
		}
		items = append(items, v)
	}
	return items
}

// What names are made of, as messages, help and pages word it.
const (
	queueIDSyntax  = "1 to 100 letters, digits and hyphens ([A-Za-z0-9-])"
	taskNameSyntax = "1 to 200 letters, digits and -_.~ ([A-Za-z0-9_.~-])"
)

var queueID = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}$`)

// CheckQueueID returns why a queue cannot have the id, nil when it can.
func CheckQueueID(id string) error {
	if !queueID.MatchString(id) {
		return errors.New("a queue id is " + queueIDSyntax)
	}
	return nil
}

var taskName = regexp.MustCompile(`^[A-Za-z0-9_.~-]{1,200}$`)

// CheckTaskName returns why a task type cannot have the name, nil when it can.
func CheckTaskName(name string) error {
	if name == "." || name == ".." {
		return errors.New("a task name stands in a URL path, where . and .. mean something else")
	}
	if !taskName.MatchString(name) {
		return errors.New("a task name is " + taskNameSyntax + ", because it stands in a URL path")
	}
	return nil
}

// statusCodes maps the gRPC code names that //cloudtask:enqueue-retry takes; the runtime's constants have the same
// names in Go's spelling.
func statusCodes() []string {
	return []string{
		"CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
		"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
		"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}
}

// CheckCode returns why a gRPC code name cannot be in on=, nil when it can.
func CheckCode(code string) error {
	codes := statusCodes()
	if slices.Contains(codes, code) {
		return nil
	}
	hint := ""
	if s := diag.Suggest(strings.ToUpper(code), codes); s != "" {
		hint = fmt.Sprintf("; did you mean %s?", s)
	}
	return fmt.Errorf("not a gRPC code name%s (there are %s)", hint, strings.Join(codes, ", "))
}
