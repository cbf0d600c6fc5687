// Package compare holds generated codecs against encoding/json: what they write byte for byte, and what they read value
// for value, from JSON that is right and from JSON that is damaged.
package compare

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/cloudtaskgen/cloudtaskgen/runtime/taskjson"
)

// A Row is a task type of the corpus with its generated codec.
type Row struct {
	Name   string // the public type and how the task holds it, such as "v1.Pod embedded"
	Module string // the import path of the public type's package

	lenient bool // no field is required but those of the task itself

	new    func() any // a pointer to a zero task
	append func(dst []byte, task any) ([]byte, error)
	decode func(data []byte, task any) error
	known  func() map[string][]string // the JSON names of all fields by their folded form
}

// RowOf returns the row of the task type T.
func RowOf[T any](module, name string, lenient bool, appendT func([]byte, *T) ([]byte, error), decodeT func([]byte, *T) error) Row {
	return Row{
		Name:   name,
		Module: module, lenient: lenient,
		new:    func() any { return new(T) },
		append: func(dst []byte, task any) ([]byte, error) { return appendT(dst, task.(*T)) },
		decode: func(data []byte, task any) error { return decodeT(data, task.(*T)) },
		known: sync.OnceValue(func() map[string][]string {
			names := make(map[string][]string)
			fieldNames(reflect.TypeFor[T](), make(map[reflect.Type]bool), names)
			return names
		}),
	}
}

// fieldNames adds the JSON names of all fields in t to names, by their folded form.
func fieldNames(t reflect.Type, seen map[reflect.Type]bool, names map[string][]string) {
	if seen[t] {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		fieldNames(t.Elem(), seen, names)
	case reflect.Struct:
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" {
				name = f.Name
			}
			names[folded(name)] = append(names[folded(name)], name)
			fieldNames(f.Type, seen, names)
		}
	}
}

func folded(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// codecError checks that err is an error of a codec: it has a path, and an offset in data.
func codecError(err error, size int) error {
	var e *taskjson.Error
	if !errors.As(err, &e) || !strings.HasPrefix(e.Path, "payload") || e.Offset > size {
		return fmt.Errorf("not an error with a path and an offset: %#v", err)
	}
	return nil
}
