package templates

import (
	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// typeExpr spells a type.
func (f *File) typeExpr(t *model.Type) *jen.Statement {
	switch {
	case t.Named != nil:
		return f.namedExpr(t.Named)
	case t.Kind == model.Pointer:
		return jen.Op("*").Add(f.typeExpr(t.Elem))
	case t.Kind == model.Slice, t.Kind == model.Bytes:
		return jen.Index().Add(f.typeExpr(t.Elem))
	case t.Kind == model.Array:
		return jen.Index(jen.Lit(int(t.Len))).Add(f.typeExpr(t.Elem))
	case t.Kind == model.Map:
		return jen.Map(f.typeExpr(t.Key)).Add(f.typeExpr(t.Elem))
	case t.Kind == model.StructKind:
		return f.structExpr(t.Literal)
	case t.Kind == model.Any:
		return jen.Any()
	}
	return jen.Id(t.Basic)
}

func (f *File) namedExpr(n *model.Named) *jen.Statement {
	name := jen.Qual(n.PkgPath, n.Name)
	if n.PkgPath == "" {
		name = f.typeID(n.Name)
	}
	if len(n.Args) == 0 {
		return name
	}
	args := make([]jen.Code, len(n.Args))
	for i, arg := range n.Args {
		args[i] = f.typeExpr(arg)
	}
	return name.Types(args...)
}

// structExpr spells an unnamed struct type; its tags are part of its identity and stay as they are.
func (f *File) structExpr(fields []model.LiteralField) *jen.Statement {
	codes := make([]jen.Code, len(fields))
	for i, field := range fields {
		code := f.typeExpr(field.Type)
		if !field.Embedded {
			code = jen.Id(field.Name).Add(code)
		}
		if field.Tag != "" {
			code = code.Lit(field.Tag)
		}
		codes[i] = code
	}
	return jen.Struct(codes...)
}

// source spells a type that needs no codec.
func (f *File) source(src model.Source) *jen.Statement {
	s := &jen.Statement{}
	for _, p := range src {
		switch p.PkgPath {
		case "":
			s.Id(p.Text)
		case f.pkg.Path:
			s.Add(f.typeID(p.Name))
		default:
			s.Qual(p.PkgPath, p.Name)
		}
	}
	return s
}
