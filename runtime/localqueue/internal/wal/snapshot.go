package wal

import "errors"

// Snapshot is a snapshot that is being written. Its methods are for one goroutine at a time, and may be called while the
// log is written to.
type Snapshot struct {
	dir      *dir
	number   uint64
	identity uint64
	file     *segment // nil before the first Write
}

// Write adds a group.
func (s *Snapshot) Write(group []byte) (err error) {
	if s.file == nil {
		path := s.dir.snapshot(s.number) + unfinished
		if s.file, err = createSegment(s.dir.disk, path, header{number: s.number, identity: s.identity}); err != nil {
			return err
		}
	}
	return s.file.write(group)
}

// Commit has the snapshot replace the journals before it, removes them, and returns its size in bytes.
func (s *Snapshot) Commit() (int64, error) {
	path := s.dir.snapshot(s.number)
	if err := s.file.close(); err != nil {
		return 0, errors.Join(err, s.dir.disk.remove(path+unfinished))
	}
	if err := s.dir.disk.rename(path+unfinished, path); err != nil {
		return 0, err
	}
	if err := s.dir.sync(); err != nil {
		return 0, err
	}
	old, err := s.dir.list()
	s.dir.remove(old.useless)
	return s.file.end, err
}

// Abandon removes what was written. Nothing is replaced.
func (s *Snapshot) Abandon() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.file.Close(), s.dir.disk.remove(s.dir.snapshot(s.number)+unfinished))
}
