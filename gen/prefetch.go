package gen

import (
	"go/token"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// A prefetch is a run of the go command that is begun on a guess, while another one finds out what packages there are: that
// the tasks in some folders need what they seem to need when all files there are taken for one package. Guessing wrong costs
// time, and nothing else.
type prefetch struct {
	done chan struct{} // closed when pkgs is set
	pkgs []*packages.Package
}

// beginPrefetch begins to load what the tasks in these folders seem to need of modules whose source does not lie at hand.
func (l *loader) beginPrefetch(dirs []string) *prefetch {
	p := &prefetch{done: make(chan struct{})}
	go func() {
		defer close(p.done)
		if paths := l.guessNeeded(dirs); len(paths) > 0 {
			p.pkgs, _ = l.load(compiledMode, paths)
		}
	}()
	return p
}

// guessNeeded returns the import paths that would be loaded first.
func (l *loader) guessNeeded(dirs []string) []string {
	guess := newLoader(l.ctx, l.opts, token.NewFileSet())
	for _, dir := range dirs {
		p := &packages.Package{PkgPath: dir, Dir: dir}
		names, err := l.opts.overlay.goFiles(dir)
		if err != nil {
			continue
		}
		for _, name := range names {
			if base := filepath.Base(name); !strings.HasSuffix(base, "_test.go") && base[0] != '.' && base[0] != '_' {
				p.GoFiles = append(p.GoFiles, name)
			}
		}
		if sp, err := guess.parse(p); err == nil {
			guess.tasks = append(guess.tasks, sp)
		}
	}
	var paths []string
	for path := range guess.reach().unknown {
		if !l.env.isLocal(path) {
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
