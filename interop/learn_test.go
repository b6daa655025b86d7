//go:build interop

package interop

import (
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/server"
)

// served is a new store and a server over it.
func served(t *testing.T, p *python) (dir, uri string, store *filestore.Store) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "mlruns")
	store, err := filestore.Open(dir, filestore.WithTruncation(), filestore.WithSync(filestore.SyncNever))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server.New(store, throughServer(p)...))
	t.Cleanup(func() {
		web.Close()
		_ = store.Close()
	})
	return dir, web.URL, store
}

type predicted struct{ SKLearn, PyFunc []int }

// TestLearnOverHTTP trains with scikit-learn and each MLflow beside which it is installed: with
// autologging, and with what a notebook logs by hand. The models are loaded back over HTTP, and
// from the folder by the real file store.
func TestLearnOverHTTP(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		var learns bool
		if p.must(t, "learns", nil, &learns); !learns {
			t.Skip("the pins of this version have no scikit-learn")
		}
		dir, uri, store := served(t, p)
		var said struct {
			Run, Hand, URI, Made string
			Wanted               []int
			Loaded               predicted
			ByHand               predicted `json:"loaded_by_hand"`
			Children             int
			Params               map[string]string
			Metrics              []string
			Datasets, Files      []string
		}
		p.must(t, "learn", map[string]any{"root": uri}, &said)
		var onDisk predicted
		p.must(t, "load", map[string]any{"root": dir, "uri": said.URI}, &onDisk)
		for what, got := range map[string][]int{
			"over HTTP": said.Loaded.SKLearn, "over HTTP, as a function": said.Loaded.PyFunc, "logged by hand": said.ByHand.SKLearn, "from the folder": onDisk.SKLearn, "from the folder, as a function": onDisk.PyFunc,
		} {
			if len(got) == 0 || !slices.Equal(got, said.Wanted) {
				t.Errorf("the model that is loaded %s predicts %v, want %v", what, got, said.Wanted)
			}
		}
		if said.Children != 3 || said.Params["C"] != "0.5" || !slices.Contains(said.Metrics, "training_accuracy_score") || !slices.Equal(said.Datasets, []string{"array", "points"}) {
			t.Errorf("MLflow has %+v", said)
		}
		files := []string{"picture.png", "plots/figure.png", "table.json"}
		if p.since(2, 11) {
			files = append(files, "images/")
		}
		for _, file := range files {
			if !slices.ContainsFunc(said.Files, func(f string) bool { return strings.HasPrefix(f, file) }) {
				t.Errorf("of the artifacts %q is missing: %q", file, said.Files)
			}
		}
		run, err := store.Run(t.Context(), said.Run)
		if err != nil || run.Data.Params["C"] != "0.5" || run.Data.Metrics["training_accuracy_score"].Value != 1 || run.Info.Status != mlruns.StatusFinished || len(run.Inputs.Datasets) == 0 {
			t.Errorf("the run is %+v, %v", run, err)
		}
		if id, isModel := strings.CutPrefix(said.URI, "models:/"); isModel {
			m, err := store.LoggedModel(t.Context(), id)
			if err != nil || m.Status != mlruns.ModelReady || m.SourceRunID != said.Run || m.Params["C"] != "0.5" || len(run.Outputs.Models) != 1 || run.Outputs.Models[0].ModelID != id {
				t.Errorf("the model is %+v, %v; the run has %+v", m, err, run.Outputs)
			}
		}
		sound(t, store, mlruns.ProblemNotPortable)
		report(t, p, "trains over HTTP", "ok")
	})
}

type toldTrace struct {
	ID, Experiment, State string
	Spans, Assessments    []string
	Tags                  map[string]string
}

// TestTracesOverHTTP traces programs with each MLflow that does. What it wrote the real file store
// reads from the folder, if it knows this form of a trace.
func TestTracesOverHTTP(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		if !p.since(2, 14) {
			t.Skip("there were no traces yet")
		}
		dir, uri, store := served(t, p)
		var said struct {
			IDs            []string
			Good           toldTrace
			Found          []toldTrace
			Failed         []string
			Frame, Deleted int
		}
		p.must(t, "traced", map[string]any{"root": uri}, &said)
		assessments := []string{}
		if p.since(3, 2) {
			assessments = []string{"answer=1, 2", "nice=True"}
		}
		all := []toldTrace{said.Good}
		if all = append(all, said.Found...); len(said.Found) != 1 {
			t.Errorf("found %+v", said.Found)
		}
		if p.since(3, 2) {
			var onDisk toldTrace
			p.must(t, "read_trace", map[string]any{"root": dir, "id": said.IDs[0]}, &onDisk)
			all = append(all, onDisk)
		}
		for _, got := range all {
			if got.ID != said.IDs[0] || got.State != "OK" || !slices.Equal(got.Spans, []string{"inner", "root"}) || len(got.Tags) != 1 || got.Tags["color"] != "red" || !slices.Equal(got.Assessments, assessments) {
				t.Errorf("MLflow has %+v", got)
			}
		}
		if said.Frame != 2 || said.Deleted != 1 || !slices.Equal(said.Failed, said.IDs[1:2]) {
			t.Errorf("MLflow has %+v", said)
		}
		ours, err := store.Trace(t.Context(), said.IDs[0])
		if err != nil || ours.State != mlruns.TraceOK || ours.Tags["color"] != "red" || len(ours.Assessments) != len(assessments) {
			t.Errorf("the trace is %+v, %v", ours, err)
		}
		if spans, err := store.TraceData(t.Context(), said.IDs[0]); err != nil || !strings.Contains(string(spans), `"inner"`) {
			t.Errorf("the spans are %.300s, %v", spans, err)
		}
		sound(t, store)
		report(t, p, "traces over HTTP", "ok")
	})
}
