// Package lock keeps what the payloads of a module's tasks look like, and finds the changes that tasks in flight or a
// rolling deploy would not survive.
//
// A task that is enqueued today is run by whatever version of the program is there when it is its turn: up to 31 days
// later, or by the version before this one while both run during a deploy. So two questions are asked of each change: does
// this version read what is in flight ([Break.InFlight]), and does the version before read what this one writes
// ([Break.Rolling])? They are answered from the types, by the rules of the codecs, and by trying: payloads of earlier
// versions are kept, and decoded with today's code.
//
// [Check] compares, and says what the lock should be; it writes nothing.
package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// FileName is what the lock is called.
const FileName = "cloudtask.lock.json"

// formatVersion is the version of the file's format. What full payloads are filled with is part of it: payloads of one
// version are compared with each other.
const formatVersion = 1

// A File is the content of a lock.
type File struct {
	Version  int          `json:"version"`
	Tasks    []*Task      `json:"tasks"`              // by name, then package
	Accepted []Acceptance `json:"accepted,omitempty"` // oldest first
}

// A Task is a task and its payload as they were when the lock was written.
type Task struct {
	Name    string   `json:"name"`    // as in its URL
	Package string   `json:"package"` // import path
	Type    string   `json:"type"`    // of the struct
	Aliases []string `json:"aliases,omitempty"`
	Queue   string   `json:"queue,omitempty"` // "": the client's default
	Unique  *Unique  `json:"unique,omitempty"`

	Payload []*Field            `json:"payload"`         // in Go's order
	Types   map[string][]*Field `json:"types,omitempty"` // the structs in it

	Samples []json.RawMessage `json:"samples,omitempty"` // payloads that this version writes
	Earlier []Earlier         `json:"earlier,omitempty"` // and versions before it, by date

	pos       model.Position            // in the source; in the lock's file for a task that was read from it
	at        map[string]model.Position // where fields are, by their path; nil for a task that was read from the file
	first     map[string]model.Position // where the first field of each struct is, by the struct's path
	model     *model.Task
	constants map[string]string // of types with JSON of their own, as Go literals
}

// Unique is what tells tasks of a type apart.
type Unique struct {
	Once   bool     `json:"once,omitempty"`
	Fields []string `json:"fields,omitempty"` // names in JSON, in the directive's order
	Within string   `json:"within,omitempty"` // such as "3600s"
}

// A Field is a field of a payload or of a struct in it.
type Field struct {
	Name     string          `json:"name"`         // in JSON
	Go       string          `json:"go,omitempty"` // in Go, where that is another
	Type     *Type           `json:"type"`
	Required bool            `json:"required,omitempty"` // payloads without it are refused
	Omitted  bool            `json:"omitted,omitempty"`  // it is left out of payloads where it is empty or zero
	Default  json.RawMessage `json:"default,omitempty"`  // what it is where a payload does not have it
}

// Earlier is a payload of an earlier version.
type Earlier struct {
	Until   string          `json:"until"` // the day on which the lock forgot the version, as 2006-01-02
	Payload json.RawMessage `json:"payload"`
}

// An Acceptance records a break that was meant.
type Acceptance struct {
	Rule    string `json:"rule"`
	Subject string `json:"subject"` // of the break
	Reason  string `json:"reason"`
	On      string `json:"on"` // the day, as 2006-01-02
}

// goName returns the field's name in Go.
func (f *Field) goName() string {
	if f.Go != "" {
		return f.Go
	}
	return f.Name
}

// parse reads a lock's file.
func parse(data []byte) (*File, error) {
	f := &File{}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&struct {
		Version *int `json:"version"`
	}{&f.Version}); err != nil {
		return nil, err
	}
	if f.Version != formatVersion {
		return nil, fmt.Errorf("it has format %d, and this cloudtaskgen knows format %d: use the version that wrote it, or a newer one", f.Version, formatVersion)
	}
	dec = json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(f); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows its end")
	}
	return f, f.validate()
}

// validate makes sure that every struct that is named is described.
func (f *File) validate() error {
	for _, t := range f.Tasks {
		lists := [][]*Field{t.Payload}
		for _, fields := range t.Types {
			lists = append(lists, fields)
		}
		for _, field := range slices.Concat(lists...) {
			if field == nil || field.Type == nil {
				return fmt.Errorf("task %s has a field without a type", t.Name)
			}
			if name := undescribed(field.Type, t.Types); name != "" {
				return fmt.Errorf("field %s of task %s is of type %s, which its types do not describe", field.Name, t.Name, name)
			}
		}
	}
	return nil
}

func undescribed(t *Type, types map[string][]*Field) string {
	switch {
	case t == nil:
		return ""
	case t.form == structure && t.name != namePayload && types[t.name] == nil:
		return t.name
	}
	if name := undescribed(t.key, types); name != "" {
		return name
	}
	return undescribed(t.elem, types)
}

// fields returns those of a struct in the payload.
func (t *Task) fields(structName string) []*Field {
	if structName == namePayload {
		return t.Payload
	}
	return t.Types[structName]
}

// answers reports whether tasks that are enqueued under a name are run by this one.
func (t *Task) answers(name string) bool { return t.Name == name || slices.Contains(t.Aliases, name) }

// format writes the lock so that a change of one thing is a change of one line.
func (f *File) format() ([]byte, error) {
	w := &writer{}
	w.open("{")
	w.member("version", f.Version)
	w.list("tasks", len(f.Tasks), func(i int) { w.task(f.Tasks[i]) })
	if len(f.Accepted) > 0 {
		w.list("accepted", len(f.Accepted), func(i int) { w.value(f.Accepted[i]) })
	}
	w.close("}")
	w.buf.WriteString("\n")
	return w.buf.Bytes(), w.err
}

func (w *writer) task(t *Task) {
	w.open("{")
	w.member("name", t.Name)
	w.member("package", t.Package)
	w.member("type", t.Type)
	if len(t.Aliases) > 0 {
		w.member("aliases", t.Aliases)
	}
	if t.Queue != "" {
		w.member("queue", t.Queue)
	}
	if t.Unique != nil {
		w.member("unique", t.Unique)
	}
	fields := func(name string, fields []*Field) {
		w.list(name, len(fields), func(i int) { w.value(fields[i]) })
	}
	fields("payload", t.Payload)
	if len(t.Types) > 0 {
		w.key("types")
		w.open("{")
		for _, name := range slices.Sorted(maps.Keys(t.Types)) {
			fields(name, t.Types[name])
		}
		w.close("}")
	}
	if len(t.Samples) > 0 {
		w.list("samples", len(t.Samples), func(i int) { w.value(t.Samples[i]) })
	}
	if len(t.Earlier) > 0 {
		w.list("earlier", len(t.Earlier), func(i int) { w.value(t.Earlier[i]) })
	}
	w.close("}")
}

// A writer writes JSON with one line for each thing that changes on its own.
type writer struct {
	buf   bytes.Buffer
	depth int
	first bool // nothing is in the innermost list or object yet
	keyed bool // the name of the next value has been written
	err   error
}

func (w *writer) begin() {
	if w.keyed {
		w.keyed = false
		return
	}
	if w.depth == 0 {
		return
	}
	if !w.first {
		w.buf.WriteString(",")
	}
	w.first = false
	w.line()
}

func (w *writer) line() { w.buf.WriteString("\n" + strings.Repeat("  ", w.depth)) }

func (w *writer) open(bracket string) {
	w.begin()
	w.buf.WriteString(bracket)
	w.depth++
	w.first = true
}

func (w *writer) close(bracket string) {
	w.depth--
	if !w.first {
		w.line()
	}
	w.buf.WriteString(bracket)
	w.first = false
}

func (w *writer) key(name string) {
	w.begin()
	w.json(name)
	w.buf.WriteString(": ")
	w.keyed = true
}

func (w *writer) value(v any) {
	w.begin()
	w.json(v)
}

func (w *writer) member(name string, v any) {
	w.key(name)
	w.value(v)
}

func (w *writer) list(name string, n int, value func(i int)) {
	w.key(name)
	w.open("[")
	for i := range n {
		value(i)
	}
	w.close("]")
}

// json writes a value on one line.
func (w *writer) json(v any) {
	enc := json.NewEncoder(&w.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil && w.err == nil {
		w.err = err
	}
	w.buf.Truncate(len(bytes.TrimRight(w.buf.Bytes(), "\n")))
}
