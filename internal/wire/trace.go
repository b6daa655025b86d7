package wire

import (
	"encoding/json"
	"fmt"

	"github.com/mlruns/mlruns"
)

// TraceInfo is a trace, as the third generation of MLflow's traces shapes it.
type TraceInfo struct {
	ID              string            `json:"trace_id"`
	ClientRequestID string            `json:"client_request_id,omitempty"`
	Location        TraceLocation     `json:"trace_location"`
	RequestPreview  string            `json:"request_preview,omitempty"`
	ResponsePreview string            `json:"response_preview,omitempty"`
	Start           string            `json:"request_time"`
	Duration        string            `json:"execution_duration,omitempty"`
	State           string            `json:"state"`
	Metadata        map[string]string `json:"trace_metadata"`
	Tags            map[string]string `json:"tags"`
	Assessments     []json.RawMessage `json:"assessments,omitempty"`
}

// TraceLocation is the experiment of a trace.
type TraceLocation struct {
	Type       string `json:"type"`
	Experiment struct {
		ID string `json:"experiment_id"`
	} `json:"mlflow_experiment"`
}

// timestamp is the JSON form of protobuf's Timestamp, to the millisecond.
const timestamp = "2006-01-02T15:04:05.999Z"

// NewTraceInfo gives the shape of a trace.
func NewTraceInfo(t *mlruns.Trace) TraceInfo {
	out := TraceInfo{
		ID: t.ID, ClientRequestID: t.ClientRequestID, RequestPreview: t.RequestPreview, ResponsePreview: t.ResponsePreview,
		Start: t.Start.UTC().Format(timestamp), State: t.State.String(), Metadata: t.Metadata, Tags: t.Tags, Assessments: t.Assessments,
	}
	out.Location.Type, out.Location.Experiment.ID = "MLFLOW_EXPERIMENT", t.ExperimentID
	if !t.End.IsZero() {
		out.Duration = seconds(t.End.UnixMilli() - t.Start.UnixMilli())
	}
	return out
}

// seconds is the JSON form of protobuf's Duration.
func seconds(ms int64) string {
	whole, rest := ms/1000, ms%1000
	if rest == 0 {
		return fmt.Sprintf("%ds", whole)
	}
	if ms < 0 {
		return fmt.Sprintf("-%d.%03ds", -whole, -rest)
	}
	return fmt.Sprintf("%d.%03ds", whole, rest)
}

// TraceInfoAnswer is what traces/{id}/info answers.
type TraceInfoAnswer struct {
	Trace struct {
		Info TraceInfo `json:"trace_info"`
	} `json:"trace"`
	Problems []mlruns.Problem `json:"problems,omitempty"`
}

// NewTraceInfoAnswer gives the shape of a trace and of what could not be read of it.
func NewTraceInfoAnswer(t *mlruns.Trace) (a TraceInfoAnswer) {
	a.Trace.Info, a.Problems = NewTraceInfo(t), t.Problems
	return a
}

// TracePage is what traces/search answers.
type TracePage struct {
	Traces        []TraceInfo      `json:"traces"`
	NextPageToken string           `json:"next_page_token,omitempty"`
	Problems      []mlruns.Problem `json:"problems,omitempty"`
}

// NewTracePage gives the shape of a page.
func NewTracePage(page *mlruns.TracePage) TracePage {
	list := make([]TraceInfo, 0, len(page.Traces))
	for _, t := range page.Traces {
		list = append(list, NewTraceInfo(t))
	}
	return TracePage{list, page.NextPageToken, page.Problems}
}
