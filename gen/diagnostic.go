package gen

import (
	"cmp"
	"fmt"
	"go/token"
	"path/filepath"
	"slices"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// Diagnostic is one problem of the source that is generated for.
type Diagnostic struct {
	Pos     model.Position
	Message string // starts in lower case unless it starts with a name; no final full stop
}

// Format returns the diagnostic as "file:line:col: message" with the file relative to dir.
func (d Diagnostic) Format(dir string) string {
	return formatPosition(d.Pos, dir) + ": " + d.Message
}

// formatPosition returns "file:line:col" with the file relative to dir and forward slashes on every system.
func formatPosition(pos model.Position, dir string) string {
	return fmt.Sprintf("%s:%d:%d", relative(pos.File, dir), pos.Line, pos.Column)
}

// relative returns path relative to dir with forward slashes, or path itself where that is impossible.
func relative(path, dir string) string {
	if rel, err := filepath.Rel(dir, path); err == nil {
		path = rel
	}
	return filepath.ToSlash(path)
}

// reporter collects diagnostics of one run.
type reporter struct {
	fset  *token.FileSet
	dir   string // that messages name files relative to
	found []Diagnostic
}

func (r *reporter) errorf(pos token.Pos, format string, args ...any) {
	r.found = append(r.found, Diagnostic{Pos: r.position(pos), Message: fmt.Sprintf(format, args...)})
}

// at returns a position for use inside a message.
func (r *reporter) at(pos token.Pos) string { return formatPosition(r.position(pos), r.dir) }

func (r *reporter) position(pos token.Pos) model.Position {
	// Unadjusted: a //line comment names a file that the reader does not edit.
	p := r.fset.PositionFor(pos, false)
	return model.Position{File: p.Filename, Line: p.Line, Column: p.Column}
}

// sorted returns the diagnostics in the order of their places, each once.
func (r *reporter) sorted() []Diagnostic {
	slices.SortFunc(r.found, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(r.found)
}
