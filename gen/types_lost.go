package gen

import (
	"go/types"
	"reflect"
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// What does not come back from JSON is lost without a word: encoding/json says nothing of it, and Run sees a zero value.

// checkExported reports the fields of a task that are not exported, and no part of the JSON for that reason.
func (b *typeBuilder) checkExported(u *types.Struct) (reported bool) {
	for i := range u.NumFields() {
		reported = b.checkFieldExported(u.Field(i), u.Tag(i)) || reported
	}
	return reported
}

func (b *typeBuilder) checkFieldExported(v *types.Var, tag string) (reported bool) {
	_, tagged := reflect.StructTag(tag).Lookup("json") // which is reported with the tag, if it is another than "-"
	switch {
	case v.Exported() || tagged || v.Name() == "_" || !holdsData(v.Type()):
		return false
	case !v.Embedded():
		b.report(v.Pos(), "field %s: it is not exported, so JSON leaves it out and Run would see its zero value: rename it to %s, or "+
			"give it the tag json:\"-\" if that is meant", v.Name(), model.UpperFirst(v.Name()))
	case isStruct(followPointer(v.Type())):
		return false
	default:
		b.report(v.Pos(), "field %s: it is embedded, not exported and not a struct, so JSON leaves it out and Run would see its zero "+
			"value: give it a name, or the tag json:\"-\" if that is meant", v.Name())
	}
	return true
}

// checkEmbedded reports a struct that is embedded though nothing in it reaches JSON.
func (b *typeBuilder) checkEmbedded(v *types.Var, tag string) {
	t := followPointer(v.Type())
	if v.Embedded() && tag == "" && b.own(v.Pkg()) && isStruct(t) && isLost(t) {
		b.report(v.Pos(), "field %s: %s has no field that reaches JSON, and Run would see its zero value: give it the tag json:\"-\" if that is "+
			"meant", v.Name(), b.text(t))
	}
}

// checkLost notes a struct in which there is something, but nothing that reaches JSON.
func (b *typeBuilder) checkLost(t types.Type) {
	if !isLost(t) {
		return
	}
	if methodsOf(t).appendVia(false) != model.Structure {
		b.problem("%s has its methods for JSON on its pointer only, which cannot be had of a value in a map, and no field that reaches JSON: it "+
			"would always be {}; make it a map of pointers", b.text(t))
		return
	}
	b.problem("%s has no field that reaches JSON: it would always be {}; leave it out with json:\"-\" if that is meant", b.text(t))
}

// isLost reports whether a struct has something in it, of which nothing reaches JSON.
func isLost(t types.Type) bool {
	ambiguous := false
	fields := jsonFields(t, func(*types.Var, string) {}, func(a, b field) { ambiguous = true }) // which is another problem
	return len(fields) == 0 && !ambiguous && holdsData(t)
}

// holdsData reports whether there are different values of a type. Fields that are left out on purpose do not count.
func holdsData(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Array:
		return u.Len() > 0 && holdsData(u.Elem())
	case *types.Struct:
		for i := range u.NumFields() {
			if f := u.Field(i); f.Name() != "_" && reflect.StructTag(u.Tag(i)).Get("json") != "-" && holdsData(f.Type()) {
				return true
			}
		}
		return false
	}
	return true
}

// checkMethods notes a type whose methods for JSON do not go together: what it is encoded to could never be decoded, or is not all
// of it.
func (b *typeBuilder) checkMethods(x *model.Type, t types.Type, m mode) {
	if isPointer(t) || types.IsInterface(t) {
		return
	}
	b.checkHidden(x, t)
	b.checkStreaming(x, t)
	if x.Decode != model.Structure {
		name := map[model.Via]string{model.JSONMethod: "UnmarshalJSON", model.TextMethod: "UnmarshalText"}[x.Decode]
		if v := nilOnTheWay(t, name); v != nil {
			b.undecodable("%s cannot be decoded from JSON: its %s is that of the embedded %s, which is nil then; declare the method on %s, or give the "+
				"embedded field a name", b.text(t), name, b.text(v.Type()), b.text(t))
		}
	}
	// Of what is lost altogether that is said already.
	asText := x.Kind == model.String || x.Kind == model.Bytes || x.Base64 || x.Kind == model.StructKind && len(x.Struct.Fields) == 0
	switch {
	case x.Append == model.TextMethod && x.Decode == model.Structure && !asText:
		b.undecodable("%s cannot be decoded from JSON: it has MarshalText but no UnmarshalText", b.text(t))
	case x.Append == model.Structure && x.Decode == model.TextMethod && !asText && m.unaddressed:
		b.undecodable("%s cannot be decoded from JSON: its MarshalText is on its pointer, which cannot be had of a value in a map, and its "+
			"UnmarshalText wants a string; make it a map of pointers", b.text(t))
	case x.Append == model.Structure && x.Decode == model.TextMethod && !asText:
		b.undecodable("%s cannot be decoded from JSON: its UnmarshalText wants a string, and it has no MarshalText to make one", b.text(t))
	}
}

// checkStreaming notes methods that encoding/json calls with GOEXPERIMENT=jsonv2 and not without, and that stand alone. Generated
// code, which is the same under all toolchains, cannot call them.
func (b *typeBuilder) checkStreaming(x *model.Type, t types.Type) {
	const only = "%s has %s, which encoding/json calls only with GOEXPERIMENT=jsonv2: give it %s too, so its JSON is the same under every toolchain"
	m := methodsOf(t)
	if m.has("MarshalJSONTo") && x.Append != model.JSONMethod {
		b.problem(only, b.text(t), "MarshalJSONTo", "MarshalJSON")
	}
	if m.has("UnmarshalJSONFrom") && x.Decode != model.JSONMethod {
		b.undecodable(only, b.text(t), "UnmarshalJSONFrom", "UnmarshalJSON")
	}
}

// checkHidden notes fields that a method of an embedded field keeps out of the JSON.
func (b *typeBuilder) checkHidden(x *model.Type, t types.Type) {
	named, ok := t.(*types.Named)
	if !ok || x.Append == model.Structure || !isStruct(t) || !b.own(named.Obj().Pkg()) {
		return
	}
	name := map[model.Via]string{model.JSONMethod: "MarshalJSON", model.TextMethod: "MarshalText"}[x.Append]
	way := promotion(t, name)
	if len(way) == 0 {
		return
	}
	ignore := func(*types.Var, string) {}
	for _, f := range jsonFields(t, ignore, func(a, b field) {}) {
		if f.path[0] != way[0] {
			b.problem("%s has the %s of the embedded %s, so its field %s does not reach JSON: declare the method on %s, or give the embedded "+
				"field a name", b.text(t), name, b.text(way[0].Type()), goPath(f), b.text(t))
			return
		}
	}
}

// promotion returns the embedded fields by which a type has a method; none if it is its own, or has none.
func promotion(t types.Type, method string) []*types.Var {
	obj, index, _ := types.LookupFieldOrMethod(t, true, nil, method)
	if _, ok := obj.(*types.Func); !ok {
		return nil
	}
	var way []*types.Var
	for _, i := range index[:len(index)-1] {
		v := followPointer(t).Underlying().(*types.Struct).Field(i)
		way = append(way, v)
		t = v.Type()
	}
	return way
}

// nilOnTheWay returns an embedded pointer or interface by which a type has a method, and that is nil in its zero value.
func nilOnTheWay(t types.Type, method string) *types.Var {
	way := promotion(t, method)
	if i := slices.IndexFunc(way, func(v *types.Var) bool { return isPointer(v.Type()) || types.IsInterface(v.Type()) }); i >= 0 {
		return way[i]
	}
	return nil
}
