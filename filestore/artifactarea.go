package filestore

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

// artifactArea is a folder of the store that experiments have for their artifacts, and that is not
// their own: <area>/<run id>/artifacts.
type artifactArea struct {
	dir         string // "" for the root
	experiments []records.ExperimentRef
}

// artifactAreas are the areas of all experiments, which are looked for when they are asked for
// first, and what is known to be a folder of artifacts by them.
type artifactAreas struct {
	store *Store
	all   func() ([]artifactArea, error)
}

func (s *Store) areas(ctx context.Context) *artifactAreas {
	return &artifactAreas{store: s, all: sync.OnceValues(func() ([]artifactArea, error) { return s.findAreas(ctx) })}
}

func (s *Store) findAreas(ctx context.Context) ([]artifactArea, error) {
	var areas []artifactArea
	roots := s.rootsOnce(ctx)
	err := s.eachLocation(ctx, func(ref records.ExperimentRef, e mlruns.Experiment) {
		at, ok := s.inStore(e.ArtifactLocation, roots)
		if !ok || at.rel == e.ID {
			return
		}
		dir := s.nowAt(at.rel)
		i := slices.IndexFunc(areas, func(a artifactArea) bool { return a.dir == dir })
		if i < 0 {
			i, areas = len(areas), append(areas, artifactArea{dir: dir})
		}
		areas[i].experiments = append(areas[i].experiments, ref)
	})
	return areas, err
}

// explain reports whether a problem is that of a folder of artifacts which was taken for a run or
// an experiment.
func (a *artifactAreas) explain(p mlruns.Problem) bool {
	return (p.Kind == mlruns.ProblemMissingMeta || p.Kind == mlruns.ProblemForeign) && a.hold(p.Path)
}

// hold reports whether a folder that has no meta.yaml is in an area or on the way to one, and so
// was never an experiment or a run.
func (a *artifactAreas) hold(dir string) bool {
	areas, _ := a.all() // what is not known to be one of artifacts is told
	for _, area := range areas {
		if _, ok := artifacts.Below(dir, area.dir); ok && !a.store.holdsRecords(dir) {
			return true
		}
		rel, ok := artifacts.Below(area.dir, dir)
		if area.dir == "" {
			rel, ok = dir, true
		}
		if ok && rel != "" && a.store.inArea(area, rel) {
			return true
		}
	}
	return false
}

// holdsRecords reports whether a folder is a run or an experiment with runs that has lost its
// meta.yaml.
func (s *Store) holdsRecords(dir string) bool {
	entries, err := s.tree.Entries(dir)
	if err != nil {
		return true
	}
	for _, e := range entries {
		if e.Name == layout.Metrics || e.Name == layout.Params {
			return true
		}
		if ok, err := s.tree.Exists(layout.Join(dir, e.Name, layout.Meta)); ok || err != nil {
			return true
		}
	}
	return false
}

// inArea reports whether a path below an area is that of a run's artifacts, also of a run that is
// gone, or of what MLflow keeps beside them.
func (s *Store) inArea(area artifactArea, rel string) bool {
	name, _, _ := strings.Cut(rel, "/")
	if name == layout.Models || name == layout.Traces {
		return true
	}
	for _, e := range area.experiments {
		if s.tree.IsDir(layout.Run(e.Dir, name)) {
			return true
		}
	}
	entries, err := s.tree.Entries(layout.Join(area.dir, name))
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
