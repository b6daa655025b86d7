package filestore_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/faultfs"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// TestUnseenIsNotMissing has a place that cannot be looked at, as one of a server that is away, a
// mount that has died or a disk that fails: what is there is not "not found", and its id not free.
func TestUnseenIsNotMissing(t *testing.T) {
	t.Parallel()
	root, err := rootfs.Open(t.TempDir(), rootfs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	made := filestoretest.Open(t, "/mlruns", filestore.WithFs(root))
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(filestoretest.ErrOf(made.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e1", Name: "one"})))
	must(filestoretest.ErrOf(made.CreateRun(ctx, mlruns.RunSpec{ID: "run", ExperimentID: "e1"})))
	must(filestoretest.ErrOf(made.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: "m-1", ExperimentID: "e1"})))
	must(filestoretest.ErrOf(made.StartTrace(ctx, mlruns.Trace{ID: "tr-1", ExperimentID: "e1", State: mlruns.TraceOK})))
	filestoretest.Settle() // a root that changed just now is looked into again, more carefully

	noPoints := func(func(mlruns.Metric, error) bool) {}
	calls := map[string]struct {
		at string
		do func(*filestore.Store) error
	}{
		"Run":       {"/e1/run", func(s *filestore.Store) error { return filestoretest.ErrOf(s.Run(ctx, "run")) }},
		"LogMetric": {"/e1/run", func(s *filestore.Store) error { return s.LogMetric(ctx, "run", mlruns.Metric{Key: "m", Value: 1}) }},
		"SetTag":    {"/e1/run", func(s *filestore.Store) error { return s.SetTag(ctx, "run", "t", "1") }},
		"EndRun":    {"/e1/run", func(s *filestore.Store) error { return s.EndRun(ctx, "run", mlruns.StatusFinished, time.Time{}) }},
		"DeleteRun": {"/e1/run", func(s *filestore.Store) error { return s.DeleteRun(ctx, "run") }},
		"Artifacts": {"/e1/run", func(s *filestore.Store) error { return filestoretest.ErrOf(s.Artifacts(ctx, "run", "")) }},
		"MetricHistory": {"/e1/run", func(s *filestore.Store) error {
			for _, err := range s.MetricHistory(ctx, "run", "m", mlruns.HistoryQuery{}) {
				return err
			}
			return nil
		}},
		"CreateRun": {"/e1/run", func(s *filestore.Store) error {
			return filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ID: "run", ExperimentID: "0"}))
		}},
		"ImportRun": {"/e1/run", func(s *filestore.Store) error {
			return s.ImportRun(ctx, mlruns.Run{Info: mlruns.RunInfo{ID: "run", ExperimentID: "0", Status: mlruns.StatusRunning, Stage: mlruns.StageActive}}, noPoints)
		}},
		"ImportLoggedModel": {"/e1/models/m-1", func(s *filestore.Store) error {
			return s.ImportLoggedModel(ctx, mlruns.LoggedModel{ID: "m-1", ExperimentID: "0", Name: "n", Status: mlruns.ModelReady, Stage: mlruns.StageActive}, noPoints)
		}},
		"CreateLoggedModel": {"/e1/models/m-1", func(s *filestore.Store) error {
			return filestoretest.ErrOf(s.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: "m-1", ExperimentID: "0"}))
		}},
		"ImportTrace": {"/e1/traces/tr-1", func(s *filestore.Store) error {
			return filestoretest.ErrOf(s.ImportTrace(ctx, mlruns.Trace{ID: "tr-1", ExperimentID: "0", State: mlruns.TraceOK}))
		}},
		"StartTrace": {"/e1/traces/tr-1", func(s *filestore.Store) error {
			return filestoretest.ErrOf(s.StartTrace(ctx, mlruns.Trace{ID: "tr-1", ExperimentID: "0", State: mlruns.TraceOK}))
		}},
		"LoggedModel": {"/e1/models/m-1", func(s *filestore.Store) error { return filestoretest.ErrOf(s.LoggedModel(ctx, "m-1")) }},
		"SetModelTags": {"/e1/models/m-1", func(s *filestore.Store) error {
			return s.SetLoggedModelTags(ctx, "m-1", map[string]string{"t": "1"})
		}},
		"Trace":            {"/e1/traces/tr-1", func(s *filestore.Store) error { return filestoretest.ErrOf(s.Trace(ctx, "tr-1")) }},
		"SetTraceTag":      {"/e1/traces/tr-1", func(s *filestore.Store) error { return s.SetTraceTag(ctx, "tr-1", "t", "1") }},
		"Experiment":       {"/e1", func(s *filestore.Store) error { return filestoretest.ErrOf(s.Experiment(ctx, "e1")) }},
		"DeleteExperiment": {"/e1", func(s *filestore.Store) error { return s.DeleteExperiment(ctx, "e1") }},
		"ImportExperiment": {"/e1", func(s *filestore.Store) error {
			return filestoretest.ErrOf(s.ImportExperiment(ctx, mlruns.Experiment{ID: "e1", Name: "other", Stage: mlruns.StageActive}))
		}},
		"CreateExperiment": {"/e1", func(s *filestore.Store) error {
			return filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: "e1", Name: "other"}))
		}},
	}
	for name, call := range calls {
		for _, cause := range []error{syscall.ESTALE, syscall.ENOTCONN, syscall.ETIMEDOUT, syscall.EIO, syscall.ENOSPC, syscall.EACCES, syscall.EMFILE} {
			var away atomic.Bool
			s := filestoretest.Open(t, "/mlruns", filestore.WithMustExist(), filestore.WithFs(faultfs.New(root, func(op faultfs.Op) error {
				// That of an open folder has no slash before it.
				if at := "mlruns" + call.at + "/"; away.Load() && strings.HasPrefix(strings.TrimPrefix(op.Path, "/")+"/", at) {
					return cause
				}
				return nil
			})))
			away.Store(true)
			if err := call.do(s); !errors.Is(err, cause) || errors.Is(err, mlruns.ErrNotFound) {
				t.Errorf("%s where what is at %s answers %v: %v, want an error that wraps it and is not ErrNotFound", name, call.at, cause, err)
			}
			away.Store(false)
			must(s.Close())
		}
	}
	filestoretest.NoProblems(t, made)
}
