package layout_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/filestore/layout"
)

func Example() {
	experiment := layout.Experiment("7", true)
	run := layout.Run(experiment, "88c500e318764808a78f41798cde0a1b")
	metric := layout.Join(run, layout.Metrics, "val/loss")
	fmt.Println(metric)
	place := layout.Parse(metric)
	fmt.Println(place.Experiment, place.Trashed, place.Run, place.Key)
	// Output:
	// .trash/7/88c500e318764808a78f41798cde0a1b/metrics/val/loss
	// 7 true 88c500e318764808a78f41798cde0a1b val/loss
}

func TestParse(t *testing.T) {
	tests := []struct {
		path string
		want layout.Place
	}{
		{"0/meta.yaml", layout.Place{Kind: layout.ExperimentMeta, Experiment: "0"}},
		{"0/tags/a/b", layout.Place{Kind: layout.ExperimentTag, Experiment: "0", Key: "a/b"}},
		{".trash/0/meta.yaml", layout.Place{Kind: layout.ExperimentMeta, Experiment: "0", Trashed: true}},
		{"0/r/meta.yaml", layout.Place{Kind: layout.RunMeta, Experiment: "0", Run: "r"}},
		{"0/r/metrics/loss", layout.Place{Kind: layout.Metric, Experiment: "0", Run: "r", Key: "loss"}},
		{"0/r/params/a/b/c", layout.Place{Kind: layout.Param, Experiment: "0", Run: "r", Key: "a/b/c"}},
		{".trash/0/r/tags/mlflow.user", layout.Place{Kind: layout.RunTag, Experiment: "0", Run: "r", Key: "mlflow.user", Trashed: true}},
		{"0/r/artifacts/model/a.bin", layout.Place{Kind: layout.Artifact, Experiment: "0", Run: "r", Key: "model/a.bin"}},
		{"0/datasets/d/meta.yaml", layout.Place{Kind: layout.DatasetMeta, Experiment: "0", Key: "d"}},
		{"0/datasets/d/other", layout.Place{Experiment: "0", Key: "d"}},
		{"0/r/inputs/i/meta.yaml", layout.Place{Kind: layout.InputMeta, Experiment: "0", Run: "r", Key: "i"}},
		{"0/r/outputs/m/meta.yaml", layout.Place{Kind: layout.OutputMeta, Experiment: "0", Run: "r", Key: "m"}},
		{"0/models/m-1/meta.yaml", layout.Place{Kind: layout.ModelMeta, Experiment: "0", Model: "m-1"}},
		{"0/models/m-1/metrics/a/b", layout.Place{Kind: layout.ModelMetric, Experiment: "0", Model: "m-1", Key: "a/b"}},
		{"0/models/m-1/params/p", layout.Place{Kind: layout.ModelParam, Experiment: "0", Model: "m-1", Key: "p"}},
		{".trash/0/models/m-1/tags/t", layout.Place{Kind: layout.ModelTag, Experiment: "0", Model: "m-1", Key: "t", Trashed: true}},
		{"0/models/m-1/artifacts/a/b", layout.Place{Kind: layout.Artifact, Experiment: "0", Model: "m-1", Key: "a/b"}},
		{"0/models/m-1/trace_info.yaml", layout.Place{Experiment: "0", Model: "m-1"}},
		{"0/models/m-1/more/notes", layout.Place{Experiment: "0", Model: "m-1"}},
		{"0/models/m-1/metrics", layout.Place{Experiment: "0", Model: "m-1"}},
		{"0/models/m-1/.mlruns-tmp-1", layout.Place{Kind: layout.Ours, Experiment: "0", Model: "m-1"}},
		{"0/models/.mlruns-tmp-1/m-1.00/meta.yaml", layout.Place{Kind: layout.Ours, Experiment: "0"}},
		{"0/models/m-1", layout.Place{Experiment: "0", Model: "m-1"}},
		{"0/traces/t/trace_info.yaml", layout.Place{Kind: layout.TraceMeta, Experiment: "0", Trace: "t"}},
		{"0/traces/t/meta.yaml", layout.Place{Experiment: "0", Trace: "t"}},
		{"0/traces/t/request_metadata/k", layout.Place{Kind: layout.TraceMetadata, Experiment: "0", Trace: "t", Key: "k"}},
		{"0/traces/t/tags/k", layout.Place{Kind: layout.TraceTag, Experiment: "0", Trace: "t", Key: "k"}},
		{"0/traces/t/assessments/a-1.yaml", layout.Place{Kind: layout.Assessment, Experiment: "0", Trace: "t", Key: "a-1.yaml"}},
		{"0/traces/t/artifacts/traces.json", layout.Place{Kind: layout.Artifact, Experiment: "0", Trace: "t", Key: "traces.json"}},
		{"models/reg/meta.yaml", layout.Place{Kind: layout.Carried}},
		{layout.Lock, layout.Place{Kind: layout.Ours}},
		{layout.ExperimentLock("0"), layout.Place{Kind: layout.Ours}},
		{layout.Private + "/x/meta.yaml", layout.Place{Kind: layout.Ours}},
		{"0/r/" + layout.Lock, layout.Place{Kind: layout.Ours, Experiment: "0", Run: "r"}},
		{"0/r/.mlruns-tmp-1", layout.Place{Kind: layout.Ours, Experiment: "0", Run: "r"}},
		{"0/.mlruns-x", layout.Place{Kind: layout.Ours, Experiment: "0"}},
		{"0/notes.txt", layout.Place{Experiment: "0"}},
		{"0/r/notes.txt", layout.Place{Experiment: "0", Run: "r"}},
		{"0/r/more/notes.txt", layout.Place{Experiment: "0", Run: "r"}},
		{"README", layout.Place{}},
		{"", layout.Place{}},
	}
	for _, tt := range tests {
		if got := layout.Parse(tt.path); got != tt.want {
			t.Errorf("Parse(%q) = %+v, want %+v", tt.path, got, tt.want)
		}
	}
}

func TestMetaOf(t *testing.T) {
	for dir, want := range map[string]string{"0": "meta.yaml", ".trash/0/r": "meta.yaml", "0/models/m-1": "meta.yaml", ".trash/0/traces/t": "trace_info.yaml", "0/traces": "meta.yaml", "": "meta.yaml"} {
		if got := layout.MetaOf(dir); got != want {
			t.Errorf("MetaOf(%q) = %q, want %q", dir, got, want)
		}
	}
}

func TestReserved(t *testing.T) {
	for name, want := range map[string]bool{".trash": true, ".mlruns.trash": true, "old.trash": true, "models": true, "0": false, "trash": false} {
		if got := layout.ReservedInRoot(name); got != want {
			t.Errorf("ReservedInRoot(%q) = %v, want %v", name, got, want)
		}
	}
	for name, want := range map[string]bool{"tags": true, "datasets": true, "traces": true, "models": true, "artifacts": true, "metrics": false, "abc": false} {
		if got := layout.ReservedInExperiment(name); got != want {
			t.Errorf("ReservedInExperiment(%q) = %v, want %v", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0", "r", "a/b", true)
	f.Fuzz(func(t *testing.T, experiment, run, key string, trashed bool) {
		if experiment == "" || run == "" || key == "" || strings.Contains(experiment+run, "/") || strings.HasPrefix(experiment, ".") || layout.ReservedInRoot(experiment) ||
			layout.ReservedInExperiment(run) {
			t.Skip("no ids")
		}
		dir := layout.Run(layout.Experiment(experiment, trashed), run)
		for folder, kind := range map[string]layout.Kind{layout.Metrics: layout.Metric, layout.Params: layout.Param, layout.Tags: layout.RunTag, layout.Artifacts: layout.Artifact} {
			want := layout.Place{Kind: kind, Experiment: experiment, Run: run, Key: key, Trashed: trashed}
			if got := layout.Parse(layout.Join(dir, folder, key)); got != want {
				t.Errorf("Parse(Join(%q, %q, %q)) = %+v, want %+v", dir, folder, key, got, want)
			}
		}
	})
}
