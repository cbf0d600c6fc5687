package lock

import (
	"fmt"
	"slices"
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
	what += fmt.Sprintf("; keep json:%q, whatever the field is called in Go, or keep both fields until 31 days after the version before", r.from.Name)
	c.add(Break{Rule: fieldRenamed, Subject: p.today.subject(from), Pos: p.today.position(to), InFlight: true, Rolling: oldRefuses, What: what})
}
