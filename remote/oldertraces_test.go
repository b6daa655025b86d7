package remote_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
)

// TestTracesOfMLflow2 reads, changes and imports traces on a server that has the calls of MLflow
// 2.14 to 3.1 alone, and asks for each newer one once.
func TestTracesOfMLflow2(t *testing.T) {
	w := newWorld(t, true)
	w.proxy.older = true
	w.proxy.arm(-2, nil)
	want := must(w.folder.Trace(w.ctx, "tr-1"))(w)
	want.Assessments, want.End = nil, want.Start // the form has no room for either
	for range 2 {
		got := must(w.store.Trace(w.ctx, "tr-1"))(w)
		got.ArtifactLocation, got.Tags[mlruns.TagTraceArtifactLocation] = want.ArtifactLocation, want.ArtifactLocation
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		page := must(w.store.SearchTraces(w.ctx, mlruns.TraceQuery{Filter: "tags.old = '1'", OrderBy: []string{"timestamp DESC"}, MaxResults: 1}))(w)
		if len(page.Traces) != 1 || page.Traces[0].ID != "tr-1" {
			t.Errorf("found %v", page.Traces)
		}
	}
	w.check(w.store.SetTraceTag(w.ctx, "tr-1", "k", "v"))
	w.check(w.store.DeleteTraceTag(w.ctx, "tr-1", "old"))
	w.proxy.arm(-1, func(p *proxy, rw http.ResponseWriter, r *http.Request, body []byte) {
		if strings.HasSuffix(r.URL.Path, "/traces.json") { // as MLflow 2 tells of a file that is not there
			answer(rw, reply{http.StatusInternalServerError, nil, []byte(`{"error_code":"INTERNAL_ERROR","message":"No such file or directory"}`)})
			return
		}
		answer(rw, p.forward(r, body))
	})
	if _, err := w.store.TraceData(w.ctx, "tr-1"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("spans that did not come: %v", err)
	}
	w.proxy.arm(-2, nil)
	w.check(w.store.WriteTraceArtifact(w.ctx, "tr-1", "traces.json", strings.NewReader(`{"spans":[]}`)))
	if data := must(w.store.TraceData(w.ctx, "tr-1"))(w); string(data) != `{"spans":[]}` {
		t.Errorf("spans %s", data)
	}
	ended := must(w.store.EndTrace(w.ctx, "tr-1", mlruns.TraceEnd{State: mlruns.TraceOK, End: someTime.Add(time.Second)}))(w)
	if ended.Tags["k"] != "v" || ended.Tags["old"] != "" || !ended.End.Equal(someTime.Add(time.Second)) {
		t.Errorf("ended: %+v", ended)
	}
	for what, err := range map[string]error{
		"an assessment":        second(w.store.Assessment(w.ctx, "tr-1", "a-old")),
		"StartTrace":           second(w.store.StartTrace(w.ctx, mlruns.Trace{ID: "tr-9"})),
		"import with previews": second(w.store.ImportTrace(w.ctx, mlruns.Trace{ID: "tr-9", RequestPreview: "x"})),
		"import with assessments": second(w.store.ImportTrace(w.ctx, mlruns.Trace{ID: "tr-9", Start: someTime,
			Assessments: []json.RawMessage{json.RawMessage(oldAssessment)}})),
	} {
		if !errors.Is(err, mlruns.ErrUnsupported) || !strings.Contains(err.Error(), "3.2") {
			t.Errorf("%s: %v", what, err)
		}
	}
	asked := slices.DeleteFunc(w.proxy.requests(), func(r string) bool { return !strings.Contains(r, "/api/3.0/mlflow/traces") })
	slices.Sort(asked)
	if twice := len(asked) - len(slices.Compact(slices.Clone(asked))); twice > 0 {
		t.Errorf("asked again for what the server lacks: %q", asked)
	}
	if n := must(w.store.DeleteTraces(w.ctx, mlruns.TraceDeletion{ExperimentID: w.experiment, IDs: []string{"tr-1"}}))(w); n != 1 {
		t.Errorf("%d deleted", n)
	}
}

// TestImportTraceToMLflow2 imports a trace under every fault: it is there once, with the id it had
// as a tag.
func TestImportTraceToMLflow2(t *testing.T) {
	want := mlruns.Trace{ID: "tr-2", State: mlruns.TraceError, Start: someTime, End: someTime.Add(time.Second), Metadata: map[string]string{"m": "1"}, Tags: map[string]string{"t": "1"}}
	for _, f := range faults {
		for i, met := 0, true; met; i++ {
			w := newWorld(t, true)
			w.proxy.older = true
			want.ExperimentID = w.experiment
			w.proxy.arm(i, f.do)
			id, err := w.store.ImportTrace(w.ctx, want)
			met = w.proxy.met()
			w.proxy.arm(-2, nil)
			if err != nil {
				t.Errorf("%s at request %d: %v", f.name, i, err)
				continue
			}
			page := must(w.folder.SearchTraces(w.ctx, mlruns.TraceQuery{Filter: "tags.`" + mlruns.TagSourceTrace + "` = 'tr-2'"}))(w)
			if len(page.Traces) != 1 || page.Traces[0].ID != id || page.Traces[0].State != want.State || !page.Traces[0].End.Equal(want.End) || page.Traces[0].Metadata["m"] != "1" {
				t.Errorf("%s at request %d: %d traces: %+v", f.name, i, len(page.Traces), page.Traces)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }
