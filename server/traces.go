package server

import (
	"maps"
	"net/http"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// Traces, as far as a store lets them be read and kept in order. To record one needs its spans, for
// which a store has no call: clients are told so, log a warning and go on.

func (s *server) traceStore() (mlruns.TraceStore, error) {
	if s.traces == nil {
		return nil, &refusal{http.StatusNotImplemented, mlruns.CodeFeatureDisabled, "This server does not offer traces"}
	}
	return s.traces, nil
}

// startTrace refuses a trace before its spans are sent, unless who asks says that none will be: no
// client of MLflow does. server-info tells it.
func (s *server) startTrace(c *call) (any, error) {
	if s.traces == nil || !c.Bool("without_spans") {
		return nil, &refusal{http.StatusNotImplemented, mlruns.CodeFeatureDisabled, "This server does not record traces"}
	}
	started := c.Trace()
	if err := c.Err(); err != nil {
		return nil, err
	}
	t, err := s.traces.StartTrace(c.ctx, started)
	if err != nil {
		return nil, err
	}
	answer := wire.NewTraceAnswer(t)
	s.locateTrace(&answer.Trace.Info)
	return answer, nil
}

func (s *server) getTrace(c *call) (any, error) {
	traces, err := s.traceStore()
	if err != nil {
		return nil, err
	}
	t, err := traces.Trace(c.ctx, c.rest)
	if err != nil {
		return nil, err
	}
	answer := wire.NewTraceAnswer(t)
	s.locateTrace(&answer.Trace.Info)
	return answer, nil
}

// searchTraces finds nothing where no experiment is named, and where the store has no traces: the
// page asks every store.
func (s *server) searchTraces(c *call) (any, error) {
	q := c.TraceQuery()
	if err := c.Err(); err != nil || s.traces == nil || len(q.Experiments) == 0 {
		return empty{}, err
	}
	page, err := s.traces.SearchTraces(c.ctx, q)
	if err != nil {
		return nil, err
	}
	shape := wire.NewTracePage(page)
	for i := range shape.Traces {
		s.locateTrace(&shape.Traces[i])
	}
	return shape, nil
}

func (s *server) setTraceTag(c *call) (any, error) {
	traces, err := s.traceStore()
	if err != nil {
		return nil, err
	}
	key, value := c.RequiredText("key"), c.Text("value")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, traces.SetTraceTag(c.ctx, c.rest, key, value)
}

func (s *server) deleteTraceTag(c *call) (any, error) {
	traces, err := s.traceStore()
	if err != nil {
		return nil, err
	}
	key := c.RequiredText("key")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, traces.DeleteTraceTag(c.ctx, c.rest, key)
}

// deletedTraces is what traces/delete-traces answers.
type deletedTraces struct {
	Deleted int `json:"traces_deleted"`
}

func (s *server) deleteTraces(c *call) (any, error) {
	traces, err := s.traceStore()
	if err != nil {
		return nil, err
	}
	d := c.TraceDeletion()
	if err := c.Err(); err != nil {
		return nil, err
	}
	n, err := traces.DeleteTraces(c.ctx, d)
	return deletedTraces{n}, err
}

// spansFile is the artifact of a trace that has its spans.
const spansFile = "traces.json"

// getTraceArtifact sends the page the spans of a trace.
func (s *server) getTraceArtifact(w http.ResponseWriter, r *http.Request, _ string) {
	q := wire.ParseQuery(r.URL.Query())
	id := q.Text("request_id")
	if id == "" {
		id = q.RequiredText("trace_id")
	}
	err := q.Err()
	if err == nil {
		err = s.sendSpans(w, r, id)
	}
	if err != nil {
		s.refuse(w, r, err)
	}
}

func (s *server) sendSpans(w http.ResponseWriter, r *http.Request, id string) error {
	traces, err := s.traceStore()
	if err != nil {
		return err
	}
	spans, err := traces.TraceData(r.Context(), id)
	if err != nil {
		return err
	}
	artifactHeader(w.Header(), spansFile)
	_, _ = w.Write(spans) // who does not take them has gone
	return nil
}

// locateTrace has a client find the spans through the server, as runLocation.
func (s *server) locateTrace(t *wire.Trace) {
	location, ok := t.Tags[mlruns.TagTraceArtifactLocation]
	if !ok {
		return
	}
	folder := "/" + path.Join(t.Location.Experiment.ID, "traces", t.ID, "artifacts")
	told := proxyScheme + folder
	if !s.proxied(location) {
		told = s.here(location, folder)
	}
	tags := maps.Clone(t.Tags) // they are the store's
	tags[mlruns.TagTraceArtifactLocation] = told
	t.Tags = tags
}
