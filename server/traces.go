package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// Traces, in the forms of MLflow 2 and 3. Where a store does not record them clients are told so,
// log a warning and go on.

func (s *server) traceStore() (mlruns.TraceStore, error) {
	if s.traces == nil {
		return nil, &refusal{http.StatusNotImplemented, mlruns.CodeFeatureDisabled, "This server does not offer traces"}
	}
	return s.traces, nil
}

// startTrace records a trace before its spans are sent. Clients of MLflow 2 do so when it begins,
// and have its id chosen; those of MLflow 3 when it has ended.
func (s *server) startTrace(c *call) (any, error) {
	traces, err := s.traceStore()
	if err != nil {
		return nil, err
	}
	if !c.Has("trace") {
		return s.startTraceV2(c, traces)
	}
	t, assessments := c.Trace()
	asItIs := c.AsItIs()
	if err := c.Err(); err != nil {
		return nil, err
	}
	if asItIs {
		return s.importTrace(c, traces, t, assessments)
	}
	started, err := traces.StartTrace(c.ctx, t)
	if err != nil {
		return nil, err
	}
	for _, a := range assessments {
		recorder, err := s.traceRecorder()
		if err != nil {
			return nil, err
		}
		made, err := recorder.CreateAssessment(c.ctx, started.ID, a)
		if err != nil {
			return nil, err
		}
		started.Assessments = append(started.Assessments, made)
	}
	return s.traceAnswer(started), nil
}

// importTrace records a trace as it is. Folders have traces.json beside it, whoever sends it.
func (s *server) importTrace(c *call, traces mlruns.TraceStore, t mlruns.Trace, assessments []json.RawMessage) (any, error) {
	if s.importer == nil {
		return nil, errNoImport
	}
	t.Assessments = assessments
	id, err := s.importer.ImportTrace(c.ctx, t)
	if err != nil {
		return nil, err
	}
	made, err := traces.Trace(c.ctx, id)
	if err != nil {
		return nil, err
	}
	return s.traceAnswer(made), nil
}

// addToTrace adds to a trace as it is.
func (s *server) addToTrace(c *call) (any, error) {
	if s.importer == nil {
		return nil, errNoImport
	}
	t, assessments := c.Trace()
	if err := c.Err(); err != nil {
		return nil, err
	}
	t.ID, t.Assessments = c.rest, assessments
	return empty{}, s.importer.AddToTrace(c.ctx, t)
}

var errNoImport = &refusal{http.StatusNotImplemented, codeNotImplemented, "This server does not take traces as they are"}

func (s *server) traceAnswer(t *mlruns.Trace) wire.TraceAnswer {
	answer := wire.NewTraceAnswer(t)
	s.locateTrace(&answer.Trace.Info)
	return answer
}

// noSuchTraceCall answers traces/get, by which clients of MLflow 3 ask for a trace with its spans
// in a form of OpenTelemetry's. They fetch the spans as an artifact then.
func (s *server) noSuchTraceCall(*call) (any, error) {
	return nil, &refusal{http.StatusNotImplemented, codeNotImplemented, "The spans of a trace are its artifact " + spansFile}
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
	return s.traceAnswer(t), nil
}

// searchTraces finds nothing where no experiment is named, and where the store has no traces: the
// page asks every store.
func (s *server) searchTraces(c *call) (any, error) {
	q := c.TraceQuery()
	if err := c.Err(); err != nil || s.traces == nil || len(q.Experiments) == 0 {
		return empty{}, err
	}
	page, err := inTurn(c.ctx, s.searches, func() (*mlruns.TracePage, error) { return s.traces.SearchTraces(c.ctx, q) })
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

// getTraceArtifact sends the page the spans of a trace, or a file that belongs to them.
func (s *server) getTraceArtifact(w http.ResponseWriter, r *http.Request, _ string) {
	q := wire.ParseQuery(r.URL.Query())
	id := q.Text("request_id")
	if id == "" {
		id = q.RequiredText("trace_id")
	}
	file := spansFile
	if attached := q.Text("path"); attached != "" {
		file = "attachments/" + attached
	}
	err := q.Err()
	if err == nil && !safePath(file) {
		err = errInvalidPath
	}
	if err == nil {
		err = s.sendArtifact(w, r, place{traceID: id, file: file})
	}
	if err != nil {
		s.refuse(w, r, err)
	}
}

// locateTrace has a client find the spans through the server, as runLocation.
func (s *server) locateTrace(t *wire.Trace) {
	if location, ok := t.Tags[mlruns.TagTraceArtifactLocation]; ok {
		t.Tags = maps.Clone(t.Tags) // they are the store's
		t.Tags[mlruns.TagTraceArtifactLocation] = s.traceLocation(location, t.Location.Experiment.ID, t.ID)
	}
}

func (s *server) traceLocation(recorded, experimentID, id string) string {
	folder := "/" + path.Join(experimentID, "traces", id, "artifacts")
	if !s.proxied(recorded) {
		return s.here(recorded, folder)
	}
	return proxyScheme + folder
}
