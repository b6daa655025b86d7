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
	columns := slices.Sorted(maps.Keys(g.columns))
	return w.group(entry, g.rows[0], len(columns), func(i int) (name string, data []byte, err error) {
		if i < 0 {
			w.block = appendNames(w.block[:0], g.rows)
			return "", w.block, nil
		}
		w.block = g.columns[columns[i]].append(w.block[:0])
		return columns[i], w.block, nil
	})
}

// group writes a group of a number of columns. give gives the block of one, that of the names of
// the rows for -1.
func (w *writer) group(entry []byte, first string, columns int, give func(i int) (name string, data []byte, err error)) ([]byte, error) {
	start := w.at
	entry = binary.AppendUvarint(appendText(entry, first), start)
	table := binary.AppendUvarint(nil, uint64(columns)) //nolint:gosec // not negative
	for i := -1; i < columns; i++ {
		name, data, err := give(i)
		if err != nil {
			return nil, err
		}
		b, err := w.write(data)
		if err != nil {
			return nil, err
		}
		if i < 0 {
			entry = appendBlock(entry, b)
		} else {
			table = appendBlock(appendText(table, name), b)
		}
	}
	at, err := w.write(table)
	return appendBlock(entry, at), err
}
