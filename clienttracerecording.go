package mlruns

import (
	"context"
	"encoding/json"
	"io"
)

// The recording of traces. A store that does not offer it, which is found by assertion, gives
// ErrUnsupported.

// WriteTraceArtifact stores a file among the artifacts of a trace, whole or not at all. Its spans
// are the artifact traces.json, a JSON object with the key "spans".
func (c *Client) WriteTraceArtifact(ctx context.Context, traceID, artifactPath string, r io.Reader) error {
	s, err := capability[TraceRecorder](c, "write artifact of trace")
	if err != nil {
		return err
	}
	return s.WriteTraceArtifact(ctx, traceID, artifactPath, r)
}

// TraceArtifacts lists a folder of a trace's artifacts, "" for the top.
func (c *Client) TraceArtifacts(ctx context.Context, traceID, artifactPath string) ([]FileInfo, error) {
	s, err := capability[TraceRecorder](c, "list artifacts of trace")
	if err != nil {
		return nil, err
	}
	return s.TraceArtifacts(ctx, traceID, artifactPath)
}

// OpenTraceArtifact opens a file of a trace's artifacts. The caller closes it.
func (c *Client) OpenTraceArtifact(ctx context.Context, traceID, artifactPath string) (io.ReadCloser, error) {
	s, err := capability[TraceRecorder](c, "open artifact of trace")
	if err != nil {
		return nil, err
	}
	return s.OpenTraceArtifact(ctx, traceID, artifactPath)
}

// EndTrace changes a trace that was started before its end was known, and gives it as it then is.
// MLflow: end_trace.
func (c *Client) EndTrace(ctx context.Context, traceID string, end TraceEnd) (*Trace, error) {
	s, err := capability[TraceRecorder](c, "end trace")
	if err != nil {
		return nil, err
	}
	return s.EndTrace(ctx, traceID, end)
}

// Assessment gets an assessment of a trace. MLflow: get_assessment.
func (c *Client) Assessment(ctx context.Context, traceID, assessmentID string) (json.RawMessage, error) {
	s, err := capability[TraceRecorder](c, "assessment")
	if err != nil {
		return nil, err
	}
	return s.Assessment(ctx, traceID, assessmentID)
}

// CreateAssessment adds an assessment to a trace and gives it as it then is. That which it
// overrides is not valid any more. MLflow: log_feedback, log_expectation.
func (c *Client) CreateAssessment(ctx context.Context, traceID string, assessment json.RawMessage) (json.RawMessage, error) {
	s, err := capability[TraceRecorder](c, "create assessment")
	if err != nil {
		return nil, err
	}
	return s.CreateAssessment(ctx, traceID, assessment)
}

// UpdateAssessment puts the fields of change in the place of what an assessment has, and gives it
// as it then is. MLflow: update_assessment.
func (c *Client) UpdateAssessment(ctx context.Context, traceID, assessmentID string, change json.RawMessage) (json.RawMessage, error) {
	s, err := capability[TraceRecorder](c, "update assessment")
	if err != nil {
		return nil, err
	}
	return s.UpdateAssessment(ctx, traceID, assessmentID, change)
}

// DeleteAssessment removes an assessment; none of this id is no error. MLflow: delete_assessment.
func (c *Client) DeleteAssessment(ctx context.Context, traceID, assessmentID string) error {
	s, err := capability[TraceRecorder](c, "delete assessment")
	if err != nil {
		return err
	}
	return s.DeleteAssessment(ctx, traceID, assessmentID)
}
