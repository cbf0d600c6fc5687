// Package diag collects and prints what is wrong with the source that is generated for.
package diag

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// Diagnostic is one problem of the source that is generated for, or of what was generated for it.
type Diagnostic struct {
	Pos     model.Position
	Message string           // starts in lower case unless it starts with a name; no final full stop
	Related []model.Position // other places that the message names, such as the first of two
	Note    bool             // a remark: no reason to fail or to generate nothing
}

// Format returns the diagnostic as "file:line:col: message" with the file Relative to dir; the message of a note begins
// with "note: ".
func (d Diagnostic) Format(dir string) string {
	if d.Note {
		return FormatPosition(d.Pos, dir) + ": note: " + d.Message
	}
	return FormatPosition(d.Pos, dir) + ": " + d.Message
}

// FormatPosition returns "file:line:col" with the file Relative to dir and forward slashes on every system.
func FormatPosition(pos model.Position, dir string) string {
	return fmt.Sprintf("%s:%d:%d", Relative(pos.File, dir), pos.Line, pos.Column)
}

// Relative returns path Relative to dir with forward slashes, or path itself where that is impossible.
func Relative(path, dir string) string {
	if rel, err := filepath.Rel(dir, path); err == nil {
		path = rel
	}
	return filepath.ToSlash(path)
}

// RelativeError names the file that could not be read or written Relative to dir.
func RelativeError(err error, dir string) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("%s %s: %w", e.Op, Relative(e.Path, dir), e.Err)
	}
	return err
}

// Reporter collects the diagnostics of one run. It is not safe for concurrent use.
type Reporter struct {
	Fset  *token.FileSet
	Dir   string // that messages name files relative to
	found []Diagnostic
	notes []Diagnostic
}

// Len returns the number of diagnostics so far, notes apart.
func (r *Reporter) Len() int { return len(r.found) }

// Add adds a diagnostic.
func (r *Reporter) Add(d Diagnostic) { r.found = append(r.found, d) }

// Notef remarks on something that is not wrong in itself.
func (r *Reporter) Notef(pos token.Pos, format string, args ...any) {
	r.notes = append(r.notes, Diagnostic{Pos: r.Position(pos), Message: fmt.Sprintf(format, args...), Note: true})
}

// NotesIn returns the notes on the files of a folder, sorted.
func (r *Reporter) NotesIn(dir string) []Diagnostic {
	var notes []Diagnostic
	for _, d := range r.notes {
		if filepath.Dir(d.Pos.File) == dir {
			notes = append(notes, d)
		}
	}
	return sortAll(notes)
}

// Errorf reports a problem. It is related to the places among args.
func (r *Reporter) Errorf(pos token.Pos, format string, args ...any) {
	d := Diagnostic{Pos: r.Position(pos), Message: fmt.Sprintf(format, args...)}
	for _, arg := range args {
		if p, ok := arg.(Place); ok {
			d.Related = append(d.Related, p.pos)
		}
	}
	r.Add(d)
}

// Place is a position inside a message.
type Place struct {
	pos model.Position
	dir string // that messages name files Relative to
}

func (p Place) String() string { return FormatPosition(p.pos, p.dir) }

// At returns a position for use inside a message.
func (r *Reporter) At(pos token.Pos) Place { return Place{r.Position(pos), r.Dir} }

// Position returns a position, unadjusted: see [PositionIn].
func (r *Reporter) Position(pos token.Pos) model.Position { return PositionIn(r.Fset, pos) }

// PositionIn returns a position unadjusted: a //line comment names a file that the reader does not edit.
func PositionIn(fset *token.FileSet, pos token.Pos) model.Position {
	p := fset.PositionFor(pos, false)
	return model.Position{File: p.Filename, Line: p.Line, Column: p.Column}
}

// Sorted returns the diagnostics in the order of their places, each once.
func (r *Reporter) Sorted() []Diagnostic {
	return sortAll(r.found)
}

func sortAll(list []Diagnostic) []Diagnostic {
	slices.SortFunc(list, func(a, b Diagnostic) int {
		return cmp.Or(ComparePositions(a.Pos, b.Pos), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(list, func(a, b Diagnostic) bool { return a.Pos == b.Pos && a.Message == b.Message })
}

// ComparePositions orders places as an editor does.
func ComparePositions(a, b model.Position) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// Write writes diagnostics as lines "file:line:col: message", with files Relative to dir.
func Write(w io.Writer, dir string, list []Diagnostic) error {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(d.Format(dir) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteJSON writes diagnostics for editors: an array of objects with file (Relative to dir, with forward
// slashes), line and column (from 1, in bytes), message, related (other places, each with file, line and column), and
// note (true for a remark).
func WriteJSON(w io.Writer, dir string, list []Diagnostic) error {
	type position struct {
		File   string `json:"file"`
		Line   int    `json:"line"`
		Column int    `json:"column"`
	}
	type object struct {
		position
		Message string     `json:"message"`
		Related []position `json:"related,omitempty"`
		Note    bool       `json:"note,omitempty"`
	}
	at := func(p model.Position) position { return position{Relative(p.File, dir), p.Line, p.Column} }
	objects := make([]object, len(list))
	for i, d := range list {
		objects[i] = object{position: at(d.Pos), Message: d.Message, Note: d.Note}
		for _, p := range d.Related {
			objects[i].Related = append(objects[i].Related, at(p))
		}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(objects)
}

// WriteGitHub writes diagnostics as workflow commands of GitHub Actions, which shows them beside the lines that
// they are about. Files are Relative to dir, which is the root of the repository where they are to be found.
func WriteGitHub(w io.Writer, dir string, list []Diagnostic) error {
	// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; what its own toolkit escapes
	// in @actions/core.
	message := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b strings.Builder
	for _, d := range list {
		command := "error"
		if d.Note {
			command = "notice"
		}
		fmt.Fprintf(&b, "::%s file=%s,line=%d,col=%d,title=cloudtaskgen::%s\n",
			command, property.Replace(Relative(d.Pos.File, dir)), d.Pos.Line, d.Pos.Column, message.Replace(d.Message))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
