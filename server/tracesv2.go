package server

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// Traces as clients of MLflow 2.14 to 3.1 start, end and read them.

func (s *server) startTraceV2(c *call, traces mlruns.TraceStore) (any, error) {
	t := c.TraceV2()
	if err := c.Err(); err != nil {
		return nil, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	t.ID = hex.EncodeToString(id[:])
	started, err := traces.StartTrace(c.ctx, t)
	return s.traceV2Answer(started, err)
}

func (s *server) endTrace(c *call) (any, error) {
	if c.AsItIs() {
		return s.addToTrace(c)
	}
	recorder, err := s.traceRecorder()
	if err != nil {
		return nil, err
	}
	end := c.TraceEnd()
	if err := c.Err(); err != nil {
		return nil, err
	}
	delete(end.Tags, mlruns.TagTraceArtifactLocation) // the client sends what it was told
	t, err := recorder.EndTrace(c.ctx, c.rest, end)
	return s.traceV2Answer(t, err)
}

func (s *server) getTraceV2(c *call) (any, error) {
	traces, err := s.traceStore()
	if err != nil {
		return nil, err
	}
	t, err := traces.Trace(c.ctx, c.rest)
	return s.traceV2Answer(t, err)
}

// searchTracesV2 is searchTraces.
func (s *server) searchTracesV2(c *call) (any, error) {
	q := c.TraceV2Query()
	if err := c.Err(); err != nil || s.traces == nil || len(q.Experiments) == 0 {
		return empty{}, err
	}
	page, err := inTurn(c.ctx, s.searches, func() (*mlruns.TracePage, error) { return s.traces.SearchTraces(c.ctx, q) })
	if err != nil {
		return nil, err
	}
	shape := wire.NewTraceV2Page(page)
	for i := range shape.Traces {
		s.locateTraceV2(&shape.Traces[i])
	}
	return shape, nil
}

func (s *server) traceV2Answer(t *mlruns.Trace, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	shape := wire.NewTraceV2(t)
	s.locateTraceV2(&shape)
	return wire.TraceV2Answer{Info: shape, Problems: t.Problems}, nil
}

// locateTraceV2 is locateTrace.
func (s *server) locateTraceV2(t *wire.TraceV2) {
	for i, tag := range t.Tags {
		if tag.Key == mlruns.TagTraceArtifactLocation {
			t.Tags[i].Value = s.traceLocation(tag.Value, t.ExperimentID, t.ID)
		}
	}
}
