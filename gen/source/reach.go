package source

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// Reach follows declarations from the task structs on, by syntax alone, through every package that is read from source:
// what it comes by is what the type checker must get right, and the packages that it leaves for are the only ones to
// be loaded. Everything else in these packages may be as broken as it likes.
type reach struct {
	prog     *Program
	seen     map[reached]bool
	ranges   []span               // source that must be without type errors
	needed   map[string]token.Pos // import path: an import declaration that names it
	neededBy map[string][]*Package
	unknown  map[string]bool // import paths to load before the next round
	packages map[*Package]bool
}

// reached is a declaration together with how much of it matters.
type reached struct {
	decl    *declaration
	name    string
	methods bool // the methods that make a task, too: of tasks and of what they embed
}

type span struct{ from, to token.Pos }

// How much of a type expression matters: its name is enough for a parameter that is only passed on.
type depth bool

const (
	nameOnly depth = false
	inDepth  depth = true
)

// follow computes what the declared tasks reach, loading the import graph as it comes to its borders.
func (prog *Program) follow() (*reach, error) {
	tried := map[string]bool{}
	for {
		r := prog.reach()
		maps.DeleteFunc(r.unknown, func(p string, _ bool) bool { return tried[p] })
		if len(r.unknown) == 0 {
			return r, nil
		}
		paths := slices.Sorted(maps.Keys(r.unknown))
		for _, p := range paths {
			tried[p] = true
		}
		if err := prog.extendGraph(paths); err != nil {
			return nil, err
		}
	}
}

// reach computes what the declared tasks reach, as far as the import graph is known.
func (prog *Program) reach() *reach {
	r := &reach{
		prog: prog, seen: map[reached]bool{}, needed: map[string]token.Pos{}, neededBy: map[string][]*Package{}, unknown: map[string]bool{},
		packages: map[*Package]bool{},
	}
	for _, sp := range prog.Annotated {
		for _, name := range slices.Sorted(maps.Keys(sp.decls)) {
			if d := sp.decls[name]; d.annotated() {
				r.declaration(sp, name, true)
			}
		}
	}
	return r
}

// annotated reports whether a declaration's doc comment may have directives.
func (d *declaration) annotated() bool {
	ts, ok := d.spec.(*ast.TypeSpec)
	if !ok || !d.file.Directives {
		return false
	}
	for _, g := range []*ast.CommentGroup{ts.Doc, d.gen.Doc} {
		if g != nil && slices.ContainsFunc(g.List, func(c *ast.Comment) bool { return directive.IsLike(c.Text) }) {
			return true
		}
	}
	return false
}

// declaration follows one package-level name.
func (r *reach) declaration(sp *Package, name string, methods bool) {
	decl := sp.decls[name]
	if decl == nil {
		return
	}
	key := reached{decl, name, methods}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	r.packages[sp] = true
	switch spec := decl.spec.(type) {
	case *ast.TypeSpec:
		r.ranges = append(r.ranges, span{spec.Pos(), spec.End()})
		if spec.TypeParams != nil {
			r.expr(decl.file, spec.TypeParams, inDepth)
		}
		r.expr(decl.file, spec.Type, inDepth)
		r.streaming(sp, name)
		if methods {
			r.methods(sp, name)
		}
	case *ast.ValueSpec:
		// A constant's value may be the repetition of an earlier one's.
		r.ranges = append(r.ranges, span{decl.gen.Pos(), decl.gen.End()})
		for _, s := range decl.gen.Specs {
			s := s.(*ast.ValueSpec)
			if s.Type != nil {
				r.expr(decl.file, s.Type, inDepth)
			}
			for _, v := range s.Values {
				r.expr(decl.file, v, inDepth)
			}
		}
	}
}

// methods follows the signatures of the methods that make a type a task.
func (r *reach) methods(sp *Package, name string) {
	for _, m := range sp.methods[name] {
		if !slices.Contains(model.TaskMethods(), m.Name.Name) {
			continue
		}
		file := r.fileOf(sp, m)
		r.ranges = append(r.ranges, span{m.Type.Pos(), m.Type.End()})
		for _, p := range m.Type.Params.List {
			r.expr(file, p.Type, nameOnly)
		}
		if m.Type.Results != nil {
			for _, p := range m.Type.Results.List {
				r.expr(file, p.Type, inDepth)
			}
		}
	}
}

// streaming follows the signatures of methods that encoding/json calls with GOEXPERIMENT=jsonv2. They are the only ones for JSON
// that mention another package, and are told from others of their names by it.
func (r *reach) streaming(sp *Package, name string) {
	for _, m := range sp.methods[name] {
		if m.Name.Name != "MarshalJSONTo" && m.Name.Name != "UnmarshalJSONFrom" {
			continue
		}
		file := r.fileOf(sp, m)
		if slices.ContainsFunc(file.Syntax.Imports, func(spec *ast.ImportSpec) bool { return ImportPath(spec) == "encoding/json/jsontext" }) {
			for _, p := range m.Type.Params.List {
				r.expr(file, p.Type, nameOnly)
			}
		}
	}
}

func (r *reach) fileOf(sp *Package, n ast.Node) *File {
	for _, f := range sp.Files {
		if f.Syntax.FileStart <= n.Pos() && n.Pos() < f.Syntax.FileEnd {
			return f
		}
	}
	return nil
}

// expr follows the names in a type or constant expression.
func (r *reach) expr(file *File, node ast.Node, how depth) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			// Its names are no references. An embedded type's methods are the struct's.
			if n.Names == nil {
				r.embedded(file, n.Type)
			}
			if n.Type != nil {
				r.expr(file, n.Type, how)
			}
			return false
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && file.pkg.decls[x.Name] == nil {
				r.foreign(file, x.Name, n.Sel.Name, how, false)
				return false
			}
		case *ast.Ident:
			r.local(file, n.Name, how)
		}
		return true
	})
}

// local follows a name that stands without a package.
func (r *reach) local(file *File, name string, how depth) {
	decl := file.pkg.decls[name]
	if decl == nil {
		r.dotImports(file, name, how)
		return
	}
	if how == nameOnly {
		ts, ok := decl.spec.(*ast.TypeSpec)
		if !ok || !ts.Assign.IsValid() {
			return
		}
		// What an alias stands for is part of the name.
		r.packages[file.pkg] = true
		r.expr(decl.file, ts.Type, nameOnly)
		return
	}
	r.declaration(file.pkg, name, false)
}

// embedded follows the task methods of an embedded type.
func (r *reach) embedded(file *File, t ast.Expr) {
	switch t := bareType(t).(type) {
	case *ast.Ident:
		r.declaration(file.pkg, t.Name, true)
	case *ast.SelectorExpr:
		if x, ok := t.X.(*ast.Ident); ok {
			r.foreign(file, x.Name, t.Sel.Name, inDepth, true)
		}
	}
}

// foreign follows a name of another package.
func (r *reach) foreign(file *File, qualifier, name string, how depth, methods bool) {
	for _, spec := range r.importsNamed(file, qualifier) {
		r.enter(file, spec, name, how, methods)
	}
}

// enter follows a name into an imported package.
func (r *reach) enter(file *File, spec *ast.ImportSpec, name string, how depth, methods bool) {
	target := ImportPath(spec)
	r.need(file.pkg, target, spec)
	if r.prog.graph[target] == nil || !r.prog.fromSource(target) {
		return
	}
	sp, err := r.prog.parse(r.prog.graph[target])
	if err != nil || sp.decls[name] == nil {
		return
	}
	r.packages[sp] = true
	if methods {
		r.declaration(sp, name, true)
	} else {
		r.local(&File{pkg: sp}, name, how)
	}
}

// dotImports follows a name that may come from imports whose names stand without a package.
func (r *reach) dotImports(file *File, name string, how depth) {
	if file.Syntax == nil || types.Universe.Lookup(name) != nil {
		return
	}
	for _, spec := range file.Syntax.Imports {
		if spec.Name != nil && spec.Name.Name == "." {
			r.enter(file, spec, name, how, false)
		}
	}
}

// need notes that the type checker will ask for a package.
func (r *reach) need(sp *Package, target string, spec *ast.ImportSpec) {
	if _, ok := r.needed[target]; !ok {
		r.needed[target] = spec.Pos()
	}
	r.neededBy[target] = append(r.neededBy[target], sp)
	if r.prog.graph[target] == nil && target != "unsafe" && target != "C" {
		r.unknown[target] = true
	}
}

// importsNamed returns the imports of a file that a qualifier may stand for: one, once the names of packages are known.
func (r *reach) importsNamed(file *File, qualifier string) []*ast.ImportSpec {
	var guessed, others []*ast.ImportSpec
	for _, spec := range file.Syntax.Imports {
		target := ImportPath(spec)
		switch p := r.prog.graph[target]; {
		case spec.Name != nil:
			if spec.Name.Name == qualifier {
				return []*ast.ImportSpec{spec}
			}
		case p != nil && r.prog.packageName(p) != "":
			if r.prog.packageName(p) == qualifier {
				return []*ast.ImportSpec{spec}
			}
		case guessName(target) == qualifier:
			guessed = append(guessed, spec)
		case p == nil:
			others = append(others, spec)
		}
	}
	if guessed != nil {
		return guessed
	}
	return others
}

// ImportPath returns the path that an import declaration names.
func ImportPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return ""
	}
	return p
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// guessName returns the name that a package most likely has.
func guessName(target string) string {
	base := path.Base(target)
	if dir := path.Dir(target); majorVersion.MatchString(base) && dir != "." {
		base = path.Base(dir)
	}
	base, _, _ = strings.Cut(base, ".v") // gopkg.in/yaml.v3
	return base
}
