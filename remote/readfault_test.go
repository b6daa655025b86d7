package remote_test

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"testing"

	"github.com/mlruns/mlruns"
)

// all gives what an iterator yields, or its error.
func all[T any](seq iter.Seq2[T, error]) (list []T, err error) {
	for v, err := range seq {
		if err != nil {
			return list, err
		}
		list = append(list, v)
	}
	return list, nil
}

func anyOf[T any](v T, err error) (any, error) { return v, err }

// readings are all calls that read.
var readings = []struct {
	name string
	do   func(*world) (any, error)
}{
	{"Experiment", func(w *world) (any, error) { return anyOf(w.store.Experiment(w.ctx, w.experiment)) }},
	{"ExperimentByName", func(w *world) (any, error) { return anyOf(w.store.ExperimentByName(w.ctx, "one")) }},
	{"Experiments", func(w *world) (any, error) {
		return anyOf(all(w.store.Experiments(w.ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll})))
	}},
	{"SearchExperiments", func(w *world) (any, error) {
		return anyOf(w.store.SearchExperiments(w.ctx, mlruns.ExperimentQuery{MaxResults: 1}))
	}},
	{"Run", func(w *world) (any, error) { return anyOf(w.store.Run(w.ctx, w.run)) }},
	{"RunInfos", func(w *world) (any, error) {
		return anyOf(all(w.store.RunInfos(w.ctx, w.experiment, mlruns.ViewAll)))
	}},
	{"Runs", func(w *world) (any, error) { return anyOf(all(w.store.Runs(w.ctx, mlruns.RunQuery{}))) }},
	{"SearchRuns", func(w *world) (any, error) {
		return anyOf(w.store.SearchRuns(w.ctx, mlruns.RunQuery{MaxResults: 1}))
	}},
	{"MetricHistory", func(w *world) (any, error) {
		return anyOf(all(w.store.MetricHistory(w.ctx, w.run, "old", mlruns.HistoryQuery{})))
	}},
	{"LoggedModel", func(w *world) (any, error) { return anyOf(w.store.LoggedModel(w.ctx, w.model)) }},
	{"LoggedModels", func(w *world) (any, error) { return anyOf(all(w.store.LoggedModels(w.ctx, mlruns.ModelQuery{}))) }},
	{"Trace", func(w *world) (any, error) { return anyOf(w.store.Trace(w.ctx, "tr-1")) }},
	{"Traces", func(w *world) (any, error) { return anyOf(all(w.store.Traces(w.ctx, mlruns.TraceQuery{}))) }},
	{"SearchTraces", func(w *world) (any, error) { return anyOf(w.store.SearchTraces(w.ctx, mlruns.TraceQuery{})) }},
	{"Assessment", func(w *world) (any, error) { return anyOf(w.store.Assessment(w.ctx, "tr-1", "a-old")) }},
	{"TraceArtifacts", func(w *world) (any, error) { return anyOf(w.store.TraceArtifacts(w.ctx, "tr-1", "")) }},
	{"TraceData", func(w *world) (any, error) { return anyOf(w.store.TraceData(w.ctx, "tr-1")) }},
	{"Artifacts", func(w *world) (any, error) { return anyOf(w.store.Artifacts(w.ctx, w.run, "")) }},
	{"OpenArtifact", func(w *world) (any, error) {
		f, err := w.store.OpenArtifact(w.ctx, w.run, "old.txt")
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return anyOf(io.ReadAll(f))
	}},
	{"DownloadArtifacts", func(w *world) (any, error) {
		_, err := w.store.DownloadArtifacts(w.ctx, w.run, "", w.TempDir())
		return nil, err
	}},
}

// TestReadsUnderEveryFault has every request of every call that reads met by every fault: the
// answer is the same, in one piece.
func TestReadsUnderEveryFault(t *testing.T) {
	w := newWorld(t, false)
	for _, r := range readings {
		want := text(w, r.do)
		for _, f := range faults {
			for i := 0; ; i++ {
				w.proxy.arm(i, f.do)
				got := text(w, r.do)
				met := w.proxy.met()
				w.proxy.arm(-2, nil)
				if got != want {
					t.Errorf("%s, %s at request %d: got %s\n\twant %s", r.name, f.name, i, got, want)
				}
				if !met {
					break
				}
			}
		}
	}
}

// text is what a call gives.
func text(w *world, do func(*world) (any, error)) string {
	w.Helper()
	v, err := do(w)
	shown, failed := json.Marshal(v)
	w.check(failed)
	return fmt.Sprintf("%s, %v", shown, err)
}
