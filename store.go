package mlruns

import (
	"context"
	"iter"
	"time"
)

// Store keeps experiments and runs. Its methods have MLflow's semantics under Go names; filestore
// has the one for directories.
//
// All methods are safe for concurrent use, in one process and across processes. Each takes a
// context, which bounds waiting for locks and scans. An error that an iterator yields is its last
// element.
//
// Every call can give these errors, beside those that its comment names: ErrInvalid for bad
// arguments; ErrNotFound where the experiment or run named does not exist; ErrCorrupt where what it
// needs cannot be read; ErrClosed. A call that writes also gives ErrNotActive where the experiment
// or run must be active and is deleted, ErrReadOnly, ErrBusy, ErrNotDurable, and, of a store behind
// a server, ErrUnconfirmed. After each of them but the last two the store is as it was, unless the
// comment says otherwise.
//
// Store may grow in minor versions: implementers embed UnimplementedStore.
type Store interface {
	// URI names the place of the store, as MLflow's tracking URI would.
	URI() string
	// Close releases the store. Calls under way may fail; later ones give ErrClosed. Closing twice
	// is harmless.
	Close() error

	// CreateExperiment makes an experiment. ErrExists if the name is taken, by a deleted experiment
	// too.
	CreateExperiment(ctx context.Context, spec ExperimentSpec) (*Experiment, error)
	// Experiment gets an experiment, active or deleted.
	Experiment(ctx context.Context, id string) (*Experiment, error)
	// ExperimentByName gets the experiment with exactly this name, active or deleted. ErrNotFound
	// if there is none, where MLflow gives None.
	ExperimentByName(ctx context.Context, name string) (*Experiment, error)
	// Experiments goes through all experiments of the query, in its order.
	Experiments(ctx context.Context, q ExperimentQuery) iter.Seq2[Experiment, error]
	// SearchExperiments gives one page.
	SearchExperiments(ctx context.Context, q ExperimentQuery) (*ExperimentPage, error)
	// RenameExperiment changes the name of an active experiment. ErrExists if it is taken, by the
	// experiment itself too, as in MLflow.
	RenameExperiment(ctx context.Context, id, name string) error
	// DeleteExperiment moves an active experiment to the trash and marks its active runs deleted.
	// Calling again resumes an interrupted one.
	DeleteExperiment(ctx context.Context, id string) error
	// RestoreExperiment undoes DeleteExperiment; all its deleted runs become active, as in MLflow ≥
	// 2.3. Calling again resumes an interrupted one.
	RestoreExperiment(ctx context.Context, id string) error
	// SetExperimentTag sets a tag of an active experiment.
	SetExperimentTag(ctx context.Context, id, key, value string) error
	// DeleteExperimentTag removes a tag of an active experiment. ErrNotFound if it has none of this
	// name.
	DeleteExperimentTag(ctx context.Context, id, key string) error

	// CreateRun makes a run with status RUNNING in an active experiment. It appears whole, tags
	// included, or not at all.
	CreateRun(ctx context.Context, spec RunSpec) (*Run, error)
	// Run gets a run, active or deleted, with the latest point of each metric.
	Run(ctx context.Context, runID string) (*Run, error)
	// RunInfos goes through the runs of an experiment, active or deleted, in the order of their
	// folders' names, reading nothing but their meta.yaml. An unknown experiment has none.
	RunInfos(ctx context.Context, experimentID string, view View) iter.Seq2[RunInfo, error]
	// UpdateRun changes status, name or end time of an active run. Any status may follow any, as in
	// MLflow.
	UpdateRun(ctx context.Context, runID string, u RunUpdate) error
	// EndRun ends an active run: status FINISHED when zero, end time now when zero.
	EndRun(ctx context.Context, runID string, status Status, end time.Time) error
	// DeleteRun marks a run deleted, which RestoreRun undoes. It may be called again.
	DeleteRun(ctx context.Context, runID string) error
	// RestoreRun undoes DeleteRun. It may be called again.
	RestoreRun(ctx context.Context, runID string) error

	// LogMetric appends a point to a metric of an active run.
	LogMetric(ctx context.Context, runID string, m Metric) error
	// LogParam records a param of an active run. The same value again is no error, another one is
	// ErrInvalid.
	LogParam(ctx context.Context, runID, key, value string) error
	// SetTag sets a tag of an active run. Setting mlflow.runName to a text that is not empty also
	// renames the run.
	SetTag(ctx context.Context, runID, key, value string) error
	// DeleteTag removes a tag of an active run. ErrNotFound if it has none of this name.
	DeleteTag(ctx context.Context, runID, key string) error
	// LogBatch logs many values at once, see Batch.
	LogBatch(ctx context.Context, runID string, b Batch) error
	// LogInputs records data sets and models that an active run used. What is recorded already
	// stays as it was.
	LogInputs(ctx context.Context, runID string, in Inputs) error
	// LogOutputs records models that an active run made.
	LogOutputs(ctx context.Context, runID string, out Outputs) error
	// RecordLoggedModel appends to the list of models in the tag mlflow.log-model.history of an
	// active run, in one step across processes.
	RecordLoggedModel(ctx context.Context, runID string, m ModelRecord) error
	// MetricHistory goes through the points of a metric in the order they were logged, in bounded
	// memory. A metric never logged has none.
	MetricHistory(ctx context.Context, runID, key string, q HistoryQuery) iter.Seq2[Metric, error]

	// SearchRuns gives one page of runs.
	SearchRuns(ctx context.Context, q RunQuery) (*RunPage, error)
	// Runs goes through all runs of the query in one scan: no offsets, no run twice.
	Runs(ctx context.Context, q RunQuery) iter.Seq2[*Run, error]
}
