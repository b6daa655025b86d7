package filestore

import (
	"fmt"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// sameID is the problem of a run whose id another run has.
func sameID(dir, other string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemDuplicate, Path: dir, Reason: fmt.Sprintf("the run %s has the same id, and a call by id finds only one of them", other)}
}

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
			p.Add(sameID(c.ref.Dir, dir))
		}
	}
}
