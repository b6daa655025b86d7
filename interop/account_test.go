//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

// ledger is what the operation logs say should be on disk.
type ledger struct {
	cells map[string]*cell
	// points are the steps by run and metric, params the values by run and key, models the
	// operations by run.
	points map[[2]string]map[int64]times
	params map[[2]string]string
	models map[string][]op
	made   map[string]string // runs, and the value of their tag
}

// times is how often a point may be there: as often as it was acknowledged, or more if calls
// failed.
type times struct{ least, most int }

func (l *ledger) cell(name string) *cell {
	if l.cells[name] == nil {
		l.cells[name] = &cell{}
	}
	return l.cells[name]
}

func (l *ledger) set(o op, value string, names ...string) {
	for _, name := range names {
		c := l.cell(name)
		c.writes = append(c.writes, write{o, value})
	}
}

func (l *ledger) carry(o op, names ...string) {
	for _, name := range names {
		c := l.cell(name)
		c.carriers = append(c.carriers, o)
	}
}

func (l *ledger) logged(o op, first, n int64) {
	at := [2]string{o.Run, o.Key}
	if l.points[at] == nil {
		l.points[at] = map[int64]times{}
	}
	for step := first; step < first+n; step++ {
		x := l.points[at][step]
		x.most++
		if o.Err == "" {
			x.least++
		}
		l.points[at][step] = x
	}
}

// enter books one operation. One that failed may have had its effect or not.
func (l *ledger) enter(o op) {
	if o.Run == "" && o.Err != "" {
		return // it found nothing to do, or failed before it had an id
	}
	name, status, stage := "name of run "+o.Run, "status of run "+o.Run, "stage of run "+o.Run
	switch o.Do {
	case "tag":
		l.set(o, o.Value, "tag "+o.Key+" of "+o.Run)
	case "untag":
		l.set(o, none, "tag "+o.Key+" of "+o.Run)
	case "rename":
		l.set(o, o.Value, name, "tag mlflow.runName of "+o.Run)
		l.carry(o, status, stage)
	case "status":
		l.set(o, o.Value, status)
		l.carry(o, name, stage)
	case "delete", "restore":
		l.set(o, o.Value, stage)
		l.carry(o, name, status)
	case "experiment_rename", "experiment_create":
		l.set(o, o.Value, "name of experiment "+o.Run)
	case "experiment_delete", "experiment_restore":
		l.set(o, o.Value, "stage of experiment "+o.Run)
		l.carry(o, "name of experiment "+o.Run)
	case "experiment_tag":
		l.set(o, o.Value, "tag "+o.Key+" of "+o.Run)
	case "metric":
		l.logged(o, o.N, 1)
	case "batch":
		l.set(o, o.Value, "tag "+o.Key+" of "+o.Run)
		l.logged(o, o.N*100, 20)
	case "model":
		l.models[o.Run] = append(l.models[o.Run], o)
	}
	if o.Err != "" {
		return
	}
	switch o.Do {
	case "batch":
		l.params[[2]string{o.Run, "batch/" + o.Value}] = o.Value
	case "param":
		l.params[[2]string{o.Run, o.Key}] = o.Value
	case "create":
		l.made[o.Run] = o.Value
	}
}

// account compares what is in the store with what the operations should have left, and fails for
// what no order of them explains.
func account(t *testing.T, c *mlruns.Client, p *python, ops []op, experimentID string, runs []string, begin int64) {
	l := &ledger{map[string]*cell{}, map[[2]string]map[int64]times{}, map[[2]string]string{}, map[string][]op{}, map[string]string{}}
	errors, done := map[string]int{}, map[string]int{}
	for _, o := range ops {
		l.enter(o)
		done[o.By[:2]]++
		if o.Err != "" {
			errors[o.By[:2]+" "+o.Do+": "+class(o, ops)]++
		}
	}
	store := take(t, c, nil)
	var theirs snapshot
	p.must(t, "dump", map[string]any{"root": strings.TrimPrefix(c.URI(), "file://")}, &theirs)
	equal(t, "both read, MLflow against us", theirs, store)

	for at, steps := range l.points {
		seen := map[int64]int{}
		for _, m := range store.Runs[at[0]].History[at[1]] {
			seen[m.Step]++
		}
		for step, x := range steps {
			if seen[step] < x.least || seen[step] > x.most {
				t.Errorf("run %s: point %d of %s is there %d times, was acknowledged %d times of %d", at[0], step, at[1], seen[step], x.least, x.most)
			}
		}
	}
	for at, value := range l.params {
		if got := store.Runs[at[0]].Params[at[1]]; got != value {
			t.Errorf("run %s: param %s is %q, acknowledged was %q", at[0], at[1], got, value)
		}
	}
	for id, value := range l.made {
		if r := store.Runs[id]; r.Experiment != experimentID || r.Tags["made"] != value || len(r.History["m"]) != 1 {
			t.Errorf("run %s was made and is not whole: %+v", id, r)
		}
	}
	verdicts := l.judgeCells(t, store, begin)
	lost := l.judgeModels(t, store)
	for key, n := range errors {
		if strings.HasPrefix(key, "go ") && !expected(key) {
			t.Errorf("%d times %s", n, key)
		}
	}
	t.Logf("operations %v, %d points, %d params, %d runs; values %v, models lost within one read-modify-write of Python's %d", done, countPoints(l.points), len(l.params), len(l.made), verdicts, lost)
	for _, key := range keys(errors) {
		t.Logf("%6d %s", errors[key], key)
	}
	report(t, p, "both at once", "ok: %d operations of Go's, %d of Python's, %d values carried, %d models", done["go"], done["py"], verdicts[carried], lost)
}

// expected are the errors that the work itself brings about.
func expected(key string) bool {
	for _, ending := range []string{"none yet", heldUp, "untag: RESOURCE_DOES_NOT_EXIST", "experiment_delete: RESOURCE_DOES_NOT_EXIST", "experiment_restore: RESOURCE_DOES_NOT_EXIST"} {
		if strings.HasSuffix(key, ending) {
			return true
		}
	}
	return false
}

// heldUp is the class of errors of ours that say that Python had emptied a file and did not write
// it while we looked again: nothing is lost then.
const heldUp = "Python was held up while it wrote the file"

// class shortens an error to what it has in common with others of its kind. Ours of a file that is
// empty must have a Python operation that was writing it.
func class(o op, ops []op) string {
	writers := ""
	switch code, _, _ := strings.Cut(o.Err, ":"); {
	case strings.HasSuffix(o.Err, errNoneYet.Error()) || strings.HasPrefix(o.Err, "LookupError"):
		return errNoneYet.Error()
	case code == "RESOURCE_DOES_NOT_EXIST":
		return code
	case o.goes() && strings.HasSuffix(o.Err, "meta.yaml: the file is empty"):
		writers = "rename status delete restore"
	case o.goes() && strings.Contains(o.Err, "has not finished writing the tag"):
		writers = "model"
	}
	if slices.ContainsFunc(ops, func(z op) bool {
		return !z.goes() && z.Run == o.Run && strings.Contains(writers, z.Do) && z.overlaps(o)
	}) {
		return heldUp
	}
	return o.Err
}

func countPoints(all map[[2]string]map[int64]times) (n int) {
	for _, steps := range all {
		n += len(steps)
	}
	return n
}

// judgeCells judges every value that operations set.
func (l *ledger) judgeCells(t *testing.T, store snapshot, begin int64) map[verdict]int {
	t.Helper()
	finals := map[string]string{}
	for id, r := range store.Runs {
		finals["name of run "+id], finals["status of run "+id], finals["stage of run "+id] = r.Name, r.Status, r.Stage
		for key, value := range r.Tags {
			finals["tag "+key+" of "+id] = value
		}
	}
	for id, e := range store.Experiments {
		finals["name of experiment "+id], finals["stage of experiment "+id] = e.Name, e.Stage
		for key, value := range e.Tags {
			finals["tag "+key+" of "+id] = value
		}
	}
	initials := map[string]string{"name": "start", "status": "RUNNING", "stage": "active", "tag": none}
	verdicts := map[verdict]int{}
	for _, name := range slices.Sorted(maps.Keys(l.cells)) {
		final, ok := finals[name]
		if !ok {
			final = none
		}
		kind, _, _ := strings.Cut(name, " ")
		initial := initials[kind]
		if strings.HasPrefix(name, "tag mlflow.runName") {
			initial = "start"
		}
		c := l.cells[name]
		v := c.judge(final, initial)
		verdicts[v]++
		if v == unexplained {
			t.Errorf("%s is %q, which no order of these explains:\n%s", name, final, c.tail(begin))
		}
	}
	return verdicts
}

// tail shows the last writes of a cell in milliseconds.
func (c cell) tail(begin int64) string {
	slices.SortFunc(c.writes, func(a, b write) int { return int(a.Begin - b.Begin) })
	var b strings.Builder
	for _, w := range c.writes[max(0, len(c.writes)-12):] {
		fmt.Fprintf(&b, "  %s %s %q %.3f-%.3f %s\n", w.By, w.Do, w.value, float64(w.Begin-begin)/1e6, float64(w.End-begin)/1e6, w.Err)
	}
	return b.String()
}

// judgeModels checks the lists of models, which are rewritten whole, and counts what was lost as it
// may be.
func (l *ledger) judgeModels(t *testing.T, store snapshot) (lost int) {
	t.Helper()
	for id, ops := range l.models {
		var list []struct {
			Path string `json:"artifact_path"`
		}
		if err := json.Unmarshal([]byte(store.Runs[id].Tags[mlruns.TagModelHistory]), &list); err != nil {
			t.Errorf("run %s: list of models: %v", id, err)
			continue
		}
		there := map[string]int{}
		for _, m := range list {
			there[m.Path]++
		}
		for _, o := range ops {
			if o.Err != "" || there[o.Value] == 1 {
				continue
			}
			if lost++; there[o.Value] > 1 || !lostFrom(o, ops) {
				t.Errorf("run %s: model %s is there %d times; nothing was recorded at the same time", id, o.Value, there[o.Value])
			}
		}
	}
	return lost
}
