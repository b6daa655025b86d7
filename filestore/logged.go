package filestore

import (
	"context"

	"github.com/mlruns/mlruns"
)

// logged reports to the caller's function, or to the log where there is none.
func (s *Store) logged(report func(mlruns.Problem)) *problems {
	if report == nil {
		report = s.onProblem
	}
	if report == nil {
		report = func(p mlruns.Problem) {
			s.logger.Warn("problem in the store", "kind", string(p.Kind), "path", p.Path, "line", p.Line, "reason", p.Reason)
		}
	}
	return &problems{report: report, explained: s.areas(context.Background()).explain}
}
