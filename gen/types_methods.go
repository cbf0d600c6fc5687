package gen

import (
	"go/constant"
	"go/types"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// methods are the names of a type's marshaling methods, by the receivers that have them.
type methods struct {
	value   map[string]bool // in the method set of the type
	pointer map[string]bool // in the method set of a pointer to it
}

// methodsOf returns the marshaling methods of t, leaving out those with another signature than encoding/json expects.
func methodsOf(t types.Type) methods {
	m := methods{value: marshalMethods(t), pointer: map[string]bool{}}
	if !types.IsInterface(t) && !isPointer(t) {
		m.pointer = marshalMethods(types.NewPointer(t))
	}
	return m
}

func marshalMethods(t types.Type) map[string]bool {
	found := make(map[string]bool)
	set := types.NewMethodSet(t)
	for _, name := range []string{"MarshalJSON", "MarshalText"} {
		if s := set.Lookup(nil, name); s != nil {
			found[name] = isSignature(s.Type(), "", "[]byte,error")
		}
	}
	for _, name := range []string{"UnmarshalJSON", "UnmarshalText"} {
		if s := set.Lookup(nil, name); s != nil {
			found[name] = isSignature(s.Type(), "[]byte", "error")
		}
	}
	if s := set.Lookup(nil, "IsZero"); s != nil {
		found["IsZero"] = isSignature(s.Type(), "", "bool")
	}
	// What encoding/json calls besides with GOEXPERIMENT=jsonv2.
	if s := set.Lookup(nil, "MarshalJSONTo"); s != nil {
		found["MarshalJSONTo"] = isSignature(s.Type(), "*encoding/json/jsontext.Encoder", "error")
	}
	if s := set.Lookup(nil, "UnmarshalJSONFrom"); s != nil {
		found["UnmarshalJSONFrom"] = isSignature(s.Type(), "*encoding/json/jsontext.Decoder", "error")
	}
	return found
}

func isSignature(t types.Type, params, results string) bool {
	s := t.(*types.Signature)
	return !s.Variadic() && tupleText(s.Params()) == params && tupleText(s.Results()) == results
}

func tupleText(t *types.Tuple) string {
	var text strings.Builder
	for i := range t.Len() {
		if i > 0 {
			text.WriteString(",")
		}
		v := types.Unalias(t.At(i).Type())
		if types.Identical(v, types.NewSlice(types.Typ[types.Byte])) {
			text.WriteString("[]byte")
		} else {
			text.WriteString(v.String())
		}
	}
	return text.String()
}

func (m methods) has(name string) bool { return m.value[name] || m.pointer[name] }

// appendVia returns how encoding/json encodes the type, where it can take the address of the value or cannot.
func (m methods) appendVia(unaddressed bool) model.Via {
	switch {
	case m.value["MarshalJSON"], m.pointer["MarshalJSON"] && !unaddressed:
		return model.JSONMethod
	case m.value["MarshalText"], m.pointer["MarshalText"] && !unaddressed:
		return model.TextMethod
	}
	return model.Structure
}

// decodeVia returns how encoding/json decodes the type, whose address it always can take.
func (m methods) decodeVia() model.Via {
	switch {
	case m.has("UnmarshalJSON"):
		return model.JSONMethod
	case m.has("UnmarshalText"):
		return model.TextMethod
	}
	return model.Structure
}

// isSensitive reports whether encoding/json encodes t in two ways, depending on whether it can take the address.
func (b *typeBuilder) isSensitive(t types.Type) bool {
	t = types.Unalias(t)
	if known, ok := b.sensitive.At(t).(bool); ok {
		return known
	}
	b.sensitive.Set(t, false)
	m := methodsOf(t)
	result := m.appendVia(true) != m.appendVia(false)
	if !result && m.appendVia(true) == model.Structure {
		switch u := t.Underlying().(type) {
		case *types.Array:
			result = b.isSensitive(u.Elem())
		case *types.Struct:
			for field := range u.Fields() {
				result = result || b.isSensitive(field.Type())
			}
		}
	}
	b.sensitive.Set(t, result)
	return result
}

func isPointer(t types.Type) bool {
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

// typeName returns the qualified name of a declared type, or "".
func typeName(t types.Type) string {
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return ""
	}
	q := qualify(named.Obj())
	return q.path + "." + q.name
}

// constants knows constants of declared types. Each package is searched once, whatever number of its types is asked for.
type constants map[*types.Package]map[*types.TypeName][]*types.Const

// of returns a constant of a declared type, other than its zero value, as a Go literal: the first by name; "" where there is
// none.
func (c constants) of(t types.Type) string {
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return ""
	}
	pkg := named.Obj().Pkg()
	if c[pkg] == nil {
		c[pkg] = constantsIn(pkg.Scope())
	}
	for _, found := range c[pkg][named.Origin().Obj()] {
		if types.Identical(found.Type(), named) {
			return found.Val().ExactString()
		}
	}
	return ""
}

// constantsIn returns the constants of a scope that have a declared type and are not its zero value, by that type.
func constantsIn(scope *types.Scope) map[*types.TypeName][]*types.Const {
	found := map[*types.TypeName][]*types.Const{}
	for _, name := range scope.Names() {
		c, ok := scope.Lookup(name).(*types.Const)
		if !ok {
			continue
		}
		named, ok := types.Unalias(c.Type()).(*types.Named)
		if !ok {
			continue
		}
		switch v := c.Val(); v.Kind() {
		case constant.String:
			ok = constant.StringVal(v) != ""
		case constant.Int:
			n, exact := constant.Int64Val(v)
			ok = exact && n != 0
		default:
			ok = false
		}
		if ok {
			obj := named.Origin().Obj()
			found[obj] = append(found[obj], c)
		}
	}
	return found
}
