package lock

import (
	"fmt"
	"strconv"
	"strings"
)

// A Type is what a value is in JSON, and which values it can hold: less than its Go type, which may be renamed, and more
// than JSON's own types. In the lock it is a text:
//
//	bool int8 … uint64 int uint uintptr float32 float64 string
//	bytes              a string in base64
//	time               a time.Time
//	number             a json.Number
//	any                an interface
//	json               a json.RawMessage
//	*T                 T or null
//	[]T [N]T           an array; null where a slice is nil
//	map[K]T            an object; null where it is nil
//	tasks.Item         a struct, described under types; .items[] is one without a name; payload is the payload itself
//	quoted T           T inside of a string
//	text(pkg.T)        a string that the type's MarshalText and UnmarshalText know
//	custom(pkg.T)      whatever the type's MarshalJSON and UnmarshalJSON know
//	mixed(T, U)        written as T, read as U
type Type struct {
	form form
	name string // of a scalar, struct, text or custom
	key  *Type  // of a map; of mixed, how it is written
	elem *Type  // of a map, pointer, slice, array, quoted; of mixed, how it is read
	len  int64  // of an array
}

type form int

const (
	scalar form = iota
	structure
	pointer
	slice
	array
	mapping
	quoted
	text
	custom
	mixed
)

// Names of scalars that Go's predeclared types do not have.
const (
	nameBytes   = "bytes"
	nameTime    = "time"
	nameNumber  = "number"
	nameJSON    = "json"
	nameAny     = "any"
	namePayload = "payload" // a structure: the payload itself, inside of it
)

func (t *Type) String() string {
	switch t.form {
	case pointer:
		return "*" + t.elem.String()
	case slice:
		return "[]" + t.elem.String()
	case array:
		return fmt.Sprintf("[%d]%s", t.len, t.elem)
	case mapping:
		return fmt.Sprintf("map[%s]%s", t.key, t.elem)
	case quoted:
		return "quoted " + t.elem.String()
	case text:
		return "text(" + t.name + ")"
	case custom:
		return "custom(" + t.name + ")"
	case mixed:
		return fmt.Sprintf("mixed(%s, %s)", t.key, t.elem)
	}
	return t.name
}

// MarshalText returns the text that the lock has for the type.
func (t *Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *Type) UnmarshalText(data []byte) error {
	parsed, err := parseType(string(data))
	if err == nil {
		*t = *parsed
	}
	return err
}

var scalars = map[string]bool{
	"bool": true, "int": true, "int8": true, "int16": true, "int32": true, "int64": true,
	"uint": true, "uint8": true, "uint16": true, "uint32": true, "uint64": true, "uintptr": true,
	"float32": true, "float64": true, "string": true,
	nameBytes: true, nameTime: true, nameNumber: true, nameJSON: true, nameAny: true,
}

func parseType(s string) (*Type, error) {
	inside := func(prefix string) (string, bool) {
		rest, ok := strings.CutPrefix(s, prefix)
		return strings.TrimSuffix(rest, ")"), ok && strings.HasSuffix(rest, ")")
	}
	of := func(form form, elem string) (*Type, error) {
		t, err := parseType(elem)
		return &Type{form: form, elem: t}, err
	}
	switch {
	case scalars[s]:
		return &Type{name: s}, nil
	case strings.HasPrefix(s, "*"):
		return of(pointer, s[1:])
	case strings.HasPrefix(s, "[]"):
		return of(slice, s[2:])
	case strings.HasPrefix(s, "["):
		length, elem, _ := strings.Cut(s[1:], "]")
		t, err := of(array, elem)
		if err == nil {
			t.len, err = strconv.ParseInt(length, 10, 64)
		}
		return t, err
	case strings.HasPrefix(s, "map["):
		key, elem := cutType(s[len("map["):], ']')
		return parsePair(mapping, key, elem)
	case strings.HasPrefix(s, "quoted "):
		return of(quoted, s[len("quoted "):])
	}
	if name, ok := inside("text("); ok {
		return &Type{form: text, name: name}, nil
	}
	if name, ok := inside("custom("); ok {
		return &Type{form: custom, name: name}, nil
	}
	if pair, ok := inside("mixed("); ok {
		written, read := cutType(pair, ',')
		return parsePair(mixed, written, strings.TrimPrefix(read, " "))
	}
	if s == namePayload || strings.Contains(s, ".") {
		return &Type{form: structure, name: s}, nil
	}
	return nil, fmt.Errorf("%q is not a type of a payload", s)
}

func parsePair(form form, key, elem string) (*Type, error) {
	k, err := parseType(key)
	if err != nil {
		return nil, err
	}
	e, err := parseType(elem)
	return &Type{form: form, key: k, elem: e}, err
}

// cutType splits s at the first end that is outside of brackets.
func cutType(s string, end byte) (before, after string) {
	depth := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == end && depth == 0:
			return s[:i], s[i+1:]
		case c == '[', c == '(':
			depth++
		case c == ']', c == ')':
			depth--
		}
	}
	return s, ""
}

// written returns the type as its values are written.
func (t *Type) written() *Type {
	if t.form == mixed {
		return t.key
	}
	return t
}

// read returns the type as its values are read.
func (t *Type) read() *Type {
	if t.form == mixed {
		return t.elem
	}
	return t
}

// is reports whether t is a scalar of one of these names.
func (t *Type) is(names ...string) bool {
	for _, name := range names {
		if t.form == scalar && t.name == name {
			return true
		}
	}
	return false
}

// mayBeNull reports whether null may be written for a value, unless such a value is left out.
func (t *Type) mayBeNull() bool {
	switch t = t.written(); t.form {
	case pointer, slice, mapping:
		return true
	case quoted:
		return t.elem.mayBeNull()
	}
	return t.is(nameBytes, nameAny, nameJSON)
}

// takesNull reports whether null is read as a value, and not as the lack of one.
func (t *Type) takesNull() bool {
	t = t.read()
	return t.mayBeNull() || t.form == custom
}
