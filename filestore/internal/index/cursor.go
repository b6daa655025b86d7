package index

// Cursor goes from row to row of a part, and remembers the columns that it was asked for, so that
// it finds each of a group once. It belongs to one goroutine.
type Cursor struct {
	part  *Part
	views []view // of the groups
	at    *view  // nil: no row
	group *group
	row   int
}

// view is what a cursor has seen of a group.
type view struct {
	columns []viewed
	broken  bool // something cannot be read: what is not found may be there
}

type viewed struct {
	name string
	*column
}

// Cursor gives one that is at no row.
func (p *Part) Cursor() *Cursor {
	if p == nil {
		return &Cursor{}
	}
	return &Cursor{part: p, views: make([]view, len(p.groups))}
}

// Find goes to a row, or to none if there is none of the name.
func (c *Cursor) Find(name string) {
	// who asks for many rows mostly asks for one after the other
	if c.at != nil && c.row+1 < c.group.rows.len() && c.group.rows.at(c.row+1) == name {
		c.row++
		return
	}
	c.at = nil
	i := c.part.groupOf(name)
	if i < 0 {
		return
	}
	if row := c.part.groups[i].find(name); row >= 0 {
		c.Go(i, row)
	}
}

// Go goes to a row of a group.
func (c *Cursor) Go(group, row int) {
	c.at, c.group, c.row = &c.views[group], c.part.groups[group], row
}

// Leave forgets the columns of a group, of which no row will be asked for any more.
func (c *Cursor) Leave(group int) { c.at, c.views[group].columns = nil, nil }

// Release forgets the columns of a group when all have left it.
func (p *Part) Release(group int) {
	g := p.groups[group]
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loaded, g.bytes = nil, nil
}

// Name is the name of the row, "" at no row.
func (c *Cursor) Name() string {
	if c.at == nil {
		return ""
	}
	return c.group.rows.at(c.row)
}

// Cell gives the cell of the row in a column; false if it has none, or that cannot be told.
func (c *Cursor) Cell(column string) (Cell, bool) {
	if c.at == nil || c.at.broken {
		return Cell{}, false
	}
	found := c.at.column(c.group, column)
	if found == nil {
		return Cell{}, false
	}
	i := found.find(c.row)
	if i < 0 {
		return Cell{}, false
	}
	value, ok := found.value(i)
	return Cell{column, found.stamp(i), value}, ok
}

func (v *view) column(g *group, name string) *column {
	for i := range v.columns {
		if v.columns[i].name == name {
			return v.columns[i].column
		}
	}
	c, err := g.column(name)
	if err != nil {
		v.broken = true
		return nil
	}
	v.columns = append(v.columns, viewed{name, c})
	return c
}
