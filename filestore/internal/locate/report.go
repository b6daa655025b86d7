package locate

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// ProblemsFor reports to the caller's function, or to the log where there is none.
func (l *Locator) ProblemsFor(report func(mlruns.Problem)) *records.Problems {
	if report == nil {
		report = l.OnProblem
	}
	if report == nil {
		report = func(p mlruns.Problem) {
			l.Logger.Warn("problem in the store", "kind", string(p.Kind), "path", p.Path, "line", p.Line, "reason", p.Reason)
		}
	}
	return &records.Problems{Report: report, Explained: l.ArtifactAreas(context.Background()).Explain}
}
