package mlruns

import (
	"context"
	"iter"
)

// Importer is the part of a store that takes what another store holds as it is there, with its ids,
// times and stages. Package transfer finds it by type assertion; a store without it, such as a
// server, draws ids of its own.
//
// What is imported may be deleted, and may be added to then. Its values have no limits of length
// or count, so that all that is read of one store can be written to another; names that the store
// cannot hold are ErrInvalid. Errors are those of Store; ErrNotDurable as there.
type Importer interface {
	// ImportExperiment makes an experiment that looks like e: its id, name, tags, times and stage;
	// a deleted one comes to be in the trash. Its ArtifactLocation is below the store when empty.
	// ErrExists if the id or the name is taken. An id is drawn and returned where e has none.
	ImportExperiment(ctx context.Context, e Experiment) (id string, err error)
	// ImportRun makes a run that looks like r, in the experiment r.Info.ExperimentID, active or
	// deleted: its id, times, status, stage, params, tags, inputs and outputs, and as its histories
	// points, in which those of one key follow each other. r.Data.Metrics is not looked at. Its
	// ArtifactURI is below the experiment's location when empty. The run appears whole, its
	// histories included, or not at all. points may be gone through more than once. ErrExists if
	// the id is taken.
	ImportRun(ctx context.Context, r Run, points iter.Seq2[Metric, error]) error
	// AddToRun adds to the run r.Info.ID, whatever its stage, the params and tags of r, its inputs
	// and outputs, and points, in their order. A tag that is there is replaced; a param that has
	// another value is ErrInvalid; an input or output that is there stays as it is. Of r.Info the
	// fields Name, Status and End are set where they are not zero, and Stage with Deleted where
	// Stage is not empty. Each value appears whole; a failure leaves what was written before it,
	// and what changes r.Info comes last.
	AddToRun(ctx context.Context, r Run, points []Metric) error
	// SortHistory orders the points of a metric of the run that come after the first from, by their
	// times, then by steps, values and data sets, and leaves those before as they are. The history
	// is changed as a whole or not at all, and no point is lost or added. It may be left as it is
	// where that cannot be promised. It reports whether anything was written.
	SortHistory(ctx context.Context, runID, key string, from int) (changed bool, err error)
	// ImportLoggedModel makes a logged model that looks like m, in the experiment m.ExperimentID,
	// active or deleted: its id, times, status, stage, params and tags, and as its metrics points,
	// in which those of one key follow each other and each tells its RunID. m.Metrics is not looked
	// at. Its ArtifactLocation is below the experiment's when empty. The model appears whole or not
	// at all. points may be gone through more than once. ErrExists if the id is taken.
	ImportLoggedModel(ctx context.Context, m LoggedModel, points iter.Seq2[Metric, error]) error
	// SortModelHistory is SortHistory for a metric of a logged model; points that are alike are in
	// the order of their RunIDs.
	SortModelHistory(ctx context.Context, modelID, key string, from int) (changed bool, err error)
	// AddToLoggedModel adds to the model m.ID of an active experiment, whatever its stage, the
	// params and tags of m, which replace those that are there, and points, in their order. Of the
	// rest of m the fields Status with Updated, and Stage, are set where they are not zero. Each
	// value appears whole.
	AddToLoggedModel(ctx context.Context, m LoggedModel, points []Metric) error
}

// ManyImporter is the part of an Importer to which many imports at once cost less than a few at a
// time, for one sync of the file system makes all of them durable. Package transfer finds it by
// type assertion.
type ManyImporter interface {
	// ImportsAtOnce is how many calls of ImportRun at once cost least; 0 where it makes no
	// difference. It is asked when CopyLocker.LockCopies has been called.
	ImportsAtOnce() int
}

// CopyLocker is the part of a store that lets one copy at a time into it: two would find the same
// points missing, and both would add them. Package transfer finds it by type assertion.
type CopyLocker interface {
	// LockCopies waits until no other copy into the store is under way, in this process or another
	// one, and keeps others out until unlock is called. It keeps nobody else from writing. ErrBusy
	// if that takes longer than the context, or the store, has patience.
	LockCopies(ctx context.Context) (unlock func() error, err error)
}

// ModelHistories is the part of a store that tells all points of logged models, of which a
// LoggedModel has the latest. Package transfer finds it by type assertion.
type ModelHistories interface {
	// ModelPoints goes through the points of an active or deleted model, key by key, for each key
	// in the order they were logged, each with its RunID.
	ModelPoints(ctx context.Context, modelID string) iter.Seq2[Metric, error]
}

// TraceImporter is the part of a store that takes traces of another store as they are there.
// Package transfer finds it by type assertion. Errors are those of Store.
type TraceImporter interface {
	// ImportTrace makes a trace that looks like t, in the experiment t.ExperimentID: its id, times,
	// state, previews, metadata, tags and assessments, each with its id and times. Its
	// ArtifactLocation is not looked at. A folder takes it into a deleted experiment too; a server
	// of MLflow before 3.2 draws the id, which is returned, takes no assessments, and has t.ID as
	// the tag TagSourceTrace. The trace appears whole or not at all, on such a server but for its
	// end. ErrExists if the id is taken.
	ImportTrace(ctx context.Context, t Trace) (id string, err error)
	// AddToTrace adds to the trace t.ID the metadata, tags and assessments of t, which replace
	// those of the same names and ids; a server of MLflow replaces no assessment. State with End
	// are set where State is not empty. Each value appears whole; a failure leaves what was written
	// before it.
	AddToTrace(ctx context.Context, t Trace) error
}

// TagSourceTrace is the tag that a trace has whose id could not be kept: the one it had before.
const TagSourceTrace = "mlruns.sourceTraceId"
