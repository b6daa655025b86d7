package index

import "encoding/binary"

// column is the block of one: how many rows have a cell, which, their stamps, where each value
// ends, and the values.
type column struct {
	rows, stamps, ends, values []byte
	dense                      bool // the i-th row has the i-th cell
}

func columnOf(data []byte) (column, error) {
	if len(data) < 4 {
		return column{}, errDamaged
	}
	n := uint64(binary.LittleEndian.Uint32(data))
	if n == 0 || n > maxRows || 4+14*n > uint64(len(data)) {
		return column{}, errDamaged
	}
	data = data[4:]
	c := column{rows: data[:2*n], stamps: data[2*n : 10*n], ends: data[10*n : 14*n], values: data[14*n:]}
	c.dense = uint64(c.row(int(n)-1)) == n-1 //nolint:gosec // as above
	return c, nil
}

func (c column) len() int { return len(c.rows) / 2 }

func (c column) row(i int) int { return int(binary.LittleEndian.Uint16(c.rows[2*i:])) }

// find gives the cell of a row, -1 if it has none.
func (c column) find(row int) int {
	if c.dense {
		if row < c.len() && c.row(row) == row {
			return row
		}
		return -1
	}
	low, high := 0, c.len()
	for low < high {
		middle := (low + high) / 2
		switch at := c.row(middle); {
		case at == row:
			return middle
		case at < row:
			low = middle + 1
		default:
			high = middle
		}
	}
	return -1
}

func (c column) stamp(i int) Stamp { return Stamp(binary.LittleEndian.Uint64(c.stamps[8*i:])) }

func (c column) value(i int) ([]byte, bool) {
	from := uint32(0)
	if i > 0 {
		from = binary.LittleEndian.Uint32(c.ends[4*i-4:])
	}
	to := binary.LittleEndian.Uint32(c.ends[4*i:])
	if from > to || uint64(to) > uint64(len(c.values)) {
		return nil, false
	}
	return c.values[from:to:to], true
}

// columnBuilder is a column that is being made.
type columnBuilder struct {
	rows   []uint16
	stamps []Stamp
	ends   []uint32
	values []byte
}

func (b *columnBuilder) add(row int, cell Cell) {
	b.rows = append(b.rows, uint16(row)) //nolint:gosec // below maxRows
	b.stamps = append(b.stamps, cell.Stamp)
	b.values = append(b.values, cell.Value...)
	b.ends = append(b.ends, uint32(len(b.values))) //nolint:gosec // maxRows of maxValue
}

func (b *columnBuilder) append(dst []byte) []byte {
	// not above maxRows
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(b.rows))) //nolint:gosec
	for _, row := range b.rows {
		dst = binary.LittleEndian.AppendUint16(dst, row)
	}
	for _, stamp := range b.stamps {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(stamp))
	}
	for _, end := range b.ends {
		dst = binary.LittleEndian.AppendUint32(dst, end)
	}
	return append(dst, b.values...)
}
