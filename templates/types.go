package templates

import (
	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// typeExpr spells a type.
func (f *File) typeExpr(t *model.Type) *jen.Statement { return f.source(t.Source) }

// source spells a type.
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
