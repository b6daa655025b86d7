package filestoretest

import (
	"fmt"
	"io/fs"
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
	"github.com/mlruns/mlruns/internal/memfs"
)

// SavedIn is where the repairs of these tests, whose clock stands still, keep originals.
const SavedIn = ".mlruns.trash/repaired-2026-11-25T10-00-00-000Z"

// Patient is a store in memory with the runs "run" and "other" in the experiment "e1", and "gone"
// in the deleted "e2".
type Patient struct {
	*testing.T
	Mem   *memfs.FS
	fs    afero.Fs
	Store *filestore.Store
}

func NewPatient(t *testing.T, wrap func(afero.Fs) afero.Fs, opts ...filestore.Option) *Patient {
	t.Helper()
	d := &Patient{T: t, Mem: memfs.New()}
	d.fs = wrap(d.Mem)
	clock := func() time.Time { return time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC) }
	d.Store = Open(t, "/mlruns", append(opts, filestore.WithFs(d.fs), filestore.WithClock(clock))...)
	ctx := t.Context()
	for _, e := range [...][2]string{{"e1", "run"}, {"e1", "other"}, {"e2", "gone"}} {
		if _, err := d.Store.Experiment(ctx, e[0]); err != nil {
			d.Must(ErrOf(d.Store.CreateExperiment(ctx, mlruns.ExperimentSpec{ID: e[0], Name: "name of " + e[0], Tags: map[string]string{"team": "a"}})))
		}
		d.Must(ErrOf(d.Store.CreateRun(ctx, mlruns.RunSpec{ID: e[1], ExperimentID: e[0], Name: "name"})))
		d.Must(d.Store.LogBatch(ctx, e[1], mlruns.Batch{Params: []mlruns.Param{{Key: "lr", Value: "0.1"}},
			Metrics: []mlruns.Metric{{Key: "loss", Value: 1, Time: time.UnixMilli(1), Step: 1}, {Key: "loss", Value: 2, Time: time.UnixMilli(2), Step: 2}}}))
	}
	d.Must(d.Store.DeleteExperiment(ctx, "e2"))
	return d
}

const (
	PatientModel = "e1/models/m-1"
	PatientTrace = "e1/traces/tr-1"
	// PatientAssessment is one of the trace.
	PatientAssessment = PatientTrace + "/assessments/a-00000000000000000000000000000001.yaml"

	ModelAcc = PatientModel + "/metrics/acc"
	// AccBefore are the model's points, one measured on a data set.
	AccBefore = "1 1.0 1 run\n2 2.0 2 run set digest\n"
)

// AddModels gives the experiment "e1" a logged model of the run "run" and a trace with an
// assessment.
func (d *Patient) AddModels() {
	d.Helper()
	ctx := d.Context()
	d.Must(ErrOf(d.Store.CreateLoggedModel(ctx, mlruns.ModelSpec{ID: path.Base(PatientModel), ExperimentID: "e1", Name: "model", SourceRunID: "run",
		Params: map[string]string{"depth": "3"}, Tags: map[string]string{"team": "a"}})))
	d.Must(d.Store.LogBatch(ctx, "run", mlruns.Batch{Metrics: []mlruns.Metric{{Key: "acc", Value: 1, Time: time.UnixMilli(1), Step: 1, ModelID: path.Base(PatientModel)},
		{Key: "acc", Value: 2, Time: time.UnixMilli(2), Step: 2, ModelID: path.Base(PatientModel), DatasetName: "set", DatasetDigest: "digest"}}}))
	d.Must(d.Store.WriteModelArtifact(ctx, path.Base(PatientModel), "d/file", strings.NewReader("artifact of a model")))
	d.Must(ErrOf(d.Store.StartTrace(ctx, mlruns.Trace{ID: path.Base(PatientTrace), ExperimentID: "e1", State: mlruns.TraceOK, RequestPreview: "what?", ClientRequestID: "c",
		Start: time.UnixMilli(1), End: time.UnixMilli(3), Tags: map[string]string{"team": "a"}, Metadata: map[string]string{"mlflow.sourceRun": "run"}})))
	d.Write(map[string]string{PatientAssessment: Assessment, PatientTrace + "/artifacts/traces.json": `{"spans": []}`})
}

// Assessment is the file of one, as MLflow writes it.
const Assessment = `assessment_id: a-00000000000000000000000000000001
assessment_name: correct
create_time: '2023-11-14T22:16:57.026Z'
feedback:
  value: false
last_update_time: '2023-11-14T22:16:57.026Z'
source:
  source_id: bob@example.org
  source_type: HUMAN
trace_id: tr-1
valid: true
`

func (d *Patient) Must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// Write puts files there as they were written before today. A name that ends in a slash is a
// folder.
func (d *Patient) Write(files map[string]string) {
	d.Helper()
	for name, content := range files {
		if folder, ok := strings.CutSuffix(name, "/"); ok {
			d.Must(d.Mem.MkdirAll("/mlruns/"+folder, 0o777))
			continue
		}
		d.Must(d.Mem.MkdirAll(path.Dir("/mlruns/"+name), 0o777))
		d.Must(afero.WriteFile(d.Mem, "/mlruns/"+name, []byte(content), 0o640))
		for dir := name; dir != "."; dir = path.Dir(dir) {
			d.Must(d.Mem.Chtimes("/mlruns/"+dir, LongAgo, LongAgo))
		}
	}
}

// Tree is all that is in the store but for the empty lock files.
func (d *Patient) Tree() map[string]string {
	d.Helper()
	all := map[string]string{}
	d.Must(afero.Walk(d.Mem, "/mlruns", func(name string, info fs.FileInfo, err error) error {
		rel := strings.TrimPrefix(name, "/mlruns/")
		switch {
		case err != nil || strings.HasSuffix(name, ".lock"):
		case info.IsDir():
			all[rel] = "folder"
		default:
			data, readErr := afero.ReadFile(d.Mem, name)
			all[rel], err = "file "+string(data), readErr
		}
		return err
	}))
	return all
}

func (d *Patient) Problems() (list []string) {
	d.Helper()
	for _, p := range Problems(d.T, d.Store) {
		list = append(list, describe(p))
	}
	return list
}

func describe(p mlruns.Problem) string {
	text := fmt.Sprintf("%s %s", p.Kind, p.Path)
	if p.Line > 0 {
		text += fmt.Sprintf(":%d", p.Line)
	}
	if p.Repairable {
		text += " repairable"
	}
	return text
}

func (d *Patient) Repair(q mlruns.RepairQuery) (list []mlruns.Repair) {
	d.Helper()
	for r, err := range d.Store.Repair(d.Context(), q) {
		d.Must(err)
		list = append(list, r)
	}
	return list
}

const (
	LossBefore  = "1 1.0 1\n2 2.0 2\n"
	RunLoss     = "e1/run/metrics/loss"
	StagingMeta = ".mlruns.trash/r3.00/meta.yaml"
)

// Damage is what happened to a store, and what comes of it.
type Damage struct {
	Name   string
	Write  map[string]string
	Remove []string
	// Copies are files that get another's content.
	Copies map[string]string
	// Want is what Verify says, left what it says after the repair; "repairable" marks what repair
	// mends.
	Want, Left []string
	// Saved are the originals that must be kept, by their old path, after is what must be in files
	// then; "" where there must be none.
	Saved []string
	After map[string]string
}

func (x Damage) Apply(d *Patient) {
	d.Write(x.Write)
	for to, from := range x.Copies {
		data, err := afero.ReadFile(d.Mem, "/mlruns/"+from)
		d.Must(err)
		d.Write(map[string]string{to: string(data)})
	}
	for _, name := range x.Remove {
		d.Must(d.Mem.RemoveAll("/mlruns/" + name))
	}
}

func (x Damage) Check(d *Patient) {
	before := d.Tree()
	if diff := cmp.Diff(x.Want, d.Problems()); diff != "" {
		d.Errorf("verify (-want +got):\n%s", diff)
	}
	plan := d.Repair(mlruns.RepairQuery{DryRun: true})
	if diff := cmp.Diff(before, d.Tree()); diff != "" {
		d.Errorf("the dry run changed the store:\n%s", diff)
	}
	done := d.Repair(mlruns.RepairQuery{})
	if diff := cmp.Diff(plan, done); diff != "" {
		d.Errorf("plan and deed (-plan +deed):\n%s", diff)
	}
	after := d.Tree()
	var saved, mended []string
	for _, r := range done {
		if (r.Action != "") != r.Repairable {
			d.Errorf("%v: repairable is %v, the action %q", r.Problem, r.Repairable, r.Action)
		}
		if r.Repairable {
			mended = append(mended, describe(r.Problem))
		}
		if r.SavedTo != "" {
			if after[r.SavedTo] != before[r.Path] {
				d.Errorf("saved as %s: %q, was %q", r.SavedTo, after[r.SavedTo], before[r.Path])
			}
			saved = append(saved, r.Path)
		}
	}
	repairable := slices.DeleteFunc(slices.Clone(x.Want), func(s string) bool { return !strings.HasSuffix(s, " repairable") })
	if diff := cmp.Diff(sorted(repairable), sorted(mended)); diff != "" {
		d.Errorf("mended (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(sorted(x.Saved), slices.Compact(sorted(saved))); diff != "" {
		d.Errorf("saved (-want +got):\n%s", diff)
	}
	for name, want := range x.After {
		if got := strings.TrimPrefix(after[name], "file "); got != want {
			d.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff(x.Left, d.Problems()); diff != "" {
		d.Errorf("verify after the repair (-want +got):\n%s", diff)
	}
	for _, r := range d.Repair(mlruns.RepairQuery{}) {
		if r.Action != "" {
			d.Errorf("a second repair: %+v", r)
		}
	}
	if diff := cmp.Diff(after, d.Tree()); diff != "" {
		d.Errorf("the second repair changed the store:\n%s", diff)
	}
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// ValuesOf are all points, params and tags of a store, as text, but for the points of logged
// models.
func ValuesOf(t *testing.T, s mlruns.Store) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for r, err := range s.Runs(t.Context(), mlruns.RunQuery{View: mlruns.ViewAll, OnProblem: func(mlruns.Problem) {}}) {
		if err != nil {
			t.Fatal(err)
		}
		for key := range maps.Keys(r.Data.Metrics) {
			for _, line := range History(t, s, r.Info.ID, key) {
				all[fmt.Sprintf("%s metric %s: %s", r.Info.ID, key, line)] = true
			}
		}
		for kind, values := range map[string]map[string]string{"param": r.Data.Params, "tag": r.Data.Tags} {
			for key, value := range values {
				all[fmt.Sprintf("%s %s %s: %s", r.Info.ID, kind, key, value)] = true
			}
		}
	}
	addPartValues(t, s, all)
	return all
}

// addPartValues adds those of logged models and traces.
func addPartValues(t *testing.T, s mlruns.Store, all map[string]bool) {
	t.Helper()
	ctx := t.Context()
	var in []string
	for e, err := range s.Experiments(ctx, mlruns.ExperimentQuery{View: mlruns.ViewAll, OnProblem: func(mlruns.Problem) {}}) {
		Must(t, err)
		in = append(in, e.ID)
	}
	add := func(id, kind string, values map[string]string) {
		for key, value := range values {
			all[fmt.Sprintf("%s %s %s: %s", id, kind, key, value)] = true
		}
	}
	if models, ok := s.(mlruns.ModelStore); ok {
		for m, err := range models.LoggedModels(ctx, mlruns.ModelQuery{Experiments: in, View: mlruns.ViewAll, OnProblem: func(mlruns.Problem) {}}) {
			Must(t, err)
			add(m.ID, "param", m.Params)
			add(m.ID, "tag", m.Tags)
		}
	}
	if traces, ok := s.(mlruns.TraceStore); ok {
		for tr, err := range traces.Traces(ctx, mlruns.TraceQuery{Experiments: in, OnProblem: func(mlruns.Problem) {}}) {
			Must(t, err)
			// of no value, but of the place of the store
			delete(tr.Tags, mlruns.TagTraceArtifactLocation)
			add(tr.ID, "tag", tr.Tags)
			add(tr.ID, "metadata", tr.Metadata)
			for i, text := range tr.Assessments {
				all[fmt.Sprintf("%s assessment %d: %s", tr.ID, i, text)] = true
			}
		}
	}
}

func Numbered(format string, from, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(format, from+i))
	}
	return list
}

// ManyDamages are of every kind that repair mends, in one store.
var ManyDamages = Damage{
	Write: map[string]string{
		RunLoss: "1 1.0 1\nx\n2 2.0 2\n1 1.0 1\n3 3.", "e1/run/metrics/loss (1)": "5 5.0 5\n", "e1/other/metrics/loss": LossBefore + "3 3.0 3", "e1/other/metrics/empty": "",
		"e1/run/params/lr (1)": "0.1", "e1/run/metrics/.DS_Store": "d", StagingMeta: "s", "e1/other/.mlruns-tmp-1": "t",
	},
	Remove: []string{"e1/run/artifacts"},
	Copies: map[string]string{"e1/meta (1).yaml": "e1/meta.yaml"},
}

// ModelDamages are of every kind that repair mends, in the model and the trace of AddModels.
var ModelDamages = Damage{
	Write: map[string]string{
		ModelAcc: "1 1.0 1 run\nx\n2 2.0 2 run set digest\n1 1.0 1 run\n3 3.0 3 run", PatientModel + "/metrics/acc (1)": "5 5.0 5 run\n", PatientModel + "/params/depth (1)": "3",
		PatientModel + "/.mlruns-tmp-1": "t", PatientTrace + "/assessments/.DS_Store": "d",
	},
	Copies: map[string]string{PatientTrace + "/trace_info (1).yaml": PatientTrace + "/trace_info.yaml"},
}

// Originals are the files of a store that hold what was taken away, as "path: content".
func (d *Patient) Originals() map[string]bool {
	all := map[string]bool{}
	for name, content := range d.Tree() {
		if rest, ok := strings.CutPrefix(name, ".mlruns.trash/repaired-"); ok && content != "folder" {
			_, rest, _ = strings.Cut(rest, "/")
			all[rest+": "+content] = true
		}
	}
	return all
}

// LostOf are the keys that only the first has.
func LostOf(before, now map[string]bool) (lost []string) {
	for value := range before {
		if !now[value] {
			lost = append(lost, value)
		}
	}
	slices.Sort(lost)
	return lost
}
