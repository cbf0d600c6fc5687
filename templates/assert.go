package templates

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// stale is what a compile error names when generated code does not fit its source any more: the remedy.
const stale = "generatedCodeIsStaleRunGoGenerate"

// version prints the assertion that the runtime is one that this code was generated for.
func (f *File) version() {
	f.Line()
	f.comment("A compile error here means that this file and the cloudtask runtime in go.mod do not fit together: run \"go generate\" with the " +
		"cloudtaskgen of the same module version, or update the module.")
	f.Const().Id("_").Op("=").Qual(pathCloudtask, "GeneratedVersion1")
}

// assertions print what does not compile once a type or its methods have changed since: constraints, and instances of generic
// types whose arguments have to satisfy them. The compiler checks those before it checks any function, so that the errors that
// name the remedy are not lost among the first ten that the missing field or method causes elsewhere. Constraints are declared
// as aliases, so that nothing is compiled of them.
func (f *File) assertions() {
	if len(f.pkg.Shapes) == 0 {
		return
	}
	a := assertions{File: f, declared: map[string]string{}}
	for _, s := range f.pkg.Shapes {
		a.shape(s)
		if s.Task != nil {
			a.methods(s)
		}
	}
	f.Line()
	f.comment("A compile error below means that a struct, its tags or its methods have changed since this file was generated: run \"go " +
		"generate\" in this package.")
	for _, h := range a.helpers {
		f.Add(h)
		f.Line()
	}
	f.Type().Defs(a.asserted...)
}

// assertions are what the file asserts.
type assertions struct {
	*File
	helpers  []jen.Code        // declarations that asserted needs
	asserted []jen.Code        // instances of what constrain declares
	declared map[string]string // names of helpers that several assertions share, by what they are for
}

// assert asserts that a type satisfies a constraint. The errors name it like name.
func (a *assertions) assert(typ jen.Code, name string, constraint jen.Code) {
	a.asserted = append(a.asserted, jen.Id("_").Op("=").Id(a.constrain(name, constraint)).Types(typ))
}

// constrain declares a constraint and a generic type whose argument has to satisfy it. It returns the name of that type.
func (a *assertions) constrain(name string, constraint jen.Code) string {
	constrained, unchanged := a.allocate(stale+name), a.allocate("unchanged"+name)
	a.helpers = append(a.helpers,
		jen.Type().Id(constrained).Op("=").Add(constraint),
		jen.Type().Id(unchanged).Types(jen.Id("T").Id(constrained)).Struct())
	return unchanged
}

// once returns the name that declare has returned for a key, and calls it only the first time.
func (a *assertions) once(key string, declare func() string) string {
	name, ok := a.declared[key]
	if !ok {
		name = declare()
		a.declared[key] = name
	}
	return name
}

// shape asserts what a type is under its name.
func (a *assertions) shape(s *model.Shape) {
	if s.Basic != "" {
		unchanged := a.once("like "+s.Basic, func() string {
			return a.constrain(model.UpperFirst(s.Basic), oneLine("interface", jen.Op("~").Id(s.Basic)))
		})
		a.asserted = append(a.asserted, jen.Id("_").Op("=").Id(unchanged).Types(a.source(s.Type)))
		return
	}
	at := slices.IndexFunc(s.Type, func(p model.Piece) bool { return p.PkgPath != "" })
	a.assert(a.source(s.Type), model.UpperFirst(s.Type[at].Name), jen.Interface(jen.Op("~").Add(a.underlying(s))))
}

// methods asserts which methods a task's struct has, and which it has not: a struct that embeds it beside an interface with those
// does not have them, because they are ambiguous.
func (a *assertions) methods(s *model.Shape) {
	name := model.UpperFirst(s.Task.Type) + "Methods"
	methods, absent := a.methodsOf(s)
	if len(absent) == 0 {
		a.assert(jen.Op("*").Add(a.typeID(s.Task.Type)), name, jen.Interface(methods...))
		return
	}
	without := a.once("without "+strings.Join(absent, ""), func() string {
		without := a.local("without" + strings.Join(absent, ""))
		a.helpers = append(a.helpers, jen.Type().Id(without).Interface(noArguments(absent)...))
		return without
	})
	embedded := a.typeID(s.Task.Type)
	if slices.Contains(model.TaskMethods(), s.Task.Type) {
		// An embedded field of this name would hide the method.
		alias := a.local("embedded" + s.Task.Type)
		a.helpers = append(a.helpers, jen.Type().Id(alias).Op("=").Add(embedded))
		embedded = jen.Id(alias)
	}
	a.assert(oneLine("struct", jen.Op("*").Add(embedded), jen.Id(without)), name, jen.Interface(append(methods, jen.Id(without))...))
}

// underlying prints a type as it is declared, without its name.
func (f *File) underlying(s *model.Shape) jen.Code {
	if s.Other != nil {
		return f.source(s.Other)
	}
	fields := make([]jen.Code, len(s.Fields))
	for i, field := range s.Fields {
		code := f.source(field.Type)
		if !field.Embedded {
			code = jen.Id(field.Name).Add(code)
		}
		switch {
		case field.Tag == "":
		case strconv.CanBackquote(field.Tag):
			code.Id("`" + field.Tag + "`")
		default:
			code.Lit(field.Tag)
		}
		fields[i] = code
	}
	return jen.Struct(fields...)
}

// methodsOf returns the methods of a task's struct that generated code calls, and the names of those that it would call if
// there were any: beside an interface that has them they are ambiguous then. A field of such a name takes its place.
func (f *File) methodsOf(s *model.Shape) (methods []jen.Code, absent []string) {
	t := s.Task
	has := map[string]*jen.Statement{}
	if t.Run != nil {
		has["Run"] = f.source(t.Run.Signature)
	}
	for _, m := range t.Methods {
		has[m.Name] = jen.Params().Add(f.source(model.Source{m.Result}))
	}
	for _, name := range model.TaskMethods() {
		if signature := has[name]; signature != nil {
			methods = append(methods, jen.Id(name).Add(signature))
		} else if !slices.ContainsFunc(s.Fields, func(f model.ShapeField) bool { return f.Name == name }) {
			absent = append(absent, name)
		}
	}
	return methods, absent
}

// noArguments prints methods that take and return nothing.
func noArguments(names []string) []jen.Code {
	methods := make([]jen.Code, len(names))
	for i, name := range names {
		methods[i] = jen.Id(name).Params()
	}
	return methods
}

// oneLine prints a struct or interface type without line breaks.
func oneLine(kind string, members ...jen.Code) *jen.Statement {
	return jen.Custom(jen.Options{Open: kind + "{", Close: "}", Separator: ";"}, members...)
}
