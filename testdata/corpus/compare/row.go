// Package compare compares generated codecs with encoding/json: what they write, byte for byte, and what they read, value for
// value, from valid JSON and from damaged JSON.
package compare

import (
	"reflect"
	"strings"
	"sync"
)

// A Row is a task type of the corpus with its generated codec.
type Row struct {
	Package string // the import path of the public type's package
	Name    string // how the task uses the type, and the type, such as "Embeds v1.Pod"
	Lenient bool   // no field of the task is required

	zero   func() any // a pointer to a zero task
	append func(dst []byte, task any) ([]byte, error)
	decode func(data []byte, task any) error
	names  func() map[string][]string // the JSON names of all fields by their folded form
}

// RowOf returns the row of the task type T.
func RowOf[T any](pkg, name string, lenient bool, appendT func([]byte, *T) ([]byte, error), decodeT func([]byte, *T) error) Row {
	return Row{
		Package: pkg,
		Name:    name,
		Lenient: lenient,
		zero:    func() any { return new(T) },
		append:  func(dst []byte, task any) ([]byte, error) { return appendT(dst, task.(*T)) },
		decode:  func(data []byte, task any) error { return decodeT(data, task.(*T)) },
		names: sync.OnceValue(func() map[string][]string {
			names := make(map[string][]string)
			addNames(reflect.TypeFor[T](), make(map[reflect.Type]bool), names)
			return names
		}),
	}
}

// addNames adds the JSON names of all fields in t to names, by their folded form.
func addNames(t reflect.Type, seen map[reflect.Type]bool, names map[string][]string) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		addNames(t.Elem(), seen, names)
	case reflect.Struct:
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			names[fold(name)] = append(names[fold(name)], name)
			addNames(f.Type, seen, names)
		}
	}
}

func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// hasNameInOtherCase reports whether a name in data is that of a field but for its case, which encoding/json takes for it.
func (r Row) hasNameInOtherCase(data []byte) bool {
	for _, m := range membersOf(data) {
		for _, name := range r.names()[fold(m.name)] {
			if name != m.name {
				return true
			}
		}
	}
	return false
}
