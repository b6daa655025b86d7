package storetest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
)

func sortedInputs(in mlruns.Inputs) mlruns.Inputs {
	slices.SortFunc(in.Datasets, func(a, b mlruns.DatasetInput) int {
		return cmp.Or(cmp.Compare(a.Dataset.Name, b.Dataset.Name), cmp.Compare(a.Dataset.Digest, b.Dataset.Digest))
	})
	slices.SortFunc(in.Models, func(a, b mlruns.ModelInput) int { return cmp.Compare(a.ModelID, b.ModelID) })
	return in
}

var inputScenarios = []scenario{
	{name: "inputs", run: func(f *fixture) {
		id := f.newRun()
		in := mlruns.Inputs{
			Datasets: []mlruns.DatasetInput{
				{Dataset: mlruns.Dataset{Name: "a: b", Digest: "1e3", SourceType: "local", Source: `{"uri": "x"}`, Schema: "{\"a\": 1}\n", Profile: "é"}, Tags: map[string]string{mlruns.TagDatasetContext: "train", "": "", "x": "it's: y"}},
				{Dataset: mlruns.Dataset{Name: "b", Digest: "2"}},
			},
			Models: []mlruns.ModelInput{{ModelID: "m-1"}, {ModelID: "m-2"}},
		}
		f.must(f.client.LogInputs(f.ctx, id, in))
		equal(f, "inputs", sortedInputs(f.read(id).Inputs), in)
		again := mlruns.Inputs{
			Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "b", Digest: "2", Source: "other"}, Tags: map[string]string{"new": "tag"}}},
			Models:   in.Models,
		}
		f.must(f.client.LogInputs(f.ctx, id, again))
		equal(f, "inputs: the first stays", sortedInputs(f.read(id).Inputs), in)

		other := f.newRun()
		f.must(f.client.LogInputs(f.ctx, other, again))
		want := again
		want.Datasets = []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "b", Digest: "2"}, Tags: map[string]string{"new": "tag"}}}
		equal(f, "the data set is the experiment's, the tags are the run's", sortedInputs(f.read(other).Inputs), want)
		f.must(f.client.LogInputs(f.ctx, id, mlruns.Inputs{}))
	}},
	{name: "outputs", run: func(f *fixture) {
		id := f.newRun()
		out := mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1", Step: 3}, {ModelID: "m-2", Step: -1}, {ModelID: "m-3"}}}
		f.must(f.client.LogOutputs(f.ctx, id, out))
		f.must(f.client.LogOutputs(f.ctx, id, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1", Step: 9}}}))
		f.must(f.client.LogOutputs(f.ctx, id, mlruns.Outputs{}))
		equal(f, "outputs", f.read(id).Outputs, out)
	}},
	{name: "survive the trash", run: func(f *fixture) {
		experiment := f.newExperiment("one")
		id := need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ExperimentID: experiment}))(f).Info.ID
		f.must(f.client.LogInputs(f.ctx, id, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "a", Digest: "1"}}}}))
		was := f.read(id)
		f.must(f.client.DeleteExperiment(f.ctx, experiment))
		equal(f, "inputs in the trash", f.read(id).Inputs, was.Inputs)
		f.must(f.client.RestoreExperiment(f.ctx, experiment))
		equal(f, "the run", f.read(id), was)
	}},
	{name: "record logged model", run: func(f *fixture) {
		id := f.newRun()
		created := time.Date(2024, 1, 2, 3, 4, 5, 678_901_234, time.FixedZone("", 3600))
		f.must(f.client.RecordLoggedModel(f.ctx, id, mlruns.ModelRecord{ArtifactPath: "modèle", Created: created, ModelUUID: "u1",
			Flavors: map[string]json.RawMessage{"sklearn": json.RawMessage(`{"b":[1,2],"a":"x:y,z"}`), "python_function": json.RawMessage(`{}`), "note": json.RawMessage(`"a text"`)}}))
		const first = `{"run_id": "%", "artifact_path": "mod\u00e8le", "utc_time_created": "2024-01-02 02:04:05.678901", "model_uuid": "u1", "flavors": {"note": "a text", "python_function": {}, "sklearn": {"b": [1, 2], "a": "x:y,z"}}}`
		history := f.read(id).Data.Tags[mlruns.TagModelHistory]
		equal(f, "as json.dumps writes it", history, "["+replaceRun(first, id)+"]")

		f.must(f.client.RecordLoggedModel(f.ctx, id, mlruns.ModelRecord{ArtifactPath: "two"}))
		var records []map[string]any
		history = f.read(id).Data.Tags[mlruns.TagModelHistory]
		f.must(json.Unmarshal([]byte(history), &records))
		equal(f, "records", len(records), 2)
		equal(f, "the second", records[1]["artifact_path"], any("two"))
		equal(f, "what was there", history[:len(first)+len(id)], "["+replaceRun(first, id))
	}},
	{name: "a broken model history is not overwritten", run: func(f *fixture) {
		id := f.newRun()
		f.must(f.client.SetTag(f.ctx, id, mlruns.TagModelHistory, "{not json"))
		f.refused(f.client.RecordLoggedModel(f.ctx, id, mlruns.ModelRecord{ArtifactPath: "x"}), mlruns.ErrCorrupt, mlruns.CodeInternal,
			"the tag mlflow.log-model.history is not a JSON array")
		equal(f, "the tag", f.read(id).Data.Tags[mlruns.TagModelHistory], "{not json")
	}},
}

func replaceRun(template, run string) string { return strings.Replace(template, "%", run, 1) }
