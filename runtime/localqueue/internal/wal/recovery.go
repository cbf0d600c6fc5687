package wal

import (
	"errors"
	"fmt"
	"log/slog"
)

// recovery reads a directory and changes nothing.
type recovery struct {
	dir  *dir
	log  *slog.Logger
	read func(group []byte, endsSnapshot bool) error

	files        files
	identity     uint64 // 0: no file has told it
	mark         *mark  // nil: there is no watermark
	grown        int64  // bytes of journals
	snapshotSize int64

	last *reader // of the journal that was read last, closed; nil: none was
	torn int64   // where the remains of an incomplete group in it end; 0: there are none
}

func (r *recovery) run() (err error) {
	if r.files, err = r.dir.list(); err != nil {
		return err
	}
	if r.mark, err = readMark(r.dir.watermark()); err != nil {
		return err
	}
	if r.mark != nil {
		r.identity = r.mark.identity
		if r.mark.journal > r.files.newest() {
			return r.dir.missing(r.mark.journal)
		}
	} else if r.files.newest() == 0 && r.dir.used {
		r.log.Warn("the directory was used before but has no queue files any more: starting empty", "dir", r.dir.path)
	}
	if r.files.snapshot != 0 {
		if err := r.snapshot(r.files.snapshot); err != nil {
			return err
		}
	}
	for _, n := range r.files.journals {
		if err := r.journal(n); err != nil {
			return err
		}
	}
	return nil
}

// open opens the file of that number.
func (r *recovery) open(path string, number uint64) (*reader, error) {
	f, err := openReader(path, number)
	if err != nil || f.format < firstBlockFormat {
		return f, err
	}
	if r.identity != 0 && f.header.identity != r.identity {
		f.close()
		return nil, &damage{path, 36, "it belongs to another queue than other files of the directory"}
	}
	r.identity = f.header.identity
	return f, nil
}

func (r *recovery) snapshot(number uint64) error {
	f, err := r.open(r.dir.snapshot(number), number)
	if err != nil {
		return err
	}
	defer f.close()
	begins := f.offset
	err = r.groups(f, func(group []byte) error { return r.read(group, f.offset == f.size) })
	if err != nil {
		return err
	}
	switch {
	case f.offset < f.size:
		return &damage{f.path, f.bad, "the block there is not what was written"}
	case f.offset == begins:
		return &damage{f.path, begins, "the file ends there, and the snapshot does not"}
	}
	r.snapshotSize = f.size
	return nil
}

// groups passes the file's groups to read.
func (r *recovery) groups(f *reader, read func(group []byte) error) error {
	for {
		begins := f.offset
		group, ok, err := f.next()
		if err != nil || !ok {
			return err
		}
		if err := read(group); err != nil {
			return &damage{f.path, begins, err.Error()}
		}
	}
}

func (r *recovery) journal(number uint64) error {
	f, err := r.open(r.dir.journal(number), number)
	if err != nil {
		return err
	}
	defer f.close()
	if err := r.follows(f); err != nil {
		return err
	}
	reached := r.mark == nil || r.mark.journal != number || r.mark.matches(f)
	err = r.groups(f, func(group []byte) error {
		reached = reached || r.mark.matches(f)
		return r.read(group, false)
	})
	if err != nil {
		return err
	}
	if !reached {
		return &damage{f.path, f.bad, fmt.Sprintf("the block there is not what was written, and everything up to byte %d had been acknowledged", r.mark.end)}
	}
	r.last, r.grown = f, r.grown+f.offset
	return r.end(f, number == r.files.newest())
}

// follows compares the header of a journal with the journal before.
func (r *recovery) follows(f *reader) error {
	before := r.last
	switch h := f.header; {
	case before == nil || f.format < firstBlockFormat:
		return nil
	case h.previousEnd != before.offset:
		return &damage{before.path, before.bad, fmt.Sprintf("the block there is not what was written: %s follows byte %d", f.path, h.previousEnd)}
	case h.previousChain != before.chain:
		return &damage{before.path, before.offset, fmt.Sprintf("%s follows other contents", f.path)}
	}
	return nil
}

// end judges what is behind the last group of a journal.
func (r *recovery) end(f *reader, newest bool) (err error) {
	if r.torn, err = f.remains(); err != nil || r.torn == 0 && (r.mark != nil || !newest) {
		return err
	}
	switch {
	case r.torn == 0:
		if f.format >= firstBlockFormat && f.offset > blockSize {
			r.log.Warn("the watermark is missing or damaged: cannot tell whether the end of the journal is missing",
				"file", r.dir.watermark(), "journal", f.path)
		}
	case !newest:
		err = &damage{f.path, f.bad, "the block there is not what was written, and a later journal follows"}
	case r.mark == nil:
		err = &damage{f.path, f.bad, "a group of changes is incomplete there, and whether it had been acknowledged cannot be told, for the " +
			"watermark is missing or damaged"}
	}
	return err
}

// resume opens the newest journal to go on after its last group, or creates one. A journal of an older format is not
// written to: another follows.
func (l *Log) resume(r *recovery) (err error) {
	if r.torn != 0 {
		aside, err := r.dir.moveAside(r.last.path, r.last.offset, r.torn)
		if err != nil {
			return err
		}
		r.log.Warn("the last change in the journal is incomplete because the process or the machine stopped while writing it: moved it aside",
			"file", r.last.path, "offset", r.last.offset, "bytes", r.torn-r.last.offset, "moved_to", aside)
	}
	if err := r.dir.sync(); err != nil { // the names of files that another process has created shortly before it was killed
		return err
	}
	l.number = max(1, r.files.newest())
	h := header{identity: l.identity}
	if r.last == nil {
		l.journal, err = l.dir.create(l.number, h)
	} else if l.journal, err = l.dir.reopen(r.last); err == nil && r.last.format < firstBlockFormat {
		h.previousEnd, h.previousChain = r.last.offset, r.last.chain
		err = l.journal.close()
		if err == nil {
			l.number++
			l.journal, err = l.dir.create(l.number, h)
		}
	}
	if err != nil {
		return err
	}
	if l.watermark, err = l.dir.createWatermark(l.mark()); err != nil {
		return errors.Join(err, l.journal.file.Close())
	}
	return nil
}

// reopen opens a journal to be written to after its last group.
func (d *dir) reopen(r *reader) (*segment, error) {
	f, err := d.disk.open(r.path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(r.offset), f.Sync()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &segment{file: f, salt: r.header.salt, chain: r.chain, end: r.offset, size: r.offset, ahead: d.disk.ahead}, nil
}
