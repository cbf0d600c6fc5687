package templates

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
	"github.com/dave/jennifer/jen"
)

const pathPredeclared = "github.com/cloudtaskgen/cloudtaskgen/runtime/predeclared"

// mark follows the names of the package's own types that Go predeclares, too, until the file is printed: only so can the two
// be told apart in it. It is a letter for which there is no use in a name.
const mark = "\u02d1"

// A ShadowedError says that generated code needs a predeclared identifier which the package declares to be something else,
// and for which there is no other way to say it.
type ShadowedError struct{ Name string }

func (e *ShadowedError) Error() string { return "generated code needs Go's predeclared " + e.Name }

// typeID prints the name of a type that the package declares.
func (f *File) typeID(name string) *jen.Statement {
	if types.Universe.Lookup(name) != nil {
		name += mark
	}
	return jen.Id(name)
}

// shadows reports whether the package declares a predeclared identifier to be something else.
func (f *File) shadows() bool {
	return slices.ContainsFunc(f.pkg.Scope, func(name string) bool { return types.Universe.Lookup(name) != nil })
}

// An edit replaces a part of a source.
type edit struct {
	from, to int
	text     string
}

// qualify replaces the predeclared identifiers of a formatted file that the package declares to be something else by
// what package predeclared has for them, under that import name. It reports whether there are any.
func (f *File) qualify(src []byte, pkg string) ([]byte, bool, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, 0)
	if err != nil {
		return nil, false, fmt.Errorf("parse generated code: %w", err)
	}
	shadowed := map[*ast.Ident]bool{}
	for _, id := range file.Unresolved {
		if types.Universe.Lookup(id.Name) != nil && slices.Contains(f.pkg.Scope, id.Name) {
			shadowed[id] = true
		}
	}
	var edits []edit
	replace := func(from, to token.Pos, text string) {
		edits = append(edits, edit{fset.Position(from).Offset, fset.Position(to).Offset, text})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			// Generated code compares with nil, and does nothing else with it.
			if id, ok := n.Y.(*ast.Ident); ok && id.Name == "nil" && shadowed[id] {
				not := map[bool]string{true: "!"}[n.Op == token.NEQ]
				replace(n.Pos(), n.Pos(), not+pkg+".IsNil(")
				replace(n.X.End(), n.End(), ")")
				delete(shadowed, id)
			}
		case *ast.CallExpr:
			id, ok := n.Fun.(*ast.Ident)
			if !ok || !shadowed[id] || len(n.Args) != 1 {
				break
			}
			switch {
			case id.Name == "len":
				replace(id.Pos(), id.End(), pkg+".Len")
			case id.Name == "new" && isType(n.Args[0]):
				replace(id.Pos(), n.Lparen+1, pkg+".New[")
				replace(n.Rparen, n.Rparen+1, "]()")
			case id.Name == "new":
				replace(id.Pos(), id.End(), pkg+".PointerTo")
			default:
				return true
			}
			delete(shadowed, id)
		case *ast.Ident:
			_, isType := types.Universe.Lookup(n.Name).(*types.TypeName)
			if shadowed[n] && (isType && n.Name != "comparable" || n.Name == "true" || n.Name == "false") {
				replace(n.Pos(), n.End(), pkg+"."+model.UpperFirst(n.Name))
				delete(shadowed, n)
			}
		}
		return true
	})
	for id := range shadowed {
		return nil, false, &ShadowedError{id.Name}
	}
	used := len(edits) > 0
	if src, err = format.Source(bytes.ReplaceAll(apply(src, edits), []byte(mark), nil)); err != nil {
		return nil, false, fmt.Errorf("format generated code: %w", err)
	}
	return src, used, nil
}

// isType reports whether the argument of new is a type: generated code gives it names of types, or converted values.
func isType(arg ast.Expr) bool {
	id, ok := arg.(*ast.Ident)
	return ok && id.Name != "true" && id.Name != "false"
}

// apply makes edits, none of which overlap.
func apply(src []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	var out []byte
	last := 0
	for _, e := range edits {
		out = append(append(out, src[last:e.from]...), e.text...)
		last = e.to
	}
	return append(out, src[last:]...)
}
