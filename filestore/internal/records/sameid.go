package records

import (
	"fmt"

	"github.com/mlruns/mlruns"
)

// SameID is the problem of a run whose id another run has, or that of a model or a trace.
func SameID(noun, dir, other string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemDuplicate, Path: dir, Reason: fmt.Sprintf("the %s %s has the same id, and a call by id finds only one of them", noun, other)}
}
