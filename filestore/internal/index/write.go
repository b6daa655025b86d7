package index

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Write makes the index that has what an older one has, nil for none, and what was read since. It
// replaces the one at the path, whosever that is. The draft is used up.
func Write(path string, owner []byte, old *File, draft *Draft) (err error) {
	defer draft.Discard()
	Tidy(path) // or who is killed each time leaves a file each time
	f, err := createBeside(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	buffer := bufio.NewWriterSize(f, 1<<20)
	w := &writer{to: buffer, at: headerSize, id: randomNumber()}
	if _, err := buffer.Write(make([]byte, headerSize)); err != nil {
		return err
	}
	if err := w.parts(owner, old, draft); err != nil {
		return err
	}
	if err := buffer.Flush(); err != nil {
		return err
	}
	if _, err := f.WriteAt(w.header(), 0); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Clean(path))
}

func randomNumber() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return binary.LittleEndian.Uint64(b[:])
}

// writer writes an index from its beginning to its end.
type writer struct {
	to        io.Writer
	at        uint64
	id        uint64
	directory block
	block     []byte // memory for the next
}

func (w *writer) write(data []byte) (block, error) {
	b := block{w.at, uint64(len(data)), checksum(w.id, w.at, data)}
	w.at += b.size
	if w.at > maxFile {
		return b, errTooLarge
	}
	_, err := w.to.Write(data)
	return b, err
}

func (w *writer) header() []byte {
	h := make([]byte, 0, headerSize)
	h = append(h, magic...)
	h = binary.LittleEndian.AppendUint32(h, format)
	h = binary.LittleEndian.AppendUint32(h, 0)
	for _, n := range [...]uint64{w.id, w.directory.offset, w.directory.size, w.at} {
		h = binary.LittleEndian.AppendUint64(h, n)
	}
	h = binary.LittleEndian.AppendUint32(h, w.directory.sum)
	return binary.LittleEndian.AppendUint32(h, checksum(0, 0, h))
}

// parts writes all parts and the directory.
func (w *writer) parts(owner []byte, old *File, draft *Draft) error {
	draft.mu.Lock()
	defer draft.mu.Unlock()
	rows := draft.reader()
	var list []string
	for name := range draft.parts {
		list = append(list, name)
	}
	if old != nil {
		for _, p := range old.parts {
			list = append(list, p.name)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	directory, count := []byte(nil), 0
	for _, name := range list {
		m := merger{w: w}
		fresh := &arrivals{rows: rows, part: name}
		if p := draft.parts[name]; p != nil {
			fresh.draftPart = *p
		}
		if err := m.part(old.Part(name), fresh); err != nil {
			return err
		}
		if m.count > 0 || m.listing != 0 {
			directory = binary.AppendUvarint(appendText(directory, name), uint64(m.listing))
			// not negative
			directory = binary.AppendUvarint(directory, uint64(m.count)) //nolint:gosec
			directory = append(directory, m.entries...)
			count++
		}
	}
	if rows.err != nil {
		return rows.err
	}
	head := appendText(nil, string(owner))
	head = binary.AppendUvarint(head, uint64(count)) //nolint:gosec // not negative
	var err error
	w.directory, err = w.write(append(head, directory...))
	return err
}
