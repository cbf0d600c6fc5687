package templates

import (
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// structBody returns the statements that append fields of the struct that v points to. A first field that is never left
// out is appended together with the brace. t is the struct's type if there can be other functions that append some of the fields; or nil.
func (f *File) structBody(t *model.Type, fields []*model.Field, e, v string) []jen.Code {
	body := []jen.Code{jen.Id(e).Dot("Object").Call()}
	if len(fields) > 0 && isAlwaysThere(fields[0]) {
		first := fields[0]
		body = append(body, f.appendMember("{"+quotedName(first), first, first.Type, jen.Id(e), variable(selector(jen.Id(v), first.Path)))...)
		fields = fields[1:]
	} else {
		body = append(body, jen.Id(e).Dot("Key").Call(jen.Id("`{`")))
	}
	a := fieldAppender{File: f, e: e, v: v}
	var typ model.Source
	if t != nil && isDivisible(t, howAppended) {
		a.name, typ = t.AppendFunc, t.Source
	}
	body = append(body, a.fields(fields, 0, typ)...)
	return append(body, jen.Id(e).Dot("EndObject").Call())
}

func isAlwaysThere(field *model.Field) bool { return len(field.Omit) == 0 && embedding(field, 0) == 0 }

// quotedName returns the field's name in quotes and with a colon.
func quotedName(field *model.Field) string { return `"` + field.Name + `":` }

// A fieldAppender prints what appends the fields of a struct, in functions that are bounded in length as those of memberDecoder
// are.
type fieldAppender struct {
	*File
	name      string // of the struct's function, which others are called after
	functions int    // how many there are already

	e, v string // parameters
}

// fields returns the statements that append fields. typ is the type that v points to, nil if there cannot be other functions; at is
// the number of steps that lead there.
func (a *fieldAppender) fields(fields []*model.Field, at int, typ model.Source) []jen.Code {
	body := a.reached(fields, at, at, typ != nil)
	for typ != nil && len(body) > maxParts {
		var calls []jen.Code
		for chunk := range slices.Chunk(body, maxParts) {
			calls = append(calls, jen.Id(a.function(typ, chunk)).Call(jen.Id(a.e), jen.Id(a.v)))
		}
		body = calls
	}
	return body
}

// reached returns the statements that append fields for which no pointer in the first steps on the way is nil. Fields that are
// reached through the same embedded pointer stand together; in a function of their own, if apart.
func (a *fieldAppender) reached(fields []*model.Field, at, steps int, apart bool) []jen.Code {
	var body []jen.Code
	for len(fields) > 0 {
		way := fields[0].Path
		n := embedding(fields[0], steps)
		if n == 0 {
			body = append(body, a.appendField(fields[0], jen.Id(a.e), variable(selector(jen.Id(a.v), way[at:])))...)
			fields = fields[1:]
			continue
		}
		size := sharing(fields, steps, n)
		ptr := selector(jen.Id(a.v), way[at:n])
		var embedded []jen.Code
		if elem := way[n-1].Elem; apart && elem != nil {
			name := a.function(elem, a.fields(fields[:size], n, elem))
			embedded = []jen.Code{jen.Id(name).Call(jen.Id(a.e), ptr)}
		} else {
			embedded = a.reached(fields[:size], at, n, apart)
		}
		body = append(body, jen.If(ptr.Clone().Op("!=").Nil()).Block(embedded...))
		fields = fields[size:]
	}
	return body
}

// function prints a function that appends fields of the struct of type typ that v points to, and returns its name.
func (a *fieldAppender) function(typ model.Source, body []jen.Code) string {
	params := []jen.Code{jen.Id(a.e).Op("*").Qual(pathTaskJSON, "Encoder"), jen.Id(a.v).Op("*").Add(a.source(typ))}
	return a.partFunc(a.name, &a.functions, params, body)
}

// selector prints how a field is reached when no pointer on the way is nil.
func selector(v *jen.Statement, path []model.Step) *jen.Statement {
	s := v.Clone()
	for i, step := range path {
		if !step.Implied || i == len(path)-1 {
			s = s.Dot(step.Name)
		}
	}
	return s
}

// appendField returns the statements that append a field, which is at p.
func (f *File) appendField(field *model.Field, e *jen.Statement, p place) []jen.Code {
	if slices.Contains(field.Omit, model.OmitAlways) {
		return nil
	}
	if len(field.Omit) == 0 {
		return f.appendMember(quotedName(field), field, field.Type, e, p)
	}
	cond := &jen.Statement{}
	pointer := false
	for i, omit := range field.Omit {
		if i > 0 {
			cond.Op("&&")
		}
		if omit == model.OmitNil && field.Type.Kind == model.Pointer {
			pointer = true
			cond.Add(e.Clone().Dot("Has").Call(p.val.Clone().Op("!=").Nil()))
			continue
		}
		cond.Add(f.present(omit, field, e, p))
	}
	if pointer {
		return []jen.Code{jen.If(cond).Block(f.appendMember(quotedName(field), field, field.Type.Elem, e, f.elem(field.Type, p.val))...)}
	}
	return []jen.Code{jen.If(cond).Block(f.appendMember(quotedName(field), field, field.Type, e, p)...)}
}

// appendMember returns the statements that append a field's name, given as the runtime takes it, and the value at p, which is of
// type t.
func (f *File) appendMember(quoted string, field *model.Field, t *model.Type, e *jen.Statement, p place) []jen.Code {
	name := jen.Id("`" + quoted + "`")
	if method, base := fieldMethod(t); method != "" && !field.Quoted {
		value := p.val.Clone()
		if t.Name != "" || t.Basic != base {
			value = jen.Id(base).Call(value)
		}
		return []jen.Code{e.Clone().Dot(method).Call(name, value)}
	}
	return f.appendValue(t, e.Clone().Dot("Key").Call(name), p, field.Quoted)
}

// fieldMethod returns the method that appends a name and a value of type t with one call, and the type that it takes; "" where
// there is none.
func fieldMethod(t *model.Type) (method, base string) {
	switch {
	case t.Append != model.Structure:
	case t.Kind == model.String:
		return "StringField", "string"
	case t.Kind == model.Int:
		return "IntField", "int64"
	case t.Kind == model.Uint:
		return "UintField", "uint64"
	case t.Kind == model.Float && t.Basic == "float64":
		return "FloatField", "float64"
	case t.Kind == model.Bool:
		return "BoolField", "bool"
	}
	return "", ""
}

// present returns the condition under which a field, which is at p, is not left out.
func (f *File) present(omit model.Omit, field *model.Field, e *jen.Statement, p place) jen.Code {
	t, val := field.Type, p.val.Clone()
	switch omit {
	case model.OmitLen:
		if t.Kind == model.String {
			return val.Op("!=").Lit("")
		}
		return jen.Len(val).Op("!=").Lit(0)
	case model.OmitFalse:
		return val
	case model.OmitNumber:
		return val.Op("!=").Lit(0)
	case model.OmitNil:
		return val.Op("!=").Nil()
	case model.OmitMethod:
		if t.Kind == model.Time {
			return jen.Op("!").Add(val).Dot("IsZero").Call()
		}
		return notZero(field, e, p.ptr)
	case model.OmitNilOr:
		cond := val.Clone().Op("!=").Nil()
		if t.Kind == model.Any {
			cond.Op("&&").Op("!").Qual(pathTaskJSON, "IsNilPointer").Call(val)
		}
		if t.Kind == model.Pointer && t.Elem.Kind == model.Time {
			return cond.Op("&&").Op("!").Add(val).Dot("IsZero").Call()
		}
		return cond.Op("&&").Add(notZero(field, e, val))
	case model.OmitCompare:
		return val.Op("!=").Parens(f.typeExpr(t).Values())
	default:
		return jen.Op("!").Qual(pathTaskJSON, "IsZero").Call(p.ptr)
	}
}

// notZero returns the condition that a field's own IsZero method, which v has, does not call it zero.
func notZero(field *model.Field, e *jen.Statement, v jen.Code) jen.Code {
	return e.Clone().Dot("NotZero").Call(jen.Id("`"+quotedName(field)+"`"), v)
}
