package fsck

import (
	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// parts looks at the logged models and the traces of an experiment.
func (v *inspection) parts(ref records.ExperimentRef) error {
	p := &records.Problems{Explained: v.areas.Explain}
	models, err := v.find.ModelRefs(ref, p)
	if err := v.listed(p, layout.Join(ref.Dir, layout.Models), err); err != nil {
		return err
	}
	traces, err := v.find.TraceRefs(ref, p)
	if err := v.listed(p, layout.Join(ref.Dir, layout.Traces), err); err != nil {
		return err
	}
	for _, ref := range models {
		m, err := v.records.Model(v.ctx, ref)
		if err := v.part(p, ref.Dir, layout.Meta, err); err != nil {
			return err
		}
		if err == nil {
			v.told(p, m.Problems)
			inspectValues(layout.Join(ref.Dir, layout.Params), m.Params, p)
			inspectValues(layout.Join(ref.Dir, layout.Tags), m.Tags, p)
		}
	}
	for _, ref := range traces {
		t, err := v.records.Trace(v.ctx, ref)
		if err := v.part(p, ref.Dir, layout.TraceInfo, err); err != nil {
			return err
		}
		if err == nil {
			v.told(p, t.Problems)
			inspectValues(layout.Join(ref.Dir, layout.Metadata), t.Metadata, p)
			inspectValues(layout.Join(ref.Dir, layout.Tags), t.Tags, p)
		}
	}
	if len(p.List) == 0 {
		return v.ctx.Err()
	}
	return v.tell(finding{experiment: ref, models: true}, p)
}

// listed takes the error of a listing.
func (v *inspection) listed(p *records.Problems, dir string, err error) error {
	if err == nil {
		return nil
	}
	return p.Unreadable(v.ctx, mlruns.ProblemUnreadable, dir, err)
}

// part takes the error of reading a model or a trace, whose metadata is in the file meta, and looks
// at what lies beside that.
func (v *inspection) part(p *records.Problems, dir, meta string, err error) error {
	if vfs.IsMissing(err) { // removed since the listing
		return v.ctx.Err()
	}
	if err != nil {
		if err := p.Unreadable(v.ctx, mlruns.ProblemUnreadableMeta, layout.Join(dir, meta), err); err != nil {
			return err
		}
	}
	v.inspectID(dir, p)
	return v.beside(dir, p)
}

func (v *inspection) told(p *records.Problems, problems []mlruns.Problem) {
	for _, problem := range problems {
		p.Add(problem)
	}
}
