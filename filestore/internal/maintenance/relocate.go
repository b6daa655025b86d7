package maintenance

import (
	"context"
	"iter"
	"os"
	"path"
	"path/filepath"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

// Relocate is filestore's Relocate of a store that may be written to.
func (m *Maintainer) Relocate(ctx context.Context, q mlruns.RelocateQuery) iter.Seq2[mlruns.Relocation, error] {
	return func(yield func(mlruns.Relocation, error) bool) {
		r := &relocation{walk: walk{store: m, problems: m.find.ProblemsFor(q.OnProblem), progress: q.Progress}, dryRun: q.DryRun, yield: yield, here: map[string]bool{}}
		if err := r.last(r.relocate(ctx)); err != nil && !r.stopped {
			yield(mlruns.Relocation{}, err)
		}
	}
}

// relocation is one Relocate.
type relocation struct {
	walk
	dryRun bool
	yield  func(mlruns.Relocation, error) bool
	here   map[string]bool // whether a root that was recorded is this store under another name
	roots  func() []string // where the store was recorded before anything was changed
}

func (r *relocation) relocate(ctx context.Context) error {
	refs, err := r.experiments()
	if err != nil {
		return err
	}
	roots := r.store.find.RecordedRoots(ctx)
	r.roots = func() []string { return roots }
	for _, ref := range r.ordered(ctx, refs) {
		if err := r.experiment(ctx, ref); r.stopped || err != nil {
			return err
		}
		if err := r.runs(ctx, ref, func(ref records.RunRef, info mlruns.RunInfo) { r.run(ctx, ref, info) }, nil); r.stopped || err != nil {
			return err
		}
		if err := r.parts(ctx, ref); r.stopped || err != nil {
			return err
		}
		r.done(ref.Dir)
	}
	return nil
}

// experiment relocates an experiment. The only error is one of the call.
func (r *relocation) experiment(ctx context.Context, ref records.ExperimentRef) error {
	e, err := r.store.find.ListedExperiment(ctx, ref, r.problems, records.WithoutTags)
	if err != nil {
		return records.CallError(ctx, err)
	}
	at, ok := r.from(e.ArtifactLocation, e.ID)
	if !ok {
		return nil
	}
	sign := path.Join(at.Recorded, layout.Meta)
	if at.Rel != e.ID {
		sign = path.Join(at.Root, layout.Trash)
	}
	kept := relative(at.Recorded)
	if kept == "" && r.store.onDisk() && artifacts.Exists(at.Recorded) && !artifacts.Exists(sign) {
		kept = "there is a folder, which is no experiment's"
	}
	r.change(ctx, ref.Dir, e.ArtifactLocation, at.Rel, kept, func(to string) (bool, error) {
		now, unlock, err := r.store.find.LockExperiment(ctx, e.ID)
		if err != nil {
			return false, err
		}
		defer r.store.find.Unlock(unlock)
		_, doc, err := r.store.records.ExperimentDocument(ctx, now)
		if err != nil {
			return false, records.ExperimentError(e.ID, now.Dir, err)
		}
		return r.store.replaceText(now.Dir, doc, codec.KeyArtifactLocation, e.ArtifactLocation, to)
	})
	return ctx.Err()
}

func (r *relocation) run(ctx context.Context, ref records.RunRef, info mlruns.RunInfo) {
	tail := path.Join(info.ExperimentID, info.ID, layout.Artifacts)
	at, ok := r.from(info.ArtifactURI, tail)
	if !ok {
		return
	}
	kept := relative(at.Recorded)
	if kept == "" {
		kept = artifacts.LeftBehind(r.store.find.ArtifactsOf(ref, info, r.roots))
	}
	r.change(ctx, ref.Dir, info.ArtifactURI, at.Rel, kept, func(to string) (bool, error) {
		now, unlock, err := r.store.find.LockListedRun(ctx, ref)
		if err != nil || unlock == nil {
			return false, err
		}
		defer unlock.Experiment()
		defer unlock.Run()
		_, doc, err := r.store.records.RunDocument(ctx, now)
		if err != nil {
			return false, err
		}
		return r.store.replaceText(now.Dir, doc, codec.KeyArtifactURI, info.ArtifactURI, to)
	})
}

// ordered puts the experiments with a location of their own below the store first. From the others
// it is known where the store was: a call that goes on after one that was interrupted needs them as
// they were.
func (r *relocation) ordered(ctx context.Context, refs []records.ExperimentRef) []records.ExperimentRef {
	var first, last []records.ExperimentRef
	for _, ref := range refs {
		e, _, err := r.store.records.ExperimentDocument(ctx, ref)
		if at, ok := r.from(e.ArtifactLocation, e.ID); err == nil && ok && at.Rel != e.ID {
			first = append(first, ref)
		} else {
			last = append(last, ref)
		}
	}
	return append(first, last...)
}

// from tells where in the store a location was recorded that is of another place of the store: one
// that ends in tail, or is below a root that was recorded. A store may have several names.
func (r *relocation) from(location, tail string) (at locate.StoreLocation, ok bool) {
	if recorded, is := r.store.find.MovedFrom(location, tail); is {
		at = locate.StoreLocation{Recorded: recorded, Root: locate.RootAbove(recorded, tail), Rel: tail}
	} else if at, is = r.store.find.InStore(location, r.roots); !is || at.Root == r.store.find.Root() {
		return at, false
	}
	if !r.store.onDisk() {
		return at, true
	}
	root := filepath.FromSlash(at.Root)
	here, known := r.here[root]
	if !known && artifacts.Exists(at.Root) {
		there, err := os.Stat(root)
		if err == nil {
			now, statErr := os.Stat(r.store.find.Dir)
			here = statErr == nil && os.SameFile(there, now)
		}
		r.here[root] = here
	}
	return at, !here
}

func relative(recorded string) string {
	if artifacts.IsAbs(recorded) {
		return ""
	}
	return "it is a relative path; what it is relative to is not recorded"
}

// change rewrites the location in a meta.yaml, see changeIn.
func (r *relocation) change(ctx context.Context, dir, location, tail, kept string, write func(to string) (bool, error)) {
	r.changeIn(ctx, layout.Join(dir, layout.Meta), location, tail, kept, write)
}

// changeIn rewrites one location, or only yields it. write reports whether From still stood there.
func (r *relocation) changeIn(ctx context.Context, file, location, tail, kept string, write func(to string) (bool, error)) {
	one := mlruns.Relocation{Path: file, From: location, Kept: kept}
	if kept == "" {
		one.To = artifacts.Relocated(location, path.Join(filepath.ToSlash(r.store.find.Dir), tail))
	}
	if kept == "" && !r.dryRun {
		stood, err := write(one.To)
		if ctx.Err() != nil && !stood || err == nil && !stood || !r.did(one.Path, err) {
			return
		}
	}
	r.stopped = !r.yield(one, nil)
}

// replaceText replaces one text of a meta.yaml if it still is from. The caller holds the lock.
func (m *Maintainer) replaceText(dir string, doc codec.Document, key, from, to string) (bool, error) {
	if now, _ := doc.Text(key); now != from {
		return false, nil
	}
	doc.SetString(key, to)
	return true, records.ReplaceMeta(m.tree, dir, doc)
}

// onDisk reports whether the store lies in a file system of the operating system, where recorded
// paths mean something.
func (m *Maintainer) onDisk() bool { return m.find.OnDisk }
