package index

import (
	"slices"
	"sync"
)

const (
	// maxDraft is about how many bytes what a draft has takes in an index. What is more is read
	// again another time.
	maxDraft = 256 << 20
	// maxBuffer is how many bytes of rows are collected before they go to a file.
	maxBuffer = 1 << 20
)

// Draft collects what was read, for the next index, in memory that does not grow with the number of
// runs. It is safe for concurrent use. A nil *Draft keeps nothing.
type Draft struct {
	path    string // of the index
	mu      sync.Mutex
	parts   map[string]*draftPart
	names   []string // of the parts, by their numbers
	columns map[string]int
	titles  []string // of the columns, by their numbers
	buffer  *rowBuffer
	limit   int    // of the bytes of a buffer
	spill   *spill // nil: all rows are in the buffer
	full    bool
	bytes   int
	cells   int
}

type draftPart struct {
	number  int
	isKnown bool     // all rows that there are were listed
	listed  []string // sorted
	listing Stamp    // of the folder that was listed
}

type draftRow struct {
	name  string
	cells []Cell
	whole bool
}

// NewDraft is an empty one for the index at a path, beside which it puts what is too much for its
// memory.
func NewDraft(path string) *Draft {
	return &Draft{path: path, parts: map[string]*draftPart{}, columns: map[string]int{}, buffer: &rowBuffer{}, limit: maxBuffer}
}

func (d *Draft) part(name string) *draftPart {
	p := d.parts[name]
	if p == nil {
		p = &draftPart{number: len(d.names)}
		d.parts[name] = p
		d.names = append(d.names, name)
	}
	return p
}

func (d *Draft) column(name string) int {
	number, ok := d.columns[name]
	if !ok {
		number = len(d.titles)
		d.columns[name] = number
		d.titles = append(d.titles, name)
	}
	return number
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
	p.isKnown, p.listed, p.listing = true, slices.Compact(rows), state
}

// Put adds the cells of a row, which it sorts and copies. whole says that it has no others: those
// that it had are of another state.
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
	// nothing comes after what was left out, which may have said that a row is another now
	d.full = d.full || d.bytes+size > maxDraft
	if d.full {
		return
	}
	d.bytes += size
	d.cells += len(cells)
	d.buffer.add(d.part(part).number, draftRow{row, cells, whole}, d.column)
	if len(d.buffer.data) >= d.limit {
		d.handOver()
	}
}

// handOver has the buffer written to a file, for which nobody waits: where that is too slow, or
// fails, nothing more is kept.
func (d *Draft) handOver() {
	if d.spill == nil {
		d.spill = newSpill(d.path)
	}
	next, ok := d.spill.take(fullBuffer{d.buffer, slices.Clip(d.names)})
	if d.full = !ok; ok {
		d.buffer = next
	}
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

// Spilled reports whether Discard has something to do.
func (d *Draft) Spilled() bool {
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.spill != nil
}

// Discard removes the file of a draft, of which no index is made any more. Write does it too.
func (d *Draft) Discard() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.full = true
	if d.spill != nil {
		_, _ = d.spill.finish()
		d.spill.remove()
		d.spill = nil
	}
}
