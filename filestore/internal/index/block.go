package index

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"slices"
)

// errDamaged is what any reading of a damaged file comes to.
var errDamaged = errors.New("the index is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// block is where in a file some bytes are, and their checksum.
type block struct {
	offset, size uint64
	sum          uint32
}

// checksum is that of bytes at a place in a file: moved, or in another file, they have another.
func checksum(id, offset uint64, data []byte) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], id)
	binary.LittleEndian.PutUint64(place[8:], offset)
	return crc32.Update(crc32.Update(0, castagnoli, place[:]), castagnoli, data)
}

// source is the bytes of an index file.
type source struct {
	io.ReaderAt
	id, size uint64
}

// read gives the bytes from one offset to another, unchecked.
func (s source) read(from, to uint64) ([]byte, error) { return s.readInto(nil, from, to) }

// readInto is read into the memory of a buffer, if that is enough.
func (s source) readInto(buf []byte, from, to uint64) ([]byte, error) {
	if from > to || to > s.size || to-from > maxFile {
		return buf, errDamaged
	}
	data := slices.Grow(buf[:0], int(to-from))[:to-from]      //nolint:gosec // not above maxFile
	if n, err := s.ReadAt(data, int64(from)); n < len(data) { //nolint:gosec // as above
		return data, errors.Join(errDamaged, err)
	}
	return data, nil
}

// load gives the bytes of a block.
func (s source) load(b block) ([]byte, error) {
	if b.size > s.size || b.offset > s.size-b.size {
		return nil, errDamaged
	}
	data, err := s.read(b.offset, b.offset+b.size)
	if err != nil {
		return nil, err
	}
	return data, s.check(b, data)
}

func (s source) check(b block, data []byte) error {
	if checksum(s.id, b.offset, data) != b.sum {
		return errDamaged
	}
	return nil
}

// cutter takes apart what is encoded. Once something does not fit all is zero.
type cutter struct {
	rest   []byte
	broken bool
}

func (c *cutter) number() uint64 {
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.rest, c.broken = nil, true
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

// count is a number of things that take some bytes each, at least.
func (c *cutter) count(bytes int) int {
	n := c.number()
	if n > uint64(len(c.rest)/bytes) {
		c.rest, c.broken = nil, true
		return 0
	}
	return int(n) //nolint:gosec // not above a length
}

func (c *cutter) text() string { return string(c.bytes()) }

func (c *cutter) bytes() []byte {
	n := c.count(1)
	data := c.rest[:n:n]
	c.rest = c.rest[n:]
	return data
}

func (c *cutter) block() block {
	b := block{offset: c.number(), size: c.number()}
	if len(c.rest) < 4 {
		c.rest, c.broken = nil, true
		return block{}
	}
	b.sum = binary.LittleEndian.Uint32(c.rest)
	c.rest = c.rest[4:]
	return b
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func appendBlock(dst []byte, b block) []byte {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, b.offset), b.size)
	return binary.LittleEndian.AppendUint32(dst, b.sum)
}
