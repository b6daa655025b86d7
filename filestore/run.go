package filestore

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// readRun reads a run whole. Its problems are in the result; an error is about its meta.yaml or its
// folder.
func (r *Reader) readRun(ctx context.Context, ref runRef) (*mlruns.Run, error) {
	f, err := r.tree.Folder(ref.dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := readRunInfo(ctx, f, layout.Meta, ref)
	if err != nil {
		return nil, err
	}
	return r.readRunData(ctx, f, ref, info)
}

func (r *Reader) readRunData(ctx context.Context, f rootfs.Folder, ref runRef, info mlruns.RunInfo) (run *mlruns.Run, err error) {
	p := &problems{}
	run = &mlruns.Run{Info: info}
	if run.Data.Metrics, err = readMetrics(ctx, f, ref.dir, layout.Metrics, p); err != nil {
		return nil, err
	}
	if run.Data.Params, err = readValues(ctx, f, ref.dir, layout.Params, p); err != nil {
		return nil, err
	}
	if run.Data.Tags, err = readValues(ctx, f, ref.dir, layout.Tags, p); err != nil {
		return nil, err
	}
	if run.Inputs, err = r.readInputs(ctx, f, ref, p); err != nil {
		return nil, err
	}
	if run.Outputs, err = readOutputs(ctx, f, ref, p); err != nil {
		return nil, err
	}
	if run.Info.Name == "" {
		run.Info.Name = run.Data.Tags[mlruns.TagRunName]
	}
	run.Problems = p.sorted()
	return run, nil
}

// listedRun reads the meta.yaml of a run of a listing, from the folder of its experiment, and
// reports it where that fails.
func (r *Reader) listedRun(ctx context.Context, f rootfs.Folder, ref runRef, p *problems) (mlruns.RunInfo, error) {
	return r.reportedRun(ctx, f, layout.Join(ref.id, layout.Meta), ref, p)
}

// reportedRun is readRunInfo that reports where it fails.
func (r *Reader) reportedRun(ctx context.Context, f rootfs.Folder, name string, ref runRef, p *problems) (mlruns.RunInfo, error) {
	info, err := readRunInfo(ctx, f, name, ref)
	switch {
	case err == nil || ended(ctx, err):
	case vfs.IsGone(err):
		_, gone := r.tree.Stat(ref.dir)
		if rootfs.IsShortage(gone) {
			return info, gone
		}
		if !vfs.IsMissing(gone) { // else it was removed for good since it was listed
			problem, err := r.bareProblem(ref.dir)
			if err != nil {
				return info, err
			}
			p.add(problem)
		}
	default:
		p.add(problemOf(mlruns.ProblemUnreadableMeta, layout.Join(ref.dir, layout.Meta), err))
	}
	return info, err
}

func (r *Reader) readLockedRun(ctx context.Context, ref runRef) (mlruns.RunInfo, codec.Document, error) {
	f, err := r.tree.Folder(ref.dir)
	if err != nil {
		return mlruns.RunInfo{}, codec.Document{}, runError(ref.id, err)
	}
	defer f.Close()
	info, doc, err := readRunDocument(ctx, f, ref)
	if err != nil {
		err = runError(ref.id, err)
	}
	return info, doc, err
}

// bareProblem is the problem of the folder of an experiment or a run that has no meta.yaml.
func (r *Reader) bareProblem(dir string) (mlruns.Problem, error) {
	left, err := r.tree.HalfRemoved(dir)
	if left {
		return mlruns.Problem{Kind: mlruns.ProblemLeftover, Path: dir, Reason: "an interrupted gc, delete or restore left it, or one is under way; the next gc removes it"}, nil
	}
	return missingMeta(dir), err
}
