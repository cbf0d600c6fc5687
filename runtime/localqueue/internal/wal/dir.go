package wal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// dir is the directory of a log.
type dir struct {
	disk *disk
	path string
	lock *flock.Flock
	used bool // a process has locked it before
}

// openDir creates the directory if it is missing, and locks it.
func openDir(disk *disk, path string) (*dir, error) {
	if err := disk.createDir(path); err != nil {
		return nil, fmt.Errorf("creating the queue's directory: %w", err)
	}
	d := &dir{disk: disk, path: path, lock: flock.New(filepath.Join(path, lockName), flock.SetPermissions(0o600))}
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

func (d *dir) unlock() error { return d.lock.Unlock() }

const (
	lockName      = "lock"
	watermarkName = "watermark"
	journalName   = "journal-"
	snapshotName  = "snapshot-"
	unfinished    = ".tmp"
)

// checkContents refuses a directory that holds something else, before anything is written to it.
func (d *dir) checkContents() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("reading the queue's directory: %w", err)
	}
	foreign := ""
	for _, e := range entries {
		name := e.Name()
		switch {
		case name == lockName:
			d.used = true
		case d.isOurs(name):
			return nil
		case name != "lost+found" && !strings.HasPrefix(name, ".") && !isLeftover(name):
			foreign = name
		}
	}
	if foreign != "" {
		return fmt.Errorf("the directory %s holds %s but no queue: choose an empty directory or a new one", d.path, foreign)
	}
	return nil
}

// isOurs reports whether the file is part of a log.
func (d *dir) isOurs(name string) bool {
	_, journal := fileNumber(name, journalName)
	_, snapshot := fileNumber(name, snapshotName)
	magic := fileMagic
	switch {
	case name == watermarkName:
		magic = watermarkMagic
	case !journal && !snapshot:
		return false
	}
	f, err := os.Open(filepath.Join(d.path, name))
	if err != nil {
		return false
	}
	defer f.Close()
	found, err := io.ReadAll(io.LimitReader(f, int64(len(magic))))
	return err == nil && strings.HasPrefix(magic, string(found)) // one that was cut is ours, and damaged
}

// isLeftover reports whether a file of that name may be what a log has left behind.
func isLeftover(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	_, journal := fileNumber(base, journalName)
	_, snapshot := fileNumber(base, snapshotName)
	return name != base && (journal || snapshot || base == watermarkName)
}

func fileNumber(name, prefix string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, ok && err == nil && n > 0
}

func (d *dir) journal(number uint64) string {
	return filepath.Join(d.path, fmt.Sprintf("%s%08d", journalName, number))
}

func (d *dir) snapshot(number uint64) string {
	return filepath.Join(d.path, fmt.Sprintf("%s%08d", snapshotName, number))
}

func (d *dir) watermark() string { return filepath.Join(d.path, watermarkName) }

// files are the files that make up the state.
type files struct {
	snapshot uint64 // the newest; 0: none
	journals []uint64
	useless  []string // older ones, and what was never finished
}

// list returns the files of the directory. An error says which is missing.
func (d *dir) list() (files, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return files{}, fmt.Errorf("reading the queue's directory: %w", err)
	}
	var f files
	var snapshots, journals []uint64
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), unfinished) && isLeftover(e.Name()) {
			f.useless = append(f.useless, filepath.Join(d.path, e.Name()))
		} else if n, ok := fileNumber(e.Name(), snapshotName); ok {
			snapshots = append(snapshots, n)
		} else if n, ok := fileNumber(e.Name(), journalName); ok {
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

// newest returns the number of the newest journal, 0 if there is none.
func (f *files) newest() uint64 {
	if len(f.journals) == 0 {
		return 0
	}
	return f.journals[len(f.journals)-1]
}

func (d *dir) missing(number uint64) error {
	return fmt.Errorf("%s is missing, and no snapshot replaces it, while other files of the queue are there. %s", d.journal(number), remedy)
}

// create creates the journal of that number. It is there under its name only when it is complete.
func (d *dir) create(number uint64, h header) (*segment, error) {
	path := d.journal(number)
	h.number = number
	if err := d.removeIfThere(path + unfinished); err != nil {
		return nil, err
	}
	s, err := createSegment(d.disk, path+unfinished, h)
	if err != nil {
		return nil, err
	}
	s.ahead = d.disk.ahead
	if err := errors.Join(s.file.Sync(), s.file.Close()); err != nil {
		return nil, err
	}
	if err := d.disk.rename(path+unfinished, path); err != nil {
		return nil, err
	}
	if s.file, err = d.disk.open(path); err == nil {
		err = d.sync()
	}
	if err != nil {
		return nil, &unsyncedError{err}
	}
	return s, nil
}

// unsyncedError is about a file that is in the directory, if the disk knows of it.
type unsyncedError struct{ error }

func (e *unsyncedError) Unwrap() error { return e.error }

// sync brings the directory's list of files to disk.
func (d *dir) sync() error { return d.disk.syncDir(d.path) }

// remove removes files that are not needed. If that fails they are ignored, and the next start tries again.
func (d *dir) remove(paths []string) {
	for _, p := range paths {
		_ = d.disk.remove(p)
	}
}

func (d *dir) removeIfThere(path string) error {
	if err := d.disk.remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// moveAside copies a part of a journal to a file of its own and returns that one's path.
func (d *dir) moveAside(path string, from, to int64) (string, error) {
	source, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer source.Close()
	data, err := io.ReadAll(io.NewSectionReader(source, from, to-from))
	if err != nil {
		return "", err
	}
	aside := fmt.Sprintf("%s.torn-%d", path, from)
	f, err := d.disk.create(aside)
	for n := 2; errors.Is(err, os.ErrExist); n++ {
		aside = fmt.Sprintf("%s.torn-%d-%d", path, from, n)
		f, err = d.disk.create(aside)
	}
	if err != nil {
		return "", err
	}
	_, err = f.WriteAt(data, 0)
	return aside, errors.Join(err, f.Sync(), f.Close(), d.sync())
}
