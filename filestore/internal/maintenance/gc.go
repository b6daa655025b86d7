package maintenance

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"sync"
	"syscall"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// GC is filestore's GC of a store that may be written to.
func (m *Maintainer) GC(ctx context.Context, q mlruns.GCQuery) iter.Seq2[mlruns.Removal, error] {
	return func(yield func(mlruns.Removal, error) bool) {
		c := &collection{walk: walk{store: m, problems: m.find.ProblemsFor(q.OnProblem), progress: q.Progress}, query: q, left: map[records.ExperimentRef]bool{}, met: map[string]bool{}, yield: yield}
		if err := c.last(c.collect(ctx)); err != nil && !c.stopped {
			yield(mlruns.Removal{}, err)
		}
	}
}

// collection is one GC.
type collection struct {
	walk
	query mlruns.GCQuery
	// Where the store was recorded, and where experiments have their artifacts, before anything was
	// removed.
	roots  func() []string
	areas  *locate.ArtifactAreas
	runIDs func() (map[string][]string, error)
	yield  func(mlruns.Removal, error) bool
	left   map[records.ExperimentRef]bool // what interrupted moves and removals left
	met    map[string]bool                // the ids of what was removed
}

func (c *collection) collect(ctx context.Context) error {
	if c.query.OlderThan < 0 {
		return failure.Invalid(fmt.Sprintf("Invalid value %v for parameter 'older_than' supplied: it must not be negative", c.query.OlderThan))
	}
	c.roots = c.store.find.RootsOnce(ctx)
	c.areas = c.store.find.ArtifactAreas(ctx)
	c.runIDs = sync.OnceValues(c.store.find.RunsByID)
	if err := c.leftovers(ctx); err != nil {
		return err
	}
	if err := c.abandoned(ctx); err != nil {
		return err
	}
	refs, err := c.experiments()
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if c.left[ref] {
			continue
		}
		whole, err := c.experiment(ctx, ref)
		if err == nil && !whole {
			err = c.runs(ctx, ref, func(ref records.RunRef, info mlruns.RunInfo) { c.run(ctx, ref, info) }, func(ref records.RunRef) { c.abandonedRun(ctx, ref) })
			if err == nil && !c.stopped {
				err = c.models(ctx, ref)
			}
			if err == nil && !c.stopped {
				err = c.abandonedParts(ctx, ref)
			}
		}
		if c.stopped || err != nil {
			return err
		}
		c.done(ref.Dir)
	}
	if !c.query.DryRun {
		c.store.dropLocks(ctx)
	}
	c.unmet()
	return nil
}

// old reports whether something that was deleted at a time is to be removed.
func (c *collection) old(deleted time.Time) bool {
	return c.query.OlderThan == 0 || !deleted.IsZero() && c.store.now().Sub(deleted) >= c.query.OlderThan
}

// experiment removes an experiment if it is to go whole, and reports whether its runs are not to be
// looked at. The only error is one of the call.
func (c *collection) experiment(ctx context.Context, ref records.ExperimentRef) (whole bool, err error) {
	if !ref.Trashed {
		return false, nil
	}
	e, err := c.store.find.ListedExperiment(ctx, ref, c.problems, records.WithoutTags)
	if err != nil {
		// with its meta.yaml mended it may be restored, with its runs
		return true, records.CallError(ctx, err)
	}
	if e.Stage != mlruns.StageDeleted || !c.old(e.Updated) || !c.selects(c.query.Experiments, e.ID) { // or restored since it was listed
		return false, nil
	}
	other, err := c.lodger(ref.Dir)
	if err != nil {
		c.did(ref.Dir, err)
		return true, ctx.Err()
	}
	if other != "" {
		c.did(ref.Dir, failure.Invalid(fmt.Sprintf("the artifacts of the experiment '%s', which is not deleted, lie in it", other)))
		return true, ctx.Err()
	}
	r := mlruns.Removal{Path: ref.Dir, ExperimentID: e.ID, Name: e.Name, Deleted: e.Updated}
	c.remove(ctx, r, func() (string, error) { return c.store.discardExperiment(ctx, ref, c.old) })
	return true, ctx.Err()
}

func (c *collection) run(ctx context.Context, ref records.RunRef, info mlruns.RunInfo) {
	if info.Stage != mlruns.StageDeleted || !c.old(info.Deleted) || !c.selects(c.query.Runs, info.ID) {
		return
	}
	r := mlruns.Removal{Path: ref.Dir, ExperimentID: info.ExperimentID, RunID: info.ID, Name: info.Name, Deleted: info.Deleted}
	c.remove(ctx, r, func() (string, error) { return c.store.discardRun(ctx, ref, c.old) })
}

// remove takes a folder out of the store and then removes it, or only yields it. discard gives
// where the folder went, "" if it is to stay after all.
func (c *collection) remove(ctx context.Context, r mlruns.Removal, discard func() (string, error)) {
	link, err := c.store.tree.LinkAbove(r.Path)
	if err != nil {
		c.did(r.Path, err)
		return
	}
	if link != "" {
		c.did(r.Path, &failure.Reason{Kind: mlruns.ErrOutside, Text: "the folder '" + link + "' is a symbolic link; what is behind it is not removed"})
		return
	}
	elsewhere, err := c.artifactsOf(ctx, r.Path)
	if !c.did(r.Path, err) {
		return
	}
	if at := c.mounted(r.Path, elsewhere); at != "" {
		c.did(r.Path, dir.CannotMove(at, &fs.PathError{Op: "remove", Path: at, Err: syscall.EBUSY}))
		return
	}
	at, durable := r.Path, true
	if !c.query.DryRun {
		if at, err = discard(); at == "" && (err == nil || ctx.Err() != nil) {
			return
		}
		if !c.did(r.Path, err) {
			return
		}
		durable = err == nil
	}
	if r.Files, r.Bytes, err = c.store.tree.Measure(at); !c.did(r.Path, err) {
		return
	}
	// What was moved and could come back after a power cut is left whole, for the next GC. So is
	// what knows of artifacts that could not be removed.
	for _, of := range elsewhere {
		files, bytes, err := c.store.tree.Measure(of.dir)
		r.Files, r.Bytes = r.Files+files, r.Bytes+bytes
		if !c.did(of.dir, err) {
			return
		}
	}
	if !c.query.DryRun && durable && c.did(r.Path, c.removeArtifacts(elsewhere, r.RunID == "")) {
		c.did(r.Path, c.store.tree.RemoveDiscarded(at))
	}
	c.met[cmp.Or(r.RunID, r.ModelID, r.ExperimentID)] = true
	c.stopped = !c.yield(r, nil)
}

// leftovers finishes the removals that were interrupted.
func (c *collection) leftovers(ctx context.Context) error {
	entries, err := c.store.tree.Entries(layout.Private)
	if err != nil && !vfs.IsMissing(err) {
		c.did(layout.Private, err)
	}
	for _, e := range entries {
		if c.stopped || ctx.Err() != nil {
			break
		}
		if at := layout.Join(layout.Private, e.Name); dir.IsDiscarded(e.Name) {
			if run, err := c.store.restoredMeanwhile(ctx, at, layout.Meta); run != nil || err != nil {
				c.putBack(ctx, at, run, err)
				continue
			}
			c.remove(ctx, mlruns.Removal{Path: at}, func() (string, error) { return at, c.store.tree.MakeDurable(layout.Private) })
		}
	}
	return ctx.Err()
}

// putBack returns a run that was restored before its removal was interrupted to its experiment.
// What cannot be put back stays where it is.
func (c *collection) putBack(ctx context.Context, dir string, run *mlruns.RunInfo, err error) {
	if c.query.DryRun {
		return
	}
	if err == nil {
		err = c.store.putRunBack(ctx, dir, *run)
	}
	c.did(dir, err)
}

// discardExperiment takes a deleted experiment out of the trash if old still says so under its
// lock. The commit point is the rename.
func (m *Maintainer) discardExperiment(ctx context.Context, ref records.ExperimentRef, old func(time.Time) bool) (at string, err error) {
	unlockRoot, err := m.find.LockRoot(ctx)
	if err != nil {
		return "", err
	}
	defer m.find.Unlock(unlockRoot)
	unlock, err := m.locks.Lock(ctx, m.tree.Path(layout.ExperimentLock(ref.ID)))
	if err != nil {
		return "", err
	}
	defer m.find.Unlock(unlock)
	e, _, err := m.records.ExperimentDocument(ctx, ref)
	if vfs.IsMissing(err) || err == nil && !old(e.Updated) {
		return "", nil // restored, or deleted again, since it was listed
	}
	if err != nil {
		return "", err
	}
	return m.tree.Discard(ref.Dir, nil)
}

// discardRun takes a deleted run out of its experiment if old still says so under its locks. The
// experiment's lock keeps it where it is, and keeps whoever restores it as a whole from counting on
// the run. The commit point is the rename.
func (m *Maintainer) discardRun(ctx context.Context, ref records.RunRef, old func(time.Time) bool) (at string, err error) {
	ref, unlock, err := m.find.LockListedRun(ctx, ref)
	if err != nil || unlock == nil {
		return "", err
	}
	defer unlock.Experiment()
	defer unlock.Run()
	removable := func(meta string) (bool, error) {
		f, err := m.tree.Folder(layout.Parent(meta))
		if err != nil {
			return false, err
		}
		defer f.Close()
		info, err := records.ReadRunInfo(ctx, f, path.Base(meta), ref)
		return info.Stage == mlruns.StageDeleted && old(info.Deleted), err
	}
	if ok, err := removable(layout.Join(ref.Dir, layout.Meta)); err != nil || !ok {
		return "", err
	}
	if openFilesStay {
		// Whoever takes the lock now keeps the folder from being renamed, as we would.
		unlock.Run()
	}
	return m.tree.Discard(ref.Dir, removable)
}
