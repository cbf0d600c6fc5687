package templates

import (
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// codecs prints the codec functions of the package: AppendX and DecodeX of every task, the functions that they share,
// and those that append Run results.
func (f *File) codecs() {
	for _, codec := range f.pkg.Codecs {
		if codec.Task {
			f.taskCodec(codec.Type)
		}
		if codec.Append && codec.Type.Inferred == nil {
			f.appendFunc(codec.Type)
		}
		if codec.Decode && codec.Type.Inferred == nil {
			f.decodeFunc(codec.Type)
		}
	}
	for _, t := range f.pkg.Results {
		f.resultFunc(t)
	}
	f.inferred()
}

// taskCodec prints AppendX and DecodeX.
func (f *File) taskCodec(t *model.Type) {
	name := model.UpperFirst(t.Source[0].Name)
	dst, task, data, e, d := f.local("dst"), f.local("task"), f.local("data"), f.local("e"), f.local("d")
	f.Line()
	f.Commentf("Append%s appends the payload's JSON to %s. After an error %s is returned as it was.", name, dst, dst)
	f.Func().Id("Append"+name).Params(jen.Id(dst).Index().Byte(), jen.Id(task).Op("*").Add(f.typeExpr(t))).
		Params(jen.Index().Byte(), jen.Error()).Block(
		jen.Id(e).Op(":=").Qual(pathTaskJSON, "NewEncoder").Call(jen.Id(dst)),
		jen.Id(t.AppendFunc).Call(jen.Id(e), jen.Id(task)),
		jen.Return(jen.Id(e).Dot("Finish").Call(jen.Lit("payload"))),
	)
	f.Line()
	f.Commentf("Decode%s reads a payload's JSON, exactly one object, into %s, whatever was there before.", name, task)
	f.Func().Id("Decode"+name).Params(jen.Id(data).Index().Byte(), jen.Id(task).Op("*").Add(f.typeExpr(t))).Error().Block(
		jen.Op("*").Id(task).Op("=").Add(f.typeExpr(t)).Values(),
		jen.Id(d).Op(":=").Qual(pathTaskJSON, "NewDecoder").Call(jen.Id(data)),
		jen.Id(t.DecodeFunc).Call(jen.Id(d), jen.Id(task)),
		jen.Return(jen.Id(d).Dot("Finish").Call()),
	)
}

// resultFunc prints the function that appends a Run result, which the runtime has a pointer to.
func (f *File) resultFunc(t *model.Type) {
	dst, result, e := f.local("dst"), f.local("result"), f.local("e")
	v := f.local("v")
	block := []jen.Code{
		jen.Id(v).Op(":=").Id(result).Assert(jen.Op("*").Add(f.typeExpr(t))),
		jen.Id(e).Op(":=").Qual(pathTaskJSON, "NewEncoder").Call(jen.Id(dst)),
	}
	block = append(block, f.localAppendFuncs(t)...)
	block = append(block, f.appendValue(t, jen.Id(e), pointedTo(jen.Id(v)), false)...)
	block = append(block, jen.Return(jen.Id(e).Dot("Finish").Call(jen.Lit("result"))))
	f.Line()
	f.Func().Id(t.AppendResult).Params(jen.Id(dst).Index().Byte(), jen.Id(result).Any()).
		Params(jen.Index().Byte(), jen.Error()).Block(block...)
}

// uniqueKey returns a function literal func(dst []byte, task any) ([]byte, error) that appends the values which make a task
// unique, as an object that has no other fields.
func (f *File) uniqueKey(t *model.Task) jen.Code {
	dst, v, e := f.local("dst"), f.local("v"), f.local("e")
	body := []jen.Code{
		jen.Id(v).Op(":=").Add(f.asserted(t)),
		jen.Id(e).Op(":=").Qual(pathTaskJSON, "NewEncoder").Call(jen.Id(dst)),
	}
	body = append(body, f.localAppendFuncs(typesOf(t.Unique)...)...)
	body = append(body, f.structBody(nil, t.Unique, e, v)...)
	body = append(body, jen.Return(jen.Id(e).Dot("Finish").Call(jen.Lit("payload"))))
	return jen.Func().Params(jen.Id(dst).Index().Byte(), jen.Id(f.local("task")).Any()).
		Params(jen.Index().Byte(), jen.Error()).Block(body...)
}

// A place is a variable in generated code.
type place struct {
	val *jen.Statement // its value
	ptr *jen.Statement // its address
}

// variable is a place that is spelled expr.
func variable(expr *jen.Statement) place {
	return place{val: expr, ptr: jen.Op("&").Add(expr)}
}

// pointedTo is the place that a pointer points to.
func pointedTo(ptr *jen.Statement) place {
	return place{val: jen.Op("*").Add(ptr), ptr: ptr}
}

// elem is the place that a pointer of type t points to. A declared pointer type has no methods, and converts to that of its
// elements only.
func (f *File) elem(t *model.Type, ptr *jen.Statement) place {
	p := pointedTo(ptr)
	if t.Name != "" {
		p.ptr = jen.Parens(jen.Op("*").Add(f.typeExpr(t.Elem))).Call(ptr)
	}
	return p
}

// scalar returns the name of the methods of taskjson.Encoder and Decoder for a scalar, and a pointer to p of the type
// that they take; "" for what is no scalar.
func (f *File) scalar(t *model.Type, p place) (method string, ptr jen.Code) {
	var base string
	switch t.Kind {
	case model.Bool, model.Int, model.Uint, model.Float, model.String:
		method, base = strings.ToUpper(t.Basic[:1])+t.Basic[1:], t.Basic
	case model.Bytes:
		method, base = "Bytes", "[]byte"
	case model.Any:
		method, base = "Any", "any"
	case model.RawMessage:
		return "RawMessage", p.ptr
	case model.Number:
		return "Number", p.ptr
	case model.Time:
		return "Time", p.ptr
	default:
		return "", nil
	}
	if t.Name == "" {
		return method, p.ptr
	}
	return method, jen.Parens(jen.Op("*").Id(base)).Call(p.ptr)
}
