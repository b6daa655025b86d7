package filestore

import (
	"slices"
	"sync"

	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// scratch is what one goroutine reads files into, one after the other.
type scratch struct {
	buf  []byte
	flat codec.FlatMeta
}

// maxScratch is the largest buffer that is kept for later.
const maxScratch = streamChunk + 4<<10

var scratches = sync.Pool{New: func() any { return &scratch{buf: make([]byte, 0, 4<<10)} }}

func newScratch() *scratch {
	m, _ := scratches.Get().(*scratch)
	return m
}

// free gives the memory back. What was read into it must not be used any more.
func (m *scratch) free() {
	if cap(m.buf) <= maxScratch {
		m.flat.Entries = m.flat.Entries[:0]
		scratches.Put(m)
	}
}

// chunk gives room for streamChunk bytes.
func (m *scratch) chunk() []byte {
	m.buf = slices.Grow(m.buf[:0], streamChunk)
	return m.buf[:streamChunk:streamChunk]
}

// readFile gives a file's content until the next is read.
func (m *scratch) readFile(f rootfs.Folder, name string) ([]byte, error) {
	return m.keep(f.ReadFile(name, m.buf))
}

// readSmall is readFile for files of up to limit bytes.
func (m *scratch) readSmall(f rootfs.Folder, name string, limit int64) ([]byte, error) {
	return m.keep(f.ReadSmall(name, m.buf, limit))
}

// readKey is readSmall for the file of a key.
func (m *scratch) readKey(k keyFile, limit int64) ([]byte, error) {
	if k.listed {
		return m.keep(k.folder.ReadListed(k.name, m.buf, limit))
	}
	return m.readSmall(k.folder, k.name, limit)
}

func (m *scratch) keep(data []byte, err error) ([]byte, error) {
	if err == nil {
		m.buf = data
	}
	return data, err
}
