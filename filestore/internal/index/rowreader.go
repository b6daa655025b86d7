package index

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// rowReader gives the rows of a draft, sorted by their parts and names. What was put for one row at
// several times is one.
type rowReader struct {
	sources []*rowSource // the oldest first
	first   *rowSource   // the oldest of those that are at the next row; nil: there is none
	err     error        // there may be more
}

// rowSource is some of the rows, sorted.
type rowSource struct {
	draft *Draft
	read  func() ([]byte, error) // gives the next row as it is encoded, and io.EOF after the last
	part  string
	row   draftRow
	done  bool
}

// reader gives all rows that were put. Nothing may be put meanwhile.
func (d *Draft) reader() *rowReader {
	r := &rowReader{}
	if d.spill != nil {
		segments, err := d.spill.finish()
		r.err = err
		for _, s := range segments {
			r.add(d, d.spill.read(s))
		}
	}
	d.buffer.sort(d.names)
	rows := d.buffer.rows
	r.add(d, func() ([]byte, error) {
		if len(rows) == 0 {
			return nil, io.EOF
		}
		row := rows[0]
		rows = rows[1:]
		return d.buffer.data[row.from:row.to], nil
	})
	r.choose()
	return r
}

// read reads a segment. At its end it checks that it was what was written.
func (s *spill) read(of segment) func() ([]byte, error) {
	sum := crc32.New(castagnoli)
	r := io.TeeReader(bufio.NewReaderSize(io.NewSectionReader(s.file, of.from, of.size), 16<<10), sum)
	var head [4]byte
	return func() ([]byte, error) {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if errors.Is(err, io.EOF) && sum.Sum32() != of.sum {
				err = errDamaged
			}
			return nil, err
		}
		size := binary.LittleEndian.Uint32(head[:])
		if int64(size) > of.size {
			return nil, errDamaged
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(r, data); err != nil {
			return nil, errors.Join(errDamaged, err)
		}
		return data, nil
	}
}

func (r *rowReader) add(d *Draft, read func() ([]byte, error)) {
	s := &rowSource{draft: d, read: read}
	r.sources = append(r.sources, s)
	r.advance(s)
}

func (r *rowReader) advance(s *rowSource) {
	data, err := s.read()
	if err == nil {
		s.part, s.row, err = s.draft.decode(data)
	}
	s.done = err != nil
	if err != nil && err != io.EOF { //nolint:errorlint // wrapped it is no end
		r.err = errors.Join(r.err, err)
	}
}

func (r *rowReader) choose() {
	r.first = nil
	for _, s := range r.sources {
		if !s.done && (r.first == nil || s.part < r.first.part || s.part == r.first.part && s.row.name < r.first.row.name) {
			r.first = s
		}
	}
}

// peek gives the name of the next row of a part.
func (r *rowReader) peek(part string) (name string, ok bool) {
	if r.first == nil || r.first.part != part {
		return "", false
	}
	return r.first.row.name, true
}

// take gives the next row.
func (r *rowReader) take() draftRow {
	part, row := r.first.part, r.first.row
	r.advance(r.first)
	for _, s := range r.sources {
		for !s.done && s.part == part && s.row.name == row.name {
			row.cells = overlay(row.cells, s.row.cells, s.row.whole)
			row.whole = row.whole || s.row.whole
			r.advance(s)
		}
	}
	r.choose()
	return row
}

// skip goes to the first row of a part that does not come before a name.
func (r *rowReader) skip(part, name string) {
	for at, ok := r.peek(part); ok && at < name; at, ok = r.peek(part) {
		r.take()
	}
}
