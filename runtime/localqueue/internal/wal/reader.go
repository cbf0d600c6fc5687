package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

const remedy = "Nothing was changed. Restore the directory from a copy, or move it away to start with an empty queue"

// damage is a file that does not hold what was written.
type damage struct {
	path   string
	offset int64
	what   string
}

func (d *damage) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s. %s", d.path, d.offset, d.what, remedy)
}

// reader reads a file's groups.
type reader struct {
	path   string
	file   *os.File
	size   int64
	header header
	format uint32

	offset int64  // where the next group begins
	chain  uint32 // there
	bad    int64  // the first block of the next group that is not intact
	group  []byte
	limit  int64 // where the next group ends; 0: not known

	window   []byte // a part of the file, and zeros after its end
	windowAt int64
}

const windowSize = 256 << 10

// openReader reads the header of the file of that number.
func openReader(path string, number uint64) (r *reader, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r = &reader{path: path, file: f, size: info.Size(), window: make([]byte, windowSize), windowAt: -windowSize}
	b, err := r.block(0)
	if err != nil {
		return nil, err
	}
	if string(b[:16]) != fileMagic {
		what := "it does not begin like a queue's file"
		if r.size == 0 {
			what = "the file is empty"
		}
		return nil, &damage{path, 0, what}
	}
	r.format = binary.LittleEndian.Uint32(b[16:])
	if err := checkFormat(path, r.format); err != nil {
		return nil, err
	}
	if r.format < firstBlockFormat {
		err = r.readLegacyHeader(b)
	} else if !intact(b, 0) {
		err = &damage{path, 0, "its header's checksum is wrong"}
	} else {
		r.header, r.offset, r.chain = unpackHeader(b), blockSize, binary.LittleEndian.Uint32(b[blockBody:])
	}
	if err == nil && r.header.number != number {
		err = &damage{path, 20, fmt.Sprintf("it says that it is number %d", r.header.number)}
	}
	return r, err
}

func checkFormat(path string, format uint32) error {
	if format > fileFormat {
		return fmt.Errorf("%s was written by a newer version: its format is %d, and this version reads formats up to %d. "+
			"Use that version, or another directory", path, format, fileFormat)
	}
	return nil
}

func (r *reader) close() { _ = r.file.Close() }

// block returns the block at the offset. What the file lacks of it is zeros.
func (r *reader) block(offset int64) ([]byte, error) {
	if at := offset - r.windowAt; at >= 0 && at <= windowSize-blockSize {
		return r.window[at : at+blockSize], nil
	}
	n, err := r.file.ReadAt(r.window, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s at byte %d: %w", r.path, offset, err)
	}
	clear(r.window[n:])
	r.windowAt = offset
	return r.window[:blockSize], nil
}

// next returns the next group; false where the file has none that is complete. It is good until the next call.
func (r *reader) next() (group []byte, ok bool, err error) {
	if r.format < firstBlockFormat {
		return r.legacyNext()
	}
	chain, missing := r.chain, int64(0)
	group, r.limit = r.group[:0], 0
	for r.bad = r.offset; r.limit == 0 || r.bad < r.limit; r.bad += blockSize {
		b, err := r.block(r.bad)
		if err != nil || !r.belongs(b, r.bad) {
			return nil, false, err
		}
		chain = link(chain, binary.LittleEndian.Uint32(b[blockBody:]))
		body := b[:blockBody]
		if r.limit == 0 {
			length := binary.LittleEndian.Uint32(body)
			r.limit = r.offset + blocks(int64(length))*blockSize
			body, missing = body[lengthSize:], int64(length)
		}
		body = body[:min(missing, int64(len(body)))]
		group, missing = append(group, body...), missing-int64(len(body))
	}
	r.group, r.offset, r.chain = group, r.limit, chain
	return group, true, nil
}

// belongs reports whether the block at the offset is one of the next group.
func (r *reader) belongs(block []byte, offset int64) bool {
	return intact(block, blockKey(r.header.salt, r.chain, offset))
}

// remains returns where what a crash has left of the next group ends, 0 if there is nothing. Whatever a crash cannot
// leave is damage.
func (r *reader) remains() (end int64, err error) {
	if r.format < firstBlockFormat {
		return 0, r.legacyRemains()
	}
	cut := int64(0) // a block that breaks off, which must be the last
	for at := r.offset; at < r.size; at += blockSize {
		b, err := r.block(at)
		if err != nil {
			return 0, err
		}
		if [blockSize]byte(b) == [blockSize]byte{} {
			continue
		}
		switch inside := r.limit == 0 || at < r.limit; {
		case cut != 0:
			return 0, r.damaged(cut)
		case inside && r.belongs(b, at):
		case inside && b[blockSize-1] == 0:
			cut = at
		default:
			return 0, r.damaged(at)
		}
		end = at + blockSize
	}
	return end, nil
}

// damaged returns an error about the block at the offset.
func (r *reader) damaged(offset int64) error {
	return &damage{r.path, offset, "the block there is not what was written, and a crash leaves no such block"}
}
