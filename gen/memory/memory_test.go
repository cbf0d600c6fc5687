package memory

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

const memoryModule = `
-- app/go.mod --
module example.com/app

go 1.26

require example.com/lib v1.0.0

replace example.com/lib => ../lib
-- app/go.sum --
-- app/tasks/tasks.go --
package tasks

import (
	"example.com/app/payload"
	"example.com/lib"
)

//cloudtask:task
type Task struct {
	P payload.Payload
	L lib.Payload
}
-- app/tasks/tasks_windows.go --
package tasks
-- app/payload/payload.go --
package payload

type Payload struct{ A int }
-- app/none/none.go --
package none
-- lib/go.mod --
module example.com/lib

go 1.26
-- lib/lib.go --
package lib

type Payload struct{ B int }
`

// memoryCase is a module with a check that is remembered.
type memoryCase struct {
	t      *testing.T
	root   string
	memory *Memory
	opts   gen.Options
}

func newMemoryCase(t *testing.T, patterns ...string) *memoryCase {
	t.Helper()
	c := &memoryCase{t: t, root: t.TempDir()}
	for _, f := range txtar.Parse([]byte(memoryModule)).Files {
		c.write(f.Name, string(f.Data))
	}
	c.write("program", "v1")
	c.memory = &Memory{dir: filepath.Join(c.root, "cache"), program: func() string { return filepath.Join(c.root, "program") }}
	c.opts = gen.Options{Dir: filepath.Join(c.root, "app"), Patterns: patterns, Env: append(os.Environ(), "GOWORK=", "GOFLAGS=", "GOTOOLCHAIN=local")}
	return c
}

func (c *memoryCase) path(name string) string { return filepath.Join(c.root, filepath.FromSlash(name)) }

func (c *memoryCase) write(name, content string) {
	c.t.Helper()
	if err := os.MkdirAll(filepath.Dir(c.path(name)), 0o777); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(c.path(name), []byte(content), 0o666); err != nil {
		c.t.Fatal(err)
	}
}

func (c *memoryCase) remove(name string) {
	c.t.Helper()
	if err := os.Remove(c.path(name)); err != nil {
		c.t.Fatal(err)
	}
}

// unchanged reports whether the memory knows that a check would find nothing.
func (c *memoryCase) unchanged() bool {
	_, unchanged := c.memory.Recall(c.t.Context(), c.opts)
	return unchanged
}

// check makes a check, after generating what it is about, and calls meanwhile while it is made.
func (c *memoryCase) check(meanwhile func()) {
	c.t.Helper()
	res, err := gen.Generate(c.t.Context(), c.opts)
	if err != nil || len(res.Diagnostics) > 0 {
		c.t.Fatal(err, res)
	}
	if _, err := res.Commit(); err != nil {
		c.t.Fatal(err)
	}
	moment, _ := c.memory.Recall(c.t.Context(), c.opts)
	if res, err = gen.Generate(c.t.Context(), c.opts); err != nil {
		c.t.Fatal(err)
	}
	meanwhile()
	differs, err := res.Diff(io.Discard)
	if err != nil || len(differs) > 0 {
		c.t.Fatal(err, differs)
	}
	moment.Remember(res)
}

// Whatever a check goes by is noticed when it changes, and once it is as it was the check need not be made.
func TestMemoryNotices(t *testing.T) {
	t.Parallel()
	type change struct {
		name string
		do   func(c *memoryCase)
	}
	edit := func(name string) change {
		return change{"edit " + name, func(c *memoryCase) { c.write(name, c.read(name)+"\n// edited\n") }}
	}
	create := func(name, content string) change {
		return change{"create " + name, func(c *memoryCase) { c.write(name, content) }}
	}
	remove := func(name string) change {
		return change{"remove " + name, func(c *memoryCase) {
			if err := os.Remove(c.path(name)); err != nil {
				c.t.Fatal(err)
			}
		}}
	}
	env := func(pair string) change {
		return change{pair, func(c *memoryCase) { c.opts.Env = append(c.opts.Env, pair) }}
	}
	everywhere := []change{
		edit("app/tasks/tasks.go"), edit("app/tasks/tasks_windows.go"), edit("app/tasks/cloudtask_gen.go"), edit("app/payload/payload.go"),
		edit("lib/lib.go"), edit("lib/go.mod"), edit("app/go.mod"), create("app/go.sum", "edited"),
		create("app/tasks/more.go", "package tasks\n"), create("app/tasks/some_test.go", "package tasks\n"), create("lib/more.go", "package lib\n"),
		create("app/tasks/_aside.go", "package tasks\n"), create("app/tasks/header.h", "int x;\n"),
		remove("app/tasks/tasks_windows.go"), remove("app/tasks/cloudtask_gen.go"),
		create("go.work", "go 1.26\n\nuse (\n\t./app\n\t./lib\n)\n"), create("app/go.work", "go 1.26\n\nuse .\n"),
		create("app/vendor/modules.txt", "# nothing\n"), create("app/tasks/go.mod", "module example.com/other\n"), create("app/payload/go.mod", "module example.com/other\n"),
		edit("program"),
		env("GOOS=plan9"), env("GOARCH=386"), env("CGO_ENABLED=0"), env("GOFLAGS=-tags=other"), env("GOEXPERIMENT=nogreenteagc"), env("GOAMD64=v3"),
		env("GOPACKAGESDRIVER=other"), env("GOFLAGS=-modfile=other.mod"), env("GOFLAGS=-overlay=other.json"),
		{"tags", func(c *memoryCase) { c.opts.Tags = "other" }},
		{"output", func(c *memoryCase) { c.opts.Output = "other.go" }},
		{"pattern", func(c *memoryCase) { c.opts.Patterns = append(c.opts.Patterns, "./none") }},
		{"pattern of an import path", func(c *memoryCase) { c.opts.Patterns = append(c.opts.Patterns, "example.com/app/none") }},
		{"entry", func(c *memoryCase) { c.breakEntries() }},
	}
	for _, test := range []struct {
		pattern string
		more    []change
	}{
		{"./...", []change{
			edit("app/none/none.go"), create("app/new/new.go", "package new\n"), create("app/none/below/new.go", "package new\n"), remove("app/none/none.go"),
		}},
		{"./tasks", nil},
	} {
		t.Run(test.pattern, func(t *testing.T) {
			t.Parallel()
			c := newMemoryCase(t, test.pattern)
			if c.unchanged() {
				t.Fatal("a check is remembered that was not made")
			}
			c.check(func() {})
			if c.unchanged() {
				t.Fatal("what the check went by was not looked at before")
			}
			c.check(func() {})
			if !c.unchanged() {
				t.Fatal("the check is not remembered")
			}
			for _, change := range append(everywhere, test.more...) {
				opts, saved := c.opts, c.save()
				c.opts.Patterns, c.opts.Env = append([]string{}, opts.Patterns...), append([]string{}, opts.Env...)
				change.do(c)
				if c.unchanged() {
					t.Errorf("%s: not noticed", change.name)
				}
				c.opts = opts
				c.restore(saved)
				if !c.unchanged() {
					t.Fatalf("%s: still noticed after everything is as it was", change.name)
				}
			}
			// Times do not count, and neither does what no check goes by.
			if err := os.Chtimes(c.path("app/tasks/tasks.go"), time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
			c.write("app/tasks/readme.md", "text")
			c.write("app/testdata/data.go", "package data\n")
			if !c.unchanged() {
				t.Error("something was noticed that does not matter")
			}
		})
	}
}

// What changes while a check is made is not taken for what it went by.
func TestMemoryOfChangesMeanwhile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		do   func(c *memoryCase)
		want bool
	}{
		{"nothing", func(*memoryCase) {}, true},
		{"source", func(c *memoryCase) { c.write("app/tasks/more.go", "package tasks\n") }, false},
		{"dependency", func(c *memoryCase) { c.write("lib/more.go", "package lib\n") }, false},
		{"modules", func(c *memoryCase) { c.write("go.work", "go 1.26\n\nuse ./app\n") }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newMemoryCase(t, "./tasks")
			c.check(func() {})
			c.check(func() { test.do(c) })
			if got := c.unchanged(); got != test.want {
				t.Errorf("remembered: %v, want %v", got, test.want)
			}
		})
	}
}

// Folders without directives and without output need no check, unless there is something else to say of them.
func TestMemoryOfBareFolders(t *testing.T) {
	t.Parallel()
	c := newMemoryCase(t, "./none/...")
	if !c.unchanged() {
		t.Error("folders without tasks are checked")
	}
	for _, test := range []struct {
		name string
		do   func(c *memoryCase)
	}{
		{"a task", func(c *memoryCase) {
			c.write("app/none/deep/task.go", "package deep\n\n//cloudtask:task\ntype T struct{}\n")
		}},
		{"a task of a test", func(c *memoryCase) {
			c.write("app/none/x_test.go", "package none\n\n//cloudtask:task\ntype T struct{}\n")
		}},
		{"a task in a file that this build leaves out", func(c *memoryCase) {
			c.write("app/none/x_plan9.go", "package none\n\n//cloudtask:task\ntype T struct{}\n")
		}},
		{"a misspelt directive", func(c *memoryCase) { c.write("app/none/x.go", "package none\n\n// cloudtasks:task\ntype T struct{}\n") }},
		{"output that is left over", func(c *memoryCase) { c.write("app/none/cloudtask_gen.go", model.Header+"\n\npackage none\n") }},
		{"output of another name", func(c *memoryCase) { c.write("app/none/other.go", model.Header+"\n\npackage none\n") }},
		{"no source", func(c *memoryCase) { c.remove("app/none/none.go") }},
		{"no source but what the go command passes over", func(c *memoryCase) {
			c.remove("app/none/none.go")
			c.write("app/none/_none.go", "package none\n")
		}},
		{"no source but for other systems", func(c *memoryCase) {
			c.remove("app/none/none.go")
			c.write("app/none/none_plan9.go", "package none\n")
			c.write("app/none/tagged.go", "//go:build plan9\n\npackage none\n")
			c.write("app/none/c.go", "package none\n\nimport \"C\"\n")
		}},
		{"a file that cannot be read", func(c *memoryCase) {
			if err := os.Symlink("nowhere", c.path("app/none/x.go")); err != nil {
				c.t.Fatal(err)
			}
		}},
		{"no source but of another module", func(c *memoryCase) {
			c.remove("app/none/none.go")
			c.write("app/none/other/go.mod", "module example.com/other\n")
			c.write("app/none/other/other.go", "package other\n")
		}},
		{"another module", func(c *memoryCase) { c.write("app/none/go.mod", "module example.com/none\n") }},
		{"no module", func(c *memoryCase) { c.remove("app/go.mod") }},
		{"a folder that patterns do not reach", func(c *memoryCase) { c.write("app/go.mod", c.read("app/go.mod")+"\nignore ./none\n") }},
		{"a broken go.mod", func(c *memoryCase) { c.write("app/go.mod", "module\n") }},
		{"a broken go.work", func(c *memoryCase) { c.write("go.work", "go 1.26\n\nuse ./app\nuse\n") }},
		{"a workspace that lacks a module", func(c *memoryCase) { c.write("go.work", "go 1.26\n\nuse ./app\nuse ./gone\n") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newMemoryCase(t, "./none/...")
			if test.do(c); c.unchanged() {
				t.Error("it is not looked at")
			}
		})
	}
}

// What is wrong with a pattern is for the go command to say.
func TestMemoryOfPatternsWithoutPackages(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"./nothere", "./nothere/...", "./no...", "./vendor/...", "./vendor/x", "./testdata/...", "./.../x"} {
		c := newMemoryCase(t, "./none", pattern)
		c.write("app/vendor/x/x.go", "package x\n")
		c.write("app/testdata/x/x.go", "package x\n")
		if c.unchanged() {
			t.Errorf("%s is not looked at", pattern)
		}
		if c.opts.Patterns = c.opts.Patterns[:1]; !c.unchanged() {
			t.Error("a folder without tasks is checked")
		}
	}
}

// A vendor folder's packages are local, whichever module they are of.
func TestMemoryOfVendor(t *testing.T) {
	t.Parallel()
	c := newMemoryCase(t, "./tasks")
	c.write("app/go.mod", "module example.com/app\n\ngo 1.26\n\nrequire example.com/lib v1.0.0\n")
	c.write("app/vendor/modules.txt", "# example.com/lib v1.0.0\n## explicit; go 1.26\nexample.com/lib\n")
	c.write("app/vendor/example.com/lib/lib.go", c.read("lib/lib.go"))
	c.check(func() {})
	c.check(func() {})
	for _, name := range []string{"app/vendor/example.com/lib/lib.go", "app/vendor/modules.txt"} {
		saved := c.read(name)
		if !c.unchanged() {
			t.Fatal("the check is not remembered")
		}
		if c.write(name, saved+"\n"); c.unchanged() {
			t.Errorf("%s: an edit was not noticed", name)
		}
		c.write(name, saved)
	}
}

// The go command is told from another one, also of the same version in the same place.
func TestMemoryOfToolchain(t *testing.T) {
	program, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	c := newMemoryCase(t, "./tasks")
	c.write("bin/go", "#!/bin/sh\nexec "+program+" \"$@\"\n")
	if err := os.Chmod(c.path("bin/go"), 0o777); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(c.path("bin/go"), "version").CombinedOutput(); err != nil {
		t.Skipf("no scripts here: %v %s", err, out)
	}
	t.Setenv("PATH", c.path("bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	c.check(func() {})
	c.check(func() {})
	if !c.unchanged() {
		t.Fatal("the check is not remembered")
	}
	saved := c.read("bin/go")
	c.write("bin/go", saved+"\n")
	if c.unchanged() {
		t.Error("another go command was not noticed")
	}
	c.write("bin/go", strings.Replace(saved, "exec", `[ "$1" = env ] && { `+program+` "$@" | sed 's/"GOVERSION": "[^"]*"/"GOVERSION": "go1.999"/'; exit; }; exec`, 1))
	before := time.Now().Add(-time.Hour)
	if err := os.Chtimes(c.path("bin/go"), before, before); err != nil {
		t.Fatal(err)
	}
	if c.unchanged() {
		t.Error("another version of Go was not noticed")
	}
}

func (c *memoryCase) read(name string) string {
	c.t.Helper()
	content, err := os.ReadFile(c.path(name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(content)
}

func (c *memoryCase) breakEntries() {
	entries, err := filepath.Glob(filepath.Join(c.memory.dir, "*.json"))
	if err != nil || len(entries) != 1 {
		c.t.Fatal(entries, err)
	}
	content, err := os.ReadFile(entries[0])
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(entries[0], bytes.Replace(content, []byte(`"Sum":"`), []byte(`"Sum":"0`), 1), 0o666); err != nil {
		c.t.Fatal(err)
	}
}

// save returns the contents of all files.
func (c *memoryCase) save() map[string]string {
	c.t.Helper()
	saved := map[string]string{}
	err := filepath.WalkDir(c.root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		saved[path] = string(content)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return saved
}

// restore makes all files what they were.
func (c *memoryCase) restore(saved map[string]string) {
	c.t.Helper()
	for path := range c.save() {
		if _, ok := saved[path]; !ok {
			if err := os.Remove(path); err != nil {
				c.t.Fatal(err)
			}
			os.Remove(filepath.Dir(path)) // if that was all there was in it
		}
	}
	for path, content := range saved {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			c.t.Fatal(err)
		}
	}
}
