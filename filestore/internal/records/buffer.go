package records

import (
	"slices"
	"sync"

	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Buffer is what one goroutine reads files into, one after the other.
type Buffer struct {
	buf  []byte
	flat codec.FlatMeta
}

// maxScratch is the largest buffer that is kept for later.
const maxScratch = ChunkSize + 4<<10

var scratches = sync.Pool{New: func() any { return &Buffer{buf: make([]byte, 0, 4<<10)} }}

func NewBuffer() *Buffer {
	m, _ := scratches.Get().(*Buffer)
	return m
}

// Free gives the memory back. What was read into it must not be used any more.
func (m *Buffer) Free() {
	if cap(m.buf) <= maxScratch {
		m.flat.Entries = m.flat.Entries[:0]
		scratches.Put(m)
	}
}

// Chunk gives room for ChunkSize bytes.
func (m *Buffer) Chunk() []byte {
	m.buf = slices.Grow(m.buf[:0], ChunkSize)
	return m.buf[:ChunkSize:ChunkSize]
}

// readFile gives a file's content until the next is read.
func (m *Buffer) readFile(f vfs.Folder, name string) ([]byte, error) {
	return m.keep(f.ReadFile(name, m.buf))
}

// readSmall is readFile for files of up to limit bytes.
func (m *Buffer) readSmall(f vfs.Folder, name string, limit int64) ([]byte, error) {
	return m.keep(f.ReadSmall(name, m.buf, limit))
}

// readKey is readSmall for the file of a key.
func (m *Buffer) readKey(k KeyFile, limit int64) ([]byte, error) {
	if k.listed {
		return m.keep(k.Folder.ReadListed(k.Name, m.buf, limit))
	}
	return m.readSmall(k.Folder, k.Name, limit)
}

func (m *Buffer) keep(data []byte, err error) ([]byte, error) {
	if err == nil {
		m.buf = data
	}
	return data, err
}
