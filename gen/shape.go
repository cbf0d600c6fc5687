package gen

import (
	"cmp"
	"go/token"
	"go/types"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// sources spells types for one package and collects the packages that this needs.
type sources struct {
	pkg     *types.Package
	imports map[string]string // import path: name
}

var qualifiedName = regexp.MustCompile("\x00([^\x01]*)\x01\\.([\\pL_][\\pL_\\p{Nd}]*)")

// spell returns Go source of a type; ok is false when it cannot be written in this package.
func (s *sources) spell(t types.Type) (src model.Source, ok bool) {
	pkgs := map[string]string{}
	importable := true
	text := types.TypeString(t, func(p *types.Package) string {
		if p != s.pkg {
			pkgs[p.Path()] = p.Name()
			importable = importable && canImport(s.pkg.Path(), p)
		}
		return "\x00" + p.Path() + "\x01"
	})
	if !importable || strings.Contains(text, "unsafe.Pointer") || strings.Contains(text, "invalid type") {
		return nil, false
	}
	last := 0
	for _, m := range qualifiedName.FindAllStringSubmatchIndex(text, -1) {
		if m[0] > last {
			src = append(src, model.Piece{Text: text[last:m[0]]})
		}
		name := text[m[4]:m[5]]
		path := text[m[2]:m[3]]
		if path != s.pkg.Path() && !token.IsExported(name) {
			return nil, false
		}
		src = append(src, model.Piece{PkgPath: path, Name: name})
		last = m[1]
	}
	if last < len(text) {
		src = append(src, model.Piece{Text: text[last:]})
	}
	maps.Copy(s.imports, pkgs)
	return src, true
}

// canImport says whether Go lets a package import another: not a program, and internal ones only near by.
func canImport(from string, p *types.Package) bool {
	return p.Name() != "main" && MayImport(from, p.Path())
}

// shape returns the shape of a named struct; nil when another package cannot spell it.
func (s *sources) shape(named *types.Named, st *types.Struct) *model.Shape {
	typ, ok := s.spell(named)
	if !ok {
		return nil
	}
	shape := &model.Shape{Type: typ}
	for i := range st.NumFields() {
		f := st.Field(i)
		if !f.Exported() && f.Pkg() != s.pkg {
			return nil
		}
		t, ok := s.spell(f.Type())
		if !ok {
			return nil
		}
		field := model.ShapeField{Name: f.Name(), Type: t, Tag: st.Tag(i)}
		if f.Embedded() {
			field.Name = ""
		}
		shape.Fields = append(shape.Fields, field)
	}
	return shape
}

// shapeOfOther returns the shape of a named type that is no struct; nil when nothing depends on it, or another package cannot
// spell it.
func (s *sources) shapeOfOther(named *types.Named) *model.Shape {
	if m := methodsOf(named); m.appendVia(false) != model.Structure && m.decodeVia() != model.Structure {
		return nil
	}
	typ, ok := s.spell(named)
	if !ok {
		return nil
	}
	switch u := named.Underlying().(type) {
	case *types.Basic:
		return &model.Shape{Type: typ, Basic: types.Typ[u.Kind()].Name()}
	case *types.Slice, *types.Array, *types.Map:
		if other, ok := s.spell(u); ok {
			return &model.Shape{Type: typ, Other: other}
		}
	}
	return nil
}

// shapes returns the shapes of the named types below roots, in the order in which they are come by. Other modules are
// left out: their types change with a version in go.mod, and asserting them would tie the output to one version.
func (s *sources) shapes(roots []types.Type, tasks map[types.Type]*model.Task, inModule func(path string) bool) []*model.Shape {
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
			for i := range u.NumFields() {
				if f := u.Field(i); f.Exported() || f.Embedded() {
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

// merge adds the collected imports to others, each path once, sorted.
func (s *sources) merge(imports []model.Import) []model.Import {
	all := maps.Clone(s.imports)
	for _, imp := range imports {
		all[imp.Path] = imp.Name
	}
	var list []model.Import
	for path, name := range all {
		list = append(list, model.Import{Path: path, Name: name})
	}
	slices.SortFunc(list, func(a, b model.Import) int { return cmp.Compare(a.Path, b.Path) })
	return list
}
