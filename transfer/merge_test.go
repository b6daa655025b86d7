package transfer_test

import (
	"context"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/transfer"
)

// A merge into an empty folder gives a store that says the same, the deleted included where that is
// asked for.
func TestMergeIntoEmpty(t *testing.T) {
	src, dst := open(t), open(t)
	fill(t, src)
	want := snapshot(t, src)
	items := copyAll(t, dst, src, transfer.Query{Deleted: true})
	if diff := cmp.Diff(want, snapshot(t, dst)); diff != "" {
		t.Errorf("(-source +destination):\n%s", diff)
	}
	if it := items["run parent"]; it.Action != transfer.ActionCreated || it.Points != 4 || it.Params != 2 || it.Files != 2 || it.Inputs != 1 {
		t.Errorf("the item of a run: %+v", it)
	}
	if diff := cmp.Diff(want, snapshot(t, src)); diff != "" {
		t.Errorf("the source has changed:\n%s", diff)
	}
	sound(t, dst)

	active := open(t)
	copyAll(t, active, src, transfer.Query{})
	got := snapshot(t, active)
	for name, value := range want {
		gone := strings.Contains(name, "deleted") || strings.Contains(name, "trashed") || strings.Contains(name, "223456789012345678")
		if diff := cmp.Diff(value, got[name]); !gone && diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		} else if _, there := got[name]; gone && there {
			t.Errorf("%s was copied", name)
		}
	}
}

// writes counts the operations that change a file system, but for the making of the lock of copies,
// which is there already.
func writes(n *int) faultfs.Injector {
	return func(op faultfs.Op) error {
		if op.Kind.Mutates() && path.Base(op.Path) != ".mlruns-copy.lock" {
			*n++
		}
		return nil
	}
}

// Twice is once: the second copy writes nothing at all.
func TestMergeTwiceWritesNothing(t *testing.T) {
	src, fs := open(t), memfs.New()
	fill(t, src)
	copyAll(t, openAt(t, "/mlruns", filestore.WithFs(fs)), src, transfer.Query{Deleted: true})
	n := 0
	again := openAt(t, "/mlruns", filestore.WithFs(faultfs.New(fs, writes(&n))))
	n = 0
	for key, it := range copyAll(t, again, src, transfer.Query{Deleted: true}) {
		if it.Action != transfer.ActionNone || len(it.Conflicts) > 0 {
			t.Errorf("%s: %+v", key, it)
		}
	}
	if n > 0 {
		t.Errorf("%d writes", n)
	}
}

// A dry run tells what the copy then does, and writes nothing.
func TestMergeDryRun(t *testing.T) {
	src, fs := open(t), memfs.New()
	fill(t, src)
	n := 0
	dst := openAt(t, "/mlruns", filestore.WithFs(faultfs.New(fs, writes(&n))))
	n = 0
	plan := copyAll(t, dst, src, transfer.Query{Deleted: true, DryRun: true})
	if n > 0 {
		t.Errorf("%d writes", n)
	}
	done := copyAll(t, dst, src, transfer.Query{Deleted: true})
	for key, it := range plan {
		want := done[key]
		if it.ID == "" {
			want.ID = ""
		}
		if diff := cmp.Diff(want, it); diff != "" {
			t.Errorf("%s (-done +planned):\n%s", key, diff)
		}
	}
	if len(plan) != len(done) {
		t.Errorf("%d planned, %d done", len(plan), len(done))
	}
}

// A run on both sides is united: points, params and tags of both are there, values that differ are
// told with both and stay as they are.
func TestMergeUnites(t *testing.T) {
	ctx := context.Background()
	src, dst := open(t), open(t)
	spec := mlruns.RunSpec{ID: "run", Name: "name", Start: at(5), User: "u", Tags: map[string]string{"same": "1", "differs": "source"}}
	for _, s := range []*filestore.Store{src, dst} {
		must(t, errOf(s.CreateRun(ctx, spec)))
		must(t, s.LogBatch(ctx, "run", mlruns.Batch{Metrics: []mlruns.Metric{point("loss", 1, 1), point("loss", 2, 2)}, Params: []mlruns.Param{{Key: "past", Value: "1"}}}))
		must(t, s.WriteArtifact(ctx, "run", "same", strings.NewReader("same")))
	}
	must(t, src.LogBatch(ctx, "run", mlruns.Batch{Metrics: []mlruns.Metric{point("loss", 3, 3), point("loss", 4, 4), point("loss", 4, 4), point("only", 1, 0)},
		Params: []mlruns.Param{{Key: "differs", Value: "source"}, {Key: "s", Value: "1"}}, Tags: []mlruns.Tag{{Key: "s", Value: "1"}}}))
	must(t, dst.LogBatch(ctx, "run", mlruns.Batch{Metrics: []mlruns.Metric{point("loss", 4, 4), point("loss", 5, 5)},
		Params: []mlruns.Param{{Key: "differs", Value: "destination"}, {Key: "d", Value: "1"}}, Tags: []mlruns.Tag{{Key: "differs", Value: "destination"}, {Key: "d", Value: "1"}}}))
	must(t, src.WriteArtifact(ctx, "run", "size", strings.NewReader("1")), dst.WriteArtifact(ctx, "run", "size", strings.NewReader("12")))
	must(t, src.WriteArtifact(ctx, "run", "bytes", strings.NewReader("1")), dst.WriteArtifact(ctx, "run", "bytes", strings.NewReader("2")))
	must(t, src.EndRun(ctx, "run", mlruns.StatusFailed, at(9000)))

	it := copyAll(t, dst, src, transfer.Query{})["run run"]
	if it.Action != transfer.ActionUnited || it.Points != 3 || it.Params != 1 || it.Tags != 1 || it.Whole() {
		t.Errorf("item %+v", it)
	}
	var fields []string
	for _, c := range it.Conflicts {
		if c.Decided || c.Source == c.Destination {
			t.Errorf("conflict %+v", c)
		}
		fields = append(fields, c.Field)
	}
	if diff := cmp.Diff([]string{"params.differs", "tags.differs", "artifacts/bytes", "artifacts/size"}, fields); diff != "" {
		t.Errorf("conflicts:\n%s", diff)
	}
	r, err := dst.Run(ctx, "run")
	must(t, err)
	if diff := cmp.Diff(map[string]string{"past": "1", "differs": "destination", "d": "1", "s": "1"}, r.Data.Params); diff != "" {
		t.Error(diff)
	}
	if r.Info.Status != mlruns.StatusFailed || !r.Info.End.Equal(at(9000)) || r.Data.Tags["differs"] != "destination" || r.Data.Tags["s"] != "1" {
		t.Errorf("%+v", r)
	}
	var values []float64
	for m, err := range dst.MetricHistory(ctx, "run", "loss", mlruns.HistoryQuery{}) {
		must(t, err)
		values = append(values, m.Value)
	}
	if diff := cmp.Diff([]float64{1, 2, 3, 4, 4, 5}, values); diff != "" {
		t.Errorf("history:\n%s", diff)
	}

	it = copyAll(t, dst, src, transfer.Query{Prefer: transfer.PreferSource})["run run"]
	if r, err = dst.Run(ctx, "run"); err != nil || r.Data.Tags["differs"] != "source" || r.Data.Params["differs"] != "destination" || it.Whole() || it.Tags != 1 || it.Files != 2 {
		t.Errorf("preferring the source: %+v, %v, %+v", r, err, it)
	}
	if it = copyAll(t, dst, src, transfer.Query{Prefer: transfer.PreferDestination})["run run"]; it.Action != transfer.ActionNone || it.Whole() {
		t.Errorf("a param cannot be decided: %+v", it)
	}
	sound(t, dst)
}
