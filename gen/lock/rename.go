package lock

import (
	"fmt"
	"slices"
	"strings"
)

// A rename is a field that is gone, and the one that seems to have taken its place.
type rename struct {
	in       path // the struct
	from, to *Field
	certain  bool // they have one name in Go
}

func (r rename) at(f *Field) path { return r.in.with(f.Name) }

// findRenames returns the fields of a struct that have another name today: the one in Go tells, or that one field is gone and
// one of its type is new.
func findRenames(at path, today, locked []*Field) []rename {
	gone := slices.DeleteFunc(slices.Clone(locked), func(f *Field) bool { return find(today, f.Name) != nil })
	fresh := slices.DeleteFunc(slices.Clone(today), func(f *Field) bool { return find(locked, f.Name) != nil })
	var renames []rename
	for _, f := range gone {
		i := slices.IndexFunc(fresh, func(g *Field) bool { return g.goName() == f.goName() })
		if i >= 0 {
			renames = append(renames, rename{at, f, fresh[i], true})
			fresh = slices.Delete(fresh, i, i+1)
		}
	}
	gone = slices.DeleteFunc(gone, func(f *Field) bool { return slices.ContainsFunc(renames, func(r rename) bool { return r.from == f }) })
	if len(gone) == 1 && len(fresh) == 1 && gone[0].Type.String() == fresh[0].Type.String() {
		renames = append(renames, rename{at, gone[0], fresh[0], false})
	}
	return renames
}

// renamed adds the break of a field that has another name. The flags say whether the versions refuse payloads without theirs.
func (c *comparison) renamed(p *pair, r rename, newRefuses, oldRefuses bool) {
	from, to := r.at(r.from), r.at(r.to)
	what := fmt.Sprintf("it is %s now", to)
	if !r.certain {
		what = fmt.Sprintf("it is gone, and %s, of the same type, is new", to)
	}
	if newRefuses {
		p.paths[to.String()] = true
		what += fmt.Sprintf(": this version refuses payloads in flight, which lack %s", to)
	} else {
		what += ": this version ignores it in payloads in flight"
	}
	if oldRefuses {
		what += fmt.Sprintf("; the version before refuses payloads without %s, %s", from, retried(p.today))
	}
	if p.today.foreign(to) {
		what += "; " + stay
	} else {
		what += fmt.Sprintf("; keep json:%q, whatever the field is called in Go, or keep both fields until 31 days after the version before", r.from.Name)
	}
	c.add(Break{Rule: fieldRenamed, Subject: c.subject(p.today, from), Pos: p.today.position(to), InFlight: true, Rolling: oldRefuses, What: what})
}

// removed adds the break of a task that is gone. A type that a tool renamed has taken the task's name with it, unless the
// directive gives one.
func (c *comparison) removed(l *Task) {
	b := Break{Rule: taskRemoved, Subject: c.label(l, l.Name), Pos: l.pos, InFlight: true}
	keep, renamed := "keep", c.successors(l)
	if len(renamed) == 1 {
		b.Pos = renamed[0].pos
	}
	if len(renamed) > 0 {
		types := make([]string, len(renamed))
		for i, t := range renamed {
			types[i] = t.Type
		}
		keep = fmt.Sprintf("if type %s was renamed to %s, give that //cloudtask:task name=%s, which breaks nothing; else "+
			"keep", l.Type, strings.Join(types, " or "), l.Name)
	}
	b.What = fmt.Sprintf("no task answers to this name any more: tasks in flight get 404 until Cloud Tasks gives up on them; "+
		"%s the struct, with a Run that returns cloudtask.Discard, until none is left, or let the task that takes over have //cloudtask:alias %s", keep, l.Name)
	c.add(b)
}

// successors returns the tasks of a removed one's package that its type may have been renamed to: those that are new and have the
// payload that it had. If none has, it may be any that is new, and has not the payload of another one that is gone.
func (c *comparison) successors(l *Task) []*Task {
	var alike, others []*Task
	for _, t := range c.today {
		known := slices.ContainsFunc(c.locked, func(o *Task) bool { return o.Package == t.Package && (o.answers(t.Name) || o.Type == t.Type) })
		taken := slices.ContainsFunc(c.locked, func(o *Task) bool {
			return o != l && o.Package == t.Package && samePayload(o, t) && c.find(c.today, o.Name, o, c.locked) == nil
		})
		switch {
		case t.Package != l.Package || known:
		case samePayload(t, l):
			alike = append(alike, t)
		case !taken:
			others = append(others, t)
		}
	}
	if len(alike) > 0 {
		return alike
	}
	return others
}

// samePayload reports whether two tasks have the same fields.
func samePayload(a, b *Task) bool {
	return slices.EqualFunc(a.Payload, b.Payload, func(f, g *Field) bool { return f.Name == g.Name && f.Type.String() == g.Type.String() })
}
