package fsck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/filename"
	"github.com/mlruns/mlruns/internal/vfs"
)

// finding is what is wrong in one place: a run, a logged model, a trace, an experiment but for
// those, or the root.
type finding struct {
	experiment records.ExperimentRef // zero for the root
	run        records.RunRef        // zero for all but a run
	part       string                // the folder of a logged model or a trace, "" for all else
	problems   []mlruns.Problem
}

// dir is the folder of the place.
func (f finding) dir() string { return cmp.Or(f.part, f.run.Dir, f.experiment.Dir) }

// inspection is one walk through a store, for Verify and for Repair.
type inspection struct {
	*Checker
	ctx    context.Context //nolint:containedctx // it lives as long as the call that has it
	report func(finding) bool
	done   mlruns.Progress
	// progress is told how far the walk is, unless it is nil.
	progress func(mlruns.Progress)
	twice    map[string][]mlruns.Problem // of experiments whose id or name another has, by folder
	runs     map[string]string           // the folders of the runs, models and traces seen, by id
	// the folders seen that have a capital letter, by their names in small ones
	upper map[string]string
	areas *locate.ArtifactAreas
	roots func() []string // where the store was recorded
	buf   []byte
}

// errEnough ends a walk whose results nobody wants any more.
var errEnough = errors.New("enough")

// inspect goes through the store, the private folder first, then each experiment and its runs in
// the order of their folders. report is called for every place, also where nothing is wrong, until
// it returns false.
func (c *Checker) inspect(ctx context.Context, progress func(mlruns.Progress), report func(finding) bool) error {
	v := &inspection{Checker: c, ctx: ctx, report: report, progress: progress, runs: map[string]string{}, upper: map[string]string{}, areas: c.find.ArtifactAreas(ctx), roots: c.find.RootsOnce(ctx), buf: make([]byte, records.ChunkSize)}
	if err := v.all(); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

func (v *inspection) all() error {
	p := &records.Problems{Explained: v.areas.Explain}
	if err := v.private(p); err != nil {
		return err
	}
	refs, err := v.find.ExperimentRefs(mlruns.ViewAll, p)
	if err == nil {
		err = v.tell(finding{}, p)
	}
	if err != nil {
		return err
	}
	v.done.Total = len(refs)
	if v.twice, err = v.sameExperiments(refs); err != nil {
		return err
	}
	slices.SortFunc(refs, func(a, b records.ExperimentRef) int { return strings.Compare(a.Dir, b.Dir) })
	for _, ref := range refs {
		if err := v.experiment(ref); err != nil {
			return err
		}
	}
	return nil
}

// tell examines what was found in one place and passes it on.
func (v *inspection) tell(f finding, p *records.Problems) error {
	f.problems = p.Sorted()
	for i := range f.problems {
		p := &f.problems[i]
		if examine := damages[p.Kind].examine; examine != nil {
			if err := examine(v.Checker, p); err != nil {
				return err
			}
		}
	}
	leaveDoubtful(f.problems)
	if !v.report(f) {
		return errEnough
	}
	return nil
}

// next says how far the walk is.
func (v *inspection) next(path string) {
	v.done.Path = path
	if v.progress != nil {
		v.progress(v.done)
	}
	v.done.Done++
}

// private reports what interrupted writes left in the private folder. The originals of repairs lie
// there too, on purpose.
func (v *inspection) private(p *records.Problems) error {
	link, err := v.tree.IsLink(layout.Private)
	if err != nil {
		return err
	}
	if link {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemUnreadable, Path: layout.Private, Reason: "a symbolic link stands in its place; what is behind it was not left by a write"})
		return nil
	}
	entries, err := v.tree.Entries(layout.Private)
	if err != nil && !vfs.IsMissing(err) {
		return p.Unreadable(v.ctx, mlruns.ProblemUnreadable, layout.Private, err)
	}
	for _, e := range entries {
		if !layout.IsSaved(e.Name) {
			p.Add(leftover(layout.Join(layout.Private, e.Name)))
		}
	}
	return nil
}

// sameExperiments finds ids and names that stand twice in the store. Of two, the active one comes
// first.
func (v *inspection) sameExperiments(refs []records.ExperimentRef) (map[string][]mlruns.Problem, error) {
	names, ids := map[string]string{}, map[string]bool{}
	twice := map[string][]mlruns.Problem{}
	for _, ref := range refs {
		e, _, err := v.records.ExperimentDocument(v.ctx, ref)
		if end := records.CallError(v.ctx, err); end != nil {
			return nil, end
		}
		if err != nil {
			continue // told when its turn comes
		}
		if ids[e.ID] {
			twice[ref.Dir] = append(twice[ref.Dir], mlruns.Problem{Kind: mlruns.ProblemDuplicate, Path: ref.Dir, Reason: "an active experiment has the same id"})
		}
		ids[e.ID] = true
		if first, ok := names[e.Name]; ok {
			twice[ref.Dir] = append(twice[ref.Dir], mlruns.Problem{Kind: mlruns.ProblemDuplicate, Path: layout.Join(ref.Dir, layout.Meta),
				Reason: fmt.Sprintf("the experiment %s has the same name %q", first, e.Name)})
			continue
		}
		names[e.Name] = e.ID
	}
	return twice, nil
}

// now is where an experiment lies that may have been deleted or restored since it was listed.
func (v *inspection) now(ref records.ExperimentRef) (records.ExperimentRef, error) {
	is, err := v.tree.HasDir(ref.Dir)
	if is || err != nil {
		return ref, err
	}
	again, err := v.find.FindExperiment(ref.ID)
	if err != nil {
		return ref, records.CallError(v.ctx, err)
	}
	return again, nil
}

// looks is how often a place is looked into that has moved meanwhile.
const looks = 5

// inPlace has something of an experiment looked at where the experiment lies, tells what was found,
// and looks again where the experiment has moved meanwhile: what is missing at a place that it has
// left is there at the other.
func (v *inspection) inPlace(e records.ExperimentRef, look func(records.ExperimentRef, *records.Problems) (finding, error)) error {
	for i := 1; ; i++ {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		e, err := v.now(e)
		if err != nil {
			return err
		}
		p := &records.Problems{Explained: v.areas.Explain}
		f, err := look(e, p)
		if err != nil {
			return err
		}
		if there, err := v.tree.HasDir(e.Dir); err != nil {
			return err
		} else if there || i == looks {
			return v.tell(f, p)
		}
	}
}

func (v *inspection) experiment(ref records.ExperimentRef) error {
	v.next(ref.Dir)
	var runs []records.RunRef
	halfRemoved := false
	err := v.inPlace(ref, func(e records.ExperimentRef, p *records.Problems) (_ finding, err error) {
		ref = e
		runs, halfRemoved, err = v.inspectExperiment(e, p)
		return finding{experiment: e}, err
	})
	if err != nil || halfRemoved {
		return err
	}
	v.done.Total += len(runs)
	for _, run := range runs {
		if err := v.run(run); err != nil {
			return err
		}
	}
	return v.parts(ref)
}

// inspectExperiment looks at an experiment but for what is in its runs, models and traces. What is
// left of one that is being removed is told by then.
func (v *inspection) inspectExperiment(ref records.ExperimentRef, p *records.Problems) (runs []records.RunRef, halfRemoved bool, err error) {
	e, err := v.find.ListedExperiment(v.ctx, ref, p, records.WithTags)
	if end := records.CallError(v.ctx, err); end != nil {
		return nil, false, end
	}
	if err == nil {
		if err := v.signsOfExperiment(ref, p); err != nil {
			return nil, false, err
		}
	}
	v.inspectID(ref.Dir, p)
	for _, problem := range v.twice[ref.Dir] {
		p.Add(problem)
	}
	if vfs.IsMissing(err) {
		if left, err := v.tree.HalfRemoved(ref.Dir); err != nil || left {
			return nil, left, err
		}
	}
	inspectValues(layout.Join(ref.Dir, layout.Tags), e.Tags, p)
	if err := v.beside(ref.Dir, layout.Meta, p); err != nil {
		return nil, false, err
	}
	runs, err = v.find.RunRefs(ref, p)
	if err != nil && !vfs.IsMissing(err) { // not removed since the listing
		if err := p.Unreadable(v.ctx, mlruns.ProblemUnreadable, ref.Dir, err); err != nil {
			return nil, false, err
		}
	}
	return runs, false, nil
}

// inspectID reports a run, experiment, model or trace whose id some platform cannot hold as the
// name of a folder, or would merge with another: folders come in order, capital letters first.
func (v *inspection) inspectID(dir string, p *records.Problems) {
	if why := filename.Portable(path.Base(dir)); why != "" {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: dir, Reason: why})
	}
	lower := strings.ToLower(dir)
	if other, ok := v.upper[lower]; ok && other != dir {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: dir, Reason: mergesWith(other)})
	}
	if lower != dir {
		v.upper[lower] = dir
	}
}

// beside reports what lies beside a meta.yaml, or a file named meta: temporary files, and conflict
// copies of it. Other files are ignored by every MLflow version, and welcome.
func (v *inspection) beside(dir, meta string, p *records.Problems) error {
	entries, err := v.tree.Entries(dir)
	if err != nil && !vfs.IsMissing(err) {
		return p.Unreadable(v.ctx, mlruns.ProblemUnreadable, dir, err)
	}
	for _, e := range entries {
		path := layout.Join(dir, e.Name)
		switch {
		case atomicfile.IsTemp(e.Name), isReplaced(e.Name):
			p.Add(leftover(path))
		case e.Name == layout.Moving:
			p.Add(mlruns.Problem{Kind: mlruns.ProblemLeftover, Path: path, Repairable: true,
				Reason: "deleting or restoring the experiment was interrupted, or is under way; the one in the root is meant, if it is in the trash too"})
		case e.Type.IsRegular() && records.IsConflictOfMeta(meta, e.Name):
			p.Add(records.Conflict(path))
		}
	}
	return nil
}

func leftover(path string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemLeftover, Path: path, Repairable: true, Reason: "an interrupted write left it, or one is under way"}
}
