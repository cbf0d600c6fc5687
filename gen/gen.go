// Package gen finds structs with //cloudtask: directives, checks them, and generates their code.
//
// [Load] reads source into the model and diagnostics, [Generate] renders the model too. Neither writes anything: what
// becomes of the result ([Result.Commit], [Result.Diff]) is the caller's choice.
package gen

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
	"github.com/cloudtaskgen/cloudtaskgen/templates"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
)

// DefaultOutput is the name of the generated file in each package.
const DefaultOutput = "cloudtask_gen.go"

// Options says what to read and what the output is called.
type Options struct {
	Dir      string   // working directory; "": the process's
	Env      []string // of the go command; nil: the process's
	Tags     string   // build tags, comma-separated
	Output   string   // file name of the output in each package; "": DefaultOutput
	Patterns []string // packages as the go command takes them; none: "."

	settings *goSettings // nil: not read yet
	tasks    []string    // folders that seem to have tasks, absolute, as far as that is known
	overlay  Overlay     // that sources are read through
}

// A Result is what one run found and would write.
type Result struct {
	Dir         string            // absolute working directory, which messages name files relative to
	Matched     []string          // import paths of the packages that the patterns named, sorted
	Packages    []*model.Package  // with tasks, sorted by path; incomplete when there are diagnostics
	Files       []File            // what should be there, sorted by path; none when there are diagnostics
	Orphans     []string          // output files whose source is gone, absolute, sorted; none when there are diagnostics
	Diagnostics []diag.Diagnostic // sorted

	inputs  *inputs
	overlay Overlay
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
	res, _, err := load(ctx, opts, func(*model.Package) {})
	return res, err
}

// Generate is Load, and renders the packages when there is nothing to report.
func Generate(ctx context.Context, opts Options) (*Result, error) {
	r := renderer{output: cmp.Or(opts.Output, DefaultOutput)}
	r.group.SetLimit(runtime.GOMAXPROCS(0))
	res, l, err := load(ctx, opts, r.render)
	if err != nil {
		return nil, errors.Join(err, r.group.Wait())
	}
	res.inputs = l.inputs()
	scopes := l.scopes()
	l.forget()
	err = r.group.Wait()
	if len(res.Diagnostics) > 0 {
		return res, nil
	}
	if err != nil {
		return nil, err
	}
	for _, n := range r.needed {
		l.Errorf(scopes[n.path][n.name], "%s is declared here, but generated code in this package needs Go's predeclared %s: rename it", n.name, n.name)
	}
	if res.Diagnostics = l.Sorted(); len(res.Diagnostics) > 0 {
		return res, nil
	}
	res.Files = r.files
	slices.SortFunc(res.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for i := range res.Files {
		res.Files[i].Notes = l.NotesIn(filepath.Dir(res.Files[i].Path))
	}
	res.Orphans = orphans(l.matched, res.Files)
	return res, nil
}

// A renderer renders packages while others are still being built.
type renderer struct {
	output string // name of the files
	group  errgroup.Group

	mu     sync.Mutex
	files  []File
	needed []shadowing
}

// A shadowing is a package's declaration of a name that is predeclared, and that generated code cannot say otherwise.
type shadowing struct{ path, name string }

// render begins to render a package.
func (r *renderer) render(p *model.Package) {
	r.group.Go(func() error {
		content, err := templates.Render(p)
		r.mu.Lock()
		defer r.mu.Unlock()
		if shadowed, ok := errors.AsType[*templates.ShadowedError](err); ok {
			r.needed = append(r.needed, shadowing{p.Path, shadowed.Name})
			return nil
		}
		if err != nil {
			return fmt.Errorf("render package %s: %w", p.Path, err)
		}
		r.files = append(r.files, File{Path: filepath.Join(p.Dir, r.output), Content: content})
		return nil
	})
}

// load does the work of Load and returns the loader too. Each package is handed on as soon as it is complete, as long as
// there is nothing to report.
func load(ctx context.Context, opts Options, built func(*model.Package)) (*Result, *loader, error) {
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, nil, err
	}
	opts.Dir = dir
	if len(opts.Patterns) == 0 {
		opts.Patterns = []string{"."}
	}
	if err := checkOutput(opts.Output); err != nil {
		return nil, nil, err
	}
	if opts.overlay, err = ReadOverlay(opts); err != nil {
		return nil, nil, diag.RelativeError(err, dir)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // what is prefetched in vain
	l := newLoader(ctx, opts, token.NewFileSet())
	if len(opts.tasks) > 0 {
		l.guessed = l.beginPrefetch(opts.tasks)
	}
	if l.matched, err = l.list(); err != nil {
		return nil, nil, diag.RelativeError(err, dir)
	}
	res := &Result{Dir: dir, overlay: opts.overlay}
	for _, m := range l.matched {
		res.Matched = append(res.Matched, m.PkgPath)
	}
	if res.Packages, err = l.packages(l.matched, built); err != nil {
		return nil, nil, diag.RelativeError(err, dir)
	}
	res.Diagnostics = l.Sorted()
	return res, l, nil
}

// scopes returns where the packages with tasks declare their names.
func (l *loader) scopes() map[string]map[string]token.Pos {
	scopes := map[string]map[string]token.Pos{}
	for _, sp := range l.tasks {
		scopes[sp.path] = sp.scope
	}
	return scopes
}

// forget lets go of syntax and types, which are not needed once the model is built: rendering takes memory of its own.
func (l *loader) forget() { l.graph, l.files, l.tasks, l.source = nil, nil, nil, nil }

// packages builds the model of every package that has tasks.
func (l *loader) packages(pkgs []*matched, built func(*model.Package)) ([]*model.Package, error) {
	pkgs = slices.DeleteFunc(slices.Clone(pkgs), func(m *matched) bool { return !m.annotated })
	parsed := make([][]parsedFile, len(pkgs))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, m := range pkgs {
		group.Go(func() (err error) {
			parsed[i], err = l.parseFiles(m.Package)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	tasks := map[*sourcePackage][]*directive.Declaration{}
	for i, m := range pkgs {
		l.graph[m.PkgPath] = m.Package
		sp := l.join(m.Package, parsed[i])
		if err := l.readAside(sp); err != nil {
			return nil, err
		}
		tasks[sp] = l.declarations(sp)
		if len(tasks[sp]) > 0 {
			if err := l.checkFree(sp); err != nil {
				return nil, err
			}
		}
		l.tasks = append(l.tasks, sp)
	}
	r, err := l.follow()
	if err != nil {
		return nil, err
	}
	if r.tooLarge() {
		return nil, nil
	}
	c, err := r.check()
	if err != nil {
		return nil, err
	}
	var models []*model.Package
	for _, sp := range l.tasks {
		if len(tasks[sp]) > 0 {
			p := c.build(sp, tasks[sp])
			models = append(models, p)
			if l.Len() == 0 {
				built(p)
			}
		}
	}
	c.reportCycles()
	return models, nil
}

// declarations returns the tasks that a package declares.
func (l *loader) declarations(sp *sourcePackage) []*directive.Declaration {
	var files []*ast.File
	for _, f := range sp.files {
		if f.directives {
			files = append(files, f.syntax)
		}
	}
	return directive.Collect(l.Reporter, files)
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
	// For a system that there is not, go/build leaves out what is for any.
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
func (l *loader) checkFree(sp *sourcePackage) error {
	name := filepath.Join(sp.dir, cmp.Or(l.opts.Output, DefaultOutput))
	src, err := l.opts.overlay.readFile(name)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if !l.opts.isOwn(name, src) {
		l.Add(diag.Diagnostic{
			Pos:     model.Position{File: name, Line: 1, Column: 1},
			Message: "the output belongs here, but cloudtaskgen did not write this file: move it away, or name another output with -o",
		})
	}
	return nil
}

// orphans returns own output whose source is gone.
func orphans(pkgs []*matched, files []File) []string {
	var gone []string
	for _, m := range pkgs {
		for _, name := range m.own {
			if !m.excluded && !slices.ContainsFunc(files, func(f File) bool { return f.Path == name }) {
				gone = append(gone, name)
			}
		}
	}
	slices.Sort(gone)
	return gone
}

// isOwn says whether the generator wrote a file. What people and tools put in front since does not matter: a byte order
// mark, a licence, the marks of a merge. A file without content may be what is left of the output, where it has its name.
func (o *Options) isOwn(name string, src []byte) bool {
	if o.isOutput(name) && len(bytes.TrimSpace(bytes.TrimPrefix(src, []byte("\ufeff")))) == 0 {
		return true
	}
	const far = 4096 // for a long licence
	i := bytes.Index(src[:min(len(src), far)], []byte(header))
	if i < 0 {
		return false
	}
	before, after := src[:i], src[i+len(header):]
	wholeLine := (i == 0 || before[i-1] == '\n' || bytes.Equal(before, []byte("\ufeff"))) &&
		(len(after) == 0 || after[0] == '\n' || after[0] == '\r')
	return wholeLine && !packageClause.Match(before)
}

// isOutput says whether a file has the output's name, or the name that it has by default.
func (o *Options) isOutput(name string) bool {
	base := filepath.Base(name)
	return base == cmp.Or(o.Output, DefaultOutput) || base == DefaultOutput
}

// packageClause finds where the code of a file begins.
var packageClause = regexp.MustCompile(`(?m)^package\b`)
