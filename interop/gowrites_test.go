//go:build interop

package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// TestGoWritesPythonReads makes a store of everything that our API can write and compares what each
// MLflow reads, and what we read, with what the store was told.
func TestGoWritesPythonReads(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		dir := filepath.Join(t.TempDir(), "mlruns")
		w := newTold(t)
		store, err := filestore.Open(dir, filestore.WithClock(w.clock), filestore.WithSync(filestore.SyncNever))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		w.Client = mlruns.NewClient(store)
		w.all.Experiments["0"] = experiment{Name: "Default", Location: "file://" + dir + "/0", Stage: "active", Created: millis(w.time), Updated: millis(w.time)}
		writeEverything(w, newWild(1), abilitiesOf(p))
		// artifacts of what is in the trash are out of MLflow's reach, and so are those in a bucket
		for id, r := range w.all.Runs {
			if w.all.Experiments[r.Experiment].Stage == "deleted" || strings.HasPrefix(r.URI, "s3:") {
				delete(w.all.Artifacts, id)
			}
		}

		equal(t, "we read", w.all, take(t, w.Client, keys(w.all.Artifacts)))
		var read snapshot
		p.must(t, "dump", map[string]any{"root": dir, "artifacts_of": keys(w.all.Artifacts)}, &read)
		equal(t, "MLflow "+p.mlflow+" reads", knownTo(p, w.all), read)
		sound(t, store, mlruns.ProblemNotPortable, mlruns.ProblemDuplicateLine)
		report(t, p, "we write, Python reads", "ok: %s", w.all.count())
	})
}

// sound fails for everything that Verify finds but the kinds allowed.
func sound(t *testing.T, store mlruns.Verifier, allowed ...mlruns.ProblemKind) {
	t.Helper()
	for p, err := range store.Verify(t.Context(), mlruns.VerifyQuery{}) {
		if err != nil {
			t.Errorf("Verify: %v", err)
		} else if !slices.Contains(allowed, p.Kind) {
			t.Errorf("Verify: %v", p)
		}
	}
}

func writeEverything(w *told, r *wild, a abilities) {
	ctx := w.t.Context()
	experiments := []string{"0"}
	for i := range 6 {
		spec := mlruns.ExperimentSpec{Name: r.name(), Tags: map[string]string{}}
		for range r.IntN(3) {
			spec.Tags[r.key(a)] = r.lines(true)
		}
		if i == 1 && a.buckets {
			spec.ArtifactLocation = "s3://bucket/" + itoa(i)
		}
		experiments = append(experiments, w.createExperiment(spec))
	}
	for _, e := range experiments {
		for range 1 + r.IntN(5) {
			writeRun(w, r, a, e)
		}
		writeParts(w, a, e)
	}
	for i, e := range experiments {
		key, gone := r.key(a), r.key(a)
		for _, tag := range [][2]string{{key, "first"}, {key, r.text()}, {gone, "gone"}} {
			w.check(w.SetExperimentTag(ctx, e, tag[0], tag[1]))
			w.experiment(e, func(x *experiment) {
				if x.Tags == nil {
					x.Tags = map[string]string{}
				}
				x.Tags[tag[0]] = tag[1]
			})
		}
		w.check(w.DeleteExperimentTag(ctx, e, gone))
		delete(w.all.Experiments[e].Tags, gone)
		if r.IntN(2) == 0 {
			name := r.name()
			w.check(w.RenameExperiment(ctx, e, name))
			w.experiment(e, func(x *experiment) { x.Name, x.Updated = name, millis(w.time) })
		}
		if i > 2 {
			w.check(w.DeleteExperiment(ctx, e))
			w.stage(e, "deleted")
		}
		if i > 4 {
			w.check(w.RestoreExperiment(ctx, e))
			w.stage(e, "active")
		}
	}
}

// writeParts makes logged models and traces of all kinds in an experiment, which no version of
// MLflow counts among its runs.
func writeParts(w *told, a abilities, e string) {
	ctx := w.t.Context()
	id := w.createRun(mlruns.RunSpec{ExperimentID: e, Start: time.UnixMilli(1700000000000)})
	for i, status := range []mlruns.ModelStatus{0, mlruns.ModelReady, mlruns.ModelFailed} {
		m, err := w.CreateLoggedModel(ctx, mlruns.ModelSpec{ExperimentID: e, Name: "model", SourceRunID: id, Params: map[string]string{"p": "é"}, Tags: map[string]string{"a/b": "1"}})
		w.check(err)
		point := mlruns.Metric{Key: "of a model", Value: float64(i), Time: time.UnixMilli(int64(i)), Step: int64(i), ModelID: m.ID}
		w.check(w.LogMetric(ctx, id, point))
		point.ModelID = ""
		w.point(id, point)
		if !strings.HasPrefix(m.ArtifactLocation, "s3:") {
			w.check(w.WriteModelArtifact(ctx, m.ID, "model/MLmodel", strings.NewReader("flavors: {}\n")))
		}
		if status != 0 {
			_, err = w.FinalizeLoggedModel(ctx, m.ID, status)
			w.check(err)
		}
		if status == mlruns.ModelFailed && a.deletedModels {
			w.check(w.DeleteLoggedModel(ctx, m.ID))
		}
	}
	// of a model that nobody made, as MLflow leaves it
	point := mlruns.Metric{Key: "of a model", Value: 9, Time: time.UnixMilli(9), Step: 9, ModelID: "m-unknown"}
	w.check(w.LogMetric(ctx, id, point))
	point.ModelID = ""
	w.point(id, point)
	for i, state := range []mlruns.TraceState{mlruns.TraceOK, mlruns.TraceError, mlruns.TraceInProgress} {
		tr := mlruns.Trace{ID: "tr-" + e + "-" + itoa(i), ExperimentID: e, State: state, RequestPreview: "é", Metadata: map[string]string{"mlflow.sourceRun": id}, Tags: map[string]string{"mlflow.traceName": "n"}}
		_, err := w.StartTrace(ctx, tr)
		w.check(err)
		w.check(w.SetTraceTag(ctx, tr.ID, "late", "yes"))
	}
}

func writeRun(w *told, r *wild, a abilities, e string) {
	ctx := w.t.Context()
	spec := mlruns.RunSpec{ExperimentID: e, Start: r.at(), Tags: map[string]string{r.key(a): r.lines(true)}}
	switch r.IntN(4) {
	case 0:
		spec.Name = r.text()
	case 1:
		spec.Tags[mlruns.TagRunName] = "tagged " + r.text()
	case 2:
		spec.Tags[mlruns.TagUser] = "user " + r.text()
	}
	id := w.createRun(spec)
	key := r.key(a)
	for range 1 + r.IntN(6) {
		m := mlruns.Metric{Key: key, Value: r.number(), Time: r.when(a), Step: r.Int64N(3) - 1}
		w.check(w.LogMetric(ctx, id, m))
		w.point(id, m)
	}
	if a.datasetPoints && r.IntN(3) == 0 {
		m := mlruns.Metric{Key: r.key(a), Value: r.number(), Time: r.at(), Step: 7, DatasetName: "dé", DatasetDigest: "0a1"}
		w.check(w.LogMetric(ctx, id, m))
		w.point(id, m)
	}
	key = r.key(a)
	w.check(w.LogParam(ctx, id, key, "once"))
	w.check(w.LogParam(ctx, id, key, "once"))
	w.all.Runs[id].Params[key] = "once"
	var b mlruns.Batch
	batchKeys := []string{r.key(a), r.key(a), r.key(a)}
	for i := range r.IntN(50) {
		b.Metrics = append(b.Metrics, mlruns.Metric{Key: pick(r, batchKeys...), Value: r.number(), Time: r.at(), Step: int64(i)})
	}
	for range r.IntN(5) {
		b.Params = append(b.Params, mlruns.Param{Key: r.key(a), Value: r.lines(a.newlines)})
		b.Tags = append(b.Tags, mlruns.Tag{Key: r.key(a), Value: r.lines(true)})
	}
	b.Params = append(b.Params, mlruns.Param{Key: r.key(a), Value: strings.Repeat("é long ", 857)[:5999]})
	w.logBatch(id, b)
	tag, gone := r.key(a), r.key(a)
	for _, set := range [][2]string{{tag, "first"}, {tag, r.text()}, {gone, "gone"}} {
		w.check(w.SetTag(ctx, id, set[0], set[1]))
		w.all.Runs[id].Tags[set[0]] = set[1]
	}
	w.check(w.DeleteTag(ctx, id, gone))
	delete(w.all.Runs[id].Tags, gone)
	writeInputs(w, r, a, id)
	if !strings.HasPrefix(w.all.Runs[id].URI, "s3:") {
		writeArtifacts(w, r, id)
	}
	finish(w, r, id)
}

func writeInputs(w *told, r *wild, a abilities, id string) {
	ctx := w.t.Context()
	var in mlruns.Inputs
	for i := range r.IntN(3) {
		d := mlruns.Dataset{Name: r.text() + itoa(i), Digest: itoa(r.n), SourceType: "local", Source: r.text(), Schema: r.text(), Profile: r.text()}
		in.Datasets = append(in.Datasets, mlruns.DatasetInput{Dataset: d, Tags: map[string]string{mlruns.TagDatasetContext: r.text()}})
	}
	if a.models {
		in.Models = []mlruns.ModelInput{{ModelID: "m-" + itoa(r.n)}}
	}
	w.check(w.LogInputs(ctx, id, in))
	out := mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-out-" + itoa(r.n), Step: int64(r.IntN(9))}}}
	w.check(w.LogOutputs(ctx, id, out))
	w.run(id, func(x *run) {
		for _, d := range in.Datasets {
			x.Datasets = append(x.Datasets, datasetOf(d))
		}
		for _, m := range in.Models {
			x.ModelsIn = append(x.ModelsIn, m.ModelID)
		}
		x.ModelsOut = [][2]any{{out.Models[0].ModelID, float64(out.Models[0].Step)}}
	})
	record := mlruns.ModelRecord{ArtifactPath: "model é", Created: r.at(), ModelUUID: "u" + itoa(r.n), Flavors: map[string]json.RawMessage{"go": json.RawMessage(`{"v":1}`)}}
	w.check(w.RecordLoggedModel(ctx, id, record))
	history := `[{"run_id": "` + id + `", "artifact_path": "model \u00e9", "utc_time_created": "` + record.Created.Format("2006-01-02 15:04:05.000000") +
		`", "model_uuid": "` + record.ModelUUID + `", "flavors": {"go": {"v": 1}}}]`
	w.all.Runs[id].Tags[mlruns.TagModelHistory] = history
}

func writeArtifacts(w *told, r *wild, id string) {
	ctx, told := w.t.Context(), map[string]string{"in/": "", "sub/": "", "sub/deep/": ""}
	content := func() []byte { return []byte(r.text() + "\x00\xff") }
	put := func(name string, c []byte) { told[name] = sum(int64(len(c)), c) }
	dir := w.t.TempDir()
	one, two, three := content(), content(), content()
	for name, c := range map[string][]byte{"one é.txt": one, "tree/sub/deep/two.bin": two} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		w.check(os.MkdirAll(filepath.Dir(path), 0o777))
		w.check(os.WriteFile(path, c, 0o666))
	}
	w.check(w.LogArtifact(ctx, id, filepath.Join(dir, "one é.txt"), "in"))
	put("in/one é.txt", one)
	w.check(w.LogArtifacts(ctx, id, filepath.Join(dir, "tree"), ""))
	put("sub/deep/two.bin", two)
	w.check(w.WriteArtifact(ctx, id, "sub/three", strings.NewReader("first")))
	w.check(w.WriteArtifact(ctx, id, "sub/three", strings.NewReader(string(three))))
	put("sub/three", three)
	w.check(w.WriteArtifact(ctx, id, "gone", strings.NewReader("gone")))
	w.check(w.DeleteArtifacts(ctx, id, "gone"))
	w.all.Artifacts[id] = told
}

// finish ends, renames, deletes and restores some runs.
func finish(w *told, r *wild, id string) {
	ctx := w.t.Context()
	if r.IntN(3) == 0 {
		name := "renamed " + r.text()
		w.check(w.UpdateRun(ctx, id, mlruns.RunUpdate{Name: name}))
		w.run(id, func(x *run) { x.Name = name })
		w.all.Runs[id].Tags[mlruns.TagRunName] = name
	}
	if r.IntN(3) > 0 {
		status, end := mlruns.Status(1+r.IntN(5)), r.at()
		w.check(w.EndRun(ctx, id, status, end))
		w.run(id, func(x *run) { x.Status, x.End = status.String(), millis(end) })
	}
	if r.IntN(3) == 0 {
		w.check(w.DeleteRun(ctx, id))
		w.run(id, func(x *run) { x.Stage = "deleted" })
		if r.IntN(2) == 0 {
			w.check(w.RestoreRun(ctx, id))
			w.run(id, func(x *run) { x.Stage = "active" })
		}
	}
}
