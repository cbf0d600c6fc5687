// Package wal keeps changes in a directory: a write-ahead log with snapshots. It knows nothing about what the changes
// mean.
//
// # Files
//
//	lock                    locked while a process uses the directory
//	journal-00000007        groups of changes, in order; the one with the highest number is being written
//	snapshot-00000007       the state before the changes of journal 7; it replaces all earlier files
//	watermark               how much of the newest journal is known to be complete
//	journal-00000007.torn…  the end of a journal that a crash cut short, moved aside
//	*.tmp                   a file that is not finished
//
// A snapshot is written while the log grows, so it may include changes that the journal of its number has too: changes
// must be such that repeating them does no harm.
//
// # Blocks
//
// Journals and snapshots consist of blocks of 512 bytes, the least that a disk writes. The first block is the file's
// header. Each further block ends with a checksum, whose last byte is never zero. It covers the file's salt, the block's offset, the
// checksums of all groups before, and the block's contents. A group is its length in four bytes and its bytes, over as
// many blocks as that takes; the rest of the last one is zeros. Journals are extended with zeros, a mebibyte at a time,
// before groups are written there.
//
// # What a crash leaves
//
// One group is written and synced at a time, so when the process or the machine stops, all groups but the last are
// complete. Each block of the last one is there or is zeros, in any combination, and one block at most breaks off, where
// the operating system had copied a part of it. [Open] drops such a group: it copies what there is to a file beside the
// journal and logs that. Anything else, such as a block with a wrong checksum or one of a later group, is damage; Open then
// returns an error with file and offset, and changes nothing.
//
// # The watermark
//
// Damage can look like a crash: a disk may return zeros for a block of the last group. So after each group was synced, and
// before [Log.Write] returns, the watermark is written: the number of the journal and the group's end. A journal that ends
// before it, or is missing, is damage. The watermark is a write to the page cache, which survives the process, and is
// synced at most [watermarkDelay] later. That leaves one case in which damage is taken for a crash: the machine itself goes
// down within this delay, and the blocks written within it turn into zeros although they were synced. What is left of them
// is moved aside like any incomplete group.
//
// Journals name where the one before them ends, and all files carry the same random identity, so that a file that is
// missing, cut, older or another log's is noticed.
package wal

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
)

// Log is a directory that changes are written to. Its methods, except those of the [Snapshot] that Roll returns, are for
// one goroutine at a time.
type Log struct {
	dir       *dir
	identity  uint64
	journal   *segment // the newest
	number    uint64   // of the newest journal
	watermark *watermark
	grown     int64 // bytes of journals that no snapshot replaces
	snapshot  int64 // bytes of the snapshot that was read
	broken    error // why nothing can be written any more
}

// Open locks the directory, which is created if it is missing, and passes everything that it holds to read: the groups of
// the snapshot, if there is one, and those of the journals. It reports whether a group is the last of the snapshot. The
// memory of a group is reused after read returns.
//
// The directory is changed only when all of it could be read.
func Open(path string, log *slog.Logger, read func(group []byte, endsSnapshot bool) error) (*Log, error) {
	return open(&disk{ahead: zerosAhead}, path, log, read)
}

func open(disk *disk, path string, log *slog.Logger, read func(group []byte, endsSnapshot bool) error) (l *Log, err error) {
	d, err := openDir(disk, path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.unlock())
		}
	}()
	r := recovery{dir: d, log: log, read: read}
	if err := r.run(); err != nil {
		return nil, err
	}
	l = &Log{dir: d, identity: r.identity, grown: r.grown, snapshot: r.snapshotSize}
	if l.identity == 0 {
		l.identity = rand.Uint64()
	}
	if err := l.resume(&r); err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	d.remove(r.files.useless)
	return l, nil
}

// Write adds a group. It is on disk when Write returns. After an error it is unknown whether it is, and everything
// further is refused.
func (l *Log) Write(group []byte) error {
	if l.broken != nil {
		return l.broken
	}
	l.broken = l.write(group)
	return l.broken
}

func (l *Log) write(group []byte) error {
	before := l.journal.end
	if err := l.journal.write(group); err != nil {
		return err
	}
	if err := l.journal.file.SyncData(); err != nil {
		return err
	}
	l.grown += l.journal.end - before
	return l.watermark.write(l.mark())
}

// mark returns the watermark of what has been written.
func (l *Log) mark() mark {
	return mark{identity: l.identity, journal: l.number, end: l.journal.end, chain: l.journal.chain}
}

// Grown returns the size of the journals that no snapshot replaces, in bytes.
func (l *Log) Grown() int64 { return l.grown }

// SnapshotSize returns the size of the snapshot that Open has read, 0 if there was none.
func (l *Log) SnapshotSize() int64 { return l.snapshot }

// Roll begins another journal, and returns the snapshot that is to replace the ones before. Until it is committed,
// they are kept. After an error the log goes on in the journal that it had, unless Write says otherwise.
func (l *Log) Roll() (*Snapshot, error) {
	l.grown = 0
	last, number := l.journal, l.number+1
	next, err := l.dir.create(number, header{identity: l.identity, previousEnd: last.end, previousChain: last.chain})
	if err != nil {
		if errors.As(err, new(*unsyncedError)) { // the new journal is there, and nothing may follow in the old one
			l.broken = err
		}
		return nil, err
	}
	l.journal, l.number = next, number
	if err := l.watermark.write(l.mark()); err != nil {
		l.broken = err
		return nil, err
	}
	_ = last.close() // it has been synced
	return &Snapshot{dir: l.dir, number: number, identity: l.identity}, nil
}

// Close releases the directory.
func (l *Log) Close() error {
	return errors.Join(l.watermark.close(), l.journal.close(), l.dir.unlock())
}
