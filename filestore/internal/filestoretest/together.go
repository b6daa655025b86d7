package filestoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// Together is runs that are imported at once, as a copy does, each with a file.
type Together struct {
	Runs int

	mu   sync.Mutex
	errs map[string]error // of the calls that have ended, by run or file
}

const togetherFile = "model/weights.bin"

// ID is that of the i-th run.
func (g *Together) ID(i int) string { return fmt.Sprintf("together%d", i) }

// text is what the i-th run has as its values, longer than a block of memfs' tears.
func (g *Together) text(i int) string { return strings.Repeat(fmt.Sprintf("value %d ", i), 20) }

// Do imports all of them: no import ends before the last has begun. The files follow.
func (g *Together) Do(ctx context.Context, s *filestore.Store) error {
	unlock, err := s.LockCopies(ctx)
	if err != nil {
		return err
	}
	g.errs = map[string]error{}
	var all, arrived sync.WaitGroup
	arrived.Add(g.Runs)
	for i := range g.Runs {
		all.Go(func() {
			id, came := g.ID(i), sync.OnceFunc(arrived.Done)
			r := mlruns.Run{Info: mlruns.RunInfo{ID: id, ExperimentID: mlruns.DefaultExperimentID, Status: mlruns.StatusFinished, Stage: mlruns.StageActive,
				Start: time.UnixMilli(1000), End: time.UnixMilli(2000)}, Data: mlruns.RunData{Params: map[string]string{"p": g.text(i)}, Tags: map[string]string{"t": g.text(i)}}}
			err := s.ImportRun(ctx, r, g.points(came, &arrived))
			came() // after an error
			g.ended(id, err)
			if err == nil || errors.Is(err, mlruns.ErrNotDurable) {
				g.ended(id+"/file", s.WriteArtifact(ctx, id, togetherFile, strings.NewReader(g.text(i))))
			}
		})
	}
	all.Wait()
	return unlock()
}

func (g *Together) points(came func(), arrived *sync.WaitGroup) iter.Seq2[mlruns.Metric, error] {
	return func(yield func(mlruns.Metric, error) bool) {
		came()
		arrived.Wait()
		for step := range int64(5) {
			if !yield(mlruns.Metric{Key: "loss", Value: 0.5, Step: step, Time: time.UnixMilli(1000 + step)}, nil) {
				return
			}
		}
	}
}

func (g *Together) ended(what string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.errs[what] = err
}

// Ended gives the errors of the calls that have ended, by the id of the run, and for its file with
// "/file" added.
func (g *Together) Ended() map[string]error {
	g.mu.Lock()
	defer g.mu.Unlock()
	copied := map[string]error{}
	for what, err := range g.errs {
		copied[what] = err
	}
	return copied
}

// Judge lists what is wrong in a store: a run or file that is there and not whole, or not there
// although its call had ended well.
func (g *Together) Judge(ctx context.Context, s *filestore.Store, ended map[string]error) (wrong []string) {
	for i := range g.Runs {
		id := g.ID(i)
		err, over := ended[id]
		r, readErr := s.Run(ctx, id)
		if errors.Is(readErr, mlruns.ErrNotFound) {
			if over && err == nil {
				wrong = append(wrong, id+" is lost")
			}
			continue
		}
		if readErr != nil {
			wrong = append(wrong, readErr.Error())
			continue
		}
		n := 0
		for _, err := range s.MetricHistory(ctx, id, "loss", mlruns.HistoryQuery{}) {
			if err == nil {
				n++
			}
		}
		if n != 5 || r.Data.Params["p"] != g.text(i) || r.Data.Tags["t"] != g.text(i) || r.Info.Status != mlruns.StatusFinished || len(r.Problems) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s is not whole: %d points, %v", id, n, r))
		}
		err, over = ended[id+"/file"]
		f, openErr := s.OpenArtifact(ctx, id, togetherFile)
		if openErr != nil {
			if over && err == nil || !errors.Is(openErr, mlruns.ErrNotFound) {
				wrong = append(wrong, openErr.Error())
			}
			continue
		}
		data, readErr := io.ReadAll(f)
		_ = f.Close()
		if readErr != nil || !bytes.Equal(data, []byte(g.text(i))) {
			wrong = append(wrong, fmt.Sprintf("the file of %s is %.20q, %v", id, data, readErr))
		}
	}
	for p, err := range s.Verify(ctx, mlruns.VerifyQuery{}) {
		if err != nil {
			return append(wrong, err.Error())
		}
		if p.Kind != mlruns.ProblemLeftover {
			wrong = append(wrong, "Verify: "+p.String())
		}
	}
	return wrong
}
