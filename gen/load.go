package gen

import (
	"context"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/templates"
)

// header is how the generator knows its own output.
const header = templates.Header

// A loader reads the packages of one run, each from source at most once.
type loader struct {
	*diag.Reporter
	ctx     context.Context
	opts    Options
	env     *goSettings
	graph   map[string]*packages.Package // by import path: what is known of packages that declarations mention
	source  map[string]bool              // by import path: see fromSource
	files   map[string]*sourcePackage    // by import path: packages that are read from source
	matched []*matched                   // what the patterns named
	tasks   []*sourcePackage             // those of them that have directives
	guessed *prefetch                    // nil: there is none
}

func newLoader(ctx context.Context, opts Options, fset *token.FileSet) *loader {
	return &loader{
		Reporter: &diag.Reporter{Fset: fset, Dir: opts.Dir}, ctx: ctx, opts: opts, env: opts.settings,
		graph: map[string]*packages.Package{}, source: map[string]bool{}, files: map[string]*sourcePackage{},
	}
}

// A matched package is one that the patterns named.
type matched struct {
	*packages.Package
	own       []string // files that the generator wrote, absolute
	annotated bool
	excluded  bool // a file that this build leaves out has directives
}

// list finds the packages that the patterns name and sorts their files into source and own output.
func (l *loader) list() ([]*matched, error) {
	for _, p := range l.opts.Patterns {
		name := p
		if !filepath.IsAbs(name) {
			name = filepath.Join(l.opts.Dir, name)
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
	if l.env == nil {
		group.Go(func() (err error) {
			l.env, err = readGoSettings(l.ctx, l.opts)
			return err
		})
	}
	pkgs, err := l.load(packages.NeedName|packages.NeedFiles|packages.NeedModule, l.opts.Patterns)
	if envErr := group.Wait(); err == nil {
		err = envErr // where both fail, the other has more to say
	}
	if err != nil {
		return nil, err
	}
	if len(pkgs) == 0 {
		return nil, fmt.Errorf("no packages match %s", strings.Join(l.opts.Patterns, " "))
	}
	var all []*matched
	for _, p := range pkgs {
		files := slices.Concat(p.GoFiles, p.IgnoredFiles)
		if len(p.GoFiles) == 0 {
			if len(p.Errors) > 0 {
				return nil, errors.New(l.matchError(p))
			}
			if len(files) == 0 {
				if err := l.checkTests(p.Dir); err != nil {
					return nil, err
				}
				continue
			}
		}
		m := &matched{Package: p}
		if err := l.scan(m); err != nil {
			return nil, err
		}
		if err := l.checkTests(p.Dir); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *matched) int { return strings.Compare(a.PkgPath, b.PkgPath) })
	return all, nil
}

// load calls packages.Load with the options of this run.
func (l *loader) load(mode packages.LoadMode, patterns []string) ([]*packages.Package, error) {
	env, flags := withoutModfile(l.opts.Env)
	cfg := &packages.Config{Context: l.ctx, Mode: mode, Dir: l.opts.Dir, Env: env, BuildFlags: flags, Fset: l.Fset}
	if l.opts.Tags != "" {
		cfg.BuildFlags = append(cfg.BuildFlags, "-tags="+l.opts.Tags)
	}
	pkgs, err := packages.Load(cfg, patterns...)
	if err != nil {
		return nil, fmt.Errorf("load %s: %s", strings.Join(patterns, " "), l.explain(err.Error()))
	}
	return pkgs, nil
}

// readFile reads a file that the go command named. Output may be gone by now: another run removes what is left over, and a
// symbolic link may lead nowhere.
func (l *loader) readFile(name string) ([]byte, error) {
	src, err := l.opts.overlay.readFile(name)
	if os.IsNotExist(err) && l.opts.isOutput(name) {
		return nil, nil
	}
	return src, err
}

// scan looks for directives and for the generator's own output, without parsing.
func (l *loader) scan(m *matched) error {
	for _, name := range m.GoFiles {
		src, err := l.readFile(name)
		if err != nil {
			return err
		}
		switch {
		case l.opts.isOwn(name, src):
			m.own = append(m.own, name)
		case directive.MayHave(src):
			m.annotated = true
		}
	}
	for _, name := range m.IgnoredFiles {
		src, err := l.opts.overlay.readFile(name)
		if err != nil {
			return err
		}
		if filepath.Ext(name) == ".go" && directive.MayHave(src) {
			m.excluded = true
		}
	}
	return nil
}
