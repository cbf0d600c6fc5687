package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
)

// Program is the packages of one run, each read from source at most once.
type Program struct {
	*diag.Reporter
	Matched   []*Matched // what the patterns named, sorted by import path
	Annotated []*Package // those of them that have directives

	ctx     context.Context
	cfg     Config
	env     *Settings
	graph   map[string]*packages.Package // by import path: what is known of packages that declarations mention
	source  map[string]bool              // by import path: see fromSource
	files   map[string]*Package          // by import path: packages that are read from source
	guessed *prefetch                    // nil: there is none
}

// Known is what is known before loading.
type Known struct {
	Settings *Settings // nil: not read yet
	Tasks    []string  // folders that seem to have tasks, absolute
}

// Load finds the packages that the patterns name, and parses those that have directives. The error is a problem of the call or of the
// machine; what is wrong with the source is reported.
func Load(ctx context.Context, cfg Config, known Known, r *diag.Reporter) (*Program, error) {
	prog := newProgram(ctx, cfg, known.Settings, r)
	if len(known.Tasks) > 0 {
		prog.guessed = prog.beginPrefetch(known.Tasks)
	}
	var err error
	if prog.Matched, err = prog.list(); err != nil {
		return nil, err
	}
	return prog, prog.parseAnnotated()
}

func newProgram(ctx context.Context, cfg Config, env *Settings, r *diag.Reporter) *Program {
	return &Program{
		Reporter: r, ctx: ctx, cfg: cfg, env: env,
		graph: map[string]*packages.Package{}, source: map[string]bool{}, files: map[string]*Package{},
	}
}

// parseAnnotated parses the packages that have directives.
func (prog *Program) parseAnnotated() error {
	matched := slices.DeleteFunc(slices.Clone(prog.Matched), func(m *Matched) bool { return !m.annotated })
	parsed := make([][]parsedFile, len(matched))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, m := range matched {
		group.Go(func() (err error) {
			parsed[i], err = prog.parseFiles(m.Package)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, m := range matched {
		prog.graph[m.PkgPath] = m.Package
		sp := prog.join(m.Package, parsed[i])
		if err := prog.readAside(sp); err != nil {
			return err
		}
		prog.Annotated = append(prog.Annotated, sp)
	}
	return nil
}

// Matched is a package that the patterns named.
type Matched struct {
	*packages.Package
	Own       []string // files that the generator wrote, absolute
	Excluded  bool     // a file that this build leaves out has directives
	annotated bool
}

// list finds the packages that the patterns name and sorts their files into source and own output.
func (prog *Program) list() ([]*Matched, error) {
	for _, p := range prog.cfg.Patterns {
		name := p
		if !filepath.IsAbs(name) {
			name = filepath.Join(prog.cfg.Dir, name)
		}
		// A module's path may end in .go, too.
		if info, err := os.Stat(name); err == nil && !info.IsDir() && strings.HasSuffix(p, ".go") {
			dir := filepath.ToSlash(filepath.Dir(p))
			if dir != "." && !filepath.IsAbs(p) {
				dir = "./" + dir
			}
			return nil, fmt.Errorf("%s: cloudtaskgen takes packages, not files: write %s", p, dir)
		}
	}
	var group errgroup.Group
	if prog.env == nil {
		group.Go(func() (err error) {
			prog.env, err = ReadSettings(prog.ctx, prog.cfg)
			return err
		})
	}
	pkgs, err := prog.load(packages.NeedName|packages.NeedFiles|packages.NeedModule, prog.cfg.Patterns)
	if envErr := group.Wait(); err == nil {
		err = envErr // where both fail, the other has more to say
	}
	if err != nil {
		return nil, err
	}
	if len(pkgs) == 0 {
		return nil, fmt.Errorf("no packages match %s", strings.Join(prog.cfg.Patterns, " "))
	}
	var all []*Matched
	for _, p := range pkgs {
		files := slices.Concat(p.GoFiles, p.IgnoredFiles)
		if len(p.GoFiles) == 0 {
			if len(p.Errors) > 0 {
				return nil, errors.New(prog.matchError(p))
			}
			if len(files) == 0 {
				if err := prog.checkTests(p.Dir); err != nil {
					return nil, err
				}
				continue
			}
		}
		m := &Matched{Package: p}
		if err := prog.scan(m); err != nil {
			return nil, err
		}
		if err := prog.checkTests(p.Dir); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *Matched) int { return strings.Compare(a.PkgPath, b.PkgPath) })
	return all, nil
}

// load calls packages.Load with the options of this run.
func (prog *Program) load(mode packages.LoadMode, patterns []string) ([]*packages.Package, error) {
	env, flags := withoutModfile(prog.cfg.Env)
	cfg := &packages.Config{Context: prog.ctx, Mode: mode, Dir: prog.cfg.Dir, Env: env, BuildFlags: flags, Fset: prog.Fset}
	if prog.cfg.Tags != "" {
		cfg.BuildFlags = append(cfg.BuildFlags, "-tags="+prog.cfg.Tags)
	}
	pkgs, err := packages.Load(cfg, patterns...)
	if err != nil {
		return nil, fmt.Errorf("load %s: %s", strings.Join(patterns, " "), prog.explain(err.Error()))
	}
	return pkgs, nil
}

// readFile reads a file that the go command named. Output may be gone by now: another run removes what is left over, and a
// symbolic link may lead nowhere.
func (prog *Program) readFile(name string) ([]byte, error) {
	src, err := prog.cfg.Overlay.ReadFile(name)
	if os.IsNotExist(err) && prog.cfg.isOutput(name) {
		return nil, nil
	}
	return src, err
}

// scan looks for directives and for the generator's own output, without parsing.
func (prog *Program) scan(m *Matched) error {
	for _, name := range m.GoFiles {
		src, err := prog.readFile(name)
		if err != nil {
			return err
		}
		switch {
		case prog.cfg.IsOwn(name, src):
			m.Own = append(m.Own, name)
		case directive.MayHave(src):
			m.annotated = true
		}
	}
	for _, name := range m.IgnoredFiles {
		src, err := prog.cfg.Overlay.ReadFile(name)
		if err != nil {
			return err
		}
		if filepath.Ext(name) == ".go" && directive.MayHave(src) {
			m.Excluded = true
		}
	}
	return nil
}
