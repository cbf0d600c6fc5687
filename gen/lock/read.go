package lock

import (
	"slices"
	"strings"
)

// A problem is a value that one version of a task does not read as another wrote it.
type problem struct {
	kind   problemKind
	at     path
	reader *Field
	writer *Field // nil when it has no such field
}

type problemKind int

const (
	absent    problemKind = iota // a required field is never written
	omitted                      // a required field is left out at times
	null                         // a required field is null at times
	mistyped                     // values may not be read, or read as others
	defaulted                    // a field that is left out at times means something else
)

// A reading compares the payloads of a task with what another version of it reads.
type reading struct {
	reader, writer *Task
	problems       []problem
	seen           map[[2]string]bool // pairs of structs that have been compared

	// pair is told of every pair of structs; nil: nobody is.
	pair func(at path, reader, writer []*Field)
}

// run compares the payloads.
func (r *reading) run() {
	r.seen = map[[2]string]bool{}
	r.structs(&Type{form: structure, name: namePayload}, &Type{form: structure, name: namePayload}, nil)
}

func (r *reading) structs(read, written *Type, at path) {
	names := [2]string{read.name, written.name}
	if r.seen[names] {
		return
	}
	r.seen[names] = true
	reader, writer := r.reader.fields(read.name), r.writer.fields(written.name)
	if r.pair != nil {
		r.pair(at, reader, writer)
	}
	for _, f := range reader {
		r.field(f, find(writer, f.Name), at.with(f.Name))
	}
}

func find(fields []*Field, name string) *Field {
	for _, f := range fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// field compares a field with the one that is written under its name.
func (r *reading) field(f, from *Field, at path) {
	report := func(kind problemKind) {
		r.problems = append(r.problems, problem{kind: kind, at: at, reader: f, writer: from})
	}
	switch {
	case from == nil:
		if f.Required {
			report(absent)
		}
	case !r.types(f.Type, from.Type, at):
		report(mistyped)
	case f.Required && from.Omitted:
		report(omitted)
	case f.Required && from.Type.mayBeNull() && !f.Type.takesNull():
		report(null)
	case from.Omitted && f.missing() != from.missing():
		report(defaulted)
	}
}

// missing returns what a field is in payloads that do not have it; "" where that is its zero value.
func (f *Field) missing() string {
	if t := f.Type.read(); t.form == pointer || t.form == quoted {
		return string(f.Default)
	}
	switch text := string(f.Default); text {
	case `""`, "0", "false", "[]", "{}":
		return ""
	default:
		return text
	}
}

// types reports whether every value of the one type is read as the same value of the other. What is wrong inside of structs
// it reports as a problem of theirs.
func (r *reading) types(read, written *Type, at path) bool {
	if sameMixed(pointed(read), pointed(written)) {
		return true
	}
	read, written = read.read(), written.written()
	for written.form == pointer {
		written = written.elem.written() // what becomes of null is the field's affair, and an element's is to stay as it is
	}
	for read.form == pointer {
		read = read.elem.read()
	}
	switch {
	case read.is(nameJSON):
		return true
	case read.is(nameAny):
		return r.float64s(written, map[string]bool{})
	case read.form == structure && written.form == structure:
		r.structs(read, written, at)
		return true
	case read.form == array && (written.form == slice || written.form == array && written.len > read.len):
		return false // elements beyond its length are ignored
	case isList(read) && isList(written):
		return r.types(read.elem, written.elem, at.with(element))
	case read.form == mapping && written.form == mapping:
		return readsKey(read.key, written.key) && r.types(read.elem, written.elem, at.with(element))
	}
	return readsValue(read, written)
}

// pointed returns the type of the values that pointers of a type lead to.
func pointed(t *Type) *Type {
	for t.form == pointer {
		t = t.elem
	}
	return t
}

// sameMixed reports whether types that are written in one way and read in another are the same: they read what they write, or
// would be of no use.
func sameMixed(read, written *Type) bool {
	return read.form == mixed && read.String() == written.String()
}

// float64s reports whether all numbers in values of a written type are ones that float64 holds, which any reads them as.
func (r *reading) float64s(t *Type, seen map[string]bool) bool {
	switch t = t.written(); t.form {
	case scalar:
		_, isNumber := numbers[t.name]
		return !isNumber || readsNumber("float64", t.name)
	case pointer, slice, array, mapping:
		return r.float64s(t.elem, seen)
	case structure:
		if seen[t.name] {
			return true
		}
		seen[t.name] = true
		return !slices.ContainsFunc(r.writer.fields(t.name), func(f *Field) bool { return !r.float64s(f.Type, seen) })
	}
	return true
}

func isList(t *Type) bool { return t.form == slice || t.form == array }

// readsKey reports whether every key of a map is read as the same key.
func readsKey(read, written *Type) bool {
	if sameMixed(read, written) {
		return true
	}
	read, written = read.read(), written.written()
	if written.form == text || read.form == text {
		return read.form == text && written.form == text && sameType(read, written) || read.is("string")
	}
	return read.is("string") || readsNumber(read.name, written.name) || read.name == written.name
}

// readsValue reports whether every value of a type that is neither a struct nor a list nor a map is read, and as the same
// value.
func readsValue(read, written *Type) bool {
	switch {
	case read.form == custom || written.form == custom, read.form == text && written.form == text:
		return read.form == written.form && sameType(read, written)
	case written.form == quoted && read.form == quoted:
		return readsQuoted(read.elem, written.elem)
	case written.form == quoted && read.is("string"):
		inner := base(written.elem)
		return !inner.is("string") // which would have quotes of its own
	case written.form == text:
		return read.is("string")
	case written.form == array && read.is(nameBytes):
		return written.elem.written().is("uint8")
	case read.form != scalar || written.form != scalar:
		return false
	case read.name == written.name:
		return true
	case read.is("string"):
		return written.is(nameTime)
	}
	return readsNumber(read.name, written.name)
}

// sameType reports whether types that know their own JSON have one name. Their packages may have moved; what they do with JSON
// the payloads that are tried say.
func sameType(a, b *Type) bool {
	_, x, _ := strings.Cut(a.name, ".")
	_, y, _ := strings.Cut(b.name, ".")
	return x == y
}

// readsQuoted reports whether values in strings are read as the same ones.
func readsQuoted(read, written *Type) bool {
	read, written = base(read.read()), base(written.written())
	return read.form == scalar && written.form == scalar && (read.name == written.name || readsNumber(read.name, written.name))
}

// base returns what a pointer points to.
func base(t *Type) *Type {
	for t.form == pointer {
		t = t.elem
	}
	return t
}

// readsNumber reports whether every number of the one type is read as the same number of the other.
func readsNumber(read, written string) bool {
	r, rok := numbers[read]
	w, wok := numbers[written]
	switch {
	case !wok || !rok:
		return false
	case read == nameNumber:
		return true
	case written == nameNumber:
		return false
	case r.float && w.float:
		return r.bits >= w.bits
	case w.float:
		return false
	case r.float:
		return r.exact() >= w.bits
	case w.signed && !r.signed:
		return false
	case r.signed && !w.signed:
		return r.bits > w.bits
	}
	return r.bits >= w.bits
}

// A numeric is which numbers a type holds.
type numeric struct {
	bits          int
	signed, float bool
}

// exact returns up to how many bits an integer may have that a float holds exactly.
func (n numeric) exact() int {
	if n.bits == 64 {
		return 53
	}
	return 24
}

var numbers = map[string]numeric{
	"int": {64, true, false}, "int8": {8, true, false}, "int16": {16, true, false}, "int32": {32, true, false}, "int64": {64, true, false},
	"uint": {64, false, false}, "uint8": {8, false, false}, "uint16": {16, false, false}, "uint32": {32, false, false}, "uint64": {64, false, false},
	"uintptr": {64, false, false},
	"float32": {32, true, true}, "float64": {64, true, true},
	nameNumber: {},
}

// alike reports whether two types write the same JSON for the same value, by which uniqueness goes.
func alike(a, b *Type, in, other *Task, seen map[[2]string]bool) bool {
	a, b = a.written(), b.written()
	switch {
	case a.form == scalar && b.form == scalar:
		return a.name == b.name || isInteger(a.name) && isInteger(b.name)
	case a.form != b.form || a.len != b.len && a.form == array:
		return false
	case a.form == structure:
		names := [2]string{a.name, b.name}
		if seen[names] {
			return true
		}
		seen[names] = true
		x, y := in.fields(a.name), other.fields(b.name)
		for i := range x {
			if i >= len(y) || x[i].Name != y[i].Name || x[i].Omitted != y[i].Omitted || !alike(x[i].Type, y[i].Type, in, other, seen) {
				return false
			}
		}
		return len(x) == len(y)
	case a.form == text || a.form == custom:
		return sameType(a, b)
	case a.form == mapping && !alike(a.key, b.key, in, other, seen):
		return false
	}
	return alike(a.elem, b.elem, in, other, seen)
}

func isInteger(name string) bool {
	n, ok := numbers[name]
	return ok && !n.float && n.bits > 0 && !strings.HasPrefix(name, "float")
}
