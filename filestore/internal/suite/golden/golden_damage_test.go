package golden

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// TestGoldenSingleDamages does the 42 damages one at a time. Whatever is damaged, everything else
// is listed and unchanged, and the damage is named with its path, line and reason by the query that
// met it and by Verify. What MLflow could still read must be read as MLflow did.
func TestGoldenSingleDamages(t *testing.T) {
	eachGolden(t, func(t *testing.T, g *golden) {
		if len(g.one) != 42 {
			t.Fatalf("%d damages, want 42", len(g.one))
		}
		b := newBench(t, g)
		for _, d := range g.one {
			if d.Dir != "" {
				b.experiment(t, d)
			} else {
				b.run(t, d)
			}
		}
		b.judge(t, g.version)
	})
}

// bench is a store on which one file at a time is damaged: all experiments, but only the runs of
// "grid".
type bench struct {
	differences
	g      *golden
	dir    string
	store  *filestore.Store
	gridID string
	// clean is what Verify says without damage.
	clean []mlruns.Problem
}

func newBench(t *testing.T, g *golden) *bench {
	t.Helper()
	b := &bench{differences: differences{known: damageDeviations}, g: g, gridID: g.expected.ExperimentLabels["grid"]}
	small := filestoretest.Tree{}
	for name, data := range g.store {
		if strings.HasPrefix(name, b.gridID+"/") || strings.Count(strings.TrimPrefix(name, ".trash/"), "/") == 1 && strings.HasSuffix(name, "/meta.yaml") {
			small[name] = data
		}
	}
	b.dir = small.Write(t)
	b.store = filestoretest.Open(t, b.dir, filestore.WithReadOnly())
	b.clean = filestoretest.Problems(t, b.store)
	return b
}

// damage writes a file and gives a function that takes it back.
func (b *bench) damage(t *testing.T, name, content string) (undo func()) {
	t.Helper()
	target := filepath.Join(b.dir, filepath.FromSlash(name))
	old, readErr := os.ReadFile(target)
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		t.Fatal(err)
	}
	put := func(data []byte) {
		if err := errors.Join(os.WriteFile(target, data, 0o666), os.Chtimes(target, filestoretest.LongAgo, filestoretest.LongAgo)); err != nil {
			t.Fatal(err)
		}
	}
	put([]byte(content))
	return func() {
		if readErr == nil {
			put(old)
			return
		}
		if err := os.RemoveAll(target); err != nil {
			t.Fatal(err)
		}
	}
}

// expect is the problem that a damage must show as; the zero expect is none.
type expect struct {
	kind mlruns.ProblemKind
	line int
}

// damageProblems has every damage, so that a new one in the archive is not passed over.
var damageProblems = map[string]expect{
	"empty metric file":      {mlruns.ProblemEmpty, 0},
	"blank line inside":      {mlruns.ProblemMalformed, 2},
	"4 fields":               {mlruns.ProblemMalformed, 1},
	"1 field":                {mlruns.ProblemMalformed, 1},
	"not a number":           {mlruns.ProblemMalformed, 1},
	"no newline at end":      {mlruns.ProblemUnterminated, 1},
	"half-written last line": {mlruns.ProblemUnterminated, 2},
	"two spaces":             {mlruns.ProblemMalformed, 1},
	"tab":                    {mlruns.ProblemMalformed, 1},
	"float timestamp":        {mlruns.ProblemMalformed, 1},
	"Infinity spelling":      {},
	"nan spelling":           {},
	"underscore number":      {},
	"5 fields":               {},
	"6 fields":               {mlruns.ProblemMalformed, 1},
	"invalid utf8 param":     {mlruns.ProblemUnreadable, 1},
	"bad param name":         {mlruns.ProblemForeign, 0},
	"bad metric name":        {mlruns.ProblemForeign, 0},
	"bad tag name":           {mlruns.ProblemForeign, 0},

	"meta: empty":              {mlruns.ProblemUnreadableMeta, 0},
	"meta: not yaml":           {mlruns.ProblemUnreadableMeta, 1},
	"meta: list":               {mlruns.ProblemUnreadableMeta, 1},
	"meta: extra key":          {},
	"meta: no run_id":          {}, // in the stores of 1.8 and 2.9 run_uuid still tells it
	"meta: no run_uuid":        {},
	"meta: no status":          {mlruns.ProblemIncompleteMeta, 0},
	"meta: no lifecycle_stage": {},
	"meta: no start_time":      {mlruns.ProblemIncompleteMeta, 0},
	"meta: no end_time":        {mlruns.ProblemIncompleteMeta, 0},
	"meta: no artifact_uri":    {},
	"meta: no user_id":         {mlruns.ProblemIncompleteMeta, 0},
	"meta: no experiment_id":   {mlruns.ProblemUnreadableMeta, 0},

	"experiment meta empty":          {mlruns.ProblemUnreadableMeta, 0},
	"experiment meta not yaml":       {mlruns.ProblemUnreadableMeta, 1},
	"experiment meta list":           {mlruns.ProblemUnreadableMeta, 1},
	"experiment meta no name":        {mlruns.ProblemUnreadableMeta, 0},
	"experiment meta extra key":      {},
	"experiment meta int id":         {},
	"experiment meta int name":       {mlruns.ProblemDuplicate, 0}, // there is an experiment "123"
	"experiment meta duplicate name": {mlruns.ProblemDuplicate, 0},
	"experiment meta no lifecycle":   {},
	"experiment dir not numeric":     {},
}

func (b *bench) expected(t *testing.T, what string) expect {
	t.Helper()
	if what == "meta: no run_id" && b.g.version == "3.11" { // MLflow 3 writes no run_uuid
		return expect{mlruns.ProblemUnreadableMeta, 0}
	}
	want, ok := damageProblems[what]
	if !ok {
		t.Errorf("the damage %q is not in the table", what)
	}
	return want
}

// run damages a file of a run of "grid".
func (b *bench) run(t *testing.T, d singleDamage) {
	ctx := context.Background()
	id := b.g.expected.Labels[d.Run]
	file := b.gridID + "/" + id + "/" + d.Path
	defer b.damage(t, file, string(latin1(d.Content)))()
	want := b.expected(t, d.What)
	lost := want.kind == mlruns.ProblemUnreadableMeta
	met := want
	// readers show defaults, as MLflow's do where it reads the file
	if want.kind == mlruns.ProblemIncompleteMeta {
		met = expect{}
	}

	page, err := b.store.SearchRuns(ctx, mlruns.RunQuery{Experiments: []string{b.gridID}})
	if err != nil {
		t.Errorf("%s: search: %v", d.What, err)
		return
	}
	b.named(t, d.What+": search", page.Problems, file, met)
	var wantIDs []string
	for _, s := range b.g.expected.SearchRuns {
		if s.plain() && s.View == "ACTIVE_ONLY" && s.MaxResults == 1000 && slices.Equal(s.ExperimentIDs, []string{b.gridID}) {
			wantIDs = s.RunIDs
		}
	}
	gotIDs := filestoretest.IDsOf(page.Runs)
	if d.What == "meta: no start_time" { // it orders the runs: that one comes last
		slices.Sort(gotIDs)
		wantIDs = slices.Sorted(slices.Values(wantIDs))
	}
	if lost {
		wantIDs = slices.DeleteFunc(slices.Clone(wantIDs), func(s string) bool { return s == id })
	}
	if !slices.Equal(gotIDs, wantIDs) {
		t.Errorf("%s: the search gives %v, want %v", d.What, gotIDs, wantIDs)
	}
	for _, run := range page.Runs {
		if run.Info.ID != id {
			b.unharmed(t, d.What, run)
		}
	}

	b.get(t, d, id, file, met)
	b.named(t, d.What+": verify", without(filestoretest.Problems(t, b.store), b.clean), file, want)
}

// unharmed compares a run with what MLflow said of it before the damage.
func (b *bench) unharmed(t *testing.T, what string, run *mlruns.Run) {
	t.Helper()
	if run.Problems != nil {
		t.Errorf("%s: %s has problems: %v", what, b.g.expected.label(run.Info.ID), run.Problems)
	}
	a := &answers{}
	a.compareRun(b.g.expected.label(run.Info.ID), b.g.expected.Runs[run.Info.ID].value, run)
	for _, diff := range a.list {
		t.Errorf("%s: another run changed: %s", what, diff)
	}
}

// get asks for the damaged run itself.
func (b *bench) get(t *testing.T, d singleDamage, id, file string, want expect) {
	t.Helper()
	run, err := b.store.Run(context.Background(), id)
	if want.kind == mlruns.ProblemUnreadableMeta {
		if !errors.Is(err, mlruns.ErrCorrupt) {
			t.Errorf("%s: get gives %v, want ErrCorrupt", d.What, err)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: get: %v", d.What, err)
		return
	}
	b.named(t, d.What+": get", run.Problems, file, want)
	if d.GetRun.err != nil {
		b.compare("get", d.What, d.GetRun.err.String(), "a run")
	} else {
		a := &answers{}
		a.compareRun(d.What, d.GetRun.value, run)
		b.list = append(b.list, a.list...)
	}
	var points []string
	for _, m := range d.History.value {
		points = append(points, m.text())
	}
	wanted := strings.Join(points, "\n")
	if d.History.err != nil {
		wanted = d.History.err.String()
	}
	b.compare("history", d.What, wanted, strings.Join(filestoretest.History(t, b.store, id, "acc"), "\n"))
}

// named checks that just the expected problem is told.
func (b *bench) named(t *testing.T, what string, got []mlruns.Problem, file string, want expect) {
	t.Helper()
	if want.kind == "" {
		if len(got) > 0 {
			t.Errorf("%s: problems %v, want none", what, got)
		}
		return
	}
	if len(got) != 1 || got[0].Kind != want.kind || got[0].Path != file || got[0].Line != want.line || got[0].Reason == "" {
		t.Errorf("%s: problems %v, want one %s at %s:%d", what, got, want.kind, file, want.line)
	}
}

// without leaves out the problems that were there before.
func without(problems, before []mlruns.Problem) []mlruns.Problem {
	return slices.DeleteFunc(problems, func(p mlruns.Problem) bool { return slices.Contains(before, p) })
}

func latin1(text string) []byte {
	var data []byte
	for _, r := range text {
		data = append(data, byte(r))
	}
	return data
}

// experiment adds a damaged experiment.
func (b *bench) experiment(t *testing.T, d singleDamage) {
	ctx := context.Background()
	file := d.Dir + "/meta.yaml"
	undo := b.damage(t, file, d.Content)
	defer func() {
		undo()
		if err := os.Remove(filepath.Join(b.dir, d.Dir)); err != nil {
			t.Error(err)
		}
	}()
	want := b.expected(t, d.What)
	lost := want.kind == mlruns.ProblemUnreadableMeta
	listing := want
	if want.kind == mlruns.ProblemDuplicate { // seen by comparing, which only Verify does
		listing = expect{}
	}
	page, err := b.store.SearchExperiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll})
	if err != nil {
		t.Errorf("%s: %v", d.What, err)
		return
	}
	b.named(t, d.What+": search", without(page.Problems, b.clean), file, listing)
	wantIDs := map[string]bool{d.Dir: !lost}
	for _, e := range b.g.expected.Experiments["ALL"].value {
		wantIDs[e.ID] = true
	}
	for _, e := range page.Experiments {
		if !wantIDs[e.ID] {
			t.Errorf("%s: %s is listed", d.What, e.ID)
		}
		delete(wantIDs, e.ID)
	}
	for id, missing := range wantIDs {
		if missing {
			t.Errorf("%s: %s is not listed", d.What, id)
		}
	}
	found := without(filestoretest.Problems(t, b.store), b.clean)
	// told of the other of the two
	if want.kind == mlruns.ProblemDuplicate && len(found) == 1 && strings.Contains(found[0].Reason, " "+d.Dir+" ") {
		found[0].Path = file
	}
	b.named(t, d.What+": verify", found, file, want)

	e, err := b.store.Experiment(ctx, d.Dir)
	switch {
	case lost && !errors.Is(err, mlruns.ErrCorrupt):
		t.Errorf("%s: get gives %v, want ErrCorrupt", d.What, err)
	case !lost && err != nil:
		t.Errorf("%s: get: %v", d.What, err)
	case !lost && d.Get.err != nil:
		b.compare("get", d.What, d.Get.err.String(), "an experiment")
	case !lost:
		b.compareMaps("get", d.What, d.Get.value.fields(), experimentFields(*e))
	}
	main, err := b.store.ExperimentByName(ctx, "main")
	if err != nil {
		t.Errorf("%s: get by name: %v", d.What, err)
		return
	}
	if d.ByName.err == nil {
		b.compare("get by name", d.What, fmt.Sprint(*d.ByName.value), main.ID)
	} else if main.ID != b.g.expected.ExperimentLabels["main"] {
		t.Errorf("%s: get by name gives %s", d.What, main.ID)
	}
}
