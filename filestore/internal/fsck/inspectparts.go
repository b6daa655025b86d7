package fsck

import (
	"cmp"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// parts looks at the logged models and the traces of an experiment.
func (v *inspection) parts(e records.ExperimentRef) error {
	var models []records.ModelRef
	var traces []records.TraceRef
	err := v.inPlace(e, func(e records.ExperimentRef, p *records.Problems) (f finding, err error) {
		f.experiment = e
		models, err = v.find.ModelRefs(e, p)
		if err := v.listed(p, layout.Join(e.Dir, layout.Models), err); err != nil {
			return f, err
		}
		traces, err = v.find.TraceRefs(e, p)
		if err := v.listed(p, layout.Join(e.Dir, layout.Traces), err); err != nil {
			return f, err
		}
		for _, sub := range [...]string{layout.Models, layout.Traces} {
			if err := v.withoutMeta(layout.Join(e.Dir, sub), p); err != nil {
				return f, err
			}
		}
		return f, nil
	})
	if err != nil {
		return err
	}
	v.done.Total += len(models) + len(traces)
	for _, ref := range models {
		if err := v.part(ref.Holder(), v.model); err != nil {
			return err
		}
	}
	for _, ref := range traces {
		if err := v.part(ref.Holder(), v.trace); err != nil {
			return err
		}
	}
	return nil
}

// listed takes the error of a listing.
func (v *inspection) listed(p *records.Problems, dir string, err error) error {
	if err == nil {
		return nil
	}
	return p.Unreadable(v.ctx, mlruns.ProblemUnreadable, dir, err)
}

// withoutMeta reports what lies in the folder of all models, or traces, and is none: what is left
// of making or removing one, and one that has lost its file of metadata. A folder that holds
// nothing but metrics, or nothing, is none of the latter: MLflow makes it for a point of a model
// that does not exist.
func (v *inspection) withoutMeta(dir string, p *records.Problems) error {
	entries, err := v.tree.Entries(dir)
	if vfs.IsMissing(err) {
		return nil
	}
	if err != nil {
		return records.CallError(v.ctx, err) // told by the listing
	}
	for _, e := range entries {
		name := layout.Join(dir, e.Name)
		if atomicfile.IsTemp(e.Name) {
			p.Add(leftover(name))
		}
		if !e.Type.IsDir() || atomicfile.IsTemp(e.Name) || records.IsForeign(e.Name) {
			continue
		}
		lost, err := v.lostMeta(name)
		if err != nil {
			return err
		}
		if !lost {
			continue
		}
		problem, err := v.records.MissingMeta(name)
		if err != nil {
			return err
		}
		p.Add(problem)
		if problem.Kind == mlruns.ProblemMissingMeta {
			if err := v.beside(name, layout.MetaOf(name), p); err != nil {
				return err
			}
		}
	}
	return nil
}

// lostMeta reports whether a folder has no file of metadata, and was one of a model or a trace.
func (v *inspection) lostMeta(dir string) (bool, error) {
	if bare, err := v.tree.LacksMeta(dir); err != nil || !bare {
		return false, err
	}
	entries, err := v.tree.Entries(dir)
	if err != nil {
		return false, records.CallError(v.ctx, err)
	}
	for _, e := range entries {
		switch e.Name {
		case layout.Params, layout.Tags, layout.Metadata, layout.Assessments, layout.Removed:
			return true, nil
		}
		if records.IsConflictOfMeta(layout.MetaOf(dir), e.Name) {
			return true, nil
		}
	}
	return false, nil
}

// part looks at one model or trace. look goes through its folder and gives the recorded location of
// its artifacts, "" if that is not known.
func (v *inspection) part(listed records.RunRef, look func(records.RunRef, vfs.Folder, *records.Problems) (string, error)) error {
	v.next(listed.Dir)
	return v.inPlace(listed.Experiment, func(e records.ExperimentRef, p *records.Problems) (finding, error) {
		ref := records.NewRunRef(e, listed.ID)
		return finding{experiment: e, part: ref.Dir}, v.inspectPart(ref, look, p)
	})
}

func (v *inspection) inspectPart(ref records.RunRef, look func(records.RunRef, vfs.Folder, *records.Problems) (string, error), p *records.Problems) error {
	f, err := v.tree.Folder(ref.Dir)
	if vfs.IsMissing(err) { // removed since the listing
		return v.ctx.Err()
	}
	if err != nil {
		return p.Unreadable(v.ctx, mlruns.ProblemUnreadable, ref.Dir, err)
	}
	defer f.Close()
	v.inspectID(ref.Dir, p)
	location, err := look(ref, f, p)
	if err == nil && location != "" {
		info := mlruns.RunInfo{ID: ref.ID, ExperimentID: ref.Experiment.ID, ArtifactURI: location}
		err = v.artifacts(ref, info, true, false, p)
	}
	if err == nil {
		err = v.beside(ref.Dir, layout.MetaOf(ref.Dir), p)
	}
	return err
}

// model looks at one logged model.
func (v *inspection) model(ref records.RunRef, f vfs.Folder, p *records.Problems) (location string, err error) {
	m, err := records.ReadModelMeta(v.ctx, f, records.NewModelRef(ref.Experiment, path.Base(ref.Dir)))
	if err := v.metaOfPart(ref, f, p, err, metaSigns{noun: "logged model", always: modelAlways, doubts: codec.ModelDoubts}); err != nil {
		return "", err
	}
	_, err = v.values(f, ref, p)
	return m.ArtifactLocation, err
}

// trace looks at one trace, but for its spans.
func (v *inspection) trace(holder records.RunRef, f vfs.Folder, p *records.Problems) (location string, err error) {
	ref := records.NewTraceRef(holder.Experiment, path.Base(holder.Dir))
	_, err = records.ReadTraceInfo(v.ctx, f, ref)
	if err := v.metaOfPart(holder, f, p, err, metaSigns{noun: "trace", always: traceAlways, doubts: codec.TraceDoubts}); err != nil {
		return "", err
	}
	for _, sub := range [...]string{layout.Metadata, layout.Tags} {
		values, err := records.ReadValues(v.ctx, f, ref.Dir, sub, p)
		if err != nil {
			return "", err
		}
		inspectValues(layout.Join(ref.Dir, sub), values, p)
		location = values[mlruns.TagTraceArtifactLocation]
	}
	_, err = records.ReadAssessments(v.ctx, f, ref, p)
	return location, err
}

// metaOfPart takes the error of reading the metadata of a model or a trace, and tells what of it is
// in doubt.
func (v *inspection) metaOfPart(ref records.RunRef, f vfs.Folder, p *records.Problems, err error, signs metaSigns) error {
	if err != nil {
		return p.Unreadable(v.ctx, mlruns.ProblemUnreadableMeta, layout.Join(ref.Dir, layout.MetaOf(ref.Dir)), err)
	}
	// else it has moved
	if first, ok := v.runs[ref.ID]; ok && first != ref.Dir && v.tree.IsDir(first) {
		p.Add(records.SameID(signs.noun, ref.Dir, first))
	}
	v.runs[ref.ID] = cmp.Or(v.runs[ref.ID], ref.Dir)
	return v.signs(f, ref.Dir, signs, p)
}
