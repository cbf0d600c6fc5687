package gen

import (
	"fmt"
	"go/token"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// A step is a part of the way from a task or result to a type in it.
type step struct {
	text string    // such as .Items or []
	pos  token.Pos // of a field that the package itself declares; NoPos for other steps
}

// A node is a type as it was built, with what is wrong with it. Types are shared: what is wrong with one of another package is
// wrong wherever a field leads to it.
type node struct {
	typ      *model.Type
	problems []problem
	edges    []edge
	reached  []*node // that have an edge to this one
}

// A problem is something in a type that cannot be as it is declared, or is worth a remark.
type problem struct {
	kind  problemKind
	steps []step // to where it is
	text  string
}

type problemKind int

const (
	everywhere   problemKind = iota
	whereDecoded             // in results it is none
	remark
)

// An edge leads to a type that another one consists of.
type edge struct {
	steps []step
	to    *node
}

// A root is what types are built for.
type root struct {
	*node
	pos    token.Pos
	text   string // the beginning of every path; the name of a task
	result bool   // it is only encoded
}

// A site is where the types that are built stand: steps away from a node.
type site struct {
	*node
	steps []step
}

// enter goes a step on and returns what goes back.
func (b *typeBuilder) enter(s step) (leave func()) {
	b.at.steps = append(b.at.steps, s)
	n := len(b.at.steps) - 1
	return func() { b.at.steps = b.at.steps[:n] }
}

// problem notes what is wrong where the builder stands.
func (b *typeBuilder) problem(format string, args ...any) { b.add(everywhere, format, args...) }

// undecodable notes what is wrong there unless it is only encoded.
func (b *typeBuilder) undecodable(format string, args ...any) { b.add(whereDecoded, format, args...) }

// note remarks on what is there.
func (b *typeBuilder) note(format string, args ...any) { b.add(remark, format, args...) }

func (b *typeBuilder) add(kind problemKind, format string, args ...any) {
	b.problems++
	n := b.at.node
	n.problems = append(n.problems, problem{kind, slices.Clone(b.at.steps), fmt.Sprintf(format, args...)})
}

// link notes that the type that the builder stands in leads to another.
func (b *typeBuilder) link(to *node) {
	b.at.edges = append(b.at.edges, edge{slices.Clone(b.at.steps), to})
	to.reached = append(to.reached, b.at.node)
}

// reportProblems reports what is wrong with the types of all roots: each problem once for every field of the package that leads
// to it, at the innermost one.
func (b *typeBuilder) reportProblems() {
	if b.problems == 0 {
		return
	}
	r := problemReport{typeBuilder: b, affected: b.affected(), done: map[any]bool{}}
	for _, root := range b.roots {
		r.result = root.result
		r.visit(root.node, []step{{pos: root.pos, text: root.text}})
	}
}

// affected returns the nodes that have problems or lead to them.
func (b *typeBuilder) affected() map[*node]bool {
	affected := map[*node]bool{}
	var visit func(n *node)
	visit = func(n *node) {
		if affected[n] {
			return
		}
		affected[n] = true
		for _, from := range n.reached {
			visit(from)
		}
	}
	for _, n := range b.nodes {
		if len(n.problems) > 0 {
			visit(n)
		}
	}
	return affected
}

// A problemReport is under way.
type problemReport struct {
	*typeBuilder
	affected map[*node]bool
	result   bool // of the root
	done     map[any]bool
}

// visit reports the problems at the end of a way from a root.
func (r *problemReport) visit(n *node, way []step) {
	for i := range n.problems {
		p := &n.problems[i]
		to := slices.Concat(way, p.steps)
		switch {
		case p.kind == whereDecoded && r.result, !r.first(p, p.steps, to):
		case p.kind == remark:
			r.remark(position(to), "%s: %s", r.wayText(to), p.text)
		default:
			r.report(position(to), "%s: %s", r.wayText(to), p.text)
		}
	}
	for i := range n.edges {
		e := &n.edges[i]
		if !r.affected[e.to] {
			continue
		}
		if to := slices.Concat(way, e.steps); r.first(e, e.steps, to) {
			r.visit(e.to, to)
		}
	}
}

// first reports whether something is come by for the first time: at all where its own steps say where to report it, else from the
// field that does.
func (r *problemReport) first(what any, steps, way []step) bool {
	key := [3]any{what, position(steps), r.result}
	if key[1] == token.NoPos {
		key[1] = position(way)
		if e, ok := what.(*edge); ok {
			key[0] = e.to
		}
	}
	if r.done[key] {
		return false
	}
	r.done[key] = true
	return true
}

// position returns where the innermost field of the package is declared on a way.
func position(way []step) token.Pos {
	for _, s := range slices.Backward(way) {
		if s.pos != token.NoPos {
			return s.pos
		}
	}
	return token.NoPos
}

// wayText writes a way for a message.
func (r *problemReport) wayText(way []step) string {
	if len(way) == 1 {
		return way[0].text
	}
	var b strings.Builder
	for i, s := range way {
		if i > 0 || r.result {
			b.WriteString(s.text)
		}
	}
	if text, ok := strings.CutPrefix(b.String(), "."); ok {
		return "field " + text
	}
	return b.String()
}
