package transfer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/transfer"
)

// directions are the pairs of stores that can be copied between: each gives a source over a folder
// and a destination over another one.
var directions = []struct {
	name                   string
	fromServer, intoServer bool
}{{name: "merge"}, {name: "push", intoServer: true}, {name: "pull", fromServer: true}, {name: "server to server", fromServer: true, intoServer: true}}

// over gives a folder, or a server over it, and what counts its requests, nil for a folder.
func over(t testing.TB, files *filestore.Store, server bool, wires ...*wire) (mlruns.Store, *wire) {
	t.Helper()
	switch {
	case !server:
		return files, nil
	case len(wires) > 0:
		return overWire(t, files, wires[0])
	}
	return overHTTP(t, files)
}

func feedback(id, more string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"assessment_id":%q,"assessment_name":"n","feedback":{"value":1},"create_time":"2024-05-0%sT00:00:00Z"%s}`, id, id[len(id)-1:], more))
}

// What a trace has gained is added in every direction, a trace that was under way is ended, and
// what differs is told with both values.
func TestTracesAreUnited(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			ctx := context.Background()
			behind, files := open(t), open(t)
			must(t, errOf(behind.ImportTrace(ctx, mlruns.Trace{ID: "tr-1", State: mlruns.TraceInProgress, Start: at(1000), Tags: map[string]string{"old": "1"},
				Assessments: []json.RawMessage{feedback("a-1", "")}})))
			src, _ := over(t, behind, d.fromServer)
			dst, w := over(t, files, d.intoServer)
			if it := copyAll(t, dst, src, transfer.Query{})["trace tr-1"]; it.Action != transfer.ActionCreated || it.ID != "tr-1" || it.Assessments != 1 || it.Tags != 1 || !it.Whole() {
				t.Fatalf("the first time: %+v", it)
			}
			must(t, errOf(behind.EndTrace(ctx, "tr-1", mlruns.TraceEnd{State: mlruns.TraceError, End: at(2500), Metadata: map[string]string{"m": "1"}, Tags: map[string]string{"new": "1"}})),
				errOf(behind.CreateAssessment(ctx, "tr-1", feedback("a-2", `,"overrides":"a-1"`))),
				behind.WriteTraceArtifact(ctx, "tr-1", "traces.json", strings.NewReader(`{"spans":[]}`)),
				files.SetTraceTag(ctx, "tr-1", "theirs", "1"), files.SetTraceTag(ctx, "tr-1", "old", "2"))
			it := copyAll(t, dst, src, transfer.Query{})["trace tr-1"]
			if it.Action != transfer.ActionUnited || it.Tags != 1 || it.Metadata != 1 || it.Files != 1 || it.Assessments != 2 ||
				!slices.Equal(it.Conflicts, []transfer.Conflict{{Field: "tags.old", Source: "1", Destination: "2"}}) {
				t.Errorf("united: %+v", it)
			}
			got, err := files.Trace(ctx, "tr-1")
			must(t, err)
			want, err := behind.Trace(ctx, "tr-1")
			must(t, err)
			want.Tags["theirs"], want.Tags["old"], want.Tags[mlruns.TagTraceArtifactLocation], want.ArtifactLocation = "1", "2", got.ArtifactLocation, got.ArtifactLocation
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if w != nil {
				w.writes = nil
			}
			if it = copyAll(t, dst, src, transfer.Query{})["trace tr-1"]; it.Action != transfer.ActionNone || len(it.Conflicts) != 1 {
				t.Errorf("once more: %+v", it)
			}
			if w != nil && len(w.writes) > 0 {
				t.Errorf("once more sends %q", w.writes)
			}
			if it = copyAll(t, dst, src, transfer.Query{Prefer: transfer.PreferSource})["trace tr-1"]; it.Tags != 1 || !it.Whole() {
				t.Errorf("the source preferred: %+v", it)
			}
			sound(t, files)
		})
	}
}

// A trace of the destination's that is in another experiment is left alone, and told.
func TestTraceElsewhere(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			ctx := context.Background()
			behind, files := open(t), open(t)
			must(t, errOf(behind.ImportTrace(ctx, mlruns.Trace{ID: "tr-1", State: mlruns.TraceOK, Start: at(1), Tags: map[string]string{"t": "1"}})))
			other, err := files.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: "other"})
			must(t, err, errOf(files.ImportTrace(ctx, mlruns.Trace{ID: "tr-1", ExperimentID: other.ID, Start: at(1)})))
			src, _ := over(t, behind, d.fromServer)
			dst, _ := over(t, files, d.intoServer)
			it := copyAll(t, dst, src, transfer.Query{})["trace tr-1"]
			if it.Action != transfer.ActionNone || len(it.Conflicts) != 1 || it.Conflicts[0].Field != "experiment_id" {
				t.Errorf("%+v", it)
			}
			if got, err := files.Trace(ctx, "tr-1"); err != nil || got.Tags["t"] != "" {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// A server of MLflow 2.14 to 3.1 takes traces under ids of its own, without assessments and
// previews: that is told each time, and the second push sends no write. What it has can be pulled,
// and pulled and pushed again changes nothing.
func TestTracesToMLflow2(t *testing.T) {
	ctx := context.Background()
	src, files := open(t), open(t)
	fill(t, src)
	must(t, errOf(src.ImportTrace(ctx, mlruns.Trace{ID: "tr-open", State: mlruns.TraceInProgress, Start: at(3600), RequestPreview: "in", Metadata: map[string]string{"k": "open"}})))
	dst, w := overHTTP(t, files)
	w.hides = []string{"/api/3.0/mlflow/server-info", "/api/3.0/mlflow/traces"}
	for pass := range 3 {
		w.writes = nil
		items := copyAll(t, dst, src, transfer.Query{})
		var refused []string
		for _, r := range items["trace tr-whole"].Refused {
			refused = append(refused, r.Field)
		}
		slices.Sort(refused)
		if diff := cmp.Diff([]string{"assessments.a-1", "assessments.a-2", "client_request_id", "request_preview", "response_preview"}, slices.Compact(refused)); diff != "" {
			t.Errorf("pass %d: %+v\n%s", pass, items["trace tr-whole"], diff)
		}
		// its metadata could not be added later
		if it := items["trace tr-open"]; len(it.Refused) != 1 || it.Refused[0].Field != "request_preview" {
			t.Errorf("pass %d: %+v", pass, it)
		}
		if it := items["trace tr-bare"]; !it.Whole() || (pass == 0) != (it.Action == transfer.ActionCreated) {
			t.Errorf("pass %d: %+v", pass, it)
		}
		if pass > 0 && len(w.writes) > 0 {
			t.Errorf("pass %d sends %q", pass, w.writes)
		}
	}
	traces := 0
	for trace, err := range files.Traces(ctx, mlruns.TraceQuery{}) {
		must(t, err)
		if traces++; trace.Tags[mlruns.TagSourceTrace] == "tr-whole" && (trace.State != mlruns.TraceError || !trace.End.Equal(at(2345)) || trace.Metadata["k"] != "ü" || trace.Tags["t"] != "1") {
			t.Errorf("%+v", trace)
		}
	}
	if traces != 4 {
		t.Errorf("%d traces", traces)
	}
	back := open(t)
	copyAll(t, back, dst, transfer.Query{})
	w.writes = nil
	for id, it := range copyAll(t, dst, back, transfer.Query{}) {
		if it.Action != transfer.ActionNone {
			t.Errorf("pulled and pushed: %s %+v", id, it)
		}
	}
	for id, it := range copyAll(t, src, dst, transfer.Query{}) {
		if it.Action != transfer.ActionNone && it.Kind == transfer.KindTrace {
			t.Errorf("pulled to where it came from: %s %+v", id, it)
		}
	}
	if len(w.writes) > 0 {
		t.Errorf("sent %q", w.writes)
	}
	sound(t, files)
}

// Of a trace of which a server of MLflow refuses a tag or a preview all else arrives: what cannot
// be added later is sent with the trace.
func TestTraceRefusedInPart(t *testing.T) {
	ctx := context.Background()
	whole := mlruns.Trace{State: mlruns.TraceInProgress, Start: at(1), ClientRequestID: "c", RequestPreview: "in", ResponsePreview: "out",
		Tags: map[string]string{"t": "1"}, Metadata: map[string]string{"m": "1"}, Assessments: []json.RawMessage{feedback("a-1", "")}}
	for name, c := range map[string]struct {
		change func(*mlruns.Trace)
		want   []string
	}{
		"nothing":       {change: func(*mlruns.Trace) {}},
		"a tag":         {change: func(t *mlruns.Trace) { t.Tags = map[string]string{"long": strings.Repeat("x", 8001), "t": "1"} }, want: []string{"tags.long"}},
		"a preview":     {change: func(t *mlruns.Trace) { t.RequestPreview = strings.Repeat("x", 1001) }, want: []string{"client_request_id", "request_preview", "response_preview"}},
		"an assessment": {change: func(t *mlruns.Trace) { t.Assessments = append(t.Assessments, feedback("a-2", `,"overrides":"a-9"`)) }, want: []string{"assessments.a-2"}},
		"some metadata": {change: func(t *mlruns.Trace) { t.Metadata = map[string]string{"long": strings.Repeat("x", 8001)} }, want: []string{"metadata.long"}},
	} {
		src, files := open(t), open(t)
		trace := whole
		trace.ID = "tr-1"
		c.change(&trace)
		must(t, errOf(src.ImportTrace(ctx, trace)))
		dst, w := overHTTP(t, files)
		w.hides = []string{"/api/3.0/mlflow/server-info"} // a server of MLflow
		for pass := range 2 {
			w.writes = nil
			it := copyAll(t, dst, src, transfer.Query{})["trace tr-1"]
			var refused []string
			for _, r := range it.Refused {
				refused = append(refused, r.Field)
			}
			if diff := cmp.Diff(c.want, refused); diff != "" || it.Err != nil || pass > 0 && len(w.writes) > 0 {
				t.Errorf("%s, pass %d (-want +refused): %v, %q\n%s", name, pass, it.Err, w.writes, diff)
			}
		}
		sound(t, files)
	}
}

// The files of a trace that lie outside of the store stay there, and that is told; the rest comes.
func TestTraceFilesElsewhere(t *testing.T) {
	ctx := context.Background()
	fs := memfs.New()
	src, dst := openAt(t, "/mlruns", filestore.WithFs(fs)), open(t)
	must(t, errOf(src.ImportTrace(ctx, mlruns.Trace{ID: "tr-1", State: mlruns.TraceOK, Start: at(1), End: at(2), Tags: map[string]string{"t": "1"}})),
		afero.WriteFile(fs, "/mlruns/0/traces/tr-1/tags/"+mlruns.TagTraceArtifactLocation, []byte("file:///elsewhere/other"), 0o666))
	for _, action := range []transfer.Action{transfer.ActionCreated, transfer.ActionNone} {
		it := copyAll(t, dst, src, transfer.Query{})["trace tr-1"]
		if it.Action != action || len(it.Refused) != 1 || it.Refused[0].Field != "artifacts" {
			t.Errorf("%+v", it)
		}
	}
	if got, err := dst.Trace(ctx, "tr-1"); err != nil || got.Tags["t"] != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	sound(t, dst)
}
