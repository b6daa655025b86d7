package locate

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// FindRun looks for a folder with the run's name in every experiment. It opens no other run, so its
// cost grows with experiments only.
func (l *Locator) FindRun(ctx context.Context, id string) (records.RunRef, error) {
	if err := validate.RunID(id); err != nil {
		return records.RunRef{}, err
	}
	if layout.ReservedInExperiment(id) {
		return records.RunRef{}, failure.RunNotFound(id)
	}
	if experiment, ok := l.hints.get(id); ok {
		for _, trashed := range [...]bool{false, true, false} {
			ref := records.NewRunRef(records.NewExperimentRef(experiment, trashed), id)
			if is, err := l.IsRun(ref); is || vfs.IsShortage(err) {
				return ref, err
			}
		}
		l.hints.forget(id)
	}
	before, stable := l.identifyRoot()
	refs, err := l.ExperimentRefs(mlruns.ViewAll, nil)
	if err != nil {
		return records.RunRef{}, err
	}
	var mu sync.Mutex
	var bare []records.ExperimentRef // that have a folder of the name which is no run
	ref, ok, unseen := l.runAmong(ctx, refs, func(e records.ExperimentRef) (records.RunRef, bool, error) {
		ref := records.NewRunRef(e, id)
		is, folder, err := l.lookForRun(ref)
		if folder && !is {
			mu.Lock()
			defer mu.Unlock()
			bare = append(bare, e)
		}
		return ref, is, err
	})
	if !ok && ctx.Err() == nil {
		if now, _ := l.identifyRoot(); !stable || now != before {
			ref, ok, unseen = l.runAmongMoving(ctx, slices.Clone(refs), id)
		}
	}
	if err := ctx.Err(); err != nil {
		return records.RunRef{}, err
	}
	if !ok && unseen != nil {
		return records.RunRef{}, fmt.Errorf("no experiment that can be looked into has the run '%s': %w", id, unseen)
	}
	if !ok {
		return records.RunRef{}, l.noRun(ctx, bare, id)
	}
	l.hints.put(id, ref.Experiment.ID)
	return ref, nil
}

// lookForRun is IsRun by way of the folder, which is missing in all experiments but the run's: one
// look at each of them. It reports too whether there is one.
func (l *Locator) lookForRun(ref records.RunRef) (is, folder bool, err error) {
	info, err := l.Tree.Stat(ref.Dir)
	if err != nil {
		return false, false, vfs.Unseen(err)
	}
	if !info.IsDir() {
		return false, false, nil
	}
	is, err = l.IsRun(ref)
	return is, true, err
}

// noRun says that there is no such run among the experiments, or that there is one which has lost
// its meta.yaml: a folder of the name with values in it. One without values may as well be an
// artifact folder.
func (l *Locator) noRun(ctx context.Context, refs []records.ExperimentRef, id string) error {
	lost, ok, short := l.runAmong(ctx, refs, func(e records.ExperimentRef) (records.RunRef, bool, error) {
		ref := records.NewRunRef(e, id)
		if is, err := l.Tree.HasDir(ref.Dir); !is {
			return ref, false, err
		}
		for _, sub := range [...]string{layout.Metrics, layout.Params, layout.Tags} {
			if is, err := l.Tree.HasDir(layout.Join(ref.Dir, sub)); is || err != nil {
				return ref, is, err
			}
		}
		return ref, false, nil
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case short != nil:
		return short
	case ok:
		return records.NoMeta(lost.Dir)
	}
	return failure.RunNotFound(id)
}

// identifyRoot gives the identity of the root, and whether an experiment that moves out of it or
// into it from now on will change that. It gives none where the file system may be shared.
func (l *Locator) identifyRoot() (root vfs.Identity, stable bool) {
	if !l.Tree.Local() {
		return vfs.Identity{}, false
	}
	now := vfs.Clock()
	root, err := l.Tree.FS.Identify(l.Tree.Path(""), true)
	return root, err == nil && root.Stable(now)
}

// Remember notes in which experiment a run is that was just made.
func (l *Locator) Remember(ref records.RunRef) { l.hints.put(ref.ID, ref.Experiment.ID) }

// alone is how many places one goroutine looks into sooner than several would.
const alone = 16

// runAmong looks into experiments, into several at once if there are many, and gives the run of the
// first in their order that has it. The error is that of an experiment that could not be looked
// into.
func (l *Locator) runAmong(ctx context.Context, refs []records.ExperimentRef, look func(records.ExperimentRef) (records.RunRef, bool, error)) (found records.RunRef, ok bool, unseen error) {
	var mu sync.Mutex
	next, first := 0, len(refs)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= first && ctx.Err() == nil
	}
	lookOn := func() {
		for i, more := take(); more; i, more = take() {
			ref, is, err := look(refs[i])
			mu.Lock()
			if unseen == nil {
				unseen = err
			}
			if is && i < first {
				found, first = ref, i
			}
			mu.Unlock()
		}
	}
	var others sync.WaitGroup
	for range min(l.Parallelism, len(refs)/alone) - 1 {
		others.Go(lookOn)
	}
	lookOn()
	others.Wait()
	return found, first < len(refs), unseen
}

// runAmongMoving looks for a run that was in none of the places where experiments were seen, before
// it is said to be nowhere: one that has it may have been elsewhere at each look. It lists them
// again and opens each, for an open folder is the experiment wherever it goes (where folders can be
// opened).
func (l *Locator) runAmongMoving(ctx context.Context, seen []records.ExperimentRef, id string) (records.RunRef, bool, error) {
	refs, err := l.ExperimentRefs(mlruns.ViewAll, nil)
	if err != nil {
		return records.RunRef{}, false, err
	}
	listed := make(map[records.ExperimentRef]bool, len(refs))
	for _, e := range refs {
		listed[e] = true
	}
	refs = append(refs, slices.DeleteFunc(seen, func(e records.ExperimentRef) bool { return listed[e] })...)
	return l.runAmong(ctx, refs, func(e records.ExperimentRef) (records.RunRef, bool, error) { return l.runInMoving(e, id) })
}

// runInMoving looks into an experiment, wherever it is.
func (l *Locator) runInMoving(e records.ExperimentRef, id string) (records.RunRef, bool, error) {
	for _, trashed := range [...]bool{e.Trashed, !e.Trashed, e.Trashed} {
		ref := records.NewRunRef(records.NewExperimentRef(e.ID, trashed), id)
		f, err := l.Tree.Folder(ref.Experiment.Dir)
		if vfs.IsUnseen(err) {
			return ref, false, err
		}
		if err != nil {
			continue
		}
		defer f.Close()
		_, err = f.Stat(layout.Join(id, layout.Meta))
		return ref, err == nil, vfs.Unseen(err)
	}
	return records.RunRef{}, false, nil
}

// IsRun reports whether there is a run's meta.yaml at the place. A folder without one is no run;
// one whose meta.yaml cannot even be looked at is a damaged run, not a missing one. What is left of
// an experiment that is being removed where it lies has none. The error is of a place that cannot
// be looked at.
func (l *Locator) IsRun(ref records.RunRef) (bool, error) {
	ok, err := l.Tree.Exists(layout.Join(ref.Dir, layout.Meta))
	if err == nil && ok && ref.Experiment.Trashed {
		ok, err = l.Tree.HalfRemoved(ref.Experiment.Dir)
		return !ok && err == nil, err
	}
	if err == nil || vfs.IsShortage(err) {
		return ok, err
	}
	info, lookErr := l.Tree.Stat(ref.Dir)
	if lookErr == nil {
		return info.IsDir(), nil
	}
	return false, vfs.Unseen(lookErr)
}
