package localqueue

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// dir is the directory of a durable service. It holds
//
//	lock               locked while a service is at work
//	journal-00000007   changes, in order; the one with the highest number is being written
//	snapshot-00000007  the state before the changes of journal 7, in the same entries; what came before is not needed
//	*.tmp              a snapshot that is not finished
//
// A snapshot is written while the service works, and so may tell of changes that the journal of its number tells of
// too: every entry has the same effect when it is repeated.
type dir struct {
	path string
	lock *flock.Flock
}

// openDir creates the directory if it is missing, and locks it.
func openDir(path string) (*dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("creating the queue's directory: %w", err)
	}
	d := &dir{path: path, lock: flock.New(filepath.Join(path, "lock"), flock.SetPermissions(0o600))}
	if err := d.checkContents(); err != nil {
		return nil, err
	}
	locked, err := d.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking the queue's directory %s: %w", path, err)
	}
	if !locked {
		return nil, fmt.Errorf("the directory %s is in use by another queue: stop that one, or choose another directory", path)
	}
	return d, nil
}

// checkContents refuses a directory that is somebody else's.
func (d *dir) checkContents() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("reading the queue's directory: %w", err)
	}
	foreign := ""
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "lock":
			return nil
		case name != "lost+found" && !strings.HasPrefix(name, "."):
			foreign = name
		}
	}
	if foreign != "" {
		return fmt.Errorf("the directory %s holds %s but no queue: name an empty directory, or one that is to be created", d.path, foreign)
	}
	return nil
}

func (d *dir) unlock() error { return d.lock.Unlock() }

func (d *dir) journal(number uint64) string {
	return filepath.Join(d.path, fmt.Sprintf("journal-%08d", number))
}

func (d *dir) snapshot(number uint64) string {
	return filepath.Join(d.path, fmt.Sprintf("snapshot-%08d", number))
}

// files are the numbers of a directory's files.
type files struct {
	snapshot uint64 // the newest; 0: none
	journals []uint64
	useless  []string // older ones, and what was never finished
}

// list returns the files that make up the state. An error says which is missing.
func (d *dir) list() (files, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return files{}, fmt.Errorf("reading the queue's directory: %w", err)
	}
	var f files
	var snapshots, journals []uint64
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			f.useless = append(f.useless, filepath.Join(d.path, e.Name()))
		} else if n, ok := fileNumber(e.Name(), "snapshot-"); ok {
			snapshots = append(snapshots, n)
		} else if n, ok := fileNumber(e.Name(), "journal-"); ok {
			journals = append(journals, n)
		}
	}
	slices.Sort(snapshots)
	slices.Sort(journals)
	if len(snapshots) > 0 {
		f.snapshot = snapshots[len(snapshots)-1]
		for _, n := range snapshots[:len(snapshots)-1] {
			f.useless = append(f.useless, d.snapshot(n))
		}
	}
	want := max(1, f.snapshot)
	for _, n := range journals {
		if n < f.snapshot {
			f.useless = append(f.useless, d.journal(n))
			continue
		}
		if n != want {
			return files{}, d.missing(want)
		}
		f.journals = append(f.journals, n)
		want++
	}
	if len(f.journals) == 0 && f.snapshot != 0 {
		return files{}, d.missing(want)
	}
	return f, nil
}

func (d *dir) missing(number uint64) error {
	return fmt.Errorf("%s is missing, and no snapshot replaces it, while later files of the queue are there. Nothing was changed. "+
		"Restore the directory from a copy, or move it away to start with an empty queue", d.journal(number))
}

func fileNumber(name, prefix string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok && err == nil && n > 0
}

// create creates the journal of that number and makes sure that the directory has it.
func (d *dir) create(number uint64) (*segment, error) {
	s, err := createSegment(d.journal(number), number, true)
	if err != nil {
		return nil, err
	}
	if err := d.sync(); err != nil {
		return nil, errors.Join(err, s.file.Close(), os.Remove(d.journal(number)))
	}
	return s, nil
}

// sync brings the directory's list of files to disk.
func (d *dir) sync() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(syncDir(f), f.Close())
}

// remove removes files that are not needed. It does not matter if that goes wrong: they are ignored, and the next
// start tries again.
func (d *dir) remove(paths []string) {
	for _, p := range paths {
		_ = os.Remove(p)
	}
}
