package search

// Record is what a filter or an order reads of one run, experiment, logged model or trace.
//
// A store implements it lazily: evaluation calls a method only when it needs
// the value, and Needs names beforehand all that it can ask for. Strings that
// are returned must not change later.
type Record interface {
	// Text returns the value of an attribute that is text, false if the record
	// has none.
	Text(a Attribute) (string, bool)
	// Time returns the value of an attribute that is a time, in milliseconds
	// since 1970 UTC, false if the record has none.
	Time(a Attribute) (int64, bool)
	// Metric returns the summary of a metric's history, false if the record has
	// no such metric. Only Latest must be right unless Needs asks for the history.
	Metric(key string) (Summary, bool)
	// Param returns the value of a param, of a trace's metadata.
	Param(key string) (string, bool)
	// Tag returns the value of a tag.
	Tag(key string) (string, bool)
	// Datasets returns the dataset inputs, of a model the data sets of its points, in any order.
	Datasets() []Dataset
}

// ModelRecord is the Record of a logged model, whose metrics are of several data sets. Metric gives
// the one that a filter asks, see Measured.First.
type ModelRecord interface {
	Record
	// MetricOn returns the summary that an order compares, see Measured.Newest.
	MetricOn(key string, on Dataset) (Summary, bool)
}

// Dataset is one dataset input of a run.
type Dataset struct {
	Name, Digest string
	// Context is the value of the input's tag mlflow.data.context, if HasContext.
	Context    string
	HasContext bool
}

// Attribute names a field of the record itself, not one of its metrics, params
// or tags. The comment says which targets have it and its type.
type Attribute string

const (
	RunID   Attribute = "run_id"   // runs, text
	RunName Attribute = "run_name" // runs, text
	UserID  Attribute = "user_id"  // runs, text
	// runs, text: RUNNING, SCHEDULED, FINISHED, FAILED, KILLED; models, text: UNSPECIFIED, PENDING,
	// READY, FAILED; traces, text: OK, ERROR, IN_PROGRESS, TRACE_STATUS_UNSPECIFIED
	Status         Attribute = "status"
	ArtifactURI    Attribute = "artifact_uri"     // runs, text
	StartTime      Attribute = "start_time"       // runs, time
	EndTime        Attribute = "end_time"         // runs, time; missing while running
	ExperimentID   Attribute = "experiment_id"    // runs and experiments, text
	ExperimentName Attribute = "experiment.name"  // runs and experiments, text
	CreationTime   Attribute = "creation_time"    // experiments, time; missing before MLflow 1.30
	LastUpdateTime Attribute = "last_update_time" // experiments, time; missing before MLflow 1.30

	ModelID     Attribute = "model_id"      // models, text
	ModelName   Attribute = "name"          // models, text
	ModelType   Attribute = "model_type"    // models, text
	SourceRunID Attribute = "source_run_id" // models, text
	// models, time
	CreationTimestamp    Attribute = "creation_timestamp"
	LastUpdatedTimestamp Attribute = "last_updated_timestamp" // models, time

	RequestID       Attribute = "request_id"        // traces, text
	ClientRequestID Attribute = "client_request_id" // traces, text
	TimestampMs     Attribute = "timestamp_ms"      // traces, time
	// traces, milliseconds that Time gives; missing while under way
	ExecutionTimeMs Attribute = "execution_time_ms"
	EndTimeMs       Attribute = "end_time_ms" // traces, time; missing while under way
)

// duration is end_time less start_time. It is computed here, never asked of a Record.
const duration Attribute = "duration"
