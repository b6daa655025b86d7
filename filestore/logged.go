package filestore

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// logged reports to the caller's function, or to the log where there is none.
func (s *Store) logged(report func(mlruns.Problem)) *records.Problems {
	if report == nil {
		report = s.onProblem
	}
	if report == nil {
		report = func(p mlruns.Problem) {
			s.logger.Warn("problem in the store", "kind", string(p.Kind), "path", p.Path, "line", p.Line, "reason", p.Reason)
		}
	}
	return &records.Problems{Report: report, Explained: s.areas(context.Background()).explain}
}
