package gen

import (
	"go/types"
	"reflect"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// The tag cloudtask:"lenient" says that no field in the value of a field is required, as with encoding/json: it is for structs that
// others declare, whose fields nobody here can tag.
const (
	lenientKey   = "cloudtask"
	lenientValue = "lenient"
)

func isLenient(tag reflect.StructTag) bool { return tag.Get(lenientKey) == lenientValue }

// checkLenient reports a tag cloudtask:"…" that has no meaning.
func (b *typeBuilder) checkLenient(v *types.Var, tag, value string, fail func(format string, args ...any)) {
	exported := v.Exported() || v.Embedded() && isStruct(followPointer(v.Type()))
	switch {
	case value != lenientValue:
		fail("there is no tag %s:%q: write %s:%q, so that no field in its value is required", lenientKey, value, lenientKey, lenientValue)
	case !exported || reflect.StructTag(tag).Get("json") == "-":
		fail("%s:%q has no effect: the field is not part of the JSON", lenientKey, value)
	case methodsOf(followPointer(v.Type())).decodeVia() != model.Structure:
		fail("%s:%q has no effect: %s is decoded by a method of its own", lenientKey, value, b.text(v.Type()))
	case !b.holdsRequired(v.Type()):
		fail("%s:%q has no effect: %s has no required fields", lenientKey, value, b.text(v.Type()))
	}
}

// holdsRequired reports whether a value of type t that is decoded by its structure has a required field in it, at any depth.
func (b *typeBuilder) holdsRequired(t types.Type) bool {
	seen := map[types.Type]bool{}
	found := b.findRequired(types.Unalias(t), seen)
	if found {
		b.demanding.Set(types.Unalias(t), true)
		return true
	}
	for t := range seen {
		b.demanding.Set(t, false)
	}
	return false
}

func (b *typeBuilder) findRequired(t types.Type, seen map[types.Type]bool) bool {
	if known, ok := b.demanding.At(t).(bool); ok {
		return known
	}
	if seen[t] || methodsOf(t).decodeVia() != model.Structure || typeName(t) == "time.Time" {
		return false
	}
	seen[t] = true
	switch u := t.Underlying().(type) {
	case interface{ Elem() types.Type }: // a pointer, slice, array or map
		return b.findRequired(types.Unalias(u.Elem()), seen)
	case *types.Struct:
		for _, f := range jsonFields(t, func(*types.Var, string) {}, func(a, b field) {}) {
			_, hasDefault := f.tag.Lookup("default")
			if !f.lenient && !f.optional() && !hasDefault {
				return true
			}
			v := f.path[len(f.path)-1]
			if !f.lenient && !isLenient(f.tag) && b.findRequired(types.Unalias(v.Type()), seen) {
				return true
			}
		}
	}
	return false
}
