package filestore_test

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/memfs"
)

func importedRun() mlruns.Run {
	return mlruns.Run{
		Info: mlruns.RunInfo{ID: "old", Name: "name", ExperimentID: "7", User: "alice", Status: mlruns.StatusKilled, Start: time.UnixMilli(1000).UTC(),
			End: time.UnixMilli(2000).UTC(), Deleted: time.UnixMilli(3000).UTC(), Stage: mlruns.StageDeleted},
		Data: mlruns.RunData{Metrics: map[string]mlruns.Metric{}, Params: map[string]string{"a/b": "1", "long": string(slices.Repeat([]byte("x"), 7000))},
			Tags: map[string]string{"t": "ü\n"}},
		Inputs: mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1", SourceType: "local", Source: "{}"}, Tags: map[string]string{"k": "v"}}},
			Models: []mlruns.ModelInput{{ModelID: "m-1"}}},
		Outputs: mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-2", Step: 4}}},
	}
}

func pointsOf(list ...mlruns.Metric) iter.Seq2[mlruns.Metric, error] {
	return func(yield func(mlruns.Metric, error) bool) {
		for _, m := range list {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func seriesOf(key string, n int) []mlruns.Metric {
	list := make([]mlruns.Metric, n)
	for i := range list {
		list[i] = mlruns.Metric{Key: key, Value: float64(i) / 3, Step: int64(i), Time: time.UnixMilli(int64(i)).UTC()}
	}
	return list
}

// What is imported is read as it was given, in the trash too, and the store is sound.
func TestImport(t *testing.T) {
	for _, stage := range []mlruns.LifecycleStage{mlruns.StageActive, mlruns.StageDeleted} {
		t.Run(string(stage), func(t *testing.T) {
			s, ctx := filestoretest.Open(t, "/mlruns", filestore.WithFs(memfs.New())), t.Context()
			e := mlruns.Experiment{ID: "7", Name: "seven", Stage: stage, Tags: map[string]string{"k": "v"}, Created: time.UnixMilli(10).UTC(), Updated: time.UnixMilli(20).UTC()}
			filestoretest.Must(t, filestoretest.ErrOf(s.ImportExperiment(ctx, e)))
			got, err := s.Experiment(ctx, "7")
			filestoretest.Must(t, err)
			if diff := cmp.Diff(e, *got, cmpopts.IgnoreFields(e, "ArtifactLocation")); diff != "" {
				t.Errorf("experiment (-want +got):\n%s", diff)
			}
			want, many := importedRun(), seriesOf("many", 20_000)
			filestoretest.Must(t, s.ImportRun(ctx, want, pointsOf(append(many, seriesOf("x/y", 3)...)...)))
			run, err := s.Run(ctx, "old")
			filestoretest.Must(t, err)
			if keys := slices.Sorted(maps.Keys(run.Data.Metrics)); !slices.Equal(keys, []string{"many", "x/y"}) {
				t.Errorf("metrics %q", keys)
			}
			run.Data.Metrics, want.Info.ArtifactURI = want.Data.Metrics, run.Info.ArtifactURI
			if diff := cmp.Diff(&want, run); diff != "" {
				t.Errorf("run (-want +got):\n%s", diff)
			}
			n := 0
			for m, err := range s.MetricHistory(ctx, "old", "many", mlruns.HistoryQuery{}) {
				filestoretest.Must(t, err)
				if m != many[n] {
					t.Fatalf("point %d is %v", n, m)
				}
				n++
			}
			if n != len(many) {
				t.Errorf("%d points of %d", n, len(many))
			}

			add := mlruns.Run{Info: mlruns.RunInfo{ID: "old", Status: mlruns.StatusFinished}, Data: mlruns.RunData{Params: map[string]string{"new": "2"}, Tags: map[string]string{"t": "other"}}}
			filestoretest.Must(t, s.AddToRun(ctx, add, seriesOf("x/y", 5)[3:]))
			if run, err = s.Run(ctx, "old"); err != nil || run.Data.Params["new"] != "2" || run.Data.Tags["t"] != "other" || run.Info.Status != mlruns.StatusFinished ||
				run.Info.Stage != mlruns.StageDeleted || len(filestoretest.History(t, s, "old", "x/y")) != 5 {
				t.Errorf("after AddToRun: %+v, %v", run, err)
			}
			add.Data.Params["a/b"] = "2"
			add.Data.Params["later"] = "3"
			if err := s.AddToRun(ctx, add, nil); !errors.Is(err, mlruns.ErrInvalid) {
				t.Errorf("another value of a param: %v", err)
			}
			if run, err = s.Run(ctx, "old"); err != nil || run.Data.Params["later"] != "" {
				t.Errorf("what was refused was written: %+v, %v", run.Data.Params, err)
			}
			if list := filestoretest.Problems(t, s); len(list) > 0 {
				t.Errorf("Verify: %v", list)
			}
		})
	}
}

// An import that is refused or breaks off leaves nothing.
func TestImportRefused(t *testing.T) {
	fs := memfs.New()
	s, ctx := filestoretest.Open(t, "/mlruns", filestore.WithFs(fs)), t.Context()
	good := func(change func(*mlruns.Run)) mlruns.Run {
		r := importedRun()
		r.Info.ID, r.Info.ExperimentID = "new", mlruns.DefaultExperimentID
		change(&r)
		return r
	}
	first := good(func(r *mlruns.Run) { r.Info.ID = "first" })
	filestoretest.Must(t, s.ImportRun(ctx, first, pointsOf()))
	before := filestoretest.TreeOf(t, fs)
	broken := errors.New("the connection broke")
	point := mlruns.Metric{Key: "a", Time: time.UnixMilli(1)}
	for _, c := range []struct {
		name   string
		run    mlruns.Run
		points iter.Seq2[mlruns.Metric, error]
		want   error
	}{
		{"a taken id", good(func(r *mlruns.Run) { r.Info.ID = "first" }), pointsOf(), mlruns.ErrExists},
		{"no such experiment", good(func(r *mlruns.Run) { r.Info.ExperimentID = "99" }), pointsOf(), mlruns.ErrNotFound},
		{"no status", good(func(r *mlruns.Run) { r.Info.Status = 0 }), pointsOf(), mlruns.ErrInvalid},
		{"no stage", good(func(r *mlruns.Run) { r.Info.Stage = "" }), pointsOf(), mlruns.ErrInvalid},
		{"a key that leads out", good(func(r *mlruns.Run) { r.Data.Tags["../x"] = "" }), pointsOf(), mlruns.ErrInvalid},
		{"a file and a folder", good(func(*mlruns.Run) {}), pointsOf(mlruns.Metric{Key: "a/b", Time: point.Time}, point), mlruns.ErrInvalid},
		{"keys mixed", good(func(*mlruns.Run) {}), pointsOf(point, mlruns.Metric{Key: "b", Time: point.Time}, point), mlruns.ErrInvalid},
		{"a point without a time", good(func(*mlruns.Run) {}), pointsOf(mlruns.Metric{Key: "a"}), mlruns.ErrInvalid},
		{"points break off", good(func(*mlruns.Run) {}), func(yield func(mlruns.Metric, error) bool) {
			if yield(point, nil) {
				yield(mlruns.Metric{}, broken)
			}
		}, broken},
	} {
		if err := s.ImportRun(ctx, c.run, c.points); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if diff := cmp.Diff(before, filestoretest.TreeOf(t, fs)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", c.name, diff)
		}
	}
	for _, e := range []mlruns.Experiment{{Name: "Default", Stage: mlruns.StageActive}, {ID: "0", Name: "other", Stage: mlruns.StageActive}} {
		if _, err := s.ImportExperiment(ctx, e); !errors.Is(err, mlruns.ErrExists) {
			t.Errorf("experiment %q %q: %v", e.ID, e.Name, err)
		}
	}
}

// A model that is imported is whole, or is not there.
func TestImportLoggedModel(t *testing.T) {
	s, ctx := filestoretest.Open(t, "/mlruns", filestore.WithFs(memfs.New())), t.Context()
	want := mlruns.LoggedModel{ID: "m-1", ExperimentID: "0", Name: "name", Type: "agent", SourceRunID: "run", Status: mlruns.ModelReady, Created: time.UnixMilli(10).UTC(),
		Updated: time.UnixMilli(20).UTC(), Stage: mlruns.StageActive, Params: map[string]string{"p": "1"}, Tags: map[string]string{"t": "1"}}
	point := mlruns.Metric{Key: "acc", Value: 1, Time: time.UnixMilli(5).UTC(), RunID: "run", DatasetName: "d", DatasetDigest: "1"}
	later := point
	later.Step = 2
	broken := errors.New("the connection broke")
	if err := s.ImportLoggedModel(ctx, want, func(yield func(mlruns.Metric, error) bool) {
		if yield(point, nil) {
			yield(point, broken)
		}
	}); !errors.Is(err, broken) {
		t.Errorf("points break off: %v", err)
	}
	if _, err := s.LoggedModel(ctx, "m-1"); !errors.Is(err, mlruns.ErrNotFound) {
		t.Errorf("a half imported model: %v", err)
	}
	filestoretest.Must(t, s.ImportLoggedModel(ctx, want, pointsOf(point, later)))
	if err := s.ImportLoggedModel(ctx, want, pointsOf()); !errors.Is(err, mlruns.ErrExists) {
		t.Errorf("a taken id: %v", err)
	}
	m, err := s.LoggedModel(ctx, "m-1")
	filestoretest.Must(t, err)
	if len(m.Metrics) != 1 || m.Metrics[0].Step != 2 || m.Metrics[0].RunID != "run" || m.Metrics[0].DatasetName != "d" {
		t.Errorf("metrics %+v", m.Metrics)
	}
	want.ArtifactLocation = m.ArtifactLocation
	m.Metrics = nil
	if diff := cmp.Diff(&want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	filestoretest.Must(t, s.AddToLoggedModel(ctx, mlruns.LoggedModel{ID: "m-1", Tags: map[string]string{"t": "2"}, Status: mlruns.ModelFailed, Updated: time.UnixMilli(30).UTC()}, []mlruns.Metric{point}))
	n := 0
	for _, err := range s.ModelPoints(ctx, "m-1") {
		filestoretest.Must(t, err)
		n++
	}
	if m, err = s.LoggedModel(ctx, "m-1"); err != nil || n != 3 || m.Tags["t"] != "2" || m.Status != mlruns.ModelFailed || m.Updated.UnixMilli() != 30 {
		t.Errorf("%d points, %+v, %v", n, m, err)
	}
	if list := filestoretest.Problems(t, s); len(list) > 0 && list[0].Kind != mlruns.ProblemDuplicateLine {
		t.Errorf("Verify: %v", list)
	}
}
