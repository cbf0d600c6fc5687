package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// Files of the formats 1 and 2 begin with a header:
//
//	16 bytes  "cloudtask queue\n"
//	 4 bytes  format
//	 8 bytes  number of the file
//	 8 bytes  salt
//	 4 bytes  checksum of the 36 bytes before
//
// and go on with frames, each a group:
//
//	4 bytes  "\xf1ctq"
//	4 bytes  length of the group
//	4 bytes  checksum of salt, offset of the frame, length, group
//	         group
//
// Zeros may follow the last frame. They are read and never written. Their last frame may be incomplete after a crash,
// which cannot be told from damage, and so is refused.
const (
	legacyHeader = 40
	frameMagic   = "\xf1ctq"
	frameHeader  = 12
)

func (r *reader) readLegacyHeader(b []byte) error {
	if r.size < legacyHeader || crc32.Checksum(b[:36], castagnoli) != binary.LittleEndian.Uint32(b[36:]) {
		return &damage{r.path, 0, "its header's checksum is wrong"}
	}
	r.header, r.offset = header{number: binary.LittleEndian.Uint64(b[20:]), salt: binary.LittleEndian.Uint64(b[28:])}, legacyHeader
	return nil
}

// legacyNext is next for a file of frames.
func (r *reader) legacyNext() (group []byte, ok bool, err error) {
	r.bad = r.offset
	var h [frameHeader]byte
	if r.offset+frameHeader > r.size {
		return nil, false, nil
	}
	if _, err := r.file.ReadAt(h[:], r.offset); err != nil {
		return nil, false, r.unreadable(err)
	}
	length := int64(binary.LittleEndian.Uint32(h[4:]))
	if string(h[:4]) != frameMagic || length > r.size-r.offset-frameHeader {
		return nil, false, nil
	}
	if int64(cap(r.group)) < length {
		r.group = make([]byte, length)
	}
	r.group = r.group[:length]
	if _, err := r.file.ReadAt(r.group, r.offset+frameHeader); err != nil {
		return nil, false, r.unreadable(err)
	}
	var b [20]byte
	binary.LittleEndian.PutUint64(b[:], r.header.salt)
	binary.LittleEndian.PutUint64(b[8:], uint64(r.offset))
	binary.LittleEndian.PutUint32(b[16:], uint32(length))
	sum := crc32.Update(crc32.Checksum(b[:], castagnoli), castagnoli, r.group)
	if sum != binary.LittleEndian.Uint32(h[8:]) {
		return nil, false, nil
	}
	r.offset, r.chain = r.offset+frameHeader+length, sum
	return r.group, true, nil
}

func (r *reader) unreadable(err error) error {
	return fmt.Errorf("reading %s at byte %d: %w", r.path, r.offset, err)
}

// legacyRemains is remains for a file of frames.
func (r *reader) legacyRemains() error {
	rest, err := io.ReadAll(io.NewSectionReader(r.file, r.offset, r.size-r.offset))
	if err != nil {
		return r.unreadable(err)
	}
	for _, c := range rest {
		if c != 0 {
			return &damage{r.path, r.offset, "no group of changes begins there, or it is incomplete, which in a file of the former format cannot be told from damage"}
		}
	}
	return nil
}
