package templates

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// Some types cannot be spelled in the package: unexported ones of other packages, say, that exported fields have. Go infers them
// all the same. Their codec functions are closures inside of the functions that need them. Before a call, a variable is set to the
// value that the call is about.

// inferred prints the variables that have such types.
func (f *File) inferred() {
	if len(f.pkg.Inferred) == 0 {
		return
	}
	f.Line()
	f.comment("Types that only their own packages can name: each variable points to a value of one, from which Go infers it.")
	var vars []jen.Code
	for _, t := range f.pkg.Inferred {
		vars = append(vars, jen.Id(t.Inferred.Var).Op("=").Add(f.specimen(t)))
	}
	f.Var().Defs(vars...)
}

// specimen returns a pointer to a value of a type that cannot be spelled.
func (f *File) specimen(t *model.Type) jen.Code {
	of := t.Inferred.Of
	from := jen.New(f.typeExpr(of))
	if of.Inferred != nil {
		from = jen.Id(of.Inferred.Var)
	}
	switch {
	case t.Inferred.Field != nil:
		return f.fieldPlace(t.Inferred.Field.Path, from).ptr
	case of.Kind == model.Pointer:
		return jen.Qual(pathTaskJSON, "NewPointee").Call(jen.Op("*").Add(from))
	case of.Kind == model.Map:
		return jen.Qual(pathTaskJSON, "NewValue").Call(jen.Op("*").Add(from))
	case of.Kind == model.Array:
		return jen.Qual(pathTaskJSON, "NewElem").Call(from.Index(jen.Op(":")))
	}
	return jen.Qual(pathTaskJSON, "NewElem").Call(jen.Op("*").Add(from))
}

// target returns the variable that a local function finds its value in.
func (f *File) target(t *model.Type) *jen.Statement {
	return jen.Id(f.local("this" + strings.TrimPrefix(t.Inferred.Var, "any")))
}

// callLocal returns the statements that call a local function for the value at p. coder may be the result of a call.
func (f *File) callLocal(t *model.Type, name string, coder *jen.Statement, p place) []jen.Code {
	return []jen.Code{
		f.target(t).Op("=").Add(p.ptr),
		jen.Id(name).Call(coder.Clone()),
	}
}

// localAppendFuncs returns the statements that declare the local functions for appending values of these types.
func (f *File) localAppendFuncs(types ...*model.Type) []jen.Code {
	e, v := f.local("e"), f.local("v")
	return f.localFuncs(
		localTypes(types, howAppended),
		jen.Id(e).Op("*").Qual(pathTaskJSON, "Encoder"), v,
		func(t *model.Type) (name string, body []jen.Code) { return t.AppendFunc, f.appendBody(t, e, v) },
	)
}

// localDecodeFuncs returns the statements that declare the local functions for decoding values of these types.
func (f *File) localDecodeFuncs(types ...*model.Type) []jen.Code {
	d, v := f.local("d"), f.local("v")
	return f.localFuncs(
		localTypes(types, howDecoded),
		jen.Id(d).Op("*").Qual(pathTaskJSON, "Decoder"), v,
		func(t *model.Type) (name string, body []jen.Code) { return t.DecodeFunc, f.decodeBody(t, d, v) },
	)
}

// localFuncs returns the statements that declare functions and their variables, all before the first body: they may call each
// other.
func (f *File) localFuncs(types []*model.Type, param *jen.Statement, v string, body func(*model.Type) (name string, body []jen.Code)) []jen.Code {
	var names, vars, code []jen.Code
	for _, t := range types {
		name, statements := body(t)
		names = append(names, jen.Id(name))
		vars = append(vars, f.target(t).Op(":=").Id(t.Inferred.Var))
		if t.Kind == model.StructKind && len(t.Struct.Fields) == 0 || t.Kind == model.Array && t.Len == 0 {
			statements = append([]jen.Code{jen.Id("_").Op("=").Id(v)}, statements...)
		}
		statements = append([]jen.Code{jen.Id(v).Op(":=").Add(f.target(t))}, statements...)
		code = append(code, jen.Id(name).Op("=").Func().Params(param.Clone()).Block(statements...))
	}
	if len(names) > 0 {
		vars = append(vars, jen.Var().List(names...).Func().Params(param.Clone()))
	}
	return append(vars, code...)
}

func howAppended(t *model.Type) (via model.Via, function string) { return t.Append, t.AppendFunc }
func howDecoded(t *model.Type) (via model.Via, function string)  { return t.Decode, t.DecodeFunc }

// isDivisible reports whether functions outside of a struct's own can do parts of its work: not without a name for its type, and not
// where they would need its local functions.
func isDivisible(t *model.Type, how func(*model.Type) (model.Via, string)) bool {
	return t.Inferred == nil && len(localTypes(partsOf(t), how)) == 0
}

// localTypes returns the types that need local functions below types of a codec, those types included. how says which way a
// type is coded, and by which function.
func localTypes(types []*model.Type, how func(*model.Type) (model.Via, string)) []*model.Type {
	var local []*model.Type
	seen := map[*model.Type]bool{}
	var visit func(t *model.Type)
	visit = func(t *model.Type) {
		via, name := how(t)
		if seen[t] || via != model.Structure || name != "" && t.Inferred == nil {
			return
		}
		seen[t] = true
		if name != "" {
			local = append(local, t)
		}
		for _, part := range partsOf(t) {
			visit(part)
		}
	}
	for _, t := range types {
		visit(t)
	}
	return local
}

// partsOf returns the types that a type consists of.
func partsOf(t *model.Type) []*model.Type {
	switch {
	case t.Struct != nil:
		return typesOf(t.Struct.Fields)
	case t.Elem != nil:
		return []*model.Type{t.Elem}
	}
	return nil
}

func typesOf(fields []*model.Field) []*model.Type {
	types := make([]*model.Type, len(fields))
	for i, field := range fields {
		types[i] = field.Type
	}
	return types
}

// declareValue declares a variable for a value of the map that v points to.
func (f *File) declareValue(t *model.Type, v, name string) jen.Code {
	if t.Source == nil {
		return jen.Id(name).Op(":=").Qual(pathTaskJSON, "ZeroValue").Call(jen.Op("*").Id(v))
	}
	return jen.Var().Id(name).Add(f.typeExpr(t))
}

// decodeInferredKey is decodeKey for a key of the map that v points to. The conversion needs the name of its underlying type only.
func (f *File) decodeInferredKey(t *model.Type, d, v, key string) []jen.Code {
	declare := jen.Id(key).Op(":=").Qual(pathTaskJSON, "ZeroKey").Call(jen.Op("*").Id(v))
	if t.Decode == model.TextMethod {
		return []jen.Code{declare, jen.Id(d).Dot("TextKey").Call(jen.Op("&").Id(key))}
	}
	var value *jen.Statement
	switch t.Kind {
	case model.Int:
		value = jen.Qual(pathTaskJSON, "IntKey").Types(jen.Id(t.Basic)).Call(jen.Id(d))
	case model.Uint:
		value = jen.Qual(pathTaskJSON, "UintKey").Types(jen.Id(t.Basic)).Call(jen.Id(d))
	default:
		value = jen.String().Call(jen.Id(d).Dot("Key").Call())
	}
	return []jen.Code{declare, jen.Op("*").Parens(jen.Op("*").Id(t.Basic)).Call(jen.Op("&").Id(key)).Op("=").Add(value)}
}
