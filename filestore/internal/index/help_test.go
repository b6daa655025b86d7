package index

import (
	"encoding/binary"
	"io"
	"runtime"
	"time"
)

const isOwnMatters = runtime.GOOS != "windows"

func testTime(hours int) time.Time { return time.Now().Add(-time.Duration(hours) * time.Hour) }

type readerAt []byte

func (r readerAt) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 || at > int64(len(r)) {
		return 0, io.EOF
	}
	n := copy(p, r[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// resum gives a header and a directory that were changed the checksums they need, so that what
// comes after these is tried too.
func resum(data []byte) {
	if len(data) < headerSize {
		return
	}
	offset, size := binary.LittleEndian.Uint64(data[24:]), binary.LittleEndian.Uint64(data[32:])
	if offset < uint64(len(data)) && size <= uint64(len(data))-offset {
		sum := checksum(binary.LittleEndian.Uint64(data[16:]), offset, data[offset:offset+size])
		binary.LittleEndian.PutUint32(data[48:], sum)
	}
	binary.LittleEndian.PutUint32(data[52:], checksum(0, 0, data[:52]))
}

func cellOf(p *Part, row, column string) (Cell, bool) {
	c := p.Cursor()
	c.Find(row)
	return c.Cell(column)
}
