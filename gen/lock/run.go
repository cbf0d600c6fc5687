package lock

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/lock/trial"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
	"github.com/cloudtaskgen/cloudtaskgen/gen/source"
)

// A subject is a task whose codec is tried, and the payloads that it is to read.
type subject struct {
	pkg     *model.Package
	task    *Task
	earlier []string
}

// try runs today's generated codecs, in tests that are made up for it: go test compiles them into packages of tasks from
// files that exist only for the compiler (-overlay). So it writes nothing to the module, works in internal and main
// packages, and the go command remembers the outcome for as long as nothing changes. The outcomes are those of the
// subjects, by index.
func try(ctx context.Context, opts gen.Options, subjects []subject) ([]trial.Outcome, error) {
	outcomes := make([]trial.Outcome, len(subjects))
	if len(subjects) == 0 {
		return outcomes, nil
	}
	dir, err := os.MkdirTemp("", "cloudtaskgen-lock-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	hosts := groupByHost(subjects)
	failed, err := runHosts(ctx, opts, dir, hosts, outcomes)
	if err != nil {
		return nil, err
	}
	// Packages that are never linked together may not bear it: each registers the same flag, say.
	var alone []host
	for _, h := range failed {
		if len(h.packages()) == 1 {
			return nil, fmt.Errorf("the codecs of %s cannot be tried: %s", h.pkg.Path, h.output)
		}
		for _, p := range h.packages() {
			alone = append(alone, host{pkg: p, subjects: slices.DeleteFunc(slices.Clone(h.subjects), func(i int) bool { return subjects[i].pkg != p }), all: subjects})
		}
	}
	if failed, err = runHosts(ctx, opts, dir, alone, outcomes); err == nil && len(failed) > 0 {
		err = fmt.Errorf("the codecs of %s cannot be tried: %s", failed[0].pkg.Path, failed[0].output)
	}
	return outcomes, err
}

// A host is a package whose test tries the codecs of several.
type host struct {
	pkg      *model.Package
	all      []subject
	subjects []int  // of all: those that it tries
	output   string // of its test, when that has no outcome
}

// packages returns those whose codecs are tried.
func (h host) packages() []*model.Package {
	var packages []*model.Package
	for _, i := range h.subjects {
		if p := h.all[i].pkg; !slices.Contains(packages, p) {
			packages = append(packages, p)
		}
	}
	return packages
}

// groupByHost finds few packages whose tests may import all: linking takes longest. A program can be imported by its own
// tests only.
func groupByHost(subjects []subject) []host {
	var hosts []host
	for i, s := range subjects {
		at := slices.IndexFunc(hosts, func(h host) bool {
			return h.pkg == s.pkg || s.pkg.Name != "main" && h.pkg.Name != "main" && source.MayImport(h.pkg.Path, s.pkg.Path)
		})
		if at < 0 {
			at = len(hosts)
			hosts = append(hosts, host{pkg: s.pkg, all: subjects})
		}
		hosts[at].subjects = append(hosts[at].subjects, i)
	}
	return hosts
}

// What a host's test is called.
const (
	testName = "TestCloudtaskgenLock"
	testFile = "cloudtaskgen_lock_test.go"
)

// runHosts runs the tests of hosts, fills in outcomes and returns the hosts that had none.
func runHosts(ctx context.Context, opts gen.Options, dir string, hosts []host, outcomes []trial.Outcome) ([]host, error) {
	if len(hosts) == 0 {
		return nil, nil
	}
	replace, err := source.ReadOverlay(opts.Dir, opts.Env) // or ours would take its place
	if err != nil {
		return nil, err
	}
	if replace == nil {
		replace = source.Overlay{}
	}
	// Linking without tables for debuggers takes half the time.
	args := []string{"test", "-json", "-vet=off", "-ldflags=-s -w", "-run=^" + testName + "$", "-overlay=" + filepath.Join(dir, "overlay.json")}
	if opts.Tags != "" {
		args = append(args, "-tags="+opts.Tags)
	}
	for i, h := range hosts {
		if err := h.write(filepath.Join(dir, strconv.Itoa(i)), replace); err != nil {
			return nil, err
		}
		args = append(args, h.pkg.Path)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = opts.Dir, opts.Env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && (!ran || ctx.Err() != nil) {
		return nil, cmp.Or(ctx.Err(), err)
	}
	output, build := parseEvents(stdout)
	if build != "" {
		return nil, &buildError{build, hosts[0].all}
	}
	var failed []host
	for _, h := range hosts {
		found, ok := findReport(output[h.pkg.Path])
		if !ok {
			h.output = cmp.Or(strings.TrimSpace(output[h.pkg.Path]), strings.TrimSpace(stderr.String()), "go test wrote nothing")
			failed = append(failed, h)
		}
		for _, o := range found {
			outcomes[o.ID] = o
		}
	}
	return failed, nil
}

// A buildError is that packages do not build, so that their codecs cannot be tried.
type buildError struct {
	output   string
	subjects []subject
}

func (e *buildError) Error() string {
	return "the packages do not build, so their codecs cannot be tried: " + strings.TrimSpace(e.output)
}

var compileError = regexp.MustCompile(`(?m)^(.+\.go):(\d+):(\d+): (.*)$`)

// diagnostics returns the compiler's errors, whose files are relative to dir; none when it says nothing of a place.
func (e *buildError) diagnostics(dir string) []diag.Diagnostic {
	var found []diag.Diagnostic
	for _, m := range compileError.FindAllStringSubmatch(e.output, -1) {
		if filepath.Base(m[1]) == testFile {
			found = append(found, e.missing(m[4])...)
			continue
		}
		d := diag.Diagnostic{Pos: model.Position{File: m[1]}, Message: m[4]}
		if !filepath.IsAbs(d.Pos.File) {
			d.Pos.File = filepath.Join(dir, d.Pos.File)
		}
		d.Pos.Line, _ = strconv.Atoi(m[2])
		d.Pos.Column, _ = strconv.Atoi(m[3])
		found = append(found, d)
	}
	return found
}

// missing says of the task whose codec a test of ours does not find that it is not generated.
func (e *buildError) missing(message string) []diag.Diagnostic {
	for _, s := range e.subjects {
		if names := s.task.model.Names; strings.HasSuffix(message, "."+names.Append) {
			return []diag.Diagnostic{{Pos: s.task.pos, Message: names.Append + " and " + names.Decode + " of this task are not generated: run " +
				"cloudtaskgen, or go generate"}}
		}
	}
	return nil
}

// write writes the host's test to a folder, and what it replaces in the module to replace.
func (h host) write(folder string, replace source.Overlay) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	entries, err := os.ReadDir(h.pkg.Dir)
	if err != nil {
		return err
	}
	for name := range replace {
		if filepath.Dir(name) == h.pkg.Dir && strings.HasSuffix(name, "_test.go") {
			replace[name] = ""
		}
	}
	for _, e := range entries { // which may not build, or run for long before they come to ours
		if strings.HasSuffix(e.Name(), "_test.go") {
			replace[filepath.Join(h.pkg.Dir, e.Name())] = ""
		}
	}
	packageName := h.pkg.Name + "_test" // which has a scope of its own, so that no name collides
	for name, content := range map[string]string{
		"cloudtaskgen_lock_trial_test.go": trial.Source(packageName),
		testFile:                          h.source(packageName),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			return err
		}
		replace[filepath.Join(h.pkg.Dir, name)] = filepath.Join(folder, name)
	}
	return nil
}

// source returns the test that tries the codecs.
func (h host) source(packageName string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "package %s\n\nimport (\n\t\"os\"\n\t\"testing\"\n\n", packageName)
	packages := h.packages()
	for i, p := range packages {
		fmt.Fprintf(&b, "\tp%d %q\n", i, p.Path)
	}
	fmt.Fprintf(&b, ")\n\nfunc %s(*testing.T) {\n\tReport(os.Stdout,\n", testName)
	for _, i := range h.subjects {
		s := h.all[i]
		names, p := s.task.model.Names, slices.Index(packages, s.pkg)
		fmt.Fprintf(&b, "\t\tTry(%d, Constants{", i)
		for _, name := range slices.Sorted(maps.Keys(s.task.constants)) {
			fmt.Fprintf(&b, "%q: %s, ", name, s.task.constants[name])
		}
		fmt.Fprintf(&b, "}, p%d.%s, p%d.%s", p, names.Append, p, names.Decode)
		for _, payload := range s.earlier {
			fmt.Fprintf(&b, ",\n\t\t\t%q", payload)
		}
		b.WriteString("),\n")
	}
	b.WriteString("\t)\n}\n")
	return b.String()
}

// parseEvents reads what go test -json writes: the output of each package's test, and that of builds that failed.
func parseEvents(stdout []byte) (output map[string]string, build string) {
	output = map[string]string{}
	var built strings.Builder
	broken := false
	for line := range bytes.Lines(stdout) {
		var event struct{ Action, Package, Output string }
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		switch event.Action {
		case "output":
			output[event.Package] += event.Output
		case "build-output":
			built.WriteString(event.Output)
		case "build-fail":
			broken = true
		}
	}
	if !broken {
		return output, ""
	}
	return output, built.String()
}

// findReport returns what trial.Report wrote among other output.
func findReport(output string) ([]trial.Outcome, bool) {
	lines := bufio.NewScanner(strings.NewReader(output))
	lines.Buffer(nil, len(output)+1)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), trial.Marker); ok {
			var outcomes []trial.Outcome
			if json.Unmarshal([]byte(text), &outcomes) == nil {
				return outcomes, true
			}
		}
	}
	return nil, false
}
