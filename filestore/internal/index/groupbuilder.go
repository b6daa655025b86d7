package index

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// maxGroup bounds the memory of a group that is made or read.
const maxGroup = 8 << 20

var errTooLarge = errors.New("the index would be too large")

// groupBuilder is a group that is being made.
type groupBuilder struct {
	rows    []string
	columns map[string]*columnBuilder
	size    int
}

// add adds a row that comes after those added before.
func (g *groupBuilder) add(row Row) {
	if g.columns == nil {
		g.columns = map[string]*columnBuilder{}
	}
	for _, cell := range row.Cells {
		c := g.columns[cell.Column]
		if c == nil {
			c = &columnBuilder{}
			g.columns[cell.Column] = c
			g.size += len(cell.Column)
		}
		c.add(len(g.rows), cell)
		g.size += 14 + len(cell.Value)
	}
	g.rows = append(g.rows, row.Name)
}

// write writes the group, and appends how the directory tells of it.
func (g *groupBuilder) write(w *writer, entry []byte) ([]byte, error) {
	start := w.at
	w.block = appendNames(w.block[:0], g.rows)
	names, err := w.write(w.block)
	if err != nil {
		return nil, err
	}
	table := binary.AppendUvarint(nil, uint64(len(g.columns)))
	for _, name := range slices.Sorted(maps.Keys(g.columns)) {
		w.block = g.columns[name].append(w.block[:0])
		b, err := w.write(w.block)
		if err != nil {
			return nil, err
		}
		table = appendBlock(appendText(table, name), b)
	}
	at, err := w.write(table)
	if err != nil {
		return nil, err
	}
	entry = binary.AppendUvarint(appendText(entry, g.rows[0]), start)
	return appendBlock(appendBlock(entry, names), at), nil
}
