package gen

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"testing"
)

// TestSelectorsOf compares all selectors of structs with what go/types says of each.
func TestSelectorsOf(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", `package p

import "sync"

type A struct { X, a int; *B; C }
type B struct { Y int; *A; D }
type C struct { Y, Z int; D }
type D struct { W, X int }
func (*D) M() {}
func (C) N() {}
type I interface { N(); O() }
type Twice struct { E; F }
type E struct { *D; P[int] }
type F struct { *D; P[int] }
type P[T any] struct { V T; *P[T] }
func (P[T]) Q() {}
type Inter struct { I; C; *Same }
type Same = D
type Shallow struct { D; W string; M int }
type Foreign struct { sync.Mutex; *sync.Once; B }
type Deep struct { Twice; Inter; Shallow }
`, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := (&types.Config{Importer: importer.ForCompiler(fset, "source", nil)}).Check("example.com/p", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range pkg.Scope().Names() {
		typ := pkg.Scope().Lookup(name).Type()
		if _, ok := typ.Underlying().(*types.Struct); !ok || name == "P" {
			continue
		}
		selectors := selectorsOf(typ)
		for _, member := range []string{"X", "a", "Y", "Z", "W", "M", "N", "O", "V", "Q", "A", "B", "C", "D", "E", "F", "I", "P", "Same", "Twice", "Inter", "Lock", "Mutex", "Once", "state", "done", "Do"} {
			want, _, _ := types.LookupFieldOrMethod(typ, true, pkg, member)
			if got := selectors[types.Id(pkg, member)]; got != want {
				t.Errorf("%s.%s is %v, want %v", name, member, got, want)
			}
			if want != nil {
				found++
			}
		}
	}
	if found < 50 {
		t.Errorf("%d selectors found, so this compares little", found)
	}
}
