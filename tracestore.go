package mlruns

import (
	"context"
	"encoding/json"
	"iter"
)

// TraceStore is the part of a store that holds traces. Client finds it by type assertion; without
// it the calls give ErrUnsupported. Errors are those of Store; a trace that does not exist is
// ErrNotFound.
type TraceStore interface {
	// Trace gets a trace, in a deleted experiment too, as in MLflow.
	Trace(ctx context.Context, traceID string) (*Trace, error)
	// Traces goes through all traces of the query in one scan: no offsets, no trace twice.
	Traces(ctx context.Context, q TraceQuery) iter.Seq2[*Trace, error]
	// SearchTraces gives one page of traces.
	SearchTraces(ctx context.Context, q TraceQuery) (*TracePage, error)
	// TraceData gives the spans of a trace as they lie in its artifacts: a JSON object with the key
	// "spans". ErrNotFound where there are none, ErrCorrupt where they are no JSON.
	TraceData(ctx context.Context, traceID string) (json.RawMessage, error)
	// StartTrace records a trace, without assessments and spans, in an active experiment. It
	// appears whole or not at all. ErrExists if there is one with the id. MLflow ≤ 3.1 cannot read
	// the traces of an experiment that has such a one.
	StartTrace(ctx context.Context, t Trace) (*Trace, error)
	// SetTraceTag sets a tag of a trace.
	SetTraceTag(ctx context.Context, traceID, key, value string) error
	// DeleteTraceTag removes a tag of a trace. ErrNotFound if it has none of this name.
	DeleteTraceTag(ctx context.Context, traceID, key string) error
	// DeleteTraces removes traces for good, with the artifacts beside them, and tells how many.
	DeleteTraces(ctx context.Context, d TraceDeletion) (int, error)
}
