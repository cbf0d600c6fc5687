package gen

import (
	"cmp"
	"go/doc"
	"go/token"
	"go/types"
	"maps"
	"slices"

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

// spelled returns a type as the package's source would spell it.
func (b *packageBuilder) spelled(t types.Type) string {
	return types.TypeString(t, byName(b.pkg))
}
