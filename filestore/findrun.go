package filestore

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// findRun looks for a folder with the run's name in every experiment. It opens no other run, so its cost grows with experiments only.
func (s *Store) findRun(ctx context.Context, id string) (runRef, error) {
	if err := mlruns.ValidateRunID(id); err != nil {
		return runRef{}, err
	}
	if layout.ReservedInExperiment(id) {
		return runRef{}, mlruns.RunNotFound(id)
	}
	if experiment, ok := s.hints.get(id); ok {
		for _, trashed := range [...]bool{false, true, false} {
			ref := newRunRef(newExperimentRef(experiment, trashed), id)
			if s.isRun(ref) {
				return ref, nil
			}
		}
		s.hints.forget(id)
	}
	before, settled := s.lookAtRoot()
	refs, err := s.experimentRefs(mlruns.ViewAll, nil)
	if err != nil {
		return runRef{}, err
	}
	ref, ok := s.runAmong(ctx, refs, func(e experimentRef) (runRef, bool) {
		ref := newRunRef(e, id)
		return ref, s.isRun(ref)
	})
	if !ok && ctx.Err() == nil {
		if now, _ := s.lookAtRoot(); !settled || now != before {
			if ref, ok, err = s.runAmongMoving(ctx, slices.Clone(refs), id); err != nil {
				return runRef{}, err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return runRef{}, err
	}
	if !ok {
		return runRef{}, s.noRun(ctx, refs, id)
	}
	s.hints.put(id, ref.experiment.id)
	return ref, nil
}

// noRun says that there is no such run among the experiments, or that there is one which has lost its meta.yaml: a folder of the name with values in it.
// One without values may as well be an artifact folder.
func (s *Store) noRun(ctx context.Context, refs []experimentRef, id string) error {
	lost, ok := s.runAmong(ctx, refs, func(e experimentRef) (runRef, bool) {
		ref := newRunRef(e, id)
		return ref, slices.ContainsFunc([]string{layout.Metrics, layout.Params, layout.Tags}, func(sub string) bool { return s.tree.isDir(layout.Join(ref.dir, sub)) })
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case ok:
		return noMeta(lost.dir)
	}
	return mlruns.RunNotFound(id)
}

// lookAtRoot gives the sight of the root, and whether an experiment that moves out of it or into it from now on will change that. It gives none where the
// file system may be shared.
func (s *Store) lookAtRoot() (sight rootfs.Sight, settled bool) {
	if s.tree.looker == nil {
		return rootfs.Sight{}, false
	}
	now := time.Now()
	sight, err := s.tree.looker.Look(s.tree.name(""), true)
	return sight, err == nil && sight.Settled(now)
}

// alone is how many places one goroutine looks into sooner than several would.
const alone = 16

// runAmong looks into experiments, into several at once if there are many, and gives the run of the first in their order that has it.
func (s *Store) runAmong(ctx context.Context, refs []experimentRef, look func(experimentRef) (runRef, bool)) (found runRef, ok bool) {
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
			ref, is := look(refs[i])
			mu.Lock()
			if is && i < first {
				found, first = ref, i
			}
			mu.Unlock()
		}
	}
	var others sync.WaitGroup
	for range min(s.parallelism, len(refs)/alone) - 1 {
		others.Go(lookOn)
	}
	lookOn()
	others.Wait()
	return found, first < len(refs)
}

// runAmongMoving looks for a run that was in none of the places where experiments were seen, before it is said to be nowhere: one that has it may have
// been elsewhere at each look. It lists them again and opens each, for an open folder is the experiment wherever it goes (where folders can be opened).
func (s *Store) runAmongMoving(ctx context.Context, seen []experimentRef, id string) (runRef, bool, error) {
	refs, err := s.experimentRefs(mlruns.ViewAll, nil)
	if err != nil {
		return runRef{}, false, err
	}
	listed := make(map[experimentRef]bool, len(refs))
	for _, e := range refs {
		listed[e] = true
	}
	refs = append(refs, slices.DeleteFunc(seen, func(e experimentRef) bool { return listed[e] })...)
	ref, ok := s.runAmong(ctx, refs, func(e experimentRef) (runRef, bool) { return s.runInMoving(e, id) })
	return ref, ok, nil
}

// runInMoving looks into an experiment, wherever it is.
func (s *Store) runInMoving(e experimentRef, id string) (runRef, bool) {
	for _, trashed := range [...]bool{e.trashed, !e.trashed, e.trashed} {
		ref := newRunRef(newExperimentRef(e.id, trashed), id)
		f, err := s.tree.folder(ref.experiment.dir)
		if err != nil {
			continue
		}
		defer closeQuietly(f)
		_, err = f.Stat(layout.Join(id, layout.Meta))
		return ref, err == nil
	}
	return runRef{}, false
}

// openRun opens the folder of a run, which is the run wherever its experiment goes.
func (s *Store) openRun(ctx context.Context, id string) (runRef, rootfs.Folder, error) {
	for i := 1; ; i++ {
		ref, err := s.findRun(ctx, id)
		if err != nil {
			return ref, nil, err
		}
		f, err := s.tree.folder(ref.dir)
		if err == nil {
			return ref, f, nil
		}
		if !isMissing(err) || i == maxLooks {
			return ref, nil, runError(id, err)
		}
	}
}

// isRun reports whether there is a run's meta.yaml at the place. A folder without one is no run; one whose meta.yaml
// cannot even be looked at is a damaged run, not a missing one.
func (s *Store) isRun(ref runRef) bool {
	ok, err := s.tree.exists(layout.Join(ref.dir, layout.Meta))
	return ok || err != nil && s.tree.isDir(ref.dir)
}
