package gen_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/tools/go/packages"

	"github.com/cloudtaskgen/cloudtaskgen/gen"
)

// Whatever a user calls a type, a field or a task, the generated code compiles: every predeclared identifier, every name of
// a package of the standard library, what generated code calls things itself, and letters of other scripts.
func TestEveryName(t *testing.T) {
	t.Parallel()
	names := types.Universe.Names()
	out, err := exec.Command("go", "list", "-f", "{{.Name}}", "std").Output()
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, strings.Fields(string(out))...)
	names = append(names,
		"ctx", "c", "cfg", "app", "deps", "q", "Q", "runner", "task", "tasks", "taskID", "opts", "eta", "latest", "zero", "d", "e", "v", "i", "key", "seen", "more",
		"cloudtask", "taskjson", "predeclared", "gen", "T", "Timeout", "TaskName", "Name", "Append", "Decode", "Task",
		"generatedCodeIsStaleRunGoGenerate", "_x", "x1", "ж", "Größe", "世界", "ˑ", "Ǆ")
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		return name == "main" || token.IsKeyword(name) // no types in Go
	})

	dir := t.TempDir()
	files := map[string]string{
		"go.mod": "module example.com/names\n\ngo 1.26\n",
		// What a package cannot say any more when it has shadowed everything.
		"base/base.go": `package base

import "context"

type (
	Str   = string
	Int   = int
	Bool  = bool
	Float = float64
	Bytes = []byte
	Any   = any
	Err   = error
	Ctx   = context.Context
	Dict  = map[string][]int
	Cplx  = complex128
)
`,
	}
	for i, name := range names {
		files[fmt.Sprintf("p%d/p.go", i)] = fmt.Sprintf(`package p%[1]d

import base "example.com/names/base"

//cloudtask:task name=%[3]s
//cloudtask:unique %[4]s
type %[2]s struct {
	%[2]s base.Cplx `+"`json:\"-\"`"+`
	%[4]s base.Str `+"`json:\"%[2]s\"`"+`
	Self_  *%[2]s
	List_  []%[2]s
	Int_   base.Int `+"`default:\"1\"`"+`
	Ints_  []base.Int
	Bool_  *base.Bool `+"`default:\"true\"`"+`
	Float_ **base.Float `+"`default:\"1.5\"`"+`
	Bytes_ base.Bytes
	Any_   base.Any `+"`default:\"{}\"`"+`
	Dict_  base.Dict `+"`json:\",omitempty\"`"+`
	Kept_  *base.Dict `+"`json:\",omitzero\"`"+`
}

func (%[2]s) Queue() (q base.Str) { return }

func (%[2]s) Run(_ base.Ctx, _ *%[2]s) (result result_, err base.Err) { return }

type result_ struct {
	%[4]s []%[2]s
	D_    base.Dict
}

//cloudtask:task name=without.%[1]d
type WithoutRun struct {
	A base.Any
}
`, i, name, taskName(name, i), exported(name))
	}
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	imports := compiledImports(t, "context", "math", "net/http", "time",
		"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask", "github.com/cloudtaskgen/cloudtaskgen/runtime/predeclared", "github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson")
	imports["example.com/names/base"] = typeCheck(t, imports, "example.com/names/base", map[string]string{"base/base.go": files["base/base.go"]})
	res, err := gen.Generate(t.Context(), gen.Options{Dir: dir, Env: append(os.Environ(), "GOWORK=off"), Patterns: []string{"./..."}})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range res.Diagnostics {
		t.Error(d.Format(res.Dir))
	}
	if len(res.Files) != len(names) {
		t.Fatalf("%d files, want %d", len(res.Files), len(names))
	}
	generated := map[string]string{}
	for _, f := range res.Files {
		generated[filepath.Base(filepath.Dir(f.Path))] = string(f.Content)
	}
	for i, name := range names {
		pkg := fmt.Sprintf("p%d", i)
		source := pkg + "/p.go"
		typeCheck(t, imports, "example.com/names/"+pkg, map[string]string{source: files[source], pkg + "/" + gen.DefaultOutput: generated[pkg]})
		if t.Failed() {
			t.Fatalf("a type, a field and a task called %s:\n%s", name, generated[pkg])
		}
	}
}

// taskName returns name where it can be the name of a task, and another otherwise.
func taskName(name string, i int) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return fmt.Sprintf("other.%d", i)
	}
	return name
}

// exported returns a name like name that other packages can see.
func exported(name string) string {
	r, size := utf8.DecodeRuneInString(name)
	if unicode.IsLower(r) {
		return string(unicode.ToUpper(r)) + name[size:]
	}
	return "X" + name
}

// compiledImports returns the types of packages that this module can import.
func compiledImports(t *testing.T, paths ...string) map[string]*types.Package {
	t.Helper()
	loaded, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes}, paths...)
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string]*types.Package{}
	for _, p := range loaded {
		if p.Types == nil || len(p.Errors) > 0 {
			t.Fatalf("%s: %v", p.PkgPath, p.Errors)
		}
		imports[p.PkgPath] = p.Types
	}
	return imports
}

type importMap map[string]*types.Package

func (m importMap) Import(path string) (*types.Package, error) {
	if p := m[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("generated code imports %s", path)
}

// typeCheck compiles a package but for its machine code.
func typeCheck(t *testing.T, imports importMap, pkgPath string, sources map[string]string) *types.Package {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for name, src := range sources {
		file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
		if err != nil {
			t.Error(err)
		}
		files = append(files, file)
	}
	cfg := types.Config{GoVersion: "go1.26", Importer: imports, Error: func(err error) { t.Error(err) }}
	pkg, _ := cfg.Check(pkgPath, fset, files, nil)
	return pkg
}
