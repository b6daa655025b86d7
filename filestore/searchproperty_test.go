package filestore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
	"github.com/mlruns/mlruns/search"
)

// TestPlannedSearchEqualsReadingEverything compares the planned, parallel search with one that
// reads every run whole through the other calls of the store and evaluates the filter on that, over
// random stores, damaged ones among them, and random filters.
func TestPlannedSearchEqualsReadingEverything(t *testing.T) {
	t.Parallel()
	stores, filters := proof.Choose(2, 8, 8), proof.Choose(120, 260, 260)
	rng := proof.Rand(t)
	selective := 0
	for range stores {
		dir := filepath.Join(t.TempDir(), "mlruns")
		randomStore(t, rng, dir)
		store, err := filestore.Open(dir, filestore.WithReadOnly(), filestore.WithParallelism(1+rng.IntN(6)))
		if err != nil {
			t.Fatal(err)
		}
		whole := readEverything(t, store)
		for i := range filters {
			q := mlruns.RunQuery{Filter: randomFilter(rng, 3), View: mlruns.View(rng.IntN(3)), MaxResults: mlruns.MaxResultsLimit}
			for range rng.IntN(3) {
				q.OrderBy = append(q.OrderBy, randomOrder(rng))
			}
			want := naive(t, whole, q)
			if got := searchIDs(t, store, q); !slices.Equal(got, want) {
				t.Fatalf("filter %s order %q view %d:\n got %v\nwant %v", q.Filter, q.OrderBy, q.View, got, want)
			}
			if all := naive(t, whole, mlruns.RunQuery{View: q.View}); len(want) > 0 && len(want) < len(all) {
				selective++
			}
			if i%5 > 0 {
				continue // reading all results whole, twice more, is what takes the time
			}
			if got := pagedIDs(t, store, q, 1+rng.IntN(9)); !slices.Equal(got, want) {
				t.Fatalf("filter %s order %q view %d, in pages:\n got %v\nwant %v", q.Filter, q.OrderBy, q.View, got, want)
			}
			if got := scannedIDs(t, store, q); !slices.Equal(got, want) {
				t.Fatalf("filter %s order %q view %d, as one scan:\n got %v\nwant %v", q.Filter, q.OrderBy, q.View, got, want)
			}
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if total := stores * filters; selective*3 < total {
		t.Errorf("%d of %d filters match neither none nor all, want a third", selective, total)
	}
}

func searchIDs(t *testing.T, store *filestore.Store, q mlruns.RunQuery) []string {
	t.Helper()
	page, err := store.SearchRuns(context.Background(), q)
	if err != nil {
		t.Fatalf("%s: %v", q.Filter, err)
	}
	return filestoretest.IDsOf(page.Runs)
}

func pagedIDs(t *testing.T, store *filestore.Store, q mlruns.RunQuery, size int) []string {
	t.Helper()
	ids := []string{}
	q.MaxResults = size
	for {
		page, err := store.SearchRuns(context.Background(), q)
		if err != nil {
			t.Fatalf("%s: %v", q.Filter, err)
		}
		ids = append(ids, filestoretest.IDsOf(page.Runs)...)
		if q.PageToken = page.NextPageToken; q.PageToken == "" {
			return ids
		}
	}
}

func scannedIDs(t *testing.T, store *filestore.Store, q mlruns.RunQuery) []string {
	t.Helper()
	q.MaxResults = 0
	ids := []string{}
	for run, err := range store.Runs(context.Background(), q) {
		if err != nil {
			t.Fatalf("%s: %v", q.Filter, err)
		}
		ids = append(ids, run.Info.ID)
	}
	return ids
}

// wholeRun is a run read whole, its histories too.
type wholeRun struct {
	run       *mlruns.Run
	summaries map[string]search.Summary
}

func readEverything(t *testing.T, store *filestore.Store) []wholeRun {
	t.Helper()
	var all []wholeRun
	ctx := context.Background()
	for e, err := range store.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll}) {
		if err != nil {
			t.Fatal(err)
		}
		for info, err := range store.RunInfos(ctx, e.ID, mlruns.ViewAll) {
			if err != nil {
				t.Fatal(err)
			}
			run, err := store.Run(ctx, info.ID)
			if err != nil {
				t.Fatal(err)
			}
			w := wholeRun{run: run, summaries: map[string]search.Summary{}}
			for key := range run.Data.Metrics {
				var h search.History
				for m, err := range store.MetricHistory(ctx, info.ID, key, mlruns.HistoryQuery{}) {
					if err != nil {
						t.Fatal(err)
					}
					h.Add(m.Value, m.Time.UnixMilli(), m.Step)
				}
				w.summaries[key], _ = h.Summary()
			}
			all = append(all, w)
		}
	}
	return all
}

func naive(t *testing.T, whole []wholeRun, q mlruns.RunQuery) []string {
	t.Helper()
	filter, err := search.ParseRuns(q.Filter)
	if err != nil {
		t.Fatalf("%s: %v", q.Filter, err)
	}
	order, err := search.ParseRunOrder(q.OrderBy)
	if err != nil {
		t.Fatal(err)
	}
	var matches []wholeRun
	for _, w := range whole {
		if q.View.Shows(w.run.Info.Stage) && filter.Match(w) {
			matches = append(matches, w)
		}
	}
	slices.SortStableFunc(matches, func(a, b wholeRun) int { return order.Compare(order.Key(a), order.Key(b)) })
	ids := []string{}
	for _, w := range matches {
		ids = append(ids, w.run.Info.ID)
	}
	return ids
}

func (w wholeRun) Text(a search.Attribute) (string, bool) {
	switch a {
	case search.RunID:
		return w.run.Info.ID, true
	case search.RunName:
		return w.run.Info.Name, w.run.Info.Name != ""
	case search.UserID:
		return w.run.Info.User, true
	case search.Status:
		return w.run.Info.Status.String(), true
	case search.ArtifactURI:
		return w.run.Info.ArtifactURI, w.run.Info.ArtifactURI != ""
	case search.ExperimentID:
		return w.run.Info.ExperimentID, true
	case search.ExperimentName:
		return map[string]string{"0": "Default", "7": "seven"}[w.run.Info.ExperimentID], true
	}
	return "", false
}

func (w wholeRun) Time(a search.Attribute) (int64, bool) {
	at := w.run.Info.Start
	if a == search.EndTime {
		at = w.run.Info.End
	}
	return at.UnixMilli(), !at.IsZero()
}

func (w wholeRun) Metric(key string) (search.Summary, bool) {
	s, ok := w.summaries[key]
	return s, ok
}

func (w wholeRun) Param(key string) (string, bool) {
	v, ok := w.run.Data.Params[key]
	return v, ok
}

func (w wholeRun) Tag(key string) (string, bool) {
	v, ok := w.run.Data.Tags[key]
	return v, ok
}

func (w wholeRun) Datasets() []search.Dataset {
	var list []search.Dataset
	for _, d := range w.run.Inputs.Datasets {
		c, ok := d.Tags[mlruns.TagDatasetContext]
		list = append(list, search.Dataset{Name: d.Dataset.Name, Digest: d.Dataset.Digest, Context: c, HasContext: ok})
	}
	return list
}

// old is when the files of a random store were last written.
var old = time.Now().Add(-time.Hour)

var (
	someTexts   = []string{"x", "y", "0.1", "12", "-3", "", "X y", "1e-3"}
	someNumbers = []string{"0", "1", "0.5", "-1", "2.25", "1e3", "nan", "inf", "-inf"}
)

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// randomStore writes two experiments of runs by hand, some of them damaged.
func randomStore(t *testing.T, rng *rand.Rand, dir string) {
	t.Helper()
	put := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		// A file of old age is not looked at twice, which makes the test quick.
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	for id, name := range map[string]string{"0": "Default", "7": "seven"} {
		put(id+"/meta.yaml", fmt.Sprintf("artifact_location: /x/%s\nexperiment_id: '%s'\nlifecycle_stage: active\nname: %s\n", id, id, name))
		put(id+"/datasets/d1/meta.yaml", datasetMeta("ds", "abc"))
		put(id+"/datasets/d2/meta.yaml", datasetMeta("x", "12"))
		for range 12 + rng.IntN(10) {
			randomRun(rng, id, put)
		}
	}
}

func randomRun(rng *rand.Rand, experiment string, put func(name, text string)) {
	id := fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64())
	run := experiment + "/" + id
	end := "null"
	if rng.IntN(2) == 0 {
		end = fmt.Sprint(1600000001000 + rng.Int64N(5000))
	}
	meta := fmt.Sprintf("artifact_uri: /x/%s/artifacts\nend_time: %s\nexperiment_id: '%s'\nlifecycle_stage: %s\nrun_id: '%s'\nrun_name: '%s'\nstart_time: %d\nstatus: %d\nuser_id: %s\n",
		run, end, experiment, pick(rng, []string{"active", "active", "active", "deleted"}), id, pick(rng, []string{"", "one", "two"}), 1600000000000+rng.Int64N(4)*1000, 1+rng.IntN(5), pick(rng, []string{"ann", "bob"}))
	switch rng.IntN(12) {
	case 0:
		meta = pick(rng, []string{"", "{[", "- 1\n", "run_id: other\n", "status: 1\n"})
	case 1:
		put(run+"/metrics/m0", "1 2 3\n") // no meta.yaml at all
		return
	}
	put(run+"/meta.yaml", meta)
	for k := range 3 {
		if rng.IntN(4) > 0 {
			put(fmt.Sprintf("%s/metrics/m%d", run, k), randomHistory(rng))
		}
		if rng.IntN(4) > 0 {
			value := pick(rng, someTexts)
			if rng.IntN(15) == 0 {
				value = "\xff"
			}
			put(fmt.Sprintf("%s/params/p%d", run, k), value)
		}
		if rng.IntN(4) > 0 {
			put(fmt.Sprintf("%s/tags/t/%d", run, k), pick(rng, someTexts))
		}
	}
	if rng.IntN(3) == 0 {
		put(run+"/tags/mlflow.runName", "tagged")
	}
	for k := range 3 {
		if rng.IntN(4) == 0 {
			put(fmt.Sprintf("%s/inputs/i%d/meta.yaml", run, k), inputMeta(rng))
		}
	}
	if rng.IntN(4) == 0 {
		put(run+"/outputs/m-1/meta.yaml", outputMeta(rng))
	}
}

func datasetMeta(name, digest string) string {
	return "digest: '" + digest + "'\nname: " + name + "\nprofile: null\nschema: '{}'\nsource: s\nsource_type: local\n"
}

func inputMeta(rng *rand.Rand) string {
	switch rng.IntN(8) {
	case 0:
		return "destination_id: m-1\ndestination_type: RUN\nsource_id: m-1\nsource_type: MODEL\ntags: {}\n"
	case 1:
		return inputOf("lost", "train")
	case 2:
		return inputOf("d1", "")
	}
	return inputOf(pick(rng, []string{"d1", "d2"}), pick(rng, []string{"train", "eval"}))
}

// inputOf is the document of an input that is a data set, in a context if that is not "".
func inputOf(id, context string) string {
	tags := " {}\n"
	if context != "" {
		tags = "\n  mlflow.data.context: " + context + "\n"
	}
	return "destination_id: " + id + "\ndestination_type: RUN\nsource_id: " + id + "\nsource_type: DATASET\ntags:" + tags
}

func outputMeta(rng *rand.Rand) string {
	id := pick(rng, []string{"m-1", "m-2"})
	return "destination_id: " + id + "\ndestination_type: MODEL_OUTPUT\nsource_id: " + id + "\nsource_type: RUN_OUTPUT\nstep: " + fmt.Sprint(rng.IntN(9)) + "\ntags: {}\n"
}

func randomHistory(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.IntN(6) {
		switch rng.IntN(14) {
		case 0:
			b.WriteString(pick(rng, []string{"\n", "1 2 3 4\n", "1 abc 0\n", "1\t2\t3\n", "\x00\x00\n"}))
		case 1:
			fmt.Fprintf(&b, "%d %s\n", 5+rng.IntN(3), pick(rng, someNumbers))
		case 2:
			fmt.Fprintf(&b, "%d %s %d ds abc\n", 5+rng.IntN(3), pick(rng, someNumbers), rng.IntN(4))
		default:
			fmt.Fprintf(&b, "%d %s %d\n", 5+rng.IntN(3), pick(rng, someNumbers), rng.IntN(5)-1)
		}
	}
	if rng.IntN(8) == 0 {
		b.WriteString("7 0.")
	}
	return b.String()
}

func randomFilter(rng *rand.Rand, depth int) string {
	if depth == 0 || rng.IntN(3) == 0 {
		return randomClause(rng)
	}
	switch rng.IntN(5) {
	case 0, 1:
		return randomFilter(rng, depth-1) + " AND " + randomFilter(rng, depth-1)
	case 2:
		return randomFilter(rng, depth-1) + " OR " + randomFilter(rng, depth-1)
	case 3:
		return "NOT (" + randomFilter(rng, depth-1) + ")"
	}
	return "(" + randomFilter(rng, depth-1) + ")"
}

func randomClause(rng *rand.Rand) string {
	number := func() string { return pick(rng, []string{"0", "1", "0.5", "-1", "2.25", "1000"}) }
	text := func() string { return "'" + pick(rng, someTexts) + "'" }
	compare := func() string { return pick(rng, []string{"=", "!=", "<", "<=", ">", ">="}) }
	texts := []string{fmt.Sprintf("params.p%d", rng.IntN(4)), fmt.Sprintf("tags.`t/%d`", rng.IntN(4)), "run_name", "user_id", "status", "dataset.name", pick(rng, []string{"dataset.digest", "dataset.context"}), "experiment.name"}
	switch rng.IntN(10) {
	case 0, 1, 2:
		return fmt.Sprintf("metrics.m%d %s %s", rng.IntN(4), compare(), number())
	case 3:
		return fmt.Sprintf("%s(metrics.m%d) %s %s", pick(rng, []string{"min", "max", "mean", "first", "last", "count"}), rng.IntN(4), compare(), number())
	case 4:
		return fmt.Sprintf("metrics.m%d %s", rng.IntN(4), pick(rng, []string{"IS NULL", "IS NOT NULL"}))
	case 5:
		return fmt.Sprintf("params.p%d %s %s", rng.IntN(4), compare(), number())
	case 6:
		return fmt.Sprintf("%s %s", pick(rng, []string{"start_time", "end_time"}), compare()) + fmt.Sprint(" ", 1600000000000+rng.Int64N(6)*1000)
	case 7:
		return fmt.Sprintf("%s IN (%s, %s, 'one', 'ann', 'FAILED', 'seven', 'train')", pick(rng, texts), text(), text())
	case 8:
		return fmt.Sprintf("%s LIKE '%s'", pick(rng, texts), pick(rng, []string{"%", "x%", "%1%", "_", "a%", "%E%", "tag%", "ds"}))
	}
	return fmt.Sprintf("%s %s %s", pick(rng, texts), pick(rng, []string{"=", "!="}), pick(rng, []string{text(), "'ann'", "'one'", "'FINISHED'", "'Default'", "'tagged'"}))
}

func randomOrder(rng *rand.Rand) string {
	return pick(rng, []string{"metrics.m0", "metrics.m1", "params.p0", "tags.`t/1`", "run_name", "status", "end_time", "min(metrics.m1)", "duration"}) + pick(rng, []string{"", " ASC", " DESC"})
}
