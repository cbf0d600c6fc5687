package gen

import (
	"cmp"
	"go/types"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/tools/go/types/typeutil"
)

// field is a field of a struct, or of one embedded in it, as encoding/json finds it.
type field struct {
	name   string // JSON name
	tagged bool   // name comes from the tag
	index  []int
	path   []*types.Var // the fields on the way, this one last
	opts   []string     // options of the json tag
	tag    reflect.StructTag

	lenient bool // it is promoted from an embedded struct whose tag is cloudtask:"lenient"
}

func (f field) has(option string) bool { return slices.Contains(f.opts, option) }

// optional reports whether a payload may be without the field, going by its type and the options of its tag.
func (f field) optional() bool {
	return f.has("omitempty") || f.has("omitzero") || slices.ContainsFunc(f.path, func(v *types.Var) bool { return isPointer(v.Type()) })
}

// typ is what encoding/json looks at: the type, or what an unnamed pointer type points to.
func (f field) typ() types.Type { return followPointer(f.path[len(f.path)-1].Type()) }

func followPointer(t types.Type) types.Type {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		return types.Unalias(p.Elem())
	}
	return types.Unalias(t)
}

// jsonFields returns the fields that encoding/json encodes of a struct, in its order. This follows its typeFields step
// by step: breadth first through embedded structs; of fields with one name those at the least depth, and among these
// those whose tag gives the name, win. conflict is told of the names that more than one field has then: encoding/json
// drops all of them. each is told of every field on the way, with its tag.
func jsonFields(t types.Type, each func(v *types.Var, tag string), conflict func(a, b field)) []field {
	var found []field
	var visited typeutil.Map
	next := []embedded{{typ: t}}
	var nextCount typeutil.Map // int by types.Type
	for len(next) > 0 {
		current, count := next, nextCount
		next, nextCount = nil, typeutil.Map{}
		for _, e := range current {
			if visited.At(e.typ) != nil {
				continue
			}
			visited.Set(e.typ, true)
			for _, f := range e.fields(each) {
				if !f.tagged && f.path[len(f.path)-1].Embedded() && isStruct(f.typ()) {
					n, _ := nextCount.At(f.typ()).(int)
					nextCount.Set(f.typ(), n+1)
					if n == 0 {
						next = append(next, embedded{f.typ(), f.index, f.path, f.lenient || isLenient(f.tag)})
					}
					continue
				}
				found = append(found, f)
				if n, _ := count.At(e.typ).(int); n > 1 {
					found = append(found, f) // the type is embedded twice at this depth: its fields conflict
				}
			}
		}
	}
	return dominant(found, conflict)
}

// embedded is a struct type, and the way to it from the outermost struct.
type embedded struct {
	typ   types.Type
	index []int
	path  []*types.Var

	lenient bool
}

// fields returns the struct's own fields that encoding/json looks at.
func (e embedded) fields(each func(v *types.Var, tag string)) []field {
	u := e.typ.Underlying().(*types.Struct)
	var fields []field
	for i := range u.NumFields() {
		v := u.Field(i)
		each(v, u.Tag(i))
		if !v.Exported() && !(v.Embedded() && isStruct(followPointer(v.Type()))) {
			continue
		}
		tag := reflect.StructTag(u.Tag(i))
		text := tag.Get("json")
		if text == "-" {
			continue
		}
		opts := strings.Split(text, ",")
		f := field{name: opts[0], opts: opts[1:], tag: tag, tagged: isValidName(opts[0]), lenient: e.lenient}
		if !f.tagged {
			f.name = v.Name()
		}
		f.index = append(slices.Clone(e.index), i)
		f.path = append(slices.Clone(e.path), v)
		fields = append(fields, f)
	}
	return fields
}

// dominant returns, for each name, the field that has it, and reports names that no field wins.
func dominant(fields []field, conflict func(a, b field)) []field {
	slices.SortStableFunc(fields, func(a, b field) int {
		tagged := func(f field) int {
			if f.tagged {
				return 0
			}
			return 1
		}
		return cmp.Or(
			strings.Compare(a.name, b.name),
			cmp.Compare(len(a.index), len(b.index)),
			cmp.Compare(tagged(a), tagged(b)),
			slices.Compare(a.index, b.index),
		)
	})
	var out []field
	for i := 0; i < len(fields); {
		f, n := fields[i], i+1
		for n < len(fields) && fields[n].name == f.name {
			n++
		}
		if n > i+1 && len(fields[i+1].index) == len(f.index) && fields[i+1].tagged == f.tagged {
			conflict(f, fields[i+1])
		} else {
			out = append(out, f)
		}
		i = n
	}
	slices.SortFunc(out, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return out
}

func isStruct(t types.Type) bool {
	_, ok := t.Underlying().(*types.Struct)
	return ok
}

// isValidName reports whether encoding/json takes a name from a tag.
func isValidName(name string) bool {
	for _, c := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return name != ""
}
