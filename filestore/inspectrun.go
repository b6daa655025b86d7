package filestore

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
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/filename"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

func (v *inspection) run(ref runRef) error {
	if err := v.ctx.Err(); err != nil {
		return err
	}
	e, err := v.now(ref.experiment)
	if err != nil {
		return err
	}
	ref = newRunRef(e, ref.id)
	v.next(ref.dir)
	p := &problems{explained: v.areas.explain}
	v.inspectID(ref.dir, p)
	if err := v.inspectRun(ref, p); err != nil {
		return err
	}
	if err := v.beside(ref.dir, p); err != nil {
		return err
	}
	return v.tell(found{experiment: ref.experiment, run: ref}, p)
}

// inspectRun reads a run whole. One whose meta.yaml cannot be read has values too; a folder without
// one is no run.
func (v *inspection) inspectRun(ref runRef, p *problems) error {
	f, err := v.tree.Folder(ref.dir)
	if vfs.IsMissing(err) { // removed since the listing
		return v.ctx.Err()
	}
	if err != nil {
		return p.unreadable(v.ctx, mlruns.ProblemUnreadable, ref.dir, err)
	}
	defer f.Close()
	info, err := v.records.reportedRun(v.ctx, f, layout.Meta, ref, p)
	if err != nil && (ended(v.ctx, err) || vfs.IsMissing(err)) {
		return ending(v.ctx, err)
	}
	if err == nil {
		if err := v.incomplete(f, ref.dir, runAlways[:], p); err != nil {
			return err
		}
		if first, ok := v.runs[ref.id]; ok && first != ref.dir {
			p.add(sameID(ref.dir, first))
		}
		v.runs[ref.id] = cmp.Or(v.runs[ref.id], ref.dir)
		if err := v.leftOut(ref, info, p); err != nil {
			return err
		}
	}
	if err := v.folders(ref, p); err != nil {
		return err
	}
	if err := v.values(f, ref, info, p); err != nil {
		return err
	}
	if _, err := v.records.readInputs(v.ctx, f, ref, p); err != nil {
		return err
	}
	_, err = readOutputs(v.ctx, f, ref, p)
	return err
}

// folders reports the folders without which MLflow ≥ 3.8 does not find a run; git and some sync
// tools drop them when they are empty.
func (v *inspection) folders(ref runRef, p *problems) error {
	for _, name := range [...]string{layout.Metrics, layout.Params, layout.Artifacts} {
		path := layout.Join(ref.dir, name)
		_, err := v.tree.Stat(path)
		if rootfs.IsShortage(err) {
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
			p.add(problemOf(mlruns.ProblemUnreadable, path, err))
		} else if !is {
			p.add(mlruns.Problem{Kind: mlruns.ProblemMissingFolder, Path: path, Repairable: true, Reason: "the folder is missing, and MLflow ≥ 3.8 does not find the run without it"})
		}
	}
	return nil
}

// leftOut reports the artifacts that no listing shows, and those that a file system which folds
// case would merge, where the run's artifacts may be looked at.
func (v *inspection) leftOut(ref runRef, info mlruns.RunInfo, p *problems) error {
	place, err := artifacts.Locate(v.artifactsOf(ref, info, v.roots))
	if err != nil {
		return ending(v.ctx, err)
	}
	defer place.Close()
	n := 0
	place.LeftOut = func(path, reason string) {
		if link, _ := v.tree.IsLink(layout.Join(ref.dir, layout.Artifacts)); link && path == "." {
			return // told of as a folder of the run
		}
		if n++; n <= maxForeign {
			p.add(leftOut(ref, path, reason))
		}
	}
	place.Alike = func(path, other string) {
		p.add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: layout.Join(ref.dir, layout.Artifacts, path), Reason: mergesWith(other)})
	}
	err = place.Repository(false).TellLeftOut(v.ctx)
	if more := n - maxForeign; more > 0 {
		p.add(leftOut(ref, "", fmt.Sprintf("%d more artifacts are left out", more)))
	}
	return err
}

// values reads all metrics, params and tags of a run.
func (v *inspection) values(f rootfs.Folder, ref runRef, info mlruns.RunInfo, p *problems) error {
	var metrics []string
	err := walkKeys(v.ctx, f, ref.dir, layout.Metrics, p, func(k keyFile) error {
		metrics = append(metrics, k.key)
		_, err := examineMetric(v.ctx, k, v.buf, p)
		if err != nil && !vfs.IsMissing(err) {
			return p.unreadable(v.ctx, mlruns.ProblemUnreadable, k.path, err)
		}
		return v.ctx.Err()
	})
	if err != nil {
		return err
	}
	params, err := readValues(v.ctx, f, ref.dir, layout.Params, p)
	if err != nil {
		return err
	}
	tags, err := readValues(v.ctx, f, ref.dir, layout.Tags, p)
	if err != nil {
		return err
	}
	inspectKeys(layout.Join(ref.dir, layout.Metrics), metrics, p)
	inspectValues(layout.Join(ref.dir, layout.Params), params, p)
	inspectValues(layout.Join(ref.dir, layout.Tags), tags, p)
	if tags[mlruns.TagModelHistory] != "" {
		return v.lostArtifacts(ref, info, p)
	}
	return nil
}

// lostArtifacts reports a run that has logged a model of which there can be nothing: the folder of
// its artifacts is not there, where that may be looked at. Without such a sign there is nothing to
// say: a run without artifacts has no folder at a recorded place either.
func (v *inspection) lostArtifacts(ref runRef, info mlruns.RunInfo, p *problems) error {
	place, err := artifacts.Locate(v.artifactsOf(ref, info, v.roots))
	if err != nil {
		return ending(v.ctx, err)
	}
	defer place.Close()
	path := layout.Join(ref.dir, layout.Artifacts)
	if place.Problem != nil {
		p.add(mlruns.Problem{Kind: place.Problem.Kind, Path: path, Reason: place.Problem.Reason})
	} else if _, err := place.Fs.Stat(place.Folder); rootfs.IsShortage(err) {
		return err
	} else if vfs.IsMissing(err) {
		p.add(mlruns.Problem{Kind: mlruns.ProblemNoArtifacts, Path: path,
			Reason: fmt.Sprintf("the run has logged a model, but there is no folder of its artifacts; the recorded place is %.200s", info.ArtifactURI)})
	}
	return nil
}

// inspectValues reports what is wrong or in doubt with the keys and values of params or tags.
func inspectValues(dir string, values map[string]string, p *problems) {
	inspectKeys(dir, namesOf(values), p)
	for key, value := range values {
		if why := codec.Doubtful(value); why != "" {
			p.add(mlruns.Problem{Kind: mlruns.ProblemSuspicious, Path: layout.Join(dir, key), Reason: why})
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
		if p := &list[i]; isMetricProblem(p.Kind) && left[p.Path] || p.Kind == mlruns.ProblemConflict && left[original(p.Path)] {
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
func inspectKeys(dir string, keys []string, p *problems) {
	slices.Sort(keys)
	files := make(map[string]string, len(keys))
	for _, key := range keys {
		at := layout.Join(dir, key)
		beside := func(name string) bool {
			_, found := slices.BinarySearch(keys, layout.Join(layout.Parent(key), name))
			return found
		}
		if why := doubt(path.Base(key), beside); why != "" {
			p.add(mlruns.Problem{Kind: mlruns.ProblemSuspicious, Path: at, Reason: why})
		}
		if why := filename.Portable(key); why != "" {
			p.add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: at, Reason: why})
		}
		lower := strings.ToLower(key)
		if other, ok := files[lower]; ok {
			p.add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: at, Reason: mergesWith(other)})
		}
		files[lower] = key
	}
	for _, key := range keys {
		for upper := layout.Parent(key); upper != ""; upper = layout.Parent(upper) {
			if file, ok := files[strings.ToLower(upper)]; ok {
				p.add(mlruns.Problem{Kind: mlruns.ProblemNotPortable, Path: layout.Join(dir, key),
					Reason: fmt.Sprintf("a file system that folds case cannot hold it beside %q, which is a file", file)})
			}
		}
	}
}
