package transfer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/transfer"
)

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func errOf[T any](_ T, err error) error { return err }

// open opens a store in a file system of memory.
func open(t testing.TB, opts ...filestore.Option) *filestore.Store {
	t.Helper()
	return openAt(t, "/mlruns", append([]filestore.Option{filestore.WithFs(memfs.New())}, opts...)...)
}

func openAt(t testing.TB, dir string, opts ...filestore.Option) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(dir, opts...)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func point(key string, value float64, step int64) mlruns.Metric {
	return mlruns.Metric{Key: key, Value: value, Step: step, Time: at(1000 + step)}
}

// fill makes a store with a bit of everything.
func fill(t testing.TB, s *filestore.Store) {
	t.Helper()
	ctx := context.Background()
	must(t, errOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "123456789012345678", Name: "one", Tags: map[string]string{"owner": "alice"}})),
		errOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "223456789012345678", Name: "gone"})))
	for i, spec := range []mlruns.RunSpec{
		{ID: "child", ExperimentID: "123456789012345678", Start: at(10), Tags: map[string]string{mlruns.TagParentRunID: "parent", "a/b": "ü"}},
		{ID: "parent", ExperimentID: "123456789012345678", Name: "the parent", User: "bob", Start: at(20)},
		{ID: "ring1", Start: at(30), Tags: map[string]string{mlruns.TagParentRunID: "ring2"}},
		{ID: "ring2", Start: at(40), Tags: map[string]string{mlruns.TagParentRunID: "ring1"}},
		{ID: "deleted", ExperimentID: "123456789012345678", Start: at(50)},
		{ID: "trashed", ExperimentID: "223456789012345678", Start: at(60)},
	} {
		must(t, errOf(s.CreateRun(ctx, spec)))
		must(t, s.LogBatch(ctx, spec.ID, mlruns.Batch{
			Metrics: []mlruns.Metric{point("loss", 1, 0), point("loss", float64(i), 1), point("loss", float64(i), 1), point("x/y", 3, -4)},
			Params:  []mlruns.Param{{Key: "lr", Value: fmt.Sprint(i)}, {Key: "p/q", Value: ""}},
		}))
		must(t, s.WriteArtifact(ctx, spec.ID, "dir/file.txt", strings.NewReader(strings.Repeat(spec.ID, i+1))), s.WriteArtifact(ctx, spec.ID, "empty", strings.NewReader("")))
	}
	must(t, s.LogInputs(ctx, "parent", mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1", SourceType: "local", Source: "{}", Schema: "{}"},
		Tags: map[string]string{mlruns.TagDatasetContext: "training"}}}}))
	must(t, s.EndRun(ctx, "parent", mlruns.StatusKilled, at(5000)), s.EndRun(ctx, "child", 0, at(6000)), s.EndRun(ctx, "deleted", mlruns.StatusFailed, at(7000)), s.EndRun(ctx, "trashed", 0, at(8000)),
		s.EndRun(ctx, "ring1", 0, at(9000)), s.EndRun(ctx, "ring2", 0, at(9000)))
	fillTraces(t, s)
	must(t, s.DeleteRun(ctx, "deleted"), s.DeleteExperiment(ctx, "223456789012345678"))
}

// snapshot is all that a store says of its experiments and runs, but for where artifacts lie.
func snapshot(t testing.TB, s mlruns.Store) map[string]any {
	t.Helper()
	ctx := context.Background()
	all := map[string]any{}
	for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll}) {
		must(t, err)
		e.ArtifactLocation = ""
		if e.ID == mlruns.DefaultExperimentID { // every store makes its own
			e.Created, e.Updated = time.Time{}, time.Time{}
		}
		all["experiment "+e.ID] = e
		snapshotTraces(t, s, e.ID, all)
		for r, err := range s.Runs(ctx, mlruns.RunQuery{Experiments: []string{e.ID}, View: mlruns.ViewAll}) {
			must(t, err)
			r.Info.ArtifactURI = ""
			all["run "+r.Info.ID] = *r
			for key := range r.Data.Metrics {
				var points []string
				for m, err := range s.MetricHistory(ctx, r.Info.ID, key, mlruns.HistoryQuery{}) {
					must(t, err)
					points = append(points, fmt.Sprintf("%d %v %d %s %s", m.Time.UnixMilli(), m.Value, m.Step, m.DatasetName, m.DatasetDigest))
				}
				all["history "+r.Info.ID+" "+key] = points
			}
			artifacts(t, s, r.Info.ID, "", all)
		}
	}
	return all
}

// fillTraces makes traces: one with all that a trace can have, one that is under way, one that says
// nothing, and one in the experiment that is deleted.
func fillTraces(t testing.TB, s *filestore.Store) {
	t.Helper()
	ctx := context.Background()
	assessed := func(id, more string) json.RawMessage {
		return json.RawMessage(fmt.Sprintf(`{"assessment_id":%q,"assessment_name":"q","feedback":{"value":[1,"é"]},"create_time":"2024-05-01T00:00:00Z","last_update_time":"2024-05-02T00:00:00.500Z",`+
			`"source":{"source_type":"HUMAN","source_id":"a@b"},"metadata":{"m":"1"}%s}`, id, more))
	}
	for _, trace := range []mlruns.Trace{
		{ID: "tr-whole", ExperimentID: "123456789012345678", ClientRequestID: "client", State: mlruns.TraceError, Start: at(1000), End: at(2345), RequestPreview: "in\n", ResponsePreview: "out",
			Metadata: map[string]string{mlruns.TraceMetadataRun: "parent", "k": "ü"}, Tags: map[string]string{mlruns.TagTraceName: "chat", "t": "1"},
			Assessments: []json.RawMessage{assessed("a-1", `,"valid":false`), assessed("a-2", `,"valid":true,"overrides":"a-1"`)}},
		{ID: "tr-under-way", ExperimentID: "123456789012345678", State: mlruns.TraceInProgress, Start: at(3000)},
		{ID: "tr-bare", Start: at(3500), State: mlruns.TraceOK, End: at(3500)},
		{ID: "tr-trashed", ExperimentID: "223456789012345678", State: mlruns.TraceOK, Start: at(4000), End: at(5000), Metadata: map[string]string{mlruns.TraceMetadataRun: "trashed"}},
	} {
		must(t, errOf(s.ImportTrace(ctx, trace)))
	}
	must(t, s.WriteTraceArtifact(ctx, "tr-whole", "traces.json", strings.NewReader(`{"spans": [{"name": "é"}]}`)),
		s.WriteTraceArtifact(ctx, "tr-whole", "attachments/a", strings.NewReader("attached")), s.WriteTraceArtifact(ctx, "tr-trashed", "traces.json", strings.NewReader(`{"spans": []}`)))
}

// snapshotTraces notes the traces of an experiment.
func snapshotTraces(t testing.TB, s mlruns.Store, experiment string, all map[string]any) {
	t.Helper()
	ctx := context.Background()
	traces, ok := s.(interface {
		mlruns.TraceStore
		mlruns.TraceRecorder
	})
	if !ok {
		return
	}
	for trace, err := range traces.Traces(ctx, mlruns.TraceQuery{Experiments: []string{experiment}}) {
		must(t, err)
		trace.ArtifactLocation = ""
		delete(trace.Tags, mlruns.TagTraceArtifactLocation)
		all["trace "+trace.ID] = *trace
		for _, folder := range []string{"", "attachments"} {
			list, err := traces.TraceArtifacts(ctx, trace.ID, folder)
			must(t, err)
			for _, f := range list {
				if f.IsDir {
					continue
				}
				r, err := traces.OpenTraceArtifact(ctx, trace.ID, f.Path)
				must(t, err)
				var data bytes.Buffer
				must(t, errOf(io.Copy(&data, r)), r.Close())
				all["file "+trace.ID+" "+f.Path] = data.String()
			}
		}
	}
}

func artifacts(t testing.TB, s mlruns.Store, run, folder string, all map[string]any) {
	t.Helper()
	ctx := context.Background()
	a := s.(mlruns.ArtifactStore)
	list, err := a.Artifacts(ctx, run, folder)
	must(t, err)
	for _, f := range list {
		if f.IsDir {
			artifacts(t, s, run, f.Path, all)
			continue
		}
		r, err := a.OpenArtifact(ctx, run, f.Path)
		must(t, err)
		var data bytes.Buffer
		must(t, errOf(io.Copy(&data, r)), r.Close())
		all["artifact "+run+" "+f.Path] = data.String()
	}
}

// copyAll copies and gives the items by the id of what they are about.
func copyAll(t testing.TB, dst, src mlruns.Store, q transfer.Query) map[string]transfer.Item {
	t.Helper()
	items := map[string]transfer.Item{}
	for it, err := range transfer.Copy(context.Background(), dst, src, q) {
		must(t, err)
		must(t, it.Err)
		key := string(it.Kind) + " " + it.SourceID
		if _, twice := items[key]; twice {
			t.Errorf("%s is told twice", key)
		}
		items[key] = it
	}
	return items
}

// sound checks that Verify finds nothing. A point that was logged twice is what it is.
func sound(t testing.TB, s *filestore.Store) {
	t.Helper()
	for p, err := range s.Verify(context.Background(), mlruns.VerifyQuery{}) {
		must(t, err)
		if p.Kind != mlruns.ProblemDuplicateLine && p.Kind != mlruns.ProblemLeftover {
			t.Errorf("Verify: %v", p)
		}
	}
}
