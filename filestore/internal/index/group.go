package index

import (
	"sort"
	"strings"
	"sync"
)

const (
	maxRows  = 256     // of a group
	maxValue = 8 << 10 // a longer value is not kept
	maxCells = 4096    // of a row
	// small is a group that is read with one call: many experiments have few runs.
	small = 32 << 10
)

// group is some rows of a part. It is read when it is needed, and as much of it as is needed.
type group struct {
	source source
	first  string // the name of its first row
	start  uint64 // where its blocks begin, which come before the table
	names  block
	table  block

	mu     sync.Mutex
	opened bool
	err    error
	rows   names
	list   []columnRef // sorted by name
	bytes  []byte      // the whole of a small group
	loaded map[string]*column
}

type columnRef struct {
	name string
	block
}

// open reads which rows and columns there are. The caller holds the lock.
func (g *group) open() error {
	if g.opened {
		return g.err
	}
	g.opened = true
	g.err = g.read()
	return g.err
}

func (g *group) read() error {
	end := g.table.offset + g.table.size
	if g.start <= end && end-g.start <= small {
		var err error
		if g.bytes, err = g.source.read(g.start, end); err != nil {
			return err
		}
	}
	data, err := g.load(g.names)
	if err != nil {
		return err
	}
	if g.rows, err = namesOf(data); err != nil {
		return err
	}
	table, err := g.load(g.table)
	if err != nil {
		return err
	}
	c := cutter{rest: table}
	g.list = make([]columnRef, c.count(7))
	for i := range g.list {
		g.list[i] = columnRef{c.text(), c.block()}
	}
	if c.broken {
		return errDamaged
	}
	return nil
}

// load gives a block, out of what was read of a small group.
func (g *group) load(b block) ([]byte, error) {
	at := b.offset - g.start
	if g.bytes == nil || b.offset < g.start || at > uint64(len(g.bytes)) || b.size > uint64(len(g.bytes))-at {
		return g.source.load(b)
	}
	data := g.bytes[at : at+b.size]
	return data, g.source.check(b, data)
}

// column gives a column, nil if no row has a cell in it.
func (g *group) column(name string) (*column, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.open(); err != nil {
		return nil, err
	}
	if c, ok := g.loaded[name]; ok {
		return c, nil
	}
	var found *column
	i := sort.Search(len(g.list), func(i int) bool { return g.list[i].name >= name })
	if i < len(g.list) && g.list[i].name == name {
		data, err := g.load(g.list[i].block)
		var c column
		if err == nil {
			c, err = columnOf(data)
		}
		if err != nil { // else it would seem that no row has a cell in it
			g.err = err
			return nil, err
		}
		found = &c
	}
	if g.loaded == nil {
		g.loaded = map[string]*column{}
	}
	g.loaded[name] = found
	return found, nil
}

// find gives the row of a name, -1 if there is none.
func (g *group) find(name string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open() != nil {
		return -1
	}
	return g.rows.find(name)
}

// count is how many rows there are.
func (g *group) count() (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.open()
	return g.rows.len(), err
}

// all reads the whole group and gives the cells of all its rows.
func (g *group) all() ([]Row, error) {
	n, err := g.count()
	if err != nil {
		return nil, err
	}
	numbers, cells := make([]int, n), make([][]Cell, n)
	for i := range numbers {
		numbers[i] = i
	}
	if err := g.cells(numbers, cells); err != nil {
		return nil, err
	}
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{strings.Clone(g.rows.at(i)), cells[i]}
	}
	return rows, nil
}

// cells reads the whole group, and gives the cells of some of its rows.
func (g *group) cells(numbers []int, cells [][]Cell) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.open(); err != nil {
		return err
	}
	bytes := g.bytes
	if bytes == nil {
		var err error
		if bytes, err = g.source.read(g.start, g.table.offset); err != nil {
			return err
		}
	}
	return g.cellsIn(bytes, numbers, cells)
}

func (g *group) cellsIn(bytes []byte, numbers []int, cells [][]Cell) error {
	for i := range cells {
		cells[i] = make([]Cell, 0, min(len(g.list), usual))
	}
	for _, ref := range g.list {
		at := ref.offset - g.start
		if ref.offset < g.start || at > uint64(len(bytes)) || ref.size > uint64(len(bytes))-at {
			return errDamaged
		}
		err := g.source.each(ref.block, bytes[at:at+ref.size], numbers, func(i int, stamp Stamp, value []byte) {
			cells[i] = append(cells[i], Cell{ref.name, stamp, value})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// each checks the bytes of a column, and gives what it has of some rows, by their places among
// these.
func (s source) each(at block, data []byte, numbers []int, give func(i int, stamp Stamp, value []byte)) error {
	if err := s.check(at, data); err != nil {
		return err
	}
	c, err := columnOf(data)
	if err != nil {
		return err
	}
	for i, row := range numbers {
		k := c.find(row)
		if k < 0 {
			continue
		}
		value, ok := c.value(k)
		if !ok {
			return errDamaged
		}
		give(i, c.stamp(k), value)
	}
	return nil
}

// usual is how many cells a row has at most, in most stores.
const usual = 64

// Row is the cells of one, sorted by their columns.
type Row struct {
	Name  string
	Cells []Cell
}
