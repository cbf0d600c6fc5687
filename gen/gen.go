// Package gen finds structs with //cloudtask: directives, checks them, and generates their code.
//
// Generation is five steps: load, check, build, render, commit. [Load] takes the first three, which read source into the model and
// find what is wrong with it, and [Generate] the fourth, too. Neither writes anything: what becomes of the result ([Result.Commit],
// [Result.Diff]) is the caller's choice.
package gen

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
	"github.com/cloudtaskgen/cloudtaskgen/gen/source"
	"github.com/cloudtaskgen/cloudtaskgen/templates"
)

// DefaultOutput is the name of the generated file in each package.
const DefaultOutput = source.DefaultOutput

// Options says what to read and what the output is called.
type Options struct {
	Dir      string   // working directory; "": the process's
	Env      []string // of the go command; nil: the process's
	Tags     string   // build tags, comma-separated
	Output   string   // file name of the output in each package; "": DefaultOutput
	Patterns []string // packages as the go command takes them; none: "."

	Known source.Known // what is known already; zero: nothing
}

// Config returns the options as packages are read with them. The error is a problem of the options.
func (o Options) Config() (source.Config, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return source.Config{}, err
	}
	if err := checkOutput(o.Output); err != nil {
		return source.Config{}, err
	}
	cfg := source.Config{Dir: dir, Env: o.Env, Tags: o.Tags, Output: o.Output, Patterns: o.Patterns}
	if len(cfg.Patterns) == 0 {
		cfg.Patterns = []string{"."}
	}
	cfg.Overlay, err = source.ReadOverlay(dir, o.Env)
	return cfg, err
}

// A Result is what one run found and would write.
type Result struct {
	Dir         string            // absolute working directory, which messages name files relative to
	Matched     []string          // import paths of the packages that the patterns named, sorted
	Packages    []*model.Package  // with tasks, sorted by path; incomplete when there are diagnostics
	Files       []File            // what should be there, sorted by path; none when there are diagnostics
	Orphans     []string          // output files whose source is gone, absolute, sorted; none when there are diagnostics
	Diagnostics []diag.Diagnostic // sorted
	Folders     []string          // of local packages that the run went by, absolute, sorted; some may not be there

	overlay source.Overlay
}

// A File is one generated file.
type File struct {
	Path    string // absolute
	Content []byte
	Notes   []diag.Diagnostic // on what it was generated from, sorted
}

// Load reads the packages that the options name and checks their tasks. The error is a problem of the call or of the
// machine; what is wrong with the source is in the result's diagnostics.
func Load(ctx context.Context, opts Options) (*Result, error) {
	r, err := read(ctx, opts)
	if err != nil {
		return nil, err
	}
	return r.result(), nil
}

// Generate is Load, and renders the packages when there is nothing to report.
func Generate(ctx context.Context, opts Options) (*Result, error) {
	r, err := read(ctx, opts)
	if err != nil {
		return nil, err
	}
	res := r.result()
	if len(res.Diagnostics) > 0 {
		return res, nil
	}
	files, err := render(r.packages, r.cfg.OutputName(), r.reporter, r.scopes)
	if err != nil {
		return nil, err
	}
	if res.Diagnostics = r.reporter.Sorted(); len(res.Diagnostics) == 0 {
		res.Files, res.Orphans = files, orphans(r.matched, files)
	}
	return res, nil
}

// A reading is what reading source has come to. It holds on to no syntax and no types: rendering takes memory of its own.
type reading struct {
	cfg      source.Config
	reporter *diag.Reporter
	matched  []*source.Matched
	packages []*model.Package
	folders  []string
	scopes   map[string]map[string]token.Pos // by import path: where packages with tasks declare their names
}

// read loads and checks the packages and builds the model of those that have tasks.
func read(ctx context.Context, opts Options) (*reading, error) {
	cfg, err := opts.Config()
	if err != nil {
		return nil, diag.RelativeError(err, cfg.Dir)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // what is prefetched in vain
	reporter := &diag.Reporter{Fset: token.NewFileSet(), Dir: cfg.Dir}
	program, err := source.Load(ctx, cfg, opts.Known, reporter)
	if err != nil {
		return nil, diag.RelativeError(err, cfg.Dir)
	}
	declared, err := declarations(program, cfg, reporter)
	if err != nil {
		return nil, diag.RelativeError(err, cfg.Dir)
	}
	types, err := program.Check()
	if err != nil {
		return nil, diag.RelativeError(err, cfg.Dir)
	}
	r := &reading{cfg: cfg, reporter: reporter, matched: program.Matched, folders: program.Folders(), scopes: map[string]map[string]token.Pos{}}
	for _, sp := range program.Annotated {
		r.scopes[sp.Path] = sp.Scope
	}
	if types != nil {
		r.packages = buildAll(program.Annotated, declared, types, reporter)
	}
	return r, nil
}

// result returns what was read, without files.
func (r *reading) result() *Result {
	res := &Result{Dir: r.cfg.Dir, Packages: r.packages, Diagnostics: r.reporter.Sorted(), Folders: r.folders, overlay: r.cfg.Overlay}
	for _, m := range r.matched {
		res.Matched = append(res.Matched, m.PkgPath)
	}
	return res
}

// declarations returns the tasks that each package declares.
func declarations(program *source.Program, cfg source.Config, r *diag.Reporter) (map[*source.Package][]*directive.Declaration, error) {
	declared := map[*source.Package][]*directive.Declaration{}
	for _, sp := range program.Annotated {
		var files []*ast.File
		for _, f := range sp.Files {
			if f.Directives {
				files = append(files, f.Syntax)
			}
		}
		declared[sp] = directive.Collect(r, files)
		if len(declared[sp]) > 0 {
			if err := checkFree(sp, cfg, r); err != nil {
				return nil, err
			}
		}
	}
	return declared, nil
}

// render returns the generated files of packages, sorted by path, and reports what keeps a package from being rendered.
func render(packages []*model.Package, output string, r *diag.Reporter, scopes map[string]map[string]token.Pos) ([]File, error) {
	files, errs := make([]File, len(packages)), make([]error, len(packages))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, p := range packages {
		group.Go(func() error {
			content, err := templates.Render(p)
			files[i], errs[i] = File{Path: filepath.Join(p.Dir, output), Content: content, Notes: r.NotesIn(p.Dir)}, err
			return nil
		})
	}
	_ = group.Wait()
	for i, err := range errs {
		path := packages[i].Path
		if shadowed, ok := errors.AsType[*templates.ShadowedError](err); ok {
			r.Errorf(scopes[path][shadowed.Name], "%s is declared here, but generated code in this package needs Go's predeclared %s: rename "+
				"it", shadowed.Name, shadowed.Name)
		} else if err != nil {
			return nil, fmt.Errorf("render package %s: %w", path, err)
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

// checkOutput refuses names that the go command would not build as part of every package.
func checkOutput(name string) error {
	switch {
	case name == "":
		return nil
	case name != filepath.Base(name):
		return fmt.Errorf("-o %s: the output is written beside the source, so give a file name without folders", name)
	case !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"), name[0] == '.', name[0] == '_':
		return fmt.Errorf("-o %s: want the name of a Go file that is part of the package, such as %s", name, DefaultOutput)
	}
	// An unknown GOOS makes go/build leave out every file whose name ends in that of a system.
	nowhere := build.Context{
		Compiler: "gc", GOOS: "nowhere", GOARCH: "nowhere",
		OpenFile: func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("package p")), nil },
	}
	if built, err := nowhere.MatchFile("", name); err == nil && !built {
		return fmt.Errorf("-o %s: the go command would take what is before .go for the system that the file is for; want a name such as %s", name, DefaultOutput)
	}
	return nil
}

// checkFree reports a file that somebody else wrote where the output belongs.
func checkFree(sp *source.Package, cfg source.Config, r *diag.Reporter) error {
	name := filepath.Join(sp.Dir, cfg.OutputName())
	src, err := cfg.Overlay.ReadFile(name)
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil && !cfg.IsOwn(name, src) {
		r.Add(diag.Diagnostic{
			Pos:     model.Position{File: name, Line: 1, Column: 1},
			Message: "the output belongs here, but cloudtaskgen did not write this file: move it away, or name another output with -o",
		})
	}
	return err
}

// orphans returns own output whose source is gone.
func orphans(pkgs []*source.Matched, files []File) []string {
	var gone []string
	for _, m := range pkgs {
		for _, name := range m.Own {
			if !m.Excluded && !slices.ContainsFunc(files, func(f File) bool { return f.Path == name }) {
				gone = append(gone, name)
			}
		}
	}
	slices.Sort(gone)
	return gone
}
