package transfer_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"
	"pgregory.net/rapid"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/transfer"
)

// sideRun is what a merge must know of a run of one side: points by key, as texts, each as often as
// it is there, and its params and tags. A logged model is one too.
type sideRun struct {
	points       map[string]map[string]int
	params, tags map[string]string
}

func sideOf(t testing.TB, s *filestore.Store) map[string]sideRun {
	runs := map[string]sideRun{}
	ctx := context.Background()
	for r, err := range s.Runs(ctx, mlruns.RunQuery{View: mlruns.ViewAll}) {
		must(t, err)
		side := sideRun{points: map[string]map[string]int{}, params: r.Data.Params, tags: r.Data.Tags}
		for key := range r.Data.Metrics {
			side.points[key] = map[string]int{}
			for m, err := range s.MetricHistory(ctx, r.Info.ID, key, mlruns.HistoryQuery{}) {
				must(t, err)
				side.points[key][fmt.Sprint(m.Time.UnixMilli(), math.Float64bits(m.Value), m.Step)]++
			}
		}
		runs[r.Info.ID] = side
	}
	for m, err := range s.LoggedModels(ctx, mlruns.ModelQuery{}) {
		must(t, err)
		side := sideRun{points: map[string]map[string]int{}, params: m.Params, tags: m.Tags}
		for p, err := range s.ModelPoints(ctx, m.ID) {
			must(t, err)
			if side.points[p.Key] == nil {
				side.points[p.Key] = map[string]int{}
			}
			side.points[p.Key][fmt.Sprint(p.Time.UnixMilli(), math.Float64bits(p.Value), p.Step, p.RunID)]++
		}
		runs["model "+m.ID] = side
	}
	return runs
}

// union is what must be in a store that another was merged into: of points the larger number, of
// values that differ the destination's.
func union(source, destination map[string]sideRun) map[string]sideRun {
	all := map[string]sideRun{}
	for _, side := range []map[string]sideRun{source, destination} {
		for id, r := range side {
			into, ok := all[id]
			if !ok {
				into = sideRun{points: map[string]map[string]int{}, params: map[string]string{}, tags: map[string]string{}}
				all[id] = into
			}
			for key, points := range r.points {
				if into.points[key] == nil {
					into.points[key] = map[string]int{}
				}
				for p, n := range points {
					into.points[key][p] = max(into.points[key][p], n)
				}
			}
			for key, v := range r.params {
				into.params[key] = v
			}
			for key, v := range r.tags {
				into.tags[key] = v
			}
		}
	}
	return all
}

// live lets a store go on: some calls that draw their arguments.
func live(t *rapid.T, s *filestore.Store, label string) {
	ctx := context.Background()
	ids := []string{"r1", "r2", "r3", "r4"}
	for range rapid.IntRange(0, 12).Draw(t, label) {
		id := rapid.SampledFrom(ids).Draw(t, "run")
		key := rapid.SampledFrom([]string{"a", "b", "c/d"}).Draw(t, "key")
		small := rapid.IntRange(0, 3).Draw(t, "value")
		if _, err := s.Run(ctx, id); err != nil {
			if _, err := s.CreateRun(ctx, mlruns.RunSpec{ID: id, Name: "name", User: "u", Start: at(5)}); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		switch rapid.IntRange(0, 6).Draw(t, "call") {
		case 6: // a point of a model too
			if _, missing := s.LoggedModel(ctx, "m-1"); missing != nil {
				err = s.ImportLoggedModel(ctx, mlruns.LoggedModel{ID: "m-1", ExperimentID: "0", Name: "model", Status: mlruns.ModelReady, Created: at(1), Stage: mlruns.StageActive}, func(func(mlruns.Metric, error) bool) {})
			}
			if err == nil {
				err = s.LogMetric(ctx, id, mlruns.Metric{Key: key, Value: float64(small), Step: int64(3 - small), Time: at(int64(10 + small)), ModelID: "m-1"})
			}
		case 0, 1, 2:
			err = s.LogMetric(ctx, id, mlruns.Metric{Key: key, Value: []float64{0, 1, math.NaN(), math.Inf(1)}[small], Step: int64(small), Time: at(int64(10 + small))})
		case 3:
			_ = s.LogParam(ctx, id, key, fmt.Sprint(small)) // another value is refused
		case 4:
			err = s.SetTag(ctx, id, key, fmt.Sprint(small))
		case 5:
			err = s.EndRun(ctx, id, mlruns.StatusFinished, at(99))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// filesOf gives the files of a store but for locks and some others.
func filesOf(t *rapid.T, fs *memfs.FS, but map[string]bool) map[string]string {
	files := map[string]string{}
	err := afero.Walk(fs, "/mlruns", func(name string, info os.FileInfo, err error) error {
		rel := strings.TrimPrefix(name, "/mlruns/")
		if err != nil || info.IsDir() || but[rel] || strings.HasSuffix(rel, ".lock") {
			return err
		}
		data, err := afero.ReadFile(fs, name)
		files[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestMergeAgainstModel merges random pairs of stores with a common past, in both directions: each
// result holds every point, param and tag of both, the two are the same but for values that differ,
// byte for byte, a second merge finds nothing to do, and Verify nothing wrong.
func TestMergeAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		opened := func(fs *memfs.FS) *filestore.Store {
			s, err := filestore.Open("/mlruns", filestore.WithFs(fs), filestore.WithSync(filestore.SyncAlways))
			if err != nil {
				rt.Fatal(err)
			}
			return s
		}
		one := memfs.New()
		a := opened(one)
		live(rt, a, "past")
		if err := a.Close(); err != nil {
			rt.Fatal(err)
		}
		two := one.CrashClone(nil)
		a, b := opened(one), opened(two)
		live(rt, a, "one side")
		live(rt, b, "other side")
		atA, atB := sideOf(t, a), sideOf(t, b)
		intoA, intoB := one.CrashClone(nil), two.CrashClone(nil)
		c, d := opened(intoA), opened(intoB)
		conflicts := map[string][]string{}
		for _, merge := range []struct {
			name     string
			dst, src *filestore.Store
			want     map[string]sideRun
		}{{"A into B", d, a, union(atA, atB)}, {"B into A", c, b, union(atB, atA)}} {
			for it, err := range transfer.Copy(ctx, merge.dst, merge.src, transfer.Query{}) {
				if err != nil {
					rt.Fatal(err)
				}
				for _, conflict := range it.Conflicts {
					conflicts[merge.name] = append(conflicts[merge.name], it.SourceID+" "+conflict.Field)
				}
			}
			if diff := cmp.Diff(merge.want, sideOf(t, merge.dst), cmp.AllowUnexported(sideRun{})); diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", merge.name, diff)
			}
			for it, err := range transfer.Copy(ctx, merge.dst, merge.src, transfer.Query{}) {
				if err != nil || it.Action != transfer.ActionNone {
					rt.Fatalf("%s again: %+v, %v", merge.name, it, err)
				}
			}
			for p, err := range merge.dst.Verify(ctx, mlruns.VerifyQuery{}) {
				if err != nil || p.Kind != mlruns.ProblemDuplicateLine {
					rt.Fatalf("%s: Verify: %v, %v", merge.name, p, err)
				}
			}
		}
		for _, list := range conflicts {
			slices.Sort(list)
		}
		if diff := cmp.Diff(conflicts["A into B"], conflicts["B into A"]); diff != "" {
			rt.Fatalf("the conflicts differ by the order:\n%s", diff)
		}
		differs := map[string]bool{} // the files of values that are told to differ
		for _, conflict := range conflicts["A into B"] {
			run, field, _ := strings.Cut(conflict, " ")
			if differs["0/"+run+"/"+strings.Replace(field, ".", "/", 1)] = true; !strings.Contains(field, ".") {
				differs["0/"+run+"/meta.yaml"] = true
			}
		}
		if diff := cmp.Diff(filesOf(rt, intoB, differs), filesOf(rt, intoA, differs)); diff != "" {
			rt.Fatalf("(-A into B +B into A):\n%s", diff)
		}
	})
}
