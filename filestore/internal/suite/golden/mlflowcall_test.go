package golden

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/memfs"
	"github.com/mlruns/mlruns/search"
)

// mlflowAnswers is testdata/texts/mlflow-3.11.json: a store, and what MLflow answered to calls on
// it.
type mlflowAnswers struct {
	Files map[string]string // by path; one that ends in / is an empty folder
	// places of MLflow's source that raise and that no call reaches, each with the reason
	Unreached map[string]string
	Cases     []mlflowCall
	Lost      []mlflowCall
}

func readMLflowAnswers(t *testing.T) mlflowAnswers {
	t.Helper()
	data, err := os.ReadFile(filestoretest.InModule("testdata", "texts", "mlflow-3.11.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all mlflowAnswers
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// mlflowCall is one call on the store, after some harm was done to it.
type mlflowCall struct {
	Call   string
	Args   mlflowArgs
	Damage *struct {
		Remove, Mkdir, File *string
		Write               string
		Content             string
	}
	Lost   string // the file or folder that was removed, in the list Lost
	Place  string // of MLflow's source, where the error was raised
	Answer mlflowAnswer
}

// mlflowAnswer is what a call gives, or its error; Python is the type of an exception that is none
// of MLflow's own.
type mlflowAnswer struct {
	Gives              any
	Code, Text, Python string
}

type mlflowArgs struct {
	ID, Name, Key, Path, Location, Token, Filter, View, Dataset, Digest string
	Text, Status                                                        *string
	Value                                                               *float64
	Time                                                                *int64
	Step                                                                int64
	Max                                                                 *int
	Order, Experiments                                                  []string
	Tags, Params                                                        [][2]string
	Metrics                                                             []mlflowArgs
	Flavors                                                             map[string]json.RawMessage
}

func (a mlflowArgs) metric() mlruns.Metric {
	m := mlruns.Metric{Key: a.Key, Value: 0.5, Time: time.UnixMilli(1), Step: a.Step, DatasetName: a.Dataset, DatasetDigest: a.Digest}
	if a.Value != nil {
		m.Value = *a.Value
	}
	if a.Time != nil {
		m.Time = time.UnixMilli(*a.Time)
	}
	return m
}

func (a mlflowArgs) text() string {
	if a.Text == nil {
		return "v"
	}
	return *a.Text
}

func (a mlflowArgs) max() int {
	if a.Max == nil {
		return 0
	}
	return *a.Max
}

func (a mlflowArgs) view() mlruns.View {
	return map[string]mlruns.View{"": mlruns.ViewActive, "ALL": mlruns.ViewAll, "DELETED_ONLY": mlruns.ViewDeleted}[a.View]
}

func (a mlflowArgs) tags() map[string]string {
	tags := map[string]string{}
	for _, t := range a.Tags {
		tags[t[0]] = t[1]
	}
	return tags
}

func (a mlflowArgs) batch() mlruns.Batch {
	var b mlruns.Batch
	for _, m := range a.Metrics {
		b.Metrics = append(b.Metrics, m.metric())
	}
	for _, p := range a.Params {
		b.Params = append(b.Params, mlruns.Param{Key: p[0], Value: p[1]})
	}
	for _, t := range a.Tags {
		b.Tags = append(b.Tags, mlruns.Tag{Key: t[0], Value: t[1]})
	}
	return b
}

// mlflowCalls are the calls of MLflow's store in our terms; what they give has the form that
// make_texts.py gives it.
var mlflowCalls = map[string]func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error){
	"create_experiment": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, filestoretest.ErrOf(s.CreateExperiment(ctx, mlruns.ExperimentSpec{Name: a.Name, ArtifactLocation: a.Location, Tags: a.tags()}))
	},
	"get_experiment": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return toldExperiment(s.Experiment(ctx, a.ID))
	},
	"get_experiment_by_name": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		e, err := s.ExperimentByName(ctx, a.Name)
		if errors.Is(err, mlruns.ErrNotFound) {
			return nil, nil // as Python gives None
		}
		return toldExperiment(e, err)
	},
	"search_experiments": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		page, err := s.SearchExperiments(ctx, mlruns.ExperimentQuery{View: a.view(), MaxResults: a.max(), Filter: a.Filter, OrderBy: a.Order, PageToken: a.Token})
		if err != nil {
			return nil, err
		}
		list := []any{}
		for _, e := range page.Experiments {
			told, _ := toldExperiment(&e, nil)
			list = append(list, told)
		}
		return list, nil
	},
	"rename_experiment": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.RenameExperiment(ctx, a.ID, a.Name)
	},
	"delete_experiment": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.DeleteExperiment(ctx, a.ID)
	},
	"restore_experiment": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.RestoreExperiment(ctx, a.ID)
	},
	"set_experiment_tag": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.SetExperimentTag(ctx, a.ID, a.Key, a.text())
	},
	"delete_experiment_tag": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.DeleteExperimentTag(ctx, a.ID, a.Key)
	},
	"create_run": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, filestoretest.ErrOf(s.CreateRun(ctx, mlruns.RunSpec{ExperimentID: a.ID, Name: a.Name, Tags: a.tags()}))
	},
	"get_run": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		run, err := s.Run(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		return toldRun(run), nil
	},
	"update_run": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		status, err := mlruns.StatusFinished, error(nil)
		if a.Status != nil {
			status, err = mlruns.ParseStatus(*a.Status)
		}
		if err != nil {
			return nil, err
		}
		return nil, s.UpdateRun(ctx, a.ID, mlruns.RunUpdate{Status: status, End: time.UnixMilli(1_700_000_000_001), Name: a.Name})
	},
	"delete_run": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.DeleteRun(ctx, a.ID)
	},
	"restore_run": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.RestoreRun(ctx, a.ID)
	},
	"log_metric": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.LogMetric(ctx, a.ID, a.metric())
	},
	"log_param": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.LogParam(ctx, a.ID, a.Key, a.text())
	},
	"set_tag": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.SetTag(ctx, a.ID, a.Key, a.text())
	},
	"delete_tag": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.DeleteTag(ctx, a.ID, a.Key)
	},
	"log_batch": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.LogBatch(ctx, a.ID, a.batch())
	},
	"log_inputs": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.LogInputs(ctx, a.ID, mlruns.Inputs{Datasets: []mlruns.DatasetInput{{Dataset: mlruns.Dataset{Name: "new", Digest: "d2"}, Tags: map[string]string{"k": "v"}}}, Models: []mlruns.ModelInput{{ModelID: "m-9"}}})
	},
	"log_outputs": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.LogOutputs(ctx, a.ID, mlruns.Outputs{Models: []mlruns.ModelOutput{{ModelID: "m-9", Step: 1}}})
	},
	"record_logged_model": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.RecordLoggedModel(ctx, a.ID, mlruns.ModelRecord{ArtifactPath: "model", Flavors: a.Flavors})
	},
	"get_metric_history": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		list := []any{}
		for m, err := range s.MetricHistory(ctx, a.ID, a.Key, mlruns.HistoryQuery{}) {
			if err != nil {
				return nil, err
			}
			list = append(list, []any{m.Value, m.Step})
		}
		return list, nil
	},
	"search_runs": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		if a.Experiments == nil {
			a.Experiments = []string{"1"}
		}
		page, err := s.SearchRuns(ctx, mlruns.RunQuery{Experiments: a.Experiments, Filter: a.Filter, View: a.view(), MaxResults: a.max(), OrderBy: a.Order, PageToken: a.Token})
		if err != nil {
			return nil, err
		}
		list := []any{}
		for _, run := range page.Runs {
			list = append(list, toldRun(run))
		}
		return list, nil
	},
	"list_artifacts": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		infos, err := s.Artifacts(ctx, a.ID, a.Path)
		list := []string{}
		for _, info := range infos {
			list = append(list, info.Path)
		}
		sort.Strings(list)
		return list, err
	},
	"log_artifact": func(ctx context.Context, s *filestore.Store, a mlflowArgs) (any, error) {
		return nil, s.LogArtifact(ctx, a.ID, "mlflowcall_test.go", a.Path)
	},
}

func toldExperiment(e *mlruns.Experiment, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return map[string]any{"id": e.ID, "name": e.Name, "stage": e.Stage, "tags": e.Tags}, nil
}

func toldRun(r *mlruns.Run) any {
	metrics, datasets, models, outputs := map[string]any{}, []string{}, []string{}, []string{}
	for key, m := range r.Data.Metrics {
		metrics[key] = []any{m.Value, m.Step}
	}
	for _, d := range r.Inputs.Datasets {
		datasets = append(datasets, d.Dataset.Name)
	}
	for _, m := range r.Inputs.Models {
		models = append(models, m.ModelID)
	}
	for _, m := range r.Outputs.Models {
		outputs = append(outputs, m.ModelID)
	}
	for _, list := range [][]string{datasets, models, outputs} {
		slices.Sort(list)
	}
	return map[string]any{"experiment": r.Info.ExperimentID, "name": r.Info.Name, "stage": r.Info.Stage, "status": r.Info.Status.String(), "metrics": metrics, "params": r.Data.Params, "tags": r.Data.Tags,
		"datasets": datasets, "models": models, "outputs": outputs}
}

// mlflowStore is the store of the answers on a disk of its own, at /mlruns.
type mlflowStore struct {
	*filestore.Store
	t  *testing.T
	fs *memfs.FS
}

func newMLflowStore(t *testing.T, files map[string]string) *mlflowStore {
	t.Helper()
	s := &mlflowStore{t: t, fs: memfs.New()}
	for name, content := range files {
		s.put(name, content)
	}
	s.Store = filestoretest.Open(t, "/mlruns", filestore.WithFs(s.fs))
	return s
}

func (s *mlflowStore) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// put writes a file that nobody is writing any more, or makes a folder.
func (s *mlflowStore) put(name, content string) {
	s.t.Helper()
	file := path.Join("/mlruns", name)
	if strings.HasSuffix(name, "/") {
		s.must(s.fs.MkdirAll(file, 0o777))
		return
	}
	s.must(s.fs.MkdirAll(path.Dir(file), 0o777))
	s.must(afero.WriteFile(s.fs, file, []byte(strings.ReplaceAll(content, "<root>", "/mlruns")), 0o666))
	s.must(s.fs.Chtimes(file, filestoretest.LongAgo, filestoretest.LongAgo))
}

// remove removes what the pattern names, and says what that was.
func (s *mlflowStore) remove(pattern string) []string {
	s.t.Helper()
	found, err := afero.Glob(s.fs, path.Join("/mlruns", pattern))
	s.must(err)
	if len(found) == 0 {
		s.t.Fatalf("there is no %s", pattern)
	}
	for _, name := range found {
		s.must(s.fs.RemoveAll(name))
	}
	return found
}

// harm does the damage of a call.
func (s *mlflowStore) harm(c mlflowCall) {
	s.t.Helper()
	switch d := c.Damage; {
	case d == nil:
	case d.Mkdir != nil:
		s.put(*d.Mkdir+"/", "")
	case d.Remove != nil:
		s.remove(*d.Remove)
	case d.File != nil:
		s.must(s.fs.RemoveAll("/mlruns"))
		s.must(afero.WriteFile(s.fs, "/mlruns", []byte("a file"), 0o666))
	default:
		s.put(d.Write, d.Content)
	}
}

// ask makes a call and gives the answer in MLflow's form.
func (s *mlflowStore) ask(c mlflowCall) mlflowAnswer {
	s.t.Helper()
	do, ok := mlflowCalls[c.Call]
	if !ok {
		s.t.Fatalf("there is no call %s", c.Call)
	}
	gives, err := do(s.t.Context(), s.Store, c.Args)
	if err != nil {
		return mlflowAnswer{Code: string(mlruns.CodeOf(err)), Text: messageOf(err)}
	}
	text, err := json.Marshal(gives)
	s.must(err)
	var a mlflowAnswer
	s.must(json.Unmarshal(text, &a.Gives))
	return a
}

// messageOf is the message without the line of the query that shows the place.
func messageOf(err error) string {
	text := mlruns.MessageOf(err)
	if e := (*search.Error)(nil); errors.As(err, &e) {
		text = e.Msg
	}
	return strings.ReplaceAll(text, "/mlruns", "<root>")
}
