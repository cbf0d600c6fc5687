package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"slices"
)

const (
	blockSize  = 512
	sumSize    = 4
	blockBody  = blockSize - sumSize
	lengthSize = 4 // of a group's length

	// zerosAhead is how far a journal is extended with zeros at a time. A sync is cheaper where the file's size and blocks
	// stay what they are.
	zerosAhead = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal writes the block's checksum.
func seal(block []byte, key uint32) (sum uint32) {
	sum = blockSum(block, key)
	binary.LittleEndian.PutUint32(block[blockBody:], sum)
	return sum
}

// intact reports whether the block's checksum is right.
func intact(block []byte, key uint32) bool {
	return binary.LittleEndian.Uint32(block[blockBody:]) == blockSum(block, key)
}

// blockSum returns a block's checksum, a CRC-32C whose highest byte is changed if it is zero. That byte is the block's
// last, so a block ends with zero only where it was not written to its end.
func blockSum(block []byte, key uint32) uint32 {
	sum := crc32.Update(key, castagnoli, block[:blockBody])
	if sum < 1<<24 {
		sum |= 0xff << 24
	}
	return sum
}

// blockKey is what the checksum of a group's block covers besides the block.
func blockKey(salt uint64, chain uint32, offset int64) uint32 {
	var b [20]byte
	binary.LittleEndian.PutUint64(b[:], salt)
	binary.LittleEndian.PutUint64(b[8:], uint64(offset))
	binary.LittleEndian.PutUint32(b[16:], chain)
	return crc32.Checksum(b[:], castagnoli)
}

// link returns the chain after a block with that checksum.
func link(chain, sum uint32) uint32 {
	var b [sumSize]byte
	binary.LittleEndian.PutUint32(b[:], sum)
	return crc32.Update(chain, castagnoli, b[:])
}

// blocks returns how many blocks a group of that many bytes takes.
func blocks(length int64) int64 { return (length + lengthSize + blockBody - 1) / blockBody }

const (
	fileMagic = "cloudtask queue\n"
	// fileFormat is the format of files and of what the engine writes to them. Files of a newer format are refused.
	fileFormat = 3
	// firstBlockFormat is the first format whose files consist of blocks.
	firstBlockFormat = 3
)

// header is the first block of a file:
//
//	16 bytes  "cloudtask queue\n"
//	 4 bytes  format
//	 8 bytes  number of the file
//	 8 bytes  salt: random
//	 8 bytes  identity: random, the same in all files of a directory
//	 8 bytes  where the journal before ends
//	 4 bytes  the chain there
//
// Numbers are little-endian.
type header struct {
	number        uint64
	salt          uint64
	identity      uint64
	previousEnd   int64  // 0 for a snapshot and the first journal
	previousChain uint32 // of all checksums of the journal before
}

// pack returns the block, and the chain that the file's groups begin with.
func (h *header) pack() (block []byte, chain uint32) {
	b := append(make([]byte, 0, blockSize), fileMagic...)
	b = binary.LittleEndian.AppendUint32(b, fileFormat)
	b = binary.LittleEndian.AppendUint64(b, h.number)
	b = binary.LittleEndian.AppendUint64(b, h.salt)
	b = binary.LittleEndian.AppendUint64(b, h.identity)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.previousEnd))
	b = binary.LittleEndian.AppendUint32(b, h.previousChain)
	b = b[:blockSize]
	return b, seal(b, 0)
}

// unpackHeader is for a block that is intact.
func unpackHeader(b []byte) header {
	return header{
		number: binary.LittleEndian.Uint64(b[20:]), salt: binary.LittleEndian.Uint64(b[28:]), identity: binary.LittleEndian.Uint64(b[36:]),
		previousEnd: int64(binary.LittleEndian.Uint64(b[44:])), previousChain: binary.LittleEndian.Uint32(b[52:]),
	}
}

// segment is a journal or snapshot that is being written.
type segment struct {
	file  *file
	salt  uint64
	chain uint32
	end   int64  // of the last group
	size  int64  // of the file: zeros from end on
	ahead int64  // how far the file is extended with zeros at a time; 0: it is not
	buf   []byte // of an earlier group
}

// createSegment creates the file, which must not exist. The header's salt is chosen here.
func createSegment(disk *disk, path string, h header) (*segment, error) {
	f, err := disk.create(path)
	if err != nil {
		return nil, err
	}
	h.salt = rand.Uint64()
	block, chain := h.pack()
	if _, err := f.WriteAt(block, 0); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(path))
	}
	return &segment{file: f, salt: h.salt, chain: chain, end: blockSize, size: blockSize}, nil
}

// write adds a group.
func (s *segment) write(group []byte) error {
	if int64(len(group)) > math.MaxUint32 {
		return fmt.Errorf("%d bytes of changes at once: the journal holds at most 4 GiB", len(group))
	}
	data, chain := s.lay(group)
	end := s.end + int64(len(data))
	if s.ahead > 0 && end > s.size {
		if _, err := s.file.WriteAt(make([]byte, end+s.ahead-s.size), s.size); err != nil {
			return err
		}
		s.size = end + s.ahead
	}
	if _, err := s.file.WriteAt(data, s.end); err != nil {
		return err
	}
	s.end, s.chain = end, chain
	return nil
}

// lay returns the blocks of a group that follows the last one, and the chain after it.
func (s *segment) lay(group []byte) (data []byte, chain uint32) {
	size := int(blocks(int64(len(group)))) * blockSize
	data = slices.Grow(s.buf[:0], size)[:size]
	chain = s.chain
	body := data[lengthSize:blockBody]
	binary.LittleEndian.PutUint32(data, uint32(len(group)))
	for at := 0; at < size; at += blockSize {
		if at > 0 {
			body = data[at : at+blockBody]
		}
		n := copy(body, group)
		clear(body[n:])
		group = group[n:]
		chain = link(chain, seal(data[at:at+blockSize], blockKey(s.salt, s.chain, s.end+int64(at))))
	}
	if s.buf = data; cap(data) > 1<<20 {
		s.buf = nil
	}
	return data, chain
}

// close cuts the zeros off and closes the file.
func (s *segment) close() error {
	var err error
	if s.size > s.end {
		err = s.file.Truncate(s.end)
	}
	return errors.Join(err, s.file.Sync(), s.file.Close())
}
