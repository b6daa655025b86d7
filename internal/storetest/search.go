package storetest

import (
	"errors"
	"strings"

	"github.com/mlruns/mlruns"
)

// searchedRuns makes runs in two experiments; their names tell the order in which a search gives
// them.
func searchedRuns(f *fixture) (one, two string) {
	one, two = f.newExperiment("one"), f.newExperiment("two")
	for _, r := range []struct {
		id, experiment string
		start          int64
	}{{"d", one, 10}, {"a", two, 40}, {"c", one, 20}, {"b2", one, 30}, {"b1", two, 30}, {"x", two, 35}, {"e", mlruns.DefaultExperimentID, 5}} {
		need(f.client.CreateRun(f.ctx, mlruns.RunSpec{ID: r.id, ExperimentID: r.experiment, Start: at(r.start)}))(f)
		f.must(f.client.LogMetric(f.ctx, r.id, mlruns.Metric{Key: "m", Value: float64(r.start)}))
	}
	f.must(f.client.DeleteRun(f.ctx, "x"))
	return one, two
}

func ids(runs []*mlruns.Run) string {
	list := make([]string, len(runs))
	for i, r := range runs {
		list[i] = r.Info.ID
	}
	return strings.Join(list, " ")
}

var searchScenarios = []scenario{
	{name: "order and experiments", run: func(f *fixture) {
		one, two := searchedRuns(f)
		for _, c := range []struct {
			name string
			q    mlruns.RunQuery
			want string
		}{
			{"all", mlruns.RunQuery{}, "a b1 b2 c d e"},
			{"none named", mlruns.RunQuery{Experiments: []string{}}, "a b1 b2 c d e"},
			{"one", mlruns.RunQuery{Experiments: []string{one}}, "b2 c d"},
			{"both", mlruns.RunQuery{Experiments: []string{two, one}}, "a b1 b2 c d"},
			{"twice", mlruns.RunQuery{Experiments: []string{one, one}}, "b2 c d"},
			{"unknown", mlruns.RunQuery{Experiments: []string{"17", one}}, "b2 c d"},
			{"deleted", mlruns.RunQuery{View: mlruns.ViewDeleted}, "x"},
			{"any stage", mlruns.RunQuery{View: mlruns.ViewAll}, "a x b1 b2 c d e"},
			{"first three", mlruns.RunQuery{MaxResults: 3}, "a b1 b2"},
		} {
			runs := collect(f, f.client.Runs(f.ctx, c.q))
			equal(f, c.name, ids(runs), c.want)
			page := need(f.client.SearchRuns(f.ctx, c.q))(f)
			equal(f, c.name+": page", ids(page.Runs), c.want)
			equal(f, c.name+": problems", page.Problems, nil)
			for _, r := range runs {
				equal(f, c.name+": run "+r.Info.ID, r, f.read(r.Info.ID))
			}
		}
	}},
	{name: "deleted experiments", run: func(f *fixture) {
		one, _ := searchedRuns(f)
		f.must(f.client.DeleteExperiment(f.ctx, one))
		for _, c := range []struct {
			name string
			q    mlruns.RunQuery
			want string
		}{
			{"active", mlruns.RunQuery{}, "a b1 e"},
			{"deleted", mlruns.RunQuery{View: mlruns.ViewDeleted}, "x b2 c d"},
			{"any stage", mlruns.RunQuery{View: mlruns.ViewAll}, "a x b1 b2 c d e"},
			{"the deleted one", mlruns.RunQuery{Experiments: []string{one}, View: mlruns.ViewDeleted}, "b2 c d"},
		} {
			equal(f, c.name, ids(collect(f, f.client.Runs(f.ctx, c.q))), c.want)
		}
	}},
	{name: "pages", run: func(f *fixture) {
		searchedRuns(f)
		for size := 1; size <= 7; size++ {
			var got []*mlruns.Run
			pages := 0
			for q := (mlruns.RunQuery{MaxResults: size, View: mlruns.ViewAll}); ; pages++ {
				page := need(f.client.SearchRuns(f.ctx, q))(f)
				got = append(got, page.Runs...)
				if q.PageToken = page.NextPageToken; q.PageToken == "" {
					break
				}
				equal(f, "runs of a page that is not the last", len(page.Runs), size)
			}
			equal(f, "runs", ids(got), "a x b1 b2 c d e")
			equal(f, "pages", pages, (7+size-1)/size-1)
		}
		q := mlruns.RunQuery{MaxResults: 2}
		token := need(f.client.SearchRuns(f.ctx, q))(f).NextPageToken
		equal(f, "token, MLflow's", token, "eyJvZmZzZXQiOiAyfQ==")
		equal(f, "beyond the end", ids(need(f.client.SearchRuns(f.ctx, mlruns.RunQuery{PageToken: "eyJvZmZzZXQiOiA5OX0="}))(f).Runs), "")
	}},
	{name: "a scan may be left", run: func(f *fixture) {
		searchedRuns(f)
		n := 0
		for range f.client.Runs(f.ctx, mlruns.RunQuery{}) {
			if n++; n == 2 {
				break
			}
		}
		equal(f, "runs before the break", n, 2)
	}},
	{name: "a scan may write", run: func(f *fixture) {
		searchedRuns(f)
		for r, err := range f.client.Runs(f.ctx, mlruns.RunQuery{}) {
			f.must(err)
			f.must(f.client.SetTag(f.ctx, r.Info.ID, "seen", "yes"))
			f.must(f.client.EndRun(f.ctx, r.Info.ID, 0, at(99)))
		}
		for r, err := range f.client.Runs(f.ctx, mlruns.RunQuery{}) {
			f.must(err)
			equal(f, "tag", r.Data.Tags["seen"], "yes")
		}
	}},
	{name: "refused", run: func(f *fixture) {
		for _, c := range []struct {
			name, message string
			q             mlruns.RunQuery
		}{
			{"negative size", "Invalid value -1 for parameter 'max_results' supplied. It must be a positive integer", mlruns.RunQuery{MaxResults: -1}},
			{"size", "Invalid value for request parameter max_results. It must be at most 50000, but got value 50001", mlruns.RunQuery{MaxResults: 50001}},
			{"experiment", "Invalid experiment ID: '../x'", mlruns.RunQuery{Experiments: []string{"../x"}}},
		} {
			_, err := f.client.SearchRuns(f.ctx, c.q)
			f.refused(err, mlruns.ErrInvalid, mlruns.CodeInvalidParameter, c.message)
			f.refused(lastError(f, f.client.Runs(f.ctx, c.q)), mlruns.ErrInvalid, mlruns.CodeInvalidParameter, c.message)
		}
		_, err := f.client.SearchRuns(f.ctx, mlruns.RunQuery{PageToken: "@"})
		if !errors.Is(err, mlruns.ErrInvalid) || !strings.HasPrefix(mlruns.MessageOf(err), "Invalid page token, ") {
			f.Errorf("page token that is none: got %v", err)
		}
		if err := lastError(f, f.client.Runs(f.ctx, mlruns.RunQuery{PageToken: "eyJvZmZzZXQiOiAyfQ=="})); mlruns.CodeOf(err) != mlruns.CodeInvalidParameter {
			f.Errorf("Runs with a page token: got %v, want it refused", err)
		}
	}},
}
