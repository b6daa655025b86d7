package filestoretest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// MaintenanceCall is a call that is about a whole store. do gives the paths of what it says is
// done.
type MaintenanceCall struct {
	Name string
	Do   func(context.Context, *filestore.Store) iter.Seq2[string, error]
}

// MaintenanceCalls are all of them. GC spares what was deleted within the hour, which may be
// somebody's who restores it.
var MaintenanceCalls = []MaintenanceCall{
	{"GC", func(ctx context.Context, s *filestore.Store) iter.Seq2[string, error] {
		return pathsOf(s.GC(ctx, mlruns.GCQuery{OlderThan: time.Hour, OnProblem: ignoreProblem}), func(r mlruns.Removal) string { return r.Path })
	}},
	{"Relocate", func(ctx context.Context, s *filestore.Store) iter.Seq2[string, error] {
		return pathsOf(s.Relocate(ctx, mlruns.RelocateQuery{OnProblem: ignoreProblem}), func(r mlruns.Relocation) string { return r.Path })
	}},
	{"Repair", func(ctx context.Context, s *filestore.Store) iter.Seq2[string, error] {
		return pathsOf(s.Repair(ctx, mlruns.RepairQuery{}), func(r mlruns.Repair) string {
			if r.Action == "" {
				return ""
			}
			return r.Path
		})
	}},
}

func ignoreProblem(mlruns.Problem) {}

func pathsOf[T any](seq iter.Seq2[T, error], of func(T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for item, err := range seq {
			if err != nil {
				yield("", err)
				return
			}
			if done := of(item); done != "" && !yield(done, nil) {
				return
			}
		}
	}
}

// upkeepGround is a store that needs upkeep, and what is to come of it.
type upkeepGround struct {
	call MaintenanceCall
	// before are the files, after those after the call, mended those after the call and a Repair;
	// without what is private.
	before, after, mended Tree
	// folders of runs, models, traces and experiments that the call removes
	deleted     []string
	values, all map[string]bool
	originals   map[string]bool // of what a Repair takes away, as originalsOf gives them
	problems    map[string]bool
	strict      *StrictStore
}

// MaintenancePlace is where such a store lies: store opens it, files are all of its files, aged
// makes them old.
type MaintenancePlace struct {
	Store *filestore.Store
	Files fs.FS
	Aged  func()
}

// NeedsMaintenance has, of the size n: runs, models and traces with damages of all kinds that
// Repair mends, such without, deleted runs and models and deleted experiments, all recorded at
// another place.
func NeedsMaintenance(t *testing.T, call MaintenanceCall, n int) Tree {
	t.Helper()
	d := NewPatient(t, func(f afero.Fs) afero.Fs { return f }, filestore.WithSync(filestore.SyncNever))
	for i := range n {
		for _, id := range []string{"active", "gone"} {
			id = fmt.Sprintf("%s%d", id, i)
			d.Must(ErrOf(d.Store.CreateExperiment(t.Context(), mlruns.ExperimentSpec{ID: id, Name: id, Tags: map[string]string{"team": "a"}})))
			for _, run := range []string{"-a", "-b", "-deleted"} {
				d.Must(ErrOf(d.Store.CreateRun(t.Context(), mlruns.RunSpec{ID: id + run, ExperimentID: id, Name: "name"})))
				d.Must(d.Store.LogBatch(t.Context(), id+run, mlruns.Batch{Params: []mlruns.Param{{Key: "lr", Value: "0.1"}},
					Metrics: []mlruns.Metric{{Key: "loss", Value: 1, Time: time.UnixMilli(1), Step: 1}, {Key: "a/b", Value: 2, Time: time.UnixMilli(2), Step: 2}}}))
				d.Must(d.Store.WriteArtifact(t.Context(), id+run, "d/file", strings.NewReader("artifact of "+id+run)))
			}
			d.Must(d.Store.DeleteRun(t.Context(), id+"-deleted"))
			for _, part := range []string{"-m", "-m-deleted"} {
				d.Must(ErrOf(d.Store.CreateLoggedModel(t.Context(), mlruns.ModelSpec{ID: id + part, ExperimentID: id, Params: map[string]string{"lr": "0.1"}, Tags: map[string]string{"team": "a"}})))
				d.Must(d.Store.LogMetric(t.Context(), id+"-b", mlruns.Metric{Key: "of" + part, Value: 1, Time: time.UnixMilli(1), Step: 1, ModelID: id + part}))
				d.Must(ErrOf(d.Store.StartTrace(t.Context(), mlruns.Trace{ID: id + part + "-tr", ExperimentID: id, State: mlruns.TraceOK, Tags: map[string]string{"team": "a"}, Metadata: map[string]string{"k": "v"}})))
			}
			d.Must(d.Store.DeleteLoggedModel(t.Context(), id+"-m-deleted"))
		}
		d.Must(d.Store.DeleteExperiment(t.Context(), fmt.Sprint("gone", i)))
	}
	ManyDamages.Apply(d)
	for i := range n {
		run := fmt.Sprintf("active%d/active%d-a/", i, i)
		d.Write(map[string]string{run + "metrics/loss": ManyDamages.Write[RunLoss], run + "metrics/loss (1)": "5 5.0 5\n", run + "params/.DS_Store": "d"})
		id := fmt.Sprintf("active%d", i)
		model, trace := id+"/models/"+id+"-m/", id+"/traces/"+id+"-m-tr/"
		d.Write(map[string]string{model + "metrics/loss": fmt.Sprintf("1 1.0 1 %[1]s-a\nx\n1 1.0 1 %[1]s-a\n2 2.0 2 %[1]s-b", id), model + "metrics/loss (1)": "5 5.0 5 " + id + "-b\n", model + "tags/team (1)": "a",
			trace + "tags/.DS_Store": "d", trace + "assessments/.DS_Store": "d", trace + "assessments/a-1.yaml": Assessment})
	}
	files := TreeOf(t, d.Mem)
	if call.Name == "Relocate" { // after that the copy says something else
		delete(files, "e1/meta (1).yaml")
	}
	for name, data := range files {
		text := strings.ReplaceAll(string(data), " /mlruns/", " /nowhere/mlruns/")
		if path.Base(name) == mlruns.TagTraceArtifactLocation {
			text = "/nowhere" + text
		}
		if name == "active0/meta.yaml" {
			text = strings.Replace(text, "lifecycle_stage: active", "lifecycle_stage: deleted", 1)
		}
		if data != nil {
			files[name] = []byte(text)
		}
		if strings.HasSuffix(name, ".lock") {
			delete(files, name)
		}
	}
	return files
}

// NewMaintenance does the call and a Repair once where nobody disturbs them.
func NewMaintenance(t *testing.T, call MaintenanceCall, place func() MaintenancePlace) *upkeepGround {
	t.Helper()
	p := place()
	before := filesOf(t, p.Files)
	g := &upkeepGround{call: call, before: public(before), values: upkeepValues(t, p), problems: map[string]bool{}}
	for _, problem := range Problems(t, p.Store) {
		g.problems[describe(problem)] = true
	}
	g.strict, _ = ReadStrictly(p.Files, true) // some of it cannot be read so
	for _, err := range call.Do(t.Context(), p.Store) {
		Must(t, err)
	}
	unmended := filesOf(t, p.Files)
	g.after = public(unmended)
	if call.Name == "Repair" {
		unmended = before
	}
	g.mend(t, p)
	now := filesOf(t, p.Files)
	g.mended, g.all, g.originals = public(now), upkeepValues(t, p), map[string]bool{}
	for name, data := range unmended {
		if data != nil && !strings.HasSuffix(name, ".lock") && (!has(now, name) || !bytes.HasPrefix(now[name], data)) {
			g.originals[name+": "+string(data)] = true
		}
	}
	if call.Name == "GC" {
		for name := range g.before {
			if _, ok := g.after[name]; !ok && (path.Base(name) == "meta.yaml" || path.Base(name) == "trace_info.yaml") {
				g.deleted = append(g.deleted, path.Dir(name))
			}
		}
	}
	return g
}

// mend repairs a store in which nobody has written for a day, after which nothing must be wrong
// with it.
func (g *upkeepGround) mend(t *testing.T, p MaintenancePlace) {
	t.Helper()
	p.Aged()
	for repair, err := range p.Store.Repair(t.Context(), mlruns.RepairQuery{}) {
		if err != nil || repair.Action == "" {
			t.Errorf("%s: Repair: %v, %v", g.call.Name, repair, err)
		}
	}
	NoProblems(t, p.Store)
}

// Judge lists what is wrong with the store after the call was interrupted that had said so much was
// done.
func (g *upkeepGround) Judge(t *testing.T, p MaintenancePlace, said []string) (wrong []string) {
	t.Helper()
	now := public(filesOf(t, p.Files))
	for _, name := range slices.Sorted(maps.Keys(now)) {
		// that is mended in steps; its values are looked at below
		if !now.same(g.before, name) && !now.same(g.after, name) && path.Base(name) != "loss" {
			wrong = append(wrong, fmt.Sprintf("%s is neither as before nor as after: %.80q", name, now[name]))
		}
	}
	for name := range g.before {
		if _, stays := g.after[name]; stays && !has(now, name) {
			wrong = append(wrong, name+" is missing")
		}
	}
	for _, folder := range g.deleted {
		if is, was := now.below(folder), g.before.below(folder); is != 0 && is != was {
			wrong = append(wrong, fmt.Sprintf("of what was in %s, %d of %d are there", folder, is, was))
		}
	}
	for _, name := range said {
		if path.Base(name) != "loss" && !isPrivate(name) && (has(now, name) != has(g.after, name) || !now.same(g.after, name)) {
			wrong = append(wrong, fmt.Sprintf("%s was said to be done, and is %.80q", name, now[name]))
		}
	}
	for _, problem := range Problems(t, p.Store) {
		done := g.call.Name == "Repair" && slices.Contains(said, problem.Path)
		// the points of a copy were being appended
		merging := problem.Kind == mlruns.ProblemUnterminated && has(now, problem.Path+" (1)")
		if (problem.Kind != mlruns.ProblemLeftover && !g.problems[describe(problem)] || done) && !merging {
			wrong = append(wrong, "Verify: "+problem.String())
		}
	}
	return append(wrong, g.judgeValues(t, p)...)
}

// judgeValues lists the points, params and tags that are missing, or were never logged, and the
// runs that MLflow would not read any more.
func (g *upkeepGround) judgeValues(t *testing.T, p MaintenancePlace) (wrong []string) {
	t.Helper()
	values := upkeepValues(t, p)
	for _, lost := range LostOf(g.values, values) {
		if run, _, _ := strings.Cut(lost, " "); !slices.ContainsFunc(g.deleted, func(folder string) bool { return path.Base(folder) == run }) {
			wrong = append(wrong, "lost: "+lost)
		}
	}
	for _, more := range LostOf(values, g.values) {
		if !g.all[more] {
			wrong = append(wrong, "never logged: "+more)
		}
	}
	strict, _ := ReadStrictly(p.Files, true) // what it cannot read it could not read before
	for id, run := range g.strict.Runs {
		if now := strict.Runs[id]; run.Stage == "active" && (now == nil || now.Stage != "active") {
			wrong = append(wrong, "a reader with MLflow's rules does not read the run "+id)
		}
	}
	for id := range g.strict.Experiments {
		if strict.Experiments[id] == nil && !slices.Contains(g.deleted, ".trash/"+id) {
			wrong = append(wrong, "a reader with MLflow's rules does not read the experiment "+id)
		}
	}
	return wrong
}

// Finish calls again, repairs, and wants all to be as if nothing had been interrupted.
func (g *upkeepGround) Finish(t *testing.T, p MaintenancePlace) {
	t.Helper()
	for _, err := range g.call.Do(t.Context(), p.Store) {
		if err != nil {
			t.Errorf("%s: calling again: %v", g.call.Name, err)
		}
	}
	g.mend(t, p)
	now := filesOf(t, p.Files)
	if diff := Changes(g.mended, public(now)); diff != nil {
		t.Errorf("%s: files after calling again and a repair (- is missing, + is too much): %v", g.call.Name, diff)
	}
	if diff := cmp.Diff(g.all, upkeepValues(t, p)); diff != "" {
		t.Errorf("%s: values after calling again and a repair (-want +got):\n%s", g.call.Name, diff)
	}
	if lost := LostOf(g.originals, originalsOf(now)); lost != nil {
		t.Errorf("%s: originals not kept: %v", g.call.Name, lost)
	}
	if _, err := ReadStrictly(p.Files, true); err != nil {
		t.Errorf("%s: a reader with MLflow's rules: %v", g.call.Name, err)
	}
}

const BesidePrefix = "beside"

// originalsOf are the files that repairs kept, as "path: content".
func originalsOf(all Tree) map[string]bool {
	kept := map[string]bool{}
	for name, data := range all {
		if rest, ok := strings.CutPrefix(name, ".mlruns.trash/repaired-"); ok && data != nil {
			_, rest, _ = strings.Cut(rest, "/")
			kept[rest+": "+string(data)] = true
		}
	}
	return kept
}

// upkeepValues are ValuesOf a store and the points of its logged models, which no call tells but
// the latest.
func upkeepValues(t *testing.T, p MaintenancePlace) map[string]bool {
	t.Helper()
	values := ValuesOf(t, p.Store)
	for name, data := range filesOf(t, p.Files) {
		_, below, of := strings.Cut(name, "/models/")
		model, key, _ := strings.Cut(below, "/metrics/")
		if !of || key == "" || isPrivate(name) || strings.Contains(key, " ") {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if fields := len(strings.Fields(line)); strings.HasSuffix(line, "\n") && (fields == 4 || fields == 6) {
				values[model+" metric "+key+": "+strings.TrimSpace(line)] = true
			}
		}
	}
	maps.DeleteFunc(values, func(value string, _ bool) bool { return strings.HasPrefix(value, BesidePrefix) })
	return values
}
