package mlruns

import (
	"context"
	"encoding/json"
	"io"
	"time"
)

// TraceRecorder is the part of a store that records traces whole: their spans, their end, and what
// people and programs say of them. Client finds it by type assertion; without it the calls give
// ErrUnsupported. Errors are those of Store; a trace or an assessment that does not exist is
// ErrNotFound.
//
// An assessment is a JSON object with the fields of MLflow's message: assessment_name; one of
// feedback, expectation and issue; source, rationale, metadata, span_id, overrides. The store gives
// it trace_id, create_time, last_update_time and valid, and assessment_id unless a new one has it.
// Other fields are ignored.
type TraceRecorder interface {
	// WriteTraceArtifact is ArtifactStore.WriteArtifact for a trace. Its spans are the artifact
	// traces.json, a JSON object with the key "spans".
	WriteTraceArtifact(ctx context.Context, traceID, artifactPath string, r io.Reader) error
	// TraceArtifacts is ArtifactStore.Artifacts for a trace.
	TraceArtifacts(ctx context.Context, traceID, artifactPath string) ([]FileInfo, error)
	// OpenTraceArtifact is ArtifactStore.OpenArtifact for a trace.
	OpenTraceArtifact(ctx context.Context, traceID, artifactPath string) (io.ReadCloser, error)
	// EndTrace changes a trace that was started before its end was known, as MLflow before 3.2
	// does, and gives it as it then is. It may be called again.
	EndTrace(ctx context.Context, traceID string, end TraceEnd) (*Trace, error)
	// Assessment gets an assessment of a trace.
	Assessment(ctx context.Context, traceID, assessmentID string) (json.RawMessage, error)
	// CreateAssessment adds an assessment to a trace and gives it as it then is. That which it
	// overrides is not valid any more. ErrExists if the trace has one with its id.
	CreateAssessment(ctx context.Context, traceID string, assessment json.RawMessage) (json.RawMessage, error)
	// UpdateAssessment puts the fields of change, which are assessment_name, feedback, expectation,
	// rationale and metadata, in the place of what an assessment has, and gives it as it then is.
	// Metadata of other names stays.
	UpdateAssessment(ctx context.Context, traceID, assessmentID string, change json.RawMessage) (json.RawMessage, error)
	// DeleteAssessment removes an assessment; none of this id is no error. That which it overrode
	// is valid again.
	DeleteAssessment(ctx context.Context, traceID, assessmentID string) error
}

// TraceEnd is what is known of a trace once it has ended.
type TraceEnd struct {
	State TraceState
	// End is now when zero.
	End time.Time
	// Metadata and Tags are added to those of the trace, and replace those of the same names.
	Metadata, Tags map[string]string
}
