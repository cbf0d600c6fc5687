package gen

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

// A checker type-checks the packages that are read from source, with everything else from export data.
type checker struct {
	*reach
	exported map[string]*types.Package // by import path: what is imported of packages that were compiled
	partial  map[string]*types.Package // by import path: these, and what they mention of others
	missing  map[string]string         // import path: why it cannot be imported
	bad      map[string]bool           // import paths with problems that were reported

	constants constants
	cycles    []types.Error // generic types that instantiate themselves without end, as the type checker has it
	endless   bool          // a survey has found one
}

// check type-checks every reached package and reports the errors that matter.
func (r *reach) check() (*checker, error) {
	c := &checker{
		reach: r, exported: map[string]*types.Package{}, partial: map[string]*types.Package{}, missing: map[string]string{},
		bad: map[string]bool{}, constants: constants{},
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
func (c *checker) sorted() []*sourcePackage {
	return slices.SortedFunc(maps.Keys(c.packages), func(a, b *sourcePackage) int { return strings.Compare(a.path, b.path) })
}

// loadExportData loads the types of needed packages that are not read from source.
func (c *checker) loadExportData() error {
	var paths []string
	for target := range c.needed {
		p := c.graph[target]
		switch {
		case target == "unsafe", target == "C":
		case p == nil:
			c.missing[target] = "the go command does not find it"
		case len(p.GoFiles) == 0:
			c.missing[target] = c.packageError(p)
		case !c.fromSource(target):
			paths = append(paths, target)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	slices.Sort(paths)
	missing := func() []string {
		return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return c.graph[path].ExportFile != "" })
	}
	if without := missing(); len(without) > 0 {
		pkgs, err := c.load(compiledMode, without)
		if err != nil {
			return err
		}
		c.addToGraph(pkgs)
	}
	if len(missing()) > 0 {
		// What does not compile may be of use all the same.
		return c.loadTypes(paths)
	}
	for _, path := range paths {
		if err := c.readExportData(path); err != nil {
			c.missing[path] = c.unreadable()
		}
	}
	return nil
}

// readExportData reads the types of a compiled package.
func (c *checker) readExportData(path string) error {
	file, err := os.Open(c.graph[path].ExportFile)
	if err != nil {
		return err
	}
	defer file.Close()
	//lint:ignore SA1019 it finds the types in what the compiler of Go before 1.28 writes, and passes on what is written since
	r, err := gcexportdata.NewReader(file)
	if err != nil {
		return err
	}
	c.exported[path], err = gcexportdata.Read(r, c.Fset, c.partial, path)
	return err
}

// loadTypes loads the types of packages some of which do not compile: those from source, as far as that goes.
func (c *checker) loadTypes(paths []string) error {
	pkgs, err := c.load(packages.NeedName|packages.NeedTypes, paths)
	if err != nil {
		return err
	}
	for _, p := range pkgs {
		switch {
		case p.Types == nil:
			c.missing[p.PkgPath] = c.packageError(p)
		case !p.Types.Complete():
			c.missing[p.PkgPath] = c.unreadable()
		default:
			c.exported[p.PkgPath] = p.Types
		}
	}
	return nil
}

// checkSource type-checks one package, and what it imports before it.
func (c *checker) checkSource(sp *sourcePackage) *types.Package {
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
	files := make([]*ast.File, len(sp.files))
	for i, f := range sp.files {
		files[i] = f.syntax
	}
	// The error is the first of those that were collected.
	pkg, _ := cfg.Check(sp.path, c.Fset, files, nil)
	sp.checked.types = pkg
	return pkg
}

// A sourceImporter serves the imports of one package.
type sourceImporter struct {
	*checker
	sp *sourcePackage
}

func (i sourceImporter) Import(target string) (*types.Package, error) {
	if target == "unsafe" {
		return types.Unsafe, nil
	}
	if _, ok := i.needed[target]; !ok {
		return nil, errNotNeeded
	}
	if why, ok := i.missing[target]; ok {
		return nil, errors.New(why)
	}
	if pkg := i.exported[target]; pkg != nil {
		return pkg, nil
	}
	sp := i.files[target]
	if sp == nil {
		return nil, errNotNeeded
	}
	if sp.checked != nil && sp.checked.types == nil {
		i.missing[target] = fmt.Sprintf("import cycle: %s imports it and is imported by it", i.sp.path)
		return nil, errors.New(i.missing[target])
	}
	return i.checkSource(sp), nil
}

// report reports the errors of a package that lie in what is reached.
func (c *checker) report(sp *sourcePackage) {
	before := c.Len()
	for _, e := range sp.checked.errors {
		// What begins with a tab continues the error before it.
		switch {
		case !c.inReach(e.Pos) || strings.HasPrefix(e.Msg, "\t") || c.followsMissing(sp, e.Msg):
		case strings.HasPrefix(e.Msg, "instantiation cycle"):
			c.cycles = append(c.cycles, e)
		default:
			c.Errorf(e.Pos, "%s", oneLine(e.Msg))
		}
	}
	for _, e := range sp.syntax {
		if c.syntaxMatters(sp, e.Pos.Filename) || c.Len() > before {
			c.Add(diag.Diagnostic{Pos: model.Position{File: e.Pos.Filename, Line: e.Pos.Line, Column: e.Pos.Column}, Message: "syntax error: " + e.Msg})
		}
	}
	if c.Len() > before {
		c.bad[sp.path] = true
		c.explainNewerLanguage(sp)
	}
}

// reportCycles reports the generic types that instantiate themselves without end, unless a survey did, which says more. The type
// checker looks for them only in packages without any other error.
func (c *checker) reportCycles() {
	if c.endless {
		return
	}
	for _, e := range c.cycles {
		c.Errorf(e.Pos, "instantiation cycle: the type has instances of itself in it, with ever larger types, and so on without end")
	}
}

// followsMissing says whether an error is only that the name of a package is unknown which cannot be imported. The type
// checker takes the last element of the path for it, which is v2 where the name is another.
func (c *checker) followsMissing(sp *sourcePackage, msg string) bool {
	name, ok := strings.CutPrefix(msg, "undefined: ")
	for target := range c.missing {
		if ok && guessName(target) == name && slices.Contains(c.neededBy[target], sp) {
			return true
		}
	}
	return false
}

// inReach says whether a place is in a declaration that is reached.
func (c *checker) inReach(pos token.Pos) bool {
	return slices.ContainsFunc(c.ranges, func(s span) bool { return s.from <= pos && pos <= s.to })
}

// syntaxMatters says whether a file that does not parse may hide something that is reached: a directive, a declaration or a
// method of a reached type. What the parser left of the file cannot tell, so its bytes do.
func (c *checker) syntaxMatters(sp *sourcePackage, name string) bool {
	for _, f := range sp.files {
		if c.Fset.File(f.syntax.FileStart).Name() != name {
			continue
		}
		if f.directives {
			return true
		}
		for key := range c.seen {
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
