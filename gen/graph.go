package gen

import (
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"
)

// How the import graph is loaded: names, files and modules; and what was compiled, where nothing of it is about to change.
const (
	graphMode    = packages.NeedName | packages.NeedFiles | packages.NeedModule | packages.NeedImports | packages.NeedDeps
	compiledMode = graphMode | packages.NeedExportFile
)

// extendGraph loads the import graph below paths. What is not of a local module most likely comes from export data, and
// asking for that at once saves a run of the go command.
func (l *loader) extendGraph(paths []string) error {
	var local, others []string
	for _, p := range paths {
		if l.env.isLocal(p) {
			local = append(local, p)
		} else {
			others = append(others, p)
		}
	}
	if len(others) > 0 {
		pkgs := l.guessed.wait()
		l.addToGraph(pkgs)
		others = slices.DeleteFunc(others, func(path string) bool {
			return slices.ContainsFunc(pkgs, func(p *packages.Package) bool { return p.PkgPath == path })
		})
	}
	loaded := make([][]*packages.Package, 2)
	var group errgroup.Group
	for i, part := range []struct {
		mode  packages.LoadMode
		paths []string
	}{{graphMode, local}, {compiledMode, others}} {
		if len(part.paths) > 0 {
			group.Go(func() (err error) {
				loaded[i], err = l.load(part.mode, part.paths)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, pkgs := range loaded {
		l.addToGraph(pkgs)
	}
	return nil
}

// addToGraph notes packages and what they import.
func (l *loader) addToGraph(pkgs []*packages.Package) {
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		if known := l.graph[p.PkgPath]; known == nil {
			l.graph[p.PkgPath] = p
		} else if known.ExportFile == "" {
			known.ExportFile = p.ExportFile
		}
	})
}

// packageName returns a package's name. Where go list took it from a stale generated file, the source knows better.
func (l *loader) packageName(p *packages.Package) string {
	if sp := l.files[p.PkgPath]; sp != nil {
		return sp.name
	}
	return p.Name
}

// fromSource says whether a package is read from source: it may be about to change, or what it depends on may.
// Everything else comes from export data, so no type exists twice: what is read from source is never below export data.
func (l *loader) fromSource(target string) bool {
	return l.sourceMemo(target, map[string]bool{})
}

func (l *loader) sourceMemo(target string, visiting map[string]bool) bool {
	if is, ok := l.source[target]; ok {
		return is
	}
	p := l.graph[target]
	if p == nil || visiting[target] {
		return false
	}
	visiting[target] = true
	m := p.Module
	is := m != nil && (m.Main || m.Replace != nil && m.Replace.Version == "") || slices.ContainsFunc(l.tasks, func(sp *sourcePackage) bool { return sp.path == target })
	for _, imp := range p.Imports {
		is = l.sourceMemo(imp.PkgPath, visiting) || is
	}
	l.source[target] = is
	return is
}
