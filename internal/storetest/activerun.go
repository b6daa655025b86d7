package storetest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
)

var errTraining = errors.New("training failed")

// startRun makes a run and its handle.
func (f *fixture) startRun() *mlruns.ActiveRun {
	f.Helper()
	return need(f.client.StartRun(f.ctx, "sweep", mlruns.RunSpec{}))(f)
}

var activeRunScenarios = []scenario{
	{name: "start and resume", run: func(f *fixture) {
		run := need(f.client.StartRun(f.ctx, "sweep", mlruns.RunSpec{Name: "lr", User: "alice", Tags: map[string]string{"k": "v"}}))(f)
		e := need(f.client.ExperimentByName(f.ctx, "sweep"))(f)
		equal(f, "experiment", run.ExperimentID, e.ID)
		equal(f, "name", run.Name, "lr")
		equal(f, "user", f.read(run.ID).Info.User, "alice")
		equal(f, "run", need(run.Run(f.ctx))(f).Info, f.read(run.ID).Info)
		resumed := need(f.client.ResumeRun(f.ctx, run.ID))(f)
		equal(f, "resumed", [3]string{resumed.ID, resumed.ExperimentID, resumed.Name}, [3]string{run.ID, run.ExperimentID, run.Name})
		f.must(resumed.SetTag(f.ctx, "k", "w"))
		equal(f, "tag", f.read(run.ID).Data.Tags["k"], "w")
		equal(f, "experiment of the second", f.startRun().ExperimentID, e.ID)
		f.must(f.client.DeleteRun(f.ctx, run.ID))
		_, err := f.client.ResumeRun(f.ctx, run.ID)
		f.refused(err, mlruns.ErrNotActive, mlruns.CodeInvalidParameter, "The run "+run.ID+" must be in 'active' lifecycle_stage.")
		_, err = f.client.ResumeRun(f.ctx, "nobody")
		f.refused(err, mlruns.ErrNotFound, mlruns.CodeNotFound, "Run 'nobody' not found")
	}},
	{name: "start in an experiment named by its id", run: func(f *fixture) {
		e := f.newExperiment("by id")
		equal(f, "experiment", need(f.client.StartRun(f.ctx, "", mlruns.RunSpec{ExperimentID: e}))(f).ExperimentID, e)
		equal(f, "the default one", need(f.client.StartRun(f.ctx, "", mlruns.RunSpec{}))(f).ExperimentID, mlruns.DefaultExperimentID)
		_, err := f.client.StartRun(f.ctx, "by id", mlruns.RunSpec{ExperimentID: e})
		f.refused(err, mlruns.ErrInvalid, mlruns.CodeInvalidParameter, "The experiment is named twice: by its name 'by id' and by its id '"+e+"'")
		_, err = f.client.StartRun(f.ctx, "", mlruns.RunSpec{ExperimentID: "404"})
		f.refused(err, mlruns.ErrNotFound, mlruns.CodeNotFound, "Could not find experiment with ID 404")
	}},
	{name: "children", run: func(f *fixture) {
		run := f.startRun()
		tags := map[string]string{"k": "v"}
		child := need(run.StartChild(f.ctx, mlruns.RunSpec{Name: "fold 1", Tags: tags}))(f)
		got := f.read(child.ID)
		equal(f, "parent", got.Data.Tags[mlruns.TagParentRunID], run.ID)
		equal(f, "own tag", got.Data.Tags["k"], "v")
		equal(f, "the caller's tags", tags, map[string]string{"k": "v"})
		equal(f, "experiment", child.ExperimentID, run.ExperimentID)
		elsewhere := need(run.StartChild(f.ctx, mlruns.RunSpec{ExperimentID: mlruns.DefaultExperimentID, Tags: map[string]string{mlruns.TagParentRunID: run.ID}}))(f)
		equal(f, "experiment of its own", elsewhere.ExperimentID, mlruns.DefaultExperimentID)
		_, err := child.StartChild(f.ctx, mlruns.RunSpec{Tags: map[string]string{mlruns.TagParentRunID: run.ID}})
		f.refused(err, mlruns.ErrInvalid, mlruns.CodeInvalidParameter, "The tag 'mlflow.parentRunId' is '"+run.ID+"', but the run is started below '"+child.ID+"'")
		page := need(f.client.SearchRuns(f.ctx, mlruns.RunQuery{Filter: "tags.`mlflow.parentRunId` = '" + run.ID + "'"}))(f)
		equal(f, "found below", len(page.Runs), 2)
	}},
	{name: "params from a value", run: func(f *fixture) {
		run := f.startRun()
		f.must(run.LogParamsFrom(f.ctx, map[string]any{"optimizer": map[string]any{"lr": 3e-4, "name": "adamw"}, "epochs": 10, "amp": true, "seed": nil}))
		equal(f, "params", f.read(run.ID).Data.Params, map[string]string{"optimizer/lr": "0.0003", "optimizer/name": "adamw", "epochs": "10", "amp": "True", "seed": "None"})
		f.refused(run.LogParamsFrom(f.ctx, map[string]any{"a": 1, "z": make(chan int)}), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, "The param 'z' has no text: it is of the type chan int")
		equal(f, "params after a refusal", len(f.read(run.ID).Data.Params), 5)
	}},
	{name: "log", run: func(f *fixture) {
		run := f.startRun()
		before := time.Now()
		f.must(run.LogMetric(f.ctx, "one", 1, 7))
		f.must(run.LogMetrics(f.ctx, map[string]float64{"a": 1, "b": 2}, 3))
		f.must(run.LogParam(f.ctx, "p", "v"))
		f.must(run.LogParams(f.ctx, map[string]string{"q": "w", "r/s": ""}))
		f.must(run.SetTag(f.ctx, "t", "v"))
		f.must(run.SetTags(f.ctx, map[string]string{"u": "w", "gone": ""}))
		f.must(run.DeleteTag(f.ctx, "gone"))
		f.must(run.LogInputs(f.ctx, mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: "m-1"}}}))
		f.must(run.LogOutputs(f.ctx, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-2", Step: 1}}}))
		got := f.read(run.ID)
		f.between("time of a metric", got.Data.Metrics["one"].Time, before)
		equal(f, "step", got.Data.Metrics["one"].Step, 7)
		equal(f, "value", got.Data.Metrics["b"].Value, 2)
		equal(f, "times of one LogMetrics", got.Data.Metrics["a"].Time, got.Data.Metrics["b"].Time)
		equal(f, "params", got.Data.Params, map[string]string{"p": "v", "q": "w", "r/s": ""})
		delete(got.Data.Tags, mlruns.TagRunName)
		equal(f, "tags", got.Data.Tags, map[string]string{"t": "v", "u": "w"})
		equal(f, "inputs", got.Inputs.Models, []mlruns.ModelInput{{ModelID: "m-1"}})
		equal(f, "outputs", got.Outputs.Models, []mlruns.ModelOutput{{ModelID: "m-2", Step: 1}})
	}},
	{name: "batches of any size", run: func(f *fixture) {
		run := f.startRun()
		f.must(run.LogBatch(f.ctx, mlruns.Batch{Metrics: manyMetrics(2345), Params: manyParams(234), Tags: manyTags(123)}))
		got := f.read(run.ID).Data
		equal(f, "params", len(got.Params), 234)
		equal(f, "tags", len(got.Tags), 124)
		want := manyMetrics(2345)
		for key := range got.Metrics {
			for _, m := range f.history(run.ID, key) {
				equal(f, "point", m, want[m.Step])
				want[m.Step].Key = "seen"
			}
		}
		for i, m := range want {
			if m.Key != "seen" {
				f.Fatalf("point %d is lost", i)
			}
		}
	}},
	{name: "finish", run: func(f *fixture) {
		for _, c := range []struct {
			name string
			err  error
			want mlruns.Status
		}{
			{"nil", nil, mlruns.StatusFinished},
			{"error", errTraining, mlruns.StatusFailed},
			{"canceled", context.Canceled, mlruns.StatusKilled},
			{"wrapped canceled", fmt.Errorf("epoch 3: %w", context.Canceled), mlruns.StatusKilled},
			{"deadline", context.DeadlineExceeded, mlruns.StatusFailed},
		} {
			run := f.startRun()
			before := time.Now()
			err := func() (err error) {
				defer run.Finish(f.ctx, &err)
				return c.err
			}()
			if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
				f.Errorf("%s: the error became %v", c.name, err)
			}
			info := f.read(run.ID).Info
			equal(f, c.name, info.Status, c.want)
			f.between("end", info.End, before)
		}
	}},
	{name: "finish without an error result", run: func(f *fixture) {
		run := f.startRun()
		run.Finish(f.ctx, nil)
		equal(f, "status", f.read(run.ID).Info.Status, mlruns.StatusFinished)
	}},
	{name: "finish in a panic", run: func(f *fixture) {
		run := f.startRun()
		var recovered any
		func() {
			defer func() { recovered = recover() }()
			var err error
			defer run.Finish(f.ctx, &err)
			panic("diverged")
		}()
		equal(f, "the panic", recovered, any("diverged"))
		equal(f, "status", f.read(run.ID).Info.Status, mlruns.StatusFailed)
	}},
	{name: "finish twice", run: func(f *fixture) {
		run := f.startRun()
		err := errTraining
		run.Finish(f.ctx, &err)
		info := f.read(run.ID).Info
		err = nil
		run.Finish(f.ctx, &err)
		f.must(err)
		f.must(run.End(f.ctx, mlruns.StatusKilled))
		equal(f, "info", f.read(run.ID).Info, info)
	}},
	{name: "end", run: func(f *fixture) {
		run := f.startRun()
		f.must(run.End(f.ctx, mlruns.StatusKilled))
		var err error
		run.Finish(f.ctx, &err)
		f.must(err)
		equal(f, "status", f.read(run.ID).Info.Status, mlruns.StatusKilled)
	}},
	{name: "finish when the context has ended", run: func(f *fixture) {
		for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
			ctx, cancel := context.WithCancel(f.ctx)
			if cause == context.DeadlineExceeded {
				ctx, cancel = context.WithDeadline(f.ctx, time.Now().Add(-time.Second))
			}
			run := f.startRun()
			cancel()
			err := func() (err error) {
				defer run.Finish(ctx, &err)
				return run.LogMetric(ctx, "m", 1, 1)
			}()
			if !errors.Is(err, cause) {
				f.Errorf("logging gave %v, want %v", err, cause)
			}
			equal(f, "points logged with an ended context", f.history(run.ID, "m"), nil)
			want := mlruns.StatusKilled
			if cause == context.DeadlineExceeded {
				want = mlruns.StatusFailed
			}
			equal(f, "status", f.read(run.ID).Info.Status, want)
		}
	}},
	{name: "a failure of finish is joined", run: func(f *fixture) {
		for _, own := range []error{nil, errTraining} {
			run := f.startRun()
			f.must(f.client.DeleteRun(f.ctx, run.ID))
			err := own
			run.Finish(f.ctx, &err)
			if !errors.Is(err, mlruns.ErrNotActive) || own != nil && !errors.Is(err, own) {
				f.Errorf("got %v, want the failure of Finish and %v", err, own)
			}
			f.must(f.client.RestoreRun(f.ctx, run.ID))
			err = nil
			run.Finish(f.ctx, &err)
			f.must(err)
			equal(f, "status after a second try", f.read(run.ID).Info.Status, mlruns.StatusFinished)
		}
	}},
	{name: "as a run", run: func(f *fixture) {
		boom, end := errors.New("boom"), (*mlruns.ActiveRun).End
		for _, c := range []struct {
			name string
			do   func(ctx context.Context, cancel func(), run *mlruns.ActiveRun) error
			want mlruns.Status
		}{
			{"returns nil", func(context.Context, func(), *mlruns.ActiveRun) error { return nil }, mlruns.StatusFinished},
			{"returns an error", func(context.Context, func(), *mlruns.ActiveRun) error { return boom }, mlruns.StatusFailed},
			{"returns context.Canceled", func(context.Context, func(), *mlruns.ActiveRun) error {
				return fmt.Errorf("epoch 3: %w", context.Canceled)
			}, mlruns.StatusKilled},
			{"returns what a deadline gives", func(context.Context, func(), *mlruns.ActiveRun) error { return context.DeadlineExceeded }, mlruns.StatusFailed},
			{"is cancelled and returns another error", func(_ context.Context, cancel func(), _ *mlruns.ActiveRun) error { cancel(); return boom }, mlruns.StatusKilled},
			{"is cancelled and is done all the same", func(_ context.Context, cancel func(), _ *mlruns.ActiveRun) error { cancel(); return nil }, mlruns.StatusFinished},
			{"panics", func(context.Context, func(), *mlruns.ActiveRun) error { panic(boom) }, mlruns.StatusFailed},
			{"panics with nil", func(context.Context, func(), *mlruns.ActiveRun) error { panic(nil) }, mlruns.StatusFailed},
			{"is cancelled and panics", func(_ context.Context, cancel func(), _ *mlruns.ActiveRun) error { cancel(); panic(boom) }, mlruns.StatusFailed},
			{"leaves by Goexit", func(context.Context, func(), *mlruns.ActiveRun) error { runtime.Goexit(); return nil }, mlruns.StatusFailed},
			{"defers Finish itself and panics", func(ctx context.Context, _ func(), run *mlruns.ActiveRun) (err error) {
				defer run.Finish(ctx, &err)
				panic(boom)
			}, mlruns.StatusFailed},
			{"falls into the trap of Finish and panics", func(ctx context.Context, _ func(), run *mlruns.ActiveRun) (err error) {
				defer func() { run.Finish(ctx, &err) }()
				panic(boom)
			}, mlruns.StatusFailed},
			{"ends the run and fails", func(ctx context.Context, _ func(), run *mlruns.ActiveRun) error {
				return errors.Join(end(run, ctx, mlruns.StatusFinished), boom)
			}, mlruns.StatusFailed},
			{"ends the run as KILLED and fails", func(ctx context.Context, _ func(), run *mlruns.ActiveRun) error {
				return errors.Join(end(run, ctx, mlruns.StatusKilled), boom)
			}, mlruns.StatusKilled},
			{"ends the run as FAILED", func(ctx context.Context, _ func(), run *mlruns.ActiveRun) error {
				return end(run, ctx, mlruns.StatusFailed)
			}, mlruns.StatusFailed},
			{"sets the run to RUNNING", func(ctx context.Context, _ func(), run *mlruns.ActiveRun) error {
				return end(run, ctx, mlruns.StatusRunning)
			}, mlruns.StatusFinished},
			{"ends the run with the zero status", func(ctx context.Context, _ func(), run *mlruns.ActiveRun) error { return end(run, ctx, 0) }, mlruns.StatusFinished},
		} {
			before := time.Now()
			ctx, cancel := context.WithCancel(f.ctx)
			var id string
			var own, err error
			var panicked any
			done := make(chan struct{})
			go func() { // of its own, for Goexit
				defer close(done)
				defer func() { panicked = recover() }()
				err = f.client.WithRun(ctx, "sweep", mlruns.RunSpec{Name: c.name}, func(ctx context.Context, run *mlruns.ActiveRun) error {
					id = run.ID
					own = c.do(ctx, cancel, run)
					return own
				})
			}()
			<-done
			cancel()
			if !errors.Is(err, own) || (err == nil) != (own == nil) {
				f.Errorf("%s: the error became %v", c.name, err)
			}
			if (panicked != nil) != strings.HasSuffix(c.name, "panics") && c.name != "panics with nil" {
				f.Errorf("%s: the panic is %v", c.name, panicked)
			}
			info := f.read(id).Info
			equal(f, c.name, info.Status, c.want)
			f.between("end", info.End, before)
		}
	}},
	{name: "as a run that cannot be made or ended", run: func(f *fixture) {
		called := false
		err := f.client.WithRun(f.ctx, "sweep", mlruns.RunSpec{ID: "not an id"}, func(context.Context, *mlruns.ActiveRun) error { called = true; return nil })
		f.refused(err, mlruns.ErrInvalid, mlruns.CodeInvalidParameter, "Invalid value \"not an id\" for parameter 'run_id' supplied.")
		equal(f, "called", called, false)
		var id string
		err = f.client.WithRun(f.ctx, "sweep", mlruns.RunSpec{}, func(ctx context.Context, run *mlruns.ActiveRun) error {
			id = run.ID
			return errors.Join(f.client.DeleteRun(ctx, id), errTraining)
		})
		if !errors.Is(err, errTraining) || !errors.Is(err, mlruns.ErrNotActive) {
			f.Errorf("a run that was deleted: %v, want the function's error and that of the end", err)
		}
		f.must(f.client.RestoreRun(f.ctx, id))
	}},
	{name: "set to RUNNING and finished", run: func(f *fixture) {
		run := f.startRun()
		f.must(run.End(f.ctx, mlruns.StatusRunning))
		run.Finish(f.ctx, nil)
		equal(f, "status", f.read(run.ID).Info.Status, mlruns.StatusFinished)
	}},
}
