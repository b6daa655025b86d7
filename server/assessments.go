package server

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// What people and programs say of traces.

func (s *server) traceRecorder() (mlruns.TraceRecorder, error) {
	if s.recorder == nil {
		return nil, &refusal{http.StatusNotImplemented, mlruns.CodeFeatureDisabled, "This server does not record traces"}
	}
	return s.recorder, nil
}

func (s *server) createAssessment(c *call) (any, error) {
	recorder, err := s.traceRecorder()
	if err != nil {
		return nil, err
	}
	a := c.Assessment()
	if err := c.Err(); err != nil {
		return nil, err
	}
	made, err := recorder.CreateAssessment(c.ctx, c.rest, a)
	return assessmentAnswer(made, err)
}

func (s *server) getAssessment(c *call) (any, error) {
	recorder, err := s.traceRecorder()
	if err != nil {
		return nil, err
	}
	traceID, id, _ := strings.Cut(c.rest, "/")
	a, err := recorder.Assessment(c.ctx, traceID, id)
	return assessmentAnswer(a, err)
}

func (s *server) updateAssessment(c *call) (any, error) {
	recorder, err := s.traceRecorder()
	if err != nil {
		return nil, err
	}
	change := c.AssessmentChange()
	if err := c.Err(); err != nil {
		return nil, err
	}
	traceID, id, _ := strings.Cut(c.rest, "/")
	a, err := recorder.UpdateAssessment(c.ctx, traceID, id, change)
	return assessmentAnswer(a, err)
}

func (s *server) deleteAssessment(c *call) (any, error) {
	recorder, err := s.traceRecorder()
	if err != nil {
		return nil, err
	}
	traceID, id, _ := strings.Cut(c.rest, "/")
	return empty{}, recorder.DeleteAssessment(c.ctx, traceID, id)
}

func assessmentAnswer(a json.RawMessage, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return wire.AssessmentAnswer{Assessment: a}, nil
}
