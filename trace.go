package mlruns

import (
	"encoding/json"
	"time"
)

// Limits of the search for traces, MLflow's.
const (
	// DefaultTraceResults is the page size of SearchTraces when a query names none.
	DefaultTraceResults = 100
)

// TraceState is the state of a trace, by its name in MLflow 3. A filter calls the zero state
// TRACE_STATUS_UNSPECIFIED, as MLflow's filters do.
type TraceState string

// The states of a trace.
const (
	TraceUnspecified TraceState = "" // STATE_UNSPECIFIED
	TraceOK          TraceState = "OK"
	TraceError       TraceState = "ERROR"
	TraceInProgress  TraceState = "IN_PROGRESS"
)

// Valid reports whether s is one of the four states.
func (s TraceState) Valid() bool {
	switch s {
	case TraceUnspecified, TraceOK, TraceError, TraceInProgress:
		return true
	}
	return false
}

// String gives MLflow 3's name, "STATE_UNSPECIFIED" for the zero state.
func (s TraceState) String() string {
	if s == TraceUnspecified {
		return "STATE_UNSPECIFIED"
	}
	return string(s)
}

// Trace is what is known of one request to a GenAI program, as MLflow ≥ 2.13 records it, without
// its spans, for which there is TraceStore.TraceData.
type Trace struct {
	// ID is the folder's name: "tr-" and 32 hexadecimal digits, without "tr-" before MLflow 3.2.
	ID string
	// ClientRequestID is the client's own name of it, "" if it has none.
	ClientRequestID string
	ExperimentID    string
	State           TraceState
	// Start and End are UTC with millisecond precision. End is zero while the trace is under way.
	Start, End time.Time
	// RequestPreview and ResponsePreview are the beginnings of what went in and came out, as JSON
	// as a rule; "" if not told, as before MLflow 3.2.
	RequestPreview, ResponsePreview string
	// Tags can be changed, Metadata not. They are never nil in what a store returns.
	Tags, Metadata map[string]string
	// Assessments are what people and programs said of the trace, each a JSON object of MLflow's.
	Assessments []json.RawMessage
	// ArtifactLocation is the tag mlflow.artifactLocation: what the store recorded. A moved store
	// finds the spans beside the trace.
	ArtifactLocation string
	// Problems names what of this trace could not be read. Damage is per file.
	Problems []Problem
}

// Names of tags and metadata of a trace that have a meaning in MLflow.
const (
	TagTraceName             = "mlflow.traceName"        // a tag: the name of the trace
	TagTraceArtifactLocation = "mlflow.artifactLocation" // a tag: where its artifacts are
	TraceMetadataRun         = "mlflow.sourceRun"        // metadata: the run it was made in
	TraceMetadataModel       = "mlflow.modelId"          // metadata: the logged model it is of
)

// TraceQuery selects and orders traces. The zero TraceQuery is all traces of all active
// experiments, newest first.
type TraceQuery struct {
	// Experiments are ids. An id of no experiment is ErrNotFound, as in MLflow. None named, nil or
	// empty, means all that are active, where MLflow finds nothing.
	Experiments []string
	// Filter is in the language of docs/search.md; "" matches every trace.
	Filter string
	// OrderBy are terms such as "timestamp DESC"; timestamp descending, then the id, always follow.
	OrderBy []string
	// MaxResults bounds a page, 1 to MaxResultsLimit; 0 means DefaultTraceResults for SearchTraces
	// and no bound for Traces.
	MaxResults int
	// PageToken is the NextPageToken of the page before. Traces takes none.
	PageToken string
	// OnProblem is as in RunQuery.
	OnProblem func(Problem)
}

// TracePage is one page of traces.
type TracePage struct {
	// Traces are in the order of the query, each whole, as TraceStore.Trace gives it.
	Traces []*Trace
	// NextPageToken is "" on the last page. It is MLflow's own token and not bound to the query.
	NextPageToken string
	// Scan tells what the query cost, of traces where it speaks of runs.
	Scan Scan
	// Problems names what the query met and could not read, unless the query has an OnProblem.
	Problems []Problem
}

// TraceDeletion says which traces of an experiment DeleteTraces removes: either those that began at
// or before Until, or those of IDs.
type TraceDeletion struct {
	ExperimentID string
	// Until is compared with Trace.Start. Zero: IDs tells which.
	Until time.Time
	// Max bounds how many are removed, the oldest first; 0 means no bound. Only with Until.
	Max int
	// IDs of other experiments and of no trace are left out silently, as in MLflow.
	IDs []string
}
