package wal

import (
	"errors"
	"os"
	"path/filepath"
)

// disk is how this package changes files. Reading needs no such care.
type disk struct {
	// trace is nil, or told of each change after it was made. Tests work out from that what a crash can leave. With it,
	// nothing is synced for real.
	trace func(step)
	ahead int64 // how far journals are extended with zeros at a time
}

// step is one change to a disk.
type step struct {
	op   string // create, write, truncate, sync, rename or remove
	path string
	to   string // rename: the new path
	data []byte // write
	at   int64  // write: the offset; truncate: the size
}

// did traces the step that has just been made with that result.
func (d *disk) did(s step, err error) error {
	if err == nil && d.trace != nil {
		d.trace(s)
	}
	return err
}

// sync brings a file to disk by the function.
func (d *disk) sync(path string, f *os.File, by func(*os.File) error) error {
	if d.trace == nil {
		return by(f)
	}
	d.trace(step{op: "sync", path: path})
	return nil
}

// file is an open file.
type file struct {
	*os.File
	disk *disk
	path string
}

// create creates a file, which must not exist.
func (d *disk) create(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err := d.did(step{op: "create", path: path}, err); err != nil {
		return nil, err
	}
	return &file{f, d, path}, nil
}

func (d *disk) open(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &file{f, d, path}, nil
}

func (d *disk) rename(from, to string) error {
	return d.did(step{op: "rename", path: from, to: to}, os.Rename(from, to))
}

func (d *disk) remove(path string) error {
	return d.did(step{op: "remove", path: path}, os.Remove(path))
}

// syncDir brings a directory's list of files to disk.
func (d *disk) syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.sync(path, f, syncDir), f.Close())
}

// createDir creates a directory and its parents, and brings their names to disk.
func (d *disk) createDir(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(path); parent != path {
		if err := d.createDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	if err := d.syncDir(filepath.Dir(path)); err != nil && !errors.Is(err, os.ErrPermission) { // one may create there, yet not read
		return err
	}
	return nil
}

func (f *file) WriteAt(data []byte, at int64) (int, error) {
	n, err := f.File.WriteAt(data, at)
	return n, f.disk.did(step{op: "write", path: f.path, data: data, at: at}, err)
}

func (f *file) Truncate(size int64) error {
	return f.disk.did(step{op: "truncate", path: f.path, at: size}, f.File.Truncate(size))
}

// Sync brings the file to disk.
func (f *file) Sync() error {
	return f.disk.sync(f.path, f.File, (*os.File).Sync)
}

// SyncData brings the file's contents to disk, without its times, which would take a write of their own.
func (f *file) SyncData() error {
	return f.disk.sync(f.path, f.File, syncData)
}
