package source

import (
	"go/ast"
	"maps"
	"slices"
	"strings"
)

// MaxTypes is how many types one may consist of that are not declared. What exceeds it would take longer to write down than anybody
// waits.
const MaxTypes = 100_000

// tooLarge reports aliases that stand for more types than a type checker can bear: each use of an alias counts with all that is in
// it, so that a few lines, each of which names the one before twice, come to millions. It reports whether there are any.
func (r *reach) tooLarge() (found bool) {
	sizes := aliasSizes{reach: r, known: map[*declaration]int{}}
	for _, sp := range slices.SortedFunc(maps.Keys(r.packages), func(a, b *Package) int { return strings.Compare(a.Path, b.Path) }) {
		for _, name := range slices.Sorted(maps.Keys(sp.decls)) {
			decl := sp.decls[name]
			if !decl.isAlias() || sizes.of(decl) < MaxTypes || sizes.inside(decl) {
				continue
			}
			found = true
			r.prog.Errorf(decl.spec.Pos(), "%s expands to more than %d types, because an alias counts with everything in it: declare types instead", name, MaxTypes)
		}
	}
	return found
}

func (d *declaration) isAlias() bool {
	spec, ok := d.spec.(*ast.TypeSpec)
	return ok && spec.Assign.IsValid()
}

// aliasSizes are how many types aliases stand for, at most MaxTypes.
type aliasSizes struct {
	*reach
	known map[*declaration]int
}

// of returns the size of an alias.
func (s aliasSizes) of(decl *declaration) int {
	if n, ok := s.known[decl]; ok {
		return n
	}
	s.known[decl] = 1 // where it is part of itself, which is an error
	n := s.expr(decl.file, decl.spec.(*ast.TypeSpec).Type)
	s.known[decl] = n
	return n
}

// inside reports whether another alias in this one is too large already: that is the one to mend.
func (s aliasSizes) inside(decl *declaration) (inside bool) {
	ast.Inspect(decl.spec.(*ast.TypeSpec).Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			other := decl.file.pkg.decls[id.Name]
			inside = inside || other != nil && other != decl && other.isAlias() && s.of(other) >= MaxTypes
		}
		return !inside
	})
	return inside
}

// expr returns the size of a type expression. The arguments of a generic alias count as often as there are names in it.
func (s aliasSizes) expr(file *File, e ast.Expr) int {
	switch e := e.(type) {
	case *ast.IndexExpr:
		return bounded(s.expr(file, e.X), 1+s.expr(file, e.Index))
	case *ast.IndexListExpr:
		args := 1
		for _, arg := range e.Indices {
			args = min(args+s.expr(file, arg), MaxTypes)
		}
		return bounded(s.expr(file, e.X), args)
	case *ast.Ident:
		if decl := file.pkg.decls[e.Name]; decl != nil && decl.isAlias() {
			return s.of(decl)
		}
		return 1
	case *ast.SelectorExpr:
		return s.foreign(file, e)
	case *ast.StructType:
		n := 1
		for _, f := range e.Fields.List {
			n = min(n+bounded(s.expr(file, f.Type), max(len(f.Names), 1)), MaxTypes)
		}
		return n
	}
	n := 1
	ast.Inspect(e, func(part ast.Node) bool {
		x, ok := part.(ast.Expr)
		if !ok || x == e {
			return true
		}
		n = min(n+s.expr(file, x), MaxTypes)
		return false
	})
	return n
}

func bounded(a, b int) int { return min(a*b, MaxTypes) }

// foreign returns the size of what another package declares, as far as that is read from source.
func (s aliasSizes) foreign(file *File, e *ast.SelectorExpr) int {
	x, ok := e.X.(*ast.Ident)
	if !ok || file.Syntax == nil {
		return 1
	}
	for _, spec := range s.importsNamed(file, x.Name) {
		if sp := s.prog.files[ImportPath(spec)]; sp != nil {
			if decl := sp.decls[e.Sel.Name]; decl != nil && decl.isAlias() {
				return s.of(decl)
			}
		}
	}
	return 1
}
