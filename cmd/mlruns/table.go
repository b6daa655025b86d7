package main

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// column is a column of a table. Title and cells are as the store has them: drawing makes them
// safe.
type column struct {
	title    string
	cells    []string
	right    bool // aligned to the right
	whole    bool // never cut
	runsOn   bool // the last one, never cut: the terminal may wrap it
	optional bool // left out when there is no room
}

const (
	gap       = "  "
	narrowest = 12 // a column is cut to this before another is left out
	least     = 4  // and to this when no other can be left out

	mostInBlock = 20 // what is optional is left out of a longer one
)

// draw prints the columns, no wider than the terminal. Where they cannot be, each row becomes a
// block of lines.
func (a *app) draw(columns []column) {
	columns = safeColumns(columns)
	width := a.width()
	if width == 0 {
		a.drawTable(columns)
		return
	}
	fitting, leftOut := fit(columns, width)
	switch {
	case len(fitting) > 0 && total(fitting) <= width:
		a.drawTable(fitting)
	case len(columns) <= mostInBlock:
		a.drawBlocks(columns)
		return
	default:
		a.drawBlocks(fitting)
	}
	if len(leftOut) > 0 {
		a.note("no room for: %s", firstFew(leftOut))
	}
}

// drawBlocks prints a line for each cell, and an empty one between rows.
func (a *app) drawBlocks(columns []column) {
	if len(columns) == 0 {
		return
	}
	for i := range columns[0].cells {
		if i > 0 {
			a.println("")
		}
		list := make([]field, len(columns))
		for j, c := range columns {
			list[j] = field{strings.TrimSpace(c.title), strings.TrimSpace(c.cells[i])}
		}
		a.drawFields(list)
	}
}

func (a *app) drawTable(columns []column) {
	if len(columns) == 0 {
		return
	}
	w := table.NewWriter()
	w.SetOutputMirror(a.out)
	w.SetStyle(table.Style{Box: table.BoxStyle{PaddingRight: gap}})
	w.SuppressTrailingSpaces()
	configs := make([]table.ColumnConfig, len(columns))
	header := make(table.Row, len(columns))
	for i, c := range columns {
		header[i] = c.title
		configs[i].Number = i + 1
		if c.right {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	w.SetColumnConfigs(configs)
	if hasTitles(columns) {
		w.AppendHeader(header)
	}
	for i := range columns[0].cells {
		row := make(table.Row, len(columns))
		for j, c := range columns {
			row[j] = c.cells[i]
		}
		w.AppendRow(row)
	}
	w.Render()
}

// width is that of the terminal, 0 where the output leads elsewhere. COLUMNS goes before what the
// terminal says.
func (a *app) width() int {
	fd := int(a.terminal.Fd())
	if !term.IsTerminal(fd) {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	n, _, err := term.GetSize(fd)
	if err != nil {
		return 0
	}
	return n
}

func hasTitles(columns []column) bool {
	for _, c := range columns {
		if c.title != "" {
			return true
		}
	}
	return false
}

func safeColumns(columns []column) []column {
	out := make([]column, len(columns))
	for i, c := range columns {
		out[i] = c
		out[i].title = safe(c.title)
		out[i].cells = make([]string, len(c.cells))
		for j, cell := range c.cells {
			out[i].cells[j] = safe(cell)
		}
	}
	return out
}

// fit leaves optional columns out, the last first, until the others can be cut to the width, and
// cuts them as little as possible.
func fit(columns []column, width int) (fitting []column, leftOut []string) {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = c.width()
	}
	keep := make([]bool, len(columns))
	for i := range keep {
		keep[i] = true
	}
	needed := func(limit int) int {
		sum := -len(gap)
		for i, c := range columns {
			if keep[i] {
				sum += len(gap) + c.limited(widths[i], limit)
			}
		}
		return sum
	}
	need := needed(narrowest)
	for i := len(columns) - 1; i >= 0 && need > width; i-- {
		if columns[i].optional {
			keep[i] = false
			need -= len(gap) + columns[i].limited(widths[i], narrowest)
			leftOut = append(leftOut, columns[i].title)
		}
	}
	limit := max(width, narrowest)
	for limit > least && needed(limit) > width {
		limit--
	}
	for i, c := range columns {
		if keep[i] {
			fitting = append(fitting, c.cut(limit))
		}
	}
	slices.Reverse(leftOut)
	return fitting, leftOut
}

// allFit reports whether there is room for all columns.
func allFit(columns []column, width int) bool {
	fitting, leftOut := fit(safeColumns(columns), width)
	return len(leftOut) == 0 && total(fitting) <= width
}

// total is the width of a table, as far as it does not run on.
func total(columns []column) int {
	sum := -len(gap)
	for _, c := range columns {
		width := c.width()
		if c.runsOn {
			width = min(width, narrowest)
		}
		sum += len(gap) + width
	}
	return sum
}

func (c column) width() int {
	widest := text.StringWidthWithoutEscSequences(c.title)
	for _, cell := range c.cells {
		widest = max(widest, text.StringWidthWithoutEscSequences(cell))
	}
	return widest
}

func (c column) limited(width, limit int) int {
	switch {
	case c.whole:
		return width
	case c.runsOn:
		return min(width, narrowest)
	}
	return min(width, limit)
}

func (c column) cut(limit int) column {
	if c.whole || c.runsOn {
		return c
	}
	c.title = text.Snip(c.title, limit, "…")
	cells := make([]string, len(c.cells))
	for i, cell := range c.cells {
		cells[i] = text.Snip(cell, limit, "…")
	}
	c.cells = cells
	return c
}
