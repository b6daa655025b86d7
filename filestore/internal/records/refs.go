package records

import (
	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// ExperimentRef is where an experiment lies.
type ExperimentRef struct {
	ID      string
	Dir     string // relative to the root
	Trashed bool
}

func NewExperimentRef(id string, trashed bool) ExperimentRef {
	return ExperimentRef{ID: id, Dir: layout.Experiment(id, trashed), Trashed: trashed}
}

// Stage is told by the place: MLflow ≤ 2.2 never wrote the Stage of an experiment it deleted.
func (r ExperimentRef) Stage() mlruns.LifecycleStage {
	if r.Trashed {
		return mlruns.StageDeleted
	}
	return mlruns.StageActive
}

// RunRef is where a run lies.
type RunRef struct {
	ID         string
	Experiment ExperimentRef
	Dir        string
}

func NewRunRef(e ExperimentRef, id string) RunRef {
	return RunRef{ID: id, Experiment: e, Dir: layout.Run(e.Dir, id)}
}
