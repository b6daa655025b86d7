package filestore

import (
	"fmt"

	"github.com/mlruns/mlruns"
)

// sameID is the problem of a run whose id another run has.
func sameID(dir, other string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemDuplicate, Path: dir, Reason: fmt.Sprintf("the run %s has the same id, and a call by id finds only one of them", other)}
}

// reportSameIDs names the runs of a search of which a call by id perhaps finds another.
func reportSameIDs(found []candidate, p *problems) {
	first := make(map[string]string, len(found)) // the least folder of each id
	for _, c := range found {
		if dir := first[c.ref.id]; dir == "" || c.ref.dir < dir {
			first[c.ref.id] = c.ref.dir
		}
	}
	if len(first) == len(found) {
		return
	}
	for _, c := range found {
		if dir := first[c.ref.id]; dir != c.ref.dir {
			p.add(sameID(c.ref.dir, dir))
		}
	}
}
