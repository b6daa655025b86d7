//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

const (
	runQueries        = 2000
	experimentQueries = 300
	// chunk is how many queries Python is asked at a time.
	chunk = 100
)

// found is what a side says of a query.
type found struct {
	Pages []page
	Error *refusal
}

type page struct {
	IDs   []string
	Token string
}

// String is what must agree: ids, order, tokens and the code of an error.
func (f found) String() string {
	var b strings.Builder
	for _, p := range f.Pages {
		fmt.Fprintf(&b, "%v then %q; ", p.IDs, p.Token)
	}
	if f.Error != nil {
		fmt.Fprintf(&b, "error %s", f.Error.Code)
	}
	return b.String()
}

// TestDifferentialSearch asks the newest MLflow and us the same random queries on the same random
// store.
func TestDifferentialSearch(t *testing.T) {
	p := newest()
	if !p.since(3, 11) {
		t.Skipf("MLflow %s is older than the language we follow, that of 3.11", p.mlflow)
	}
	dir := filepath.Join(t.TempDir(), "mlruns")
	c, v := searchStore(t, dir)
	var queries []query
	for range runQueries {
		queries = append(queries, v.runQuery())
	}
	for range experimentQueries {
		queries = append(queries, v.experimentQuery())
	}
	known, answered, refused := map[string]int{}, 0, 0
	for some := range slices.Chunk(queries, chunk) {
		var theirs []found
		p.must(t, "search", map[string]any{"root": dir, "queries": some}, &theirs)
		for i, q := range some {
			if theirs[i].Error == nil {
				answered++
			} else {
				refused++
			}
			ours := ask(t, c, q)
			if ours.String() == theirs[i].String() {
				continue
			}
			if name := explain(q, theirs[i], ours); name != "" {
				known[name]++
				continue
			}
			why, _ := json.Marshal([]any{theirs[i].Error, ours.Error})
			t.Errorf("%s\n MLflow %s: %s\n     mlruns: %s\n        why: %s", q, p.mlflow, theirs[i], ours, why)
		}
	}
	if answered < len(queries)/2 || refused < len(queries)/20 {
		t.Errorf("of %d queries MLflow answered %d and refused %d: the generator is off", len(queries), answered, refused)
	}
	t.Logf("%d answered, %d refused by MLflow; known deviations: %v", answered, refused, known)
	total := 0
	for _, n := range known {
		total += n
	}
	report(t, p, "search", "ok: %d queries, %d known deviations", len(queries), total)
}

var views = map[int]mlruns.View{1: mlruns.ViewActive, 2: mlruns.ViewDeleted, 3: mlruns.ViewAll}

// ask puts a query to us.
func ask(t *testing.T, c *mlruns.Client, q query) (f found) {
	token := q.Token
	for range q.Pages {
		var p page
		var err error
		if q.Of == "runs" {
			var got *mlruns.RunPage
			got, err = c.SearchRuns(t.Context(), mlruns.RunQuery{Experiments: q.Experiments, Filter: q.Filter, View: views[q.View], OrderBy: q.Order, MaxResults: q.Max, PageToken: token})
			if err == nil {
				p.Token = got.NextPageToken
				for _, r := range got.Runs {
					p.IDs = append(p.IDs, r.Info.ID)
				}
			}
		} else {
			var got *mlruns.ExperimentPage
			got, err = c.SearchExperiments(t.Context(), mlruns.ExperimentQuery{Filter: q.Filter, View: views[q.View], OrderBy: q.Order, MaxResults: q.Max, PageToken: token})
			if err == nil {
				p.Token = got.NextPageToken
				for _, e := range got.Experiments {
					p.IDs = append(p.IDs, e.ID)
				}
			}
		}
		if err != nil {
			f.Error = &refusal{Code: string(mlruns.CodeOf(err)), Message: mlruns.MessageOf(err)}
			return f
		}
		f.Pages = append(f.Pages, p)
		if token = p.Token; token == "" {
			break
		}
	}
	return f
}
