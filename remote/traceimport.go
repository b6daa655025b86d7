package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

var _ mlruns.TraceImporter = (*Store)(nil)

// What a database of MLflow ≥ 3.2 holds of a trace.
const (
	maxTraceValue   = 8000
	maxTracePreview = 1000
)

// ImportTrace implements mlruns.TraceImporter. What MLflow's server would cut is mlruns.ErrInvalid.
func (s *Store) ImportTrace(ctx context.Context, t mlruns.Trace) (string, error) {
	id, err := s.importTrace(ctx, t)
	return id, fail("import trace", t.ID, err)
}

func (s *Store) importTrace(ctx context.Context, t mlruns.Trace) (string, error) {
	if t.ExperimentID == "" {
		t.ExperimentID = mlruns.DefaultExperimentID
	}
	if t.Start.IsZero() {
		t.Start = now()
	}
	t.Tags = withoutPlaces(t.Tags)
	if err := firstOf(validate.ExperimentID(t.ExperimentID), validate.Trace(t), s.uncutTrace(ctx, t)); err != nil {
		return "", err
	}
	e, err := s.extensions(ctx)
	if err != nil {
		return "", err
	}
	var later []json.RawMessage
	if !e.WholeTraces { // only a call of its own has the overridden one not be valid any more
		t.Assessments, later = overriding(t.Assessments)
	}
	var sent wire.TraceAnswer
	sent.Trace.Info = wire.NewTrace(&t)
	body := fields{"trace": sent.Trace}
	if e.WholeTraces {
		body["as_it_is"] = true
	} else if err := s.traceFree(ctx, t.ID); err != nil { // a database would unite the two
		return "", err
	}
	repeated, err := s.ask(ctx, traceCall(http.MethodPost, "", "", repeats, body), nil)
	switch {
	case repeated && errors.Is(err, mlruns.ErrExists): // its id is its own
		return t.ID, nil
	case errors.Is(err, mlruns.ErrUnsupported):
		if len(t.Assessments)+len(later) > 0 || t.RequestPreview+t.ResponsePreview+t.ClientRequestID != "" {
			return "", unsupported(s.noCall(traceCall(http.MethodPost, "", "", repeats, nil)) + ": it holds no assessments and previews of traces")
		}
		return s.importTraceV2(ctx, t)
	case err != nil:
		return "", err
	}
	return t.ID, s.addAssessments(ctx, mlruns.Trace{ID: t.ID, Assessments: later})
}

// overriding takes those out of assessments that take the place of others, in the order in which
// they were made.
func overriding(all []json.RawMessage) (first, later []json.RawMessage) {
	for _, a := range all {
		if headOf(a).Overrides == "" {
			first = append(first, a)
		} else {
			later = append(later, a)
		}
	}
	slices.SortStableFunc(later, func(a, b json.RawMessage) int { return headOf(a).made().Compare(headOf(b).made()) })
	return first, later
}

// traceFree makes sure that there is no trace of an id.
func (s *Store) traceFree(ctx context.Context, id string) error {
	_, err := s.trace(ctx, id)
	if errors.Is(err, mlruns.ErrNotFound) || errors.Is(err, mlruns.ErrUnsupported) {
		return nil
	}
	if err == nil {
		err = &failure.Reason{Kind: mlruns.ErrExists, Text: "Trace with ID '" + id + "' already exists."}
	}
	return err
}

// withoutPlaces leaves out what a store says of where it has the parts of a trace.
func withoutPlaces(tags map[string]string) map[string]string {
	kept := maps.Clone(tags)
	delete(kept, mlruns.TagTraceArtifactLocation)
	delete(kept, tagSpansLocation)
	return kept
}

// uncutTrace refuses what a server of MLflow would cut, or its database refuse.
func (s *Store) uncutTrace(ctx context.Context, t mlruns.Trace) error {
	for _, values := range [...]struct {
		noun string
		of   map[string]string
	}{{"The tag ", t.Tags}, {"The metadata ", t.Metadata}} {
		for _, key := range slices.Sorted(maps.Keys(values.of)) {
			if err := s.uncut(ctx, values.noun+key, values.of[key], maxTraceValue); err != nil {
				return err
			}
		}
	}
	if err := s.uncut(ctx, "The preview of the request", t.RequestPreview, maxTracePreview); err != nil {
		return err
	}
	return s.uncut(ctx, "The preview of the response", t.ResponsePreview, maxTracePreview)
}

// AddToTrace implements mlruns.TraceImporter. A server of MLflow makes and changes each value by a
// request of its own.
func (s *Store) AddToTrace(ctx context.Context, t mlruns.Trace) error {
	return fail("add to trace", t.ID, s.addToTrace(ctx, t))
}

func (s *Store) addToTrace(ctx context.Context, t mlruns.Trace) error {
	t.Tags = withoutPlaces(t.Tags)
	err := firstOf(validate.PlainName("trace_id", t.ID), validate.TraceEnd(mlruns.TraceEnd{State: t.State, Metadata: t.Metadata, Tags: t.Tags}), s.uncutTrace(ctx, t))
	if err != nil {
		return err
	}
	e, err := s.extensions(ctx)
	if err != nil {
		return err
	}
	if e.WholeTraces {
		if !t.End.IsZero() && t.Start.IsZero() { // the end is told as a duration
			have, err := s.trace(ctx, t.ID)
			if err != nil {
				return err
			}
			t.Start = have.Start
		}
		var sent wire.TraceAnswer
		sent.Trace.Info = wire.NewTrace(&t)
		_, err := s.ask(ctx, traceCall(http.MethodPatch, t.ID, "", repeats, fields{"trace": sent.Trace, "as_it_is": true}), nil)
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
		if _, err := s.askTraces(ctx, traceCall(http.MethodPatch, t.ID, "/tags", repeats, fields{"key": key, "value": t.Tags[key]}), nil); err != nil {
			return err
		}
	}
	if err := s.addAssessments(ctx, t); err != nil {
		return err
	}
	return s.endImported(ctx, t)
}

// addAssessments adds those that are not there. One that is there is not valid any more once the
// one is there that takes its place.
func (s *Store) addAssessments(ctx context.Context, t mlruns.Trace) error {
	if len(t.Assessments) == 0 {
		return nil
	}
	have, err := s.trace(ctx, t.ID)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, a := range have.Assessments {
		there[headOf(a).ID] = true
	}
	first, later := overriding(t.Assessments)
	for _, a := range slices.Concat(first, later) {
		head := headOf(a)
		if there[head.ID] {
			continue
		}
		if head.Overrides != "" && !there[head.Overrides] {
			return failure.Invalid("The assessment " + head.ID + " takes the place of " + head.Overrides + ", which is not there")
		}
		if _, err := s.createAssessment(ctx, t.ID, a, true); err != nil {
			return err
		}
		there[head.ID] = true
	}
	return nil
}

// assessmentHead is what of an assessment tells which it is.
type assessmentHead struct {
	ID        string `json:"assessment_id"`
	Overrides string `json:"overrides"`
	Made      string `json:"create_time"`
}

// headOf reads it; of what is none all is empty.
func headOf(a json.RawMessage) (h assessmentHead) {
	_ = json.Unmarshal(a, &h)
	return h
}

func (h assessmentHead) made() time.Time {
	t, _ := time.Parse(time.RFC3339Nano, h.Made) // the zero time sorts first
	return t
}

// endImported adds metadata, and sets state and end, for which there is one call, that must be told
// of both.
func (s *Store) endImported(ctx context.Context, t mlruns.Trace) error {
	if len(t.Metadata) == 0 && t.State == mlruns.TraceUnspecified {
		return nil
	}
	end := mlruns.TraceEnd{State: t.State, End: t.End, Metadata: t.Metadata}
	if end.State == mlruns.TraceUnspecified || end.End.IsZero() {
		have, err := s.trace(ctx, t.ID)
		if err != nil {
			return err
		}
		if end.State == mlruns.TraceUnspecified {
			end.State = have.State
		}
		if end.End.IsZero() {
			end.End = have.End
		}
		if end.End.IsZero() {
			return unsupported(fmt.Sprintf("the server at %s changes the metadata and the state of a trace only when it ends", s.base))
		}
	}
	_, err := s.endTraceV2(ctx, t.ID, end)
	return err
}
