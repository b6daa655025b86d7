package transfer_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/transfer"
)

// Each clash of experiments has a rule: which one of the destination a run comes to, under what
// name, and what is told.
func TestExperimentClashes(t *testing.T) {
	const drawn = "123456789012345678"
	type experiment struct {
		id, name string
		created  int64
		deleted  bool
	}
	for _, c := range []struct {
		name        string
		source      experiment
		destination []experiment
		prefer      transfer.Prefer
		into        string // "" another id than any before, "-" nowhere
		called      string
		conflict    string // the field, "!" after it if it is decided
	}{
		{name: "new", source: experiment{id: "7", name: "a"}, into: "7", called: "a"},
		{name: "same id and name", source: experiment{id: "7", name: "a"}, destination: []experiment{{id: "7", name: "a"}}, into: "7", called: "a"},
		{name: "drawn id, renamed", source: experiment{id: drawn, name: "a"}, destination: []experiment{{id: drawn, name: "b"}}, into: drawn, called: "b", conflict: "name"},
		{name: "drawn id, renamed, the source preferred", source: experiment{id: drawn, name: "a"}, destination: []experiment{{id: drawn, name: "b"}}, prefer: transfer.PreferSource,
			into: drawn, called: "a", conflict: "name!"},
		{name: "counted id of the same time, renamed", source: experiment{id: "1", name: "a", created: 5}, destination: []experiment{{id: "1", name: "b", created: 5}}, into: "1", called: "b", conflict: "name"},
		{name: "counted id of another", source: experiment{id: "1", name: "a", created: 5}, destination: []experiment{{id: "1", name: "b", created: 6}}, into: "", called: "a"},
		{name: "counted id of another, the name there", source: experiment{id: "1", name: "a"}, destination: []experiment{{id: "1", name: "b"}, {id: "2", name: "a"}}, into: "2", called: "a"},
		{name: "same name", source: experiment{id: drawn, name: "a"}, destination: []experiment{{id: "2", name: "a"}}, into: "2", called: "a"},
		{name: "deleted there", source: experiment{id: drawn, name: "a"}, destination: []experiment{{id: drawn, name: "a", deleted: true}}, into: "-", conflict: "lifecycle_stage"},
		{name: "the name of a deleted one", source: experiment{id: drawn, name: "a"}, destination: []experiment{{id: "2", name: "a", deleted: true}}, into: "-", conflict: "lifecycle_stage"},
		{name: "deleted here", source: experiment{id: drawn, name: "a", deleted: true}, destination: []experiment{{id: drawn, name: "a"}}, into: drawn, called: "a", conflict: "lifecycle_stage"},
		{name: "deleted on both sides", source: experiment{id: drawn, name: "a", deleted: true}, destination: []experiment{{id: drawn, name: "a", deleted: true}}, into: drawn, called: "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := context.Background()
			src, dst := open(t), open(t)
			add := func(s *filestore.Store, e experiment) {
				stage := mlruns.StageActive
				if e.deleted {
					stage = mlruns.StageDeleted
				}
				imported := mlruns.Experiment{ID: e.id, Name: e.name, Stage: stage}
				if e.created > 0 {
					imported.Created = at(e.created)
				}
				must(t, errOf(s.ImportExperiment(ctx, imported)))
			}
			add(src, c.source)
			must(t, src.ImportRun(ctx, mlruns.Run{Info: mlruns.RunInfo{ID: "run", ExperimentID: c.source.id, Start: at(1), User: "u", Status: mlruns.StatusFinished, Stage: mlruns.StageActive}},
				func(func(mlruns.Metric, error) bool) {}))
			before := map[string]bool{}
			for _, e := range c.destination {
				add(dst, e)
				before[e.id] = true
			}
			items := copyAll(t, dst, src, transfer.Query{Deleted: true, Experiments: []string{c.source.id}, Prefer: c.prefer})
			var told string
			for _, conflict := range items["experiment "+c.source.id].Conflicts {
				if told += conflict.Field; conflict.Decided {
					told += "!"
				}
			}
			if told != c.conflict {
				t.Errorf("conflicts %q, want %q", told, c.conflict)
			}
			r, err := dst.Run(ctx, "run")
			if c.into == "-" {
				if err == nil {
					t.Errorf("the run was copied into %s", r.Info.ExperimentID)
				}
				return
			}
			must(t, err)
			if c.into != r.Info.ExperimentID && (c.into != "" || before[r.Info.ExperimentID]) {
				t.Errorf("the run is in %s, want %q", r.Info.ExperimentID, c.into)
			}
			e, err := dst.Experiment(ctx, r.Info.ExperimentID)
			must(t, err)
			if e.Name != c.called {
				t.Errorf("its experiment is called %q, want %q", e.Name, c.called)
			}
			sound(t, dst)
			once := snapshot(t, dst)
			copyAll(t, dst, src, transfer.Query{Deleted: true, Experiments: []string{c.source.id}, Prefer: c.prefer})
			if diff := cmp.Diff(once, snapshot(t, dst)); diff != "" {
				t.Errorf("the second copy changes:\n%s", diff)
			}
		})
	}
}

// The filter's language selects, and an experiment of which nothing is selected is not made.
func TestCopyFilter(t *testing.T) {
	src, dst := open(t), open(t)
	fill(t, src)
	items := copyAll(t, dst, src, transfer.Query{Filter: "attributes.run_name = 'the parent'"})
	if _, err := dst.Run(context.Background(), "parent"); err != nil || len(items) != 3 || items["trace tr-whole"].ID == "" {
		t.Errorf("%v, %v", err, items)
	}
	items = copyAll(t, open(t), src, transfer.Query{Filter: "params.lr = 'none'"})
	if len(items) > 0 {
		t.Errorf("%v", items)
	}
	for _, err := range transfer.Copy(context.Background(), dst, src, transfer.Query{Filter: "nonsense ="}) {
		if err == nil {
			t.Error("a wrong filter copies")
		}
	}
}

// An experiment that is named twice is copied once, and one that is deleted stays, and is told,
// unless the deleted are asked for.
func TestCopyNamedExperiments(t *testing.T) {
	ctx := context.Background()
	src := open(t)
	must(t, errOf(src.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e", Name: "e"})), errOf(src.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "gone", Name: "gone"})))
	for i := range 8 {
		id := fmt.Sprint("run", i)
		must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: id, Name: id, ExperimentID: "e", Start: at(1)})), src.LogMetric(ctx, id, point("m", 1, 1)))
	}
	must(t, src.DeleteExperiment(ctx, "gone"))
	for kind, destination := range destinations(t) {
		dst, files := destination()
		items := copyAll(t, dst, src, transfer.Query{Experiments: []string{"e", "e", "gone", "e"}}) // which fails where one is told twice
		if it := items["experiment gone"]; it.Whole() || it.Action != transfer.ActionNone || len(items) != 10 {
			t.Errorf("%s: %+v", kind, items)
		}
		if e, err := files.ExperimentByName(ctx, "gone"); err == nil {
			t.Errorf("%s: %+v was made", kind, e)
		}
		items = copyAll(t, dst, src, transfer.Query{Experiments: []string{"gone"}, Deleted: true})
		if it := items["experiment gone"]; !it.Whole() || it.Action != transfer.ActionCreated {
			t.Errorf("%s: %+v", kind, items)
		}
		sound(t, files)
	}
}
