package index

import "strings"

// Cell is what was made of one state of one file, or of several together. Of its value the index
// knows one thing: of two values of one state the longer says more.
type Cell struct {
	Column string
	Stamp  Stamp
	Value  []byte
}

func compareCells(a, b Cell) int { return strings.Compare(a.Column, b.Column) }

// overlay gives the cells of a row that had the old ones, both sorted. Where both have one the new
// one counts. whole says that the row has no others than the new ones.
func overlay(old, fresh []Cell, whole bool) []Cell {
	merged := make([]Cell, 0, len(old)+len(fresh))
	for len(old) > 0 || len(fresh) > 0 {
		switch {
		case len(fresh) == 0 || len(old) > 0 && old[0].Column < fresh[0].Column:
			if !whole {
				merged = append(merged, old[0])
			}
			old = old[1:]
		case len(old) == 0 || fresh[0].Column < old[0].Column:
			merged = append(merged, fresh[0])
			fresh = fresh[1:]
		default:
			cell := fresh[0]
			if cell.Stamp == old[0].Stamp && len(old[0].Value) > len(cell.Value) {
				cell = old[0]
			}
			merged = append(merged, cell)
			old, fresh = old[1:], fresh[1:]
		}
	}
	return merged
}
