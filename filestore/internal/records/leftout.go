package records

import (
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// LeftOut is the problem of an artifact path that is left out.
func LeftOut(ref RunRef, p, reason string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemLeftOut, Path: path.Join(ref.Dir, layout.Artifacts, p), Reason: reason}
}
