package gen

import (
	"go/types"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// mustSpell reports the type at the end of the trail when generated code cannot name t, which it has to.
func (b *typeBuilder) mustSpell(t types.Type) {
	if why := b.unspellable(t); why != "" {
		b.problem("%s cannot be named in generated code: %s", b.text(t), why)
	}
}

// spelling returns a model of t without anything about its codec.
func (b *typeBuilder) spelling(t types.Type) *model.Type {
	t = types.Unalias(t)
	x := &model.Type{Named: b.named(t)}
	if x.Named != nil {
		return x
	}
	switch u := t.(type) {
	case *types.Basic:
		x.Basic = u.Name()
	case *types.Interface:
		x.Basic = "any"
	case *types.Pointer:
		x.Kind, x.Elem = model.Pointer, b.spelling(u.Elem())
	case *types.Slice:
		x.Kind, x.Elem = model.Slice, b.spelling(u.Elem())
	case *types.Array:
		x.Kind, x.Elem, x.Len = model.Array, b.spelling(u.Elem()), u.Len()
	case *types.Map:
		x.Kind, x.Key, x.Elem = model.Map, b.spelling(u.Key()), b.spelling(u.Elem())
	case *types.Struct:
		x.Kind, x.Literal = model.StructKind, b.literal(u)
	}
	return x
}

// literal returns the spelling of an unnamed struct type.
func (b *typeBuilder) literal(u *types.Struct) []model.LiteralField {
	fields := make([]model.LiteralField, u.NumFields())
	for i := range fields {
		f := u.Field(i)
		fields[i] = model.LiteralField{Name: f.Name(), Type: b.spelling(f.Type()), Tag: u.Tag(i), Embedded: f.Embedded()}
	}
	return fields
}

// named returns the name of a declared type and nil for others. Its package becomes one of imports.
func (b *typeBuilder) named(t types.Type) *model.Named {
	n, ok := t.(*types.Named)
	if !ok {
		return nil
	}
	name := &model.Named{Name: n.Obj().Name()}
	if p := n.Obj().Pkg(); p != nil && p != b.pkg {
		name.PkgPath = p.Path()
		b.pkgs[p.Path()] = p.Name()
	}
	for i := range n.TypeArgs().Len() {
		name.Args = append(name.Args, b.spelling(n.TypeArgs().At(i)))
	}
	return name
}

// unspellable says why generated code cannot name t; "" when it can.
func (b *typeBuilder) unspellable(t types.Type) string {
	switch u := types.Unalias(t).(type) {
	case *types.Named:
		return b.unspellableName(u)
	case interface{ Elem() types.Type }:
		if m, ok := u.(*types.Map); ok {
			if why := b.unspellable(m.Key()); why != "" {
				return why
			}
		}
		if _, ok := u.(*types.Chan); ok {
			return "declare a type for it"
		}
		return b.unspellable(u.Elem())
	case *types.Struct:
		return b.unspellableStruct(u)
	case *types.Interface:
		if u.Empty() {
			return ""
		}
		return "declare a type for it"
	case *types.Basic:
		return ""
	}
	return "declare a type for it"
}

func (b *typeBuilder) unspellableName(n *types.Named) string {
	obj := n.Obj()
	switch {
	case obj.Pkg() == nil:
		return ""
	case obj.Parent() != nil && obj.Parent() != obj.Pkg().Scope():
		return obj.Name() + " is declared inside of a function"
	case obj.Pkg() != b.pkg && !obj.Exported():
		return obj.Name() + " is not exported by its package " + obj.Pkg().Path()
	case obj.Pkg() != b.pkg && !MayImport(b.pkg.Path(), obj.Pkg().Path()):
		return "package " + obj.Pkg().Path() + " is internal to others"
	}
	for i := range n.TypeArgs().Len() {
		if why := b.unspellable(n.TypeArgs().At(i)); why != "" {
			return why
		}
	}
	return ""
}

func (b *typeBuilder) unspellableStruct(u *types.Struct) string {
	for i := range u.NumFields() {
		f := u.Field(i)
		if !f.Exported() && f.Pkg() != b.pkg {
			return "its field " + f.Name() + " is not exported by its package"
		}
		if why := b.unspellable(f.Type()); why != "" {
			return why
		}
	}
	return ""
}

// MayImport reports whether Go lets a package import path, going by the rule for internal directories.
func MayImport(from, path string) bool {
	segments := strings.Split(path, "/")
	for i := len(segments) - 1; i >= 0; i-- {
		if segments[i] == "internal" {
			root := strings.Join(segments[:i], "/")
			return from == root || strings.HasPrefix(from, root+"/")
		}
	}
	return true
}

// name returns what the functions of t's codec are named after: appendOrder, decodeSliceOfOrder.
func (b *typeBuilder) name(t types.Type) string {
	switch u := types.Unalias(t).(type) {
	case *types.Named:
		return b.nameOfNamed(u)
	case *types.Basic:
		return title(u.Name())
	case *types.Pointer:
		return "PointerTo" + b.name(u.Elem())
	case *types.Slice:
		return "SliceOf" + b.name(u.Elem())
	case *types.Array:
		return "ArrayOf" + strconv.FormatInt(u.Len(), 10) + b.name(u.Elem())
	case *types.Map:
		return "MapOf" + b.name(u.Key()) + "To" + b.name(u.Elem())
	case *types.Interface:
		return "Any"
	}
	return b.owner
}

func (b *typeBuilder) nameOfNamed(n *types.Named) string {
	name := title(n.Obj().Name())
	if p := n.Obj().Pkg(); p != nil && p != b.pkg {
		name = title(p.Name()) + name
	}
	for i := range n.TypeArgs().Len() {
		if i == 0 {
			name += "Of"
		} else {
			name += "And"
		}
		name += b.name(n.TypeArgs().At(i))
	}
	return name
}

func title(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
