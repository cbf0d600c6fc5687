package source

import (
	"fmt"
	"go/token"
	"go/version"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// driverError is what go/packages puts around the go command's own words.
var driverError = regexp.MustCompile(`^err: (exit status \d+: stderr: (go: )?|(go command required.*): stderr:$)`)

// remedies add to the go command's words what to do about it, where it does not say so itself.
var remedies = []struct {
	problem *regexp.Regexp
	remedy  string // may refer to parts of the problem
}{
	{
		regexp.MustCompile(`requires go >= (\S+) \(running go \S+; GOTOOLCHAIN=local\)`),
		"install Go $1, or let the go command get it: GOTOOLCHAIN=auto",
	}, {
		regexp.MustCompile(`download go(\d\S*) for \S+: toolchain not available`),
		"install Go $1, or correct the go line of go.mod if that version does not exist: go mod edit -go=VERSION",
	}, {
		regexp.MustCompile(`invalid go version '(\d[^']*)': must match format`),
		"this go command is older than go.mod's Go $1: install that one",
	}, {
		regexp.MustCompile(`go command required, not found`),
		"install Go, or add the folder of its go command to PATH",
	}, {
		regexp.MustCompile(`build constraints exclude all Go files`),
		"give the -tags, GOOS or GOARCH that they are for",
	}, {
		regexp.MustCompile(`module lookup disabled by GOPROXY=off`),
		"get what is missing with another GOPROXY: go mod download",
	}, {
		regexp.MustCompile(`import lookup disabled by -mod=vendor`),
		"add what is missing to the vendor folder: go mod vendor",
	},
}

// inconsistent is how the go command begins and ends a list of all modules that differ.
var inconsistent = regexp.MustCompile(`^(inconsistent vendoring in .*?): .*To sync the vendor directory, run: (go (?:mod|work) vendor)$`)

// explain words an error of the go command in one line, with the remedy, and with paths relative to the working directory.
func (prog *Program) explain(msg string) string {
	msg = oneLine(msg)
	msg = driverError.ReplaceAllString(msg, "$3")
	msg = inconsistent.ReplaceAllString(msg, "$1: vendor/modules.txt is not of this go.mod: $2")
	for _, r := range remedies {
		if m := r.problem.FindStringSubmatchIndex(msg); m != nil {
			msg += ": " + string(r.problem.ExpandString(nil, r.remedy, msg, m))
			break
		}
	}
	return strings.ReplaceAll(msg, prog.cfg.Dir+string(filepath.Separator), "")
}

// packageError returns why a package could not be loaded.
func (prog *Program) packageError(p *packages.Package) string {
	if len(p.Errors) == 0 {
		return "it has no Go files for this build"
	}
	return prog.explain(p.Errors[0].Msg)
}

// matchError returns why a pattern that names a package matches none.
func (prog *Program) matchError(p *packages.Package) string {
	for _, pattern := range prog.cfg.Patterns {
		dir := filepath.Join(prog.cfg.Dir, pattern)
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil && filepath.IsLocal(pattern) && dir != prog.cfg.Dir && strings.Contains(p.Errors[0].Msg, "module") {
			workspace := "make a workspace: go work init . " + pattern
			if work := prog.env.Vars["GOWORK"]; work != "" && work != "off" {
				workspace = "make it one of the workspace's: go work use " + pattern
			}
			return fmt.Sprintf("%s is a separate module: run cloudtaskgen there, or %s", pattern, workspace)
		}
	}
	return prog.packageError(p)
}

// unreadable returns why the types of a compiled package cannot be read: it was compiled by a newer Go than this program
// knows.
func (prog *Program) unreadable() string {
	return fmt.Sprintf("this cloudtaskgen was built with %s and cannot read what %s compiles: %s", runtime.Version(), prog.env.Vars["GOVERSION"], rebuild)
}

// rebuild is the remedy for a program that is older than what it reads.
const rebuild = "update and rebuild it, go get -tool github.com/cloudtaskgen/cloudtaskgen/cmd/cloudtaskgen@latest"

// addition finds the command that the go command advises to get what is missing.
var addition = regexp.MustCompile(`to add(?: it)?: (go .*)$`)

// reportMissing reports the packages that are needed and cannot be imported: once for all that have one remedy.
func (c *Types) reportMissing() {
	type group struct {
		paths []string
		why   string
	}
	var groups []*group
	byRemedy := map[string]*group{}
	for _, target := range slices.Sorted(maps.Keys(c.missing)) {
		if _, ok := c.reach.needed[target]; !ok {
			continue
		}
		for _, sp := range c.reach.neededBy[target] {
			c.bad[sp.Path] = true
		}
		why := c.missing[target]
		remedy := strings.ReplaceAll(why, target, "")
		if m := addition.FindStringSubmatch(why); m != nil {
			remedy = m[1]
		}
		g := byRemedy[remedy]
		if g == nil {
			g = &group{why: why}
			byRemedy[remedy] = g
			groups = append(groups, g)
		}
		g.paths = append(g.paths, target)
	}
	// A module whose name nobody knows yet may be the cause of many.
	const few = 3
	unknown := func(g *group) bool { return strings.HasPrefix(g.why, "no required module provides") }
	if all := slices.DeleteFunc(slices.Clone(groups), func(g *group) bool { return !unknown(g) }); len(all) > few {
		one := &group{why: "no required module provides them; to add them: go mod tidy"}
		for _, g := range all {
			one.paths = append(one.paths, g.paths...)
		}
		groups = append(slices.DeleteFunc(groups, unknown), one)
	}
	for _, g := range groups {
		c.prog.Errorf(c.firstImport(g.paths), "cannot import %s: %s", listed(g.paths), g.why)
	}
}

// firstImport returns where the first of some packages is imported.
func (c *Types) firstImport(paths []string) token.Pos {
	var places []token.Pos
	for _, path := range paths {
		places = append(places, c.reach.needed[path])
	}
	return slices.MinFunc(places, func(a, b token.Pos) int { return diag.ComparePositions(c.prog.Position(a), c.prog.Position(b)) })
}

// listed quotes paths, of many the first two.
func listed(paths []string) string {
	quoted := make([]string, len(paths))
	for i, path := range paths {
		quoted[i] = strconv.Quote(path)
	}
	last := quoted[len(quoted)-1]
	switch n := len(paths); {
	case n == 1:
		return last
	case n > 3:
		quoted, last = quoted[:3], fmt.Sprintf("%d more packages", n-2)
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " and " + last
}

// explainNewerLanguage says why source may not be understood: it is written for a newer Go than this program knows.
func (c *Types) explainNewerLanguage(sp *Package) {
	if version.Compare(sp.goVersion, runtime.Version()) <= 0 {
		return
	}
	c.prog.Add(diag.Diagnostic{
		Pos: model.Position{File: c.prog.graph[sp.Path].Module.GoMod, Line: 1, Column: 1},
		Message: fmt.Sprintf("the source is written for %s, and this cloudtaskgen was built with %s, which may not understand it: "+
			"%s", sp.goVersion, runtime.Version(), rebuild),
	})
}
