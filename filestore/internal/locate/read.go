package locate

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/parallel"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Experiment reads an experiment that may move while it is looked for.
func (l *Locator) Experiment(ctx context.Context, id string, p *records.Problems) (e mlruns.Experiment, err error) {
	ref, err := l.FindExperiment(id)
	if err != nil {
		return e, err
	}
	ref, err = l.following(ref, func(ref records.ExperimentRef) error {
		e, err = l.Records.Experiment(ctx, ref, p)
		return err
	})
	if err != nil {
		err = records.ExperimentError(id, ref.Dir, err)
	}
	return e, err
}

// ByName finds an experiment and reads no tags, not those of the experiment found either. It gives
// nil where there is none, and an error where there is none among those that could be read and the
// others may have the name. list and sift may be nil, read is records.WithoutTags, or who knows
// what they give.
func (l *Locator) ByName(ctx context.Context, name string, list ExperimentLister, sift ExperimentSifter, read ExperimentReader) (*mlruns.Experiment, error) {
	var found *mlruns.Experiment
	check := NameCheck{read: read}
	seen := map[string]bool{}
	var listed, left []records.ExperimentRef
	sifting := func(root vfs.Folder, refs []records.ExperimentRef) []records.ExperimentRef {
		listed, left = refs, refs
		if sift != nil {
			left = sift(root, refs)
		}
		return left
	}
	take := func(e mlruns.Experiment) {
		seen[e.ID] = true
		if e.Name != name || found != nil && (found.Stage == mlruns.StageActive && e.Stage != mlruns.StageActive ||
			found.Stage == e.Stage && !e.Created.After(found.Created)) {
			return
		}
		it := e
		found = &it
	}
	before, stable := l.identifyRoot()
	for e, err := range l.experiments(ctx, mlruns.ViewAll, check.Listing(), list, sifting, check.Read) {
		if err != nil {
			return nil, err
		}
		take(e)
	}
	if found == nil {
		if now, _ := l.identifyRoot(); !stable || now != before {
			for _, ref := range listed {
				seen[ref.ID] = seen[ref.ID] || !slices.Contains(left, ref)
			}
			if err := l.readUnseen(ctx, seen, &check, take); err != nil {
				return nil, err
			}
		}
	}
	if found == nil {
		return nil, check.Last(name)
	}
	return found, nil
}

// readUnseen lists the experiments once more and reads those that were not seen: one that moves
// twice may have been elsewhere at each look of one listing.
func (l *Locator) readUnseen(ctx context.Context, seen map[string]bool, check *NameCheck, each func(mlruns.Experiment)) error {
	refs, err := l.ExperimentRefs(mlruns.ViewAll, check.Listing())
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if seen[ref.ID] {
			continue
		}
		e, err := l.ListedExperiment(ctx, ref, nil, check.Read)
		if end := records.CallError(ctx, err); end != nil {
			return end
		}
		if err == nil {
			each(e)
		}
	}
	return nil
}

// ExperimentReader reads an experiment for a listing, which has opened the root: records.WithTags
// or records.WithoutTags.
type ExperimentReader func(ctx context.Context, root vfs.Folder, ref records.ExperimentRef, p *records.Problems) (mlruns.Experiment, error)

// ExperimentLister is Locator.ListExperimentIDs for a listing that has opened the root.
type ExperimentLister func(root vfs.Folder, trashed bool, p *records.Problems) ([]string, error)

// ExperimentSifter leaves out of experiments that were listed those that it has looked at and that
// are not asked for. It keeps those of an id that is listed twice.
type ExperimentSifter func(root vfs.Folder, refs []records.ExperimentRef) []records.ExperimentRef

// readSize is how many experiments one goroutine reads at once: one is read in less time than
// another takes over.
const readSize = 16

// Experiments goes through the readable experiments, in the order of their places. Several are read
// at once. list may be nil.
func (l *Locator) Experiments(ctx context.Context, view mlruns.View, p *records.Problems, list ExperimentLister, read ExperimentReader) iter.Seq2[mlruns.Experiment, error] {
	return l.experiments(ctx, view, p, list, nil, read)
}

func (l *Locator) experiments(ctx context.Context, view mlruns.View, p *records.Problems, list ExperimentLister, sift ExperimentSifter, read ExperimentReader) iter.Seq2[mlruns.Experiment, error] {
	return func(yield func(mlruns.Experiment, error) bool) {
		root, err := l.Tree.Folder("")
		if err != nil {
			yield(mlruns.Experiment{}, l.orRootGone(err))
			return
		}
		defer root.Close()
		lister := l.ListExperimentIDs
		if list != nil {
			lister = func(trashed bool, p *records.Problems) ([]string, error) { return list(root, trashed, p) }
		}
		refs, err := l.experimentRefs(view, p, lister)
		if err != nil {
			yield(mlruns.Experiment{}, err)
			return
		}
		if sift != nil {
			refs = sift(root, refs)
		}
		reading, stop := context.WithCancel(ctx)
		type found struct {
			dir string
			mlruns.Experiment
			err error
		}
		look := func(refs []records.ExperimentRef) ([]found, error) {
			list := make([]found, 0, len(refs))
			for _, ref := range refs {
				e, err := l.listed(reading, root, ref, p, read)
				if records.EndsCall(reading, err) {
					return list, err
				}
				list = append(list, found{ref.Dir, e, err})
			}
			return list, nil
		}
		var seen map[string]mlruns.LifecycleStage
		if len(refs) > 0 && refs[0].Trashed != refs[len(refs)-1].Trashed { // else no id comes twice
			seen = make(map[string]mlruns.LifecycleStage, len(refs))
		}
		for some, err := range parallel.Map(l.Parallelism, slices.Collect(slices.Chunk(refs, readSize)), look, stop) {
			for _, e := range some {
				if ctx.Err() != nil {
					yield(mlruns.Experiment{}, ctx.Err())
					return
				}
				if e.err != nil || !view.Shows(e.Stage) { // deleted or restored since the listing
					continue
				}
				if stage, ok := seen[e.ID]; ok {
					if stage != e.Stage { // else it was listed in both places because it has moved
						p.Add(mlruns.Problem{Kind: mlruns.ProblemDuplicate, Path: e.dir, Reason: "an active experiment has the same id"})
					}
					continue
				}
				if seen != nil {
					seen[e.ID] = e.Stage
				}
				if !yield(e.Experiment, nil) {
					return
				}
			}
			if err != nil {
				yield(mlruns.Experiment{}, cmp.Or(ctx.Err(), err))
				return
			}
		}
	}
}

// ListedExperiment reads one experiment that was listed, and reports it where that fails.
func (l *Locator) ListedExperiment(ctx context.Context, ref records.ExperimentRef, p *records.Problems, read ExperimentReader) (mlruns.Experiment, error) {
	root, err := l.Tree.Folder("")
	if err != nil {
		if end := p.Unreadable(ctx, mlruns.ProblemUnreadableMeta, layout.Join(ref.Dir, layout.Meta), err); end != nil {
			err = end
		}
		return mlruns.Experiment{}, err
	}
	defer root.Close()
	return l.listed(ctx, root, ref, p, read)
}

// listed reads an experiment of a listing, and reports it where that fails.
func (l *Locator) listed(ctx context.Context, root vfs.Folder, ref records.ExperimentRef, p *records.Problems, read ExperimentReader) (mlruns.Experiment, error) {
	var e mlruns.Experiment
	ref, err := l.following(ref, func(ref records.ExperimentRef) (err error) {
		e, err = read(ctx, root, ref, p)
		return err
	})
	switch {
	case err == nil || records.EndsCall(ctx, err):
	case vfs.IsMissing(err):
		is, lookErr := l.Tree.HasDir(ref.Dir)
		if lookErr != nil {
			return e, lookErr
		}
		if is { // else it was removed for good since it was listed
			problem, err := l.Records.MissingMeta(ref.Dir)
			if err != nil {
				return e, err
			}
			p.Add(problem)
		}
	default:
		p.Add(records.ProblemOf(mlruns.ProblemUnreadableMeta, layout.Join(ref.Dir, layout.Meta), err))
	}
	return e, err
}

// ExperimentIDTaken reports whether there is a folder of this name in the root or the trash.
func (l *Locator) ExperimentIDTaken(id string) (bool, error) {
	for _, trashed := range [...]bool{false, true} {
		if taken, err := l.Tree.Exists(layout.Experiment(id, trashed)); err != nil || taken {
			return taken, err
		}
	}
	return false, nil
}

// Run reads a run that may move while it is looked for.
func (l *Locator) Run(ctx context.Context, runID string) (*mlruns.Run, error) {
	// Where it was seen last, reading it is the look whether it is still there.
	if e, ok := l.hints.get(runID); ok {
		run, err := l.Records.Run(ctx, records.NewRunRef(records.NewExperimentRef(e, false), runID))
		if err == nil {
			return run, nil
		}
		if !vfs.IsMissing(err) {
			return nil, records.RunError(runID, err)
		}
	}
	var run *mlruns.Run
	err := l.FollowRun(ctx, runID, func(ref records.RunRef) (err error) {
		run, err = l.Records.Run(ctx, ref)
		return err
	})
	return run, err
}

// Trace reads a trace that may move while it is looked for.
func (l *Locator) Trace(ctx context.Context, traceID string) (ref records.TraceRef, t *mlruns.Trace, err error) {
	for i := 1; ; i++ {
		if ref, err = l.FindTrace(ctx, traceID); err != nil {
			return ref, nil, err
		}
		if t, err = l.Records.Trace(ctx, ref); err == nil {
			return ref, t, nil
		}
		if !vfs.IsMissing(err) || i == maxLooks {
			return ref, nil, records.TraceError(traceID, err)
		}
	}
}

// RunsByID gives the experiments in which there is a folder of a run's id.
func (l *Locator) RunsByID() (map[string][]string, error) {
	all := map[string][]string{}
	refs, err := l.ExperimentRefs(mlruns.ViewAll, nil)
	if err != nil {
		return nil, err
	}
	for _, e := range refs {
		runs, f, err := l.runsIn(e, nil)
		if vfs.IsMissing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		_ = f.Close()
		for _, run := range runs {
			all[run.ID] = append(all[run.ID], e.ID)
		}
	}
	return all, nil
}
