package fault

import (
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// modelPoints are writes of points that are a run's and a model's, with the lines of the run's file
// and of the model's that each adds.
var modelPoints = []struct {
	name      string
	prepare   func(*filestoretest.Faulty) error
	warm      bool // the store has logged such a point before
	points    []mlruns.Metric
	run, mine string
}{
	{name: "a new metric", prepare: makeModel, points: []mlruns.Metric{ofModel("m", "m-1", 2)}, run: "2 2.0 0\n", mine: "2 2.0 0 run\n"},
	{name: "one more point", prepare: loggedBefore, points: []mlruns.Metric{ofModel("m", "m-1", 2)}, run: "2 2.0 0\n", mine: "2 2.0 0 run\n"},
	{name: "one more point, with kept files", prepare: loggedBefore, warm: true, points: []mlruns.Metric{ofModel("m", "m-1", 2)}, run: "2 2.0 0\n", mine: "2 2.0 0 run\n"},
	{name: "a batch", prepare: loggedBefore, points: []mlruns.Metric{ofModel("m", "m-1", 2), onDataset(ofModel("m", "m-1", 3)), ofModel("m", "", 4)},
		run: "2 2.0 0\n3 3.0 0 d 1\n4 4.0 0\n", mine: "2 2.0 0 run\n3 3.0 0 run d 1\n"},
	{name: "a model that nobody made", points: []mlruns.Metric{ofModel("m", "m-1", 2)}, run: "2 2.0 0\n", mine: "2 2.0 0 run\n"},
}

func ofModel(key, model string, n int64) mlruns.Metric {
	return mlruns.Metric{Key: key, Value: float64(n), Time: time.UnixMilli(n), ModelID: model}
}

func onDataset(m mlruns.Metric) mlruns.Metric {
	m.DatasetName, m.DatasetDigest = "d", "1"
	return m
}

func loggedBefore(f *filestoretest.Faulty) error {
	return errors.Join(makeModel(f), f.Store.LogMetric(f.Ctx, "run", ofModel("m", "m-1", 1)))
}

// TestEveryFaultOfModelPoints fails each operation of writing points to a run and to a model. Each
// file is as before or as after, the run's is written first, and calling again completes the
// model's; a point of the run may then stand there twice.
func TestEveryFaultOfModelPoints(t *testing.T) {
	const runFile, modelFile = "e1/run/metrics/m", "e1/models/m-1/metrics/m"
	var injected atomic.Int64
	t.Cleanup(func() { t.Logf("%d faults were injected into %d writes", injected.Load(), len(modelPoints)) })
	for _, op := range modelPoints {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			rng := proof.Rand(t)
			log := func(f *filestoretest.Faulty) error {
				if len(op.points) == 1 {
					return f.Store.LogMetric(f.Ctx, "run", op.points[0])
				}
				return f.Store.LogBatch(f.Ctx, "run", mlruns.Batch{Metrics: op.points})
			}
			of := faultedOperation{prepare: op.prepare, do: log}
			if op.warm {
				of.warm = func(f *filestoretest.Faulty) error { return f.Store.LogMetric(f.Ctx, "run", ofModel("m", "m-1", 9)) }
			}
			g := newGround(t, of)
			for _, place := range faultPlaces() {
				if place.local != op.warm {
					continue
				}
				for _, kind := range faultKinds {
					step := place.stepOf(kind.often)
					for i := rng.IntN(step); !t.Failed(); i += step {
						f := g.faulty(t, place, filestore.SyncMeta)
						runBefore, modelBefore := linesOf(f, runFile), linesOf(f, modelFile)
						f.Faults.Arm(kind.at(i))
						err := log(f)
						f.Faults.Disarm()
						if f.Faults.Failed == 0 {
							f.Must(err)
							f.Close()
							break
						}
						injected.Add(int64(f.Faults.Failed))
						about := place.name + ", " + kind.name
						inRun, inModel := linesOf(f, runFile), linesOf(f, modelFile)
						whole := err == nil || errors.Is(err, mlruns.ErrNotDurable)
						switch {
						case inRun != runBefore && inRun != runBefore+op.run, inModel != modelBefore && inModel != modelBefore+op.mine:
							t.Errorf("%s: fault %d, %v: neither before nor after: %q, %q", about, i, f.Faults.Hit, inRun, inModel)
						case inModel != modelBefore && inRun == runBefore:
							t.Errorf("%s: fault %d, %v: the model has points that the run has not", about, i, f.Faults.Hit)
						case whole && (inRun == runBefore || inModel == modelBefore):
							t.Errorf("%s: fault %d, %v: %v, but %q, %q", about, i, f.Faults.Hit, err, inRun, inModel)
						case err != nil && !errors.Is(err, kind.cause):
							t.Errorf("%s: fault %d: %v does not wrap %v", about, i, err, kind.cause)
						}
						f.Verify("")
						if !strings.Contains(op.run, "d 1") { // which no MLflow before 3 reads
							f.ReadsStrictly(f.Snapshot())
						}
						if !whole {
							f.Must(log(f))
							if got := linesOf(f, modelFile); got != modelBefore+op.mine {
								t.Errorf("%s: fault %d, %v: after the retry the model has %q", about, i, f.Faults.Hit, got)
							}
							if got := linesOf(f, runFile); !strings.HasSuffix(got, op.run) {
								t.Errorf("%s: fault %d, %v: after the retry the run has %q", about, i, f.Faults.Hit, got)
							}
							f.Verify(mlruns.ProblemDuplicateLine)
						}
						f.Close()
					}
				}
			}
		})
	}
}

// linesOf is the content of a metric file, "" if it is not there.
func linesOf(f *filestoretest.Faulty, name string) string {
	f.Helper()
	data, err := afero.ReadFile(f.Base, "/mlruns/"+name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.Fatal(err)
	}
	return string(data)
}
