package locate

import (
	"cmp"
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Root is the store's directory as recorded paths are written.
func (l *Locator) Root() string { return path.Clean(filepath.ToSlash(l.Dir)) }

// RecordedRoots are the other places that this store was recorded in, the longest first: an
// Experiment without a location of its own is at <root>/<Experiment id>. Of two roots of which one
// lies in the other only the inner one counts: the outer was a location of somebody's choice.
func (l *Locator) RecordedRoots(ctx context.Context) []string {
	roots := []string{l.Root()}
	_ = l.eachLocation(ctx, func(_ records.ExperimentRef, e mlruns.Experiment) {
		if recorded, ok := artifacts.RecordedPath(e.ArtifactLocation); ok && strings.HasSuffix("/"+recorded, "/"+e.ID) {
			roots = append(roots, RootAbove(recorded, e.ID))
		}
	})
	return innermost(roots)[1:]
}

// eachLocation calls do for the experiments that can be read. Of the others it is told where
// Experiments are listed. The error is one that left readable ones out.
func (l *Locator) eachLocation(ctx context.Context, do func(records.ExperimentRef, mlruns.Experiment)) error {
	refs, err := l.ExperimentRefs(mlruns.ViewAll, nil)
	if err != nil {
		return err
	}
	var short error
	for _, ref := range refs {
		// most folders of artifacts
		if ok, err := l.Tree.Exists(layout.Join(ref.Dir, layout.Meta)); !ok || err != nil {
			short = cmp.Or(short, vfs.Shortage(err))
			continue
		}
		e, _, err := l.Records.ExperimentDocument(ctx, ref)
		if err == nil {
			do(ref, e)
		}
		short = cmp.Or(short, records.CallError(ctx, err))
	}
	return short
}

// RootAbove is what stands before tail in a recorded path that ends in it.
func RootAbove(recorded, tail string) string {
	root := strings.TrimSuffix(recorded, tail)
	return cmp.Or(strings.TrimSuffix(root, "/"), path.Clean(root))
}

// innermost takes out what has another root below it, and what is there twice. The first stays the
// first.
func innermost(roots []string) []string {
	var kept []string
	for i, root := range roots {
		outer := func(other string) bool {
			_, below := artifacts.Below(root, other)
			return below && other != root
		}
		if i == 0 || !slices.Contains(kept, root) && !slices.ContainsFunc(roots, outer) {
			kept = append(kept, root)
		}
	}
	slices.SortStableFunc(kept[1:], func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return kept
}

// StoreLocation is a location that was recorded below the store's directory.
type StoreLocation struct {
	Recorded string // its path, cleaned
	Root     string // the directory of the store that it was recorded below
	Rel      string // from there, and from the root now
}

// InStore tells whether a location was recorded below the store's directory, as that is now or as
// roots say. What the caller has named another directory for is not.
func (l *Locator) InStore(location string, roots func() []string) (StoreLocation, bool) {
	recorded, ok := artifacts.RecordedPath(location)
	if !ok {
		return StoreLocation{}, false
	}
	if own := l.ownArtifactRoot(); own != "" {
		if _, below := artifacts.Below(filepath.ToSlash(own), recorded); below {
			return StoreLocation{}, false
		}
	}
	if _, _, mapped := artifacts.Mapped(l.Mappings, location); mapped {
		return StoreLocation{}, false
	}
	if rel, ok := artifacts.Below(l.Root(), recorded); ok {
		return StoreLocation{recorded, l.Root(), rel}, true
	}
	for _, root := range roots() {
		if rel, ok := artifacts.Below(root, recorded); ok {
			return StoreLocation{recorded, root, rel}, true
		}
	}
	return StoreLocation{}, false
}

// nowAt is where a path is that was recorded below the store's directory: what lay in the folder of
// an experiment went to the trash with it.
func (l *Locator) nowAt(rel string) string {
	first, _, _ := strings.Cut(rel, "/")
	if first == "" || l.Tree.IsDir(first) || !l.Tree.IsDir(layout.Experiment(first, true)) {
		return rel
	}
	return layout.Join(layout.Trash, rel)
}

// mayHoldArtifacts reports whether a folder of the store may be that of a run's artifacts: it ends
// in /<run id>/artifacts, as every location does that MLflow records, and lies neither among
// records nor in another run's folder, nor behind a link, which may lead there.
func (l *Locator) mayHoldArtifacts(dir string, ref records.RunRef) bool {
	if !strings.HasSuffix("/"+dir, "/"+layout.Join(ref.ID, layout.Artifacts)) {
		return false
	}
	place := layout.Parse(layout.Join(dir, layout.Meta))
	switch place.Kind {
	case layout.Other, layout.Artifact, layout.Carried:
	case layout.RunMeta, layout.ExperimentMeta: // of a run or an experiment whose name is reserved
	default:
		return false
	}
	if place.Run != "" && place.Run != layout.Artifacts {
		run := layout.Run(layout.Experiment(place.Experiment, place.Trashed), place.Run)
		if ok, err := l.Tree.Exists(layout.Join(run, layout.Meta)); run != ref.Dir && (ok || err != nil) {
			return false
		}
	}
	for ; dir != ""; dir = layout.Parent(dir) {
		if l.Tree.RefuseLink(dir) != nil {
			return false
		}
	}
	return true
}

// ArtifactFolder gives the folder of the store in which a run's artifacts are that are not in the
// run's own, if they are in the store.
func (l *Locator) ArtifactFolder(ref records.RunRef, location string, roots func() []string) (string, bool) {
	at, ok := l.InStore(location, roots)
	if !ok || at.Rel == layout.Join(ref.Experiment.ID, ref.ID, layout.Artifacts) {
		return "", false
	}
	dir := l.nowAt(at.Rel)
	return dir, l.mayHoldArtifacts(dir, ref)
}
