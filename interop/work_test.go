//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// envTask holds the job of a process that TestBothAtOnce starts.
const envTask = "MLRUNS_INTEROP_TASK"

// pause is how long a Go worker waits between operations: without it it would do a hundred times as
// many as Python.
const pause = time.Millisecond

// TestWork is not a test: it is what the processes of TestBothAtOnce run. It does what
// python/work.py does.
func TestWork(t *testing.T) {
	text := os.Getenv(envTask)
	if text == "" {
		t.Skip("for processes that TestBothAtOnce starts")
	}
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatal(err)
	}
	store, err := filestore.Open(j.Root, filestore.WithMustExist(), filestore.WithSync(filestore.SyncNever))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	log, err := os.Create(j.Log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	w := &worker{Client: mlruns.NewClient(store), job: j, Rand: rand.New(rand.NewPCG(j.Seed, 6))}
	lines := json.NewEncoder(log)
	for time.Now().UnixNano() < j.End {
		name, do := w.choose()
		w.n++
		o := op{By: j.Name, Do: name, N: w.n, Begin: time.Now().UnixNano()}
		if err := do(t.Context(), &o); err != nil {
			o.Err = fmt.Sprintf("%s: %v", mlruns.CodeOf(err), err)
		}
		o.End = time.Now().UnixNano()
		if err := lines.Encode(o); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pause)
	}
}

type worker struct {
	*mlruns.Client
	*rand.Rand
	job
	n          int64
	made, mine []string
}

var errNoneYet = errors.New("none yet")

func (w *worker) choose() (string, func(context.Context, *op) error) {
	type choice struct {
		name   string
		weight int
		do     func(context.Context, *op) error
	}
	choices := []choice{{"metric", 20, w.metric}, {"batch", 5, w.batch}, {"param", 8, w.param}, {"tag", 10, w.tag}, {"untag", 3, w.untag}, {"rename", 5, w.rename}, {"status", 5, w.status},
		{"delete", 3, w.deleteRun}, {"restore", 3, w.restoreRun}, {"model", 4, w.model}, {"experiment_rename", 3, w.renameExperiment}, {"experiment_tag", 5, w.experimentTag}, {"create", 3, w.create},
		{"experiment_create", 1, w.createExperiment}, {"experiment_delete", 1, w.deleteExperiment}, {"experiment_restore", 1, w.restoreExperiment}, {"search", 1, w.search}}
	total := 0
	for _, c := range choices {
		total += c.weight
	}
	n := w.IntN(total)
	for _, c := range choices {
		if n -= c.weight; n < 0 {
			return c.name, c.do
		}
	}
	panic("the weights do not add up")
}

func (w *worker) value() string { return fmt.Sprintf("%s-%06d", w.Name, w.n) }
func (w *worker) run() string   { return w.job.Runs[w.IntN(2)] }
func (w *worker) either(own string) string {
	if w.IntN(2) == 0 {
		return "both"
	}
	return own
}

func (w *worker) metric(ctx context.Context, o *op) error {
	o.Run, o.Key, o.Value = w.run(), w.either("own/"+w.Name), fmt.Sprint(w.n)
	return w.LogMetric(ctx, o.Run, mlruns.Metric{Key: o.Key, Value: float64(w.n), Time: time.UnixMilli(w.At), Step: w.n})
}

func (w *worker) batch(ctx context.Context, o *op) error {
	o.Run, o.Key, o.Value = w.run(), "batch/"+w.Name, w.value()
	b := mlruns.Batch{Params: []mlruns.Param{{Key: "batch/" + o.Value, Value: o.Value}}, Tags: []mlruns.Tag{{Key: o.Key, Value: o.Value}}}
	for i := range int64(20) {
		b.Metrics = append(b.Metrics, mlruns.Metric{Key: o.Key, Value: float64(i), Time: time.UnixMilli(1), Step: w.n*100 + i})
	}
	return w.LogBatch(ctx, o.Run, b)
}

func (w *worker) param(ctx context.Context, o *op) error {
	o.Run, o.Key, o.Value = w.run(), "own/"+w.value(), w.value()
	return w.LogParam(ctx, o.Run, o.Key, o.Value)
}

func (w *worker) tag(ctx context.Context, o *op) error {
	o.Run, o.Key, o.Value = w.run(), w.either("own."+w.Name), w.value()
	return w.SetTag(ctx, o.Run, o.Key, o.Value)
}

func (w *worker) untag(ctx context.Context, o *op) error {
	o.Run, o.Key = w.run(), w.either("own."+w.Name)
	return w.DeleteTag(ctx, o.Run, o.Key)
}

func (w *worker) rename(ctx context.Context, o *op) error {
	o.Run, o.Value = w.run(), w.value()
	return w.UpdateRun(ctx, o.Run, mlruns.RunUpdate{Name: o.Value})
}

func (w *worker) status(ctx context.Context, o *op) error {
	status := mlruns.Status(1 + w.IntN(5))
	o.Run, o.Value = w.run(), status.String()
	return w.UpdateRun(ctx, o.Run, mlruns.RunUpdate{Status: status})
}

func (w *worker) deleteRun(ctx context.Context, o *op) error {
	o.Run, o.Value = w.job.Runs[2], "deleted"
	return w.DeleteRun(ctx, o.Run)
}

func (w *worker) restoreRun(ctx context.Context, o *op) error {
	o.Run, o.Value = w.job.Runs[2], "active"
	return w.RestoreRun(ctx, o.Run)
}

func (w *worker) model(ctx context.Context, o *op) error {
	o.Run, o.Value = w.run(), w.value()
	return w.RecordLoggedModel(ctx, o.Run, mlruns.ModelRecord{ArtifactPath: o.Value})
}

func (w *worker) renameExperiment(ctx context.Context, o *op) error {
	o.Run, o.Value = w.job.Experiment, w.value()
	return w.RenameExperiment(ctx, o.Run, o.Value)
}

func (w *worker) experimentTag(ctx context.Context, o *op) error {
	o.Run, o.Key, o.Value = w.job.Experiment, w.either("own."+w.Name), w.value()
	return w.SetExperimentTag(ctx, o.Run, o.Key, o.Value)
}

func (w *worker) create(ctx context.Context, o *op) error {
	r, err := w.CreateRun(ctx, mlruns.RunSpec{ExperimentID: w.job.Experiment, Tags: map[string]string{"made": w.value()}})
	if err != nil {
		return err
	}
	o.Run, o.Value = r.Info.ID, w.value()
	if err := w.LogMetric(ctx, o.Run, mlruns.Metric{Key: "m", Value: 1, Time: time.UnixMilli(1), Step: 1}); err != nil {
		return err
	}
	w.made = append(w.made, o.Run)
	return nil
}

func (w *worker) createExperiment(ctx context.Context, o *op) error {
	o.Value = "of " + w.value()
	e, err := w.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: o.Value})
	if err != nil {
		return err
	}
	o.Run = e.ID
	w.mine = append(w.mine, e.ID)
	return nil
}

func (w *worker) deleteExperiment(ctx context.Context, o *op) error {
	if len(w.mine) == 0 {
		return errNoneYet
	}
	o.Run, o.Value = w.mine[w.IntN(len(w.mine))], "deleted"
	return w.DeleteExperiment(ctx, o.Run)
}

func (w *worker) restoreExperiment(ctx context.Context, o *op) error {
	if len(w.mine) == 0 {
		return errNoneYet
	}
	o.Run, o.Value = w.mine[w.IntN(len(w.mine))], "active"
	return w.RestoreExperiment(ctx, o.Run)
}

func (w *worker) search(ctx context.Context, _ *op) error {
	found := map[string]bool{}
	q := mlruns.RunQuery{Experiments: []string{w.job.Experiment}, Filter: "tags.made LIKE '%'", View: mlruns.ViewAll}
	for r, err := range w.Client.Runs(ctx, q) {
		if err != nil {
			return err
		}
		found[r.Info.ID] = true
	}
	for _, id := range w.made {
		if !found[id] {
			return fmt.Errorf("search misses %s", id)
		}
	}
	return nil
}
