package source

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

// Settings are the go command's settings in a working directory, and the modules whose source lies at hand.
type Settings struct {
	Vars    map[string]string // of go env
	Modules []Module          // main ones, and those that a replace directive takes from a folder
	Files   []string          // go.work, go.mod and what lies beside them, absolute; some may not be there
	Partial bool              // a go.mod or go.work file cannot be read: there may be more modules
	Ignores bool              // there are folders that patterns do not reach
}

// Module is a module that its user may be changing.
type Module struct{ Path, Dir string }

// ReadSettings asks the go command. What is wrong with go.mod is for it to say, when it is asked for packages.
func ReadSettings(ctx context.Context, cfg Config) (*Settings, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "-json")
	cmd.Dir, cmd.Env = cfg.Dir, cfg.Env
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(exit.Stderr) > 0 {
		err = errors.New(oneLine(string(exit.Stderr)))
	}
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	s := &Settings{}
	if err := json.Unmarshal(out, &s.Vars); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	// Names a folder of its own for each call, and is made of the others.
	delete(s.Vars, "GOGCCFLAGS")
	if work := s.Vars["GOWORK"]; work != "" && work != "off" {
		s.readWork(work)
	} else if mod := s.Vars["GOMOD"]; filepath.Base(mod) == "go.mod" {
		name := mod
		if other := flagValue(s.flags(), "modfile"); other != "" {
			name = absolute(other, cfg.Dir)
		}
		s.readModule(filepath.Dir(mod), name)
	}
	return s, nil
}

// readWork adds the modules of a workspace.
func (s *Settings) readWork(name string) {
	dir := filepath.Dir(name)
	s.Files = append(s.Files, name, name+".sum", filepath.Join(dir, "vendor", "modules.txt"))
	data, err := os.ReadFile(name)
	var work *modfile.WorkFile
	if err == nil {
		work, err = modfile.ParseWork(name, data, nil)
	}
	if err != nil {
		s.Partial = true
		return
	}
	for _, use := range work.Use {
		root := absolute(use.Path, dir)
		s.readModule(root, filepath.Join(root, "go.mod"))
	}
	s.readReplaced(work.Replace, dir)
}

// readModule adds a main module in a folder, which a file says what is in.
func (s *Settings) readModule(dir, name string) {
	s.Files = append(s.Files, name, strings.TrimSuffix(name, ".mod")+".sum", filepath.Join(dir, "vendor", "modules.txt"))
	data, err := os.ReadFile(name)
	var mod *modfile.File
	if err == nil {
		mod, err = modfile.Parse(name, data, nil)
	}
	if err != nil {
		s.Partial = true
		mod, err = modfile.ParseLax(name, data, nil) // a newer Go's may have more to say
	}
	if err != nil || mod.Module == nil {
		s.Partial = true
		return
	}
	s.Modules = append(s.Modules, Module{mod.Module.Mod.Path, dir})
	s.Ignores = s.Ignores || len(mod.Ignore) > 0
	s.readReplaced(mod.Replace, dir)
}

// readReplaced adds the modules that are taken from folders.
func (s *Settings) readReplaced(list []*modfile.Replace, dir string) {
	for _, r := range list {
		if r.New.Version == "" {
			from := absolute(r.New.Path, dir)
			s.Modules = append(s.Modules, Module{r.Old.Path, from})
			s.Files = append(s.Files, filepath.Join(from, "go.mod"))
		}
	}
}

// isLocal reports whether a package of that path would be one of a module whose source lies at hand.
func (s *Settings) isLocal(path string) bool {
	return s.moduleOf(path) != nil
}

// moduleOf returns the innermost local module that a package of that path would belong to.
func (s *Settings) moduleOf(path string) *Module {
	var best *Module
	for i, m := range s.Modules {
		if (path == m.Path || strings.HasPrefix(path, m.Path+"/")) && (best == nil || len(m.Path) > len(best.Path)) {
			best = &s.Modules[i]
		}
	}
	return best
}

// flags returns the flags of the go command that the environment sets.
func (s *Settings) flags() []string { return splitFlags(s.Vars["GOFLAGS"]) }

// HasFlag reports whether the environment sets a flag.
func (s *Settings) HasFlag(name string) bool {
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
