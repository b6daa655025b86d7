package filestore_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestSearchNamesRunsWithOneID copies a run into another experiment, as people do by hand. Both are
// found, in an order that the pages keep, and the search says that a call by the id finds one of
// them only.
func TestSearchNamesRunsWithOneID(t *testing.T) {
	d := filestoretest.NewPatient(t, func(f afero.Fs) afero.Fs { return f })
	d.Must(filestoretest.ErrOf(d.Store.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: "e3", Name: "copies"})))
	copied := map[string]string{"e3/run/artifacts/": ""}
	for _, file := range []string{"meta.yaml", "metrics/loss", "params/lr", "tags/mlflow.runName"} {
		text, err := afero.ReadFile(d.Mem, "/mlruns/e1/run/"+file)
		d.Must(err)
		copied["e3/run/"+file] = strings.ReplaceAll(string(text), "e1", "e3")
	}
	d.Write(copied)
	want := []mlruns.Problem{{Kind: mlruns.ProblemDuplicate, Path: "e3/run", Reason: "the run e1/run has the same id, and a call by id finds only one of them"}}
	if diff := cmp.Diff(want, filestoretest.Problems(t, d.Store)); diff != "" {
		t.Errorf("verify (-want +got):\n%s", diff)
	}
	for range 20 {
		q := mlruns.RunQuery{Filter: `run_id = "run"`, MaxResults: 1}
		for i, experiment := range []string{"e1", "e3"} {
			page, err := d.Store.SearchRuns(t.Context(), q)
			d.Must(err)
			if len(page.Runs) != 1 || page.Runs[0].Info.ExperimentID != experiment || (page.NextPageToken == "") != (i == 1) {
				t.Fatalf("page %d has %d runs, token %q, want that of %s", i, len(page.Runs), page.NextPageToken, experiment)
			}
			if diff := cmp.Diff(want, page.Problems); diff != "" {
				t.Fatalf("page %d: problems (-want +got):\n%s", i, diff)
			}
			q.PageToken = page.NextPageToken
		}
	}
	var told []mlruns.Problem
	n := 0
	for _, err := range d.Store.Runs(t.Context(), mlruns.RunQuery{OnProblem: func(p mlruns.Problem) { told = append(told, p) }}) {
		d.Must(err)
		n++
	}
	if diff := cmp.Diff(want, told); n != 3 || diff != "" {
		t.Errorf("a scan yields %d runs, want 3; problems (-want +got):\n%s", n, diff)
	}
}
