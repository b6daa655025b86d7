package index

import (
	"errors"
	"maps"
	"slices"
	"sort"
)

// few rows are no group of their own beside others.
const few = maxRows / 4

// merger writes the groups of a part: what an older index has, and what was read since.
type merger struct {
	w       *writer
	entries []byte // how the directory tells of the groups
	count   int    // of them
	listing Stamp
	pending []Row // for the next groups
	size    int   // of their values
}

func (m *merger) part(old *Part, fresh *draftPart) error {
	var names []string // rows that are to be there, or fresh ones, sorted
	listed := fresh != nil && fresh.listed != nil
	switch {
	case listed:
		names, m.listing = fresh.listed, fresh.listing
	case fresh != nil:
		names = slices.Sorted(maps.Keys(fresh.rows))
	}
	if old != nil {
		if !listed {
			m.listing = old.listing
		}
		for i, g := range old.groups {
			own := names
			if i+1 < len(old.groups) {
				own = names[:sort.SearchStrings(names, old.groups[i+1].first)]
			}
			names = names[len(own):]
			if err := m.group(g, own, fresh, listed); err != nil {
				return err
			}
		}
	}
	for _, name := range names {
		if err := m.add(Row{name, fresh.rows[name].cells}); err != nil {
			return err
		}
	}
	return m.drain()
}

// group writes what an older group has and those of the names that come at its place.
func (m *merger) group(g *group, names []string, fresh *draftPart, listed bool) error {
	if g.unchanged(names, fresh, listed) && (len(m.pending) == 0 || len(m.pending) >= few && g.rows.len() >= few) {
		if err := m.drain(); err != nil {
			return err
		}
		entries, err := g.copyTo(m.w, m.entries)
		if err == nil {
			m.entries = entries
			m.count++
			return nil
		}
		if !errors.Is(err, errDamaged) {
			return err
		}
	}
	rows, err := g.all()
	if err != nil && !listed { // what it had is read again
		m.listing = 0
	}
	for len(rows) > 0 || len(names) > 0 {
		var row Row
		switch {
		case len(names) == 0 || len(rows) > 0 && rows[0].Name < names[0]:
			row, rows = rows[0], rows[1:]
			if listed {
				continue // it has gone
			}
		case len(rows) == 0 || names[0] < rows[0].Name:
			row, names = Row{names[0], fresh.rows[names[0]].cells}, names[1:]
			if !listed {
				m.listing = 0
			}
		default:
			row = rows[0]
			if now, ok := fresh.rows[row.Name]; ok {
				row.Cells = overlay(row.Cells, now.cells, now.whole)
			}
			rows, names = rows[1:], names[1:]
		}
		if err := m.add(row); err != nil {
			return err
		}
	}
	return nil
}

// add adds a row. One without cells says that there is one.
func (m *merger) add(row Row) error {
	m.pending = append(m.pending, row)
	for _, c := range row.Cells {
		m.size += len(c.Value)
	}
	if len(m.pending) < 2*maxRows && m.size <= maxGroup {
		return nil
	}
	return m.write(maxRows)
}

// drain writes all rows that are pending, in groups of about one size.
func (m *merger) drain() error {
	for len(m.pending) > 0 {
		n := len(m.pending)
		if n > maxRows {
			n = (n + 1) / 2
		}
		if err := m.write(n); err != nil {
			return err
		}
	}
	return nil
}

// write writes a group of up to n of the rows that are pending.
func (m *merger) write(n int) (err error) {
	g := groupBuilder{}
	for _, row := range m.pending[:min(n, len(m.pending))] {
		g.add(row)
		for _, c := range row.Cells {
			m.size -= len(c.Value)
		}
		if g.size > maxGroup {
			break
		}
	}
	m.pending = append(m.pending[:0], m.pending[len(g.rows):]...)
	m.count++
	m.entries, err = g.write(m.w, m.entries)
	return err
}

// unchanged reports whether nothing comes to the group, and nothing goes.
func (g *group) unchanged(names []string, fresh *draftPart, listed bool) bool {
	if !listed {
		return len(names) == 0
	}
	if n, err := g.count(); err != nil || n != len(names) {
		return false
	}
	for i, name := range names {
		if _, ok := fresh.rows[name]; ok || g.rows.at(i) != name {
			return false
		}
	}
	return true
}

// copyTo writes the group as it is. It checks all of it: what was damaged is not to get a new
// checksum.
func (g *group) copyTo(w *writer, entry []byte) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.open(); err != nil {
		return nil, err
	}
	blocks := make([][]byte, 0, len(g.list)+1)
	for i := -1; i < len(g.list); i++ {
		b := g.names
		if i >= 0 {
			b = g.list[i].block
		}
		data, err := g.load(b)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, data)
	}
	return w.group(entry, g.first, len(g.list), func(i int) (string, []byte, error) {
		if i < 0 {
			return "", blocks[0], nil
		}
		return g.list[i].name, blocks[i+1], nil
	})
}
