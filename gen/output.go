package gen

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/cloudtaskgen/cloudtaskgen/gen/diag"
	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// Commit makes the files on disk what the result says: what differs is replaced in one step each, what is orphaned is
// removed, and what is as it should be is not touched. Nothing is replaced unless everything could be written. It returns
// the notes on the files that it replaced, so that they are printed when something changes and not in every run.
func (r *Result) Commit() (notes []diag.Diagnostic, err error) {
	var ready []staged
	defer func() {
		for _, s := range ready {
			os.Remove(s.temp) // what was renamed is not there any more
		}
	}()
	for _, f := range r.Files {
		old, err := os.ReadFile(f.Path)
		switch {
		case err == nil && sameLines(old, f.Content):
			continue
		case err != nil && !os.IsNotExist(err):
			return nil, r.failed("read", f.Path, err)
		}
		s, err := stage(f.Path, f.Content)
		if err != nil {
			return nil, r.failed("write", f.Path, err)
		}
		ready = append(ready, s)
		notes = append(notes, f.Notes...)
	}
	for _, s := range ready {
		if err := os.Rename(s.temp, s.path); err != nil {
			return nil, r.failed("write", s.path, err)
		}
	}
	for _, path := range r.Orphans {
		// Another run may have been faster.
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return nil, r.failed("remove", path, err)
		}
	}
	return notes, nil
}

// failed words why a file could not be worked on. The system names files that the user never heard of.
func (r *Result) failed(doing, path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s %s: %w", doing, diag.Relative(path, r.Dir), err)
}

// Diff writes a unified diff from the files on disk to what the result says, and returns a diagnostic for each file that
// differs: at the first line that does.
func (r *Result) Diff(w io.Writer) ([]diag.Diagnostic, error) {
	var found []diag.Diagnostic
	compare := func(path string, content []byte) error {
		old, err := r.overlay.ReadFile(path)
		missing := os.IsNotExist(err)
		if err != nil && !missing {
			return err
		}
		switch {
		case missing && content == nil:
			return nil // another run was faster
		case !missing && content != nil && sameLines(old, content):
			return nil
		}
		why := "out of date"
		switch {
		case missing:
			why = "missing"
		case content == nil:
			why = "left over, as no task is declared for it any more"
		}
		found = append(found, diag.Diagnostic{
			Pos:     model.Position{File: path, Line: firstDifference(old, content), Column: 1},
			Message: why + ": run cloudtaskgen, or go generate",
		})
		return writeDiff(w, diag.Relative(path, r.Dir), old, content, missing)
	}
	for _, f := range r.Files {
		if err := compare(f.Path, f.Content); err != nil {
			return found, err
		}
	}
	for _, path := range r.Orphans {
		if err := compare(path, nil); err != nil {
			return found, err
		}
	}
	return found, nil
}

// writeDiff writes the diff of one file; nil content is that of none.
func writeDiff(w io.Writer, name string, old, content []byte, missing bool) error {
	from, to := "a/"+name, "b/"+name // as patch -p1 and git apply expect them
	if missing {
		from = os.DevNull
	}
	if content == nil {
		to = os.DevNull
	}
	if len(old) == 0 && len(content) == 0 {
		_, err := fmt.Fprintf(w, "--- %s\n+++ %s\n", from, to)
		return err
	}
	_, err := w.Write(diff.Diff(from, old, to, content))
	return err
}

// firstDifference returns the number of the first line of old that is another in content; 1 where either is missing.
func firstDifference(old, content []byte) int {
	line := 1
	for len(old) > 0 && len(content) > 0 {
		a, oldRest, _ := bytes.Cut(old, []byte("\n"))
		b, contentRest, _ := bytes.Cut(content, []byte("\n"))
		if !bytes.Equal(bytes.TrimSuffix(a, []byte("\r")), b) {
			return line
		}
		old, content = oldRest, contentRest
		line++
	}
	return line
}

// sameLines reports whether a file on disk is what was generated. A checkout on Windows may have given it other line ends.
func sameLines(old, content []byte) bool {
	return bytes.Equal(bytes.ReplaceAll(old, []byte("\r\n"), []byte("\n")), content)
}

// staged is a file that is written and not in its place yet.
type staged struct{ temp, path string }

// stage writes a file beside its place, so that no one ever sees half of it, with the permissions of the one before. Its
// name does not end in .go: a build that runs meanwhile must not see it.
func stage(path string, content []byte) (s staged, err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	s = staged{temp: path + "." + rand.Text()[:10] + ".tmp", path: path}
	file, err := os.OpenFile(s.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return s, err
	}
	_, err = file.Write(content)
	if old, statErr := os.Stat(path); statErr == nil && err == nil {
		err = file.Chmod(old.Mode().Perm())
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(s.temp)
	}
	return s, err
}
