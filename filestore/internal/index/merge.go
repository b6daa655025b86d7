package index

import "errors"

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

func (m *merger) part(old *Part, fresh *arrivals) error {
	if fresh.isKnown {
		m.listing = fresh.listing
	} else if old != nil {
		m.listing = old.listing
	}
	if old != nil {
		for i, g := range old.groups {
			fresh.end = ""
			if i+1 < len(old.groups) {
				fresh.end = old.groups[i+1].first
			}
			if err := m.group(g, fresh); err != nil {
				return err
			}
		}
	}
	fresh.end = ""
	for _, ok := fresh.peek(); ok; _, ok = fresh.peek() {
		row, _ := fresh.take()
		if !fresh.isKnown {
			m.listing = 0
		}
		if err := m.add(Row{row.name, row.cells}); err != nil {
			return err
		}
	}
	fresh.leave()
	return m.drain()
}

// group writes what an older group has and those rows that come at its place.
func (m *merger) group(g *group, fresh *arrivals) error {
	if n, same := g.unchanged(fresh); same && (len(m.pending) == 0 || len(m.pending) >= few && g.rows.len() >= few) {
		if err := m.drain(); err != nil {
			return err
		}
		entries, err := g.copyTo(m.w, m.entries)
		if err == nil {
			m.entries = entries
			m.count++
			fresh.pass(n)
			return nil
		}
		if !errors.Is(err, errDamaged) {
			return err
		}
	}
	rows, err := g.all()
	if err != nil && !fresh.isKnown { // what it had is read again
		m.listing = 0
	}
	name, more := fresh.peek()
	for len(rows) > 0 || more {
		var row Row
		switch {
		case !more || len(rows) > 0 && rows[0].Name < name:
			row, rows = rows[0], rows[1:]
			if fresh.isKnown {
				continue // it has gone
			}
		case len(rows) == 0 || name < rows[0].Name:
			now, _ := fresh.take()
			row = Row{now.name, now.cells}
			if !fresh.isKnown {
				m.listing = 0
			}
		default:
			row, rows = rows[0], rows[1:]
			if now, ok := fresh.take(); ok {
				row.Cells = overlay(row.Cells, now.cells, now.whole)
			}
		}
		name, more = fresh.peek()
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

// unchanged reports whether nothing comes to the group, and nothing goes; and how many names of a
// listing are those of its rows.
func (g *group) unchanged(fresh *arrivals) (names int, same bool) {
	if !fresh.isKnown {
		_, more := fresh.peek()
		return 0, !more
	}
	n, err := g.count()
	if err != nil || !fresh.are(n) {
		return 0, false
	}
	for i := range n {
		if fresh.listed[i] != g.rows.at(i) {
			return 0, false
		}
	}
	return n, true
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
