package mlruns

import (
	"context"
	"encoding/json"
	"iter"
)

// Traces. A store that has none, which is found by assertion, gives ErrUnsupported.

// Trace gets a trace, in a deleted experiment too, as in MLflow. MLflow: get_trace.
func (c *Client) Trace(ctx context.Context, traceID string) (*Trace, error) {
	s, err := capability[TraceStore](c, "trace")
	if err != nil {
		return nil, err
	}
	return s.Trace(ctx, traceID)
}

// Traces goes through all traces of the query in one scan: no offsets, no trace twice.
func (c *Client) Traces(ctx context.Context, q TraceQuery) iter.Seq2[*Trace, error] {
	s, err := capability[TraceStore](c, "traces")
	if err != nil {
		return unsupportedSeq[*Trace]("traces")
	}
	return s.Traces(ctx, q)
}

// SearchTraces gives one page of traces. MLflow: search_traces.
func (c *Client) SearchTraces(ctx context.Context, q TraceQuery) (*TracePage, error) {
	s, err := capability[TraceStore](c, "search traces")
	if err != nil {
		return nil, err
	}
	return s.SearchTraces(ctx, q)
}

// TraceData gives the spans of a trace as they lie in its artifacts: a JSON object with the key
// "spans". ErrNotFound where there are none, ErrCorrupt where they are no JSON.
func (c *Client) TraceData(ctx context.Context, traceID string) (json.RawMessage, error) {
	s, err := capability[TraceStore](c, "trace data")
	if err != nil {
		return nil, err
	}
	return s.TraceData(ctx, traceID)
}

// StartTrace records a trace, without assessments and spans, in an active experiment. It
// appears whole or not at all. ErrExists if there is one with the id. MLflow ≤ 3.1 cannot read
// the traces of an experiment that has such a one. MLflow: start_trace.
func (c *Client) StartTrace(ctx context.Context, t Trace) (*Trace, error) {
	s, err := capability[TraceStore](c, "start trace")
	if err != nil {
		return nil, err
	}
	return s.StartTrace(ctx, t)
}

// SetTraceTag sets a tag of a trace. MLflow: set_trace_tag.
func (c *Client) SetTraceTag(ctx context.Context, traceID, key, value string) error {
	s, err := capability[TraceStore](c, "set trace tag")
	if err != nil {
		return err
	}
	return s.SetTraceTag(ctx, traceID, key, value)
}

// DeleteTraceTag removes a tag of a trace. ErrNotFound if it has none of this name. MLflow:
// delete_trace_tag.
func (c *Client) DeleteTraceTag(ctx context.Context, traceID, key string) error {
	s, err := capability[TraceStore](c, "delete trace tag")
	if err != nil {
		return err
	}
	return s.DeleteTraceTag(ctx, traceID, key)
}

// DeleteTraces removes traces for good, with the artifacts beside them, and tells how many. MLflow:
// delete_traces.
func (c *Client) DeleteTraces(ctx context.Context, d TraceDeletion) (int, error) {
	s, err := capability[TraceStore](c, "delete traces")
	if err != nil {
		return 0, err
	}
	return s.DeleteTraces(ctx, d)
}
