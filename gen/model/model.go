// Package model describes what cloudtaskgen generates code for: packages, their tasks and the types of their
// payloads. It is plain data, without knowledge of how source is read (package gen) or code is printed (package
// templates).
package model

import (
	"slices"
	"strconv"
	"time"
)

// Package is a Go package that has tasks.
type Package struct {
	Name  string   // package name
	Path  string   // import path
	Dir   string   // absolute directory
	Scope []string // names declared at package level outside generated files, sorted

	Generated []string // package-level names that generated code declares, sorted

	Tasks    []*Task  // sorted by type name
	Codecs   []*Codec // every type that has codec functions, tasks included, in the order they are printed
	Inferred []*Type  // types that have variables, each after the one that it is part of
	Results  []*Type  // every type that a Run returns, each once, in the order their functions are printed
	Deps     []*Dep   // dependency types of Run, each once, sorted by import path and name
	Shapes   []*Shape // types whose shape the generated code asserts
	Imports  []Import // every package that a Type or Source of this package mentions, sorted by path
}

// Source is Go source of a type. Names that packages declare stand in pieces of their own, so that the printer can
// qualify those of others with the import names of its file, and tell the package's own from what Go predeclares.
type Source []Piece

// Piece is text, or a name at package level.
type Piece struct {
	Text    string // when PkgPath is ""
	PkgPath string
	Name    string
}

// Dep is a type that Run methods ask for besides the context.
type Dep struct {
	Type Source
	Base string // what the parameter is called, or like it, such as "app" for *App; "" for a type without a name
}

// Shape is what a declared type was when its codec was generated.
type Shape struct {
	Type   Source // its name
	Fields []ShapeField
	Basic  string // the predeclared type that it is like; "": none
	Other  Source // what else it is; nil: a struct, or basic
	Task   *Task  // nil: not a task
}

// ShapeField is a field of a struct as it is declared.
type ShapeField struct {
	Name     string
	Embedded bool // it is declared by its type alone
	Type     Source
	Tag      string
}

// TaskNames are the package-level names generated for a task.
type TaskNames struct {
	Definition                      string // the variable
	Asap, Later, Until, Push, Batch string
	Sync, Debug, Discard            string
	Enqueued                        string // for tests
	Append, Decode                  string
	Runner                          string // method of Runner; "" for a task with Run
}

// All returns the names at package level.
func (n *TaskNames) All() []string {
	return []string{n.Definition, n.Asap, n.Later, n.Until, n.Push, n.Batch, n.Sync, n.Debug, n.Discard, n.Enqueued, n.Append, n.Decode}
}

// Import is a package that generated code may have to import.
type Import struct {
	Path, Name string
	Source     string // what the package's own source calls it; "": that does not import it
}

// Position is a place in a source file.
type Position struct {
	File         string // absolute
	Line, Column int
}

// Task is a struct with a //cloudtask:task directive.
type Task struct {
	Type    string // name of the struct type
	Name    string // stable id in URLs
	Aliases []string
	Doc     string // first sentence of the struct's doc comment, for the generated docs
	Pos     Position

	Queue   string
	Timeout time.Duration
	Once    bool
	Unique  []*Field // the fields of //cloudtask:unique, in its order
	Within  time.Duration

	Retry        *Retry
	EnqueueRetry *EnqueueRetry

	HasQueue, HasTimeout, HasTaskName bool // the struct's optional methods

	Names   TaskNames
	Payload *Struct
	Run     *Run // nil: the package's Runner runs it
}

// Run is the signature of a task's Run method.
type Run struct {
	Dep       *Dep   // one of Package.Deps; nil: none
	Result    *Type  // nil: only an error
	Signature Source // parameters and results, as in a method of an interface
}

// NeedsRunner says whether a task of the package has no Run method.
func (p *Package) NeedsRunner() bool {
	return slices.ContainsFunc(p.Tasks, func(t *Task) bool { return t.Run == nil })
}

// Retry is a //cloudtask:retry directive; zero fields were not given.
type Retry struct {
	Attempts      int
	Age, Min, Max time.Duration
	Doublings     int
}

// EnqueueRetry is a //cloudtask:enqueue-retry directive; zero fields were not given.
type EnqueueRetry struct {
	On                     []string // gRPC code names
	Initial, Max, Deadline time.Duration
	Multiplier             float64
}

// Seconds spells a duration as Cloud Tasks' JSON does: 90s, 0.1s.
func Seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s"
}
