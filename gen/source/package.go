package source

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
)

// Package is a package that is read from its source, function bodies apart and without generated code.
type Package struct {
	Path, Name, Dir string
	Files           []*File
	Scope           map[string]token.Pos // package-level names, those of files that are not built included
	Imports         []*ast.ImportSpec    // of all these files

	goVersion string // as in "go1.26"; "": the newest
	decls     map[string]*declaration
	methods   map[string][]*ast.FuncDecl // by the receiver's base type
	syntax    scanner.ErrorList          // of all files
	checked   *checkedPackage
}

// Types returns what go/types makes of the package; nil before it is checked.
func (sp *Package) Types() *types.Package { return sp.checked.types }

// File is one parsed file.
type File struct {
	Syntax     *ast.File
	Directives bool // the bytes have what may be one

	pkg    *Package
	bytes  []byte
	broken bool // did not parse
}

// A declaration is a package-level type, constant or variable.
type declaration struct {
	file *File
	gen  *ast.GenDecl
	spec ast.Spec // *ast.TypeSpec or *ast.ValueSpec
}

// A parsedFile is a file as the parser leaves it, before it is known what package it is of.
type parsedFile struct {
	bytes  []byte
	syntax *ast.File // nil: there is not even a package clause
	err    error
}

// parseFiles parses what there is of a package, apart from generated code. It may be called for several packages at a time.
func (prog *Program) parseFiles(p *packages.Package) ([]parsedFile, error) {
	var files []parsedFile
	for _, name := range p.GoFiles {
		src, err := prog.readFile(name)
		if err != nil {
			return nil, err
		}
		if prog.cfg.IsOwn(name, src) {
			continue
		}
		syntax, err := parser.ParseFile(prog.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution|parser.AllErrors)
		files = append(files, parsedFile{src, syntax, err})
	}
	return files, nil
}

// parse reads a package from source.
func (prog *Program) parse(p *packages.Package) (*Package, error) {
	if sp := prog.files[p.PkgPath]; sp != nil {
		return sp, nil
	}
	files, err := prog.parseFiles(p)
	if err != nil {
		return nil, err
	}
	return prog.join(p, files), nil
}

// join makes a package of its files.
func (prog *Program) join(p *packages.Package, files []parsedFile) *Package {
	sp := &Package{
		Path: p.PkgPath, Name: p.Name, Dir: p.Dir,
		decls: map[string]*declaration{}, methods: map[string][]*ast.FuncDecl{}, Scope: map[string]token.Pos{},
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		sp.goVersion = "go" + p.Module.GoVersion
	}
	prog.files[p.PkgPath] = sp
	for _, file := range files {
		syntax := file.syntax
		f := &File{pkg: sp, Syntax: syntax, bytes: file.bytes, Directives: directive.MayHave(file.bytes), broken: file.err != nil}
		if list, ok := errors.AsType[scanner.ErrorList](file.err); ok {
			sp.syntax = append(sp.syntax, list...)
		}
		if syntax == nil {
			continue
		}
		// The name that go list gives may be that of a generated file from before a renaming.
		if len(sp.Files) == 0 {
			sp.Name = syntax.Name.Name
		}
		if name := syntax.Name; f.Directives && name.Name != sp.Name && name.Name != "_" {
			first := sp.Files[0].Syntax.Name
			prog.Errorf(name.Pos(), "package %s, but the folder has package %s, too, at %s: a folder is one package", name.Name, sp.Name, prog.At(first.Pos()))
			continue
		}
		sp.Files = append(sp.Files, f)
		sp.index(f)
	}
	return sp
}

// index notes the declarations of a file.
func (sp *Package) index(f *File) {
	for _, d := range f.Syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				continue
			}
			if base := receiverBase(d); base != "" {
				sp.methods[base] = append(sp.methods[base], d)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				decl := &declaration{file: f, gen: d, spec: spec}
				switch s := spec.(type) {
				case *ast.TypeSpec:
					sp.decls[s.Name.Name] = decl
				case *ast.ValueSpec:
					for _, n := range s.Names {
						sp.decls[n.Name] = decl
					}
				}
			}
		}
	}
	sp.addScope(f.Syntax)
}

// addScope notes the package-level names of a file, and its imports.
func (sp *Package) addScope(file *ast.File) {
	sp.Imports = append(sp.Imports, file.Imports...)
	add := func(id *ast.Ident) {
		if _, ok := sp.Scope[id.Name]; !ok && id.Name != "_" {
			sp.Scope[id.Name] = id.Pos()
		}
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name != "init" {
				add(d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					add(s.Name)
				case *ast.ValueSpec:
					for _, n := range s.Names {
						add(n)
					}
				}
			}
		}
	}
}

// readAside notes the names of files beside those that are built, tests included: generated names must not collide with
// theirs either. Tasks in them would be missing from the output, which is one file for every build.
func (prog *Program) readAside(sp *Package) error {
	names, err := prog.cfg.Overlay.goFiles(sp.Dir)
	if err != nil {
		return err
	}
	built := map[string]bool{}
	for _, f := range sp.Files {
		built[prog.Fset.File(f.Syntax.FileStart).Name()] = true
	}
	for _, name := range names {
		if built[name] {
			continue
		}
		src, err := prog.readListed(name)
		if err != nil {
			return err
		}
		if prog.cfg.IsOwn(name, src) {
			continue
		}
		file, _ := parser.ParseFile(prog.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if file == nil || file.Name.Name != sp.Name {
			continue
		}
		sp.addScope(file)
		if base := filepath.Base(name); strings.HasSuffix(base, "_test.go") || base[0] == '_' || base[0] == '.' {
			continue
		}
		if i := slices.IndexFunc(comments(file), func(c *ast.Comment) bool { return directive.IsLike(c.Text) }); i >= 0 {
			prog.Errorf(comments(file)[i].Pos(), "this file is excluded by build constraints, so its tasks would be missing from the code generated for "+
				"this package: move them to a file without constraints, or pass -tags")
		}
	}
	return nil
}

// checkTests reports directives in test files, as nothing would be generated for them.
func (prog *Program) checkTests(dir string) error {
	names, err := prog.cfg.Overlay.goFiles(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := prog.readListed(name)
		if err != nil {
			return err
		}
		if !directive.MayHave(src) {
			continue
		}
		file, _ := parser.ParseFile(prog.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if file == nil {
			continue
		}
		for _, c := range comments(file) {
			if directive.IsLike(c.Text) {
				prog.Errorf(c.Pos(), "a test file cannot declare tasks: move the struct to a file that does not end in _test.go")
			}
		}
	}
	return nil
}

// readListed reads a file that goFiles has listed: as if it were empty if it has gone since.
func (prog *Program) readListed(name string) ([]byte, error) {
	src, err := prog.cfg.Overlay.ReadFile(name)
	if os.IsNotExist(err) {
		return nil, nil
	}
	return src, err
}

// comments returns the comments of a file.
func comments(file *ast.File) []*ast.Comment {
	var all []*ast.Comment
	for _, g := range file.Comments {
		all = append(all, g.List...)
	}
	return all
}

// receiverBase returns the name of a method's receiver type; "" when it cannot be read.
func receiverBase(d *ast.FuncDecl) string {
	if len(d.Recv.List) != 1 {
		return ""
	}
	if id, ok := bareType(d.Recv.List[0].Type).(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// bareType returns the type of a receiver or an embedded field without its pointer and type arguments.
func bareType(t ast.Expr) ast.Expr {
	t = ast.Unparen(t)
	if star, ok := t.(*ast.StarExpr); ok {
		t = ast.Unparen(star.X)
	}
	switch x := t.(type) {
	case *ast.IndexExpr:
		return x.X
	case *ast.IndexListExpr:
		return x.X
	}
	return t
}

// oneLine joins the lines of a go command's message.
func oneLine(msg string) string {
	return strings.Join(strings.Fields(msg), " ")
}
