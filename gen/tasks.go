package gen

import (
	"cmp"
	"fmt"
	"go/doc"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
	"github.com/cloudtaskgen/cloudtaskgen/gen/source"
)

// A packageBuilder turns the declared tasks of one package into the model.
type packageBuilder struct {
	*diag.Reporter
	checked  *source.Types
	sp       *source.Package
	pkg      *types.Package
	names    *names
	types    *typeBuilder
	spell    *speller
	survey   *survey
	deps     []dependency
	returned map[*model.Task]returned // by tasks whose Run returns more than an error
	roots    []types.Type             // whose shapes are asserted
}

// returned is what a Run method returns besides the error.
type returned struct {
	typ types.Type
	pos token.Pos
}

type dependency struct {
	typ   types.Type
	model *model.Dep
	key   string // import path and name, by which parameters are sorted
}

// buildAll returns the models of the packages that declare tasks. They are incomplete when anything was reported.
func buildAll(pkgs []*source.Package, declared map[*source.Package][]*directive.Declaration, checked *source.Types, r *diag.Reporter) []*model.Package {
	var models []*model.Package
	known, endless := constants{}, false
	for _, sp := range pkgs {
		if len(declared[sp]) > 0 {
			b := newPackageBuilder(sp, checked, known, r)
			models = append(models, b.build(declared[sp]))
			endless = endless || b.survey.found
		}
	}
	if !endless { // a survey says more
		checked.ReportCycles()
	}
	return models
}

func newPackageBuilder(sp *source.Package, checked *source.Types, known constants, r *diag.Reporter) *packageBuilder {
	imported, likely := importNames(sp, checked)
	b := &packageBuilder{
		Reporter: r, checked: checked, sp: sp, pkg: sp.Types(),
		names:    &names{Reporter: r, scope: sp.Scope, imported: imported, likely: likely, taken: map[string]bool{}, clashed: map[string]bool{}},
		returned: map[*model.Task]returned{},
		spell:    newSpeller(sp.Types()),
	}
	b.survey = newSurvey(b.spell, checked.IsSource, r.Errorf)
	b.types = newTypeBuilder(b.spell, r.Fset, known, b.names.ident, r.Errorf)
	b.types.explained = checked.IsExplained(b.pkg)
	b.types.own = checked.IsOwn
	b.types.remark = r.Notef
	return b
}

// build returns the model of the package. It is incomplete when anything was reported.
func (b *packageBuilder) build(tasks []*directive.Declaration) *model.Package {
	sp := b.sp
	p := &model.Package{
		Name: sp.Name, Path: sp.Path, Dir: sp.Dir,
		Scope: slices.Sorted(maps.Keys(sp.Scope)),
	}
	tasks, named := b.resolved(tasks)
	if len(tasks) == 0 {
		return p
	}
	for _, d := range tasks {
		p.Tasks = append(p.Tasks, b.directives(d))
	}
	b.names.fixed(nameRoutes, "the tasks of this package", tasks[0].Spec.Name.Pos())
	b.names.fixed(nameNewHandler, "the tasks of this package", tasks[0].Spec.Name.Pos())
	for i, d := range tasks {
		b.methods(p.Tasks[i], d, named[i])
		if p.Tasks[i].Run == nil && !b.checked.IsBad(sp.Path) && !b.names.taken[nameRunner] {
			b.names.fixed(nameRunner, "tasks without Run, such as "+d.Spec.Name.Name, d.Spec.Name.Pos())
		}
	}
	for _, n := range named {
		b.survey.visit(n, n.Obj().Pos())
	}
	for _, t := range p.Tasks {
		if r, ok := b.returned[t]; ok {
			b.survey.visit(r.typ, r.pos)
		}
	}
	if b.survey.found {
		return p
	}
	for i, t := range p.Tasks {
		t.Names.Definition = b.names.definition(t.Type)
		t.Payload = b.types.payload(named[i])
		b.unique(t, tasks[i], named[i])
		b.roots = append(b.roots, named[i])
	}
	b.results(p)
	slices.SortFunc(b.deps, func(x, y dependency) int { return cmp.Compare(x.key, y.key) })
	for _, d := range b.deps {
		p.Deps = append(p.Deps, d.model)
	}
	byType := map[types.Type]*model.Task{}
	for i, t := range p.Tasks {
		byType[named[i]] = t
	}
	p.Shapes = b.spell.shapes(b.roots, byType, func(path string) bool { return b.checked.SameModule(path, sp.Path) })
	b.types.reportProblems()
	p.Codecs, p.Results, p.Imports = b.types.codecs(), b.types.results(), b.spell.imported(importedAs(sp))
	p.Inferred = b.types.inferred(p.Codecs)
	p.Generated = b.names.generated()
	return p
}

// resolved returns the tasks whose types the type checker understood, with these types. It reports the others, unless it did.
func (b *packageBuilder) resolved(all []*directive.Declaration) (tasks []*directive.Declaration, named []*types.Named) {
	for _, d := range all {
		name := d.Spec.Name.Name
		obj, ok := b.pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || obj.Pos() != d.Spec.Name.Pos() {
			if !b.checked.IsBad(b.sp.Path) {
				b.Errorf(d.Spec.Name.Pos(), "%s is declared more than once in this package", name)
			}
			continue
		}
		n := obj.Type().(*types.Named)
		if _, ok := n.Underlying().(*types.Struct); !ok {
			if !b.checked.IsBad(b.sp.Path) {
				b.Errorf(d.Spec.Name.Pos(), "%s does not resolve to a struct", name)
			}
			continue
		}
		tasks, named = append(tasks, d), append(named, n)
	}
	return tasks, named
}

// directives fills in what the directives say.
func (b *packageBuilder) directives(d *directive.Declaration) *model.Task {
	task, retry, enqueue := d.Directive(directive.Task), d.Directive(directive.Retry), d.Directive(directive.EnqueueRetry)
	name, _ := d.Name()
	t := &model.Task{
		Type: d.Spec.Name.Name, Name: name, Doc: new(doc.Package).Synopsis(d.Doc.Text()), Pos: b.Position(d.Spec.Name.Pos()),
		Queue: task.Arg("queue").Text, Timeout: task.Arg("timeout").Duration, Once: task.Has("once"),
		Within: d.Directive(directive.Unique).Arg("within").Duration,
		Names:  b.names.task(d),
	}
	if a := d.Directive(directive.Alias); a != nil {
		for _, v := range a.List {
			t.Aliases = append(t.Aliases, v.Text)
		}
	}
	if retry != nil {
		t.Retry = &model.Retry{
			Attempts: int(retry.Arg("attempts").Integer), Age: retry.Arg("age").Duration,
			Min: retry.Arg("min").Duration, Max: retry.Arg("max").Duration, Doublings: int(retry.Arg("doublings").Integer),
		}
	}
	if enqueue != nil {
		t.EnqueueRetry = &model.EnqueueRetry{
			Initial: enqueue.Arg("initial").Duration, Max: enqueue.Arg("max").Duration,
			Deadline: enqueue.Arg("deadline").Duration, Multiplier: enqueue.Arg("multiplier").Decimal,
		}
		for _, v := range enqueue.Arg("on").List {
			t.EnqueueRetry.On = append(t.EnqueueRetry.On, v.Text)
		}
	}
	return t
}

// methods reads Run and the optional methods of a task's struct.
func (b *packageBuilder) methods(t *model.Task, d *directive.Declaration, named *types.Named) {
	for _, m := range model.OptionalMethods() {
		fits := func(fn *types.Func) bool {
			sig := fn.Signature()
			return sig.Params().Len() == 0 && sig.Results().Len() == 1 && types.TypeString(types.Unalias(sig.Results().At(0).Type()), nil) == m.Result.String()
		}
		fn := b.method(d, named, m.Name, fits)
		switch {
		case fn == nil:
		case fits(fn):
			t.Methods = append(t.Methods, m)
		case !b.checked.IsOwn(fn.Pkg()): // of an embedded type that others declare, who mean something else
		case !b.checked.IsBad(b.sp.Path) || !strings.Contains(fn.Signature().String(), "invalid type"):
			b.Errorf(b.methodPos(fn, d), "%s of task %s is %s, but the generator calls it as %s() %s: change or rename "+
				"it", m.Name, t.Type, b.spelled(fn.Signature()), m.Name, m.Result)
		}
	}
	if fn := b.method(d, named, "Run", func(*types.Func) bool { return true }); fn != nil {
		t.Run = b.run(t, d, fn)
		t.Names.Runner = ""
	}
}

// method returns a method of a struct or of a pointer to it; nil when there is none of that name. Methods that fit, and that
// something else of their name hides, are reported: Go would take that for no method.
func (b *packageBuilder) method(d *directive.Declaration, named *types.Named, name string, fits func(*types.Func) bool) *types.Func {
	obj, index, _ := types.LookupFieldOrMethod(types.NewPointer(named), false, b.pkg, name)
	fn, _ := obj.(*types.Func)
	if obj == nil && index != nil && slices.ContainsFunc(methodsAt(named, name, len(index)-1), fits) {
		b.Errorf(d.Spec.Name.Pos(), "%s of task %s is ambiguous, as more than one of the structs that it embeds has it: declare %s on %s "+
			"itself", name, named.Obj().Name(), name, named.Obj().Name())
	}
	return fn
}

// methodsAt returns the methods of a name that the types have which a type embeds at a depth.
func methodsAt(t types.Type, name string, depth int) []*types.Func {
	level := []types.Type{t}
	for range depth {
		var next []types.Type
		for _, t := range level {
			if s, ok := t.Underlying().(*types.Struct); ok {
				for f := range s.Fields() {
					if f.Embedded() {
						next = append(next, followPointer(f.Type()))
					}
				}
			}
		}
		level = next
	}
	var found []*types.Func
	for _, t := range level {
		obj, index, _ := types.LookupFieldOrMethod(t, true, nil, name)
		if fn, ok := obj.(*types.Func); ok && len(index) == 1 {
			found = append(found, fn)
		}
	}
	return found
}

// methodPos returns where a method is declared, or the task when the method is promoted from another package.
func (b *packageBuilder) methodPos(fn *types.Func, d *directive.Declaration) token.Pos {
	if fn.Pkg() == b.pkg {
		return fn.Pos()
	}
	return d.Spec.Name.Pos()
}

// spelled returns a type as the package's source would spell it.
func (b *packageBuilder) spelled(t types.Type) string {
	return types.TypeString(t, byName(b.pkg))
}

// run reads the signature of Run: Run(ctx context.Context[, deps D]) ([R,] error).
func (b *packageBuilder) run(t *model.Task, d *directive.Declaration, fn *types.Func) *model.Run {
	sig := fn.Signature()
	run := &model.Run{}
	pos := b.methodPos(fn, d)
	params, results := sig.Params(), sig.Results()
	ok := !sig.Variadic() &&
		(params.Len() == 1 || params.Len() == 2) && isContext(params.At(0).Type()) &&
		(results.Len() == 1 || results.Len() == 2) && isError(results.At(results.Len()-1).Type())
	if !ok {
		if !b.checked.IsBad(b.sp.Path) || !strings.Contains(sig.String(), "invalid type") {
			const want = "Run of task %s is %s; want func(ctx context.Context[, deps D]) ([R,] error), where D is whatever it depends on and R what it returns"
			if declared, ok := b.names.scope["error"]; ok {
				b.Errorf(pos, want+"; Go's error is hidden by the one that is declared at %s", t.Type, b.spelled(sig), b.At(declared))
			} else {
				b.Errorf(pos, want, t.Type, b.spelled(sig))
			}
		}
		return run
	}
	if params.Len() == 2 {
		run.Dep = b.dep(t, params.At(1).Type(), pos)
	}
	if results.Len() == 2 {
		b.returned[t] = returned{results.At(0).Type(), pos}
	}
	run.Signature, _ = b.spell.spellMethod(sig)
	return run
}

// results builds the result types of the Run methods. It comes after every payload.
func (b *packageBuilder) results(p *model.Package) {
	for _, t := range p.Tasks {
		if r, ok := b.returned[t]; ok && !b.invalid(r.typ, r.pos, "the result of Run of task "+t.Type) {
			t.Run.Result = b.types.result(r.typ, r.pos)
			b.roots = append(b.roots, r.typ)
		}
	}
}

// invalid reports whether a type does not resolve, and reports that where the type checker had no reason to.
func (b *packageBuilder) invalid(t types.Type, pos token.Pos, what string) bool {
	if !strings.Contains(types.TypeString(t, nil), "invalid type") {
		return false
	}
	if !b.types.explained {
		b.Errorf(pos, "the type of %s is not known: what declares it does not compile, or it is a type of C", what)
	}
	return true
}

// dep returns the dependency of a type, which several tasks may share.
func (b *packageBuilder) dep(t *model.Task, typ types.Type, pos token.Pos) *model.Dep {
	if _, lock := b.types.lockOf(typ); lock != nil {
		b.Errorf(pos, "Run of task %s depends on %s, which must not be copied, because of %s: take a pointer to it", t.Type, b.spelled(typ), b.types.text(lock))
		return &model.Dep{}
	}
	for _, d := range b.deps {
		if types.Identical(d.typ, typ) {
			return d.model
		}
	}
	if b.invalid(typ, pos, "what Run of task "+t.Type+" depends on") {
		return &model.Dep{}
	}
	// By the declared name, so that it does not depend on which of its aliases comes first; an alias may be all there is.
	b.survey.names(typ)
	typ = withoutAlias(typ)
	src, _ := b.spell.spell(typ)
	if src == nil {
		b.Errorf(pos, "Run of task %s depends on %s, which this package cannot name: declare or alias it where it can be imported from", t.Type, b.spelled(typ))
		return &model.Dep{}
	}
	d := dependency{typ: typ, model: &model.Dep{Type: src}, key: types.TypeString(typ, nil)}
	if obj := baseName(typ); obj != nil {
		d.model.Base = lowerFirst(obj.Name())
		path := ""
		if obj.Pkg() != nil {
			path = obj.Pkg().Path()
		}
		d.key = path + "\x00" + obj.Name() + "\x00" + d.key
	}
	b.deps = append(b.deps, d)
	return d.model
}

// withoutAlias returns a type, or a pointer to it, by its declared name.
func withoutAlias(t types.Type) types.Type {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		return types.NewPointer(withoutAlias(p.Elem()))
	}
	return t
}

// baseName returns the declared name of a type, or of what it points to or lists.
func baseName(t types.Type) *types.TypeName {
	switch t := t.(type) {
	case *types.Named:
		return t.Obj()
	case *types.Alias:
		return t.Obj()
	case interface{ Elem() types.Type }:
		return baseName(t.Elem())
	}
	return nil
}

func isContext(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "context" && n.Obj().Name() == "Context"
}

func isError(t types.Type) bool {
	return types.Identical(t, types.Universe.Lookup("error").Type())
}

// unique finds the fields of //cloudtask:unique.
func (b *packageBuilder) unique(t *model.Task, d *directive.Declaration, named *types.Named) {
	dir := d.Directive(directive.Unique)
	if dir == nil || t.Payload == nil {
		return
	}
	for _, v := range dir.List {
		fields := b.uniqueBy(t, named, v.Text)
		if len(fields) == 0 {
			b.Errorf(v.Pos, "//cloudtask:unique: %s", b.noField(t, named, v.Text))
		}
		for _, f := range fields {
			if !slices.Contains(t.Unique, f) {
				t.Unique = append(t.Unique, f)
			}
		}
	}
}

// uniqueBy returns the fields of a payload that a name stands for: that of an embedded struct stands for those promoted from it.
func (b *packageBuilder) uniqueBy(t *model.Task, named *types.Named, name string) []*model.Field {
	if f := t.Payload.Field(name); f != nil {
		return []*model.Field{f}
	}
	obj, _, _ := types.LookupFieldOrMethod(named, true, b.pkg, name)
	embedded, ok := obj.(*types.Var)
	if !ok {
		return nil
	}
	var fields []*model.Field
	for i, f := range jsonFields(named, func(*types.Var, string) {}, func(a, b field) {}) {
		if slices.Contains(f.path, embedded) {
			fields = append(fields, t.Payload.Fields[i])
		}
	}
	return fields
}

// noField words why a name is no field of a payload.
func (b *packageBuilder) noField(t *model.Task, named *types.Named, name string) string {
	obj, _, _ := types.LookupFieldOrMethod(named, true, b.pkg, name)
	if v, ok := obj.(*types.Var); ok && v.IsField() {
		return fmt.Sprintf("field %s of %s is not part of the payload, so it cannot tell tasks apart", name, t.Type)
	}
	var goNames []string
	for _, f := range t.Payload.Fields {
		if f.Name == name {
			return fmt.Sprintf("%s has no field %s; %s is the JSON name of %s: write %s", t.Type, name, name, f.GoName, f.GoName)
		}
		goNames = append(goNames, f.GoName)
	}
	if len(goNames) == 0 {
		return fmt.Sprintf("%s has no field %s; its payload has no fields at all", t.Type, name)
	}
	hint := ""
	if s := diag.Suggest(name, goNames); s != "" {
		hint = fmt.Sprintf("; did you mean %s?", s)
	}
	return fmt.Sprintf("%s has no field %s%s (it has %s)", t.Type, name, hint, strings.Join(goNames, ", "))
}
