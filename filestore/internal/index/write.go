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
// replaces the one at the path, whosever that is.
func Write(path string, owner []byte, old *File, draft *Draft) (err error) {
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
		groups, n, err := w.part(old.Part(name), draft.parts[name])
		if err != nil {
			return err
		}
		if n > 0 {
			directory = appendText(directory, name)
			directory = binary.AppendUvarint(directory, uint64(n)) //nolint:gosec // not negative
			directory = append(directory, groups...)
			count++
		}
	}
	head := appendText(nil, string(owner))
	head = binary.AppendUvarint(head, uint64(count)) //nolint:gosec // not negative
	var err error
	w.directory, err = w.write(append(head, directory...))
	return err
}

// part writes the groups of a part, and gives how the directory tells of them.
func (w *writer) part(old *Part, fresh *draftPart) (entries []byte, count int, err error) {
	g := &groupBuilder{}
	flush := func() error {
		if len(g.rows) == 0 {
			return nil
		}
		count++
		entries, err = g.write(w, entries)
		g = &groupBuilder{}
		return err
	}
	add := func(row Row) error {
		if len(row.Cells) == 0 {
			return nil
		}
		g.add(row)
		if len(g.rows) == maxRows || g.size > maxGroup {
			return flush()
		}
		return nil
	}
	var names []string
	if fresh != nil {
		for name := range fresh.rows {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	// put adds the rows that are only in the draft and come before a name, "" for all.
	put := func(before string) error {
		for len(names) > 0 && (before == "" || names[0] < before) {
			if err := add(Row{names[0], fresh.rows[names[0]].cells}); err != nil {
				return err
			}
			names = names[1:]
		}
		return nil
	}
	if old != nil {
		for _, from := range old.groups {
			rows, err := from.cells(nil)
			if err != nil {
				continue // it is read again
			}
			for _, row := range rows {
				if fresh != nil && fresh.listed != nil && !fresh.listed[row.Name] {
					continue
				}
				if err := put(row.Name); err != nil {
					return nil, 0, err
				}
				if len(names) > 0 && names[0] == row.Name {
					now := fresh.rows[row.Name]
					row.Cells = overlay(row.Cells, now.cells, now.whole)
					names = names[1:]
				}
				if err := add(row); err != nil {
					return nil, 0, err
				}
			}
		}
	}
	if err := put(""); err != nil {
		return nil, 0, err
	}
	err = flush()
	return entries, count, err
}
