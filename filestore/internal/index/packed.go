package index

import "encoding/binary"

// Packed is the cells of one row in little memory, as long as they are not asked for. The zero one
// has none.
type Packed struct {
	group *group
	data  []byte // of each cell the number of its column, its stamp, and its value
}

// Cells gives the cells, sorted by their columns, in the memory of a buffer, if that is enough.
func (p Packed) Cells(buf []Cell) []Cell {
	buf = buf[:0]
	for c := (cutter{rest: p.data}); len(c.rest) > 0; {
		column := c.number()
		stamp := binary.LittleEndian.Uint64(c.rest)
		c.rest = c.rest[8:]
		buf = append(buf, Cell{p.group.list[column].name, Stamp(stamp), c.bytes()})
	}
	return buf
}

// window is how many bytes of a group are read with one call, if a column has no more.
const window = 32 << 10

// pack gives some of all names what the group has of them. It reads into a buffer, which it
// returns.
func (g *group) pack(names []string, some []int, rows []Packed, buf []byte) []byte {
	var numbers, places []int
	for _, i := range some {
		if row := g.find(names[i]); row >= 0 {
			numbers, places = append(numbers, row), append(places, i)
		}
	}
	if len(numbers) == 0 {
		return buf
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	packed := make([][]byte, len(numbers))
	// in columns they take somewhat more; what is larger than the others gets more memory
	size := int(min((g.table.offset-g.start)/uint64(g.rows.len()), window)) * 7 / 8 //nolint:gosec // not above the window
	room := make([]byte, size*len(numbers))
	for i := range packed {
		packed[i] = room[i*size : i*size : (i+1)*size]
	}
	for at := 0; at < len(g.list); {
		n, data, err := g.columnsFrom(at, buf)
		if g.bytes == nil && data != nil {
			buf = data
		}
		if err == nil {
			err = g.packFrom(at, n, data, numbers, packed)
		}
		if err != nil {
			return buf
		}
		at += n
	}
	for i, at := range places {
		rows[at] = Packed{g, packed[i]}
	}
	return buf
}

// columnsFrom reads some columns that lie one after the other, and says how many.
func (g *group) columnsFrom(at int, buf []byte) (n int, data []byte, err error) {
	first := g.list[at]
	end := first.offset + first.size
	for n = 1; at+n < len(g.list); n++ {
		next := g.list[at+n]
		if next.offset != end || next.size > window || end+next.size-first.offset > window {
			break
		}
		end += next.size
	}
	if g.bytes != nil {
		if first.offset < g.start || end < first.offset || end-g.start > uint64(len(g.bytes)) {
			return n, nil, errDamaged
		}
		return n, g.bytes[first.offset-g.start : end-g.start], nil
	}
	data, err = g.source.readInto(buf, first.offset, end)
	return n, data, err
}

// packFrom adds the cells of some columns.
func (g *group) packFrom(at, n int, data []byte, numbers []int, packed [][]byte) error {
	for i, ref := range g.list[at : at+n] {
		err := g.source.each(ref.block, data[:ref.size], numbers, func(j int, stamp Stamp, value []byte) {
			dst := binary.LittleEndian.AppendUint64(appendCount(packed[j], at+i), uint64(stamp))
			packed[j] = append(appendCount(dst, len(value)), value...)
		})
		if err != nil {
			return err
		}
		data = data[ref.size:]
	}
	return nil
}
