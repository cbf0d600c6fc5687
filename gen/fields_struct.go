package gen

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// structType fills x, the model of the struct type t.
func (b *typeBuilder) structType(x *model.Type, t types.Type, u *types.Struct, m mode) {
	x.Struct = &model.Struct{Type: x}
	outer := b.owner
	b.owner = b.name(t)
	defer func() { b.owner = outer }()
	fields := jsonFields(t, b.checkField, func(f, g field) {
		defer b.enter(step{text: "." + g.path[0].Name(), pos: b.declared(g.path[:1])})()
		if slices.Equal(f.index, g.index) {
			b.problem("the struct that %s is in is embedded twice at the same depth: encoding/json would leave out both", goPath(f))
			return
		}
		b.problem("the JSON name %q is that of %s, too: encoding/json would leave out both", g.name, goPath(f))
	})
	for _, f := range fields {
		x.Struct.Fields = append(x.Struct.Fields, b.field(t, f, m))
	}
	x.Struct.Complete = true
	if !b.tasks[t] || !b.checkExported(u) {
		b.checkLost(t)
	}
}

// goPath writes a field as Go does: embedded structs first.
func goPath(f field) string {
	names := make([]string, len(f.path))
	for i, v := range f.path {
		names[i] = v.Name()
	}
	return strings.Join(names, ".")
}

// field returns the model of field f of the struct type t.
func (b *typeBuilder) field(t types.Type, f field, m mode) *model.Field {
	v := f.path[len(f.path)-1]
	defer b.enter(step{text: "." + goPath(f), pos: b.declared(f.path)})()
	outer := b.owner
	b.owner += v.Name()
	defer func() { b.owner = outer }()

	x := &model.Field{Name: f.name, GoName: v.Name(), Pos: b.position(v.Pos())}
	var pointer bool
	x.Path, pointer = b.steps(t, f, m)
	b.member = x
	lenient := m.lenient || f.lenient && !m.appendOnly
	x.Type = b.typeOf(v.Type(), mode{m.appendOnly, m.unaddressed && !pointer, lenient || isLenient(f.tag) && !m.appendOnly})
	b.member = nil
	x.Omit = b.omits(f, v.Type())
	x.Quoted = f.has("string") && b.isQuoted(f.typ())
	x.NullOK = nullable(v.Type())
	if text, ok := f.tag.Lookup("default"); ok && !m.appendOnly {
		x.Default = b.defaultOf(text, x)
		b.checkZero(x, v)
		if isPointer(v.Type()) {
			b.mustSpell(v.Type())
		}
	}
	x.Required = !lenient && !f.optional() && x.Default == nil
	return x
}

// declared returns where the last part of a path that is in the package itself is declared; NoPos: none is.
func (b *typeBuilder) declared(path []*types.Var) token.Pos {
	for _, v := range slices.Backward(path) {
		if v.Pkg() == b.pkg {
			return v.Pos()
		}
	}
	return token.NoPos
}

func (b *typeBuilder) position(pos token.Pos) model.Position { return diag.PositionIn(b.fset, pos) }

// steps returns the selectors that lead to f, and whether there is a pointer among them. Embedded structs are left to Go's own
// promotion of fields wherever that leads to the same one, which it has to where this package may not name them.
func (b *typeBuilder) steps(t types.Type, f field, m mode) (steps []model.Step, pointer bool) {
	from := t   // what the next step is selected from
	before := t // what the step before it was, if that was a pointer
	for i := 0; i < len(f.path); i++ {
		v := f.path[i]
		last := i == len(f.path)-1
		isPtr := !last && isPointer(v.Type())
		if isPtr && !v.Exported() {
			b.undecodable("embedded pointer to unexported struct %s, which encoding/json cannot decode into: embed the struct itself, or export it", v.Name())
			if v.Pkg() != b.pkg {
				if m.appendOnly {
					b.problem("it cannot be reached from this package, because the struct to which the embedded pointer %s leads is not exported", v.Name())
				}
				return steps, true
			}
		}
		if !last && !isPtr {
			if n := b.promoted(from, f.path[i+1:]); n > 0 {
				i += n - 1 // on with what it is promoted to
				continue
			}
			if !v.Exported() && v.Pkg() != b.pkg {
				b.problem("it cannot be reached from this package: the struct that it is promoted from is not exported")
				return steps, pointer
			}
		}
		if n := len(steps); n > 0 && steps[n-1].Pointer && b.isPromoted(before, v) {
			steps[n-1].Implied = true
			from = before
		}
		s := model.Step{Name: v.Name(), Pointer: isPtr}
		if isPtr {
			s.Elem, _ = b.spell.spell(v.Type().Underlying().(*types.Pointer).Elem())
		}
		steps = append(steps, s)
		from, before = v.Type(), from
		pointer = pointer || isPtr
	}
	return steps, pointer
}

// promoted returns how many of the embedded fields on a path can be left out where it is selected from t, one more than
// that: the first that is not is the next. 0: none is promoted. What a pointer leads to has to be looked at.
func (b *typeBuilder) promoted(t types.Type, path []*types.Var) int {
	far := slices.IndexFunc(path, func(v *types.Var) bool { return isPointer(v.Type()) }) + 1
	if far == 0 {
		far = len(path)
	}
	for n := far; n > 0; n-- {
		if b.isPromoted(t, path[n-1]) {
			return n
		}
	}
	return 0
}

// isQuoted reports whether the ",string" option has a meaning for type t.
func (b *typeBuilder) isQuoted(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	if !ok || basic.Info()&(types.IsBoolean|types.IsInteger|types.IsFloat|types.IsString) == 0 {
		return false
	}
	if m := methodsOf(t); m.appendVia(false) != model.Structure || m.decodeVia() != model.Structure {
		b.problem("the string option does not go with %s, which has methods for its JSON: encoding/json could not decode what it encodes", b.text(t))
	}
	return true
}

// nullable reports whether null is a value of t and not the lack of one.
func nullable(t types.Type) bool {
	if typeName(types.Unalias(t)) == "time.Time" {
		return false
	}
	switch t.Underlying().(type) {
	case *types.Slice, *types.Map, *types.Interface, *types.Pointer:
		return true
	}
	return methodsOf(t).has("UnmarshalJSON")
}

// omits returns when f, a field of type t, is left out.
func (b *typeBuilder) omits(f field, t types.Type) []model.Omit {
	var omits []model.Omit
	if f.has("omitempty") {
		if omit, ok := omitEmpty(t); ok {
			omits = append(omits, omit)
		}
	}
	if f.has("omitzero") {
		if omit := b.omitZero(t); !slices.Contains(omits, omit) {
			omits = append(omits, omit)
		}
	}
	return omits
}

func omitEmpty(t types.Type) (model.Omit, bool) {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return omitBasic(u), true
	case *types.Slice, *types.Map:
		return model.OmitLen, true
	case *types.Array:
		return model.OmitAlways, u.Len() == 0
	case *types.Pointer, *types.Interface:
		return model.OmitNil, true
	}
	return 0, false
}

func omitBasic(u *types.Basic) model.Omit {
	switch info := u.Info(); {
	case info&types.IsString != 0:
		return model.OmitLen
	case info&types.IsBoolean != 0:
		return model.OmitFalse
	}
	return model.OmitNumber
}

func (b *typeBuilder) omitZero(t types.Type) model.Omit {
	nilable := isPointer(t) || types.IsInterface(t)
	if methodsOf(t).has("IsZero") {
		if nilable {
			return model.OmitNilOr
		}
		return model.OmitMethod
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return omitBasic(u)
	case *types.Struct, *types.Array:
		if src, _ := b.spell.spell(t); src != nil && types.Comparable(t) {
			return model.OmitCompare
		}
		return model.OmitReflect
	}
	return model.OmitNil
}
