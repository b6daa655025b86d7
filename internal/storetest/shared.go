package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
)

const (
	handles    = 3
	goroutines = 12
)

type sharedScenario struct {
	name string
	run  func(f *fixture, open func() mlruns.Store)
}

// all calls do in many goroutines at once, through several handles, and gives the errors by
// goroutine.
func all(open func() mlruns.Store, do func(i int, c *mlruns.Client) error) []error {
	clients := make([]*mlruns.Client, handles)
	for i := range clients {
		clients[i] = mlruns.NewClient(open())
	}
	errs := make([]error, goroutines)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = do(i, clients[i%handles])
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneOf checks that one call succeeded and the others failed with want.
func (f *fixture) oneOf(errs []error, want error) {
	f.Helper()
	succeeded := 0
	for _, err := range errs {
		switch {
		case err == nil:
			succeeded++
		case !errors.Is(err, want):
			f.Errorf("unexpected error: %v", err)
		}
	}
	equal(f, "calls that succeeded", succeeded, 1)
}

var sharedScenarios = []sharedScenario{
	{"get or create experiment", func(f *fixture, open func() mlruns.Store) {
		for round := range 3 {
			name := fmt.Sprint("sweep ", round)
			got := make([]string, goroutines)
			f.must(errors.Join(all(open, func(i int, c *mlruns.Client) error {
				e, err := c.GetOrCreateExperiment(f.ctx, name)
				if err == nil {
					got[i] = e.ID
				}
				return err
			})...))
			for _, id := range got {
				equal(f, "id", id, got[0])
			}
		}
		equal(f, "experiments", len(collect(f, f.client.Experiments(f.ctx, mlruns.ExperimentQuery{}))), 4)
	}},
	{"create experiment", func(f *fixture, open func() mlruns.Store) {
		f.oneOf(all(open, func(i int, c *mlruns.Client) error {
			_, err := c.CreateExperiment(f.ctx, mlruns.ExperimentSpec{Name: "one"})
			return err
		}), mlruns.ErrExists)
		f.oneOf(all(open, func(i int, c *mlruns.Client) error {
			_, err := c.CreateExperiment(f.ctx, mlruns.ExperimentSpec{ID: "e", Name: fmt.Sprint("name ", i)})
			return err
		}), mlruns.ErrExists)
	}},
	{"rename experiment", func(f *fixture, open func() mlruns.Store) {
		ids := make([]string, goroutines)
		for i := range ids {
			ids[i] = f.newExperiment(fmt.Sprint("old ", i))
		}
		f.oneOf(all(open, func(i int, c *mlruns.Client) error { return c.RenameExperiment(f.ctx, ids[i], "new") }), mlruns.ErrExists)
	}},
	{"create run with one id", func(f *fixture, open func() mlruns.Store) {
		ids := []string{"0", f.newExperiment("one"), f.newExperiment("two")}
		f.oneOf(all(open, func(i int, c *mlruns.Client) error {
			_, err := c.CreateRun(f.ctx, mlruns.RunSpec{ID: "mine", ExperimentID: ids[i%len(ids)]})
			return err
		}), mlruns.ErrExists)
	}},
	{"append", func(f *fixture, open func() mlruns.Store) {
		const each = 25
		id := f.newRun()
		f.must(errors.Join(all(open, func(i int, c *mlruns.Client) error {
			for j := range each {
				m := mlruns.Metric{Key: "m", Value: float64(i), Step: int64(j), Time: at(int64(i))}
				batch := mlruns.Batch{Metrics: []mlruns.Metric{m, {Key: fmt.Sprint("own/", i), Value: float64(j), Time: at(1)}}}
				if err := c.LogBatch(f.ctx, id, batch); err != nil {
					return err
				}
			}
			return nil
		})...))
		next := make([]int64, goroutines)
		points := f.history(id, "m")
		equal(f, "points", len(points), goroutines*each)
		for _, m := range points {
			equal(f, "step, in the order of its goroutine", m.Step, next[int(m.Value)])
			next[int(m.Value)]++
		}
		equal(f, "metrics", len(f.read(id).Data.Metrics), goroutines+1)
	}},
	{"one param, many values", func(f *fixture, open func() mlruns.Store) {
		id := f.newRun()
		f.oneOf(all(open, func(i int, c *mlruns.Client) error { return c.LogParam(f.ctx, id, "p", fmt.Sprint(i)) }), mlruns.ErrInvalid)
	}},
	{"record logged model", func(f *fixture, open func() mlruns.Store) {
		id := f.newRun()
		f.must(errors.Join(all(open, func(i int, c *mlruns.Client) error {
			return c.RecordLoggedModel(f.ctx, id, mlruns.ModelRecord{ArtifactPath: fmt.Sprint(i)})
		})...))
		var records []struct {
			Path string `json:"artifact_path"`
		}
		f.must(json.Unmarshal([]byte(f.read(id).Data.Tags[mlruns.TagModelHistory]), &records))
		seen := map[string]bool{}
		for _, r := range records {
			seen[r.Path] = true
		}
		equal(f, "records", len(seen), goroutines)
		equal(f, "records", len(records), goroutines)
	}},
	{"inputs of one data set", func(f *fixture, open func() mlruns.Store) {
		in := mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "d", Digest: "1"}}}}
		runs := make([]string, goroutines)
		for i := range runs {
			runs[i] = f.newRun()
		}
		f.must(errors.Join(all(open, func(i int, c *mlruns.Client) error { return c.LogInputs(f.ctx, runs[i], in) })...))
		for _, id := range runs {
			equal(f, "inputs", f.read(id).Inputs, in)
		}
	}},
	{"readers meet nothing half done", func(f *fixture, open func() mlruns.Store) {
		id := f.newRun()
		const each = 8
		f.must(errors.Join(all(open, func(i int, c *mlruns.Client) error {
			for j := range each {
				if i%2 == 0 {
					if err := writeSome(f, c, id, i, j); err != nil {
						return err
					}
					continue
				}
				if err := readSome(f, c, id); err != nil {
					return err
				}
			}
			return nil
		})...))
	}},
	{"delete and restore under writers", func(f *fixture, open func() mlruns.Store) {
		experiment := f.newExperiment("one")
		id := need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ExperimentID: experiment}))(f).Info.ID
		logged := make([]int, goroutines)
		f.must(errors.Join(all(open, func(i int, c *mlruns.Client) error {
			if i == 0 {
				for range 5 {
					if err := errors.Join(c.DeleteExperiment(f.ctx, experiment), c.RestoreExperiment(f.ctx, experiment)); err != nil {
						return err
					}
				}
				return nil
			}
			for step := range int64(10) {
				switch err := c.LogMetric(f.ctx, id, mlruns.Metric{Key: "m", Value: float64(i), Step: step}); {
				case err == nil:
					logged[i]++
				case !errors.Is(err, mlruns.ErrNotActive):
					return err
				}
			}
			return nil
		})...))
		got := make([]int, goroutines)
		for _, m := range f.history(id, "m") {
			got[int(m.Value)]++
		}
		equal(f, "points: what was acknowledged and nothing else", got, logged)
	}},
}

// RunMoves tests that readers find an experiment and all that is in it while it is deleted and
// restored. It needs a file system whose open folders stay open when they are renamed.
func RunMoves(t *testing.T, place Place) {
	open := place(t)
	f := newFixture(t, open())
	experiment := f.newExperiment("one")
	need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ID: "moves", ExperimentID: experiment}))(f)
	f.must(f.client.LogMetric(f.ctx, "moves", mlruns.Metric{Key: "m"}))
	f.must(errors.Join(all(open, func(i int, c *mlruns.Client) error {
		for range 8 {
			if i == 0 {
				if err := errors.Join(c.DeleteExperiment(f.ctx, experiment), c.RestoreExperiment(f.ctx, experiment)); err != nil {
					return err
				}
				continue
			}
			if err := readMoving(f, c, experiment); err != nil {
				return err
			}
		}
		return nil
	})...))
	f.verify()
}

// readMoving reads the experiment, which is there whatever its stage, in every way.
func readMoving(f *fixture, c *mlruns.Client, experiment string) error {
	if _, err := c.Experiment(f.ctx, experiment); err != nil {
		return err
	}
	if _, err := c.ExperimentByName(f.ctx, "Default"); err != nil {
		return err
	}
	run, err := c.Run(f.ctx, "moves")
	if err != nil {
		return err
	}
	if len(run.Problems) > 0 || len(run.Data.Metrics) != 1 {
		return fmt.Errorf("read %+v", run)
	}
	for _, err := range c.MetricHistory(f.ctx, "moves", "m", mlruns.HistoryQuery{}) {
		if err != nil {
			return err
		}
	}
	for _, err := range c.RunInfos(f.ctx, experiment, mlruns.ViewAll) {
		if err != nil {
			return err
		}
	}
	page, err := c.SearchRuns(f.ctx, mlruns.RunQuery{Experiments: []string{experiment}, View: mlruns.ViewAll})
	if err == nil && len(page.Problems) > 0 {
		err = fmt.Errorf("problems of a search: %v", page.Problems)
	}
	return err
}

func writeSome(f *fixture, c *mlruns.Client, id string, i, j int) error {
	run, err := c.CreateRun(f.ctx, mlruns.RunSpec{Tags: map[string]string{"a": "1", "b/c": "2"}})
	if err != nil {
		return err
	}
	return errors.Join(
		c.LogMetric(f.ctx, id, mlruns.Metric{Key: fmt.Sprintf("m%d", j), Value: float64(i)}),
		c.LogParam(f.ctx, id, fmt.Sprintf("p%d/%d", i, j), "value"),
		c.SetTag(f.ctx, id, mlruns.TagRunName, fmt.Sprintf("name %d %d", i, j)),
		c.UpdateRun(f.ctx, id, mlruns.RunUpdate{Status: mlruns.Status(1 + j%5)}),
		c.LogInputs(f.ctx, id, mlruns.Inputs{Models: []mlruns.ModelInput{{ModelID: fmt.Sprintf("m-%d-%d", i, j)}}}),
		c.EndRun(f.ctx, run.Info.ID, 0, time.Time{}),
	)
}

// readSome reads everything and takes any problem for an error.
func readSome(f *fixture, c *mlruns.Client, id string) error {
	run, err := c.Run(f.ctx, id)
	if err != nil {
		return err
	}
	if len(run.Problems) > 0 {
		return fmt.Errorf("problems of the run: %v", run.Problems)
	}
	for key, value := range run.Data.Params {
		if value != "value" {
			return fmt.Errorf("param %s is %q", key, value)
		}
	}
	page, err := c.SearchRuns(f.ctx, mlruns.RunQuery{})
	if err != nil {
		return err
	}
	if len(page.Problems) > 0 {
		return fmt.Errorf("problems of a search: %v", page.Problems)
	}
	for _, r := range page.Runs {
		if tags := r.Data.Tags; r.Info.ID != id && (tags["a"] != "1" || tags["b/c"] != "2" || tags[mlruns.TagRunName] == "") {
			return fmt.Errorf("a run with half its tags: %v", tags)
		}
	}
	return nil
}
