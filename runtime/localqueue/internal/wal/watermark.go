package wal

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"time"
)

// watermarkDelay is how much later than a group the watermark that includes it is on disk, apart from the time that the
// sync takes.
const watermarkDelay = 20 * time.Millisecond

// mark is the contents of the watermark: everything before end in the journal was synced. It is one block:
//
//	16 bytes  "cloudtask synced"
//	 4 bytes  format
//	 8 bytes  identity
//	 8 bytes  number of the journal
//	 8 bytes  end of the last group that was synced
//	 4 bytes  the chain there
type mark struct {
	identity uint64
	journal  uint64
	end      int64
	chain    uint32
}

const watermarkMagic = "cloudtask synced"

func (m mark) pack(b []byte) []byte {
	b = append(b[:0], watermarkMagic...)
	b = binary.LittleEndian.AppendUint32(b, fileFormat)
	b = binary.LittleEndian.AppendUint64(b, m.identity)
	b = binary.LittleEndian.AppendUint64(b, m.journal)
	b = binary.LittleEndian.AppendUint64(b, uint64(m.end))
	b = binary.LittleEndian.AppendUint32(b, m.chain)
	b = b[:blockSize]
	seal(b, 0)
	return b
}

// matches reports whether the mark is at the reader's place.
func (m *mark) matches(r *reader) bool { return m.end == r.offset && m.chain == r.chain }

// readMark returns the mark of a file, nil if there is none or it is damaged.
func readMark(path string) (*mark, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(b) >= 20 && string(b[:16]) == watermarkMagic {
		if err := checkFormat(path, binary.LittleEndian.Uint32(b[16:])); err != nil {
			return nil, err
		}
	}
	if len(b) != blockSize || !intact(b, 0) || string(b[:16]) != watermarkMagic {
		return nil, nil
	}
	return &mark{
		identity: binary.LittleEndian.Uint64(b[20:]), journal: binary.LittleEndian.Uint64(b[28:]),
		end: int64(binary.LittleEndian.Uint64(b[36:])), chain: binary.LittleEndian.Uint32(b[44:]),
	}, nil
}

// watermark is the file, which is overwritten in place. It is synced by a goroutine of its own, so that groups do not
// wait for that.
type watermark struct {
	file    *file
	buf     [blockSize]byte
	written chan struct{}         // buffered: the file is to be synced
	closing chan struct{}         // closed to end the goroutine
	stopped chan struct{}         // closed when it has ended
	failed  atomic.Pointer[error] // of a sync
}

// createWatermark replaces the directory's watermark.
func (d *dir) createWatermark(m mark) (*watermark, error) {
	path := d.watermark()
	if err := d.removeIfThere(path + unfinished); err != nil {
		return nil, err
	}
	f, err := d.disk.create(path + unfinished)
	if err != nil {
		return nil, err
	}
	w := &watermark{written: make(chan struct{}, 1), closing: make(chan struct{}), stopped: make(chan struct{})}
	_, err = f.WriteAt(m.pack(w.buf[:]), 0)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := errors.Join(d.disk.rename(path+unfinished, path), d.sync()); err != nil {
		return nil, err
	}
	if w.file, err = d.disk.open(path); err != nil {
		return nil, err
	}
	go w.keep()
	return w, nil
}

// write writes the mark, and has it synced.
func (w *watermark) write(m mark) error {
	if err := w.failed.Load(); err != nil {
		return *err
	}
	clear(w.buf[:])
	if _, err := w.file.WriteAt(m.pack(w.buf[:]), 0); err != nil {
		return err
	}
	select {
	case w.written <- struct{}{}:
	default:
	}
	return nil
}

func (w *watermark) sync() error { return w.file.SyncData() }

// keep syncs what has been written, a while later.
func (w *watermark) keep() {
	defer close(w.stopped)
	for {
		select {
		case <-w.written:
		case <-w.closing:
			return
		}
		select {
		case <-time.After(watermarkDelay):
		case <-w.closing:
			return
		}
		if err := w.sync(); err != nil {
			w.failed.Store(&err)
			return
		}
	}
}

func (w *watermark) close() error {
	close(w.closing)
	<-w.stopped
	return errors.Join(w.sync(), w.file.Close())
}
