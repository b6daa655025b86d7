package filestore

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
)

func startedTrace(t *testing.T) (s *Store, at string) {
	t.Helper()
	s, dir, _ := openForModels(t)
	if _, err := s.StartTrace(t.Context(), mlruns.Trace{ID: "tr-1", Start: time.UnixMilli(1000), State: mlruns.TraceInProgress, Metadata: map[string]string{"a": "1", "b": "2"}, Tags: map[string]string{"a": "1", "b": "2"}}); err != nil {
		t.Fatal(err)
	}
	return s, filepath.Join(dir, "0", "traces", "tr-1")
}

// TestAssessmentFiles are the bytes that MLflow 3.17 writes for the same assessments.
func TestAssessmentFiles(t *testing.T) {
	ctx := t.Context()
	s, at := startedTrace(t)
	head := func(name string) string {
		return "assessment_id: a-1\nassessment_name: " + name + "\ncreate_time: '2023-11-14T22:13:46Z'\n"
	}
	const updated, tail = "last_update_time: '2023-11-14T22:13:46Z'\n", "trace_id: tr-1\nvalid: true\n"
	const unspecified = "source:\n  source_type: SOURCE_TYPE_UNSPECIFIED\n"
	for text, want := range map[string]string{
		`{"assessment_id":"a-1","assessment_name":"quality","feedback":{"value":{"rating":4,"b":[1,"x",null,true,1e17,0.25]}},"source":{"source_type":"human","source_id":"e@x"},"rationale":"why\nnot","metadata":{"m":"1","v":"1.0"},"valid":false,"what":1}`: head("quality") +
			"feedback:\n  value:\n    b:\n    - 1.0\n    - x\n    - null\n    - true\n    - 1.0e+17\n    - 0.25\n    rating: 4.0\n" + updated +
			"metadata:\n  m: '1'\n  v: '1.0'\nrationale: 'why\n\n  not'\nsource:\n  source_id: e@x\n  source_type: HUMAN\n" + tail,
		`{"assessment_id":"a-1","assessment_name":"none","feedback":{"value":null,"error":{"error_code":"E","error_message":"m"}}}`: head("none") +
			"feedback:\n  error:\n    error_code: E\n    error_message: m\n  value: null\n" + updated + unspecified + tail,
		`{"assessment_id":"a-1","assessment_name":"exp","expectation":{"value":{"b":1,"a":[2.5,"é",null]}},"source":{"source_type":"CODE","source_id":"c"}}`: head("exp") +
			"expectation:\n  serialized_value:\n    serialization_format: JSON_FORMAT\n    value: '{\"a\": [2.5, \"\\u00e9\", null], \"b\": 1.0}'\n" + updated + "source:\n  source_id: c\n  source_type: CODE\n" + tail,
		`{"assessment_id":"a-1","assessment_name":"exp","expectation":{"value":3}}`: head("exp") + "expectation:\n  value: 3.0\n" + updated + unspecified + tail,
		`{"assessment_id":"a-1","assessment_name":"exp","expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":"{\"b\": 1}"}}}`: head("exp") +
			"expectation:\n  serialized_value:\n    serialization_format: JSON_FORMAT\n    value: '{\"b\": 1}'\n" + updated + unspecified + tail,
		`{"assessment_id":"a-1","assessment_name":"iss","issue":{"issue_name":"I"},"span_id":"sp"}`: head("iss") + "issue:\n  issue_name: I\n" + updated + unspecified + "span_id: sp\n" + tail,
	} {
		created, err := s.CreateAssessment(ctx, "tr-1", json.RawMessage(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := contentOf(t, at, "assessments", "a-1.yaml"); got != want {
			t.Errorf("%s is written as\n%s\nwant\n%s", text, got, want)
		}
		read, err := s.Trace(ctx, "tr-1")
		if err != nil || len(read.Assessments) != 1 || string(read.Assessments[0]) != string(created) {
			t.Errorf("got %s, %v, want %s", read.Assessments, err, created)
		}
		if err := s.DeleteAssessment(ctx, "tr-1", "a-1"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(at, "assessments")); !os.IsNotExist(err) {
			t.Errorf("the folder of the last is there: %v", err)
		}
	}
	nothingWrong(t, s)
}

// TestAssessments makes assessments that take each other's place.
func TestAssessments(t *testing.T) {
	ctx := t.Context()
	s, _ := startedTrace(t)
	create := func(text string) map[string]any {
		t.Helper()
		raw, err := s.CreateAssessment(ctx, "tr-1", json.RawMessage(text))
		return unmarshal(t, raw, err)
	}
	get := func(id string) map[string]any {
		t.Helper()
		raw, err := s.Assessment(ctx, "tr-1", id)
		return unmarshal(t, raw, err)
	}
	first, _ := create(`{"assessment_name":"n","feedback":{"value":1},"metadata":{"a":"1","b":"2"}}`)["assessment_id"].(string)
	if len(first) != 34 || !strings.HasPrefix(first, "a-") {
		t.Errorf("the id is %q", first)
	}
	second, _ := create(`{"assessment_name":"n","feedback":{"value":2},"overrides":"` + first + `"}`)["assessment_id"].(string)
	if get(first)["valid"] != false || get(second)["valid"] != true {
		t.Errorf("overridden: %v, %v", get(first), get(second))
	}
	raw, err := s.UpdateAssessment(ctx, "tr-1", first, json.RawMessage(`{"assessment_name":"m","feedback":{"value":[5]},"metadata":{"b":"3"},"valid":true}`))
	if changed := unmarshal(t, raw, err); changed["assessment_name"] != "m" || changed["valid"] != false || len(changed["metadata"].(map[string]any)) != 2 || changed["metadata"].(map[string]any)["b"] != "3" {
		t.Errorf("changed: %v", changed)
	}
	if err := errors.Join(s.DeleteAssessment(ctx, "tr-1", second), s.DeleteAssessment(ctx, "tr-1", second), s.DeleteAssessment(ctx, "tr-1", "../x")); err != nil {
		t.Error(err)
	}
	if get(first)["valid"] != true {
		t.Errorf("the one that was overridden: %v", get(first))
	}
	if _, err := s.Assessment(ctx, "tr-1", second); !errors.Is(err, mlruns.ErrNotFound) || mlruns.MessageOf(err) != "Assessment with ID '"+second+"' not found for trace 'tr-1'" {
		t.Errorf("deleted: %v", err)
	}
	nothingWrong(t, s)
}

func unmarshal(t *testing.T, raw json.RawMessage, err error) (object map[string]any) {
	t.Helper()
	if err != nil || json.Unmarshal(raw, &object) != nil {
		t.Fatalf("%s, %v", raw, err)
	}
	return object
}

// TestAssessmentRefused leaves no trace of what is refused.
func TestAssessmentRefused(t *testing.T) {
	ctx := t.Context()
	s, at := startedTrace(t)
	for text, want := range map[string]string{
		`[]`: "it must be a JSON object", `null`: "it must be a JSON object", `{"feedback":{"value":1}}`: "'assessment.assessment_name'", `{"assessment_name":"n"}`: "Exactly one of",
		`{"assessment_name":"n","feedback":{"value":1},"issue":{"issue_name":"i"}}`: "Exactly one of", `{"assessment_name":1,"feedback":{}}`: "Invalid value 1 for parameter 'assessment.assessment_name'",
		`{"assessment_name":"n","issue":{}}`: "issue_name", `{"assessment_name":"n","expectation":{}}`: "'assessment.expectation.value'", `{"assessment_name":"n","feedback":3}`: "'assessment.feedback'",
		`{"assessment_name":"n","feedback":{},"source":{"source_type":"DOG"}}`: "'assessment.source.source_type'", `{"assessment_name":"n","feedback":{},"metadata":{"a":1}}`: "'assessment.metadata.a'",
		`{"assessment_name":"n","expectation":{"serialized_value":{"serialization_format":"X","value":"1"}}}`: "only JSON_FORMAT", `{"assessment_name":"n","feedback":{},"assessment_id":"../x"}`: "assessment_id",
		`{"assessment_name":"n","expectation":{"serialized_value":{"serialization_format":"JSON_FORMAT","value":"{"}}}`: "must be a JSON text", `{"assessment_name":"n","feedback":{},"overrides":"a-9"}`: "not found for trace 'tr-1'",
		`{"assessment_name":"n","feedback":{"value":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + `}}`: "nested too deeply",
	} {
		if _, err := s.CreateAssessment(ctx, "tr-1", json.RawMessage(text)); err == nil || !strings.Contains(mlruns.MessageOf(err), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(at, "assessments")); !os.IsNotExist(err) {
		t.Errorf("there is something: %v", err)
	}
	if _, err := s.CreateAssessment(ctx, "tr-9", json.RawMessage(`{"assessment_name":"n","feedback":{}}`)); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("of no trace: %v", err)
	}
	one := json.RawMessage(`{"assessment_id":"a-1","assessment_name":"n","feedback":{"value":1}}`)
	if _, err := s.CreateAssessment(ctx, "tr-1", one); err != nil {
		t.Fatal(err)
	}
	before := contentOf(t, at, "assessments", "a-1.yaml")
	if _, err := s.CreateAssessment(ctx, "tr-1", one); !errors.Is(err, mlruns.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	for text, want := range map[string]string{
		`{"expectation":{"value":1}}`: "Cannot update expectation value on a Feedback assessment.", `{"feedback":{},"expectation":{"value":1}}`: "Cannot specify both", `{"rationale":3}`: "'assessment.rationale'",
	} {
		if _, err := s.UpdateAssessment(ctx, "tr-1", "a-1", json.RawMessage(text)); !errors.Is(err, mlruns.ErrInvalid) || !strings.Contains(mlruns.MessageOf(err), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := s.UpdateAssessment(ctx, "tr-1", "a-2", json.RawMessage(`{}`)); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("of none: %v", err)
	}
	if after := contentOf(t, at, "assessments", "a-1.yaml"); after != before {
		t.Errorf("refused changes changed it to\n%s", after)
	}
	nothingWrong(t, s)
}

// TestEndTrace ends traces of both generations, each in its own form.
func TestEndTrace(t *testing.T) {
	ctx := t.Context()
	s, at := startedTrace(t)
	end := mlruns.TraceEnd{State: mlruns.TraceOK, End: time.UnixMilli(3000), Metadata: map[string]string{"a": "9", "c": "3"}, Tags: map[string]string{"b": "8"}}
	got, err := s.EndTrace(ctx, "tr-1", end)
	if err != nil || got.State != mlruns.TraceOK || got.End.UnixMilli() != 3000 || got.Metadata["a"] != "9" || got.Metadata["b"] != "2" || got.Metadata["c"] != "3" || got.Tags["a"] != "1" || got.Tags["b"] != "8" {
		t.Errorf("got %+v, %v", got, err)
	}
	if read, err := s.Trace(ctx, "tr-1"); err != nil || len(read.Metadata) != 3 || read.Metadata["a"] != "9" || read.Tags["b"] != "8" || read.State != mlruns.TraceOK {
		t.Errorf("read %+v, %v", read, err)
	}
	const third = `execution_duration_ms: 2000
request_time: '1970-01-01T00:00:01Z'
state: OK
trace_id: tr-1
trace_location:
  mlflow_experiment:
    experiment_id: '0'
  type: MLFLOW_EXPERIMENT
`
	if got := contentOf(t, at, "trace_info.yaml"); got != third {
		t.Errorf("got\n%s, want\n%s", got, third)
	}
	const id = "2aa0b17a50ed4ef0aa55d3c01976b3cb"
	second := filepath.Join(filepath.Dir(at), id)
	begun := "assessments: []\nexecution_time_ms: null\nexperiment_id: '0'\nrequest_id: " + id + "\nstatus: IN_PROGRESS\ntimestamp_ms: 1000\n"
	if err := errors.Join(os.MkdirAll(filepath.Join(second, "tags"), 0o777), os.Mkdir(filepath.Join(second, "request_metadata"), 0o777), os.WriteFile(filepath.Join(second, "trace_info.yaml"), []byte(begun), 0o666)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.EndTrace(ctx, id, mlruns.TraceEnd{End: time.UnixMilli(1005)}); err != nil {
		t.Error(err)
	}
	want := strings.NewReplacer("null", "5", "IN_PROGRESS", "TRACE_STATUS_UNSPECIFIED").Replace(begun)
	if got := contentOf(t, second, "trace_info.yaml"); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	for what, refused := range map[string]mlruns.TraceEnd{
		"early": {End: time.UnixMilli(1)}, "state": {State: "DONE"}, "key": {Tags: map[string]string{"a/b": "1"}}, "metadata": {Metadata: map[string]string{"": "1"}},
	} {
		if _, err := s.EndTrace(ctx, "tr-1", refused); !errors.Is(err, mlruns.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := s.EndTrace(ctx, "tr-2", end); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("of none: %v", err)
	}
	if got := contentOf(t, at, "trace_info.yaml"); got != third {
		t.Errorf("what was refused changed it to\n%s", got)
	}
	nothingWrong(t, s)
}

// TestTraceArtifacts are the spans of a trace and what lies beside them.
func TestTraceArtifacts(t *testing.T) {
	ctx := t.Context()
	s, at := startedTrace(t)
	for name, text := range map[string]string{"traces.json": `{"spans": []}`, "attachments/a b.png": "x"} {
		if err := s.WriteTraceArtifact(ctx, "tr-1", name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if got := contentOf(t, at, "artifacts", name); got != text {
			t.Errorf("%s has %q", name, got)
		}
		file, err := s.OpenTraceArtifact(ctx, "tr-1", name)
		if err != nil {
			t.Fatal(err)
		}
		if read, err := io.ReadAll(file); err != nil || string(read) != text {
			t.Errorf("%s is read as %q, %v", name, read, err)
		}
		_ = file.Close()
	}
	if spans, err := s.TraceData(ctx, "tr-1"); err != nil || string(spans) != `{"spans": []}` {
		t.Errorf("spans: %s, %v", spans, err)
	}
	list, err := s.TraceArtifacts(ctx, "tr-1", "")
	if err != nil || !slices.EqualFunc(list, []string{"attachments", "traces.json"}, func(f mlruns.FileInfo, name string) bool { return f.Path == name }) {
		t.Errorf("listed: %+v, %v", list, err)
	}
	for _, name := range []string{"../tags/x", "", "/etc/x"} {
		if err := s.WriteTraceArtifact(ctx, "tr-1", name, strings.NewReader("x")); err == nil {
			t.Errorf("%q is written", name)
		}
	}
	if _, err := s.OpenTraceArtifact(ctx, "tr-9", "traces.json"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("of no trace: %v", err)
	}
	nothingWrong(t, s)
}
