package localqueue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
)

// Files of a durable service begin with a header:
//
//	16 bytes  "cloudtask queue\n"
//	 4 bytes  format
//	 8 bytes  number of the file
//	 8 bytes  salt: random
//	 4 bytes  checksum of the 36 bytes before
//
// and go on with frames, each a number of entries:
//
//	4 bytes  "\xf1ctq"
//	4 bytes  length of the entries
//	4 bytes  checksum of salt, offset of the frame, length, entries
//	         entries
//
// Numbers are little-endian, checksums are CRC-32C. Salt and offset are in the checksum so that nothing passes for a
// frame by chance or by design, such as a task's body that holds one. A journal is written ahead of its frames with zeros, which make
// a sync cheaper: the file's size and blocks stay what they are.
const (
	fileMagic  = "cloudtask queue\n"
	fileHeader = 40
	// fileFormat is the format of files, frames, entries and records. Files of a format that is newer are refused.
	fileFormat = 2

	frameMagic  = "\xf1ctq"
	frameHeader = 12

	// zerosAhead is how far a journal is written ahead.
	zerosAhead = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is a file that frames are being added to.
type segment struct {
	file   *os.File
	salt   uint64
	end    int64 // of the last frame
	size   int64 // of the file: zeros from end on
	synced bool  // whether each frame is on disk when write returns
}

// createSegment creates the file, which must not be there.
func createSegment(path string, number uint64, synced bool) (*segment, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	s := &segment{file: f, salt: rand.Uint64(), end: fileHeader, size: fileHeader, synced: synced}
	header := append(make([]byte, 0, fileHeader), fileMagic...)
	header = binary.LittleEndian.AppendUint32(header, fileFormat)
	header = binary.LittleEndian.AppendUint64(header, number)
	header = binary.LittleEndian.AppendUint64(header, s.salt)
	header = binary.LittleEndian.AppendUint32(header, crc32.Checksum(header, castagnoli))
	_, err = f.WriteAt(header, 0)
	if err == nil && synced {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return s, nil
}

// write adds a frame: frameHeader bytes, which it fills in, and entries.
func (s *segment) write(frame []byte) error {
	length := len(frame) - frameHeader
	if int64(length) > int64(^uint32(0)) {
		return fmt.Errorf("%d bytes of changes at once: the journal holds at most 4 GiB", length)
	}
	copy(frame, frameMagic)
	binary.LittleEndian.PutUint32(frame[4:], uint32(length))
	binary.LittleEndian.PutUint32(frame[8:], frameSum(s.salt, s.end, frame[frameHeader:]))
	end := s.end + int64(len(frame))
	if s.synced && end > s.size {
		if _, err := s.file.WriteAt(make([]byte, end+zerosAhead-s.size), s.size); err != nil {
			return err
		}
		s.size = end + zerosAhead
	}
	if _, err := s.file.WriteAt(frame, s.end); err != nil {
		return err
	}
	s.end = end
	if !s.synced {
		return nil
	}
	return syncData(s.file)
}

// close cuts the zeros off and closes the file.
func (s *segment) close() error {
	var err error
	if s.size > s.end {
		err = s.file.Truncate(s.end)
	}
	return errors.Join(err, s.file.Sync(), s.file.Close())
}

func frameSum(salt uint64, offset int64, entries []byte) uint32 {
	var b [20]byte
	binary.LittleEndian.PutUint64(b[:], salt)
	binary.LittleEndian.PutUint64(b[8:], uint64(offset))
	binary.LittleEndian.PutUint32(b[16:], uint32(len(entries)))
	return crc32.Update(crc32.Checksum(b[:], castagnoli), castagnoli, entries)
}

// damage is a file that does not hold what was written.
type damage struct {
	path   string
	offset int64
	what   string
}

func (d *damage) Error() string {
	return fmt.Sprintf("%s is damaged at byte %d: %s. Nothing was changed. Restore the directory from a copy, "+
		"or move it away to start with an empty queue", d.path, d.offset, d.what)
}

// frameReader reads a file's frames.
type frameReader struct {
	path   string
	data   io.ReaderAt
	size   int64
	format uint32
	salt   uint64
	offset int64 // of the frame that is read next
	buf    []byte
}

// openFrames reads the header of the file with that number.
func openFrames(path string, file *os.File, number uint64) (*frameReader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	r := &frameReader{path: path, data: file, size: info.Size(), offset: fileHeader}
	if r.size < fileHeader {
		return nil, &damage{path, 0, fmt.Sprintf("it has %d bytes, fewer than its header", r.size)}
	}
	var h [fileHeader]byte
	if _, err := file.ReadAt(h[:], 0); err != nil {
		return nil, err
	}
	if string(h[:16]) != fileMagic {
		return nil, &damage{path, 0, "it does not begin as a queue's file does"}
	}
	if r.format = binary.LittleEndian.Uint32(h[16:]); r.format > fileFormat {
		return nil, fmt.Errorf("%s was written by a newer version: its format is %d, and this version reads formats up to %d. "+
			"Use that version, or another directory", path, r.format, fileFormat)
	}
	if crc32.Checksum(h[:36], castagnoli) != binary.LittleEndian.Uint32(h[36:]) {
		return nil, &damage{path, 0, "its header's checksum is wrong"}
	}
	if n := binary.LittleEndian.Uint64(h[20:]); n != number {
		return nil, &damage{path, 20, fmt.Sprintf("it says that it is number %d", n)}
	}
	r.salt = binary.LittleEndian.Uint64(h[28:])
	return r, nil
}

// next returns the entries of the next frame, nil at the end of the file or of what has been written to it. They are
// good until the next call. An error that is a [*damage] is about the place where the frame should be.
func (r *frameReader) next() ([]byte, error) {
	if r.offset == r.size {
		return nil, nil
	}
	var h [frameHeader]byte
	if r.size-r.offset < frameHeader {
		if zeros, err := r.zerosFrom(r.offset); zeros || err != nil {
			return nil, err
		}
		return nil, &damage{r.path, r.offset, "a frame's header breaks off"}
	}
	if _, err := r.data.ReadAt(h[:], r.offset); err != nil {
		return nil, fmt.Errorf("reading %s at byte %d: %w", r.path, r.offset, err)
	}
	length := int64(binary.LittleEndian.Uint32(h[4:]))
	switch {
	case string(h[:4]) != frameMagic:
		if zeros, err := r.zerosFrom(r.offset); zeros || err != nil {
			return nil, err
		}
		return nil, &damage{r.path, r.offset, "no frame begins there"}
	case length > r.size-r.offset-frameHeader:
		return nil, &damage{r.path, r.offset, fmt.Sprintf("a frame of %d bytes goes beyond the end of the file", length)}
	}
	if int64(cap(r.buf)) < length {
		r.buf = make([]byte, length)
	}
	entries := r.buf[:length]
	if _, err := r.data.ReadAt(entries, r.offset+frameHeader); err != nil {
		return nil, fmt.Errorf("reading %s at byte %d: %w", r.path, r.offset+frameHeader, err)
	}
	if frameSum(r.salt, r.offset, entries) != binary.LittleEndian.Uint32(h[8:]) {
		return nil, &damage{r.path, r.offset, fmt.Sprintf("the checksum of a frame of %d bytes is wrong", length)}
	}
	r.offset += frameHeader + length
	return entries, nil
}

// zerosFrom reports whether the file is all zeros from the offset on.
func (r *frameReader) zerosFrom(offset int64) (bool, error) {
	rest, err := r.from(offset)
	return zeros(rest), err
}

func zeros(b []byte) bool { return len(bytes.TrimLeft(b, "\x00")) == 0 }

// frameAfter reports whether a frame that is whole begins anywhere after the offset.
func (r *frameReader) frameAfter(offset int64) (bool, error) {
	rest, err := r.from(offset)
	if err != nil {
		return false, err
	}
	for i := 1; ; i++ {
		at := bytes.Index(rest[min(i, len(rest)):], []byte(frameMagic))
		if at < 0 {
			return false, nil
		}
		i += at
		if len(rest)-i < frameHeader {
			return false, nil
		}
		length := int64(binary.LittleEndian.Uint32(rest[i+4:]))
		if body := rest[i+frameHeader:]; length <= int64(len(body)) &&
			frameSum(r.salt, offset+int64(i), body[:length]) == binary.LittleEndian.Uint32(rest[i+8:]) {
			return true, nil
		}
	}
}

// A journal is written over zeros, so that of a frame whose writing was cut short something is zeros still: its end, or
// blocks of the disk, which are written each as a whole.
const (
	diskBlock = 512
	tornEnd   = 16 // zeros that a frame does not end with by itself, as good as
)

// written reports whether the frame that should begin at the offset was written to its end, as far as the file tells: then
// what is wrong with it came later.
func (r *frameReader) written(offset int64) (bool, error) {
	rest, err := r.from(offset)
	if err != nil || len(rest) < frameHeader {
		return false, err
	}
	length := int64(binary.LittleEndian.Uint32(rest[4:]))
	if length == 0 || length > int64(len(rest)-frameHeader) || zeros(rest[:len(frameMagic)]) {
		return false, nil
	}
	frame := rest[:frameHeader+length]
	if zeros(frame[len(frame)-int(min(tornEnd, length)):]) {
		return false, nil
	}
	for len(frame) > 0 {
		block := min(diskBlock-offset%diskBlock, int64(len(frame)))
		if zeros(frame[:block]) {
			return false, nil
		}
		frame, offset = frame[block:], offset+block
	}
	return true, nil
}

// from returns all of the file from the offset on. It is for files with damage.
func (r *frameReader) from(offset int64) ([]byte, error) {
	data, err := os.ReadFile(r.path)
	if err != nil {
		return nil, err
	}
	return data[min(offset, int64(len(data))):], nil
}
