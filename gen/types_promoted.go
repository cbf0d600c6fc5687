package gen

import (
	"go/types"
	"maps"

	"golang.org/x/tools/go/types/typeutil"
)

// isPromoted reports whether selecting v's name from a value of type t means v.
func (b *typeBuilder) isPromoted(t types.Type, v *types.Var) bool {
	if b.selectors == nil {
		b.selectors = map[types.Type]map[string]types.Object{}
	}
	selectors, ok := b.selectors[t]
	if !ok {
		selectors = selectorsOf(t)
		b.selectors[t] = selectors
	}
	return selectors[types.Id(b.pkg, v.Name())] == types.Object(v)
}

// selectorsOf returns the fields and methods that a struct type has, its own and promoted ones, by their ids; nil for what is
// ambiguous. It is [types.LookupFieldOrMethod] for all names at once: that takes time in proportion to what is embedded for each.
func selectorsOf(t types.Type) map[string]types.Object {
	all := map[string]types.Object{}
	level := []embeddedType{{followPointer(t), false}}
	var seen typeutil.Map
	for len(level) > 0 {
		here := map[string]types.Object{} // at this depth
		var next []embeddedType
		var number typeutil.Map // int: where a type is in next
		add := func(obj types.Object, twice bool) {
			id := obj.Id()
			if _, hidden := all[id]; hidden {
				return
			}
			if _, ok := here[id]; ok || twice {
				obj = nil
			}
			here[id] = obj
		}
		for _, e := range level {
			if seen.Set(e.typ, true) != nil {
				continue
			}
			for method := range methodsDeclared(e.typ) {
				add(method, e.twice)
			}
			u, ok := e.typ.Underlying().(*types.Struct)
			if !ok {
				continue
			}
			for field := range u.Fields() {
				add(field, e.twice)
				if !field.Embedded() {
					continue
				}
				typ := followPointer(field.Type())
				if at, ok := number.At(typ).(int); ok {
					next[at].twice = true
					continue
				}
				number.Set(typ, len(next))
				next = append(next, embeddedType{typ, e.twice})
			}
		}
		maps.Copy(all, here)
		level = next
	}
	return all
}

// An embeddedType is one that is embedded at some depth, perhaps twice, so that what it has is ambiguous.
type embeddedType struct {
	typ   types.Type
	twice bool
}

// methodsDeclared are the methods of a declared type or an interface that are not promoted from another.
func methodsDeclared(t types.Type) func(yield func(*types.Func) bool) {
	if i, ok := t.Underlying().(*types.Interface); ok {
		return i.Methods()
	}
	if named, ok := t.(*types.Named); ok {
		return named.Methods()
	}
	return func(func(*types.Func) bool) {}
}
