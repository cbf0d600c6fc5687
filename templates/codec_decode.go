package templates

import (
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// decodeFunc prints the function that decodes a struct, slice, array or map.
func (f *File) decodeFunc(t *model.Type) {
	d, v := f.local("d"), f.local("v")
	f.Line()
	f.Func().Id(t.DecodeFunc).
		Params(jen.Id(d).Op("*").Qual(pathTaskJSON, "Decoder"), jen.Id(v).Op("*").Add(f.typeExpr(t))).
		Block(append(f.localDecodeFuncs(partsOf(t)...), f.decodeBody(t, d, v)...)...)
}

// decodeBody returns the statements that decode a struct, slice, array or map to where v points.
func (f *File) decodeBody(t *model.Type, d, v string) []jen.Code {
	switch t.Kind {
	case model.StructKind:
		return f.decodeStruct(t, d, v)
	case model.Array:
		return f.decodeArray(t, d, v)
	case model.Map:
		return f.decodeMap(t, d, v)
	}
	return f.decodeSlice(t, d, v)
}

// forMore returns for more := init; more; more = d.next() { body }.
func (f *File) forMore(init jen.Code, d, next string, body ...jen.Code) jen.Code {
	more := f.local("more")
	return jen.For(
		jen.Id(more).Op(":=").Add(init),
		jen.Id(more),
		jen.Id(more).Op("=").Id(d).Dot(next).Call(),
	).Block(body...)
}

func (f *File) decodeSlice(t *model.Type, d, v string) []jen.Code {
	var body []jen.Code
	if t.Base64 {
		body = append(body, jen.If(jen.Qual(pathTaskJSON, "Base64").Call(jen.Id(d), jen.Id(v))).Block(jen.Return()))
	}
	if t.Elem.Decode == model.Structure && (t.Elem.Kind == model.Int || t.Elem.Kind == model.Uint) {
		return append(body, jen.Qual(pathTaskJSON, "IntSlice").Call(jen.Id(d), jen.Id(v)))
	}
	elem := jen.Qual(pathTaskJSON, "Grow").Call(jen.Id(v))
	var loop []jen.Code
	if t.Elem.Kind == model.Pointer { // is named twice: by what allocates it, and by what reads into it
		x := f.local("x")
		loop = append(loop, jen.Id(x).Op(":=").Add(elem))
		elem = jen.Id(x)
	}
	loop = append(loop, f.decodeValue(t.Elem, jen.Id(d), pointedTo(elem), false)...)
	return append(body, f.forMore(jen.Qual(pathTaskJSON, "OpenSlice").Call(jen.Id(d), jen.Id(v)), d, "Elem", loop...))
}

func (f *File) decodeArray(t *model.Type, d, v string) []jen.Code {
	i := f.local("i")
	skip := jen.Id(d).Dot("Skip").Call()
	if t.Len == 0 {
		return []jen.Code{f.forMore(jen.Id(d).Dot("Array").Call(), d, "Elem", skip)}
	}
	elem := variable(jen.Id(v).Index(jen.Id(i)))
	return []jen.Code{
		jen.Id(i).Op(":=").Lit(0),
		f.forMore(jen.Id(d).Dot("Array").Call(), d, "Elem",
			jen.If(jen.Id(i).Op("<").Len(jen.Id(v))).
				Block(f.decodeValue(t.Elem, jen.Id(d), elem, false)...).
				Else().Block(skip),
			jen.Id(i).Op("++"),
		),
	}
}

func (f *File) decodeMap(t *model.Type, d, v string) []jen.Code {
	x, key := f.local("x"), f.local("key")
	body := append(f.decodeKey(t.Key, d, v, key), f.declareValue(t.Elem, v, x))
	body = append(body, f.decodeValue(t.Elem, jen.Id(d), variable(jen.Id(x)), false)...)
	put, args := "Put", []jen.Code{jen.Op("*").Id(v), jen.Id(key), jen.Op("&").Id(x)}
	if t.Key.Decode == model.TextMethod {
		put, args = "PutText", append([]jen.Code{jen.Id(d)}, args...)
	}
	body = append(body, jen.Qual(pathTaskJSON, put).Call(args...))
	return []jen.Code{f.forMore(jen.Qual(pathTaskJSON, "OpenMap").Call(jen.Id(d), jen.Id(v)), d, "Entry", body...)}
}

// decodeKey returns the statements that declare key and set it to the key of a map's entry.
func (f *File) decodeKey(t *model.Type, d, v, key string) []jen.Code {
	switch {
	case t.Source == nil:
		return f.decodeInferredKey(t, d, v, key)
	case t.Decode == model.TextMethod:
		return []jen.Code{
			jen.Var().Id(key).Add(f.typeExpr(t)),
			jen.Id(d).Dot("TextKey").Call(jen.Op("&").Id(key)),
		}
	case t.Kind == model.Int:
		return []jen.Code{jen.Id(key).Op(":=").Qual(pathTaskJSON, "IntKey").Types(f.typeExpr(t)).Call(jen.Id(d))}
	case t.Kind == model.Uint:
		return []jen.Code{jen.Id(key).Op(":=").Qual(pathTaskJSON, "UintKey").Types(f.typeExpr(t)).Call(jen.Id(d))}
	}
	return []jen.Code{jen.Id(key).Op(":=").Add(f.typeExpr(t)).Call(jen.Id(d).Dot("Key").Call())}
}

// fieldPlace returns where a path leads to, after allocating what the embedded pointers on the way point to.
func (f *File) fieldPlace(path []model.Step, v *jen.Statement) place {
	at := v
	for _, step := range path {
		at = at.Clone().Dot(step.Name)
		if step.Pointer {
			at = jen.Qual(pathTaskJSON, "Embedded").Call(jen.Op("&").Add(at))
		}
	}
	return variable(at)
}

// decodeValue returns the statements that decode the next value into p with decoder d, which may be the result of a
// call.
func (f *File) decodeValue(t *model.Type, d *jen.Statement, p place, quoted bool) []jen.Code {
	switch {
	case t.Decode == model.JSONMethod:
		return []jen.Code{d.Clone().Dot("Unmarshaler").Call(p.ptr)}
	case t.Decode == model.TextMethod:
		return []jen.Code{d.Clone().Dot("TextUnmarshaler").Call(p.ptr)}
	case t.DecodeFunc != "" && t.Inferred != nil:
		return f.callLocal(t, t.DecodeFunc, d, p)
	case t.DecodeFunc != "":
		return []jen.Code{jen.Id(t.DecodeFunc).Call(d, p.ptr)}
	case t.Kind == model.Pointer:
		return f.decodePointer(t, d, p, quoted)
	}
	method, ptr := f.scalar(t, p)
	if quoted {
		return []jen.Code{jen.Qual(pathTaskJSON, quotedFunc(t)).Call(d, p.ptr)}
	}
	return []jen.Code{d.Clone().Dot(method).Call(ptr)}
}

func (f *File) decodePointer(t *model.Type, d *jen.Statement, p place, quoted bool) []jen.Code {
	alloc := "Alloc"
	if quoted {
		alloc = "QuotedAlloc"
	}
	ptr := p.ptr
	if t.Name != "" {
		ptr = jen.Parens(jen.Op("**").Add(f.typeExpr(t.Elem))).Call(ptr)
	}
	return []jen.Code{
		jen.If(jen.Qual(pathTaskJSON, alloc).Call(d, ptr)).
			Block(f.decodeValue(t.Elem, jen.Id(f.local("d")), f.elem(t, p.val), quoted)...),
	}
}

func quotedFunc(t *model.Type) string {
	switch t.Kind {
	case model.Bool:
		return "QuotedBool"
	case model.Int:
		return "QuotedInt"
	case model.Uint:
		return "QuotedUint"
	case model.Float:
		return "QuotedFloat"
	case model.Number:
		return "QuotedNumber"
	}
	return "QuotedString"
}

// rawLit returns a string in back quotes where that is possible.
func rawLit(s string) *jen.Statement {
	if strconv.CanBackquote(s) {
		return jen.Id("`" + s + "`")
	}
	return jen.Lit(s)
}

// defaultLiteral returns a default as a Go constant, or as a pointer to one; nil when it has to be decoded.
func (f *File) defaultLiteral(t *model.Type, text string) jen.Code {
	switch t.Kind {
	case model.String:
		return jen.Lit(text)
	case model.Bool, model.Int, model.Uint, model.Float:
		return jen.Id(goNumber(text))
	case model.Pointer:
		literal := f.defaultLiteral(t.Elem, text)
		if literal == nil {
			return nil
		}
		if t.Elem.Kind != model.Pointer {
			literal = f.typeExpr(t.Elem).Call(literal)
		}
		return jen.New(literal)
	}
	return nil
}

// goNumber returns JSON's spelling of a boolean or number in Go, which has the same one but for its use of white space.
func goNumber(text string) string {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return strconv.FormatInt(n, 10)
	}
	return text
}
