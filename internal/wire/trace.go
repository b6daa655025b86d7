package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
)

// Trace is what is known of a trace, in the form of MLflow 3.
type Trace struct {
	ID              string            `json:"trace_id"`
	ClientRequestID string            `json:"client_request_id,omitempty"`
	Location        TraceLocation     `json:"trace_location"`
	RequestTime     string            `json:"request_time,omitempty"`
	Duration        string            `json:"execution_duration,omitempty"`
	State           string            `json:"state"`
	RequestPreview  string            `json:"request_preview,omitempty"`
	ResponsePreview string            `json:"response_preview,omitempty"`
	Metadata        map[string]string `json:"trace_metadata"`
	Tags            map[string]string `json:"tags"`
	Assessments     []json.RawMessage `json:"assessments,omitempty"`
}

// TraceLocation is the experiment that a trace is of.
type TraceLocation struct {
	Type       string          `json:"type"`
	Experiment TraceExperiment `json:"mlflow_experiment"`
}

// TraceExperiment is an experiment by its id.
type TraceExperiment struct {
	ID string `json:"experiment_id"`
}

// locationExperiment is the type of a location that is an experiment.
const locationExperiment = "MLFLOW_EXPERIMENT"

// NewTrace gives the shape of a trace.
func NewTrace(t *mlruns.Trace) Trace {
	shape := Trace{
		ID: t.ID, ClientRequestID: t.ClientRequestID, Location: TraceLocation{locationExperiment, TraceExperiment{t.ExperimentID}}, State: t.State.String(),
		RequestPreview: t.RequestPreview, ResponsePreview: t.ResponsePreview, Metadata: t.Metadata, Tags: t.Tags, Assessments: t.Assessments,
	}
	if !t.Start.IsZero() {
		shape.RequestTime = t.Start.UTC().Format("2006-01-02T15:04:05.000Z")
		if !t.End.IsZero() {
			shape.Duration = strconv.FormatFloat(t.End.Sub(t.Start).Seconds(), 'f', -1, 64) + "s"
		}
	}
	return shape
}

// TraceAnswer is what traces/{id} answers.
type TraceAnswer struct {
	Trace struct {
		Info Trace `json:"trace_info"`
	} `json:"trace"`
	Problems []mlruns.Problem `json:"problems,omitempty"`
}

// NewTraceAnswer gives the shape of a trace and of what could not be read of it.
func NewTraceAnswer(t *mlruns.Trace) TraceAnswer {
	answer := TraceAnswer{Problems: t.Problems}
	answer.Trace.Info = NewTrace(t)
	return answer
}

// TracePage is what traces/search answers.
type TracePage struct {
	Traces        []Trace          `json:"traces"`
	NextPageToken string           `json:"next_page_token,omitempty"`
	Problems      []mlruns.Problem `json:"problems,omitempty"`
}

// NewTracePage gives the shape of a page.
func NewTracePage(page *mlruns.TracePage) TracePage {
	list := make([]Trace, 0, len(page.Traces))
	for _, t := range page.Traces {
		list = append(list, NewTrace(t))
	}
	return TracePage{list, page.NextPageToken, page.Problems}
}

// Entity gives the trace, without problems. ErrCorrupt if a time or the state is none.
func (t Trace) Entity() (*mlruns.Trace, error) {
	trace := &mlruns.Trace{
		ID: t.ID, ClientRequestID: t.ClientRequestID, ExperimentID: t.Location.Experiment.ID, RequestPreview: t.RequestPreview, ResponsePreview: t.ResponsePreview,
		Tags: t.Tags, Metadata: t.Metadata, Assessments: t.Assessments, ArtifactLocation: t.Tags[mlruns.TagTraceArtifactLocation],
	}
	if trace.Tags == nil {
		trace.Tags = map[string]string{}
	}
	if trace.Metadata == nil {
		trace.Metadata = map[string]string{}
	}
	if t.State != mlruns.TraceUnspecified.String() {
		trace.State = mlruns.TraceState(t.State)
	}
	var err error
	if t.RequestTime != "" {
		trace.Start, err = time.Parse(time.RFC3339, t.RequestTime)
		trace.Start = trace.Start.UTC().Truncate(time.Millisecond)
	}
	if err == nil && t.Duration != "" {
		var took time.Duration
		took, err = time.ParseDuration(t.Duration)
		trace.End = trace.Start.Add(took.Round(time.Millisecond))
	}
	if err == nil && !trace.State.Valid() {
		err = fmt.Errorf("%q is no state", t.State)
	}
	if err != nil {
		return nil, &failure.Reason{Kind: failure.ErrCorrupt, Text: fmt.Sprintf("the answer about trace %s cannot be understood: %v", t.ID, err), Cause: err}
	}
	return trace, nil
}

// Entity gives the page. Its traces are never nil.
func (p TracePage) Entity() (*mlruns.TracePage, error) {
	page := &mlruns.TracePage{Traces: make([]*mlruns.Trace, len(p.Traces)), NextPageToken: p.NextPageToken, Problems: p.Problems}
	for i, t := range p.Traces {
		var err error
		if page.Traces[i], err = t.Entity(); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// traceStates are the names of states, from that which is 1.
var traceStates = []string{"OK", "ERROR", "IN_PROGRESS"}

// Trace reads a trace, in the form of MLflow 3, and what was said of it.
func (r *Request) Trace() (t mlruns.Trace, assessments []json.RawMessage) {
	info := r.Object("trace").Object("trace_info")
	t = mlruns.Trace{
		ID: info.RequiredText("trace_id"), ClientRequestID: info.Text("client_request_id"), ExperimentID: info.Object("trace_location").Object("mlflow_experiment").Text("experiment_id"),
		RequestPreview: info.Text("request_preview"), ResponsePreview: info.Text("response_preview"), Metadata: info.Map("trace_metadata"), Tags: info.Map("tags"),
	}
	if info.Text("state") != mlruns.TraceUnspecified.String() {
		if n := info.Enum("state", traceStates...); n > 0 {
			t.State = mlruns.TraceState(traceStates[n-1])
		}
	}
	if text := info.Text("request_time"); text != "" {
		start, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			info.Invalid("request_time")
		}
		t.Start = time.UnixMilli(start.UnixMilli()).UTC()
	}
	if text := info.Text("execution_duration"); text != "" {
		seconds, ok := strings.CutSuffix(text, "s")
		f, err := strconv.ParseFloat(seconds, 64)
		if !ok || err != nil || math.IsNaN(f) || math.Abs(f) > math.MaxInt32 {
			info.Invalid("execution_duration")
			f = 0
		}
		t.End = t.Start.Add(time.Duration(math.Round(f*1000)) * time.Millisecond)
	}
	for _, a := range info.Items("assessments") {
		text := json.RawMessage(snakeCase(a.object).appendPython(nil))
		if !json.Valid(text) {
			info.Invalid("assessments")
		}
		assessments = append(assessments, text)
	}
	return t, assessments
}

// TraceQuery reads a search of traces. Locations that are no experiments hold none.
func (r *Request) TraceQuery() mlruns.TraceQuery {
	q := mlruns.TraceQuery{
		Filter: r.Text("filter"), OrderBy: r.Texts("order_by"),
		MaxResults: r.Limit("max_results", mlruns.DefaultTraceResults, mlruns.MaxResultsLimit), PageToken: r.Text("page_token"),
	}
	for _, l := range r.Items("locations") {
		if id := l.Object("mlflow_experiment").Text("experiment_id"); id != "" {
			q.Experiments = append(q.Experiments, id)
		}
	}
	return q
}

// TraceDeletion reads which traces to remove.
func (r *Request) TraceDeletion() mlruns.TraceDeletion {
	d := mlruns.TraceDeletion{ExperimentID: r.RequiredText("experiment_id"), IDs: r.Texts("request_ids")}
	if ms, ok := r.Int("max_timestamp_millis"); ok {
		d.Until = time.UnixMilli(ms).UTC()
	}
	most, _ := r.Int("max_traces")
	d.Max = int(min(most, mlruns.MaxResultsLimit))
	return d
}

// NewTraceLocation gives the shape of an experiment as a place of traces.
func NewTraceLocation(experimentID string) TraceLocation {
	return TraceLocation{locationExperiment, TraceExperiment{experimentID}}
}
