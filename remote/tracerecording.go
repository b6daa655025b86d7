package remote

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

var _ mlruns.TraceRecorder = (*Store)(nil)

// WriteTraceArtifact implements mlruns.TraceRecorder, as WriteArtifact. A server that does not take
// artifacts itself has no call for it: mlruns.ErrUnsupported.
func (s *Store) WriteTraceArtifact(ctx context.Context, traceID, artifactPath string, r io.Reader) error {
	return fail("write artifact of trace", traceID, s.writeFile(ctx, holder{traceID: traceID}, artifactPath, r))
}

// TraceArtifacts implements mlruns.TraceRecorder.
func (s *Store) TraceArtifacts(ctx context.Context, traceID, artifactPath string) ([]mlruns.FileInfo, error) {
	list, err := s.list(ctx, holder{traceID: traceID}, artifactPath)
	return list, fail("list artifacts of trace", traceID, err)
}

// OpenTraceArtifact implements mlruns.TraceRecorder, as OpenArtifact.
func (s *Store) OpenTraceArtifact(ctx context.Context, traceID, artifactPath string) (io.ReadCloser, error) {
	file, err := s.openFile(ctx, holder{traceID: traceID}, artifactPath)
	if err != nil {
		return nil, fail("open artifact of trace", traceID, err)
	}
	return file, nil
}

// EndTrace implements mlruns.TraceRecorder. What it gives is read after it.
func (s *Store) EndTrace(ctx context.Context, traceID string, end mlruns.TraceEnd) (*mlruns.Trace, error) {
	t, err := s.endTrace(ctx, traceID, end)
	return t, fail("end trace", traceID, err)
}

func (s *Store) endTrace(ctx context.Context, traceID string, end mlruns.TraceEnd) (*mlruns.Trace, error) {
	if err := firstOf(validate.PlainName("trace_id", traceID), validate.TraceEnd(end)); err != nil {
		return nil, err
	}
	if end.End.IsZero() {
		end.End = now()
	}
	if _, err := s.endTraceV2(ctx, traceID, end); err != nil {
		return nil, err
	}
	return s.trace(ctx, traceID)
}

// assessmentCall is a call about an assessment of a trace, or about all where id is "".
func assessmentCall(method, traceID, id string, e effect, body fields) call {
	c := traceCall(method, traceID, "/assessments", e, body)
	if id != "" {
		c.path += "/" + url.PathEscape(id)
		c.title += "/{}"
	}
	return c
}

func (s *Store) askAssessment(ctx context.Context, c call) (a json.RawMessage, repeated bool, err error) {
	var answer wire.AssessmentAnswer
	repeated, err = s.ask(ctx, c, &answer)
	return answer.Assessment, repeated, err
}

// Assessment implements mlruns.TraceRecorder.
func (s *Store) Assessment(ctx context.Context, traceID, assessmentID string) (json.RawMessage, error) {
	a, err := s.assessment(ctx, traceID, assessmentID)
	return a, fail("get assessment", traceID, err)
}

func (s *Store) assessment(ctx context.Context, traceID, assessmentID string) (json.RawMessage, error) {
	err := validate.PlainName("trace_id", traceID)
	if err != nil {
		return nil, err
	}
	if validate.PlainName("assessment_id", assessmentID) != nil { // nothing has such a name
		return nil, &failure.Reason{Kind: mlruns.ErrNotFound, Code: failure.CodeNotFound, Text: "Assessment with ID '" + assessmentID + "' not found for trace '" + traceID + "'"}
	}
	a, _, err := s.askAssessment(ctx, assessmentCall(http.MethodGet, traceID, assessmentID, reads, nil))
	return a, err
}

// CreateAssessment implements mlruns.TraceRecorder. When an answer is lost the assessment is looked
// for by its id, which is chosen here; where it is not found, the error is mlruns.ErrUnconfirmed.
func (s *Store) CreateAssessment(ctx context.Context, traceID string, assessment json.RawMessage) (json.RawMessage, error) {
	a, err := s.createAssessment(ctx, traceID, assessment, false)
	return a, fail("create assessment", traceID, err)
}

// createAssessment adds an assessment; asItIs says that it was one of another store.
func (s *Store) createAssessment(ctx context.Context, traceID string, assessment json.RawMessage, asItIs bool) (json.RawMessage, error) {
	checked, err := validate.Assessment(assessment)
	if err = firstOf(validate.PlainName("trace_id", traceID), err); err != nil {
		return nil, err
	}
	var sent fields
	if err := json.Unmarshal(assessment, &sent); err != nil {
		return nil, err
	}
	id, given := checked["assessment_id"].(string)
	if !given {
		id = "a-" + newID()
		sent["assessment_id"] = id
	}
	if !asItIs { // the store says these
		for _, name := range [...]string{"trace_id", "create_time", "last_update_time", "valid"} {
			delete(sent, name)
		}
	}
	ours, err := s.extensions(ctx)
	if err != nil {
		return nil, err
	}
	e := adds // MLflow's file store draws the id all the same
	if ours.WholeTraces {
		e = repeats
	}
	a, repeated, err := s.askAssessment(ctx, assessmentCall(http.MethodPost, traceID, "", e, fields{"assessment": sent, "assessment_id": id}))
	switch {
	case !repeated || !errors.Is(err, mlruns.ErrUnconfirmed) && !errors.Is(err, mlruns.ErrExists):
		return a, err
	case given && !asItIs && errors.Is(err, mlruns.ErrExists):
		return nil, &failure.Reason{Kind: mlruns.ErrUnconfirmed, Cause: err, Text: "an answer was lost, and now there is an assessment " + id + ": whether it was made by this call is not known"}
	case given && !asItIs:
		return nil, err
	}
	if there, failed := s.assessment(ctx, traceID, id); failed == nil {
		return there, nil
	}
	return nil, err
}

// UpdateAssessment implements mlruns.TraceRecorder.
func (s *Store) UpdateAssessment(ctx context.Context, traceID, assessmentID string, change json.RawMessage) (json.RawMessage, error) {
	a, err := s.updateAssessment(ctx, traceID, assessmentID, change)
	return a, fail("update assessment", traceID, err)
}

// changeable are the fields of an assessment that can be changed.
var changeable = []string{"assessment_name", "feedback", "expectation", "rationale", "metadata"}

func (s *Store) updateAssessment(ctx context.Context, traceID, assessmentID string, change json.RawMessage) (json.RawMessage, error) {
	var sent fields
	if err := json.Unmarshal(change, &sent); err != nil || sent == nil {
		return nil, failure.Invalid("Invalid value for parameter 'assessment' supplied: it must be a JSON object")
	}
	maps.DeleteFunc(sent, func(name string, _ any) bool { return !slices.Contains(changeable, name) })
	if len(sent) == 0 {
		return s.assessment(ctx, traceID, assessmentID)
	}
	if err := firstOf(validate.PlainName("trace_id", traceID), validate.PlainName("assessment_id", assessmentID)); err != nil {
		return nil, err
	}
	mask := strings.Join(slices.Sorted(maps.Keys(sent)), ",")
	a, _, err := s.askAssessment(ctx, assessmentCall(http.MethodPatch, traceID, assessmentID, repeats, fields{"assessment": sent, "update_mask": mask}))
	return a, err
}

// DeleteAssessment implements mlruns.TraceRecorder.
func (s *Store) DeleteAssessment(ctx context.Context, traceID, assessmentID string) error {
	err := validate.PlainName("trace_id", traceID)
	if err == nil && validate.PlainName("assessment_id", assessmentID) == nil {
		err = gone(s.ask(ctx, assessmentCall(http.MethodDelete, traceID, assessmentID, repeats, nil), nil))
	}
	return fail("delete assessment", traceID, err)
}
