package storetest

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
)

// recorder skips a scenario on a store that does not record traces.
func (f *fixture) recorder() mlruns.TraceRecorder {
	f.Helper()
	s, ok := f.client.Store().(mlruns.TraceRecorder)
	if !ok {
		f.Skip("the store records no traces")
	}
	return s
}

// newTrace starts a trace that is under way.
func (f *fixture) newTrace(id string) *mlruns.Trace {
	f.Helper()
	return need(f.client.StartTrace(f.ctx, mlruns.Trace{ID: id, State: mlruns.TraceInProgress, Start: at(1700000000100), Metadata: map[string]string{"k": "v"}, Tags: map[string]string{"t": "1"}}))(f)
}

// fieldsOf reads an assessment.
func (f *fixture) fieldsOf(a json.RawMessage) map[string]any {
	f.Helper()
	var fields map[string]any
	f.must(json.Unmarshal(a, &fields))
	return fields
}

func (f *fixture) newAssessment(trace, text string) map[string]any {
	f.Helper()
	return f.fieldsOf(need(f.client.CreateAssessment(f.ctx, trace, json.RawMessage(text)))(f))
}

var traceRecorderScenarios = []scenario{
	{name: "spans and files", run: func(f *fixture) {
		f.recorder()
		f.newTrace("tr-1")
		if _, err := f.client.TraceData(f.ctx, "tr-1"); mlruns.CodeOf(err) != mlruns.CodeNotFound {
			f.Errorf("spans that did not come: %v", err)
		}
		equal(f, "no files", len(need(f.client.TraceArtifacts(f.ctx, "tr-1", ""))(f)), 0)
		const spans = `{"spans": [{"name": "é", "attributes": {}}]}`
		f.must(f.client.WriteTraceArtifact(f.ctx, "tr-1", "traces.json", strings.NewReader(spans)))
		f.must(f.client.WriteTraceArtifact(f.ctx, "tr-1", "attachments/a b", strings.NewReader("x")))
		equal(f, "the spans", string(need(f.client.TraceData(f.ctx, "tr-1"))(f)), spans)
		equal(f, "the files", need(f.client.TraceArtifacts(f.ctx, "tr-1", ""))(f), []mlruns.FileInfo{{Path: "attachments", IsDir: true}, {Path: "traces.json", Size: int64(len(spans))}})
		equal(f, "a folder", need(f.client.TraceArtifacts(f.ctx, "tr-1", "attachments"))(f), []mlruns.FileInfo{{Path: "attachments/a b", Size: 1}})
		file := need(f.client.OpenTraceArtifact(f.ctx, "tr-1", "attachments/a b"))(f)
		text := need(io.ReadAll(file))(f)
		f.must(file.Close())
		equal(f, "a file", string(text), "x")
		if err := f.client.WriteTraceArtifact(f.ctx, "tr-9", "x", strings.NewReader("")); mlruns.CodeOf(err) != mlruns.CodeNotFound {
			f.Errorf("a file of no trace: %v", err)
		}
		if err := f.client.WriteTraceArtifact(f.ctx, "tr-1", "../x", strings.NewReader("")); err == nil {
			f.Error("a file outside is taken")
		}
	}},
	{name: "end", run: func(f *fixture) {
		f.recorder()
		t := f.newTrace("tr-1")
		end := mlruns.TraceEnd{State: mlruns.TraceOK, End: t.Start.Add(1500 * time.Millisecond), Metadata: map[string]string{"k": "w", "m": "1"}, Tags: map[string]string{"u": "2"}}
		got := need(f.client.EndTrace(f.ctx, "tr-1", end))(f)
		equal(f, "as it was ended", need(f.client.Trace(f.ctx, "tr-1"))(f), got)
		equal(f, "state", got.State, mlruns.TraceOK)
		equal(f, "end", got.End, end.End)
		equal(f, "metadata", got.Metadata, map[string]string{"k": "w", "m": "1"})
		equal(f, "tags", got.Tags, map[string]string{"t": "1", "u": "2", mlruns.TagTraceArtifactLocation: got.ArtifactLocation})
		f.refused(second(f.client.EndTrace(f.ctx, "tr-9", end)), mlruns.ErrNotFound, mlruns.CodeNotFound, "Trace with ID 'tr-9' not found")
		end.State = "DONE"
		f.refused(second(f.client.EndTrace(f.ctx, "tr-1", end)), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, `Invalid value "DONE" for parameter 'state' supplied: it must be OK, ERROR, IN_PROGRESS or empty`)
		equal(f, "what is refused changes nothing", need(f.client.Trace(f.ctx, "tr-1"))(f), got)
	}},
	{name: "assessments", run: func(f *fixture) {
		f.recorder()
		f.newTrace("tr-1")
		first := f.newAssessment("tr-1", `{"assessment_name":"q","feedback":{"value":{"a":[1,null,"é"]}},"source":{"source_type":"HUMAN","source_id":"a@b"},"metadata":{"m":"1"},"rationale":"why"}`)
		id, _ := first["assessment_id"].(string)
		if id == "" || first["valid"] != true || first["trace_id"] != "tr-1" {
			f.Errorf("made: %v", first)
		}
		equal(f, "as it was made", f.fieldsOf(need(f.client.Assessment(f.ctx, "tr-1", id))(f)), first)
		changed := f.fieldsOf(need(f.client.UpdateAssessment(f.ctx, "tr-1", id, json.RawMessage(`{"feedback":{"value":2},"metadata":{"n":"2"}}`)))(f))
		equal(f, "changed value", changed["feedback"], any(map[string]any{"value": 2.0}))
		equal(f, "metadata are merged", changed["metadata"], any(map[string]any{"m": "1", "n": "2"}))
		over := f.newAssessment("tr-1", `{"assessment_name":"q","feedback":{"value":3},"overrides":"`+id+`"}`)
		equal(f, "overridden", f.fieldsOf(need(f.client.Assessment(f.ctx, "tr-1", id))(f))["valid"], any(false))
		equal(f, "the trace has them", len(need(f.client.Trace(f.ctx, "tr-1"))(f).Assessments), 2)
		f.must(f.client.DeleteAssessment(f.ctx, "tr-1", over["assessment_id"].(string)))
		f.must(f.client.DeleteAssessment(f.ctx, "tr-1", over["assessment_id"].(string)))
		equal(f, "valid again", f.fieldsOf(need(f.client.Assessment(f.ctx, "tr-1", id))(f))["valid"], any(true))
		f.refused(second(f.client.Assessment(f.ctx, "tr-1", "a-9")), mlruns.ErrNotFound, mlruns.CodeNotFound, "Assessment with ID 'a-9' not found for trace 'tr-1'")
		f.refused(second(f.client.CreateAssessment(f.ctx, "tr-9", json.RawMessage(`{"assessment_name":"q","feedback":{"value":3}}`))), mlruns.ErrNotFound, mlruns.CodeNotFound, "Trace with ID 'tr-9' not found")
		if _, err := f.client.CreateAssessment(f.ctx, "tr-1", json.RawMessage(`{"assessment_name":"q"}`)); mlruns.CodeOf(err) != mlruns.CodeInvalidParameter {
			f.Errorf("an assessment that says nothing: %v", err)
		}
	}},
	{name: "a chosen id of an assessment", run: func(f *fixture) {
		f.recorder()
		if _, own := f.client.Store().(OwnWords); own {
			f.Skip("MLflow's servers fail where the id is taken")
		}
		f.newTrace("tr-1")
		const text = `{"assessment_id":"a-1","assessment_name":"e","expectation":{"value":"x"}}`
		equal(f, "the id", f.newAssessment("tr-1", text)["assessment_id"], any("a-1"))
		f.refused(second(f.client.CreateAssessment(f.ctx, "tr-1", json.RawMessage(text))), mlruns.ErrExists, mlruns.CodeExists, "Assessment with ID 'a-1' already exists for trace 'tr-1'")
	}},
	{name: "traces of another store", run: func(f *fixture) {
		s, ok := f.client.Store().(mlruns.TraceImporter)
		if !ok {
			f.Skip("the store takes no traces of others")
		}
		const made = `"create_time":"2024-05-01T00:00:00Z","last_update_time":"2024-05-02T00:00:00.500Z"`
		assessment := func(id string, valid bool, more string) json.RawMessage {
			return json.RawMessage(fmt.Sprintf(`{"assessment_id":%q,"assessment_name":"q","trace_id":"elsewhere","feedback":{"value":1},"source":{"source_type":"CODE","source_id":"c"},%s,"valid":%v%s}`, id, made, valid, more))
		}
		want := mlruns.Trace{ID: "tr-1", ClientRequestID: "c", State: mlruns.TraceError, Start: at(1700000000100), End: at(1700000002350), RequestPreview: "in\n", ResponsePreview: "out",
			Metadata: map[string]string{"k": "v"}, Tags: map[string]string{"t": "1"}, Assessments: []json.RawMessage{assessment("a-1", false, ""), assessment("a-2", true, `,"overrides":"a-1"`)}}
		equal(f, "the id", need(s.ImportTrace(f.ctx, want))(f), "tr-1")
		got := need(f.client.Trace(f.ctx, "tr-1"))(f)
		for i, a := range got.Assessments {
			fields := f.fieldsOf(a)
			equal(f, "its trace", fields["trace_id"], any("tr-1"))
			fields["trace_id"] = "elsewhere"
			equal(f, "an assessment", fields, f.fieldsOf(want.Assessments[i]))
		}
		equal(f, "assessments", len(got.Assessments), 2)
		location := got.ArtifactLocation
		delete(got.Tags, mlruns.TagTraceArtifactLocation)
		got.ArtifactLocation, got.Assessments = "", nil
		plain := want
		plain.ExperimentID, plain.Assessments = mlruns.DefaultExperimentID, nil
		equal(f, "the trace", *got, plain)
		f.refused(second(s.ImportTrace(f.ctx, want)), mlruns.ErrExists, mlruns.CodeExists, "Trace with ID 'tr-1' already exists.")
		f.must(s.AddToTrace(f.ctx, mlruns.Trace{ID: "tr-1", Tags: map[string]string{"t": "2", mlruns.TagTraceArtifactLocation: "elsewhere"}, Metadata: map[string]string{"m": "1"},
			Assessments: []json.RawMessage{assessment("a-3", true, "")}, State: mlruns.TraceOK, End: at(1700000003000)}))
		got = need(f.client.Trace(f.ctx, "tr-1"))(f)
		equal(f, "tags", got.Tags, map[string]string{"t": "2", mlruns.TagTraceArtifactLocation: location})
		equal(f, "metadata", got.Metadata, map[string]string{"k": "v", "m": "1"})
		equal(f, "assessments", len(got.Assessments), 3)
		equal(f, "last update", f.fieldsOf(got.Assessments[2])["last_update_time"], any("2024-05-02T00:00:00.500Z"))
		equal(f, "state", got.State, mlruns.TraceOK)
		equal(f, "end", got.End, at(1700000003000))
		f.refused(second(s.ImportTrace(f.ctx, mlruns.Trace{ID: "../x"})), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, mlruns.MessageOf(second(s.ImportTrace(f.ctx, mlruns.Trace{ID: "../x"}))))
		if _, err := s.ImportTrace(f.ctx, mlruns.Trace{ID: "tr-2", ExperimentID: "99"}); mlruns.CodeOf(err) != mlruns.CodeNotFound {
			f.Errorf("in no experiment: %v", err)
		}
	}},
}
