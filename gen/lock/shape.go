package lock

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// shape returns what the lock keeps of a task, samples apart.
func shape(p *model.Package, t *model.Task) *Task {
	s := &shaper{
		pkg: p, names: map[*model.Type]string{t.Payload.Type: namePayload}, taken: map[string]bool{},
		task: &Task{Name: t.Name, Package: p.Path, Type: t.Type, Aliases: t.Aliases, Queue: t.Queue, pos: t.Pos, model: t, constants: map[string]string{}},
	}
	if t.Once || len(t.Unique) > 0 {
		s.task.Unique = &Unique{Once: t.Once}
		for _, f := range t.Unique {
			s.task.Unique.Fields = append(s.task.Unique.Fields, f.Name)
		}
		if t.Within > 0 {
			s.task.Unique.Within = model.Seconds(t.Within)
		}
	}
	s.task.Payload = s.fields(t.Payload, nil)
	s.task.at, s.task.first = map[string]model.Position{}, map[string]model.Position{}
	s.locate(t.Payload, nil, map[*model.Struct]bool{})
	return s.task
}

// A shaper makes the Task of one task.
type shaper struct {
	pkg   *model.Package
	names map[*model.Type]string // of structs
	taken map[string]bool
	task  *Task
}

// A path is the way from a payload to a value in it: names of fields, and [] for elements and the values of maps.
type path []string

const element = "[]"

// with returns a path that leads further.
func (p path) with(step string) path { return append(slices.Clip(p), step) }

// String spells the path as the codecs do in their errors, such as items[].sku.
func (p path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch {
		case step == element:
			b.WriteString(step)
		case !isIdentifier(step):
			b.WriteString("[" + strconv.Quote(step) + "]")
		default:
			if b.Len() > 0 {
				b.WriteString(".")
			}
			b.WriteString(step)
		}
	}
	return b.String()
}

// isIdentifier reports whether a name stands in a path without quotes.
func isIdentifier(name string) bool {
	for _, c := range name {
		if !(c == '_' || c == '-' || c == '$' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80) {
			return false
		}
	}
	return name != ""
}

// fields returns the fields of a struct at the end of a path.
func (s *shaper) fields(st *model.Struct, at path) []*Field {
	fields := make([]*Field, 0, len(st.Fields))
	for _, f := range st.Fields {
		field := &Field{Name: f.Name, Type: s.typ(f.Type, at.with(f.Name)), Required: f.Required, Omitted: len(f.Omit) > 0}
		if f.GoName != f.Name {
			field.Go = f.GoName
		}
		for _, step := range f.Path {
			field.Omitted = field.Omitted || step.Pointer
		}
		if f.Quoted {
			field.Type = &Type{form: quoted, elem: field.Type}
		}
		if f.Default != nil {
			var compact bytes.Buffer
			_ = json.Compact(&compact, []byte(f.Default.JSON)) // the generator has parsed it
			field.Default = compact.Bytes()
		}
		fields = append(fields, field)
	}
	return fields
}

// typ returns what the lock keeps of a type.
func (s *shaper) typ(t *model.Type, at path) *Type {
	written, read := s.via(t, t.Append, at), s.via(t, t.Decode, at)
	if written.String() == read.String() {
		return read
	}
	return &Type{form: mixed, key: written, elem: read}
}

// via returns what a type is when it is written, or read, in one way.
func (s *shaper) via(t *model.Type, via model.Via, at path) *Type {
	if via != model.Structure {
		name := s.goName(t)
		if t.Constant != "" {
			s.task.constants[name] = t.Constant
		}
		return &Type{form: map[model.Via]form{model.JSONMethod: custom, model.TextMethod: text}[via], name: name}
	}
	switch t.Kind {
	case model.Bytes:
		return &Type{name: nameBytes}
	case model.Time:
		return &Type{name: nameTime}
	case model.Number:
		return &Type{name: nameNumber}
	case model.RawMessage:
		return &Type{name: nameJSON}
	case model.Any:
		return &Type{name: nameAny}
	case model.Pointer:
		return &Type{form: pointer, elem: s.typ(t.Elem, at)}
	case model.Slice:
		return &Type{form: slice, elem: s.typ(t.Elem, at.with(element))}
	case model.Array:
		return &Type{form: array, elem: s.typ(t.Elem, at.with(element)), len: t.Len}
	case model.Map:
		return &Type{form: mapping, key: s.typ(t.Key, at), elem: s.typ(t.Elem, at.with(element))}
	case model.StructKind:
		return &Type{form: structure, name: s.structName(t, at)}
	}
	return &Type{name: t.Basic}
}

// structName returns what a struct is called, and describes it when it is met first.
func (s *shaper) structName(t *model.Type, at path) string {
	if name, ok := s.names[t]; ok {
		return name
	}
	want := "." + at.String()
	if t.Name != "" {
		want = t.Name
	}
	name := want
	for i := 2; s.taken[name]; i++ {
		name = want + strconv.Itoa(i)
	}
	s.names[t], s.taken[name] = name, true
	fields := s.fields(t.Struct, at)
	if s.task.Types == nil {
		s.task.Types = map[string][]*Field{}
	}
	s.task.Types[name] = fields
	return name
}

// goName returns the name of a type that knows its own JSON, with that of its package, but not its path.
func (s *shaper) goName(t *model.Type) string {
	if t.Name == "" {
		return s.pkg.Name + ".struct"
	}
	return t.Name
}

// locate notes where the fields of a struct are, those of a struct that is found in several places once.
func (s *shaper) locate(st *model.Struct, at path, done map[*model.Struct]bool) {
	if done[st] {
		return
	}
	done[st] = true
	for i, f := range st.Fields {
		if i == 0 {
			s.task.first[at.String()] = f.Pos
		}
		p := at.with(f.Name)
		s.task.at[p.String()] = f.Pos
		for t := f.Type; t != nil; t = t.Elem {
			switch t.Kind {
			case model.Slice, model.Array, model.Map:
				p = p.with(element)
			case model.StructKind:
				s.locate(t.Struct, p, done)
			}
		}
	}
}

// position returns where the value at the end of a path is declared, or what is nearest to it on the way.
func (t *Task) position(at path) model.Position {
	for ; len(at) > 0; at = at[:len(at)-1] {
		if pos, ok := t.at[at.String()]; ok && pos.File != "" {
			return pos
		}
	}
	return t.pos
}

// foreign reports whether the field at the end of a path is declared in another module, where nobody here can tag it. A field that is
// gone is where the others of its struct are.
func (t *Task) foreign(at path) bool {
	pos, ok := t.at[at.String()]
	if !ok && len(at) > 0 {
		pos = t.first[at[:len(at)-1].String()]
	}
	if pos.File == "" {
		return false
	}
	vendored := strings.Contains(filepath.ToSlash(pos.File), "/vendor/")
	return vendored || !sameFile(nearestModule(filepath.Dir(pos.File)), nearestModule(filepath.Dir(t.pos.File)))
}
