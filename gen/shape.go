package gen

import (
	"go/types"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// shape returns the shape of a named struct; nil when another package cannot spell it.
func (s *speller) shape(named *types.Named, st *types.Struct) *model.Shape {
	typ, _ := s.spellAsWritten(named)
	if typ == nil {
		return nil
	}
	shape := &model.Shape{Type: typ}
	for i := range st.NumFields() {
		f := st.Field(i)
		if !f.Exported() && f.Pkg() != s.pkg {
			return nil
		}
		t, _ := s.spellAsWritten(f.Type())
		if t == nil {
			return nil
		}
		shape.Fields = append(shape.Fields, model.ShapeField{Name: f.Name(), Embedded: f.Embedded(), Type: t, Tag: st.Tag(i)})
	}
	return shape
}

// shapeOfOther returns the shape of a named type that is no struct; nil when nothing depends on it, or another package cannot
// spell it.
func (s *speller) shapeOfOther(named *types.Named) *model.Shape {
	if m := methodsOf(named); m.appendVia(false) != model.Structure && m.decodeVia() != model.Structure {
		return nil
	}
	typ, _ := s.spellAsWritten(named)
	if typ == nil {
		return nil
	}
	switch u := named.Underlying().(type) {
	case *types.Basic:
		return &model.Shape{Type: typ, Basic: types.Typ[u.Kind()].Name()}
	case *types.Slice, *types.Array, *types.Map:
		if other, _ := s.spellAsWritten(u); other != nil {
			return &model.Shape{Type: typ, Other: other}
		}
	}
	return nil
}

// shapes returns the shapes of the named types below roots, in the order in which they are come by. Other modules are
// left out: their types change with a version in go.mod, and asserting them would tie the output to one version.
func (s *speller) shapes(roots []types.Type, tasks map[types.Type]*model.Task, inModule func(path string) bool) []*model.Shape {
	var found []*model.Shape
	seen := map[types.Type]bool{}
	var walk func(t types.Type)
	walk = func(t types.Type) {
		t = types.Unalias(t)
		if seen[t] {
			return
		}
		seen[t] = true
		switch u := t.(type) {
		case *types.Named:
			if u.Obj().Pkg() == nil || !inModule(u.Obj().Pkg().Path()) {
				return
			}
			var shape *model.Shape
			if st, ok := u.Underlying().(*types.Struct); ok {
				shape = s.shape(u, st)
			} else {
				shape = s.shapeOfOther(u)
			}
			if shape != nil {
				shape.Task = tasks[u]
				found = append(found, shape)
			}
			walk(u.Underlying())
		case *types.Pointer:
			walk(u.Elem())
		case *types.Slice:
			walk(u.Elem())
		case *types.Array:
			walk(u.Elem())
		case *types.Map:
			walk(u.Key())
			walk(u.Elem())
		case *types.Struct:
			for f := range u.Fields() {
				if f.Exported() || f.Embedded() {
					walk(f.Type())
				}
			}
		}
	}
	for _, t := range roots {
		walk(t)
	}
	return found
}
