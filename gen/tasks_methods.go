package gen

import (
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/directive"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

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
		b.Errorf(d.Spec.Name.Pos(), "%s of task %s is ambiguous because several embedded structs have it: declare %s on %s "+
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
			const want = "Run of task %s is %s; want func(ctx context.Context[, deps D]) ([R,] error), where D is its dependency and R its result"
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
		b.Errorf(pos, "the type of %s is unknown: its declaration does not compile, or it is a C type", what)
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
