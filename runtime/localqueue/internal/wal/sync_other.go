//go:build !linux

package wal

import (
	"os"
	"runtime"
)

// syncData brings a file's contents to disk.
func syncData(f *os.File) error { return f.Sync() }

// syncDir brings a directory's list of files to disk.
func syncDir(d *os.File) error {
	if runtime.GOOS == "windows" { // which cannot, and does so by itself
		return nil
	}
	return d.Sync()
}
