package golden

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// described is what a test pins of a problem.
func (e *expected) described(problems []mlruns.Problem) []string {
	var list []string
	for _, p := range problems {
		line := ""
		if p.Line > 0 {
			line = fmt.Sprintf(":%d", p.Line)
		}
		list = append(list, fmt.Sprintf("%s %s%s", p.Kind, e.readable(p.Path), line))
	}
	slices.Sort(list)
	return list
}

func samePinned(t *testing.T, what string, got, want []string) {
	t.Helper()
	want = slices.Sorted(slices.Values(want))
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("%s: unexpected: %q", what, g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("%s: missing: %q", what, w)
		}
	}
	if !t.Failed() && len(got) != len(want) {
		t.Errorf("%s: %d problems, want %d", what, len(got), len(want))
	}
}

// goldenProblems is all that Verify finds in the golden stores: names that some platform cannot
// hold, writes that MLflow itself cannot read back, points that were logged twice, in that of 1.8
// the deleted experiments whose meta.yaml says otherwise, and in that of 2.9 the name that was
// given to two.
var goldenProblems = map[string][]string{
	"1.8": append([]string{
		"malformed poison-bool_metric/poison_bool_metric/metrics/b:1",
		"stage .trash/deleted-with-tags/meta.yaml", "stage .trash/to-delete/meta.yaml",
	}, everywhere...),
	"2.9": append([]string{"duplicate .trash/to-delete/meta.yaml", "duplicate-line main/metrics/metrics/x:2"}, everywhere...),
	"3.11": append([]string{
		"duplicate-line main/metrics/metrics/x:2",
		"malformed poison-dataset_space/poison_dataset_space/metrics/ds:1",
		"not-portable main/keys/metrics/colon:key", "not-portable main/keys/params/colon:key", "not-portable main/keys/tags/colon:key",
	}, everywhere...),
}

// everywhere are the problems of all three.
var everywhere = []string{
	"duplicate-line main/metrics/metrics/batch:6",
	"malformed main/metrics/metrics/hugestep:1",
	"malformed poison-float_step/poison_float_step/metrics/fs:1", "malformed poison-float_ts/poison_float_ts/metrics/ft:1",
	"not-portable main/keys/metrics/trail ", "not-portable main/keys/params/trail ", "not-portable main/keys/tags/trail ",
	// beside UPPER
	"not-portable main/keys/metrics/upper", "not-portable main/keys/params/upper", "not-portable main/keys/tags/upper",
	"not-portable main/params/params/nul",
}

// damagedProblems come on top in the store that was damaged in many places at once.
var damagedProblems = []string{
	"foreign main/tags/tags/.DS_Store",
	"id-mismatch 556/meta.yaml",
	"id-mismatch main/names/meta.yaml",
	"missing-folder main/user/metrics", "missing-folder main/user/params",
	"missing-meta 555", "missing-meta straydir", "missing-meta main/empty", "missing-meta main/notarun",
	"unreadable-meta main/autoname/meta.yaml",
}

// lostRuns are those whose meta.yaml was damaged there.
var lostRuns = []string{"empty", "autoname", "names"}

// TestGoldenDamagedStore reads the store with all damages at once: whatever was not damaged is
// listed and as it was.
func TestGoldenDamagedStore(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		ctx := context.Background()
		dir := g.damaged.Write(t)
		store := filestoretest.Open(t, dir)
		page, err := store.SearchRuns(ctx, mlruns.RunQuery{View: mlruns.ViewAll})
		if err != nil {
			t.Fatal(err)
		}
		listed := map[string]*mlruns.Run{}
		for _, run := range page.Runs {
			listed[g.expected.label(run.Info.ID)] = run
		}
		a := &answers{}
		for id, want := range g.expected.Runs {
			label := g.expected.label(id)
			run := listed[label]
			delete(listed, label)
			if lost := slices.Contains(lostRuns, label); lost != (run == nil) {
				t.Errorf("run %s: listed is %t, want %t", label, run != nil, !lost)
			}
			if run != nil && want.err == nil {
				a.compareRun(label, want.value, run)
			}
		}
		for label := range listed {
			t.Errorf("a run %s is listed", label)
		}
		changed := map[string]string{
			// a line of 2 fields
			"grid1/acc": filestoretest.MetricText(0.55, "1600000000000", "0", "", ""),
			"grid2/acc": filestoretest.MetricText(0.95, "1600000000001", "1", "", ""), // CRLF
		}
		for _, diff := range a.list {
			if want, ok := changed[diff.of]; ok && diff.what == "latest metric" && diff.got == want {
				delete(changed, diff.of)
				continue
			}
			if !slices.ContainsFunc(answerDeviations, func(d deviation) bool { return d.match(diff) }) {
				t.Errorf("another run changed: %s", diff)
			}
		}
		for of := range changed {
			t.Errorf("%s was not read", of)
		}
		old, err := store.Experiment(ctx, "559")
		if err != nil || old.Name != "oldstyle" || !old.Created.IsZero() {
			t.Errorf("the old experiment: got %+v, %v", old, err)
		}
		clean := goldenProblems[g.version]
		fresh := func(described []string) []string {
			return slices.DeleteFunc(described, func(s string) bool { return slices.Contains(clean, s) })
		}
		samePinned(t, "verify", fresh(g.expected.described(filestoretest.Problems(t, store))), damagedProblems)
		for _, p := range g.expected.described(page.Problems) {
			if !slices.Contains(clean, p) && !slices.Contains(damagedProblems, p) {
				t.Errorf("the search names a problem that Verify does not: %s", p)
			}
		}
		if diff := filestoretest.Changes(g.damaged, filestoretest.ReadTree(t, dir)); diff != nil {
			t.Errorf("reading changed the store: %v", diff)
		}
	})
}

// TestGoldenReadOnly reads and verifies a store whose files and folders nobody may write. (As root
// the modes mean nothing, and only the option is tried.)
func TestGoldenReadOnly(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		ctx := context.Background()
		dir := g.store.Write(t)
		filestoretest.ChmodTree(t, dir, 0o444, 0o555)
		t.Cleanup(func() { filestoretest.ChmodTree(t, dir, 0o644, 0o755) })
		store := filestoretest.Open(t, dir, filestore.WithReadOnly())
		n := 0
		for run, err := range store.Runs(ctx, mlruns.RunQuery{View: mlruns.ViewAll}) {
			if err != nil {
				t.Fatal(err)
			}
			for key := range run.Data.Metrics {
				filestoretest.History(t, store, run.Info.ID, key)
			}
			n++
		}
		if n != len(g.expected.Runs) {
			t.Errorf("%d runs, want %d", n, len(g.expected.Runs))
		}
		samePinned(t, "verify", g.expected.described(filestoretest.Problems(t, store)), goldenProblems[g.version])
		refused := map[string]error{
			"create":  second(store.CreateRun(ctx, mlruns.RunSpec{})),
			"metric":  store.LogMetric(ctx, g.expected.Labels["grid0"], mlruns.Metric{Key: "k"}),
			"tag":     store.SetTag(ctx, g.expected.Labels["grid0"], "k", "v"),
			"delete":  store.DeleteExperiment(ctx, g.expected.ExperimentLabels["main"]),
			"restore": store.RestoreRun(ctx, g.expected.Labels["deleted"]),
		}
		for what, err := range refused {
			if refusal(err) != "refused "+string(mlruns.CodePermissionDenied) {
				t.Errorf("%s: got %v, want ErrReadOnly", what, err)
			}
		}
		if diff := filestoretest.Changes(g.store, filestoretest.ReadTree(t, dir)); diff != nil {
			t.Errorf("the store changed: %v", diff)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestGoldenRewritesKeepKeys renames every experiment and deletes and restores every run: of their
// meta.yaml only what these change may change, down to the byte.
func TestGoldenRewritesKeepKeys(t *testing.T) {
	const future = "zz_future:\n  a:\n  - 1\n  - x\n  b: '2'\nzz_number: 1.5\n"
	eachGolden(t, func(t *testing.T, g *golden) {
		ctx := context.Background()
		before := filestoretest.Tree{}
		for name, data := range g.store {
			if strings.HasSuffix(name, "/meta.yaml") {
				data = append(slices.Clone(data), future...)
			}
			before[name] = data
		}
		dir := before.Write(t)
		store := filestoretest.Open(t, dir, filestore.WithSync(filestore.SyncNever))
		renamed := 0
		for id, run := range g.expected.Runs {
			if run.err == nil && run.value.Info.Stage == "deleted" {
				continue
			}
			if err := store.DeleteRun(ctx, id); err != nil {
				t.Fatal(err)
			}
			if err := store.RestoreRun(ctx, id); err != nil {
				t.Fatal(err)
			}
		}
		for id, e := range g.expected.Get {
			if e.value.Stage == "deleted" {
				continue
			}
			if err := store.RenameExperiment(ctx, id, "renamed "+id); err != nil {
				t.Fatal(err)
			}
			renamed++
		}
		after := filestoretest.ReadTree(t, dir)
		for _, change := range filestoretest.Changes(before, after) {
			name := change[2:]
			switch {
			case strings.HasPrefix(filepath.Base(name), ".mlruns") && change[0] == '+': // locks
			case change[0] == '~' && strings.HasSuffix(name, "/meta.yaml"):
				if _, ok := g.expected.Get[strings.TrimSuffix(name, "/meta.yaml")]; ok {
					renamed--
				}
				got, want := unchangedLines(string(after[name])), unchangedLines(string(before[name]))
				// the deviation "quoted look-alikes"
				want = strings.Replace(want, "\nuser_id: 12e3\n", "\nuser_id: '12e3'\n", 1)
				if got != want {
					t.Errorf("%s was:\n%sand is:\n%s", g.expected.readable(name), want, got)
				}
			default:
				t.Errorf("changed: %s", change)
			}
		}
		if renamed != 0 {
			t.Errorf("%d experiments were not rewritten", renamed)
		}
	})
}

// unchangedLines leaves out what a rename, a deletion and a restoration set.
func unchangedLines(meta string) string {
	meta = experimentTags.ReplaceAllString(strings.ReplaceAll(meta, "tags: []\n", "tags_of_run: []\n"), "")
	var kept strings.Builder
	inName := false
	for line := range strings.Lines(meta) {
		if inName && strings.HasPrefix(line, " ") || line == "\n" {
			continue
		}
		key, _, _ := strings.Cut(line, ":")
		inName = key == "name"
		if !slices.Contains([]string{"name", "run_uuid", "run_name", "creation_time", "last_update_time", "deleted_time"}, key) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}
