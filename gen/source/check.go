package source

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/gcexportdata"
	"golang.org/x/tools/go/packages"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// A checkedPackage is what go/types makes of a package that is read from source.
type checkedPackage struct {
	types  *types.Package // nil while it is being checked
	errors []types.Error
}

// errNotNeeded answers imports that no reached declaration mentions. Whatever follows from it is outside of what is reached.
var errNotNeeded = errors.New("not needed for generation")

// Types is what the type checker makes of the packages that are read from source, with everything else from export data.
type Types struct {
	prog     *Program
	reach    *reach
	exported map[string]*types.Package // by import path: what is imported of packages that were compiled
	partial  map[string]*types.Package // by import path: these, and what they mention of others
	missing  map[string]string         // import path: why it cannot be imported
	bad      map[string]bool           // import paths with problems that were reported

	cycles []types.Error // generic types that instantiate themselves without end, as the type checker has it
}

// Check type-checks what the tasks of the annotated packages consist of, and reports the errors in it. It returns nil where aliases
// stand for more types than a type checker can bear, which it reports.
func (prog *Program) Check() (*Types, error) {
	r, err := prog.follow()
	if err != nil || r.tooLarge() {
		return nil, err
	}
	return r.check()
}

// IsBad reports whether a package has errors that were reported.
func (c *Types) IsBad(path string) bool { return c.bad[path] }

// IsExplained reports whether a package or what it imports has errors that were reported: they explain why a type is not known.
func (c *Types) IsExplained(pkg *types.Package) bool {
	seen := map[*types.Package]bool{}
	var visit func(p *types.Package) bool
	visit = func(p *types.Package) bool {
		if seen[p] {
			return false
		}
		seen[p] = true
		return c.bad[p.Path()] || slices.ContainsFunc(p.Imports(), visit)
	}
	return visit(pkg)
}

// IsSource reports whether a package is read from source.
func (c *Types) IsSource(p *types.Package) bool { return p != nil && c.prog.files[p.Path()] != nil }

// IsOwn reports whether a package is read from source of a main module: what is wrong there is for the user to mend.
func (c *Types) IsOwn(p *types.Package) bool {
	if !c.IsSource(p) {
		return false
	}
	known := c.prog.graph[p.Path()]
	return known != nil && (known.Module == nil || known.Module.Main)
}

// SameModule reports whether packages of these paths belong to one module.
func (c *Types) SameModule(a, b string) bool {
	p, q := c.prog.graph[a], c.prog.graph[b]
	return a == b || p != nil && q != nil && p.Module != nil && q.Module != nil && p.Module.Path == q.Module.Path
}

// ExportedNames returns the exported names of a package, if it was loaded for something that a task needs.
func (c *Types) ExportedNames(path string) []string {
	var names []string
	if sp := c.prog.files[path]; sp != nil {
		names = slices.Collect(maps.Keys(sp.Scope))
	} else if p := c.exported[path]; p != nil {
		names = p.Scope().Names()
	}
	return slices.DeleteFunc(names, func(name string) bool { return !token.IsExported(name) })
}

// check type-checks every reached package and reports the errors that matter.
func (r *reach) check() (*Types, error) {
	c := &Types{
		prog: r.prog, reach: r, exported: map[string]*types.Package{}, partial: map[string]*types.Package{}, missing: map[string]string{},
		bad: map[string]bool{},
	}
	if err := c.loadExportData(); err != nil {
		return nil, err
	}
	for _, sp := range c.sorted() {
		c.checkSource(sp)
	}
	c.reportMissing()
	for _, sp := range c.sorted() {
		c.report(sp)
	}
	return c, nil
}

// sorted returns the reached packages in the order of their paths.
func (c *Types) sorted() []*Package {
	return slices.SortedFunc(maps.Keys(c.reach.packages), func(a, b *Package) int { return strings.Compare(a.Path, b.Path) })
}

// loadExportData loads the types of needed packages that are not read from source.
func (c *Types) loadExportData() error {
	var paths []string
	for target := range c.reach.needed {
		p := c.prog.graph[target]
		switch {
		case target == "unsafe", target == "C":
		case p == nil:
			c.missing[target] = "the go command does not find it"
		case len(p.GoFiles) == 0:
			c.missing[target] = c.prog.packageError(p)
		case !c.prog.fromSource(target):
			paths = append(paths, target)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	slices.Sort(paths)
	missing := func() []string {
		return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return c.prog.graph[path].ExportFile != "" })
	}
	if without := missing(); len(without) > 0 {
		pkgs, err := c.prog.load(compiledMode, without)
		if err != nil {
			return err
		}
		c.prog.addToGraph(pkgs)
	}
	if len(missing()) > 0 {
		// What does not compile may be of use all the same.
		return c.loadTypes(paths)
	}
	for _, path := range paths {
		if err := c.readExportData(path); err != nil {
			c.missing[path] = c.prog.unreadable()
		}
	}
	return nil
}

// readExportData reads the types of a compiled package.
func (c *Types) readExportData(path string) error {
	file, err := os.Open(c.prog.graph[path].ExportFile)
	if err != nil {
		return err
	}
	defer file.Close()
	//nolint:staticcheck // SA1019: it finds the types in what the compiler of Go before 1.28 writes, and passes on what is written since
	r, err := gcexportdata.NewReader(file)
	if err != nil {
		return err
	}
	c.exported[path], err = gcexportdata.Read(r, c.prog.Fset, c.partial, path)
	return err
}

// loadTypes loads the types of packages some of which do not compile: those from source, as far as that goes.
func (c *Types) loadTypes(paths []string) error {
	pkgs, err := c.prog.load(packages.NeedName|packages.NeedTypes, paths)
	if err != nil {
		return err
	}
	for _, p := range pkgs {
		switch {
		case p.Types == nil:
			c.missing[p.PkgPath] = c.prog.packageError(p)
		case !p.Types.Complete():
			c.missing[p.PkgPath] = c.prog.unreadable()
		default:
			c.exported[p.PkgPath] = p.Types
		}
	}
	return nil
}

// checkSource type-checks one package, and what it imports before it.
func (c *Types) checkSource(sp *Package) *types.Package {
	if sp.checked != nil {
		return sp.checked.types
	}
	sp.checked = &checkedPackage{}
	cfg := types.Config{
		GoVersion:        sp.goVersion,
		IgnoreFuncBodies: true,
		FakeImportC:      true,
		Importer:         sourceImporter{c, sp},
		// The same everywhere, so that output does not depend on the machine.
		Sizes: types.SizesFor("gc", "amd64"),
		Error: func(err error) {
			if e, ok := errors.AsType[types.Error](err); ok && !e.Soft {
				sp.checked.errors = append(sp.checked.errors, e)
			}
		},
	}
	files := make([]*ast.File, len(sp.Files))
	for i, f := range sp.Files {
		files[i] = f.Syntax
	}
	// The error is the first of those that were collected.
	pkg, _ := cfg.Check(sp.Path, c.prog.Fset, files, nil)
	sp.checked.types = pkg
	return pkg
}

// A sourceImporter serves the imports of one package.
type sourceImporter struct {
	*Types
	sp *Package
}

func (i sourceImporter) Import(target string) (*types.Package, error) {
	if target == "unsafe" {
		return types.Unsafe, nil
	}
	if _, ok := i.reach.needed[target]; !ok {
		return nil, errNotNeeded
	}
	if why, ok := i.missing[target]; ok {
		return nil, errors.New(why)
	}
	if pkg := i.exported[target]; pkg != nil {
		return pkg, nil
	}
	sp := i.prog.files[target]
	if sp == nil {
		return nil, errNotNeeded
	}
	if sp.checked != nil && sp.checked.types == nil {
		i.missing[target] = fmt.Sprintf("import cycle: %s imports it and is imported by it", i.sp.Path)
		return nil, errors.New(i.missing[target])
	}
	return i.checkSource(sp), nil
}

// report reports the errors of a package that lie in what is reached.
func (c *Types) report(sp *Package) {
	before := c.prog.Len()
	for _, e := range sp.checked.errors {
		// What begins with a tab continues the error before it.
		switch {
		case !c.inReach(e.Pos) || strings.HasPrefix(e.Msg, "\t") || c.followsMissing(sp, e.Msg):
		case strings.HasPrefix(e.Msg, "instantiation cycle"):
			c.cycles = append(c.cycles, e)
		default:
			c.prog.Errorf(e.Pos, "%s", oneLine(e.Msg))
		}
	}
	for _, e := range sp.syntax {
		if c.syntaxMatters(sp, e.Pos.Filename) || c.prog.Len() > before {
			c.prog.Add(diag.Diagnostic{Pos: model.Position{File: e.Pos.Filename, Line: e.Pos.Line, Column: e.Pos.Column}, Message: "syntax error: " + e.Msg})
		}
	}
	if c.prog.Len() > before {
		c.bad[sp.Path] = true
		c.explainNewerLanguage(sp)
	}
}

// ReportCycles reports the generic types that instantiate themselves without end. The type
// checker looks for them only in packages without any other error.
func (c *Types) ReportCycles() {
	for _, e := range c.cycles {
		c.prog.Errorf(e.Pos, "instantiation cycle: the type contains ever larger instances of itself, without end")
	}
}

// followsMissing reports whether an error is only that the name of a package is unknown which cannot be imported. The type
// checker takes the last element of the path for it, which is v2 where the name is another.
func (c *Types) followsMissing(sp *Package, msg string) bool {
	name, ok := strings.CutPrefix(msg, "undefined: ")
	for target := range c.missing {
		if ok && guessName(target) == name && slices.Contains(c.reach.neededBy[target], sp) {
			return true
		}
	}
	return false
}

// inReach reports whether a place is in a declaration that is reached.
func (c *Types) inReach(pos token.Pos) bool {
	return slices.ContainsFunc(c.reach.ranges, func(s span) bool { return s.from <= pos && pos <= s.to })
}

// syntaxMatters reports whether a file that does not parse may hide something that is reached: a directive, a declaration or a
// method of a reached type. What the parser left of the file cannot tell, so its bytes do.
func (c *Types) syntaxMatters(sp *Package, name string) bool {
	for _, f := range sp.Files {
		if c.prog.Fset.File(f.Syntax.FileStart).Name() != name {
			continue
		}
		if f.Directives {
			return true
		}
		for key := range c.reach.seen {
			if _, isType := key.decl.spec.(*ast.TypeSpec); !isType || key.decl.file.pkg != sp {
				continue
			}
			method := regexp.MustCompile(`func\s*\([^)]*\b` + regexp.QuoteMeta(key.name) + `\b`)
			if key.decl.file == f || method.Match(f.bytes) {
				return true
			}
		}
		return false
	}
	return true // nothing was left of it
}
