package mlruns

import "time"

// DefaultExperimentID is the experiment that every store has from the start; its first name is
// "Default".
const DefaultExperimentID = "0"

// LifecycleStage says whether an experiment or run is in use or deleted. Deleted ones can be
// restored.
type LifecycleStage string

// The two stages, as they stand in meta.yaml.
const (
	StageActive  LifecycleStage = "active"
	StageDeleted LifecycleStage = "deleted"
)

// View selects by lifecycle stage. The zero View is ViewActive, MLflow's ACTIVE_ONLY.
type View uint8

// The views of MLflow: ACTIVE_ONLY, DELETED_ONLY, ALL.
const (
	ViewActive View = iota
	ViewDeleted
	ViewAll
)

// Shows reports whether the view includes things of the stage.
func (v View) Shows(s LifecycleStage) bool {
	switch v {
	case ViewActive:
		return s == StageActive
	case ViewDeleted:
		return s == StageDeleted
	default:
		return v == ViewAll
	}
}

// Experiment is a named set of runs.
type Experiment struct {
	// ID is the folder's name: decimal digits where MLflow or this module chose it.
	ID string
	// Name is unique among the experiments of a store, deleted ones too.
	Name string
	// ArtifactLocation is the URI or path below which new runs get their artifact URIs.
	ArtifactLocation string
	// Stage is told by where the experiment lies, in the store or in its trash. MLflow ≥ 2.3
	// believes meta.yaml instead.
	Stage LifecycleStage
	// Tags is never nil in what a store returns.
	Tags map[string]string
	// Created and Updated are UTC with millisecond precision; zero where the store does not say
	// (MLflow < 1.29).
	Created, Updated time.Time
}

// ExperimentSpec says what experiment to make. It must have a Name.
type ExperimentSpec struct {
	// ID is chosen by the store when empty: 18 random decimal digits, as MLflow ≥ 2.0 does.
	ID string
	// Name is not taken by another experiment, active or deleted.
	Name string
	// ArtifactLocation is <artifact root>/<id> when empty. Local relative paths are made absolute.
	ArtifactLocation string
	Tags             map[string]string
}
