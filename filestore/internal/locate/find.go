package locate

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// FindExperiment looks in the root and in the trash. Of a folder without a meta.yaml and one with
// it, the latter is meant.
func (l *Locator) FindExperiment(id string) (records.ExperimentRef, error) {
	ref, bare, err := l.lookForExperiment(id)
	if bare && l.ArtifactAreas(context.Background()).hold(ref.Dir) {
		return records.ExperimentRef{}, failure.ExperimentNotFound(id)
	}
	return ref, err
}

// lookForExperiment is FindExperiment; bare is a folder without a meta.yaml.
func (l *Locator) lookForExperiment(id string) (ref records.ExperimentRef, bare bool, err error) {
	if err := validate.ExperimentID(id); err != nil {
		return records.ExperimentRef{}, false, err
	}
	if layout.ReservedInRoot(id) {
		return records.ExperimentRef{}, false, failure.ExperimentNotFound(id)
	}
	for i := range maxLooks { // more than two, for it may be deleted or restored between them
		at := records.NewExperimentRef(id, i%2 == 1)
		if ok, err := l.Tree.Exists(layout.Join(at.Dir, layout.Meta)); err != nil || ok {
			return at, false, err
		}
		if bare {
			continue
		}
		if bare, err = l.Tree.HasDir(at.Dir); err != nil {
			return at, false, err
		}
		if bare {
			ref = at
		}
	}
	if bare {
		return ref, true, nil
	}
	if gone := l.rootGone(); gone != nil {
		return records.ExperimentRef{}, false, gone
	}
	return records.ExperimentRef{}, false, failure.ExperimentNotFound(id)
}

// ExperimentRefs lists the folders that can be experiments, the active before the deleted, by id.
// Anything else in the root or the trash is reported to p.
func (l *Locator) ExperimentRefs(view mlruns.View, p *records.Problems) ([]records.ExperimentRef, error) {
	return l.experimentRefs(view, p, l.ListExperimentIDs)
}

func (l *Locator) experimentRefs(view mlruns.View, p *records.Problems, list func(trashed bool, p *records.Problems) ([]string, error)) ([]records.ExperimentRef, error) {
	active, deleted := view.Shows(mlruns.StageActive), view.Shows(mlruns.StageDeleted)
	var root, trash, trashAgain []string
	var err error
	if deleted {
		if trash, err = list(true, p); err != nil {
			return nil, err
		}
	}
	if active {
		if root, err = list(false, p); err != nil {
			return nil, err
		}
	}
	// The trash twice: an experiment that is deleted between the looks has left the root.
	if active && deleted {
		if trashAgain, err = list(true, nil); err != nil {
			return nil, err
		}
	}
	trash = append(trash, trashAgain...)
	slices.Sort(trash)
	trash = slices.Compact(trash)
	refs := make([]records.ExperimentRef, 0, len(root)+len(trash))
	for _, id := range root {
		refs = append(refs, records.NewExperimentRef(id, false))
	}
	for _, id := range trash {
		refs = append(refs, records.NewExperimentRef(id, true))
		if _, both := slices.BinarySearch(root, id); both {
			if refs, err = l.withoutLeft(refs, id, p); err != nil {
				return nil, err
			}
		}
	}
	return refs, nil
}

// withoutLeft takes out the place that an experiment has left which was listed in both. One that is
// in both, which only damage or an interrupted move makes, stays in both, unless one has a
// meta.yaml, and the other, in the root, has none, or is what a move left in the trash.
func (l *Locator) withoutLeft(refs []records.ExperimentRef, id string, p *records.Problems) ([]records.ExperimentRef, error) {
	for _, trashed := range [...]bool{true, false} {
		left := records.NewExperimentRef(id, trashed)
		is, err := l.Tree.HasDir(left.Dir)
		if err != nil {
			return nil, err
		}
		if !is {
			return slices.DeleteFunc(refs, func(e records.ExperimentRef) bool { return e == left }), nil
		}
	}
	left, other := records.NewExperimentRef(id, false), records.NewExperimentRef(id, true)
	is, err := l.Tree.LacksMeta(left.Dir)
	if err == nil && !is {
		left, other = other, left
		is, err = l.Tree.HalfRemoved(left.Dir)
	}
	if err != nil || !is {
		return refs, err
	}
	if bare, err := l.Tree.LacksMeta(other.Dir); err != nil || bare {
		return refs, err
	}
	problem, err := l.Records.MissingMeta(left.Dir)
	if err != nil {
		return nil, err
	}
	p.Add(problem)
	return slices.DeleteFunc(refs, func(e records.ExperimentRef) bool { return e == left }), nil
}

func (l *Locator) ListExperimentIDs(trashed bool, p *records.Problems) ([]string, error) {
	ids, _, err := l.ListExperiments(trashed, p)
	return ids, err
}

// ListExperiments gives the names in the root or in the trash that can be experiments', sorted, and
// which names there are links, nil if none is.
func (l *Locator) ListExperiments(trashed bool, p *records.Problems) (ids []string, links map[string]bool, err error) {
	dir := ""
	if trashed {
		dir = layout.Trash
		// A trash that lies elsewhere holds nothing of this store, and one that is elsewhere in it
		// what is not deleted.
		if err := l.Tree.RefuseLink(dir); vfs.IsShortage(err) {
			return nil, nil, err
		} else if err != nil {
			p.Add(records.ProblemOf(mlruns.ProblemUnreadable, dir, err))
			return nil, nil, nil
		}
	}
	entries, err := l.Tree.Entries(dir)
	if err == nil {
		ids, err = l.Records.IDs(entries, dir, p, func(name string) bool { return !trashed && layout.ReservedInRoot(name) },
			func(name string) bool { return validate.ExperimentID(name) == nil })
		slices.Sort(ids)
	}
	switch {
	case err == nil:
		return ids, linksIn(entries), nil
	case !trashed:
		return nil, nil, l.orRootGone(err)
	case vfs.IsMissing(err):
		return nil, nil, nil
	case errors.Is(err, vfs.ErrOutside): // as above, where links are allowed
		p.Add(records.ProblemOf(mlruns.ProblemUnreadable, layout.Trash, err))
		return nil, nil, nil
	}
	return nil, nil, err
}

// RunRefs lists the folders of an experiment that can be runs, by id.
func (l *Locator) RunRefs(e records.ExperimentRef, p *records.Problems) ([]records.RunRef, error) {
	_, refs, f, err := l.OpenRuns(e, p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	slices.SortFunc(refs, func(a, b records.RunRef) int { return strings.Compare(a.ID, b.ID) })
	return refs, nil
}

// runsIn opens the folder of an experiment and lists the folders in it that can be runs, unsorted.
func (l *Locator) runsIn(e records.ExperimentRef, p *records.Problems) ([]records.RunRef, vfs.Folder, error) {
	f, err := l.Tree.Folder(e.Dir)
	if err != nil {
		return nil, nil, err
	}
	ids, links, err := l.listRuns(e, f, p)
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	refs := make([]records.RunRef, len(ids))
	for i, id := range ids {
		refs[i] = records.NewRunRef(e, id)
		refs[i].Linked = links[id]
	}
	return refs, f, nil
}

// listRuns gives the names of the folders that can be runs, and which of them are links, nil if
// none is.
func (l *Locator) listRuns(e records.ExperimentRef, f vfs.Folder, p *records.Problems) (ids []string, links map[string]bool, err error) {
	entries, err := f.Entries()
	if err != nil {
		return nil, nil, err
	}
	ids, err = l.Records.IDs(entries, e.Dir, p, layout.ReservedInExperiment, func(name string) bool { return validate.RunID(name) == nil })
	return ids, linksIn(entries), err
}

// linksIn are the names in a folder that are links; nil if none is.
func linksIn(entries []vfs.Entry) (links map[string]bool) {
	for _, e := range entries {
		if e.Type&fs.ModeSymlink != 0 {
			if links == nil {
				links = map[string]bool{}
			}
			links[e.Name] = true
		}
	}
	return links
}

// OpenRuns is runsIn where the experiment is.
func (l *Locator) OpenRuns(e records.ExperimentRef, p *records.Problems) (at records.ExperimentRef, refs []records.RunRef, f vfs.Folder, err error) {
	at, err = l.following(e, func(e records.ExperimentRef) (err error) {
		refs, f, err = l.runsIn(e, p)
		return err
	})
	return at, refs, f, err
}

// ListRuns is OpenRuns of who may know which runs there are once the folder is open, and then they
// are not listed. It gives their ids, of which there may be a great many, and which of the names in
// the folder are links, nil if none is: then the listing depends on the folder only.
func (l *Locator) ListRuns(e records.ExperimentRef, p *records.Problems, known func(records.ExperimentRef, vfs.Folder) bool) (at records.ExperimentRef, ids []string, links map[string]bool, f vfs.Folder, err error) {
	at, err = l.following(e, func(e records.ExperimentRef) (err error) {
		if f, err = l.Tree.Folder(e.Dir); err != nil || known(e, f) {
			return err
		}
		if ids, links, err = l.listRuns(e, f, p); err != nil {
			_ = f.Close()
		}
		return err
	})
	return at, ids, links, f, err
}
