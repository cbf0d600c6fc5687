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
	f.comment("A compile error here means that this file and the cloudtask runtime in go.mod do not fit together: run \"go generate\" with the cloudtaskgen of the same module version, or update the module.")
	f.Const().Id("_").Op("=").Qual(pathCloudtask, "GeneratedVersion1")
}

// assertions print what does not compile once a type or its methods have changed since. They are initializers of
// variables, because the compiler checks those before it checks any function: the errors that name the remedy are not lost
// among the first ten that the missing field or method causes elsewhere. The calls vanish from the compiled code.
func (f *File) assertions() {
	if len(f.pkg.Shapes) == 0 {
		return
	}
	var asserted, helpers []jen.Code
	assert := func(typ, value jen.Code) {
		asserted = append(asserted, jen.Id("_").Op("=").Id(f.local(stale)).Types(typ).Call(value))
	}
	declared := map[string]bool{}
	for _, s := range f.pkg.Shapes {
		if s.Basic != "" {
			same := f.local("unchanged" + upperFirst(s.Basic))
			if !declared[same] {
				declared[same] = true
				helpers = append(helpers, f.basic(same, s.Basic)...)
			}
			asserted = append(asserted, jen.Id("_").Op("=").Id(same).Call(jen.Index().Add(f.source(s.Type)).Values()))
			continue
		}
		assert(f.shape(s), f.source(s.Type).Values())
		if s.Task == nil {
			continue
		}
		methods, absent := f.methods(s)
		if len(absent) == 0 {
			assert(jen.Interface(methods...), jen.New(f.typeID(s.Task.Type)))
			continue
		}
		without := f.local("without" + strings.Join(absent, ""))
		if !declared[without] {
			declared[without] = true
			helpers = append(helpers, jen.Type().Id(without).Interface(noArguments(absent)...))
		}
		embedded := f.typeID(s.Task.Type)
		if slices.Contains(taskMethods(), s.Task.Type) {
			// An embedded field of this name would hide the method.
			alias := f.local("embedded" + s.Task.Type)
			helpers = append(helpers, jen.Type().Id(alias).Op("=").Add(embedded))
			embedded = jen.Id(alias)
		}
		both := jen.Id(without)
		if len(methods) > 0 {
			both = jen.Interface(append(methods, jen.Id(without))...)
		}
		assert(both, oneLine("struct", jen.Op("*").Add(embedded), jen.Id(without)).Values())
	}
	f.Line()
	f.comment("A compile error below means that a struct, its tags or its methods have changed since this file was generated: run \"go generate\" in this package.")
	f.Func().Id(f.local(stale)).Types(jen.Id("T").Interface()).Params(jen.Id("T")).Params(jen.Id("_").Struct()).Block(jen.Return())
	for _, h := range helpers {
		f.Line()
		f.Add(h)
	}
	f.Line()
	f.Var().Defs(asserted...)
}

// basic prints a function that takes lists of types that are like a predeclared one. The compiler names the constraint when it
// is given another; at once, because it has to infer the type.
func (f *File) basic(same, name string) []jen.Code {
	constraint := f.local(stale + upperFirst(name))
	return []jen.Code{
		jen.Type().Id(constraint).Add(oneLine("interface", jen.Op("~").Id(name))),
		jen.Func().Id(same).Types(jen.Id("T").Id(constraint)).Params(jen.Index().Id("T")).Params(jen.Id("_").Struct()).Block(jen.Return()),
	}
}

// shape prints a type as it is declared, without its name.
func (f *File) shape(s *model.Shape) jen.Code {
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

// taskMethods are the names of the methods that generated code calls where a task's struct has them.
func taskMethods() []string { return []string{"Run", "Queue", "Timeout", "TaskName"} }

// methods returns the methods of a task's struct that generated code calls, and the names of those that it would call if
// there were any: beside an interface that has them they are ambiguous then. A field of such a name takes its place.
func (f *File) methods(s *model.Shape) (methods []jen.Code, absent []string) {
	t := s.Task
	has := map[string]*jen.Statement{}
	if t.Run != nil {
		has["Run"] = f.source(t.Run.Signature)
	}
	if t.HasQueue {
		has["Queue"] = jen.Params().String()
	}
	if t.HasTimeout {
		has["Timeout"] = jen.Params().Qual("time", "Duration")
	}
	if t.HasTaskName {
		has["TaskName"] = jen.Params().String()
	}
	for _, name := range taskMethods() {
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
