package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A bench has the programs and the modules that they work on.
type bench struct {
	root, dir    string
	generator    string // cloudtaskgen
	easyjson     string
	many, none   string // modules of 200 packages, with and without tasks
	fifty, large string // modules of one package
	hundred      string // a module of one package, to be compiled
	peer         string // the structs of large, for easyjson
	edits        int
}

// build makes the programs and the modules.
func (b *bench) build() error {
	b.generator, b.easyjson = filepath.Join(b.dir, "bin", "cloudtaskgen"), filepath.Join(b.dir, "bin", "easyjson")
	if err := goCommand(b.root, "build", "-o", b.generator, "./cmd/cloudtaskgen"); err != nil {
		return err
	}
	bench := filepath.Join(b.root, "testdata", "bench")
	if err := goCommand(bench, "build", "-o", b.easyjson, "github.com/mailru/easyjson/easyjson"); err != nil {
		return err
	}
	const packages = 200
	many, none := map[string]string{}, map[string]string{}
	for i := range packages {
		name := fmt.Sprintf("p%d/tasks.go", i)
		many[name] = fmt.Sprintf(manySource, i)
		none[name] = fmt.Sprintf(noneSource, i)
	}
	for _, m := range []struct {
		dir   *string
		name  string
		files map[string]string
	}{
		{&b.many, "many", many},
		{&b.none, "none", none},
		{&b.fifty, "fifty", map[string]string{"tasks.go": onePackage(50, true)}},
		{&b.hundred, "hundred", map[string]string{"tasks.go": onePackage(100, true)}},
		{&b.large, "large", map[string]string{"tasks.go": onePackage(500, true)}},
	} {
		*m.dir = filepath.Join(b.dir, m.name)
		if err := b.module(*m.dir, m.name, m.files); err != nil {
			return err
		}
	}
	if err := write(b.dir, map[string]string{"nothing": ""}); err != nil {
		return err
	}
	b.peer = filepath.Join(b.dir, "peer")
	if err := copyFiles(bench, b.peer, "go.mod", "go.sum"); err != nil {
		return err
	}
	if err := goCommand(b.peer, "mod", "edit", "-replace", "github.com/cloudtaskgen/cloudtaskgen="+b.root); err != nil {
		return err
	}
	if err := write(b.peer, map[string]string{"peer/tasks.go": onePackage(500, false), "hundred/tasks.go": onePackage(100, false)}); err != nil {
		return err
	}
	_, err := command(filepath.Join(b.peer, "hundred"), nil, []int{0}, b.easyjson, "-all", "tasks.go")()
	return err
}

// module makes a module that requires what this one does, and generates its code.
func (b *bench) module(dir, name string, files map[string]string) error {
	if err := write(dir, files); err != nil {
		return err
	}
	if err := copyFiles(b.root, dir, "go.mod", "go.sum"); err != nil {
		return err
	}
	const module = "github.com/cloudtaskgen/cloudtaskgen"
	err := goCommand(dir, "mod", "edit", "-module", "example.com/"+name, "-require", module+"@v0.0.0-00010101000000-000000000000", "-replace", module+"="+b.root, "-droptool", module+"/cmd/cloudtaskgen")
	if err != nil {
		return err
	}
	if err := b.generate(dir)(); err != nil {
		return err
	}
	return goCommand(dir, "build", "./...")
}

func (b *bench) generate(dir string) func() error {
	return func() error { _, err := command(dir, nil, []int{0}, b.generator, "./...")(); return err }
}

// compile returns what compiles the one package in a folder, with nothing but the compiler.
func (b *bench) compile(dir string) func() (sample, error) {
	return func() (sample, error) {
		list := exec.Command("go", "list", "-deps", "-export", "-f", "{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}", ".")
		list.Dir, list.Stderr = dir, os.Stderr
		imports, err := list.Output()
		if err != nil {
			return sample{}, err
		}
		config := filepath.Join(b.dir, "importcfg")
		if err := os.WriteFile(config, imports, 0o666); err != nil {
			return sample{}, err
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return sample{}, err
		}
		args := append([]string{"tool", "compile", "-c", "1", "-p", "example.com/tasks", "-importcfg", config, "-o", filepath.Join(b.dir, "tasks.o")}, files...)
		return command(dir, nil, []int{0}, "go", args...)()
	}
}

// edit changes every source file of a module, so that nothing that was compiled of it is fit to use.
func (b *bench) edit(dir string) func() error {
	return func() error {
		b.edits++
		return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Name() != "tasks.go" {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			body, _, _ := strings.Cut(string(src), "\n// Edit ")
			return os.WriteFile(path, fmt.Appendf(nil, "%s\n// Edit %d of %d.\nvar Edited%d int\n", body, b.edits, os.Getpid(), b.edits), 0o666)
		})
	}
}

func both(first, second func() error) func() error {
	return func() error { return errors.Join(first(), second()) }
}

// remove removes the output of a module.
func remove(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "cloudtask_gen.go" {
			return err
		}
		return os.Remove(path)
	})
}

// works are what cloudtaskgen is measured at, with what it may take.
func (b *bench) works() []*work {
	// Where nothing can be remembered, nothing is saved: this is no folder.
	forget := []string{"XDG_CACHE_HOME=" + filepath.Join(b.dir, "nothing"), "HOME=" + filepath.Join(b.dir, "nothing"), "GOCACHE=" + goEnv("GOCACHE"), "GOMODCACHE=" + goEnv("GOMODCACHE"), "GOPATH=" + goEnv("GOPATH")}
	check := func(dir string, status ...int) func() (sample, error) {
		return command(dir, forget, status, b.generator, "-check", "./...")
	}
	list := func(dir string, args ...string) func() (sample, error) {
		return command(dir, nil, []int{0}, "go", append([]string{"list"}, args...)...)
	}
	nothing := func() error { return nil }
	const listName = "go list -json ./..."
	return []*work{
		{
			name: "200 packages, 1 task each, just edited", prepare: b.edit(b.many),
			own: check(b.many, 0), floorName: listName, floor: list(b.many, "-json", "./..."), of: wall,
			limit: "0.9 s CPU, 1.5 ×", holds: func(m measurement) bool { return m.own.cpu <= 900*time.Millisecond && m.ratio <= 1.5 },
		},
		{
			name: "200 packages, all outputs missing", prepare: func() error { return remove(b.many) },
			own: check(b.many, 1), floorName: listName, floor: list(b.many, "-json", "./..."), of: wall,
			limit: "0.9 s CPU, 1.5 ×", holds: func(m measurement) bool { return m.own.cpu <= 900*time.Millisecond && m.ratio <= 1.5 },
		},
		{
			name: "200 packages, nothing changed since", prepare: b.generate(b.many),
			own:       command(b.many, nil, []int{0}, b.generator, "-check", "./..."),
			floorName: listName, floor: list(b.many, "-json", "./..."), of: wall,
			limit: "0.10 s", holds: func(m measurement) bool { return m.own.wall <= 100*time.Millisecond },
		},
		{
			name: "200 packages, nothing annotated", prepare: nothing,
			own: check(b.none, 0), floorName: "go list -find ./...", floor: list(b.none, "-find", "./..."), of: wall,
			limit: "1.3 ×", holds: func(m measurement) bool { return m.ratio <= 1.3 },
		},
		{
			name: "500 tasks of 8 fields in one package", prepare: both(b.edit(b.large), b.edit(b.peer)),
			own: check(b.large, 0), floorName: "easyjson -all", floor: command(filepath.Join(b.peer, "peer"), nil, []int{0}, b.easyjson, "-all", "tasks.go"), of: wall,
			limit: "0.5 ×, 150 MB", holds: func(m measurement) bool { return m.ratio <= 0.5 && m.own.memory <= 150<<20 },
		},
		{
			name: "compiling 100 tasks of 8 fields", prepare: nothing,
			own: b.compile(b.hundred), floorName: "easyjson's code", floor: b.compile(filepath.Join(b.peer, "hundred")), of: cpu,
			limit: "1.2 ×", holds: func(m measurement) bool { return m.ratio <= 1.2 },
		},
		{
			name: "50 tasks in one package, just edited", prepare: b.edit(b.fifty),
			own: check(b.fifty, 0), floorName: "go list -export -json .", floor: list(b.fifty, "-export", "-json", "."), of: wall,
			limit: "1.5 ×, 80 MB", holds: func(m measurement) bool { return m.ratio <= 1.5 && m.own.memory <= 80<<20 },
		},
	}
}

const manySource = `package p%[1]d

import (
	"context"
	"net/http"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
)

type App struct {
	Client *cloudtasks.Client
	HTTP   *http.Client
}

//cloudtask:task queue=emails timeout=5m
type Task%[1]d struct {
	UserID int64             ` + "`json:\"user_id\"`" + `
	At     time.Time         ` + "`json:\"at\"`" + `
	Header http.Header       ` + "`json:\"header\"`" + `
	Props  map[string]string ` + "`json:\"props,omitempty\"`" + `
	Items  []Item            ` + "`json:\"items,omitempty\"`" + `
}

type Item struct {
	SKU   string  ` + "`json:\"sku\"`" + `
	Parts []*Item ` + "`json:\"parts,omitempty\"`" + `
}

func (t Task%[1]d) Run(ctx context.Context, app *App) error {
	_, err := EnqueueTask%[1]dAsap(ctx, nil, t)
	return err
}
`

const noneSource = `package p%[1]d

import (
	"context"
	"net/http"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
)

type App struct {
	Client *cloudtasks.Client
	HTTP   *http.Client
}

func (App) Run(ctx context.Context) error { return nil }
`

// onePackage returns the source of a package of many structs of 8 fields, as tasks or plain.
func onePackage(tasks int, annotated bool) string {
	var b strings.Builder
	b.WriteString("package tasks\n\nimport (\n\t\"context\"\n\t\"time\"\n)\n\ntype App struct{}\n\n")
	for i := range tasks {
		if annotated {
			fmt.Fprintf(&b, "//cloudtask:task queue=emails\n")
		}
		fmt.Fprintf(&b, `type Task%[1]d struct {
	UserID  int64          `+"`json:\"user_id\"`"+`
	Name    string         `+"`json:\"name\"`"+`
	Urgent  bool           `+"`json:\"urgent,omitempty\"`"+`
	Rate    float64        `+"`json:\"rate\"`"+`
	Labels  []string       `+"`json:\"labels\"`"+`
	Counts  map[string]int `+"`json:\"counts\"`"+`
	At      time.Time      `+"`json:\"at\"`"+`
	Comment *string        `+"`json:\"comment\"`"+`
}

func (t Task%[1]d) Run(ctx context.Context, app *App) error { return nil }

`, i)
	}
	return b.String()
}

func write(dir string, files map[string]string) error {
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			return err
		}
	}
	return nil
}

func copyFiles(from, to string, names ...string) error {
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := write(to, map[string]string{name: string(content)}); err != nil {
			return err
		}
	}
	return nil
}

func goCommand(dir string, args ...string) error {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	return cmd.Run()
}

func goEnv(name string) string {
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
