package filestore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// twins are one directory opened twice, with the index and without.
type twins struct {
	t              *testing.T
	dir, indexes   string
	mode           filestore.IndexMode
	indexed, plain *filestore.Store
	// queries; those that the index had something of; those of which that is not known
	asked, answered, scanned int
}

func newTwins(t *testing.T, dir string) *twins {
	t.Helper()
	w := &twins{t: t, dir: dir, indexes: filepath.Join(t.TempDir(), "indexes"), mode: filestore.IndexChecked}
	w.open()
	if w.indexed.IndexMode() != filestore.IndexChecked {
		t.Skipf("there is no index on %v", w.indexed.Drive())
	}
	t.Cleanup(func() { _, _ = w.indexed.Close(), w.plain.Close() })
	return w
}

func (w *twins) open(opts ...filestore.Option) {
	w.t.Helper()
	var err error
	opts = append(opts, filestore.WithReadOnly())
	if w.plain, err = filestore.Open(w.dir, append(slices.Clone(opts), filestore.WithIndex(filestore.IndexNone))...); err != nil {
		w.t.Fatal(err)
	}
	if w.indexed, err = filestore.Open(w.dir, append(opts, filestore.WithIndex(w.mode), filestore.WithIndexDir(w.indexes))...); err != nil {
		w.t.Fatal(err)
	}
}

// reopen waits for the index that is being made, and goes on with new stores.
func (w *twins) reopen() {
	w.t.Helper()
	if err := w.indexed.Close(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.plain.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// warm makes an index of all runs.
func (w *twins) warm() {
	w.t.Helper()
	filestoretest.Settle() // what is younger is not kept
	w.ask(mlruns.RunQuery{View: mlruns.ViewAll, MaxResults: mlruns.MaxResultsLimit})
	w.reopen()
}

// answer is what a search says, without what it cost.
type answer struct {
	Runs     []*mlruns.Run
	Problems []mlruns.Problem
	Next     string
	Err      string
}

func answerOf(store *filestore.Store, q mlruns.RunQuery) (answer, mlruns.Scan) {
	if q.OnProblem != nil {
		return scanOf(store, q), mlruns.Scan{}
	}
	page, err := store.SearchRuns(context.Background(), q)
	if err != nil {
		return answer{Err: err.Error()}, mlruns.Scan{}
	}
	return answer{page.Runs, page.Problems, page.NextPageToken, ""}, page.Scan
}

// asScan is of a query that Store.Runs is asked, which tells problems as it meets them.
func asScan(q mlruns.RunQuery) mlruns.RunQuery {
	q.OnProblem = func(mlruns.Problem) {}
	return q
}

func scanOf(store *filestore.Store, q mlruns.RunQuery) (a answer) {
	var mu sync.Mutex
	q.OnProblem = func(p mlruns.Problem) {
		mu.Lock()
		defer mu.Unlock()
		a.Problems = append(a.Problems, p)
	}
	for run, err := range store.Runs(context.Background(), q) {
		if err != nil {
			return answer{Err: err.Error()}
		}
		a.Runs = append(a.Runs, run)
	}
	slices.SortFunc(a.Problems, func(a, b mlruns.Problem) int { return strings.Compare(a.String(), b.String()) })
	return a
}

func diffOf(a, b answer) string { return cmp.Diff(a, b, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()) }

// ask wants the same answer with the index as without, or that the store has changed meanwhile.
func (w *twins) ask(q mlruns.RunQuery) {
	w.t.Helper()
	for try := 0; ; try++ {
		want, _ := answerOf(w.plain, q)
		got, scan := answerOf(w.indexed, q)
		diff := diffOf(want, got)
		if diff == "" {
			w.asked++
			switch {
			case q.OnProblem != nil:
				w.scanned++ // which does not tell what it had of the index
			case scan.Indexed > 0:
				w.answered++
			}
			return
		}
		if again, _ := answerOf(w.plain, q); diffOf(want, again) == "" && try < 20 {
			// what a writer left for a moment is seen by one of two readers
			if got, _ := answerOf(w.indexed, q); diffOf(want, got) != "" {
				w.t.Fatalf("filter %s order %q view %d, without (-) and with (+) the index:\n%s", q.Filter, q.OrderBy, q.View, diff)
			}
		}
	}
}

func randomQuery(rng *rand.Rand) mlruns.RunQuery {
	q := mlruns.RunQuery{View: mlruns.View(rng.IntN(3)), MaxResults: mlruns.MaxResultsLimit}
	if rng.IntN(4) > 0 {
		q.Filter = randomFilter(rng, 3)
	}
	if rng.IntN(3) == 0 {
		q.MaxResults = 1 + rng.IntN(20)
	}
	if rng.IntN(4) == 0 {
		q.Experiments = pick(rng, [][]string{{"0"}, {"7"}, {"7", "0"}, {"0", "none"}})
	}
	for range rng.IntN(3) {
		q.OrderBy = append(q.OrderBy, randomOrder(rng))
	}
	return q
}

// askAll asks a query, the pages that follow, and now and then all of it as one scan.
func (w *twins) askAll(rng *rand.Rand, q mlruns.RunQuery) {
	w.t.Helper()
	w.ask(q)
	for range 3 {
		page, _ := answerOf(w.plain, q)
		if q.PageToken = page.Next; q.PageToken == "" {
			break
		}
		w.ask(q)
	}
	if q.PageToken = ""; rng.IntN(6) == 0 {
		w.ask(asScan(q))
	}
}

// TestIndexEqualsReading asks random queries with the index and without, of random stores that are
// edited in every hard way between the queries, at once and after a while.
func TestIndexEqualsReading(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	t.Parallel()
	var mu sync.Mutex
	done, asked, answered, scanned := map[string]int{}, 0, 0, 0
	t.Run("stores", func(t *testing.T) {
		for i := range proof.Choose(2, 4, 16) {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				w, edits := askWhileEdited(t, proof.Choose(12, 80, 300))
				mu.Lock()
				defer mu.Unlock()
				asked, answered, scanned = asked+w.asked, answered+w.answered, scanned+w.scanned
				for name, n := range edits {
					done[name] += n
				}
			})
		}
	})
	t.Logf("%d queries had the same answer with the index, which had something of %d; edits: %v", asked, answered, done)
	for _, e := range edits {
		if done[e.name] == 0 && proof.Choose(false, true, true) && !e.perhaps {
			t.Errorf("never done: %s", e.name)
		}
	}
	// of a few queries chance decides how many come soon after an edit
	if told, part := asked-scanned, proof.Choose(5, 2, 2); answered*part < told {
		t.Errorf("the index had something of %d of %d answers, want one of %d", answered, told, part)
	}
}

func askWhileEdited(t *testing.T, rounds int) (w *twins, done map[string]int) {
	t.Helper()
	rng := proof.Rand(t)
	dir, outside := filepath.Join(t.TempDir(), "mlruns"), t.TempDir()
	randomStore(t, rng, filepath.Join(outside, "other"))
	randomStore(t, rng, dir)
	w = newTwins(t, dir)
	w.warm()
	done = map[string]int{}
	var hand []edit // each comes once before one comes again
	for i := range rounds {
		if i%40 == 39 { // of what was damaged too often there is little left to ask
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			randomStore(t, rng, dir)
			w.reopen()
			w.warm()
		}
		for range rng.IntN(3) {
			if len(hand) == 0 {
				hand = slices.Clone(edits)
				rng.Shuffle(len(hand), func(i, j int) { hand[i], hand[j] = hand[j], hand[i] })
			}
			e := hand[0]
			hand = hand[1:]
			for range 12 { // not every run has what it changes
				if err := e.do(t, rng, pick(rng, runFolders(t, dir)), outside); err == nil {
					done[e.name]++
					break
				}
			}
			w.askAll(rng, randomQuery(rng))
		}
		w.askAll(rng, randomQuery(rng))
		if rng.IntN(3) == 0 {
			w.warm()
		}
	}
	return w, done
}

// TestIndexBesideWriters asks while a Go writer logs and a writer like MLflow rewrites in place.
func TestIndexBesideWriters(t *testing.T) {
	t.Parallel()
	rng := proof.Rand(t)
	dir := filepath.Join(t.TempDir(), "mlruns")
	randomStore(t, rng, dir)
	w := newTwins(t, dir)
	w.warm()
	store, err := filestore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	runs := runFolders(t, dir)
	stop, stopped := make(chan struct{}), make(chan struct{})
	seed := rng.Uint64()
	go func() {
		defer close(stopped)
		rng := rand.New(rand.NewPCG(seed, 1))
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			run := pick(rng, runs)
			ctx := context.Background()
			switch rng.IntN(4) {
			case 0:
				_ = store.LogMetric(ctx, filepath.Base(run), mlruns.Metric{Key: "m3", Value: float64(i % 3), Step: int64(i)})
			case 1:
				_ = store.SetTag(ctx, filepath.Base(run), "t/3", pick(rng, someTexts[:5]))
			case 2:
				_ = os.WriteFile(filepath.Join(run, "params", "p3"), []byte(pick(rng, someTexts[:5])), 0o666)
			case 3:
				_ = metaEdit(run, rng)
			}
			time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
		}
	}()
	differ := 0
	for range proof.Choose(25, 300, 3000) {
		q := randomQuery(rng)
		before, _ := answerOf(w.plain, q)
		got, _ := answerOf(w.indexed, q)
		if after, _ := answerOf(w.plain, q); diffOf(before, after) != "" {
			differ++
		} else if diff := diffOf(before, got); diff != "" {
			// a value that was another for a moment between the two
			if again, _ := answerOf(w.indexed, q); diffOf(after, again) != "" {
				if plain, _ := answerOf(w.plain, q); diffOf(after, plain) == "" {
					t.Errorf("filter %s, without (-) and with (+) the index:\n%s", q.Filter, diff)
				}
			}
		}
	}
	close(stop)
	<-stopped
	w.warm()
	for range 20 {
		w.ask(randomQuery(rng))
	}
	t.Logf("the store changed in %d answers", differ)
}

// TestIndexOfStoresThatMove has two stores at one path in turn, one of them a copy with all times,
// and a store that was moved away and back.
func TestIndexOfStoresThatMove(t *testing.T) {
	t.Parallel()
	rng := proof.Rand(t)
	top := t.TempDir()
	dir, second, third := filepath.Join(top, "mlruns"), filepath.Join(top, "second"), filepath.Join(top, "third")
	randomStore(t, rng, dir)
	if err := os.CopyFS(second, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range filesBelow(second) {
		if filepath.Base(filepath.Dir(name)) == "params" {
			if err := rewrite(name, "other", false); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	w := newTwins(t, dir)
	w.warm()
	for range 3 {
		if err := swap(dir, second, top); err != nil {
			t.Fatal(err)
		}
		w.reopen()
		for range 10 {
			w.ask(randomQuery(rng))
		}
		w.warm()
	}
	if err := os.Rename(dir, third); err != nil {
		t.Fatal(err)
	}
	for _, name := range filesBelow(third) {
		if filepath.Base(filepath.Dir(name)) == "params" {
			if err := rewrite(name, "third", true); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Rename(third, dir); err != nil {
		t.Fatal(err)
	}
	w.reopen()
	for range 10 {
		w.ask(randomQuery(rng))
	}
}

// TestIndexIsUsed opens no file for a second search, and takes the history from the index too.
func TestIndexIsUsed(t *testing.T) {
	t.Parallel()
	dir, _ := endedStore(t, 80, "3")
	w := newTwins(t, dir)
	q := mlruns.RunQuery{Filter: "max(metrics.m) > 4 AND metrics.m < 4 AND params.p = 'x' AND tags.`a/b` = 'y' AND metrics.none IS NULL", OrderBy: []string{"metrics.m DESC"}}
	w.warm()
	w.ask(q)
	w.reopen()
	got, scan := answerOf(w.indexed, q)
	if len(got.Runs) != 80 || scan.Opened != 0 || scan.Indexed == 0 || scan.Looked == 0 {
		t.Errorf("%d runs, %+v; want 80 without opening a file", len(got.Runs), scan)
	}
	w.ask(q)
	if left, err := os.ReadDir(w.indexes); err != nil || len(left) != 1 {
		t.Errorf("the directory of indexes has %v (%v), want one file", left, err)
	}
}

// TestIndexSeesLinks puts links in place of folders, to where these are now, outside of the store:
// the files look as they did, and may not be read.
func TestIndexSeesLinks(t *testing.T) {
	t.Parallel()
	dir, run := endedStore(t, 80, "3")
	for i := 50; i < 56; i++ { // a run without a name asks for a tag that the query does not name
		if err := place(filepath.Join(run(i), "meta.yaml"), strings.Replace(endedMeta(i, "3"), "run_name: a", "run_name: ''", 1)); err != nil {
			t.Fatal(err)
		}
	}
	w := newTwins(t, dir)
	w.warm()
	rng, outside := rand.New(rand.NewPCG(1, 1)), t.TempDir()
	// the order keeps the runs with links from the page, which reads them whole
	q := mlruns.RunQuery{Filter: "params.p = 'x' AND metrics.m = 3 AND tags.`a/b` = 'y'", OrderBy: []string{"run_id ASC"}, MaxResults: 1}
	w.ask(q)
	w.reopen()
	for i, name := range []string{"metrics", "params", "tags", "tags/a", "tags/a/b", ""} {
		if err := moveBehindLink(filepath.Join(run(50+i), name), outside, rng); err != nil {
			t.Skip(err)
		}
		w.ask(q)
		w.ask(mlruns.RunQuery{Filter: "metrics.m = 3", OrderBy: []string{"run_name ASC"}, MaxResults: 1})
	}
	if got, _ := answerOf(w.indexed, q); len(got.Problems) < 6 {
		t.Errorf("problems: %v, want one for each link", got.Problems)
	}
}
