//go:build interop

package interop

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// modelQueries is how many searches are asked of models, and as many of traces.
const modelQueries = 500

// modelStore is a random store with logged models and traces that we write.
func modelStore(t *testing.T, rng *rand.Rand, dir string, traces bool) (experiment string) {
	t.Helper()
	ctx := t.Context()
	now := time.UnixMilli(1700000000000)
	s, err := filestore.Open(dir, filestore.WithClock(func() time.Time { now = now.Add(time.Duration(rng.IntN(3)) * time.Millisecond); return now }))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	run, err := s.CreateRun(ctx, mlruns.RunSpec{})
	must(err)
	for range 40 {
		spec := mlruns.ModelSpec{Name: pickOf(rng, "a", "ab", "B", "é", "a b"), Type: pickOf(rng, "", "agent", "x"), SourceRunID: pickOf(rng, "", run.Info.ID), Params: map[string]string{}, Tags: map[string]string{}}
		for _, key := range []string{"a", "b/c"} {
			if rng.IntN(2) == 0 {
				spec.Params[key] = pickOf(rng, "1", "0.5", "x", "")
			}
			if rng.IntN(2) == 0 {
				spec.Tags[key] = pickOf(rng, "1", "red", "")
			}
		}
		m, err := s.CreateLoggedModel(ctx, spec)
		must(err)
		for range rng.IntN(6) {
			p := mlruns.Metric{Key: pickOf(rng, "acc", "loss"), Value: float64(rng.IntN(5)) / 2, Step: int64(rng.IntN(3)), Time: time.UnixMilli(int64(rng.IntN(4))), ModelID: m.ID}
			if rng.IntN(2) == 0 {
				p.DatasetName, p.DatasetDigest = pickOf(rng, "d", "e"), pickOf(rng, "1", "2")
			}
			must(s.LogMetric(ctx, run.Info.ID, p))
		}
		if status := rng.IntN(4); status > 0 {
			_, err := s.FinalizeLoggedModel(ctx, m.ID, mlruns.ModelStatus(status))
			must(err)
		}
		if rng.IntN(8) == 0 {
			must(s.DeleteLoggedModel(ctx, m.ID))
		}
	}
	for i := range 40 {
		if !traces {
			break
		}
		tr := mlruns.Trace{ID: fmt.Sprintf("tr-%032x", rng.Uint64()), State: mlruns.TraceState(pickOf(rng, "", "OK", "ERROR", "IN_PROGRESS")), Start: time.UnixMilli(int64(1 + rng.IntN(10))), Metadata: map[string]string{}, Tags: map[string]string{}}
		if rng.IntN(3) > 0 {
			tr.End = tr.Start.Add(time.Duration(rng.IntN(4)) * time.Millisecond)
		}
		if rng.IntN(2) == 0 {
			tr.Tags["mlflow.traceName"], tr.Metadata["mlflow.sourceRun"] = pickOf(rng, "n", "N", ""), pickOf(rng, "r", run.Info.ID)
		}
		if rng.IntN(2) == 0 {
			tr.Tags["color"], tr.Metadata["k"], tr.ClientRequestID, tr.RequestPreview = pickOf(rng, "red", "Red"), strconv.Itoa(i%3), pickOf(rng, "c1", "c2"), "in: é"
		}
		_, err := s.StartTrace(ctx, tr)
		must(err)
	}
	return mlruns.DefaultExperimentID
}

func pickOf[T any](rng *rand.Rand, items ...T) T { return items[rng.IntN(len(items))] }

// modelQuery is a search as the driver's search_models_and_traces takes it.
type modelQuery struct {
	Of          string           `json:"of"`
	Experiments []string         `json:"experiments"`
	Filter      string           `json:"filter,omitempty"`
	Datasets    []map[string]any `json:"datasets,omitempty"`
	Order       any              `json:"order,omitempty"`
	Max         int              `json:"max,omitempty"`
	Pages       int              `json:"pages,omitempty"`
}

func randomModelQuery(rng *rand.Rand, experiment string) modelQuery {
	q := modelQuery{Of: "models", Experiments: []string{experiment}, Max: pickOf(rng, 0, 3, 7), Pages: 4}
	text := func() string {
		return pickOf(rng, "'a'", "'ab'", "'B'", "'1'", "'%a%'", "'READY'", "'x'", "''", "'agent'")
	}
	var clauses []string
	for range rng.IntN(3) {
		switch rng.IntN(4) {
		case 0:
			clauses = append(clauses, pickOf(rng, "name", "model_type", "status", "source_run_id", "attributes.name")+" "+pickOf(rng, "=", "!=", "LIKE", "ILIKE", "<", ">", "<=", ">=")+" "+text())
		case 1:
			clauses = append(clauses, pickOf(rng, "params.a", "tags.a", "params.`b/c`", "tags.\"b/c\"")+" "+pickOf(rng, "=", "!=", "LIKE", "ILIKE", ">")+" "+text())
		case 2:
			clauses = append(clauses, "metrics."+pickOf(rng, "acc", "loss", "none")+" "+pickOf(rng, "=", "!=", "<", ">", "<=", ">=")+" "+pickOf(rng, "0", "0.5", "1", "2"))
		default:
			clauses = append(clauses, pickOf(rng, "creation_timestamp", "last_updated_timestamp")+" "+pickOf(rng, "=", "!=", "<", ">")+" 17000000000"+pickOf(rng, "00", "10", "40"))
		}
	}
	q.Filter = strings.Join(clauses, pickOf(rng, " AND ", " and ", " OR "))
	if rng.IntN(3) == 0 {
		d := map[string]any{"dataset_name": pickOf(rng, "d", "e", "f")}
		if rng.IntN(2) == 0 {
			d["dataset_digest"] = pickOf(rng, "1", "2")
		}
		q.Datasets = []map[string]any{d}
	}
	var order []map[string]any
	for range rng.IntN(3) {
		term := map[string]any{"field_name": pickOf(rng, "name", "status", "creation_timestamp", "creation_time", "last_updated_timestamp", "metrics.acc", "metrics.loss", "model_id", "params.a"), "ascending": rng.IntN(2) == 0}
		if rng.IntN(3) == 0 {
			term["dataset_name"] = pickOf(rng, "d", "e")
		}
		order = append(order, term)
	}
	if order != nil {
		q.Order = order
	}
	return q
}

func randomTraceQuery(rng *rand.Rand, experiment string) modelQuery {
	q := modelQuery{Of: "traces", Experiments: []string{experiment}, Max: pickOf(rng, 4, 9, 100), Pages: 4}
	var clauses []string
	for range rng.IntN(3) {
		switch rng.IntN(3) {
		case 0:
			clauses = append(clauses, pickOf(rng, "status", "trace.status", "client_request_id", "request_id", "name", "run_id")+" "+pickOf(rng, "=", "!=", "LIKE", "ILIKE", "IN")+" "+pickOf(rng, "'OK'", "'ERROR'", "'n'", "'r'", "'c1'", "('OK', 'ERROR')", "'%'"))
		case 1:
			clauses = append(clauses, pickOf(rng, "tags.color", "metadata.k", "request_metadata.k", "tags.name", "metadata.run_id", "tag.timestamp")+" "+pickOf(rng, "=", "!=", "LIKE", "ILIKE", "IS NULL", "IS NOT NULL")+" "+pickOf(rng, "'red'", "'1'", "'R%'", "'n'"))
		default:
			clauses = append(clauses, pickOf(rng, "timestamp_ms", "trace.timestamp", "execution_time_ms", "attributes.execution_time")+" "+pickOf(rng, "=", "!=", "<", ">", "<=", ">=")+" "+strconv.Itoa(rng.IntN(11)))
		}
	}
	q.Filter = strings.Join(clauses, " AND ")
	for _, c := range []string{"IS NULL", "IS NOT NULL"} {
		for _, v := range []string{"'red'", "'1'", "'R%'", "'n'"} {
			q.Filter = strings.ReplaceAll(q.Filter, c+" "+v, c)
		}
	}
	var order []string
	for range rng.IntN(3) {
		order = append(order, pickOf(rng, "timestamp", "timestamp_ms", "status", "request_id", "execution_time", "name", "experiment_id")+pickOf(rng, "", " ASC", " DESC"))
	}
	if order != nil {
		q.Order = order
	}
	return q
}

// askModels is what we say.
func askModels(t *testing.T, s *filestore.Store, q modelQuery) (f found) {
	t.Helper()
	token := ""
	for range q.Pages {
		var ids []string
		var err error
		if q.Of == "traces" {
			order, _ := q.Order.([]string)
			var p *mlruns.TracePage
			if p, err = s.SearchTraces(t.Context(), mlruns.TraceQuery{Experiments: q.Experiments, Filter: q.Filter, OrderBy: order, MaxResults: q.Max, PageToken: token}); err == nil {
				for _, tr := range p.Traces {
					ids = append(ids, tr.ID)
				}
				token = p.NextPageToken
			}
		} else {
			query := mlruns.ModelQuery{Experiments: q.Experiments, Filter: q.Filter, MaxResults: q.Max, PageToken: token}
			for _, d := range q.Datasets {
				digest, _ := d["dataset_digest"].(string)
				query.Datasets = append(query.Datasets, mlruns.ModelDataset{Name: d["dataset_name"].(string), Digest: digest})
			}
			terms, _ := q.Order.([]map[string]any)
			for _, term := range terms {
				name, _ := term["dataset_name"].(string)
				query.OrderBy = append(query.OrderBy, mlruns.ModelOrder{Field: term["field_name"].(string), Descending: term["ascending"] == false, Dataset: mlruns.ModelDataset{Name: name}})
			}
			var p *mlruns.ModelPage
			if p, err = s.SearchLoggedModels(t.Context(), query); err == nil {
				for _, m := range p.Models {
					ids = append(ids, m.ID)
				}
				token = p.NextPageToken
			}
		}
		if err != nil {
			f.Error = &refusal{Code: string(mlruns.CodeOf(err)), Message: err.Error()}
			return f
		}
		f.Pages = append(f.Pages, page{IDs: ids, Token: token})
		if token == "" {
			break
		}
	}
	return f
}

// TestModelsAndTracesBesideMLflow has every MLflow 3 read the models and traces that we write, and
// asks both the same random searches. What MLflow answers must be our answer; what it refuses we
// may answer, for the language here is a superset.
func TestModelsAndTracesBesideMLflow(t *testing.T) {
	eachVersion(t, func(t *testing.T, p *python) {
		if !p.since(3, 0) {
			t.Skip("no logged models before MLflow 3")
		}
		rng := rand.New(rand.NewPCG(uint64(*seed), 12))
		dir := filepath.Join(t.TempDir(), "mlruns")
		experiment := modelStore(t, rng, dir, p.since(3, 2))
		s, err := filestore.Open(dir, filestore.WithReadOnly())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var theirs map[string]struct {
			Result *struct {
				ID, Name, Status, URI string
				Params, Tags          map[string]string
				Metrics               []json.RawMessage
			}
			Active bool
		}
		p.must(t, "models", map[string]any{"root": dir}, &theirs)
		n := 0
		for m, err := range s.LoggedModels(t.Context(), mlruns.ModelQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			got := theirs[m.ID]
			if r := got.Result; r == nil || !got.Active || r.Name != m.Name || r.Status != m.Status.String() || r.URI != m.ArtifactLocation || fmt.Sprint(r.Params) != fmt.Sprint(m.Params) ||
				fmt.Sprint(r.Tags) != fmt.Sprint(m.Tags) || len(r.Metrics) != len(m.Metrics) {
				t.Errorf("MLflow reads %+v, we %+v", got.Result, m)
			}
		}
		var queries []modelQuery
		for range modelQueries {
			queries = append(queries, randomModelQuery(rng, experiment))
			if p.since(3, 2) {
				queries = append(queries, randomTraceQuery(rng, experiment))
			}
		}
		answered, refused, known := 0, 0, 0
		for some := range slices.Chunk(queries, chunk) {
			var theirs []found
			p.must(t, "search_models_and_traces", map[string]any{"root": dir, "queries": some}, &theirs)
			for i, q := range some {
				ours := askModels(t, s, q)
				if theirs[i].Error != nil {
					refused++
					continue
				}
				answered++
				// A wrong operator is an error in MLflow if there is something to compare, and a
				// list is compared with a text if it follows another operator than IN: see
				// docs/search.md.
				if ours.Error != nil && (strings.Contains(ours.Error.Message, "a list needs IN") || strings.Contains(ours.Error.Message, "Invalid comparator")) {
					known++
					continue
				}
				if ours.String() != theirs[i].String() {
					text, _ := json.Marshal(q)
					t.Errorf("%s\n MLflow %s: %s\n     mlruns: %s %v", text, p.mlflow, theirs[i], ours, ours.Error)
				}
			}
		}
		if answered < len(queries)/3 {
			t.Errorf("of %d queries MLflow answered %d: the generator is off", len(queries), answered)
		}
		report(t, p, "models and traces", "%d models, %d searches answered, %d refused, %d known deviations", n, answered, refused, known)
	})
}
