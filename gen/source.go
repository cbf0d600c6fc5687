package gen

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
)

// A sourcePackage is a package that is read from its source, function bodies apart and without generated code.
type sourcePackage struct {
	path, name, dir string
	goVersion       string // as in "go1.26"; "": the newest
	files           []*sourceFile
	decls           map[string]*declaration
	methods         map[string][]*ast.FuncDecl // by the receiver's base type
	syntax          scanner.ErrorList          // of all files
	scope           map[string]token.Pos       // package-level names, those of files that are not built included
	imports         []*ast.ImportSpec          // of all these files
	checked         *checkedPackage
}

// A sourceFile is one parsed file.
type sourceFile struct {
	pkg        *sourcePackage
	syntax     *ast.File
	directives bool // the bytes have what may be one
	bytes      []byte
	broken     bool // did not parse
}

// A declaration is a package-level type, constant or variable.
type declaration struct {
	file *sourceFile
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
func (l *loader) parseFiles(p *packages.Package) ([]parsedFile, error) {
	var files []parsedFile
	for _, name := range p.GoFiles {
		src, err := l.readFile(name)
		if err != nil {
			return nil, err
		}
		if l.opts.isOwn(name, src) {
			continue
		}
		syntax, err := parser.ParseFile(l.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution|parser.AllErrors)
		files = append(files, parsedFile{src, syntax, err})
	}
	return files, nil
}

// parse reads a package from source.
func (l *loader) parse(p *packages.Package) (*sourcePackage, error) {
	if sp := l.files[p.PkgPath]; sp != nil {
		return sp, nil
	}
	files, err := l.parseFiles(p)
	if err != nil {
		return nil, err
	}
	return l.join(p, files), nil
}

// join makes a package of its files.
func (l *loader) join(p *packages.Package, files []parsedFile) *sourcePackage {
	sp := &sourcePackage{
		path: p.PkgPath, name: p.Name, dir: p.Dir,
		decls: map[string]*declaration{}, methods: map[string][]*ast.FuncDecl{}, scope: map[string]token.Pos{},
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		sp.goVersion = "go" + p.Module.GoVersion
	}
	l.files[p.PkgPath] = sp
	for _, file := range files {
		syntax := file.syntax
		f := &sourceFile{pkg: sp, syntax: syntax, bytes: file.bytes, directives: directive.MayHave(file.bytes), broken: file.err != nil}
		var list scanner.ErrorList
		if errors.As(file.err, &list) {
			sp.syntax = append(sp.syntax, list...)
		}
		if syntax == nil {
			continue
		}
		// The name that go list gives may be that of a generated file from before a renaming.
		if len(sp.files) == 0 {
			sp.name = syntax.Name.Name
		}
		if name := syntax.Name; f.directives && name.Name != sp.name && name.Name != "_" {
			first := sp.files[0].syntax.Name
			l.Errorf(name.Pos(), "package %s, but the folder has package %s, too, at %s: a folder is one package", name.Name, sp.name, l.At(first.Pos()))
			continue
		}
		sp.files = append(sp.files, f)
		sp.index(f)
	}
	return sp
}

// index notes the declarations of a file.
func (sp *sourcePackage) index(f *sourceFile) {
	for _, d := range f.syntax.Decls {
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
	sp.addScope(f.syntax)
}

// addScope notes the package-level names of a file, and its imports.
func (sp *sourcePackage) addScope(file *ast.File) {
	sp.imports = append(sp.imports, file.Imports...)
	add := func(id *ast.Ident) {
		if _, ok := sp.scope[id.Name]; !ok && id.Name != "_" {
			sp.scope[id.Name] = id.Pos()
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
func (l *loader) readAside(sp *sourcePackage) error {
	names, err := l.opts.overlay.goFiles(sp.dir)
	if err != nil {
		return err
	}
	built := map[string]bool{}
	for _, f := range sp.files {
		built[l.Fset.File(f.syntax.FileStart).Name()] = true
	}
	for _, name := range names {
		if built[name] {
			continue
		}
		src, err := l.readListed(name)
		if err != nil {
			return err
		}
		if l.opts.isOwn(name, src) {
			continue
		}
		file, _ := parser.ParseFile(l.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if file == nil || file.Name.Name != sp.name {
			continue
		}
		sp.addScope(file)
		if base := filepath.Base(name); strings.HasSuffix(base, "_test.go") || base[0] == '_' || base[0] == '.' {
			continue
		}
		if i := slices.IndexFunc(comments(file), func(c *ast.Comment) bool { return directive.IsLike(c.Text) }); i >= 0 {
			l.Errorf(comments(file)[i].Pos(), "this build leaves the file out, so that its tasks would be missing from the output, which others of this package are in: move them to a file that every build has, or give the -tags that it needs")
		}
	}
	return nil
}

// checkTests reports directives in test files, as nothing would be generated for them.
func (l *loader) checkTests(dir string) error {
	names, err := l.opts.overlay.goFiles(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := l.readListed(name)
		if err != nil {
			return err
		}
		if !directive.MayHave(src) {
			continue
		}
		file, _ := parser.ParseFile(l.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
		if file == nil {
			continue
		}
		for _, c := range comments(file) {
			if directive.IsLike(c.Text) {
				l.Errorf(c.Pos(), "a test file cannot declare tasks: move the struct to a file that does not end in _test.go")
			}
		}
	}
	return nil
}

// readListed reads a file that goFiles has listed: as if it were empty if it has gone since.
func (l *loader) readListed(name string) ([]byte, error) {
	src, err := l.opts.overlay.readFile(name)
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
