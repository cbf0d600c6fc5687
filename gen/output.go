package gen

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/cloudtaskgen/cloudtaskgen/gen/model"
)

// Commit makes the files on disk what the result says: what differs is replaced in one step each, what is orphaned is
// removed, and what is as it should be is not touched.
func (r *Result) Commit() error {
	for _, f := range r.Files {
		old, err := os.ReadFile(f.Path)
		switch {
		case err == nil && sameLines(old, f.Content):
			continue
		case err != nil && !os.IsNotExist(err):
			return err
		}
		if err := replace(f.Path, f.Content); err != nil {
			return err
		}
	}
	for _, path := range r.Orphans {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

// Diff writes a unified diff from the files on disk to what the result says, and returns a diagnostic for each file that
// differs: at the first line that does.
func (r *Result) Diff(w io.Writer) ([]Diagnostic, error) {
	var found []Diagnostic
	compare := func(path string, content []byte) error {
		old, err := os.ReadFile(path)
		missing := os.IsNotExist(err)
		if err != nil && !missing {
			return err
		}
		if !missing && content != nil && sameLines(old, content) {
			return nil
		}
		why := "out of date"
		switch {
		case missing:
			why = "missing"
		case content == nil:
			why = "left over, as no task is declared for it any more"
		}
		found = append(found, Diagnostic{
			Pos:     model.Position{File: path, Line: firstDifference(old, content), Column: 1},
			Message: why + ": run cloudtaskgen, or go generate",
		})
		return writeDiff(w, relative(path, r.Dir), old, content, missing)
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

// sameLines says whether a file on disk is what was generated. A checkout on Windows may have given it other line ends.
func sameLines(old, content []byte) bool {
	return bytes.Equal(bytes.ReplaceAll(old, []byte("\r\n"), []byte("\n")), content)
}

// replace writes a file so that no one ever sees half of it, and keeps the permissions of the one before. The file that is
// written first does not end in .go: a build that runs meanwhile must not see it.
func replace(path string, content []byte) (err error) {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	temp := path + "." + rand.Text()[:10] + ".tmp"
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temp)
		}
	}()
	if _, err = file.Write(content); err == nil {
		var old fs.FileInfo
		if old, err = os.Stat(path); err == nil {
			err = file.Chmod(old.Mode().Perm())
		} else if os.IsNotExist(err) {
			err = nil
		}
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(temp, path)
}
