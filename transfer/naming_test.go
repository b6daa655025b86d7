package transfer_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/transfer"
)

// Names that the destination's file system takes for one, or does not keep, are told, each time,
// and the first of them stays what it is. The second copy writes nothing.
func TestMergeOfNamesThatAreOne(t *testing.T) {
	ctx := context.Background()
	src, fsys := open(t), memfs.NewNaming(memfs.Names{Fold: true})
	must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})))
	must(t, src.LogBatch(ctx, "run", mlruns.Batch{Metrics: []mlruns.Metric{point("Loss", 1, 1), point("loss", 2, 2)}, Params: []mlruns.Param{{Key: "Lr", Value: "1"}, {Key: "lr", Value: "2"}},
		Tags: []mlruns.Tag{{Key: "T", Value: "1"}, {Key: "t", Value: "2"}}}))
	must(t, src.WriteArtifact(ctx, "run", "A", strings.NewReader("upper")), src.WriteArtifact(ctx, "run", "a", strings.NewReader("lower")), src.EndRun(ctx, "run", 0, at(9)))
	dst := openAt(t, "/mlruns", filestore.WithFs(fsys))
	for pass, action := range []transfer.Action{transfer.ActionCreated, transfer.ActionNone} {
		it := copyAll(t, dst, src, transfer.Query{})["run run"]
		var fields []string
		for _, r := range it.Refused {
			fields = append(fields, r.Field)
		}
		if diff := cmp.Diff([]string{"params.lr", "metrics.loss", "tags.t", "artifacts/a"}, fields); diff != "" || it.Action != action || it.Points != 1-pass || it.Files != 1-pass {
			t.Errorf("%+v\n%s", it, diff)
		}
	}
	r, err := dst.Run(ctx, "run")
	must(t, err)
	if len(r.Data.Metrics) != 1 || r.Data.Metrics["Loss"].Value != 1 || r.Data.Params["Lr"] != "1" || r.Data.Tags["T"] != "1" {
		t.Errorf("%+v", r.Data)
	}
	sound(t, dst)
}
