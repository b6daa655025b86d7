package locate

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// FindModel looks for a logged model in every active experiment: MLflow finds none in the trash.
func (l *Locator) FindModel(ctx context.Context, id string) (records.ModelRef, error) {
	e, ok, err := l.findPart(ctx, id, mlruns.ViewActive, func(e records.ExperimentRef) string {
		return layout.Join(records.NewModelRef(e, id).Dir, layout.Meta)
	})
	if err == nil && !ok {
		err = failure.ModelNotFound(id)
	}
	return records.NewModelRef(e, id), err
}

// FindTrace looks for a trace in every experiment.
func (l *Locator) FindTrace(ctx context.Context, id string) (records.TraceRef, error) {
	e, ok, err := l.findPart(ctx, id, mlruns.ViewAll, func(e records.ExperimentRef) string {
		return layout.Join(records.NewTraceRef(e, id).Dir, layout.TraceInfo)
	})
	if err == nil && !ok {
		err = failure.TraceNotFound(id)
	}
	return records.NewTraceRef(e, id), err
}

// findPart finds the experiment that has a part of the name id, told by a file of it. What can be
// no name of a folder is none of a part.
func (l *Locator) findPart(ctx context.Context, id string, view mlruns.View, file func(records.ExperimentRef) string) (records.ExperimentRef, bool, error) {
	if validate.PlainName("id", id) != nil {
		return records.ExperimentRef{}, false, nil
	}
	// Twice: an experiment that is deleted or restored meanwhile may have been elsewhere at the
	// first look.
	var last error
	for range 2 {
		refs, err := l.ExperimentRefs(view, nil)
		if err != nil {
			return records.ExperimentRef{}, false, err
		}
		found, ok, short := l.runAmong(ctx, refs, func(e records.ExperimentRef) (records.RunRef, bool, error) {
			is, err := l.Tree.Exists(file(e))
			return records.RunRef{Experiment: e}, is, err
		})
		if err := ctx.Err(); err != nil {
			return records.ExperimentRef{}, false, err
		}
		if ok {
			return found.Experiment, true, nil
		}
		last = vfs.Unseen(short)
	}
	return records.ExperimentRef{}, false, last
}

// ModelRefs lists the folders of an experiment that can be logged models, by id. One without a
// meta.yaml is none: MLflow makes such for a point of a model that does not exist.
func (l *Locator) ModelRefs(e records.ExperimentRef, p *records.Problems) ([]records.ModelRef, error) {
	ids, err := l.parts(layout.Join(e.Dir, layout.Models), layout.Meta, p)
	refs := make([]records.ModelRef, len(ids))
	for i, id := range ids {
		refs[i] = records.NewModelRef(e, id)
	}
	return refs, err
}

// TraceRefs lists the folders of an experiment that can be traces, by id.
func (l *Locator) TraceRefs(e records.ExperimentRef, p *records.Problems) ([]records.TraceRef, error) {
	ids, err := l.parts(layout.Join(e.Dir, layout.Traces), layout.TraceInfo, p)
	refs := make([]records.TraceRef, len(ids))
	for i, id := range ids {
		refs[i] = records.NewTraceRef(e, id)
	}
	return refs, err
}

func (l *Locator) parts(dir, file string, p *records.Problems) ([]string, error) {
	ids, err := l.Records.IDsIn(dir, p, func(string) bool { return false }, func(name string) bool { return validate.PlainName("id", name) == nil })
	if vfs.IsMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	kept := ids[:0]
	for _, id := range ids {
		is, err := l.Tree.Exists(layout.Join(dir, id, file))
		if vfs.IsShortage(err) {
			return nil, err
		}
		if is || err != nil { // what cannot be looked at is a damaged one, not a missing one
			kept = append(kept, id)
		}
	}
	return kept, nil
}
