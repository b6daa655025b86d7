package wire

import (
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// TraceV2 is what is known of a trace, in the form of MLflow 2.
type TraceV2 struct {
	ID           string `json:"request_id"`
	ExperimentID string `json:"experiment_id"`
	Timestamp    int64  `json:"timestamp_ms"`
	Duration     int64  `json:"execution_time_ms"`
	Status       string `json:"status"`
	Metadata     []Tag  `json:"request_metadata"`
	Tags         []Tag  `json:"tags"`
}

// traceStatuses are the names of states in the form of MLflow 2, from that which is 1.
var traceStatuses = []string{"OK", "ERROR", "IN_PROGRESS"}

// NewTraceV2 gives the shape of a trace. One that is under way took no time, as in MLflow.
func NewTraceV2(t *mlruns.Trace) TraceV2 {
	shape := TraceV2{ID: t.ID, ExperimentID: t.ExperimentID, Timestamp: t.Start.UnixMilli(), Status: string(t.State), Metadata: tags(t.Metadata), Tags: tags(t.Tags)}
	if t.State == mlruns.TraceUnspecified {
		shape.Status = unspecifiedV2
	}
	if !t.End.IsZero() {
		shape.Duration = t.End.UnixMilli() - t.Start.UnixMilli()
	}
	return shape
}

// TraceV2Answer is what the calls of MLflow 2 answer that make, get or end a trace.
type TraceV2Answer struct {
	Info     TraceV2          `json:"trace_info"`
	Problems []mlruns.Problem `json:"problems,omitempty"`
}

// Entity gives the trace, without problems. One that is under way and took no time has no end, as
// NewTraceV2 gives it none.
func (t TraceV2) Entity() (*mlruns.Trace, error) {
	trace := &mlruns.Trace{ID: t.ID, ExperimentID: t.ExperimentID, Start: time.UnixMilli(t.Timestamp).UTC(), Tags: tagMap(t.Tags), Metadata: tagMap(t.Metadata)}
	trace.ArtifactLocation = trace.Tags[mlruns.TagTraceArtifactLocation]
	if t.Status != "" && t.Status != unspecifiedV2 {
		trace.State = mlruns.TraceState(t.Status)
	}
	if !trace.State.Valid() {
		return nil, &failure.Reason{Kind: failure.ErrCorrupt, Text: fmt.Sprintf("the answer about trace %s cannot be understood: %q is no state", t.ID, t.Status)}
	}
	if trace.State != mlruns.TraceInProgress || t.Duration != 0 {
		trace.End = trace.Start.Add(time.Duration(t.Duration) * time.Millisecond)
	}
	return trace, nil
}

const unspecifiedV2 = "TRACE_STATUS_UNSPECIFIED"

// TraceV2Page is what a search of MLflow 2 answers.
type TraceV2Page struct {
	Traces        []TraceV2        `json:"traces"`
	NextPageToken string           `json:"next_page_token,omitempty"`
	Problems      []mlruns.Problem `json:"problems,omitempty"`
}

// NewTraceV2Page gives the shape of a page.
func NewTraceV2Page(page *mlruns.TracePage) TraceV2Page {
	list := make([]TraceV2, 0, len(page.Traces))
	for _, t := range page.Traces {
		list = append(list, NewTraceV2(t))
	}
	return TraceV2Page{list, page.NextPageToken, page.Problems}
}

// Entity gives the page. Its traces are never nil.
func (p TraceV2Page) Entity() (*mlruns.TracePage, error) {
	page := &mlruns.TracePage{Traces: make([]*mlruns.Trace, len(p.Traces)), NextPageToken: p.NextPageToken, Problems: p.Problems}
	for i, t := range p.Traces {
		var err error
		if page.Traces[i], err = t.Entity(); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// TraceV2 reads a trace that begins. It has no id yet.
func (r *Request) TraceV2() mlruns.Trace {
	return mlruns.Trace{
		ExperimentID: r.Text("experiment_id"), State: mlruns.TraceInProgress, Start: r.Time("timestamp_ms"), Metadata: r.Tags("request_metadata"), Tags: r.Tags("tags"),
	}
}

// TraceEnd reads how a trace ended.
func (r *Request) TraceEnd() mlruns.TraceEnd {
	end := mlruns.TraceEnd{End: r.Time("timestamp_ms"), Metadata: r.Tags("request_metadata"), Tags: r.Tags("tags")}
	if r.Text("status") != unspecifiedV2 {
		if n := r.Enum("status", traceStatuses...); n > 0 {
			end.State = mlruns.TraceState(traceStatuses[n-1])
		}
	}
	return end
}

// TraceV2Query reads a search of MLflow 2.
func (r *Request) TraceV2Query() mlruns.TraceQuery {
	return mlruns.TraceQuery{
		Experiments: r.Texts("experiment_ids"), Filter: r.Text("filter"), OrderBy: r.Texts("order_by"),
		MaxResults: r.Limit("max_results", mlruns.DefaultTraceResults, mlruns.MaxResultsLimit), PageToken: r.Text("page_token"),
	}
}
