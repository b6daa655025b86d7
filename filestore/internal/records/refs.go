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

// Stage is told by the place: MLflow ≤ 2.2 never wrote the stage of an experiment it deleted.
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
	Linked     bool // a listing says that the folder is a link to one
}

func NewRunRef(e ExperimentRef, id string) RunRef {
	return RunRef{ID: id, Experiment: e, Dir: layout.Run(e.Dir, id)}
}

// ModelRef is where a logged model lies.
type ModelRef struct {
	ID         string
	Experiment ExperimentRef
	Dir        string
}

func NewModelRef(e ExperimentRef, id string) ModelRef {
	return ModelRef{ID: id, Experiment: e, Dir: layout.Model(e.Dir, id)}
}

// Holder is the model as a holder of artifacts, which are found as those of a run are.
func (r ModelRef) Holder() RunRef {
	return RunRef{ID: layout.Join(layout.Models, r.ID), Experiment: r.Experiment, Dir: r.Dir}
}

// TraceRef is where a trace lies.
type TraceRef struct {
	ID         string
	Experiment ExperimentRef
	Dir        string
}

func NewTraceRef(e ExperimentRef, id string) TraceRef {
	return TraceRef{ID: id, Experiment: e, Dir: layout.Trace(e.Dir, id)}
}

// Holder is the trace as a holder of artifacts.
func (r TraceRef) Holder() RunRef {
	return RunRef{ID: layout.Join(layout.Traces, r.ID), Experiment: r.Experiment, Dir: r.Dir}
}
