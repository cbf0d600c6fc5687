package gen

import (
	"go/token"
	"go/types"
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/gen/source"
)

// A survey goes through the types that tasks consist of before anything is made of them. It finds the aliases by which they can be
// named, and types that have no end: generic ones that instantiate themselves with ever larger types.
type survey struct {
	spell   *speller
	own     func(p *types.Package) bool // whether a package is read from source
	report  func(pos token.Pos, format string, args ...any)
	seen    map[types.Type]bool
	sizes   map[types.Type]int
	depths  map[types.Type]int
	open    []instance               // the instances on the way to what is looked at
	endless map[*types.TypeName]bool // generic types that were reported
	found   bool                     // something was reported
}

// An instance is a generic type with type arguments.
type instance struct {
	*types.Named
	from token.Pos // of the field or declaration that has it
}

// How many types one may consist of that are not declared: by its type arguments, and altogether. A generic type that exceeds the
// first grows without end; what exceeds the second would take longer to write down than anybody waits. maxDepth is how many of
// them may be in each other: the codec of each spells out all those in it.
const (
	maxInstance = 500
	maxSize     = source.MaxTypes
	maxDepth    = 100
)

func newSurvey(spell *speller, own func(p *types.Package) bool, report func(pos token.Pos, format string, args ...any)) *survey {
	return &survey{
		spell: spell, own: own, report: report,
		seen: map[types.Type]bool{}, sizes: map[types.Type]int{}, depths: map[types.Type]int{}, endless: map[*types.TypeName]bool{},
	}
}

// visit goes through a type that a field or declaration at pos has.
func (s *survey) visit(t types.Type, pos token.Pos) {
	if s.seen[t] {
		return
	}
	s.seen[t] = true
	if len(s.open) < 2 && s.depth(t) > maxDepth { // what has grown through instances is reported as that
		s.fail(pos, "more than %d unnamed types are nested here: declare one of them", maxDepth)
		return
	}
	s.enter(t, pos)
}

// enter is visit for what is known to be new, or is the underlying type of such a one.
func (s *survey) enter(t types.Type, pos token.Pos) {
	if s.size(t) >= maxSize {
		s.tooLarge("this", pos, maxSize)
		return
	}
	switch t := t.(type) {
	case *types.Alias:
		s.spell.note(t)
		s.visit(t.Rhs(), pos)
	case *types.Named:
		s.named(t, pos)
	case *types.Map:
		s.visit(t.Key(), pos)
		s.visit(t.Elem(), pos)
	case interface{ Elem() types.Type }:
		s.visit(t.Elem(), pos)
	case *types.Struct:
		for f := range t.Fields() {
			switch {
			case s.own(f.Pkg()):
				s.visit(f.Type(), f.Pos())
			case f.Exported() || f.Embedded():
				s.visit(f.Type(), pos)
			}
		}
	}
}

func (s *survey) named(t *types.Named, pos token.Pos) {
	if t.TypeArgs().Len() == 0 {
		s.enter(t.Underlying(), pos)
		return
	}
	if s.endless[t.Origin().Obj()] {
		return
	}
	s.open = append(s.open, instance{t, pos})
	defer func() { s.open = s.open[:len(s.open)-1] }()
	if s.size(t) > maxInstance {
		s.cycle(t)
		return
	}
	for arg := range t.TypeArgs().Types() {
		s.visit(arg, pos)
	}
	s.enter(t.Underlying(), pos)
}

// cycle reports the instances that have grown to t, or that it has so many type arguments.
func (s *survey) cycle(t *types.Named) {
	grown := slices.DeleteFunc(slices.Clone(s.open), func(i instance) bool { return i.Origin() != t.Origin() })
	for _, i := range s.open { // of one cycle
		s.endless[i.Origin().Obj()] = true
	}
	if len(grown) < 2 {
		s.tooLarge(t.Obj().Name(), grown[0].from, maxInstance)
		return
	}
	text := func(t types.Type) string { return types.TypeString(t, byName(s.spell.pkg)) }
	s.fail(grown[1].from, "instantiation cycle: %s contains %s, and so on without end", text(grown[0].Named), text(grown[1].Named))
}

func (s *survey) tooLarge(what string, pos token.Pos, limit int) {
	s.fail(pos, "%s expands to more than %d types, because an alias or an instance counts with everything in it: declare types instead", what, limit)
}

func (s *survey) fail(pos token.Pos, format string, args ...any) {
	s.found = true
	s.report(pos, format, args...)
}

// names notes the aliases by which a type is written, without looking into what is declared.
func (s *survey) names(t types.Type) {
	switch t := t.(type) {
	case *types.Alias:
		if s.size(t) < maxSize {
			s.spell.note(t)
		}
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			s.names(arg)
		}
	case *types.Map:
		s.names(t.Key())
		s.names(t.Elem())
	case interface{ Elem() types.Type }:
		s.names(t.Elem())
	}
}

// size returns how many types one consists of that is not declared: its elements, fields and type arguments.
func (s *survey) size(t types.Type) int {
	if n, ok := s.sizes[t]; ok {
		return n
	}
	n := 1
	add := func(t types.Type) { n = min(n+s.size(t), maxSize) }
	switch t := t.(type) {
	case *types.Alias:
		add(t.Rhs())
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			add(arg)
		}
	case *types.Map:
		add(t.Key())
		add(t.Elem())
	case interface{ Elem() types.Type }:
		add(t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			add(f.Type())
		}
	}
	s.sizes[t] = n
	return n
}

// depth returns how many types without a name are in each other in t, with itself.
func (s *survey) depth(t types.Type) int {
	if n, ok := s.depths[t]; ok {
		return n
	}
	n := 0
	below := func(t types.Type) { n = max(n, 1+s.depth(t)) }
	switch t := t.(type) {
	case *types.Alias:
		n = s.depth(t.Rhs())
	case *types.Named: // it has a name
	case *types.Map:
		below(t.Key())
		below(t.Elem())
	case interface{ Elem() types.Type }:
		below(t.Elem())
	case *types.Struct:
		for f := range t.Fields() {
			below(f.Type())
		}
	}
	s.depths[t] = n
	return n
}
