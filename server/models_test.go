package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/server"
)

// modelStore has one model and its files, and keeps what it was asked.
type modelStore struct {
	mlruns.UnimplementedStore
	mlruns.ArtifactStore
	mlruns.ModelStore
	model   *mlruns.LoggedModel
	spec    mlruns.ModelSpec
	query   mlruns.ModelQuery
	files   map[string]string
	deleted []string
}

func (s *modelStore) CreateLoggedModel(_ context.Context, spec mlruns.ModelSpec) (*mlruns.LoggedModel, error) {
	s.spec = spec
	s.model = &mlruns.LoggedModel{ID: "m-1", ExperimentID: spec.ExperimentID, Name: spec.Name, Status: mlruns.ModelPending, ArtifactLocation: "file:///mlruns/0/models/m-1/artifacts",
		Created: time.UnixMilli(1), Updated: time.UnixMilli(2), Params: spec.Params, Tags: map[string]string{}, Metrics: []mlruns.Metric{{Key: "m", Value: 1, Time: time.UnixMilli(3), ModelID: "m-1", RunID: "r"}}}
	return s.model, nil
}

func (s *modelStore) LoggedModel(_ context.Context, id string) (*mlruns.LoggedModel, error) {
	if s.model == nil || id != s.model.ID || s.model.Stage == mlruns.StageDeleted {
		return nil, mlruns.ErrNotFound
	}
	return s.model, nil
}

func (s *modelStore) FinalizeLoggedModel(ctx context.Context, id string, status mlruns.ModelStatus) (*mlruns.LoggedModel, error) {
	m, err := s.LoggedModel(ctx, id)
	if err == nil {
		m.Status = status
	}
	return m, err
}

func (s *modelStore) DeleteLoggedModel(ctx context.Context, id string) error {
	m, err := s.LoggedModel(ctx, id)
	if err == nil {
		m.Stage = mlruns.StageDeleted
	}
	return err
}

func (s *modelStore) SetLoggedModelTags(_ context.Context, _ string, tags map[string]string) error {
	s.model.Tags = tags
	return nil
}

func (s *modelStore) DeleteLoggedModelTag(_ context.Context, id, key string) error {
	s.deleted = append(s.deleted, id, key)
	return nil
}

func (s *modelStore) LogLoggedModelParams(_ context.Context, _ string, params map[string]string) error {
	s.model.Params = params
	return nil
}

func (s *modelStore) SearchLoggedModels(_ context.Context, q mlruns.ModelQuery) (*mlruns.ModelPage, error) {
	s.query = q
	return &mlruns.ModelPage{Models: []*mlruns.LoggedModel{s.model}, NextPageToken: "next"}, nil
}

func (s *modelStore) WriteModelArtifact(_ context.Context, id, path string, r io.Reader) error {
	text, err := io.ReadAll(r)
	s.files[id+" "+path] = string(text)
	return err
}

func (s *modelStore) OpenModelArtifact(_ context.Context, id, path string) (io.ReadCloser, error) {
	text, ok := s.files[id+" "+path]
	if !ok {
		return nil, mlruns.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (s *modelStore) ModelArtifacts(context.Context, string, string) ([]mlruns.FileInfo, error) {
	return []mlruns.FileInfo{{Path: "d/MLmodel", Size: 4}}, nil
}

func (s *modelStore) DeleteModelArtifacts(_ context.Context, id, path string) error {
	delete(s.files, id+" "+path)
	return nil
}

// TestLoggedModels goes through what log_model of MLflow 3 asks, and the calls about models.
func TestLoggedModels(t *testing.T) {
	store := &modelStore{files: map[string]string{}}
	web := httptest.NewServer(server.New(store))
	defer web.Close()
	a := &asked{t, nil, web}

	made := a.post("logged-models", `{"experiment_id":"0","name":"clf","model_type":"agent","source_run_id":"r","params":[{"key":"p","value":"1"}],"tags":[]}`)
	if want := (mlruns.ModelSpec{ExperimentID: "0", Name: "clf", Type: "agent", SourceRunID: "r", Params: map[string]string{"p": "1"}}); !reflect.DeepEqual(store.spec, want) {
		t.Errorf("made of %+v, want %+v", store.spec, want)
	}
	if at(made, "model", "info", "artifact_uri") != "mlflow-artifacts:/0/models/m-1/artifacts" || at(made, "model", "info", "status") != "LOGGED_MODEL_PENDING" || at(made, "model", "data", "metrics", 0, "run_id") != "r" {
		t.Errorf("made: %v", made)
	}
	const file = "/api/2.0/mlflow-artifacts/artifacts/0/models/m-1/artifacts/d/MLmodel"
	if got := a.send("PUT", file, "text", "Content-Type", "text/plain"); got.status != 200 || store.files["m-1 d/MLmodel"] != "text" {
		t.Errorf("PUT: %+v, %v", got, store.files)
	}
	for _, path := range []string{file, "/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files?artifact_file_path=d/MLmodel"} {
		if got := a.send("GET", path, ""); got.body != "text" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("GET %s: %+v", path, got)
		}
	}
	if got := a.send("GET", "/api/2.0/mlflow-artifacts/artifacts?path=0/models/m-1/artifacts/d", ""); got.body != `{"files":[{"path":"MLmodel","is_dir":false,"file_size":4}]}`+"\n" {
		t.Errorf("a list: %+v", got)
	}
	if got := a.get("logged-models/m-1/artifacts/directories?artifact_directory_path=d"); at(got, "files", 0, "path") != "d/MLmodel" || at(got, "root_uri") != "mlflow-artifacts:/0/models/m-1/artifacts" {
		t.Errorf("directories: %v", got)
	}
	if got := a.answer(a.send("PATCH", "/api/2.0/mlflow/logged-models/m-1", `{"model_id":"m-1","status":"LOGGED_MODEL_READY"}`), "finalize"); at(got, "model", "info", "status") != "LOGGED_MODEL_READY" {
		t.Errorf("finalized: %v", got)
	}
	a.answer(a.send("PATCH", "/api/2.0/mlflow/logged-models/m-1/tags", `{"tags":[{"key":"a/b","value":"1"}]}`), "tags")
	a.post("logged-models/m-1/params", `{"params":[{"key":"q","value":"2"}]}`)
	a.answer(a.send("DELETE", "/api/2.0/mlflow/logged-models/m-1/tags/a%2Fb", `{"model_id":"m-1"}`), "delete tag")
	if got := a.get("logged-models/m-1"); at(got, "model", "info", "tags", 0, "key") != "a/b" || at(got, "model", "data", "params", 0, "key") != "q" || !reflect.DeepEqual(store.deleted, []string{"m-1", "a/b"}) {
		t.Errorf("got %v, deleted %q", got, store.deleted)
	}
	found := a.post("logged-models/search", `{"experiment_ids":["0"],"filter":"name = 'clf'","order_by":[{"field_name":"metrics.m","ascending":false}]}`)
	want := mlruns.ModelQuery{Experiments: []string{"0"}, Filter: "name = 'clf'", MaxResults: 100, OrderBy: []mlruns.ModelOrder{{Field: "metrics.m", Descending: true}}}
	if at(found, "models", 0, "info", "artifact_uri") != "mlflow-artifacts:/0/models/m-1/artifacts" || found["next_page_token"] != "next" || !reflect.DeepEqual(store.query, want) {
		t.Errorf("found %v by %+v", found, store.query)
	}
	if got := a.post("logged-models/search", `{"experiment_ids":[]}`); len(got) != 0 {
		t.Errorf("without experiments: %v", got)
	}
	a.answer(a.send("DELETE", "/api/2.0/mlflow/logged-models/m-1", `{"model_id":"m-1"}`), "delete")
	if got := a.send("GET", "/api/2.0/mlflow/logged-models/m-1", ""); got.status != http.StatusNotFound {
		t.Errorf("deleted: %+v", got)
	}
	a.get("logged-models/m-1?allow_deleted=true")
	for call, status := range map[string]int{"logged-models/m-2": 404, "logged-models/m-1/none": 404, "logged-models/": 404, "logged-models/m-1/artifacts/directories?artifact_directory_path=../x": 400} {
		if got := a.send("GET", "/api/2.0/mlflow/"+call, ""); got.status != status {
			t.Errorf("%s is answered %d %s, want %d", call, got.status, got.body, status)
		}
	}
	if got := a.send("PATCH", "/api/2.0/mlflow/logged-models/m-1", `{"model_id":"m-1"}`); got.status != 400 || !strings.Contains(got.body, "'status'") {
		t.Errorf("no status: %+v", got)
	}
}
