package query

import (
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// reportSameIDs names the runs of a search of which a call by id perhaps finds another.
func reportSameIDs(found []candidate, p *records.Problems) {
	first := make(map[string]string, len(found)) // the least folder of each id
	for _, c := range found {
		if dir := first[c.ref.ID]; dir == "" || c.ref.Dir < dir {
			first[c.ref.ID] = c.ref.Dir
		}
	}
	if len(first) == len(found) {
		return
	}
	for _, c := range found {
		if dir := first[c.ref.ID]; dir != c.ref.Dir {
			p.Add(records.SameID("run", c.ref.Dir, dir))
		}
	}
}
