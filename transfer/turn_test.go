package transfer_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/transfer"
)

// Copies into one folder take turns, whoever makes them: none adds a point, a run or an experiment
// that another one has just added, and each tells that it waits.
func TestCopiesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, fsys := past(t)
		q := transfer.Query{Deleted: true}
		undisturbed := openAt(t, "/mlruns", filestore.WithFs(fsys.CrashClone(nil)))
		copyAll(t, undisturbed, src, q)
		holder := openAt(t, "/mlruns", filestore.WithFs(fsys))
		unlock, err := holder.LockCopies(t.Context())
		must(t, err)
		var all sync.WaitGroup
		var mu sync.Mutex
		waiting, created := 0, 0
		q.OnWait = func() {
			mu.Lock()
			defer mu.Unlock()
			waiting++
		}
		for range 4 {
			all.Go(func() {
				dst, err := filestore.Open("/mlruns", filestore.WithFs(fsys))
				if err != nil {
					t.Error(err)
					return
				}
				for it, err := range transfer.Copy(t.Context(), dst, src, q) {
					mu.Lock()
					if it.Action == transfer.ActionCreated && it.Kind == transfer.KindRun {
						created++
					}
					if err != nil || it.Err != nil {
						t.Error(err, it.Err)
					}
					mu.Unlock()
				}
				if err := dst.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(time.Hour)
		if waiting != 4 || created != 0 {
			t.Errorf("%d wait, %d runs were made meanwhile", waiting, created)
		}
		must(t, unlock())
		all.Wait()
		if created != 1 {
			t.Errorf("%d runs were made, not the one", created)
		}
		if diff := cmp.Diff(snapshot(t, undisturbed), snapshot(t, holder)); diff != "" {
			t.Errorf("(-one copy +four):\n%s", diff)
		}
		sound(t, holder)
	})
}

// Who waits ends with its context, and a dry run waits for nobody.
func TestTurnEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := open(t)
		fsys := memfs.New()
		dst := openAt(t, "/mlruns", filestore.WithFs(fsys))
		unlock, err := dst.LockCopies(t.Context())
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var last error
		for _, err := range transfer.Copy(ctx, dst, src, transfer.Query{}) {
			last = err
		}
		if !errors.Is(last, context.DeadlineExceeded) {
			t.Errorf("at last %v", last)
		}
		copyAll(t, dst, src, transfer.Query{DryRun: true})
		must(t, unlock())
		copyAll(t, dst, src, transfer.Query{})
	})
}

// A watch whose destination was away for long, so that the copy took long, looks again as soon as
// ever: it does not wait for twenty times that.
func TestWatchComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		src := open(t)
		must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "run", Name: "n", Start: at(1)})))
		dst := serve(open(t), false)
		begun := time.Now()
		const away = time.Hour
		dst.fault = func(int) (error, error) {
			if time.Since(begun) < away {
				time.Sleep(time.Minute) // tries again
				return mlruns.ErrBusy, nil
			}
			return nil, nil
		}
		for it, err := range transfer.Watch(ctx, dst, src, transfer.Query{}, 10*time.Second) {
			must(t, err)
			if it.Kind == transfer.KindRun && it.Err == nil {
				cancel()
			}
		}
		if took := time.Since(begun); took > away+2*time.Minute {
			t.Errorf("it is back after %v", took)
		}
	})
}

// A watch whose first copy takes an hour, since there is much to send, looks again as soon as ever:
// what it waits for twenty times is how long it looked, not what it did.
func TestWatchAfterLongCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		src := open(t)
		for _, id := range []string{"one", "two"} {
			must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: id, Name: id, Start: at(1)})))
		}
		dst := serve(open(t), false)
		dst.fault = func(n int) (error, error) {
			if n > 0 { // the first makes the experiment
				time.Sleep(10 * time.Minute)
			}
			return nil, nil
		}
		var first time.Time
		for it, err := range transfer.Watch(ctx, dst, src, transfer.Query{}, 10*time.Second) {
			must(t, err, it.Err)
			switch {
			case it.Kind != transfer.KindRun:
			case first.IsZero() && it.SourceID == "one":
				first = time.Now()
				must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "new", Name: "new", Start: at(2)})))
			case it.SourceID == "new":
				cancel()
			}
		}
		if took := time.Since(first); took > 3*time.Hour {
			t.Errorf("what came during the first copy is copied after %v", took)
		}
	})
}

// slow is a folder into which a model, and a trace, take an hour.
type slow struct{ *filestore.Store }

func (s slow) ImportLoggedModel(ctx context.Context, m mlruns.LoggedModel, points iter.Seq2[mlruns.Metric, error]) error {
	time.Sleep(time.Hour)
	return s.Store.ImportLoggedModel(ctx, m, points)
}

func (s slow) ImportTrace(ctx context.Context, trace mlruns.Trace) (string, error) {
	time.Sleep(time.Hour)
	return s.Store.ImportTrace(ctx, trace)
}

// The hours that models and traces take to be copied are no looking either.
func TestWatchAfterLongModelsAndTraces(t *testing.T) {
	for _, c := range []struct {
		name string
		fill func(ctx context.Context, s *filestore.Store) error
	}{
		{"a model", func(ctx context.Context, s *filestore.Store) error {
			return errOf(s.CreateLoggedModel(ctx, mlruns.ModelSpec{ExperimentID: "0", Name: "m"}))
		}},
		{"a trace", func(ctx context.Context, s *filestore.Store) error {
			return errOf(s.ImportTrace(ctx, mlruns.Trace{ID: "tr-1", State: mlruns.TraceOK, Start: at(1)}))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				src, dst, begun := open(t), open(t), time.Now()
				must(t, c.fill(ctx, src), errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "one", Name: "one", Start: at(1)})))
				for it, err := range transfer.Watch(ctx, slow{dst}, src, transfer.Query{}, 10*time.Second) {
					must(t, err, it.Err)
					switch it.SourceID {
					case "one":
						must(t, errOf(src.CreateRun(ctx, mlruns.RunSpec{ID: "new", Name: "new", Start: at(2)})))
					case "new":
						cancel()
					}
				}
				if took := time.Since(begun); took < time.Hour || took > 2*time.Hour {
					t.Errorf("what came during the first copy is copied after %v", took)
				}
			})
		})
	}
}
