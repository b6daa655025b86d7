package transfer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/transfer"
)

// TestDryRunTellsWhatIsDone makes a dry run and then the copy, between random stores with a common
// past, into a folder and to a server: the two tell the same, but for the ids of what was not there
// yet. The dry run writes nothing.
func TestDryRunTellsWhatIsDone(t *testing.T) {
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
		src := opened(one)
		// the parent of others; of one that is made meanwhile a dry run does not know the id
		if _, err := src.CreateRun(ctx, mlruns.RunSpec{ID: "r0", Name: "parent", User: "u", Start: at(5)}); err != nil {
			rt.Fatal(err)
		}
		live(rt, src, "past")
		odd(rt, src, "odd past")
		var dst mlruns.Store
		var files *filestore.Store
		var writes func() int
		if rapid.Bool().Draw(rt, "to a server") {
			files = opened(memfs.New())
			server := serve(files, false)
			dst, writes = server, func() int { return len(server.writes) }
		} else {
			two := memfs.New()
			files = opened(two)
			dst, writes = files, func() int { return len(filesOf(rt, two, nil)) }
		}
		done := func(q transfer.Query) map[string]transfer.Item {
			items := map[string]transfer.Item{}
			for it, err := range transfer.Copy(ctx, dst, src, q) {
				if err != nil || it.Err != nil {
					rt.Fatal(err, it.Err)
				}
				items[string(it.Kind)+" "+it.SourceID] = it
			}
			return items
		}
		if rapid.Bool().Draw(rt, "copied before") {
			done(transfer.Query{Deleted: rapid.Bool().Draw(rt, "deleted before")})
			live(rt, src, "source")
			odd(rt, src, "odd source")
			if rapid.Bool().Draw(rt, "destination goes on") {
				touch(rt, files)
			}
		}
		if rapid.Bool().Draw(rt, "some go") {
			_ = src.DeleteRun(ctx, "r1")
		}
		q := transfer.Query{Deleted: rapid.Bool().Draw(rt, "deleted"), Prefer: rapid.SampledFrom([]transfer.Prefer{transfer.PreferNeither, transfer.PreferSource, transfer.PreferDestination}).Draw(rt, "prefer")}
		q.NoArtifacts = rapid.Bool().Draw(rt, "no artifacts")
		if rapid.Bool().Draw(rt, "filter") {
			q.Filter = "params.a = '1'"
		}
		before := writes()
		q.DryRun = true
		plan := done(q)
		if n := writes() - before; n != 0 {
			rt.Errorf("the dry run made %d writes", n)
		}
		q.DryRun = false
		real := done(q)
		for key, it := range real {
			planned := plan[key]
			if planned.ID == "" {
				it.ID = ""
			}
			if planned.ExperimentID == "" {
				it.ExperimentID = ""
			}
			real[key] = it
		}
		if diff := cmp.Diff(plan, real); diff != "" {
			rt.Errorf("(-planned +done):\n%s", diff)
		}
	})
}

// odd does to a store what seldom is done.
func odd(t *rapid.T, s *filestore.Store, label string) {
	ctx := context.Background()
	for range rapid.IntRange(0, 4).Draw(t, label) {
		id := rapid.SampledFrom([]string{"r1", "r2", "r3", "r4"}).Draw(t, "run")
		if r, err := s.Run(ctx, id); err != nil || r.Info.Stage == mlruns.StageDeleted {
			continue
		}
		var err error
		switch rapid.IntRange(0, 3).Draw(t, "oddity") {
		case 0:
			err = s.AddToRun(ctx, mlruns.Run{Info: mlruns.RunInfo{ID: id}, Data: mlruns.RunData{Tags: map[string]string{"long": strings.Repeat("x", mlruns.MaxTagValueLength+1)}}}, nil)
		case 1:
			err = s.WriteArtifact(ctx, id, fmt.Sprint("file", rapid.IntRange(0, 2).Draw(t, "file")), strings.NewReader(strings.Repeat("x", rapid.IntRange(0, 3).Draw(t, "size"))))
		case 2:
			err = s.SetTag(ctx, id, mlruns.TagParentRunID, rapid.SampledFrom([]string{"r0", "gone"}).Draw(t, "parent"))
		case 3:
			err = s.SetExperimentTag(ctx, mlruns.DefaultExperimentID, "owner", fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "owner")))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// touch changes what is in a destination.
func touch(t *rapid.T, s *filestore.Store) {
	ctx := context.Background()
	for r, err := range s.Runs(ctx, mlruns.RunQuery{}) {
		if err == nil && rapid.Bool().Draw(t, "touched") {
			err = s.SetTag(ctx, r.Info.ID, "a", "another")
		}
		if err == nil && rapid.Bool().Draw(t, "file") {
			err = s.WriteArtifact(ctx, r.Info.ID, "file0", strings.NewReader("another"))
		}
		if err == nil && rapid.Bool().Draw(t, "deleted") {
			err = s.DeleteRun(ctx, r.Info.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
