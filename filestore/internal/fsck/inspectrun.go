package fsck

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/filename"
	"github.com/mlruns/mlruns/internal/vfs"
)

func (v *inspection) run(listed records.RunRef) error {
	v.next(listed.Dir)
	return v.inPlace(listed.Experiment, func(e records.ExperimentRef, p *records.Problems) (finding, error) {
		ref := records.NewRunRef(e, listed.ID)
		v.inspectID(ref.Dir, p)
		err := v.inspectRun(ref, p)
		if err == nil {
			err = v.beside(ref.Dir, layout.Meta, p)
		}
		return finding{experiment: e, run: ref}, err
	})
}

// inspectRun reads a run whole. One whose meta.yaml cannot be read has values too; a folder without
// one is no run.
func (v *inspection) inspectRun(ref records.RunRef, p *records.Problems) error {
	f, err := v.tree.Folder(ref.Dir)
	if vfs.IsMissing(err) { // removed since the listing
		return v.ctx.Err()
	}
	if err != nil {
		return p.Unreadable(v.ctx, mlruns.ProblemUnreadable, ref.Dir, err)
	}
	defer f.Close()
	info, err := v.records.ReportedRun(v.ctx, f, layout.Meta, ref, p)
	if err != nil && (records.EndsCall(v.ctx, err) || vfs.IsMissing(err)) {
		return records.CallError(v.ctx, err)
	}
	if err == nil {
		if err := v.signs(f, ref.Dir, metaSigns{always: runAlways}, p); err != nil {
			return err
		}
		// else it has moved
		if first, ok := v.runs[ref.ID]; ok && first != ref.Dir && v.tree.IsDir(first) {
			p.Add(records.SameID("run", ref.Dir, first))
		}
		v.runs[ref.ID] = cmp.Or(v.runs[ref.ID], ref.Dir)
	}
	readable := err == nil
	if err := v.folders(ref, p); err != nil {
		return err
	}
	loggedModel, err := v.values(f, ref, p)
	if err != nil {
		return err
	}
	if err := v.artifacts(ref, info, readable, loggedModel, p); err != nil {
		return err
	}
	if _, _, err := records.Inputs(v.ctx, f, ref, v.records.Dataset, p); err != nil {
		return err
	}
	_, _, err = records.ReadOutputs(v.ctx, f, ref, p)
	return err
}

// folders reports the folders without which MLflow ≥ 3.8 does not find a run; git and some sync
// tools drop them when they are empty.
func (v *inspection) folders(ref records.RunRef, p *records.Problems) error {
	for _, name := range [...]string{layout.Metrics, layout.Params, layout.Artifacts} {
		path := layout.Join(ref.Dir, name)
		_, err := v.tree.Stat(path)
		if vfs.IsShortage(err) {
			return err
		}
		link := false
		if err != nil {
			var lookErr error
			if link, lookErr = v.tree.IsLink(path); lookErr != nil {
				return lookErr
			}
		}
		is, lookErr := v.tree.HasDir(path)
		if lookErr != nil {
			return lookErr
		}
		if link { // there, but cannot be followed
			p.Add(records.ProblemOf(mlruns.ProblemUnreadable, path, err))
		} else if !is {
			p.Add(mlruns.Problem{Kind: mlruns.ProblemMissingFolder, Path: path, Repairable: true, Reason: "the folder is missing, and MLflow ≥ 3.8 does not find the run without it"})
		}
	}
	return nil
}

// artifacts looks at the artifacts of a run, where that may be: at each of a run whose meta.yaml is
// readable, and at their folder if the run has logged a model.
func (v *inspection) artifacts(ref records.RunRef, info mlruns.RunInfo, readable, loggedModel bool, p *records.Problems) error {
	if !readable && !loggedModel {
		return nil
	}
	place, err := artifacts.Locate(v.find.ArtifactsOf(ref, info, v.roots))
	if err != nil {
		return records.CallError(v.ctx, err)
	}
	defer place.Close()
	if readable {
		err = v.leftOut(place, ref, p)
	}
	if err == nil && loggedModel {
		err = lostArtifacts(place, ref, info, p)
	}
	return err
}

// leftOut reports the artifacts that no listing shows, and those that a file system which folds
// case would merge.
func (v *inspection) leftOut(place *artifacts.Place, ref records.RunRef, p *records.Problems) error {
	n := 0
	place.LeftOut = func(path, reason string) {
		if link, _ := v.tree.IsLink(layout.Join(ref.Dir, layout.Artifacts)); link && path == "." {
			return // told of as a folder of the run
		}
		if n++; n <= records.MaxForeign {
			p.Add(records.LeftOut(ref, path, reason))
		}
	}
	place.Alike = func(path, other string) {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: layout.Join(ref.Dir, layout.Artifacts, path), Reason: mergesWith(other)})
	}
	err := place.Repository(false).TellLeftOut(v.ctx)
	if more := n - records.MaxForeign; more > 0 {
		p.Add(records.LeftOut(ref, "", fmt.Sprintf("%d more artifacts are left out", more)))
	}
	return err
}

// values reads all metrics, params and tags of a run or a model, and reports whether a tag says
// that it has logged a model.
func (v *inspection) values(f vfs.Folder, ref records.RunRef, p *records.Problems) (loggedModel bool, err error) {
	var metrics []string
	err = records.WalkKeys(v.ctx, f, ref.Dir, layout.Metrics, p, func(k records.KeyFile) error {
		metrics = append(metrics, k.Key)
		_, err := v.inspectMetric(v.ctx, k, v.buf, p)
		if err != nil && !vfs.IsMissing(err) {
			return p.Unreadable(v.ctx, mlruns.ProblemUnreadable, k.Path, err)
		}
		return v.ctx.Err()
	})
	if err != nil {
		return false, err
	}
	params, err := records.ReadValues(v.ctx, f, ref.Dir, layout.Params, p)
	if err != nil {
		return false, err
	}
	tags, err := records.ReadValues(v.ctx, f, ref.Dir, layout.Tags, p)
	if err != nil {
		return false, err
	}
	inspectKeys(layout.Join(ref.Dir, layout.Metrics), metrics, p)
	inspectValues(layout.Join(ref.Dir, layout.Params), params, p)
	inspectValues(layout.Join(ref.Dir, layout.Tags), tags, p)
	return tags[mlruns.TagModelHistory] != "", nil
}

// lostArtifacts reports a run that has logged a model of which there can be nothing: the folder of
// its artifacts is not there. Without such a sign there is nothing to
// say: a run without artifacts has no folder at a recorded place either.
func lostArtifacts(place *artifacts.Place, ref records.RunRef, info mlruns.RunInfo, p *records.Problems) error {
	path := layout.Join(ref.Dir, layout.Artifacts)
	if place.Problem != nil {
		p.Add(mlruns.Problem{Kind: place.Problem.Kind, Path: path, Reason: place.Problem.Reason})
	} else if _, err := place.Fs.Stat(place.Folder); vfs.IsShortage(err) {
		return err
	} else if vfs.IsMissing(err) {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemNoArtifacts, Path: path,
			Reason: fmt.Sprintf("the run has logged a model, but there is no folder of its artifacts; the recorded place is %.200s", info.ArtifactURI)})
	}
	return nil
}

// inspectValues reports what is wrong or in doubt with the keys and values of params or tags.
func inspectValues(dir string, values map[string]string, p *records.Problems) {
	inspectKeys(dir, namesOf(values), p)
	for key, value := range values {
		if why := codec.Doubtful(value); why != "" {
			p.Add(mlruns.Problem{Kind: mlruns.ProblemSuspicious, Path: layout.Join(dir, key), Reason: why})
		}
	}
}

// leaveDoubtful keeps a repair from mending files that are perhaps no records, or that git is to
// bring in order first.
func leaveDoubtful(list []mlruns.Problem) {
	left := map[string]bool{}
	for _, p := range list {
		switch p.Kind {
		case mlruns.ProblemSuspicious, mlruns.ProblemGitConflict, mlruns.ProblemGitPointer:
			left[p.Path] = true
		}
	}
	for i := range list {
		if p := &list[i]; damages[p.Kind].ofLines && left[p.Path] || p.Kind == mlruns.ProblemConflict && left[records.Original(p.Path)] {
			p.Repairable = false
		}
	}
}

// mergesWith is why what has almost the name of another is not portable.
func mergesWith(other string) string {
	return fmt.Sprintf("a file system that folds case merges it with %q", other)
}

func namesOf(values map[string]string) []string { return slices.Collect(maps.Keys(values)) }

// inspectKeys reports keys that some platform cannot hold, and keys that a file system which folds
// case would merge: with each other, or the file of one with the folder of another. Names that
// differ in their Unicode form only are not looked for: a combining mark is legal in no key.
func inspectKeys(dir string, keys []string, p *records.Problems) {
	slices.Sort(keys)
	files := make(map[string]string, len(keys))
	for _, key := range keys {
		at := layout.Join(dir, key)
		beside := func(name string) bool {
			_, found := slices.BinarySearch(keys, layout.Join(layout.Parent(key), name))
			return found
		}
		if why := records.Doubt(path.Base(key), beside); why != "" {
			p.Add(mlruns.Problem{Kind: mlruns.ProblemSuspicious, Path: at, Reason: why})
		}
		if why := filename.Portable(key); why != "" {
			p.Add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: at, Reason: why})
		}
		lower := strings.ToLower(key)
		if other, ok := files[lower]; ok {
			p.Add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: at, Reason: mergesWith(other)})
		}
		files[lower] = key
	}
	for _, key := range keys {
		for upper := layout.Parent(key); upper != ""; upper = layout.Parent(upper) {
			if file, ok := files[strings.ToLower(upper)]; ok {
				p.Add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: layout.Join(dir, key),
					Reason: fmt.Sprintf("a file system that folds case cannot hold it beside %q, which is a file", file)})
			}
		}
	}
}
