package filestore

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

var _ mlruns.Relocator = (*Store)(nil)

// Relocate implements mlruns.Relocator. It is for MLflow, which looks for artifacts where they are
// recorded: this module finds those of a moved store anyway. Each meta.yaml has a commit point of
// its own, its replacement, and nothing in it changes but the location, which keeps its form;
// deleted experiments and runs are relocated too. Locations below WithArtifactRoot stay, of other
// schemes too, and those of logged models and traces.
//
// A location is that of another place of this store if it ends in "/<experiment>", that of a run in
// "/<experiment>/<run>/artifacts". It is kept, and yielded with the reason, if it is relative; if
// it is a run's that has no artifacts here and may have some there; or if it is an experiment's and
// there is a folder that is none. To know, it is asked whether what is recorded exists. Only what
// lies below a directory of WithArtifactRoots is opened.
//
// What cannot be rewritten is passed over; the first such failure is the error at the end. It is
// mlruns.ErrNotDurable if all was rewritten but may be lost in a power cut. Calling again goes on.
func (s *Store) Relocate(ctx context.Context, q mlruns.RelocateQuery) iter.Seq2[mlruns.Relocation, error] {
	return func(yield func(mlruns.Relocation, error) bool) {
		m := &move{upkeep: upkeep{store: s, problems: s.find.ProblemsFor(q.OnProblem), progress: q.Progress}, dryRun: q.DryRun, yield: yield, here: map[string]bool{}}
		if err := m.last(m.relocate(ctx)); err != nil && !m.stopped {
			yield(mlruns.Relocation{}, fail("relocate", "", err))
		}
	}
}

// move is one Relocate.
type move struct {
	upkeep
	dryRun bool
	yield  func(mlruns.Relocation, error) bool
	here   map[string]bool // whether a root that was recorded is this store under another name
	roots  func() []string // where the store was recorded before anything was changed
}

func (m *move) relocate(ctx context.Context) error {
	if err := m.store.beginUpkeep(ctx, m.dryRun); err != nil {
		return err
	}
	refs, err := m.experiments()
	if err != nil {
		return err
	}
	roots := m.store.find.RecordedRoots(ctx)
	m.roots = func() []string { return roots }
	for _, ref := range m.ordered(ctx, refs) {
		if err := m.experiment(ctx, ref); m.stopped || err != nil {
			return err
		}
		if err := m.runs(ctx, ref, func(ref records.RunRef, info mlruns.RunInfo) { m.run(ctx, ref, info) }, nil); m.stopped || err != nil {
			return err
		}
		m.done(ref.Dir)
	}
	return nil
}

// experiment relocates an experiment. The only error is one of the call.
func (m *move) experiment(ctx context.Context, ref records.ExperimentRef) error {
	e, err := m.store.find.ListedExperiment(ctx, ref, m.problems, records.WithoutTags)
	if err != nil {
		return records.CallError(ctx, err)
	}
	at, ok := m.from(e.ArtifactLocation, e.ID)
	if !ok {
		return nil
	}
	sign := path.Join(at.Recorded, layout.Meta)
	if at.Rel != e.ID {
		sign = path.Join(at.Root, layout.Trash)
	}
	kept := relative(at.Recorded)
	if kept == "" && m.store.onDisk() && artifacts.Exists(at.Recorded) && !artifacts.Exists(sign) {
		kept = "there is a folder, which is no experiment's"
	}
	m.change(ctx, ref.Dir, e.ArtifactLocation, at.Rel, kept, func(to string) (bool, error) {
		now, unlock, err := m.store.find.LockExperiment(ctx, e.ID)
		if err != nil {
			return false, err
		}
		defer m.store.find.Unlock(unlock)
		_, doc, err := m.store.records.ExperimentDocument(ctx, now)
		if err != nil {
			return false, records.ExperimentError(e.ID, now.Dir, err)
		}
		return m.store.replaceText(now.Dir, doc, codec.KeyArtifactLocation, e.ArtifactLocation, to)
	})
	return ctx.Err()
}

func (m *move) run(ctx context.Context, ref records.RunRef, info mlruns.RunInfo) {
	tail := path.Join(info.ExperimentID, info.ID, layout.Artifacts)
	at, ok := m.from(info.ArtifactURI, tail)
	if !ok {
		return
	}
	kept := relative(at.Recorded)
	if kept == "" {
		kept = artifacts.LeftBehind(m.store.find.ArtifactsOf(ref, info, m.roots))
	}
	m.change(ctx, ref.Dir, info.ArtifactURI, at.Rel, kept, func(to string) (bool, error) {
		now, unlock, err := m.store.find.LockListedRun(ctx, ref)
		if err != nil || unlock == nil {
			return false, err
		}
		defer unlock.Experiment()
		defer unlock.Run()
		_, doc, err := m.store.records.RunDocument(ctx, now)
		if err != nil {
			return false, err
		}
		return m.store.replaceText(now.Dir, doc, codec.KeyArtifactURI, info.ArtifactURI, to)
	})
}

// ordered puts the experiments with a location of their own below the store first. From the others
// it is known where the store was: a call that goes on after one that was interrupted needs them as
// they were.
func (m *move) ordered(ctx context.Context, refs []records.ExperimentRef) []records.ExperimentRef {
	var first, last []records.ExperimentRef
	for _, ref := range refs {
		e, _, err := m.store.records.ExperimentDocument(ctx, ref)
		if at, ok := m.from(e.ArtifactLocation, e.ID); err == nil && ok && at.Rel != e.ID {
			first = append(first, ref)
		} else {
			last = append(last, ref)
		}
	}
	return append(first, last...)
}

// from tells where in the store a location was recorded that is of another place of the store: one
// that ends in tail, or is below a root that was recorded. A store may have several names.
func (m *move) from(location, tail string) (at locate.StoreLocation, ok bool) {
	if recorded, is := m.store.find.MovedFrom(location, tail); is {
		at = locate.StoreLocation{Recorded: recorded, Root: locate.RootAbove(recorded, tail), Rel: tail}
	} else if at, is = m.store.find.InStore(location, m.roots); !is || at.Root == m.store.find.Root() {
		return at, false
	}
	if !m.store.onDisk() {
		return at, true
	}
	root := filepath.FromSlash(at.Root)
	here, known := m.here[root]
	if !known && artifacts.Exists(at.Root) {
		there, err := os.Stat(root)
		if err == nil {
			now, statErr := os.Stat(m.store.dir)
			here = statErr == nil && os.SameFile(there, now)
		}
		m.here[root] = here
	}
	return at, !here
}

func relative(recorded string) string {
	if artifacts.IsAbs(recorded) {
		return ""
	}
	return "it is a relative path; what it is relative to is not recorded"
}

// change rewrites one location, or only yields it. write reports whether From still stood there.
func (m *move) change(ctx context.Context, dir, location, tail, kept string, write func(to string) (bool, error)) {
	r := mlruns.Relocation{Path: layout.Join(dir, layout.Meta), From: location, Kept: kept}
	if kept == "" {
		r.To = artifacts.Relocated(location, path.Join(filepath.ToSlash(m.store.dir), tail))
	}
	if kept == "" && !m.dryRun {
		stood, err := write(r.To)
		if ctx.Err() != nil && !stood || err == nil && !stood || !m.did(r.Path, err) {
			return
		}
	}
	m.stopped = !m.yield(r, nil)
}

// replaceText replaces one text of a meta.yaml if it still is from. The caller holds the lock.
func (s *Store) replaceText(dir string, doc codec.Document, key, from, to string) (bool, error) {
	if now, _ := doc.Text(key); now != from {
		return false, nil
	}
	doc.SetString(key, to)
	return true, s.replaceMeta(dir, doc)
}

// onDisk reports whether the store lies in a file system of the operating system, where recorded
// paths mean something.
func (s *Store) onDisk() bool { return s.fs == nil }
