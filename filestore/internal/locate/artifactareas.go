package locate

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

// ArtifactArea is a folder of the store that experiments have for their artifacts, and that is not
// their own: <area>/<run id>/artifacts.
type ArtifactArea struct {
	Dir         string // "" for the root
	Experiments []records.ExperimentRef
}

// ArtifactAreas are the areas of all experiments, which are looked for when they are asked for
// first, and what is known to be a folder of artifacts by them.
type ArtifactAreas struct {
	locator *Locator
	find    func() ([]ArtifactArea, error)
	once    sync.Once
	areas   []ArtifactArea
	err     error
}

func (l *Locator) ArtifactAreas(ctx context.Context) *ArtifactAreas {
	return &ArtifactAreas{locator: l, find: func() ([]ArtifactArea, error) { return l.findAreas(ctx) }}
}

// All gives the areas.
func (a *ArtifactAreas) All() ([]ArtifactArea, error) {
	a.once.Do(func() { a.areas, a.err = a.find() })
	return a.areas, a.err
}

func (l *Locator) findAreas(ctx context.Context) ([]ArtifactArea, error) {
	var areas []ArtifactArea
	roots := l.RootsOnce(ctx)
	err := l.eachLocation(ctx, func(ref records.ExperimentRef, e mlruns.Experiment) {
		at, ok := l.InStore(e.ArtifactLocation, roots)
		if !ok || at.Rel == e.ID {
			return
		}
		dir := l.nowAt(at.Rel)
		i := slices.IndexFunc(areas, func(a ArtifactArea) bool { return a.Dir == dir })
		if i < 0 {
			i, areas = len(areas), append(areas, ArtifactArea{Dir: dir})
		}
		areas[i].Experiments = append(areas[i].Experiments, ref)
	})
	return areas, err
}

// Explain reports whether a problem is that of a folder of artifacts which was taken for a run or
// an experiment.
func (a *ArtifactAreas) Explain(p mlruns.Problem) bool {
	return (p.Kind == mlruns.ProblemMissingMeta || p.Kind == mlruns.ProblemForeign) && a.hold(p.Path)
}

// hold reports whether a folder that has no meta.yaml is in an area or on the way to one,
// and so was never an experiment or a run.
func (a *ArtifactAreas) hold(dir string) bool {
	areas, _ := a.All() // what is not known to be one of artifacts is told
	for _, area := range areas {
		if _, ok := artifacts.Below(dir, area.Dir); ok && !a.locator.holdsRecords(dir) {
			return true
		}
		rel, ok := artifacts.Below(area.Dir, dir)
		if area.Dir == "" {
			rel, ok = dir, true
		}
		if ok && rel != "" && a.locator.inArea(area, rel) {
			return true
		}
	}
	return false
}

// holdsRecords reports whether a folder is a run or an experiment with runs that has lost its
// meta.yaml.
func (l *Locator) holdsRecords(dir string) bool {
	entries, err := l.Tree.Entries(dir)
	if err != nil {
		return true
	}
	for _, e := range entries {
		if e.Name == layout.Metrics || e.Name == layout.Params {
			return true
		}
		if ok, err := l.Tree.Exists(layout.Join(dir, e.Name, layout.Meta)); ok || err != nil {
			return true
		}
	}
	return false
}

// inArea reports whether a path below an area is that of a run's artifacts, also of a run that is
// gone, or of what MLflow keeps beside them.
func (l *Locator) inArea(area ArtifactArea, rel string) bool {
	name, _, _ := strings.Cut(rel, "/")
	if name == layout.Models || name == layout.Traces {
		return true
	}
	for _, e := range area.Experiments {
		if l.Tree.IsDir(layout.Run(e.Dir, name)) {
			return true
		}
	}
	entries, err := l.Tree.Entries(layout.Join(area.Dir, name))
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Name != layout.Artifacts || !e.Type.IsDir() {
			return false
		}
	}
	return true
}
