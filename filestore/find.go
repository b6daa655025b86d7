package filestore

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// maxLooks is how often a run or an experiment is looked for that was not where it had been seen:
// it may move while it is looked for.
const maxLooks = 5

// findExperiment looks in the root and in the trash. Of a folder without a meta.yaml and one with
// it, the latter is meant.
func (s *Store) findExperiment(id string) (experimentRef, error) {
	ref, bare, err := s.lookForExperiment(id)
	if bare && s.areas(context.Background()).hold(ref.dir) {
		return experimentRef{}, failure.ExperimentNotFound(id)
	}
	return ref, err
}

// lookForExperiment is findExperiment; bare is a folder without a meta.yaml.
func (s *Store) lookForExperiment(id string) (ref experimentRef, bare bool, err error) {
	if err := validate.ExperimentID(id); err != nil {
		return experimentRef{}, false, err
	}
	if layout.ReservedInRoot(id) {
		return experimentRef{}, false, failure.ExperimentNotFound(id)
	}
	for i := range maxLooks { // more than two, for it may be deleted or restored between them
		at := newExperimentRef(id, i%2 == 1)
		if ok, err := s.tree.Exists(layout.Join(at.dir, layout.Meta)); err != nil || ok {
			return at, false, err
		}
		if bare {
			continue
		}
		if bare, err = s.tree.HasDir(at.dir); err != nil {
			return at, false, err
		}
		if bare {
			ref = at
		}
	}
	if bare {
		return ref, true, nil
	}
	if gone := s.rootGone(); gone != nil {
		return experimentRef{}, false, gone
	}
	return experimentRef{}, false, failure.ExperimentNotFound(id)
}

// following calls read with the place where an experiment was seen, and with that where it is found
// when what is read is missing there: it may be deleted or restored between the looks. It says
// which place was the last.
func (s *Store) following(e experimentRef, read func(experimentRef) error) (experimentRef, error) {
	err := read(e)
	for i := 1; vfs.IsMissing(err) && i < maxLooks; i++ {
		again, bare, findErr := s.lookForExperiment(e.id)
		if rootfs.IsShortage(findErr) {
			return e, findErr
		}
		if findErr != nil || bare && again == e {
			break
		}
		e = again
		err = read(e)
	}
	return e, err
}

// experimentRefs lists the folders that can be experiments, the active before the deleted, by id.
// Anything else in the root or the trash is reported to p.
func (s *Store) experimentRefs(view mlruns.View, p *problems) ([]experimentRef, error) {
	active, deleted := view.Shows(mlruns.StageActive), view.Shows(mlruns.StageDeleted)
	var root, trash, trashAgain []string
	var err error
	if deleted {
		if trash, err = s.listExperimentIDs(true, p); err != nil {
			return nil, err
		}
	}
	if active {
		if root, err = s.listExperimentIDs(false, p); err != nil {
			return nil, err
		}
	}
	// The trash twice: an experiment that is deleted between the looks has left the root.
	if active && deleted {
		if trashAgain, err = s.listExperimentIDs(true, nil); err != nil {
			return nil, err
		}
	}
	trash = append(trash, trashAgain...)
	slices.Sort(trash)
	trash = slices.Compact(trash)
	refs := make([]experimentRef, 0, len(root)+len(trash))
	for _, id := range root {
		refs = append(refs, newExperimentRef(id, false))
	}
	for _, id := range trash {
		refs = append(refs, newExperimentRef(id, true))
		if _, both := slices.BinarySearch(root, id); both {
			if refs, err = s.withoutLeft(refs, id, p); err != nil {
				return nil, err
			}
		}
	}
	return refs, nil
}

// withoutLeft takes out the place that an experiment has left which was listed in both. One that is
// in both, which only damage or an interrupted move makes, stays in both, unless one has a
// meta.yaml, and the other, in the root, has none, or is what a move left in the trash.
func (s *Store) withoutLeft(refs []experimentRef, id string, p *problems) ([]experimentRef, error) {
	for _, trashed := range [...]bool{true, false} {
		left := newExperimentRef(id, trashed)
		is, err := s.tree.HasDir(left.dir)
		if err != nil {
			return nil, err
		}
		if !is {
			return slices.DeleteFunc(refs, func(e experimentRef) bool { return e == left }), nil
		}
	}
	left, other := newExperimentRef(id, false), newExperimentRef(id, true)
	is, err := s.tree.LacksMeta(left.dir)
	if err == nil && !is {
		left, other = other, left
		is, err = s.tree.HalfRemoved(left.dir)
	}
	if err != nil || !is {
		return refs, err
	}
	if bare, err := s.tree.LacksMeta(other.dir); err != nil || bare {
		return refs, err
	}
	problem, err := s.records.bareProblem(left.dir)
	if err != nil {
		return nil, err
	}
	p.add(problem)
	return slices.DeleteFunc(refs, func(e experimentRef) bool { return e == left }), nil
}

func (s *Store) listExperimentIDs(trashed bool, p *problems) ([]string, error) {
	dir := ""
	if trashed {
		dir = layout.Trash
		// A trash that lies elsewhere holds nothing of this store, and one that is elsewhere in it
		// what is not deleted.
		if err := s.tree.RefuseLink(dir); rootfs.IsShortage(err) {
			return nil, err
		} else if err != nil {
			p.add(problemOf(mlruns.ProblemUnreadable, dir, err))
			return nil, nil
		}
	}
	folders, err := s.records.subfolders(dir, p, func(name string) bool { return !trashed && layout.ReservedInRoot(name) },
		func(name string) bool { return validate.ExperimentID(name) == nil })
	switch {
	case err == nil:
		return folders, nil
	case !trashed:
		return nil, s.orRootGone(err)
	case vfs.IsMissing(err):
		return nil, nil
	case errors.Is(err, rootfs.ErrOutside): // as above, where links are allowed
		p.add(problemOf(mlruns.ProblemUnreadable, layout.Trash, err))
		return nil, nil
	}
	return nil, err
}

// runRefs lists the folders of an experiment that can be runs, by id.
func (s *Store) runRefs(e experimentRef, p *problems) ([]runRef, error) {
	_, refs, f, err := s.openRuns(e, p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	slices.SortFunc(refs, func(a, b runRef) int { return strings.Compare(a.id, b.id) })
	return refs, nil
}

// runsIn opens the folder of an experiment and lists the folders in it that can be runs, unsorted.
func (s *Store) runsIn(e experimentRef, p *problems) ([]runRef, rootfs.Folder, error) {
	f, err := s.tree.Folder(e.dir)
	if err != nil {
		return nil, nil, err
	}
	entries, err := f.Entries()
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	ids, err := s.records.folders(entries, e.dir, p, layout.ReservedInExperiment, func(name string) bool { return validate.RunID(name) == nil })
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	refs := make([]runRef, len(ids))
	for i, id := range ids {
		refs[i] = newRunRef(e, id)
	}
	return refs, f, nil
}

// openRuns is runsIn where the experiment is.
func (s *Store) openRuns(e experimentRef, p *problems) (at experimentRef, refs []runRef, f rootfs.Folder, err error) {
	at, err = s.following(e, func(e experimentRef) (err error) {
		refs, f, err = s.runsIn(e, p)
		return err
	})
	return at, refs, f, err
}
