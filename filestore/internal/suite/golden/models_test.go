package golden

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
	"github.com/mlruns/mlruns/internal/proof"
)

// mlflow3 is a golden store of logged models and traces, with what the MLflow that wrote it says.
type mlflow3 struct {
	version string
	store   filestoretest.Tree
	// how many searches have MLflow's answer, another, or one where MLflow has none
	same, different, superset int

	Models map[string]struct {
		Result *modelAnswer
		Active bool
	}
	Traces map[string]struct {
		Result *traceAnswer
		Spans  struct {
			Result json.RawMessage
			Error  *struct{ Message string }
		}
	}
	Searches []mlflow3Search
	Damages  []mlflow3Damage
	Ops      []mlflow3Op
}

type modelAnswer struct {
	ID, Experiment, Name, Status, URI string
	Type, Run, Message                *string
	Created, Updated                  int64
	Params, Tags                      map[string]string
	Metrics                           []struct {
		Key, Value, Run string
		Time, Step      int64
		Dataset         [2]string
	}
}

type traceAnswer struct {
	ID, Experiment, State string
	Time                  int64
	Duration              *int64
	Request, Response     *string
	ClientID              *string `json:"client_id"`
	Metadata, Tags        map[string]string
	Assessments           []map[string]any
}

type mlflow3Search struct {
	Of          string
	Experiments []string
	Filter      string
	Order       json.RawMessage
	Datasets    []map[string]*string
	Max         int
	Token       string
	Pages       []struct {
		IDs   []string `json:"ids"`
		Token string
	}
	Error *struct{ Message string }
}

// eachMLflow3 runs a test for both golden stores of models and traces.
func eachMLflow3(t *testing.T, test func(t *testing.T, g *mlflow3)) {
	t.Helper()
	t.Parallel()
	for _, version := range []string{"3.1", "3.17"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			all, err := unpack(filestoretest.InModule("testdata", "models", "mlflow-"+version+".tar.gz"))
			if err != nil {
				t.Fatal(err)
			}
			g := &mlflow3{version: version, store: all.Sub(version + "/mlruns")}
			g.same, g.different, g.superset = 292, 13, 68
			if version == "3.17" {
				g.same, g.different, g.superset = 318, 10, 45
			}
			if err := json.Unmarshal(all[version+"/expected.json"], g); err != nil {
				t.Fatal(err)
			}
			test(t, g)
		})
	}
}

// modelOf is a model as the answers of MLflow have it.
func modelOf(m *mlruns.LoggedModel) *modelAnswer {
	a := &modelAnswer{
		ID: m.ID, Experiment: m.ExperimentID, Name: m.Name, Status: m.Status.String(), URI: m.ArtifactLocation,
		Type: text(m.Type), Run: text(m.SourceRunID), Message: text(m.StatusMessage), Created: m.Created.UnixMilli(), Updated: m.Updated.UnixMilli(), Params: m.Params, Tags: m.Tags,
	}
	for _, p := range m.Metrics {
		value := strconv.FormatFloat(p.Value, 'g', -1, 64)
		a.Metrics = append(a.Metrics, struct {
			Key, Value, Run string
			Time, Step      int64
			Dataset         [2]string
		}{p.Key, value, p.RunID, p.Time.UnixMilli(), p.Step, [2]string{p.DatasetName, p.DatasetDigest}})
	}
	return a
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// asGo gives the numbers of an answer as Go prints them, and takes "" for null.
func (a *modelAnswer) asGo(t *testing.T) *modelAnswer {
	t.Helper()
	b := *a
	b.Type, b.Run = text(deref(a.Type)), text(deref(a.Run))
	b.Metrics = slices.Clone(a.Metrics)
	for i := range b.Metrics {
		f, err := strconv.ParseFloat(b.Metrics[i].Value, 64)
		if err != nil {
			t.Fatal(err)
		}
		b.Metrics[i].Value = strconv.FormatFloat(f, 'g', -1, 64)
	}
	if len(b.Metrics) == 0 {
		b.Metrics = nil
	}
	return &b
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func traceOf(t *testing.T, tr *mlruns.Trace) *traceAnswer {
	t.Helper()
	a := &traceAnswer{
		ID: tr.ID, Experiment: tr.ExperimentID, State: tr.State.String(), Time: tr.Start.UnixMilli(), Request: text(tr.RequestPreview), Response: text(tr.ResponsePreview),
		ClientID: text(tr.ClientRequestID), Metadata: tr.Metadata, Tags: tr.Tags,
	}
	if tr.State == mlruns.TraceUnspecified {
		a.State = "TRACE_STATUS_UNSPECIFIED"
	}
	if !tr.End.IsZero() {
		ms := tr.End.UnixMilli() - tr.Start.UnixMilli()
		a.Duration = &ms
	}
	for _, text := range tr.Assessments {
		var v map[string]any
		if err := json.Unmarshal(text, &v); err != nil {
			t.Error(err)
		}
		if v["expectation"] != nil { // MLflow reads neither of an expectation
			delete(v, "valid")
			delete(v, "overrides")
		}
		a.Assessments = append(a.Assessments, v)
	}
	return a
}

// TestGoldenModels gets every logged model by its id, as MLflow does and as a query does that asks
// for deleted ones too.
func TestGoldenModels(t *testing.T) {
	eachMLflow3(t, func(t *testing.T, g *mlflow3) {
		ctx := t.Context()
		store := filestoretest.Open(t, g.store.Write(t), filestore.WithReadOnly(), filestore.WithOnProblem(func(mlruns.Problem) {}))
		all := map[string]*mlruns.LoggedModel{}
		for m, err := range store.LoggedModels(ctx, mlruns.ModelQuery{View: mlruns.ViewAll}) {
			if err != nil {
				t.Fatal(err)
			}
			all[m.ID] = m
		}
		for id, want := range g.Models {
			got, err := store.LoggedModel(ctx, id)
			switch {
			case want.Active:
				if err != nil || !reflect.DeepEqual(modelOf(got), want.Result.asGo(t)) {
					t.Errorf("%s: got %+v, %v, want %+v", id, got, err, want.Result)
				}
			case want.Result != nil:
				if !errors.Is(err, mlruns.ErrNotFound) {
					t.Errorf("%s, deleted: %v", id, err)
				}
				if m := all[id]; m == nil || m.Stage != mlruns.StageDeleted || !reflect.DeepEqual(modelOf(m), want.Result.asGo(t)) {
					t.Errorf("%s: got %+v, want %+v", id, m, want.Result)
				}
			case err == nil && len(got.Problems) == 0:
				t.Errorf("%s: MLflow cannot read it, and nothing is wrong", id)
			}
		}
	})
}

// TestGoldenTraces gets every trace by its id, with its spans.
func TestGoldenTraces(t *testing.T) {
	eachMLflow3(t, func(t *testing.T, g *mlflow3) {
		ctx := t.Context()
		store := filestoretest.Open(t, g.store.Write(t), filestore.WithReadOnly(), filestore.WithOnProblem(func(mlruns.Problem) {}))
		for id, want := range g.Traces {
			got, err := store.Trace(ctx, id)
			if want.Result == nil {
				if err == nil && len(got.Problems) == 0 {
					t.Errorf("%s: MLflow cannot read it, and nothing is wrong", id)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", id, err)
				continue
			}
			expected := *want.Result
			if len(expected.Assessments) == 0 {
				expected.Assessments = nil
			}
			expected.Request, expected.Response = text(deref(expected.Request)), text(deref(expected.Response))
			if a := traceOf(t, got); !reflect.DeepEqual(a, &expected) {
				t.Errorf("%s: got %+v, want %+v", id, a, expected)
			}
			data, err := store.TraceData(ctx, id)
			switch {
			case want.Spans.Error != nil:
				if err == nil {
					t.Errorf("the spans of %s: got %s, want %s", id, data, want.Spans.Error.Message)
				}
			default:
				var a, b any
				if err != nil || json.Unmarshal(data, &a) != nil || json.Unmarshal(want.Spans.Result, &b) != nil || !reflect.DeepEqual(a, b) {
					t.Errorf("the spans of %s: got %s, %v, want %s", id, data, err, want.Spans.Result)
				}
			}
		}
	})
}

// TestGoldenModelSearches runs every search for models and traces on the store. What search itself
// answers otherwise than MLflow is counted there, in TestGoldenModels of package search.
func TestGoldenModelSearches(t *testing.T) {
	eachMLflow3(t, func(t *testing.T, g *mlflow3) {
		store := filestoretest.Open(t, g.store.Write(t), filestore.WithReadOnly())
		outcomes := map[string]int{}
		for _, q := range g.Searches {
			token := q.Token
			same := true
			for _, want := range q.Pages {
				ids, next, err := askMLflow3(t, store, q, token)
				if err != nil || !slices.Equal(ids, want.IDs) || next != want.Token {
					same = false
				}
				token = next
			}
			if q.Error != nil {
				if _, _, err := askMLflow3(t, store, q, token); err == nil {
					outcomes["superset"]++
					continue
				}
				outcomes["refused"]++
				continue
			}
			outcomes[fmt.Sprint("same: ", same)]++
		}
		// Beside the deviations of package search: no experiment named is every active one, and a
		// page has at most 50000 models.
		if want := map[string]int{"same: true": g.same, "same: false": g.different, "refused": 121, "superset": g.superset}; !maps.Equal(outcomes, want) {
			t.Errorf("searches by outcome: %v, want %v", outcomes, want)
		}
	})
}

func askMLflow3(t *testing.T, store *filestore.Store, q mlflow3Search, token string) (ids []string, next string, err error) {
	t.Helper()
	if q.Of == "traces" {
		var order []string
		if q.Order != nil {
			if err := json.Unmarshal(q.Order, &order); err != nil {
				return nil, "", err
			}
		}
		page, err := store.SearchTraces(t.Context(), mlruns.TraceQuery{Experiments: q.Experiments, Filter: q.Filter, OrderBy: order, MaxResults: q.Max, PageToken: token})
		if err != nil {
			return nil, "", err
		}
		for _, tr := range page.Traces {
			ids = append(ids, tr.ID)
		}
		return ids, page.NextPageToken, nil
	}
	var terms []map[string]any
	if q.Order != nil {
		if err := json.Unmarshal(q.Order, &terms); err != nil {
			return nil, "", err
		}
	}
	query := mlruns.ModelQuery{Experiments: q.Experiments, Filter: q.Filter, MaxResults: q.Max, PageToken: token}
	for _, term := range terms {
		field, _ := term["field_name"].(string)
		name, _ := term["dataset_name"].(string)
		digest, _ := term["dataset_digest"].(string)
		ascending, given := term["ascending"]
		if _, isText := ascending.(string); given && (ascending == nil || isText) {
			return nil, "", errors.New("ascending must be a boolean")
		}
		query.OrderBy = append(query.OrderBy, mlruns.ModelOrder{Field: field, Descending: given && (ascending == false || ascending == 0.0), Dataset: mlruns.ModelDataset{Name: name, Digest: digest}})
	}
	for _, d := range q.Datasets {
		query.Datasets = append(query.Datasets, mlruns.ModelDataset{Name: deref(d["dataset_name"]), Digest: deref(d["dataset_digest"])})
	}
	page, err := store.SearchLoggedModels(t.Context(), query)
	if err != nil {
		return nil, "", err
	}
	for _, m := range page.Models {
		ids = append(ids, m.ID)
	}
	return ids, page.NextPageToken, nil
}

// mlflow3Damage is one damage of a file or folder of a model or trace, and what MLflow then says of
// that and of the whole experiment. Content is nil where the damage is that it is missing.
type mlflow3Damage struct {
	Of, What, Path string
	Content        *[]byte
	Get, Search    struct {
		Result json.RawMessage
		Error  *struct{ Code, Message string }
	}
}

// readAnyway are the damages with which MLflow cannot read a model or trace and we can: the damage
// is to what is not needed, or to one value, which is then left out and named.
var readAnyway = regexp.MustCompile(`^meta.yaml: (without (artifact_location|creation_timestamp|last_updated_timestamp|name)|status (as text|null)|the experiment as a number)` +
	`|^trace_info.yaml: (a key more|the time unquoted|the other generation|without (trace_location|execution_duration_ms|execution_time_ms|experiment_id))` +
	`|^(metrics|params|tags|request_metadata|assessments)`)

// TestGoldenModelDamages damages a model or a trace in one place at a time. All others are found as
// before; what MLflow reads we read, and what is left out is named, by whoever reads and by Verify.
func TestGoldenModelDamages(t *testing.T) {
	eachMLflow3(t, func(t *testing.T, g *mlflow3) {
		for _, d := range proof.Sample(t, g.Damages) {
			t.Run(d.Of+" "+d.What, func(t *testing.T) { g.damaged(t, d) })
		}
	})
}

func (g *mlflow3) damaged(t *testing.T, d mlflow3Damage) {
	parts := strings.SplitN(d.Path, "/", 4)
	experiment, id := parts[0], ""
	if len(parts) > 2 {
		id = parts[2]
	}
	tree := filestoretest.Tree{}
	for name, data := range g.store { // of one experiment, to be quick
		if name == experiment || strings.HasPrefix(name, experiment+"/") {
			tree[name] = data
		}
	}
	if _, whole := tree[d.Path]; whole || d.Content == nil {
		for name := range tree {
			if name == d.Path || strings.HasPrefix(name, d.Path+"/") {
				delete(tree, name)
			}
		}
	}
	if d.Content != nil {
		tree[d.Path] = *d.Content
	}
	dir := tree.Write(t)
	old := time.Now().Add(-time.Hour)
	if err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error { return errors.Join(err, os.Chtimes(name, old, old)) }); err != nil {
		t.Fatal(err)
	}
	store := filestoretest.Open(t, dir, filestore.WithReadOnly())
	ids, problems, err := g.everything(t, store, d.Of, experiment)
	if err != nil {
		t.Fatal(err)
	}
	for other := range g.Models {
		m := g.Models[other].Result
		if d.Of == "model" && d.What != "models/: a file" && m != nil && g.Models[other].Active && m.Experiment == experiment && other != id && !slices.Contains(ids, other) {
			t.Errorf("%s is not found", other)
		}
	}
	for other := range g.Traces {
		if tr := g.Traces[other].Result; d.Of == "trace" && tr != nil && tr.Experiment == experiment && other != id && !slices.Contains(ids, other) {
			t.Errorf("%s is not found", other)
		}
	}
	found := slices.Contains(ids, id)
	switch {
	case id == "" || len(parts) < 4:
	// of the second generation MLflow ≤ 3.1 takes a text for one
	case d.What == "trace_info.yaml: no time":
	case d.Get.Error == nil && strings.Contains(string(d.Get.Result), strconv.Quote(id)) && !found:
		t.Errorf("MLflow reads it, and it is not found: %v", problems)
	case d.Get.Error != nil && found && !readAnyway.MatchString(d.What) && d.Get.Error.Code != "RESOURCE_DOES_NOT_EXIST":
		t.Errorf("MLflow says %s, and it is found", d.Get.Error.Message)
	case d.Get.Error != nil && d.Get.Error.Code != "RESOURCE_DOES_NOT_EXIST" && !found && len(problems) == 0 && d.What != "meta.yaml: missing" && d.What != "trace_info.yaml: missing":
		t.Error("it is not found, and nothing is told")
	}
	verified := filestoretest.Problems(t, store)
	for _, p := range problems {
		if !slices.ContainsFunc(verified, func(v mlruns.Problem) bool { return v.Kind == p.Kind && v.Path == p.Path }) {
			t.Errorf("verify does not tell of %v", p)
		}
	}
}

// everything asks for all models or traces of an experiment.
func (g *mlflow3) everything(t *testing.T, store *filestore.Store, of, experiment string) (ids []string, problems []mlruns.Problem, err error) {
	t.Helper()
	if of == "model" {
		page, err := store.SearchLoggedModels(t.Context(), mlruns.ModelQuery{Experiments: []string{experiment}, Filter: "metrics.acc > 0 OR name != ''"})
		if err != nil {
			return nil, nil, err
		}
		for _, m := range page.Models {
			ids = append(ids, m.ID)
		}
		return ids, page.Problems, nil
	}
	page, err := store.SearchTraces(t.Context(), mlruns.TraceQuery{Experiments: []string{experiment}, Filter: "tags.color = 'x' OR timestamp_ms > -100"})
	if err != nil {
		return nil, nil, err
	}
	for _, tr := range page.Traces {
		ids = append(ids, tr.ID)
	}
	return ids, page.Problems, nil
}
