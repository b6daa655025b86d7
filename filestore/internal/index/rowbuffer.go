package index

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
)

// rowBuffer is rows of a draft, encoded one after the other. Memory without pointers costs the
// collection of garbage next to nothing.
type rowBuffer struct {
	data []byte
	rows []bufferedRow
}

// bufferedRow is where a row is in a buffer.
type bufferedRow struct {
	part          int32 // its number
	from, to      uint32
	name, nameEnd uint32
}

// add adds a row of a part. column gives the number of a column.
func (b *rowBuffer) add(part int, row draftRow, column func(name string) int) {
	at := bufferedRow{part: int32(part), from: uint32(len(b.data))} //nolint:gosec // parts are few, and a buffer is small
	data := appendCount(b.data, part)
	data = appendText(data, row.name)
	at.name, at.nameEnd = uint32(len(data)-len(row.name)), uint32(len(data)) //nolint:gosec // as above
	whole := 0
	if row.whole {
		whole = 1
	}
	data = appendCount(appendCount(data, whole), len(row.cells))
	for _, c := range row.cells {
		data = appendCount(data, column(c.Column))
		data = binary.LittleEndian.AppendUint64(data, uint64(c.Stamp))
		data = append(appendCount(data, len(c.Value)), c.Value...)
	}
	at.to = uint32(len(data)) //nolint:gosec // as above
	b.data, b.rows = data, append(b.rows, at)
}

func appendCount(dst []byte, n int) []byte {
	return binary.AppendUvarint(dst, uint64(n)) //nolint:gosec // not negative
}

// sort sorts the rows by the names of the parts and their own; those of one name stay in the order
// in which they came.
func (b *rowBuffer) sort(parts []string) {
	slices.SortFunc(b.rows, func(x, y bufferedRow) int {
		if x.part != y.part {
			return strings.Compare(parts[x.part], parts[y.part])
		}
		if order := bytes.Compare(b.data[x.name:x.nameEnd], b.data[y.name:y.nameEnd]); order != 0 {
			return order
		}
		return cmp.Compare(x.from, y.from)
	})
}

func (b *rowBuffer) reset() { b.data, b.rows = b.data[:0], b.rows[:0] }

// decode gives a row that is encoded, and the number of its part. The values stay in its memory.
func (d *Draft) decode(data []byte) (part string, row draftRow, err error) {
	c := cutter{rest: data}
	number, name, whole := c.number(), c.text(), c.number()
	row = draftRow{name, make([]Cell, c.count(10)), whole == 1}
	if number >= uint64(len(d.names)) {
		return "", row, errDamaged
	}
	for i := range row.cells {
		title := c.number()
		if title >= uint64(len(d.titles)) || len(c.rest) < 8 {
			return "", row, errDamaged
		}
		stamp := binary.LittleEndian.Uint64(c.rest)
		c.rest = c.rest[8:]
		row.cells[i] = Cell{d.titles[title], Stamp(stamp), c.bytes()}
	}
	if c.broken || len(c.rest) > 0 {
		return "", row, errDamaged
	}
	return d.names[number], row, nil
}
