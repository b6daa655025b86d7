package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

var _ mlruns.TraceStore = (*Store)(nil)

// traceCall is a call about traces in the form of MLflow 3. id may be "", and rest what the path
// has after it.
func traceCall(method, id, rest string, e effect, body fields) call {
	c := call{method: method, path: "3.0/mlflow/traces" + rest, effect: e, since: "3.2"}
	if c.title = c.path; id != "" {
		c.path, c.title = "3.0/mlflow/traces/"+url.PathEscape(id)+rest, "3.0/mlflow/traces/{}"+rest
	}
	if body != nil {
		c.body = body
	}
	return c
}

// Trace implements mlruns.TraceStore.
func (s *Store) Trace(ctx context.Context, traceID string) (*mlruns.Trace, error) {
	t, err := s.trace(ctx, traceID)
	return t, fail("get trace", traceID, err)
}

func (s *Store) trace(ctx context.Context, traceID string) (*mlruns.Trace, error) {
	if err := validate.PlainName("trace_id", traceID); err != nil {
		return nil, err
	}
	var answer wire.TraceAnswer
	_, err := s.ask(ctx, traceCall(http.MethodGet, traceID, "", reads, nil), &answer)
	if errors.Is(err, mlruns.ErrUnsupported) {
		return s.traceV2(ctx, traceID)
	}
	if err != nil {
		return nil, err
	}
	return traceOf(answer)
}

func traceOf(answer wire.TraceAnswer) (*mlruns.Trace, error) {
	t, err := answer.Trace.Info.Entity()
	if err == nil {
		t.Problems = answer.Problems
	}
	return t, err
}

// SearchTraces implements mlruns.TraceStore.
func (s *Store) SearchTraces(ctx context.Context, q mlruns.TraceQuery) (*mlruns.TracePage, error) {
	page, err := s.searchTraces(ctx, q)
	if err == nil && q.OnProblem != nil {
		s.tell(q.OnProblem, page.Problems)
		page.Problems = nil
	}
	return page, fail("search traces", "", err)
}

// mostTraces is how many traces a server of MLflow gives at once.
const mostTraces = 500

func (s *Store) searchTraces(ctx context.Context, q mlruns.TraceQuery) (*mlruns.TracePage, error) {
	size, err := pageSize(q.MaxResults, mlruns.DefaultTraceResults)
	if err = firstOf(err, queryTexts(q.Filter, q.PageToken, q.OrderBy)); err != nil {
		return nil, err
	}
	experiments, err := s.experimentsOf(ctx, q.Experiments, mlruns.ViewActive)
	if err != nil {
		return nil, err
	}
	if page, err := s.searchTracesV3(ctx, q, experiments, size); !errors.Is(err, mlruns.ErrUnsupported) {
		return page, err
	}
	return s.searchTracesV2(ctx, q, experiments, size)
}

func (s *Store) searchTracesV3(ctx context.Context, q mlruns.TraceQuery, experiments []string, size int) (*mlruns.TracePage, error) {
	locations := make([]wire.TraceLocation, len(experiments))
	for i, id := range experiments {
		locations[i] = wire.NewTraceLocation(id)
	}
	body := fields{"locations": locations, "max_results": size}
	setQuery(body, q.Filter, q.PageToken)
	if len(q.OrderBy) > 0 {
		body["order_by"] = q.OrderBy
	}
	var answer wire.TracePage
	if _, err := s.ask(ctx, traceCall(http.MethodPost, "", "/search", reads, body), &answer); err != nil {
		return nil, err
	}
	return answer.Entity()
}

// Traces implements mlruns.TraceStore. It goes through pages, as Runs does.
func (s *Store) Traces(ctx context.Context, q mlruns.TraceQuery) iter.Seq2[*mlruns.Trace, error] {
	return scan(q.MaxResults, q.PageToken, "list traces", func(size int, token string) ([]*mlruns.Trace, string, error) {
		q := q
		q.MaxResults, q.PageToken = min(size, mostTraces), token
		page, err := s.searchTraces(ctx, q)
		if err != nil {
			return nil, "", err
		}
		s.tell(q.OnProblem, page.Problems)
		return page.Traces, page.NextPageToken, nil
	}, func(t *mlruns.Trace) string { return t.ID })
}

// spansFile is the artifact of a trace that has its spans.
const spansFile = "traces.json"

// attachments is the folder of a trace's artifacts that has what belongs to its spans.
const attachments = "attachments/"

// tagSpansLocation is where MLflow ≥ 3.5 keeps the spans of a trace, if not in its artifacts.
const tagSpansLocation = "mlflow.trace.spansLocation"

// TraceData implements mlruns.TraceStore. Spans that a server keeps in a database and does not send
// are mlruns.ErrUnsupported, as MLflow < 3.5 does.
func (s *Store) TraceData(ctx context.Context, traceID string) (json.RawMessage, error) {
	data, err := s.traceData(ctx, traceID)
	return data, fail("get trace data", traceID, err)
}

func (s *Store) traceData(ctx context.Context, traceID string) (json.RawMessage, error) {
	t, err := s.trace(ctx, traceID)
	if err != nil {
		return nil, err
	}
	h := holder{traceID: traceID}
	kept := t.Tags[tagSpansLocation]
	elsewhere := kept == "TRACKING_STORE" || kept == "ARCHIVE_REPO"
	var f *fileReader
	if _, proxied := s.proxyPath(t.ArtifactLocation); proxied && !elsewhere {
		f, err = s.openFile(ctx, h, spansFile)
	} else {
		f, err = s.openURL(ctx, s.fileURL(place{holder: h}, spansFile), spansFile)
	}
	if answered := (*failure.Reason)(nil); elsewhere && errors.As(err, &answered) && !errors.Is(err, mlruns.ErrBusy) && ctx.Err() == nil {
		return nil, unsupported(fmt.Sprintf("the server keeps the spans of trace %s in its database, and does not send them: %s", traceID, mlruns.MessageOf(err)))
	}
	if errors.Is(err, mlruns.ErrNotFound) {
		return nil, &failure.Reason{Kind: mlruns.ErrNotFound, Code: failure.CodeNotFound, Text: "Trace data not found for path=" + t.ArtifactLocation + "/" + spansFile}
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(f)
	if err == nil && !json.Valid(data) {
		err = &failure.Reason{Kind: mlruns.ErrCorrupt, Text: "Trace data is corrupted for path=" + t.ArtifactLocation + "/" + spansFile}
	}
	if err != nil {
		return nil, err
	}
	return data, nil
}

// StartTrace implements mlruns.TraceStore.
func (s *Store) StartTrace(ctx context.Context, t mlruns.Trace) (*mlruns.Trace, error) {
	started, err := s.startTrace(ctx, t)
	return started, fail("start trace", t.ID, err)
}

func (s *Store) startTrace(ctx context.Context, t mlruns.Trace) (*mlruns.Trace, error) {
	if t.ExperimentID == "" {
		t.ExperimentID = mlruns.DefaultExperimentID
	}
	if err := firstOf(validate.ExperimentID(t.ExperimentID), validate.PlainName("trace_id", t.ID), validate.Trace(t)); err != nil {
		return nil, err
	}
	if t.Start.IsZero() {
		t.Start = now()
	}
	t.Assessments = nil
	var body wire.TraceAnswer
	body.Trace.Info = wire.NewTrace(&t)
	// "without_spans" has a server of this module record it: it has no place for spans.
	request := traceCall(http.MethodPost, "", "", repeats, fields{"trace": body.Trace, "without_spans": true})
	var answer wire.TraceAnswer
	repeated, err := s.ask(ctx, request, &answer)
	if repeated && errors.Is(err, mlruns.ErrExists) {
		// The id is the caller's: whoever made it meant this trace.
		return s.trace(ctx, t.ID)
	}
	if err != nil {
		return nil, err
	}
	return traceOf(answer)
}

// SetTraceTag implements mlruns.TraceStore.
func (s *Store) SetTraceTag(ctx context.Context, traceID, key, value string) error {
	err := firstOf(validate.PlainName("trace_id", traceID), validate.TraceTag(key, value))
	if err == nil {
		_, err = s.askTraces(ctx, traceCall(http.MethodPatch, traceID, "/tags", repeats, fields{"key": key, "value": value}), nil)
	}
	return fail("set trace tag", traceID, err)
}

// DeleteTraceTag implements mlruns.TraceStore.
func (s *Store) DeleteTraceTag(ctx context.Context, traceID, key string) error {
	err := firstOf(validate.PlainName("trace_id", traceID), validate.Text("key", key))
	if err == nil {
		err = gone(s.askTraces(ctx, traceCall(http.MethodDelete, traceID, "/tags", repeats, fields{"key": key}), nil))
	}
	return fail("delete trace tag", traceID, err)
}

// DeleteTraces implements mlruns.TraceStore. When an answer was lost the number may be too small.
// With a Max the request is not sent again: it would remove more.
func (s *Store) DeleteTraces(ctx context.Context, d mlruns.TraceDeletion) (int, error) {
	n, err := s.deleteTraces(ctx, d)
	return n, fail("delete traces", d.ExperimentID, err)
}

func (s *Store) deleteTraces(ctx context.Context, d mlruns.TraceDeletion) (int, error) {
	if err := firstOf(validate.ExperimentID(d.ExperimentID), validate.TraceDeletion(d)); err != nil {
		return 0, err
	}
	body, e := fields{"experiment_id": d.ExperimentID}, repeats
	if !d.Until.IsZero() {
		body["max_timestamp_millis"] = d.Until.UnixMilli()
	}
	if d.Max > 0 {
		body["max_traces"], e = d.Max, adds
	}
	if len(d.IDs) > 0 {
		body["request_ids"] = d.IDs
	}
	var answer struct {
		Deleted wire.Int `json:"traces_deleted"`
	}
	if _, err := s.askTraces(ctx, traceCall(http.MethodPost, "", "/delete-traces", e, body), &answer); err != nil {
		return 0, err
	}
	return int(answer.Deleted), nil
}
