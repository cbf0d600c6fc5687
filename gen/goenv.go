package gen

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// goSettings are the go command's settings in a working directory, and the modules whose source lies at hand.
type goSettings struct {
	vars    map[string]string // of go env
	modules []localModule     // main ones, and those that a replace directive takes from a folder
	files   []string          // that say so, absolute; some may not be there
	partial bool              // a go.mod or go.work file cannot be read: there may be more modules
	ignores bool              // there are folders that patterns do not reach
}

// A localModule is one that its user may be changing.
type localModule struct{ path, dir string }

// readGoSettings asks the go command. What is wrong with go.mod is for it to say, when it is asked for packages.
func readGoSettings(ctx context.Context, opts Options) (*goSettings, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "-json")
	cmd.Dir, cmd.Env = opts.Dir, opts.Env
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		err = errors.New(oneLine(string(exit.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	s := &goSettings{}
	if err := json.Unmarshal(out, &s.vars); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	// Names a folder of its own for each call, and is made of the others.
	delete(s.vars, "GOGCCFLAGS")
	if work := s.vars["GOWORK"]; work != "" && work != "off" {
		s.readWork(work)
	} else if mod := s.vars["GOMOD"]; filepath.Base(mod) == "go.mod" {
		name := mod
		if other := flagValue(s.flags(), "modfile"); other != "" {
			name = absolute(other, opts.Dir)
		}
		s.readModule(filepath.Dir(mod), name)
	}
	return s, nil
}

// readWork adds the modules of a workspace.
func (s *goSettings) readWork(name string) {
	dir := filepath.Dir(name)
	s.files = append(s.files, name, name+".sum", filepath.Join(dir, "vendor", "modules.txt"))
	data, err := os.ReadFile(name)
	var work *modfile.WorkFile
	if err == nil {
		work, err = modfile.ParseWork(name, data, nil)
	}
	if err != nil {
		s.partial = true
		return
	}
	for _, use := range work.Use {
		root := absolute(use.Path, dir)
		s.readModule(root, filepath.Join(root, "go.mod"))
	}
	s.readReplaced(work.Replace, dir)
}

// readModule adds a main module in a folder, which a file says what is in.
func (s *goSettings) readModule(dir, name string) {
	s.files = append(s.files, name, strings.TrimSuffix(name, ".mod")+".sum", filepath.Join(dir, "vendor", "modules.txt"))
	data, err := os.ReadFile(name)
	var mod *modfile.File
	if err == nil {
		mod, err = modfile.Parse(name, data, nil)
	}
	if err != nil {
		s.partial = true
		mod, err = modfile.ParseLax(name, data, nil) // a newer Go's may have more to say
	}
	if err != nil || mod.Module == nil {
		s.partial = true
		return
	}
	s.modules = append(s.modules, localModule{mod.Module.Mod.Path, dir})
	s.ignores = s.ignores || len(mod.Ignore) > 0
	s.readReplaced(mod.Replace, dir)
}

// readReplaced adds the modules that are taken from folders.
func (s *goSettings) readReplaced(list []*modfile.Replace, dir string) {
	for _, r := range list {
		if r.New.Version == "" {
			from := absolute(r.New.Path, dir)
			s.modules = append(s.modules, localModule{r.Old.Path, from})
			s.files = append(s.files, filepath.Join(from, "go.mod"))
		}
	}
}

// isLocal says whether a package of that path would be one of a module whose source lies at hand.
func (s *goSettings) isLocal(path string) bool {
	return s.moduleOf(path) != nil
}

// moduleOf returns the innermost local module that a package of that path would belong to.
func (s *goSettings) moduleOf(path string) *localModule {
	var best *localModule
	for i, m := range s.modules {
		if (path == m.path || strings.HasPrefix(path, m.path+"/")) && (best == nil || len(m.path) > len(best.path)) {
			best = &s.modules[i]
		}
	}
	return best
}

// flags returns the flags of the go command that the environment sets.
func (s *goSettings) flags() []string { return splitFlags(s.vars["GOFLAGS"]) }

// hasFlag says whether the environment sets a flag.
func (s *goSettings) hasFlag(name string) bool {
	return slices.ContainsFunc(s.flags(), func(flag string) bool { return isFlag(flag, name) })
}

// absolute returns a path of a go.mod or go.work file as one of this machine.
func absolute(path, dir string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
