package mlruns

import (
	"fmt"
	"time"

	"github.com/mlruns/mlruns/internal/failure"
)

// Status is the state of a run. The zero Status is none of the five: FINISHED for EndRun
// and "unchanged" in a RunUpdate.
type Status int8

// The statuses of a run, with MLflow's numbers, which stand in meta.yaml.
const (
	StatusRunning Status = iota + 1
	StatusScheduled
	StatusFinished
	StatusFailed
	StatusKilled
)

var statusNames = [...]string{StatusRunning: "RUNNING", StatusScheduled: "SCHEDULED", StatusFinished: "FINISHED", StatusFailed: "FAILED", StatusKilled: "KILLED"}

// String gives MLflow's name, "RUNNING" for instance.
func (s Status) String() string {
	if s.Valid() {
		return statusNames[s]
	}
	return fmt.Sprintf("Status(%d)", int8(s))
}

// Valid reports whether s is one of the five statuses.
func (s Status) Valid() bool { return s >= StatusRunning && s <= StatusKilled }

// Ended reports whether a run with this status is over.
func (s Status) Ended() bool { return s >= StatusFinished && s <= StatusKilled }

// ParseStatus is the inverse of String. It accepts the exact names only, as MLflow does.
func ParseStatus(name string) (Status, error) {
	for s := StatusRunning; s <= StatusKilled; s++ {
		if statusNames[s] == name {
			return s, nil
		}
	}
	return 0, &failure.Reason{Kind: ErrInvalid, Code: failure.CodeInternal, Text: "Could not get run status corresponding to string " + name +
		". Valid run status strings: ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']"}
}

// Run is a run with everything known of it.
type Run struct {
	Info    RunInfo
	Data    RunData
	Inputs  Inputs
	Outputs Outputs
	// Problems names what of this run could not be read. Damage is per file: the rest of the run is
	// here.
	Problems []Problem
}

// RunInfo is what a run's meta.yaml says.
type RunInfo struct {
	// ID is the folder's name: 32 hexadecimal digits unless the caller chose it.
	ID string
	// Name is read from the tag mlflow.runName where MLflow ≤ 1.29 kept it, but not by RunInfos.
	Name         string
	ExperimentID string
	User         string
	Status       Status
	// Start, End and Deleted are UTC with millisecond precision. End is zero while the run is
	// going, Deleted unless it is deleted.
	Start, End, Deleted time.Time
	// ArtifactURI is what the store recorded; the artifacts may lie elsewhere, see layout.md on
	// moved stores.
	ArtifactURI string
	Stage       LifecycleStage
}

// RunData is what was logged to a run. The maps are never nil in what a store returns.
type RunData struct {
	// Metrics holds the latest point of each key, see Metric.After. MetricHistory gives all.
	Metrics map[string]Metric
	Params  map[string]string
	Tags    map[string]string
}

// RunSpec says what run to make. The zero RunSpec is a run with a generated name in the default
// experiment.
type RunSpec struct {
	// ID is chosen by the store when empty: 32 random hexadecimal digits. A caller's own must be
	// unused in the whole store.
	ID string
	// ExperimentID is DefaultExperimentID when empty.
	ExperimentID string
	// Name is generated when it and the tag mlflow.runName are empty, as MLflow ≥ 1.29 does.
	Name string
	// User is the tag mlflow.user when empty, else "unknown".
	User string
	// Start is now when zero.
	Start time.Time
	// Tags are the run's first tags.
	Tags map[string]string
}

// RunUpdate says what to change of a run: zero fields stay as they are.
type RunUpdate struct {
	Status Status
	Name   string
	End    time.Time
}

// Names of tags that have a meaning in MLflow: its client and its web page read them. CreateRun
// sets TagRunName, StartChild TagParentRunID and RecordLoggedModel TagModelHistory. The others are
// the caller's to set.
const (
	TagRunName        = "mlflow.runName"            // the name of the run
	TagUser           = "mlflow.user"               // who started it
	TagParentRunID    = "mlflow.parentRunId"        // the id of the run it belongs below
	TagNote           = "mlflow.note.content"       // a description, in Markdown
	TagSourceName     = "mlflow.source.name"        // the program or notebook that made it
	TagSourceType     = "mlflow.source.type"        // NOTEBOOK, JOB, PROJECT or LOCAL
	TagGitCommit      = "mlflow.source.git.commit"  // the hash of the program's commit
	TagGitBranch      = "mlflow.source.git.branch"  // the branch of that commit
	TagGitRepoURL     = "mlflow.source.git.repoURL" // where the program was cloned from
	TagProjectEntry   = "mlflow.project.entryPoint" // which entry point of an MLflow project ran
	TagModelHistory   = "mlflow.log-model.history"  // the models logged, a JSON array
	TagDatasetContext = "mlflow.data.context"       // of a DatasetInput: "training", for instance
)
