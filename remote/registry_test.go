package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/remote"
)

const (
	versionAnswer = `{"name":"m","version":"3","creation_timestamp":1700000000123,"last_updated_timestamp":1700000001123,"current_stage":"Staging","description":"d","user_id":"u",` +
		`"source":"s3://x","run_id":"r","status":"READY","status_message":"ok","run_link":"","tags":[]}`
	modelAnswer = `{"name":"m","description":"d","creation_timestamp":1700000000123,"last_updated_timestamp":1700000001123,"latest_versions":[` + versionAnswer + `]}`
)

var (
	wantVersion = mlruns.ModelVersion{Name: "m", Version: "3", Created: time.UnixMilli(1700000000123).UTC(), Updated: time.UnixMilli(1700000001123).UTC(), Description: "d", User: "u",
		Stage: "Staging", Source: "s3://x", RunID: "r", Status: "READY", StatusMessage: "ok"}
	wantModel = mlruns.RegisteredModel{Name: "m", Description: "d", Created: wantVersion.Created, Updated: wantVersion.Updated, LatestVersions: []mlruns.ModelVersion{wantVersion}}
)

// registryServer answers as MLflow's registry does, from a table of calls.
type registryServer struct {
	// prefix is what the paths that it has begin with.
	prefix string
	// lacks are calls that it does not have.
	lacks []string

	mu    sync.Mutex
	asked []string
	lose  int // the answer of this request is lost
}

// forget gives what was asked, and begins anew.
func (s *registryServer) forget() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *registryServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	rest, ok := strings.CutPrefix(r.URL.Path, s.prefix)
	if !ok || slices.Contains(s.lacks, r.Method+" "+rest) {
		http.NotFound(w, r)
		return
	}
	asked := r.Method + " " + rest
	if r.URL.RawQuery != "" {
		asked += "?" + r.URL.Query().Encode()
	}
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(asked+" "+string(body)))
	s.lose--
	lost := s.lose == 0
	s.mu.Unlock()
	if lost {
		panic(http.ErrAbortHandler)
	}
	switch rest {
	case "registered-models/search", "registered-models/list":
		if r.URL.Query().Get("page_token") == "" {
			fmt.Fprint(w, `{"registered_models":[`+modelAnswer+`],"next_page_token":"t"}`)
		} else {
			fmt.Fprint(w, `{"registered_models":[{"name":"second"}]}`)
		}
	case "registered-models/get-latest-versions", "model-versions/search":
		fmt.Fprint(w, `{"model_versions":[`+versionAnswer+`]}`)
	case "model-versions/get-download-uri":
		fmt.Fprint(w, `{"artifact_uri":"s3://x"}`)
	case "registered-models/delete", "model-versions/delete":
		fmt.Fprint(w, `{}`)
	default:
		fmt.Fprint(w, `{"registered_model":`+modelAnswer+`,"model_version":`+versionAnswer+`}`)
	}
}

// registryCalls are the 13, with what is asked for each and what comes back.
var registryCalls = []struct {
	name  string
	call  func(context.Context, mlruns.ModelRegistry) (any, error)
	want  any
	asked []string
}{
	{"CreateRegisteredModel", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return deref(r.CreateRegisteredModel(ctx, "m"))
	},
		wantModel, []string{`POST registered-models/create {"name":"m"}`}},
	{"UpdateRegisteredModel", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return deref(r.UpdateRegisteredModel(ctx, "m", mlruns.RegisteredModelUpdate{Name: ptr("n"), Description: ptr("")}))
	}, wantModel, []string{`POST registered-models/rename {"name":"m","new_name":"n"}`, `PATCH registered-models/update {"description":"","name":"n"}`, `GET registered-models/get?name=n`}},
	{"DeleteRegisteredModel", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return nil, r.DeleteRegisteredModel(ctx, "m")
	}, nil,
		[]string{`DELETE registered-models/delete {"name":"m"}`}},
	{"RegisteredModels", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		names := ""
		for m, err := range r.RegisteredModels(ctx) {
			if err != nil {
				return nil, err
			}
			names += m.Name + " "
		}
		return names, nil
	}, "m second ", []string{`GET registered-models/search?max_results=100`, `GET registered-models/search?max_results=100&page_token=t`}},
	{"RegisteredModel", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return deref(r.RegisteredModel(ctx, "m"))
	}, wantModel,
		[]string{`GET registered-models/get?name=m`}},
	{"LatestVersions", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return r.LatestVersions(ctx, "m", "Staging", "None")
	},
		[]mlruns.ModelVersion{wantVersion}, []string{`POST registered-models/get-latest-versions {"name":"m","stages":["Staging","None"]}`}},
	{"CreateModelVersion", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return deref(r.CreateModelVersion(ctx, "m", "s3://x", "r"))
	},
		wantVersion, []string{`POST model-versions/create {"name":"m","run_id":"r","source":"s3://x"}`}},
	{"UpdateModelVersion", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return deref(r.UpdateModelVersion(ctx, "m", "3", mlruns.ModelVersionUpdate{Stage: ptr("Staging"), Description: ptr("d")}))
	}, wantVersion, []string{`PATCH model-versions/update {"description":"d","name":"m","version":"3"}`,
		`POST model-versions/transition-stage {"archive_existing_versions":false,"name":"m","stage":"Staging","version":"3"}`, `GET model-versions/get?name=m&version=3`}},
	{"DeleteModelVersion", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return nil, r.DeleteModelVersion(ctx, "m", "3")
	}, nil,
		[]string{`DELETE model-versions/delete {"name":"m","version":"3"}`}},
	{"ModelVersion", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return deref(r.ModelVersion(ctx, "m", "3"))
	}, wantVersion,
		[]string{`GET model-versions/get?name=m&version=3`}},
	{"ModelVersionDownloadURI", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return r.ModelVersionDownloadURI(ctx, "m", "3")
	}, "s3://x",
		[]string{`GET model-versions/get-download-uri?name=m&version=3`}},
	{"SearchModelVersions", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		var found []mlruns.ModelVersion
		for v, err := range r.SearchModelVersions(ctx, "name='m'") {
			if err != nil {
				return nil, err
			}
			found = append(found, v)
		}
		return found, nil
	}, []mlruns.ModelVersion{wantVersion}, []string{`GET model-versions/search?filter=name%3D%27m%27&max_results=100`}},
	{"ModelVersionStages", func(ctx context.Context, r mlruns.ModelRegistry) (any, error) {
		return r.ModelVersionStages(ctx, "m", "3")
	},
		[]string{"None", "Staging", "Production", "Archived"}, nil},
}

func ptr(text string) *string { return &text }

func deref[T any](v *T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return *v, nil
}

// TestRegistry makes each of the 13 calls through a client whose store is a folder: the registry is
// opened on the first of them, and asked in MLflow's words. A server of MLflow 1 may have it under
// /preview only.
func TestRegistry(t *testing.T) {
	for _, prefix := range []string{"/api/2.0/mlflow/", "/api/2.0/preview/mlflow/"} {
		h := &registryServer{prefix: prefix}
		s := httptest.NewServer(h)
		opened := 0
		open := func(ctx context.Context, uri string) (mlruns.ModelRegistry, error) {
			opened++
			return remote.OpenRegistry(remote.WithRetries(0, 0))(ctx, uri)
		}
		client := mlruns.NewClient(inMemory(t), mlruns.WithRegistryURI(s.URL), mlruns.WithRegistry("http", open))
		if opened != 0 {
			t.Error("the registry is opened before it is asked")
		}
		for _, c := range registryCalls {
			h.forget()
			got, err := c.call(t.Context(), client)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s: got %v, %v\n\twant %v", c.name, got, err, c.want)
			}
			if asked := h.forget(); !slices.Equal(asked, c.asked) {
				t.Errorf("%s asked %q\n\twant %q", c.name, asked, c.asked)
			}
		}
		if opened != 1 {
			t.Errorf("the registry is opened %d times", opened)
		}
		s.Close()
	}
}

// TestRegistryOfOldServers lists where nothing can be searched, and asks for the latest versions as
// MLflow 1 has it.
func TestRegistryOfOldServers(t *testing.T) {
	h := &registryServer{prefix: "/api/2.0/preview/mlflow/", lacks: []string{"GET registered-models/search", "POST registered-models/get-latest-versions"}}
	s := httptest.NewServer(h)
	defer s.Close()
	for _, c := range registryCalls {
		if got, err := c.call(t.Context(), open(t, s.URL)); err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: got %v, %v\n\twant %v", c.name, got, err, c.want)
		}
	}
}

// TestRegistryLostAnswers has the answer of each request of each call lost. Only the version that a
// second request would make again is left open.
func TestRegistryLostAnswers(t *testing.T) {
	for _, c := range registryCalls {
		for i := 1; i <= len(c.asked); i++ {
			h := &registryServer{prefix: "/api/2.0/mlflow/", lose: i}
			s := httptest.NewServer(h)
			got, err := c.call(t.Context(), open(t, s.URL))
			n := len(h.forget())
			switch {
			case c.name == "CreateModelVersion":
				if !errors.Is(err, mlruns.ErrUnconfirmed) || errors.Is(err, mlruns.ErrBusy) || n != 1 {
					t.Errorf("%s: %v after %d requests", c.name, err, n)
				}
			case err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) || n != len(c.asked)+1:
				t.Errorf("%s, request %d: got %v, %v after %d requests", c.name, i, got, err, n)
			}
			s.Close()
		}
	}
}

// TestNoRegistryBehindAFolder: mlruns serve has none, and says so.
func TestNoRegistryBehindAFolder(t *testing.T) {
	uri := serve(t, inMemory(t))
	for _, c := range registryCalls {
		_, err := c.call(t.Context(), open(t, uri))
		searches := c.name == "RegisteredModels" || c.name == "SearchModelVersions" || c.name == "ModelVersionStages"
		if !searches && (!errors.Is(err, mlruns.ErrUnsupported) || !strings.HasPrefix(mlruns.MessageOf(err), "Model Registry features are not supported")) || searches && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
