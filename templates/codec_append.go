package templates

import (
	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// appendFunc prints the function that appends a struct, slice, array or map.
func (f *File) appendFunc(t *model.Type) {
	e, v := f.local("e"), f.local("v")
	f.Line()
	f.Func().Id(t.AppendFunc).
		Params(jen.Id(e).Op("*").Qual(pathTaskJSON, "Encoder"), jen.Id(v).Op("*").Add(f.typeExpr(t))).
		Block(append(f.localAppendFuncs(partsOf(t)...), f.appendBody(t, e, v)...)...)
}

// appendBody returns the statements that append a struct, slice, array or map that v points to.
func (f *File) appendBody(t *model.Type, e, v string) []jen.Code {
	switch t.Kind {
	case model.StructKind:
		return f.structBody(t, t.Struct.Fields, e, v)
	case model.Slice:
		return f.appendSlice(t, e, v)
	case model.Array:
		return f.appendArray(t, e, v)
	case model.Map:
		return f.appendMap(t, e, v)
	}
	return []jen.Code{jen.Qual(pathTaskJSON, "AppendBase64").Call(jen.Id(e), jen.Id(v))}
}

// returnIfNil returns the statement with which a function leaves after appending null.
func (f *File) returnIfNil(e, v string) jen.Code {
	return jen.If(jen.Op("!").Id(e).Dot("NotNil").Call(jen.Op("*").Id(v).Op("!=").Nil())).Block(jen.Return())
}

func (f *File) appendSlice(t *model.Type, e, v string) []jen.Code {
	if t.Elem.Append == model.Structure && (t.Elem.Kind == model.Int || t.Elem.Kind == model.Uint) {
		return []jen.Code{jen.Qual(pathTaskJSON, "AppendInts").Call(jen.Id(e), jen.Op("*").Id(v))}
	}
	i := f.local("i")
	elem := variable(jen.Parens(jen.Op("*").Id(v)).Index(jen.Id(i)))
	return []jen.Code{
		f.returnIfNil(e, v),
		jen.Id(e).Dot("Array").Call(),
		jen.For(jen.Id(i).Op(":=").Range().Op("*").Id(v)).Block(f.appendValue(t.Elem, jen.Id(e), elem, false)...),
		jen.Id(e).Dot("EndArray").Call(),
	}
}

func (f *File) appendArray(t *model.Type, e, v string) []jen.Code {
	i := f.local("i")
	elem := variable(jen.Id(v).Index(jen.Id(i)))
	return []jen.Code{
		jen.Id(e).Dot("Array").Call(),
		jen.For(jen.Id(i).Op(":=").Range().Id(v)).Block(f.appendValue(t.Elem, jen.Id(e), elem, false)...),
		jen.Id(e).Dot("EndArray").Call(),
	}
}

// fewEntries is how many entries of a map are sorted without allocating memory.
const fewEntries = 8

func (f *File) appendMap(t *model.Type, e, v string) []jen.Code {
	fewKeys, fewValues, keys, values, key := f.local("fewKeys"), f.local("fewValues"), f.local("keys"), f.local("values"), f.local("key")
	empty := func(array string) *jen.Statement { return jen.Id(array).Index(jen.Empty(), jen.Lit(0)) }
	room := jen.Qual(pathTaskJSON, "NoValues").Call(jen.Op("*").Id(v))
	declare := []jen.Code{jen.Var().Id(fewKeys).Index(jen.Lit(fewEntries)).Qual(pathTaskJSON, "MapKey")}
	if t.Elem.Source != nil {
		room = empty(fewValues)
		declare = append(declare, jen.Var().Id(fewValues).Index(jen.Lit(fewEntries)).Add(f.typeExpr(t.Elem)))
	}
	args := []jen.Code{empty(fewKeys), room, jen.Op("*").Id(v)}
	entries := "StringEntries"
	switch {
	case t.Key.Append == model.TextMethod:
		entries = "TextEntries"
		args = append([]jen.Code{jen.Id(e)}, args...)
	case t.Key.Kind == model.Int:
		entries = "IntEntries"
	case t.Key.Kind == model.Uint:
		entries = "UintEntries"
	}
	value := variable(jen.Id(values).Index(jen.Id(key).Dot("Value")))
	body := append([]jen.Code{f.returnIfNil(e, v), jen.Id(e).Dot("Map").Call()}, declare...)
	return append(body,
		jen.List(jen.Id(keys), jen.Id(values)).Op(":=").Qual(pathTaskJSON, entries).Call(args...),
		jen.For(jen.List(jen.Id("_"), jen.Id(key)).Op(":=").Range().Id(keys)).Block(
			f.appendValue(t.Elem, jen.Id(e).Dot("MapKey").Call(jen.Id(key).Dot("Text")), value, false)...),
		jen.Id(e).Dot("EndMap").Call(),
	)
}

// appendValue returns the statements that append the value at p with encoder e, which may be the result of a call.
func (f *File) appendValue(t *model.Type, e *jen.Statement, p place, quoted bool) []jen.Code {
	switch {
	case t.Append == model.JSONMethod:
		return []jen.Code{e.Clone().Dot("Marshaler").Call(marshalerOf(t, p))}
	case t.Append == model.TextMethod:
		return []jen.Code{e.Clone().Dot("TextMarshaler").Call(marshalerOf(t, p))}
	case t.AppendFunc != "" && t.Inferred != nil:
		return f.callLocal(t, t.AppendFunc, e, p)
	case t.AppendFunc != "":
		return []jen.Code{jen.Id(t.AppendFunc).Call(e, p.ptr)}
	case t.Kind == model.Pointer:
		cond := e.Clone().Dot("NotNil").Call(p.val.Clone().Op("!=").Nil())
		return []jen.Code{jen.If(cond).Block(f.appendValue(t.Elem, jen.Id(f.local("e")), f.elem(t, p.val), quoted)...)}
	case t.Kind == model.Any && t.Basic == "":
		return []jen.Code{e.Clone().Dot("Interface").Call(p.val)}
	}
	method, ptr := f.scalar(t, p)
	switch {
	case quoted && method == "String":
		return []jen.Code{e.Clone().Dot("QuotedString").Call(ptr)}
	case quoted:
		return []jen.Code{
			e.Clone().Dot("Quote").Call().Dot(method).Call(ptr),
			jen.Id(f.local("e")).Dot("EndQuote").Call(),
		}
	}
	return []jen.Code{e.Clone().Dot(method).Call(ptr)}
}

// marshalerOf returns what has the methods of p: an interface itself, of other types the address.
func marshalerOf(t *model.Type, p place) jen.Code {
	if t.Kind == model.Any {
		return p.val
	}
	return p.ptr
}
