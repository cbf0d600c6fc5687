package wal

import (
	"os"
	"syscall"
)

// syncData brings a file's contents to disk, without its times, which would take a write of their own.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		if err != syscall.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// syncDir brings a directory's list of files to disk.
func syncDir(d *os.File) error { return d.Sync() }
