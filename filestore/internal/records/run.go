package records

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Run reads a run whole. Its problems are in the result; an error is about its meta.yaml or its
// folder.
func (r *Reader) Run(ctx context.Context, ref RunRef) (*mlruns.Run, error) {
	run, _, err := r.RunWithLinks(ctx, ref, r.Dataset)
	return run, err
}

// RunWithLinks is Run, with the links that the inputs and outputs were read from.
func (r *Reader) RunWithLinks(ctx context.Context, ref RunRef, dataset DatasetReader) (*mlruns.Run, Links, error) {
	f, err := r.Tree.Folder(ref.Dir)
	if err != nil {
		return nil, Links{}, err
	}
	defer f.Close()
	if r.Note != nil {
		id, _ := f.Look("", ".")
		r.Note("", id)
		f = vfs.Noting(f, r.Note)
	}
	info, err := ReadRunInfo(ctx, f, layout.Meta, ref)
	if err != nil {
		return nil, Links{}, err
	}
	return readRunData(ctx, f, ref, info, dataset)
}

func readRunData(ctx context.Context, f vfs.Folder, ref RunRef, info mlruns.RunInfo, dataset DatasetReader) (run *mlruns.Run, links Links, err error) {
	p := &Problems{}
	run = &mlruns.Run{Info: info}
	if run.Data.Metrics, err = readMetrics(ctx, f, ref.Dir, layout.Metrics, p); err != nil {
		return nil, links, err
	}
	if run.Data.Params, err = ReadValues(ctx, f, ref.Dir, layout.Params, p); err != nil {
		return nil, links, err
	}
	if run.Data.Tags, err = ReadValues(ctx, f, ref.Dir, layout.Tags, p); err != nil {
		return nil, links, err
	}
	if run.Inputs, links.Inputs, err = Inputs(ctx, f, ref, dataset, p); err != nil {
		return nil, links, err
	}
	if run.Outputs, links.Outputs, err = ReadOutputs(ctx, f, ref, p); err != nil {
		return nil, links, err
	}
	NameByTag(run)
	run.Problems = p.Sorted()
	return run, links, nil
}

// NameByTag names a run of which only a tag has the name, as MLflow ≤ 1.29 kept it.
func NameByTag(run *mlruns.Run) {
	if run.Info.Name == "" {
		run.Info.Name = run.Data.Tags[mlruns.TagRunName]
	}
}

// ListedRun reads the meta.yaml of a run of a listing, from the folder of its experiment, and
// reports it where that fails.
func (r *Reader) ListedRun(ctx context.Context, f vfs.Folder, ref RunRef, p *Problems) (mlruns.RunInfo, error) {
	return r.ReportedRun(ctx, f, layout.Join(ref.ID, layout.Meta), ref, p)
}

// ReportedRun is ReadRunInfo that reports where it fails.
func (r *Reader) ReportedRun(ctx context.Context, f vfs.Folder, name string, ref RunRef, p *Problems) (mlruns.RunInfo, error) {
	info, err := ReadRunInfo(ctx, f, name, ref)
	switch {
	case err == nil || EndsCall(ctx, err):
	case vfs.IsGone(err):
		_, gone := r.Tree.Stat(ref.Dir)
		if vfs.IsShortage(gone) {
			return info, gone
		}
		if !vfs.IsMissing(gone) { // else it was removed for good since it was listed
			problem, err := r.MissingMeta(ref.Dir)
			if err != nil {
				return info, err
			}
			p.Add(problem)
		}
	default:
		p.Add(ProblemOf(mlruns.ProblemUnreadableMeta, layout.Join(ref.Dir, layout.Meta), err))
	}
	return info, err
}

func (r *Reader) RunDocument(ctx context.Context, ref RunRef) (mlruns.RunInfo, codec.Document, error) {
	f, err := r.Tree.Folder(ref.Dir)
	if err != nil {
		return mlruns.RunInfo{}, codec.Document{}, RunError(ref.ID, err)
	}
	defer f.Close()
	info, doc, err := readRunDocument(ctx, f, ref)
	if err != nil {
		err = RunError(ref.ID, err)
	}
	return info, doc, err
}

// MissingMeta is the problem of the folder of an experiment or a run that has no meta.yaml.
func (r *Reader) MissingMeta(dir string) (mlruns.Problem, error) {
	left, err := r.Tree.HalfRemoved(dir)
	if left {
		return mlruns.Problem{Kind: mlruns.ProblemLeftover, Path: dir, Reason: "an interrupted gc, delete or restore left it, or one is under way; the next gc removes it"}, nil
	}
	return missingMeta(dir), err
}
