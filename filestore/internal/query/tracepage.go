package query

import (
	"context"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/search"
)

// TracePage gives one page of a query.
func (s *Searcher) TracePage(ctx context.Context, q mlruns.TraceQuery) (*mlruns.TracePage, error) {
	if q.MaxResults == 0 {
		q.MaxResults = mlruns.DefaultTraceResults
	}
	limit, offset, err := pageOf(q.MaxResults, q.PageToken)
	if err != nil {
		return nil, err
	}
	p := &records.Problems{Report: q.OnProblem}
	traces, experiments, err := s.planTraces(ctx, q, p)
	if err != nil {
		return nil, err
	}
	page := &mlruns.TracePage{}
	if page.Traces, page.NextPageToken, page.Scan, err = traces.page(ctx, s, experiments, limit, offset, problemsOfTrace); err != nil {
		return nil, err
	}
	page.Problems = p.Sorted()
	return page, nil
}

// EachTrace yields all of a query in one scan.
func (s *Searcher) EachTrace(ctx context.Context, q mlruns.TraceQuery, yield func(*mlruns.Trace, error) bool) error {
	if q.PageToken != "" {
		return errNoPages
	}
	if _, _, err := pageOf(q.MaxResults, ""); err != nil {
		return err
	}
	traces, experiments, err := s.planTraces(ctx, q, s.find.ProblemsFor(q.OnProblem))
	if err != nil {
		return err
	}
	return traces.each(ctx, s, experiments, q.MaxResults, problemsOfTrace, yield)
}

func problemsOfTrace(t *mlruns.Trace) []mlruns.Problem { return t.Problems }

// planTraces makes a query ready, and gives the experiments that it is asked of.
func (s *Searcher) planTraces(ctx context.Context, q mlruns.TraceQuery, p *records.Problems) (traces partQuery[records.TraceRef, *mlruns.Trace], experiments []records.ExperimentRef, err error) {
	filter, err := search.ParseTraces(q.Filter)
	if err != nil {
		return traces, nil, queryError(err)
	}
	order, err := search.ParseTraceOrder(q.OrderBy)
	if err != nil {
		return traces, nil, queryError(err)
	}
	pl := plan{filter: filter, order: order, needs: filter.Needs().Union(order.Needs())}
	var opened atomic.Int64
	traces = partQuery[records.TraceRef, *mlruns.Trace]{
		plan: pl, problems: p, reads: pl.readsOfTrace(), opened: &opened,
		refs: func(e records.ExperimentRef) ([]records.TraceRef, error) { return s.find.TraceRefs(e, p) },
		match: func(ctx context.Context, ref records.TraceRef) (search.Key, bool, error) {
			r, err := s.openTrace(ctx, ref, p, &opened)
			if err != nil {
				return search.Key{}, false, err
			}
			defer r.folder.Close()
			if !filter.Match(r) {
				return search.Key{}, false, r.err
			}
			return order.Key(r), r.err == nil, r.err
		},
		read: s.records.Trace,
		problem: func(ref records.TraceRef, err error) mlruns.Problem {
			return records.ProblemOf(mlruns.ProblemUnreadableMeta, layout.Join(ref.Dir, layout.TraceInfo), err)
		},
	}
	experiments, err = s.named(q.Experiments, p, failure.TraceExperimentNotFound)
	return traces, experiments, err
}

// traceRecord is what a filter or an order sees of a trace.
type traceRecord struct {
	partRecord
	ref  records.TraceRef
	info mlruns.Trace
}

var _ search.Record = (*traceRecord)(nil)

// openTrace opens a trace's folder, which the caller closes, and reads its trace_info.yaml.
func (s *Searcher) openTrace(ctx context.Context, ref records.TraceRef, p *records.Problems, opened *atomic.Int64) (*traceRecord, error) {
	f, err := s.tree.Folder(ref.Dir)
	if err != nil {
		return nil, err
	}
	opened.Add(1)
	info, err := records.ReadTraceInfo(ctx, f, ref)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &traceRecord{partRecord: partRecord{ctx: ctx, search: s, folder: f, dir: ref.Dir, problems: p, opened: opened}, ref: ref, info: info}, nil
}

// Text implements search.Record.
func (r *traceRecord) Text(a search.Attribute) (string, bool) {
	switch a {
	case search.RequestID:
		return r.info.ID, true
	case search.ClientRequestID:
		return r.info.ClientRequestID, r.info.ClientRequestID != ""
	case search.Status:
		if r.info.State == mlruns.TraceUnspecified {
			return "TRACE_STATUS_UNSPECIFIED", true
		}
		return r.info.State.String(), true
	case search.ExperimentID:
		return r.ref.Experiment.ID, true
	case search.ExperimentName:
		return r.experimentName(r.ref.Experiment)
	}
	return "", false
}

// Time implements search.Record.
func (r *traceRecord) Time(a search.Attribute) (int64, bool) {
	switch a {
	case search.TimestampMs:
		return r.info.Start.UnixMilli(), true
	case search.ExecutionTimeMs:
		return r.info.End.UnixMilli() - r.info.Start.UnixMilli(), !r.info.End.IsZero()
	case search.EndTimeMs:
		return milliseconds(r.info.End)
	}
	return 0, false
}

// Param implements search.Record: the metadata of the trace.
func (r *traceRecord) Param(key string) (string, bool) { return r.value(layout.Metadata, key) }
