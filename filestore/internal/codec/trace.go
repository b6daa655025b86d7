package codec

import (
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/pyfmt"
)

// The trace_info.yaml of a trace, in one of two generations. That of MLflow 2.13 … 3.1:
//
//	assessments: []
//	execution_time_ms: 50
//	experiment_id: '1'
//	request_id: 2aa0b17a50ed4ef0aa55d3c01976b3cb
//	status: OK
//	timestamp_ms: 1700000000100
//
// and that of MLflow ≥ 3.2, which has no other key than these:
//
//	client_request_id: client-1
//	execution_duration_ms: 50
//	request_preview: '{"q": "what?"}'
//	request_time: '2023-11-14T22:13:20.100Z'
//	response_preview: '{"a": "that"}'
//	state: OK
//	trace_id: tr-26c4f50e5d1079d4afd813a7c81b2c19
//	trace_location:
//	  mlflow_experiment:
//	    experiment_id: '1'
//	  type: MLFLOW_EXPERIMENT
const (
	keyClientRequestID   = "client_request_id"
	keyExecutionDuration = "execution_duration_ms"
	keyExecutionTime     = "execution_time_ms"
	KeyRequestID         = "request_id"
	keyRequestPreview    = "request_preview"
	keyRequestTime       = "request_time"
	keyResponsePreview   = "response_preview"
	keyState             = "state"
	keyTimestampMs       = "timestamp_ms"
	KeyTraceID           = "trace_id"
	keyTraceLocation     = "trace_location"

	secondUnspecified = "TRACE_STATUS_UNSPECIFIED" // what the second generation calls STATE_UNSPECIFIED
)

// NewTraceDocument is the document of a trace in the third generation.
func NewTraceDocument(t mlruns.Trace) Document {
	var d Document
	for _, f := range [...]struct{ key, text string }{
		{keyClientRequestID, t.ClientRequestID}, {keyRequestPreview, t.RequestPreview}, {keyResponsePreview, t.ResponsePreview},
	} {
		if f.text != "" {
			d.SetString(f.key, f.text)
		}
	}
	if !t.End.IsZero() {
		d.setInt(keyExecutionDuration, t.End.UnixMilli()-t.Start.UnixMilli())
	}
	d.SetString(keyRequestTime, RFC3339(t.Start))
	d.SetString(keyState, t.State.String())
	d.SetString(KeyTraceID, t.ID)
	d.setValue(keyTraceLocation, pyfmt.Mapping([]pyfmt.Field{
		{Key: "mlflow_experiment", Value: pyfmt.Mapping([]pyfmt.Field{{Key: KeyExperimentID, Value: pyfmt.String(t.ExperimentID)}})},
		{Key: "type", Value: pyfmt.String("MLFLOW_EXPERIMENT")},
	}))
	return d
}

// SetTraceEnd records the state and the end of a trace, in the generation that its document is of.
func SetTraceEnd(d *Document, t mlruns.Trace) {
	state, stateKey, durationKey := t.State.String(), keyState, keyExecutionDuration
	if _, second := d.Text(KeyRequestID); second {
		stateKey, durationKey = KeyStatus, keyExecutionTime
		if t.State == mlruns.TraceUnspecified {
			state = secondUnspecified
		}
	}
	d.SetString(stateKey, state)
	if !t.End.IsZero() {
		d.setInt(durationKey, t.End.UnixMilli()-t.Start.UnixMilli())
	}
}

// RFC3339 writes a time as protobuf's JSON form does: with three digits of a second, or none.
func RFC3339(t time.Time) string {
	if t.Nanosecond()/1e6 == 0 {
		return t.UTC().Format("2006-01-02T15:04:05Z")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// TraceOf reads a trace's document, of either generation. Keys that MLflow does not know are passed
// over.
func TraceOf(d Scalars, experimentID, traceID string) (mlruns.Trace, error) {
	t := mlruns.Trace{ID: traceID, ExperimentID: experimentID}
	id, second := d.Text(KeyRequestID)
	if !second {
		var ok bool
		if id, ok = d.Text(KeyTraceID); !ok {
			return t, missingKey(KeyTraceID)
		}
	}
	if id != traceID {
		return t, &Mismatch{key: KeyTraceID, recorded: id, folder: traceID}
	}
	if second {
		return secondGeneration(d, t)
	}
	t.ClientRequestID, _ = d.Text(keyClientRequestID)
	t.RequestPreview, _ = d.Text(keyRequestPreview)
	t.ResponsePreview, _ = d.Text(keyResponsePreview)
	text, ok := d.Text(keyRequestTime)
	if !ok {
		return t, missingKey(keyRequestTime)
	}
	start, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, &Damage{Reason: fmt.Sprintf("%s: %q is not a time such as 2023-11-14T22:13:20.100Z", keyRequestTime, text)}
	}
	t.Start = time.UnixMilli(start.UnixMilli()).UTC()
	if t.State, err = traceStateOf(d, keyState); err != nil {
		return t, err
	}
	t.End, err = endOf(d, keyExecutionDuration, t.Start)
	return t, err
}

func secondGeneration(d Scalars, t mlruns.Trace) (mlruns.Trace, error) {
	ms, ok, err := integerOf(d, keyTimestampMs)
	if err == nil && !ok {
		err = missingKey(keyTimestampMs)
	}
	if err != nil {
		return t, err
	}
	t.Start = time.UnixMilli(ms).UTC()
	if t.State, err = traceStateOf(d, KeyStatus); err != nil {
		return t, err
	}
	t.End, err = endOf(d, keyExecutionTime, t.Start)
	return t, err
}

func endOf(d Scalars, key string, start time.Time) (time.Time, error) {
	ms, ok, err := integerOf(d, key)
	if err != nil || !ok {
		return time.Time{}, err
	}
	return time.UnixMilli(start.UnixMilli() + ms).UTC(), nil
}

func traceStateOf(d Scalars, key string) (mlruns.TraceState, error) {
	text, ok := d.Text(key)
	if !ok {
		return "", missingKey(key)
	}
	if text == secondUnspecified || text == mlruns.TraceUnspecified.String() {
		return mlruns.TraceUnspecified, nil
	}
	if s := mlruns.TraceState(text); s != "" && s.Valid() {
		return s, nil
	}
	return "", &Damage{Reason: fmt.Sprintf("%s: %q is not OK, ERROR, IN_PROGRESS or %s", key, text, mlruns.TraceUnspecified)}
}
