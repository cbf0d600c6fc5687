// Package templates is what generated code looks like: each file prints one piece of it from the model.
package templates

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// Import paths of the runtime that generated code names.
const (
	pathCloudtask = "github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	pathTaskJSON  = "github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
)

// Render returns the generated file of a package, formatted. It is the same for the same package, on every machine.
func Render(pkg *model.Package) ([]byte, error) {
	f := newFile(pkg)
	f.version()
	f.runner()
	f.routes()
	for _, t := range pkg.Tasks {
		f.definition(t)
		f.enqueue(t)
		f.run(t)
		f.enqueued(t)
	}
	f.codecs()
	f.assertions()
	var buf bytes.Buffer
	if err := f.Render(&buf); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n") // the whole source follows
		return nil, errors.New(first)
	}
	src := buf.Bytes()
	if !f.shadows() {
		return groupImports(src)
	}
	pkgName := f.allocate("predeclared")
	src, used, err := f.qualify(src, pkgName)
	switch {
	case err != nil:
		return nil, err
	case !used:
		return groupImports(src)
	case pkgName == "predeclared":
		pkgName = ""
	}
	return groupImports(src, model.Import{Path: pathPredeclared, Name: pkgName})
}

// File is one generated file: the one place that allocates import names, parameters and variables, and writes comments as
// lines.
type File struct {
	*jen.File
	pkg    *model.Package
	taken  map[string]bool   // names that mean something in every scope of the file
	locals map[string]string // allocated parameters and variables by their wanted name
	deps   []string          // parameter names of pkg.Deps
}

// newFile returns an empty file for pkg, with every import that it may need given a name that collides with nothing
// in pkg's scope, and every parameter and variable one that hides neither.
func newFile(pkg *model.Package) *File {
	f := &File{File: jen.NewFilePathName(pkg.Path, pkg.Name), pkg: pkg, taken: map[string]bool{}, locals: map[string]string{}}
	f.HeaderComment(model.Header)
	for _, name := range slices.Concat(pkg.Scope, pkg.Generated) {
		f.taken[name] = true
	}
	imports := []model.Import{
		{Path: pathCloudtask, Name: "cloudtask"},
		{Path: pathTaskJSON, Name: "taskjson"},
		{Path: "context", Name: "context"},
		{Path: "math", Name: "math"},
		{Path: "net/http", Name: "http"},
		{Path: "time", Name: "time"},
	}
	for _, imp := range pkg.Imports {
		if imp.Source != "" {
			imports = append(imports, imp)
		}
	}
	done := map[string]bool{}
	for _, imp := range append(imports, pkg.Imports...) {
		if done[imp.Path] {
			continue
		}
		done[imp.Path] = true
		if name := f.allocate(f.importName(imp)); name == imp.Name {
			f.ImportName(imp.Path, name)
		} else {
			f.ImportAlias(imp.Path, name)
		}
	}
	for _, dep := range pkg.Deps {
		name := "deps"
		if dep.Base != "" {
			name = dep.Base
		}
		f.deps = append(f.deps, f.allocate(f.unlikeLocals(name)))
	}
	return f
}

// importName returns what to call a package: as the source does, else by its name. Where that is taken, the folder that it is in
// tells it from the other: cryptorand, metav1.
func (f *File) importName(imp model.Import) string {
	name := cmp.Or(imp.Source, imp.Name)
	if jen.IsReservedWord(name) {
		return name + "pkg" // the printer would number it behind our back
	}
	if folder := path.Base(path.Dir(imp.Path)); f.taken[name] && token.IsIdentifier(folder) {
		return folder + name
	}
	return name
}

// local returns the name of a parameter or variable that is called want, or like it where that would hide something. It is
// the same throughout the file.
func (f *File) local(want string) string {
	name, ok := f.locals[want]
	if !ok {
		name = f.allocate(want)
		f.locals[want] = name
	}
	return name
}

// allocate takes want, or a name like it, that nothing in the file has yet.
func (f *File) allocate(want string) string {
	name := model.Unique(want, func(name string) bool { return !f.taken[name] && types.Universe.Lookup(name) == nil })
	f.taken[name] = true
	return name
}

// unlikeLocals returns name, or a longer one where the functions of every task have a parameter of that name.
func (f *File) unlikeLocals(name string) string {
	if slices.Contains(model.Locals, name) {
		return name + "Dep"
	}
	return name
}

// comment writes text as line comments, wrapped.
func (f *File) comment(text string) { f.Add(lines(text)) }

// lines returns text as line comments, wrapped.
func lines(text string) *jen.Statement {
	const width = 110
	var b strings.Builder
	line := "//"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = "//"
		}
		line += " " + word
	}
	return jen.Comment(b.String() + line)
}

// groupImports puts the standard library's imports of a formatted file first, the others in a group after them. It adds those
// that the file does not have; without a name where that is the package's.
func groupImports(src []byte, more ...model.Import) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, parser.ImportsOnly)
	if err != nil {
		return nil, fmt.Errorf("parse generated code: %w", err)
	}
	var decl *ast.GenDecl
	var std, rest []string
	for _, d := range file.Decls {
		decl = d.(*ast.GenDecl) // the printer writes one import declaration
	}
	if decl == nil {
		return src, nil
	}
	for _, imp := range more {
		spec := &ast.ImportSpec{Path: &ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(imp.Path)}}
		if imp.Name != "" {
			spec.Name = ast.NewIdent(imp.Name)
		}
		file.Imports = append(file.Imports, spec)
	}
	slices.SortFunc(file.Imports, func(a, b *ast.ImportSpec) int { return strings.Compare(a.Path.Value, b.Path.Value) })
	for _, spec := range file.Imports {
		line := "\t" + spec.Path.Value + "\n"
		if spec.Name != nil {
			line = "\t" + spec.Name.Name + " " + spec.Path.Value + "\n"
		}
		if first, _, _ := strings.Cut(strings.Trim(spec.Path.Value, `"`), "/"); strings.Contains(first, ".") {
			rest = append(rest, line)
		} else {
			std = append(std, line)
		}
	}
	var b bytes.Buffer
	b.Write(src[:fset.Position(decl.Pos()).Offset])
	b.WriteString("import (\n" + strings.Join(std, ""))
	if len(std) > 0 && len(rest) > 0 {
		b.WriteString("\n")
	}
	b.WriteString(strings.Join(rest, "") + ")")
	b.Write(src[fset.Position(decl.End()).Offset:])
	return b.Bytes(), nil
}
