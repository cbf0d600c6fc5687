package source

import (
	"path/filepath"
	"slices"
	"strings"

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
func (prog *Program) extendGraph(paths []string) error {
	var local, others []string
	for _, p := range paths {
		if prog.env.isLocal(p) {
			local = append(local, p)
		} else {
			others = append(others, p)
		}
	}
	if len(others) > 0 {
		pkgs := prog.guessed.wait()
		prog.addToGraph(pkgs)
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
				loaded[i], err = prog.load(part.mode, part.paths)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, pkgs := range loaded {
		prog.addToGraph(pkgs)
	}
	return nil
}

// addToGraph notes packages and what they import.
func (prog *Program) addToGraph(pkgs []*packages.Package) {
	packages.Visit(pkgs, nil, func(p *packages.Package) {
		if known := prog.graph[p.PkgPath]; known == nil {
			prog.graph[p.PkgPath] = p
		} else if known.ExportFile == "" {
			known.ExportFile = p.ExportFile
		}
	})
}

// packageName returns a package's name. Where go list took it from a stale generated file, the source knows better.
func (prog *Program) packageName(p *packages.Package) string {
	if sp := prog.files[p.PkgPath]; sp != nil {
		return sp.Name
	}
	return p.Name
}

// fromSource reports whether a package is read from source: it may be about to change, or what it depends on may.
// Everything else comes from export data, so no type exists twice: what is read from source is never below export data.
func (prog *Program) fromSource(target string) bool {
	return prog.sourceMemo(target, map[string]bool{})
}

func (prog *Program) sourceMemo(target string, visiting map[string]bool) bool {
	if is, ok := prog.source[target]; ok {
		return is
	}
	p := prog.graph[target]
	if p == nil || visiting[target] {
		return false
	}
	visiting[target] = true
	m := p.Module
	is := m != nil && (m.Main || m.Replace != nil && m.Replace.Version == "") ||
		slices.ContainsFunc(prog.Annotated, func(sp *Package) bool { return sp.Path == target })
	for _, imp := range p.Imports {
		is = prog.sourceMemo(imp.PkgPath, visiting) || is
	}
	prog.source[target] = is
	return is
}

// Folders returns the folders of the packages that this run knows of and that may change: all but those of the standard
// library and of the module cache.
func (prog *Program) Folders() []string {
	var folders []string
	add := func(dir string) {
		if dir != "" && !isBelow(dir, prog.env.Vars["GOROOT"]) && !isBelow(dir, prog.env.Vars["GOMODCACHE"]) {
			folders = append(folders, dir)
		}
	}
	for _, m := range prog.Matched {
		add(m.Dir)
	}
	for _, p := range prog.graph {
		add(p.Dir)
	}
	// An import that nobody needed may be of a package that is not there.
	for _, sp := range prog.files {
		for _, spec := range sp.Imports {
			target := ImportPath(spec)
			if m := prog.env.moduleOf(target); m != nil && prog.graph[target] == nil {
				folders = append(folders, filepath.Join(m.Dir, filepath.FromSlash(strings.TrimPrefix(target, m.Path))))
			}
		}
	}
	slices.Sort(folders)
	folders = slices.Compact(folders)
	return folders
}

// isBelow reports whether a path is in a folder.
func isBelow(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return dir != "" && err == nil && filepath.IsLocal(rel)
}

// MayImport reports whether Go lets a package import path, going by the rule for internal directories.
func MayImport(from, path string) bool {
	segments := strings.Split(path, "/")
	for i, segment := range slices.Backward(segments) {
		if segment == "internal" {
			root := strings.Join(segments[:i], "/")
			return from == root || strings.HasPrefix(from, root+"/")
		}
	}
	return true
}
