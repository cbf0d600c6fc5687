package lock

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// A Break is a change that tasks in flight or a rolling deploy may not survive.
type Break struct {
	Rule     string // id
	Subject  string // what it is about: the name of a task, with the path of a field where it is about one
	Pos      model.Position
	InFlight bool   // see Rule
	Rolling  bool   // see Rule
	What     string // what happens, and what to do about it
}

// String words the break without its position.
func (b Break) String() string { return b.Rule + " " + b.Subject + ": " + b.What }

// Quoted returns the break's name as -accept takes it, quoted for a shell.
func (b Break) Quoted() string {
	name := b.Rule + ":" + b.Subject
	if plainWord.MatchString(name) {
		return name
	}
	return "'" + name + "'" // there is no quote in the JSON name of a field
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9:._-]+$`)

// A comparison is one of today's tasks with those of a lock.
type comparison struct {
	today, locked []*Task
	pairs         []*pair
	breaks        []Break
	shared        map[string]bool // names that tasks of different packages answer to: services of one module may have them
}

// findShared notes the names that tasks of different packages answer to.
func (c *comparison) findShared(tasks []*Task) {
	packages := map[string]string{} // the first that has the name
	for _, t := range tasks {
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			if first, ok := packages[name]; ok && first != t.Package {
				c.shared[name] = true
			} else {
				packages[name] = t.Package
			}
		}
	}
}

// label returns what tells a name of a task from that of others in messages: where several packages have it, with the package.
func (c *comparison) label(t *Task, name string) string {
	if c.shared[name] {
		return t.Package + "." + name
	}
	return name
}

// A pair is a task of today that has to do with one of the lock.
type pair struct {
	today, locked     *Task
	inFlight, rolling bool            // today's runs tasks of the locked one; the locked one runs tasks of today's
	paths             map[string]bool // in today's payload, that breaks of tasks in flight are about
}

// compare finds the breaks between the tasks of a lock and today's, samples apart.
func compare(today, locked []*Task) *comparison {
	c := &comparison{today: today, locked: locked, shared: map[string]bool{}}
	for _, tasks := range [][]*Task{today, locked} {
		c.findShared(tasks)
	}
	for _, l := range locked {
		c.inFlight(l)
	}
	for _, t := range today {
		c.rolling(t)
	}
	for _, p := range c.pairs {
		c.payloads(p)
		c.unique(p)
	}
	return c
}

// pair returns the pair of two tasks.
func (c *comparison) pair(today, locked *Task) *pair {
	for _, p := range c.pairs {
		if p.today == today && p.locked == locked {
			return p
		}
	}
	p := &pair{today: today, locked: locked, paths: map[string]bool{}}
	c.pairs = append(c.pairs, p)
	return p
}

// find returns the task that runs what is enqueued under a name by another; nil: none. That of its own package comes first, and
// one of another package is it only if that had none of the name before: services of one module may have tasks of one name.
func (c *comparison) find(tasks []*Task, name string, by *Task, twins []*Task) *Task {
	var found *Task
	for _, t := range tasks {
		if !t.answers(name) {
			continue
		}
		if t.Package == by.Package {
			return t
		}
		theirs := slices.ContainsFunc(twins, func(twin *Task) bool { return twin.Package == t.Package && twin.answers(name) })
		if found == nil && !theirs {
			found = t
		}
	}
	return found
}

// inFlight looks for the tasks that run what a locked one left in flight.
func (c *comparison) inFlight(l *Task) {
	successor := c.find(c.today, l.Name, l, c.locked)
	if successor == nil {
		c.removed(l)
		return
	}
	c.pair(successor, l).inFlight = true
	for _, alias := range l.Aliases {
		if t := c.find(c.today, alias, l, c.locked); t != nil {
			c.pair(t, l).inFlight = true
			continue
		}
		c.add(Break{
			Rule: aliasRemoved, Subject: c.label(l, alias), Pos: successor.pos, InFlight: true,
			What: fmt.Sprintf("no task answers to this former name of %s any more: tasks in flight get 404 until Cloud Tasks gives up on them; "+
				"keep //cloudtask:alias %s until 31 days after the last version that enqueued under it", l.Name, alias),
		})
	}
}

// rolling looks for the locked task that runs what today's enqueues.
func (c *comparison) rolling(t *Task) {
	if l := c.find(c.locked, t.Name, t, c.today); l != nil {
		c.pair(t, l).rolling = true
		return
	}
	for _, p := range c.pairs {
		if p.today == t && t.Name != p.locked.Name {
			c.add(Break{
				Rule: taskRenamed, Subject: c.label(t, t.Name), Pos: t.pos, Rolling: true,
				What: fmt.Sprintf("it was %s, and the version before answers 404 to tasks that are enqueued as %s, %s; "+
					"keep the name, //cloudtask:task name=%s, whatever the type is called, or deploy //cloudtask:alias %s on %s first, then rename it",
					p.locked.Name, t.Name, retried(t), p.locked.Name, t.Name, p.locked.Name),
			})
			return
		}
	}
}

func (c *comparison) add(b Break) { c.breaks = append(c.breaks, b) }

// subject returns what a break about a value in a task's payload is about.
func (c *comparison) subject(t *Task, at path) string {
	task := c.label(t, t.Name)
	switch name := at.String(); {
	case name == "":
		return task
	case name[0] == '[':
		return task + name
	default:
		return task + "." + name
	}
}

// field adds a break about a value in a pair's payload.
func (c *comparison) field(p *pair, rule string, at path, inFlight, rolling bool, format string, args ...any) {
	if inFlight {
		p.paths[at.String()] = true
	}
	c.add(Break{
		Rule: rule, Subject: c.subject(p.today, at), Pos: p.today.position(at), InFlight: inFlight, Rolling: rolling,
		What: fmt.Sprintf(format, args...),
	})
}

// retried says what becomes of a task that the version before refuses.
func retried(t *Task) string {
	if t.model != nil && t.model.Retry != nil && t.model.Retry.Attempts > 0 {
		return fmt.Sprintf("for as long as it runs, and they are lost after %d attempts (//cloudtask:retry)", t.model.Retry.Attempts)
	}
	return "for as long as it runs"
}

// payloads compares the payloads of a pair.
func (c *comparison) payloads(p *pair) {
	var renames []rename
	in, out := &reading{reader: p.today, writer: p.locked}, &reading{reader: p.locked, writer: p.today}
	in.pair = func(at path, today, locked []*Field) { renames = append(renames, findRenames(at, today, locked)...) }
	if p.inFlight {
		in.run()
	}
	if p.rolling {
		out.run()
	}
	for _, r := range renames {
		c.renamed(p, r, take(in, absent, r.at(r.to)) != nil, take(out, absent, r.at(r.from)) != nil)
	}
	for _, q := range in.problems {
		c.readsOld(p, q, take(out, q.kind, q.at))
	}
	for _, q := range out.problems {
		c.readsNew(p, q)
	}
}

// take removes a problem from a reading and returns it; nil: there is none of the kind there.
func take(r *reading, kind problemKind, at path) *problem {
	i := slices.IndexFunc(r.problems, func(q problem) bool { return q.kind == kind && slices.Equal(q.at, at) })
	if i < 0 {
		return nil
	}
	q := r.problems[i]
	r.problems = slices.Delete(slices.Clone(r.problems), i, i+1)
	return &q
}

// readsOld adds the break of what today's version does not read. other is the same problem of the version before; nil: it
// has none.
func (c *comparison) readsOld(p *pair, q problem, other *problem) {
	const refused = "this version refuses those: 400 until Cloud Tasks gives up on them"
	required := func(format string, args ...any) string {
		if p.today.foreign(q.at) {
			return "put " + leading
		}
		return fmt.Sprintf(format, args...)
	}
	switch q.kind {
	case absent:
		c.field(p, fieldRequired, q.at, true, false, "it is new, so payloads in flight lack it, and %s; %s",
			refused, required("give it %s", tolerant(q.reader.Type, "omitempty or ")))
	case omitted:
		c.field(p, fieldRequired, q.at, true, false, "the version before left it out at times, and %s; %s",
			refused, required("keep it optional, or give it %s", tolerant(q.reader.Type, "")))
	case null:
		c.field(p, fieldRequired, q.at, true, false, "it was %s, which can be null, and %s; %s",
			q.writer.Type, refused, required("keep the type, or give it %s", tolerant(q.reader.Type, "")))
	case mistyped:
		who := "this version cannot read all that is in flight as what was meant"
		if other != nil {
			who += ", nor the version before what this one enqueues"
		}
		keep := "keep it as it is and add a field of the new type under a new name"
		if p.today.foreign(q.at) {
			keep = stay
		}
		c.field(p, fieldRetyped, q.at, true, other != nil, "it was %s and is %s: %s; %s", q.writer.Type, q.reader.Type, who, keep)
	case defaulted:
		c.field(p, defaultChanged, q.at, true, other != nil, "%s; keep the default, or choose another name for the field", defaults(q.writer, q.reader))
	}
}

// readsNew adds the break of what the version before does not read.
func (c *comparison) readsNew(p *pair, q problem) {
	refused := "the version before refuses payloads without it, " + retried(p.today)
	deploy := func(format string, args ...any) string {
		if p.today.foreign(q.at) {
			return "before you update that module, deploy " + leading
		}
		return fmt.Sprintf(format, args...)
	}
	switch q.kind {
	case absent:
		c.field(p, fieldRemoved, q.at, false, true, "%s; %s",
			refused, deploy("deploy it with %s first, which is written but not required, then remove it", tolerant(q.reader.Type, "")))
	case omitted:
		c.field(p, fieldOptional, q.at, false, true, "it may be left out now, and %s; %s",
			refused, deploy("deploy it with %s and without omitempty first, which is written but not required", tolerant(q.reader.Type, "")))
	case null:
		c.field(p, fieldOptional, q.at, false, true, "it is %s, which can be null, and %s; %s",
			q.writer.Type, refused, deploy("deploy it as %s with %s first, which is not required", q.reader.Type, tolerant(q.reader.Type, "")))
	case mistyped:
		keep := "enqueue only what both can hold until the version before is gone, or add a field of the new type under a new name"
		if p.today.foreign(q.at) {
			keep = "enqueue only what both can hold until the version before is gone, or " + stay
		}
		c.field(p, fieldRetyped, q.at, false, true, "it was %s and is %s: the version before cannot read all that this one enqueues as what is "+
			"meant; %s", q.reader.Type, q.writer.Type, keep)
	case defaulted:
		c.field(p, defaultChanged, q.at, false, true, "%s; keep the default, or choose another name for the field", defaults(q.reader, q.writer))
	}
}

// What to do about a struct of another module, whose fields nobody here can change.
const (
	leading = `the tag cloudtask:"lenient" on your field that leads to this struct of another module`
	stay    = "keep the earlier version of the module that declares it, or use a struct of your own"
)

// tolerant returns a tag that makes a field of a type one that is written always and required never. also stands before it.
func tolerant(t *Type, also string) string {
	zero := ""
	switch t = t.read(); {
	case t.is("bool"):
		zero = "false"
	case t.is("string"):
	case t.form == scalar && numbers[t.name] != (numeric{}):
		zero = "0"
	case isList(t):
		zero = "[]"
	case t.form == mapping:
		zero = "{}"
	case t.form == quoted:
		return also + `default:"…"`
	default:
		zero = "…"
	}
	return also + `default:"` + zero + `"`
}

// defaults words a change of what a missing field is.
func defaults(was, is *Field) string {
	word := func(f *Field) string {
		return cmp.Or(f.missing(), "the zero value")
	}
	return fmt.Sprintf("payloads without it meant %s and now mean %s, so a task means one thing to the version that enqueued it "+
		"and another to the one that runs it", word(was), word(is))
}

// unique compares what tells the tasks of a pair apart.
func (c *comparison) unique(p *pair) {
	was, is := p.locked.Unique, p.today.Unique
	if was == nil || !p.today.answers(p.locked.Name) {
		return
	}
	why := ""
	switch {
	case is == nil:
		why = "it was " + was.String() + " and is not any more"
	case is.String() != was.String():
		why = "it was " + was.String() + " and is " + is.String()
	case p.locked.Name != p.today.Name:
		why = "its name, which is part of what makes it " + is.String() + ", was " + p.locked.Name
	case p.locked.Queue != p.today.Queue:
		why = fmt.Sprintf("it was %s in %s and is so in %s", was, queueName(p.locked.Queue), queueName(p.today.Queue))
	default:
		for _, name := range is.Fields {
			a, b := find(p.today.Payload, name), find(p.locked.Payload, name)
			if b == nil || a.Omitted != b.Omitted || !alike(a.Type, b.Type, p.today, p.locked, map[[2]string]bool{}) {
				why = "the JSON of " + name + ", which it is unique by, is not what it was"
			}
		}
	}
	if why == "" {
		return
	}
	c.add(Break{
		Rule: uniqueChanged, Subject: c.label(p.today, p.today.Name), Pos: p.today.pos, InFlight: true, Rolling: true,
		What: why + ": what this version enqueues is not a duplicate of what the version before enqueued, so the same task may run twice; let Run bear " +
			"that, or keep it as it is",
	})
}

func queueName(queue string) string {
	if queue == "" {
		return "the client's default queue"
	}
	return "queue " + queue
}

// String words what tells tasks apart.
func (u *Unique) String() string {
	if u.Once {
		return "once"
	}
	text := "unique by " + strings.Join(u.Fields, ",")
	if u.Within != "" {
		text += " within " + u.Within
	}
	return text
}
