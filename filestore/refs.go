package filestore

import (
	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// experimentRef is where an experiment lies.
type experimentRef struct {
	id      string
	dir     string // relative to the root
	trashed bool
}

func newExperimentRef(id string, trashed bool) experimentRef {
	return experimentRef{id: id, dir: layout.Experiment(id, trashed), trashed: trashed}
}

// stage is told by the place: MLflow ≤ 2.2 never wrote the stage of an experiment it deleted.
func (r experimentRef) stage() mlruns.LifecycleStage {
	if r.trashed {
		return mlruns.StageDeleted
	}
	return mlruns.StageActive
}

// runRef is where a run lies.
type runRef struct {
	id         string
	experiment experimentRef
	dir        string
}

func newRunRef(e experimentRef, id string) runRef {
	return runRef{id: id, experiment: e, dir: layout.Run(e.dir, id)}
}
