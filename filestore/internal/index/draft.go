package index

import (
	"slices"
	"sync"
)

// maxDraft is how many bytes of cells are kept in memory for the next index. What is more is read
// again another time.
const maxDraft = 48 << 20

// Draft collects what was read, for the next index. It is safe for concurrent use. A nil *Draft
// keeps nothing.
type Draft struct {
	mu      sync.Mutex
	parts   map[string]*draftPart
	columns map[string]string // each name once in memory
	bytes   int
	cells   int
}

type draftPart struct {
	rows    map[string]draftRow
	listed  []string // all rows that there are, sorted; nil: not known
	listing Stamp    // of the folder that was listed
}

type draftRow struct {
	cells []Cell
	whole bool
}

// NewDraft is an empty one.
func NewDraft() *Draft {
	return &Draft{parts: map[string]*draftPart{}, columns: map[string]string{}}
}

func (d *Draft) part(name string) *draftPart {
	p := d.parts[name]
	if p == nil {
		p = &draftPart{rows: map[string]draftRow{}}
		d.parts[name] = p
	}
	return p
}

// Listed says which rows a part has: all others are gone. state is that of the folder that was
// listed, 0 if it cannot be told by that whether others have come.
func (d *Draft) Listed(part string, rows []string, state Stamp) {
	if d == nil {
		return
	}
	slices.Sort(rows)
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.part(part)
	p.listed, p.listing = slices.Compact(rows), state
	if p.listed == nil {
		p.listed = []string{}
	}
}

// Put adds the cells of a row. whole says that it has no others: those that it had are of another
// state. The cells and their values belong to the draft from then on.
func (d *Draft) Put(part, row string, whole bool, cells []Cell) {
	if d == nil || len(cells) > maxCells {
		return
	}
	size := 0
	for _, c := range cells {
		if c.Stamp == 0 || len(c.Value) > maxValue {
			return
		}
		size += len(c.Value) + 48
	}
	slices.SortFunc(cells, compareCells)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bytes+size > maxDraft {
		return
	}
	d.bytes += size
	d.cells += len(cells)
	for i, c := range cells {
		name, ok := d.columns[c.Column]
		if !ok {
			name = c.Column
			d.columns[name] = name
		}
		cells[i].Column = name
	}
	rows := d.part(part).rows
	old, ok := rows[row]
	if ok {
		cells = overlay(old.cells, cells, whole)
	}
	rows[row] = draftRow{cells, whole || old.whole}
}

// Cells is how many cells were put.
func (d *Draft) Cells() int {
	if d == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cells
}
