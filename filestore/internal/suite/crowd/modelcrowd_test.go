package crowd

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

const crowdModel = "m-crowd"

func init() {
	crowdTasks["append to a model"] = func(t *testing.T, dir string) {
		s := filestoretest.Open(t, dir)
		for i := range pointsOfModel() {
			filestoretest.Must(t, s.LogMetric(t.Context(), os.Getenv(filestoretest.EnvRun), mlruns.Metric{Key: "m", Value: float64(filestoretest.TaskNumber(t)), Step: i, ModelID: crowdModel}))
		}
	}
}

func pointsOfModel() int64 { return proof.Choose[int64](50, 200, 1000) }

// TestProcessesLoseNoPointOfAModel lets processes log points of one model to two runs of theirs,
// another change its tags, params and status, and others read.
func TestProcessesLoseNoPointOfAModel(t *testing.T) {
	t.Parallel()
	const processes = 4 // of each run
	ctx, dir := t.Context(), filepath.Join(t.TempDir(), "mlruns")
	store := filestoretest.Open(t, dir)
	filestoretest.Must(t, filestoretest.ErrOf(store.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: crowdModel, Name: "crowd"})))
	runs := []string{"first", "second"}
	for _, run := range runs {
		filestoretest.Must(t, filestoretest.ErrOf(store.CreateRun(ctx, mlruns.RunSpec{ID: run})))
	}
	done := make(chan struct{})
	var looks atomic.Int64
	var others, logging sync.WaitGroup
	others.Go(func() { changeModel(t, store, done) })
	for range 2 {
		others.Go(func() { readModel(t, filestoretest.Open(t, dir, filestore.WithReadOnly()), done, &looks) })
	}
	for _, run := range runs {
		logging.Go(func() { filestoretest.StartTasks(t, processes, "append to a model", dir, run) })
	}
	logging.Wait()
	close(done)
	others.Wait()
	data, err := os.ReadFile(filepath.Join(dir, "0", "models", crowdModel, "metrics", "m"))
	filestoretest.Must(t, err)
	next := map[string]int64{}
	for line := range strings.Lines(string(data)) {
		var at, step int64
		var value float64
		var run string
		if n, err := fmt.Sscanf(line, "%d %g %d %s\n", &at, &value, &step, &run); n != 4 || err != nil {
			t.Fatalf("the line %q: %v", line, err)
		}
		writer := fmt.Sprint(run, value)
		if step != next[writer] {
			t.Fatalf("step %d of %s, want %d", step, writer, next[writer])
		}
		next[writer]++
	}
	if len(next) != processes*len(runs) {
		t.Errorf("points of %v", next)
	}
	for writer, n := range next {
		if n != pointsOfModel() {
			t.Errorf("%d points of %s, want %d", n, writer, pointsOfModel())
		}
	}
	for _, run := range runs {
		if n := len(filestoretest.History(t, store, run, "m")); n != processes*int(pointsOfModel()) {
			t.Errorf("%d points of the run %s", n, run)
		}
	}
	filestoretest.NoProblems(t, store)
	filestoretest.ReadsStrictly(t, dir)
	t.Logf("readers looked %d times meanwhile", looks.Load())
}

func changeModel(t *testing.T, s *filestore.Store, done <-chan struct{}) {
	t.Helper()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		default:
		}
		letter := strings.Repeat(string(rune('a'+i%26)), longTag)
		status := []mlruns.ModelStatus{mlruns.ModelPending, mlruns.ModelReady, mlruns.ModelFailed}[i%3]
		err := s.SetLoggedModelTags(t.Context(), crowdModel, map[string]string{"long": letter})
		if err == nil {
			err = s.LogLoggedModelParams(t.Context(), crowdModel, map[string]string{"p": letter[:1]})
		}
		if err == nil {
			_, err = s.FinalizeLoggedModel(t.Context(), crowdModel, status)
		}
		if err != nil {
			t.Errorf("changing the model while others log: %v", err)
			return
		}
	}
}

func readModel(t *testing.T, s *filestore.Store, done <-chan struct{}, looks *atomic.Int64) {
	t.Helper()
	for last := int64(-1); ; looks.Add(1) {
		select {
		case <-done:
			return
		default:
		}
		m, err := s.LoggedModel(t.Context(), crowdModel)
		if err != nil || len(m.Problems) > 0 || m.Name != "crowd" || m.Tags["long"] != "" && !oneLetter(m.Tags["long"]) {
			t.Errorf("while others write: %+v, %v", m, err)
			return
		}
		if len(m.Metrics) > 0 {
			if m.Metrics[0].Step < last {
				t.Errorf("the latest step is %d, where %d was", m.Metrics[0].Step, last)
				return
			}
			last = m.Metrics[0].Step
		}
		page, err := s.SearchLoggedModels(t.Context(), mlruns.ModelQuery{Filter: "metrics.m >= 0"})
		if err != nil || len(page.Problems) > 0 || last >= 0 && len(page.Models) != 1 {
			t.Errorf("search while others write: %+v, %v", page, err)
			return
		}
	}
}
