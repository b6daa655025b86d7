package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// held says which locks another handle cannot get, as in the table of layout.md §10.
type held struct{ Root, Experiment, Run bool }

// probe asks for each lock through a handle that does not wait for one.
func probe(ctx context.Context, s *filestore.Store, unique string) held {
	busy := func(err error) bool { return errors.Is(err, mlruns.ErrBusy) }
	return held{
		Root:       busy(filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: unique}))),
		Experiment: busy(s.SetExperimentTag(ctx, "e1", "probe", unique)),
		Run:        busy(s.SetTag(ctx, "run", "probe", unique)),
	}
}

// lockedOperations are writes; at is the end of the name that the operation of the file system
// works on before which the locks are looked at.
var lockedOperations = []struct {
	name    string
	prepare func(context.Context, *filestore.Store) error
	do      func(context.Context, *filestore.Store) error
	kind    faultfs.Kind
	at      string
	want    held
}{
	{name: "create an experiment", kind: faultfs.Rename, at: "/e2", want: held{Root: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e2", Name: "two"}))
	}},
	{name: "rename an experiment", kind: faultfs.Rename, at: "/e1/meta.yaml", want: held{Root: true, Experiment: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.RenameExperiment(ctx, "e1", "other")
	}},
	{name: "delete an experiment: its runs", kind: faultfs.Rename, at: "/run/meta.yaml", want: held{Experiment: true, Run: true}, do: deleteOne},
	{name: "delete an experiment: its move", kind: faultfs.Rename, at: ".trash/e1", want: held{Experiment: true}, do: deleteOne},
	{name: "restore an experiment: its move", kind: faultfs.Rename, at: "mlruns/e1", want: held{Root: true, Experiment: true}, prepare: deleteOne, do: restoreOne},
	{name: "restore an experiment: its runs", kind: faultfs.Rename, at: "/run/meta.yaml", want: held{Root: true, Experiment: true, Run: true}, prepare: deleteOne, do: restoreOne},
	{name: "set a tag of an experiment", kind: faultfs.Rename, at: "/tags/t", want: held{Experiment: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.SetExperimentTag(ctx, "e1", "t", "1")
	}},
	{name: "remove a tag of an experiment", kind: faultfs.Remove, at: "/e1/tags/old", want: held{Experiment: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.DeleteExperimentTag(ctx, "e1", "old")
	}},
	{name: "create a run", kind: faultfs.Rename, at: "", want: held{Experiment: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: "e1"}))
	}},
	{name: "create a run with an id", kind: faultfs.Rename, at: "/r2", want: held{Root: true, Experiment: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "r2", ExperimentID: "e1"}))
	}},
	{name: "append a point", kind: faultfs.Write, at: "/metrics/old", want: held{Run: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.LogMetric(ctx, "run", mlruns.Metric{Key: "old", Value: 2})
	}},
	{name: "log a param", kind: faultfs.Link, at: "/params/p", want: held{Run: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.LogParam(ctx, "run", "p", "1")
	}},
	{name: "set a tag", kind: faultfs.Rename, at: "/tags/t", want: held{Run: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.SetTag(ctx, "run", "t", "1")
	}},
	{name: "remove a tag", kind: faultfs.Remove, at: "/run/tags/old", want: held{Run: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.DeleteTag(ctx, "run", "old")
	}},
	{name: "update a run", kind: faultfs.Rename, at: "/run/meta.yaml", want: held{Run: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.UpdateRun(ctx, "run", mlruns.RunUpdate{Status: mlruns.StatusFailed})
	}},
	{name: "delete a run", kind: faultfs.Rename, at: "/run/meta.yaml", want: held{Experiment: true, Run: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.DeleteRun(ctx, "run")
	}},
	{name: "log inputs", kind: faultfs.Rename, at: "", want: held{Run: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.LogInputs(ctx, "run", mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: "m-1"}}})
	}},
	{name: "log outputs", kind: faultfs.Rename, at: "/outputs/m-1", want: held{Run: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.LogOutputs(ctx, "run", mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-1"}}})
	}},
	{name: "record a model", kind: faultfs.Rename, at: "history", want: held{Run: true}, do: func(ctx context.Context, s *filestore.Store) error {
		return s.RecordLoggedModel(ctx, "run", mlruns.ModelRecord{ArtifactPath: "m"})
	}},
}

func deleteOne(ctx context.Context, s *filestore.Store) error { return s.DeleteExperiment(ctx, "e1") }

func restoreOne(ctx context.Context, s *filestore.Store) error { return s.RestoreExperiment(ctx, "e1") }

// TestLocksOfEachOperation looks, just before a write changes the store, which locks are held.
func TestLocksOfEachOperation(t *testing.T) {
	for _, op := range lockedOperations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			dir := t.TempDir()
			// Locks are known by the real path of their files, so that both handles mean the same
			// ones.
			other := filestoretest.Open(t, filepath.Join(dir, "mlruns"), filestore.WithLockTimeout(time.Millisecond))
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(filestoretest.ErrOf(other.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e1", Name: "one", Tags: map[string]string{"old": "1"}})))
			must(filestoretest.ErrOf(other.CreateRun(ctx, mlruns.RunSpec{ID: "run", ExperimentID: "e1", Tags: map[string]string{"old": "1"}})))
			must(other.LogMetric(ctx, "run", mlruns.Metric{Key: "old", Value: 1}))
			if op.prepare != nil {
				must(op.prepare(ctx, other))
			}
			root, err := rootfs.Open(dir, rootfs.Options{})
			must(err)
			defer root.Close()
			var got []held
			s := filestoretest.Open(t, "mlruns", filestore.WithFs(faultfs.New(root, func(o faultfs.Op) error {
				if o.Kind == op.kind && (strings.HasSuffix(o.Path, op.at) || strings.HasSuffix(o.To, op.at)) && len(got) == 0 {
					got = append(got, probe(ctx, other, fmt.Sprint("probe ", o.Index)))
				}
				return nil
			})))
			must(op.do(ctx, s))
			if diff := cmp.Diff([]held{op.want}, got); diff != "" {
				t.Errorf("locks held (-want +got):\n%s", diff)
			}
			if got, want := probe(ctx, other, "after"), (held{}); got != want {
				t.Errorf("locks still held after the call: %+v", got)
			}
		})
	}
}

// TestExperimentMovesBeforeItsLock lets another program delete the experiment after it was found
// and before its lock was had.
func TestExperimentMovesBeforeItsLock(t *testing.T) {
	for name, do := range map[string]func(*filestoretest.Faulty) error{
		"create a run": func(f *filestoretest.Faulty) error {
			return filestoretest.ErrOf(f.Store.CreateRun(f.Ctx, mlruns.RunSpec{ExperimentID: "e1"}))
		},
		"set a tag": func(f *filestoretest.Faulty) error { return f.Store.SetExperimentTag(f.Ctx, "e1", "t", "1") },
		"rename":    func(f *filestoretest.Faulty) error { return f.Store.RenameExperiment(f.Ctx, "e1", "other") },
	} {
		t.Run(name, func(t *testing.T) {
			f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
			f.Hook(func(op faultfs.Op) error {
				if op.Kind == faultfs.Create && op.Path == "/mlruns/.mlruns.e1.lock" {
					f.Must(f.FS.Rename("/mlruns/e1", "/mlruns/.trash/e1"))
				}
				return nil
			})
			if err := do(f); !errors.Is(err, mlruns.ErrNotActive) {
				t.Errorf("error %v, want %v", err, mlruns.ErrNotActive)
			}
		})
	}
}

// TestRunMovesUnderItsLock moves the experiment after the lock of its run was had: the write goes
// to where the run is now.
func TestRunMovesUnderItsLock(t *testing.T) {
	f := filestoretest.NewFaulty(t, false, filestore.SyncMeta)
	moved := false
	f.Hook(func(op faultfs.Op) error {
		if !moved && op.Kind == faultfs.OpenFolder && op.Path == "/mlruns/e1/run" {
			moved = true
			f.Must(f.FS.Rename("/mlruns/e1", "/mlruns/.trash/e1"))
		}
		return nil
	})
	f.Must(f.Store.LogParam(f.Ctx, "run", "p", "1"))
	if got := f.Content("/mlruns/.trash/e1/run/params/p"); got != "1" || !moved {
		t.Errorf("param %q (moved %v), want %q", got, moved, "1")
	}
}
