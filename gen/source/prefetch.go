package source

import (
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
)

// A prefetch is a run of the go command that is begun on a guess, while another one finds out what packages there are: that
// the tasks in some folders need what they seem to need when all files there are taken for one package. Guessing wrong costs
// time, and nothing else.
type prefetch struct {
	done chan struct{} // closed when pkgs is set
	pkgs []*packages.Package
}

// beginPrefetch begins to load what the tasks in these folders seem to need of modules whose source does not lie at hand.
func (prog *Program) beginPrefetch(dirs []string) *prefetch {
	p := &prefetch{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if paths := prog.guessNeeded(dirs); len(paths) > 0 {
			p.pkgs, _ = prog.load(compiledMode, paths)
		}
	}()
	return p
}

// guessNeeded returns the import paths that would be loaded first.
func (prog *Program) guessNeeded(dirs []string) []string {
	guess := newProgram(prog.ctx, prog.cfg, prog.env, &diag.Reporter{Fset: token.NewFileSet(), Dir: prog.cfg.Dir})
	for _, dir := range dirs {
		p := &packages.Package{PkgPath: dir, Dir: dir}
		names, err := prog.cfg.Overlay.goFiles(dir)
		if err != nil {
			continue
		}
		for _, name := range names {
			if base := filepath.Base(name); !strings.HasSuffix(base, "_test.go") && base[0] != '.' && base[0] != '_' {
				p.GoFiles = append(p.GoFiles, name)
			}
		}
		if sp, err := guess.parse(p); err == nil {
			guess.Annotated = append(guess.Annotated, sp)
		}
	}
	var paths []string
	for path := range guess.reach().unknown {
		if !prog.env.isLocal(path) {
			paths = append(paths, path)
		}
	}
	return paths
}

// wait returns what was loaded, nothing if any of it went wrong.
func (p *prefetch) wait() []*packages.Package {
	if p == nil {
		return nil
	}
	<-p.done
	if slices.ContainsFunc(p.pkgs, func(pkg *packages.Package) bool { return len(pkg.Errors) > 0 || pkg.ExportFile == "" }) {
		return nil
	}
	return p.pkgs
}
