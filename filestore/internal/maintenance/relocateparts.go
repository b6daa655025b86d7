package maintenance

import (
	"context"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// parts relocates the logged models and the traces of an experiment. The only error is one of the
// call.
func (r *relocation) parts(ctx context.Context, e records.ExperimentRef) error {
	models, err := r.store.find.ModelRefs(e, r.problems)
	if err != nil {
		return r.problems.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(e.Dir, layout.Models), err)
	}
	for _, ref := range models {
		m, _, err := r.store.records.ModelDocument(ctx, ref)
		if end := r.unread(ctx, layout.Join(ref.Dir, layout.Meta), err); end != nil || r.stopped {
			return end
		}
		if err == nil {
			r.part(ctx, ref.Holder(), layout.Meta, m.ArtifactLocation, func(at records.ExperimentRef, to string) (bool, error) {
				now := records.NewModelRef(at, ref.ID)
				_, doc, err := r.store.records.ModelDocument(ctx, now)
				if err != nil {
					return false, records.ModelError(ref.ID, err)
				}
				return r.store.replaceText(now.Dir, doc, codec.KeyArtifactLocation, m.ArtifactLocation, to)
			})
		}
	}
	traces, err := r.store.find.TraceRefs(e, r.problems)
	if err != nil {
		return r.problems.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(e.Dir, layout.Traces), err)
	}
	for _, ref := range traces {
		location, err := r.locationOf(ctx, ref)
		if end := r.unread(ctx, layout.Join(ref.Dir, layout.Tags, mlruns.TagTraceArtifactLocation), err); end != nil || r.stopped {
			return end
		}
		if err == nil {
			r.part(ctx, ref.Holder(), layout.Join(layout.Tags, mlruns.TagTraceArtifactLocation), location, func(at records.ExperimentRef, to string) (bool, error) {
				now := records.NewTraceRef(at, ref.ID)
				if standing, err := r.locationOf(ctx, now); err != nil || standing != location {
					return false, err
				}
				return true, r.store.tree.WriteValue(now.Dir, layout.Tags, mlruns.TagTraceArtifactLocation, to, r.store.tree.Durable)
			})
		}
	}
	return ctx.Err()
}

// unread takes the error of reading a file of a model or a trace. One that is gone, or never had
// the file, is no problem.
func (r *relocation) unread(ctx context.Context, file string, err error) error {
	if err == nil || vfs.IsMissing(err) {
		return ctx.Err()
	}
	return r.problems.Unreadable(ctx, mlruns.ProblemUnreadable, file, err)
}

// locationOf reads the recorded location of a trace.
func (r *relocation) locationOf(ctx context.Context, ref records.TraceRef) (string, error) {
	f, err := r.store.tree.Folder(ref.Dir)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return records.ReadValue(ctx, f, layout.Join(layout.Tags, mlruns.TagTraceArtifactLocation))
}

// part relocates one model or trace, whose location stands in a file of its folder. write is called
// with the experiment locked, where that lies now.
func (r *relocation) part(ctx context.Context, holder records.RunRef, file, location string, write func(at records.ExperimentRef, to string) (bool, error)) {
	tail := path.Join(holder.Experiment.ID, holder.ID, layout.Artifacts)
	at, ok := r.from(location, tail)
	if !ok {
		return
	}
	kept := relative(at.Recorded)
	if kept == "" {
		info := mlruns.RunInfo{ID: holder.ID, ExperimentID: holder.Experiment.ID, ArtifactURI: location}
		kept = artifacts.LeftBehind(r.store.find.ArtifactsOf(holder, info, r.roots))
	}
	r.changeIn(ctx, layout.Join(holder.Dir, file), location, at.Rel, kept, func(to string) (bool, error) {
		now, unlock, err := r.store.find.LockExperiment(ctx, holder.Experiment.ID)
		if err != nil {
			return false, err
		}
		defer r.store.find.Unlock(unlock)
		return write(now, to)
	})
}
