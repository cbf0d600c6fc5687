package gen

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
)

// A directive is one //cloudtask: line that was understood.
type directive struct {
	spec *directiveSpec
	pos  token.Pos
	list []value // of directives that start with a list
	args map[string]value
}

// A value is what was given for one argument, with its place.
type value struct {
	pos      token.Pos
	text     string
	duration time.Duration
	integer  int64
	decimal  float64
	list     []value
}

// has says whether the argument was given.
func (d *directive) has(key string) bool {
	if d == nil {
		return false
	}
	_, ok := d.args[key]
	return ok
}

// arg returns the value of an argument, zero when it was not given.
func (d *directive) arg(key string) value {
	if d == nil {
		return value{}
	}
	return d.args[key]
}

// parseDirective reads one comment that is directive-like. Every problem is reported at its own place; the result is nil when
// the directive as such was not understood.
func parseDirective(r *reporter, pos token.Pos, text string) *directive {
	text = strings.TrimRight(text, "\r")
	parsed, ok := ast.ParseDirective(pos, text)
	if !ok || parsed.Tool != directiveTool {
		m := directiveLike.FindStringSubmatch(text)
		written, name := clip(strings.TrimSpace(m[0])), clip(strings.ToLower(m[6]))
		if name == "" {
			r.errorf(pos, "%q names no directive (there are %s)", written, fullNames())
		} else {
			r.errorf(pos, "%q is not a directive: write //%s:%s, in lower case and without spaces", written, directiveTool, name)
		}
		return nil
	}
	table := directives()
	i := slices.IndexFunc(table, func(d directiveSpec) bool { return d.name == parsed.Name })
	if i < 0 {
		names := make([]string, len(table))
		for i := range table {
			names[i] = table[i].name
		}
		hint := ""
		if s := suggest(parsed.Name, names); s != "" {
			hint = fmt.Sprintf("; did you mean //%s:%s?", directiveTool, s)
		}
		r.errorf(pos, "unknown directive //%s:%s%s (there are %s)", directiveTool, clip(parsed.Name), hint, fullNames())
		return nil
	}
	d := &directive{spec: &table[i], pos: pos, args: map[string]value{}}
	args, err := parsed.ParseArgs()
	if err != nil {
		r.errorf(parsed.ArgsPos, "%s: a quoted argument does not end, or goes on after its closing quote: %s", d.spec.full(), clip(parsed.Args))
		return nil
	}
	d.parseArgs(r, args)
	return d
}

// fullNames lists the directives for a message.
func fullNames() string {
	var fulls []string
	for _, d := range directives() {
		fulls = append(fulls, d.full())
	}
	return strings.Join(fulls, ", ")
}

// parseArgs reads the words after the directive's name.
func (d *directive) parseArgs(r *reporter, args []ast.DirectiveArg) {
	if l := d.spec.list; l != nil {
		if len(args) == 0 || strings.Contains(args[0].Arg, "=") {
			r.errorf(d.pos, "%s lists nothing: write %s", d.spec.full(), d.spec.usage())
		} else {
			d.list = d.parseList(r, l, args[0].Pos, args[0].Arg)
			args = args[1:]
		}
	}
	if d.spec.name == dirRetry && len(args) == 0 {
		r.errorf(d.pos, "%s says nothing: write %s", d.spec.full(), d.spec.usage())
	}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		if strings.HasPrefix(word.Arg, "//") {
			r.errorf(word.Pos, "%s: a comment cannot follow on the same line", d.spec.full())
			break
		}
		key, text, isPair := strings.Cut(word.Arg, "=")
		spec := d.spec.arg(key)
		if n, value := d.spec.spaced(word.Arg, args); n > 0 && spec != nil {
			r.errorf(word.Pos, "%s: spaces separate arguments: write %s=%s", d.spec.full(), key, clip(cmp.Or(value, spec.value())))
			args = args[n:]
			continue
		}
		if spec == nil {
			r.errorf(word.Pos, "%s", d.unknownArg(word.Arg, key, isPair))
			continue
		}
		if earlier, dup := d.args[key]; dup {
			r.errorf(word.Pos, "%s gives %s twice, first at %s", d.spec.full(), key, r.at(earlier.pos))
			continue
		}
		valuePos := word.Pos + token.Pos(len(key)+1)
		switch {
		case spec.kind == flagArg && isPair:
			r.errorf(word.Pos, "%s: %s is a flag and takes no value: write %s, or leave it out", d.spec.full(), key, key)
			continue
		case spec.kind != flagArg && !isPair, spec.kind != flagArg && text == "":
			r.errorf(word.Pos, "%s: %s needs a value: %s=%s", d.spec.full(), key, key, spec.value())
			continue
		}
		d.args[key] = d.parseValue(r, spec, valuePos, word.Pos, text)
	}
	for _, spec := range d.spec.args {
		if spec.required && !d.has(spec.key) {
			r.errorf(d.pos, "%s needs %s=%s: write %s", d.spec.full(), spec.key, spec.value(), d.spec.usage())
		}
	}
}

// spaced recognizes "key = value" with spaces on either side of the sign or on both: it returns how many of the words that
// follow belong to the first, and the value.
func (d *directiveSpec) spaced(word string, next []ast.DirectiveArg) (n int, value string) {
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
func (d *directive) unknownArg(word, key string, isPair bool) string {
	if d.spec.list != nil && !isPair {
		return fmt.Sprintf("%s: %q is not expected here: the names are one list with commas and without spaces, as in %s", d.spec.full(), clip(word), d.spec.usage())
	}
	keys := d.spec.keys()
	hint := ""
	if name, value, ok := strings.Cut(word, ":"); ok && slices.Contains(keys, name) {
		hint = fmt.Sprintf("; did you mean %s=%s?", name, clip(value))
	} else if s := suggest(key, keys); s != "" {
		hint = fmt.Sprintf("; did you mean %s?", s)
	}
	if len(keys) == 0 {
		return fmt.Sprintf("%s has no argument %q", d.spec.full(), clip(key))
	}
	return fmt.Sprintf("%s has no argument %q%s (it has %s)", d.spec.full(), clip(key), hint, strings.Join(keys, ", "))
}

// parseValue reads the value of one argument. at is the place of the whole argument, pos that of its value.
func (d *directive) parseValue(r *reporter, spec *argSpec, pos, at token.Pos, text string) value {
	v := value{pos: at, text: text}
	fail := func(format string, args ...any) {
		r.errorf(at, "%s: %s=%s: %s", d.spec.full(), spec.key, clip(text), fmt.Sprintf(format, args...))
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
		v.list = d.parseList(r, spec, pos, text)
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
			v.duration = dur
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
			v.integer = n
		}
	case decimalArg:
		f, err := strconv.ParseFloat(text, 64)
		switch {
		case err != nil || math.IsNaN(f) || math.IsInf(f, 0):
			fail("not a decimal number")
		case f < spec.least:
			fail("must be %s", spec.limits())
		default:
			v.decimal = f
		}
	}
	return v
}

// parseList reads a comma-separated list, whose items have places of their own.
func (d *directive) parseList(r *reporter, spec *argSpec, pos token.Pos, text string) []value {
	var items []value
	places := map[string]token.Pos{}
	empty := false
	offset := 0
	for item := range strings.SplitSeq(text, ",") {
		v := value{pos: pos + token.Pos(offset), text: item}
		offset += len(item) + 1
		if item == "" {
			if !empty {
				r.errorf(v.pos, "%s: %q has an empty item: the items are one list with commas and without spaces, as in %s", d.spec.full(), clip(text), d.spec.usage())
			}
			empty = true
			continue
		}
		if first, dup := places[item]; dup {
			r.errorf(v.pos, "%s lists %s twice, first at %s", d.spec.full(), clip(item), r.at(first))
			continue
		}
		places[item] = v.pos
		if spec.check != nil {
			if err := spec.check(item); err != nil {
				r.errorf(v.pos, "%s: %s: %v", d.spec.full(), clip(item), err)
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

func checkQueueID(id string) error {
	if !queueID.MatchString(id) {
		return errors.New("a queue id is " + queueIDSyntax)
	}
	return nil
}

var taskName = regexp.MustCompile(`^[A-Za-z0-9_.~-]{1,200}$`)

func checkTaskName(name string) error {
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

func checkCode(code string) error {
	codes := statusCodes()
	if slices.Contains(codes, code) {
		return nil
	}
	hint := ""
	if s := suggest(strings.ToUpper(code), codes); s != "" {
		hint = fmt.Sprintf("; did you mean %s?", s)
	}
	return fmt.Errorf("not a gRPC code name%s (there are %s)", hint, strings.Join(codes, ", "))
}
