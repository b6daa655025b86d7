package remote

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

// OpenRegistry gives what opens the model registry of a server, for mlruns.WithRegistry and the
// schemes http and https.
func OpenRegistry(opts ...Option) mlruns.RegistryOpener {
	return func(ctx context.Context, uri string) (mlruns.ModelRegistry, error) { return Open(ctx, uri, opts...) }
}

var _ mlruns.ModelRegistry = (*Store)(nil)

// stages are those that a version can be in. MLflow's servers have no call that tells them.
var stages = []string{"None", "Staging", "Production", "Archived"}

// previewPath is where a server of MLflow 1 has the registry: some have it nowhere else.
const previewPath = "2.0/preview/mlflow/"

// registry makes a call about the registry, with /preview where it is not found without.
func (s *Store) registry(ctx context.Context, method, path string, query url.Values, e effect, body fields, answer any) (repeated bool, err error) {
	c := call{method: method, path: "2.0/mlflow/" + path, query: query, effect: e, since: "1.8"}
	if body != nil {
		c.body = body
	}
	repeated, err = s.ask(ctx, c, answer)
	if s.hasNoCall(c, err) {
		preview := c
		preview.path = previewPath + path
		if again, previewErr := s.ask(ctx, preview, answer); !s.hasNoCall(preview, previewErr) {
			return again, previewErr
		}
	}
	return repeated, err
}

// hasNoCall reports whether a server does not have a call at all, in distinction from one that
// refuses it.
func (s *Store) hasNoCall(c call, err error) bool {
	return errors.Is(err, mlruns.ErrUnsupported) && mlruns.MessageOf(err) == s.noCall(c)
}

type oneModelAnswer struct {
	Model wire.RegisteredModel `json:"registered_model"`
}

func (a oneModelAnswer) entity(err error) (*mlruns.RegisteredModel, error) {
	if err != nil {
		return nil, err
	}
	m := a.Model.Entity()
	return &m, nil
}

type oneVersionAnswer struct {
	Version wire.ModelVersion `json:"model_version"`
}

func (a oneVersionAnswer) entity(err error) (*mlruns.ModelVersion, error) {
	if err != nil {
		return nil, err
	}
	v := a.Version.Entity()
	return &v, nil
}

// CreateRegisteredModel implements mlruns.ModelRegistry.
func (s *Store) CreateRegisteredModel(ctx context.Context, name string) (*mlruns.RegisteredModel, error) {
	var answer oneModelAnswer
	err := validate.Text("name", name)
	if err == nil {
		var repeated bool
		repeated, err = s.registry(ctx, http.MethodPost, "registered-models/create", nil, repeats, fields{"name": name}, &answer)
		if repeated && errors.Is(err, mlruns.ErrExists) {
			err = &failure.Reason{Kind: mlruns.ErrUnconfirmed, Cause: err, Text: "an answer was lost, and now there is a registered model '" + name + "': whether it was made by this call is not known"}
		}
	}
	m, err := answer.entity(err)
	return m, fail("create registered model", name, err)
}

// UpdateRegisteredModel implements mlruns.ModelRegistry. A new name comes first: a failure between
// the two leaves the old description.
func (s *Store) UpdateRegisteredModel(ctx context.Context, name string, u mlruns.RegisteredModelUpdate) (*mlruns.RegisteredModel, error) {
	m, err := s.updateRegisteredModel(ctx, name, u)
	return m, fail("update registered model", name, err)
}

func (s *Store) updateRegisteredModel(ctx context.Context, name string, u mlruns.RegisteredModelUpdate) (*mlruns.RegisteredModel, error) {
	if err := firstOf(validate.Text("name", name), textOf("new_name", u.Name), textOf("description", u.Description)); err != nil {
		return nil, err
	}
	if u.Name != nil && *u.Name != name {
		repeated, err := s.registry(ctx, http.MethodPost, "registered-models/rename", nil, repeats, fields{"name": name, "new_name": *u.Name}, nil)
		if err != nil && repeated {
			// A try whose answer was lost may have done it.
			_, gone := s.registeredModel(ctx, name)
			if _, failed := s.registeredModel(ctx, *u.Name); failed == nil && errors.Is(gone, mlruns.ErrNotFound) {
				err = nil
			}
		}
		if err != nil {
			return nil, err
		}
		name = *u.Name
	}
	if u.Description != nil {
		if _, err := s.registry(ctx, http.MethodPatch, "registered-models/update", nil, repeats, fields{"name": name, "description": *u.Description}, nil); err != nil {
			return nil, err
		}
	}
	return s.registeredModel(ctx, name)
}

func textOf(field string, text *string) error {
	if text == nil {
		return nil
	}
	return validate.Text(field, *text)
}

// DeleteRegisteredModel implements mlruns.ModelRegistry.
func (s *Store) DeleteRegisteredModel(ctx context.Context, name string) error {
	err := validate.Text("name", name)
	if err == nil {
		err = gone(s.registry(ctx, http.MethodDelete, "registered-models/delete", nil, repeats, fields{"name": name}, nil))
	}
	return fail("delete registered model", name, err)
}

// registryPage is how much of the registry is asked for at once.
const registryPage = 100

// RegisteredModels implements mlruns.ModelRegistry.
func (s *Store) RegisteredModels(ctx context.Context) iter.Seq2[mlruns.RegisteredModel, error] {
	return scan(0, "", "list registered models", func(_ int, token string) ([]mlruns.RegisteredModel, string, error) {
		var answer struct {
			Models []wire.RegisteredModel `json:"registered_models"`
			Next   string                 `json:"next_page_token"`
		}
		query := url.Values{"max_results": {strconv.Itoa(registryPage)}}
		if token != "" {
			query.Set("page_token", token)
		}
		_, err := s.registry(ctx, http.MethodGet, "registered-models/search", query, reads, nil, &answer)
		if errors.Is(err, mlruns.ErrUnsupported) {
			// Before it could be searched it was listed.
			if _, failed := s.registry(ctx, http.MethodGet, "registered-models/list", query, reads, nil, &answer); failed == nil {
				err = nil
			}
		}
		models := make([]mlruns.RegisteredModel, len(answer.Models))
		for i, m := range answer.Models {
			models[i] = m.Entity()
		}
		return models, answer.Next, err
	}, func(m mlruns.RegisteredModel) string { return m.Name })
}

// RegisteredModel implements mlruns.ModelRegistry.
func (s *Store) RegisteredModel(ctx context.Context, name string) (*mlruns.RegisteredModel, error) {
	m, err := s.registeredModel(ctx, name)
	return m, fail("get registered model", name, err)
}

func (s *Store) registeredModel(ctx context.Context, name string) (*mlruns.RegisteredModel, error) {
	if err := validate.Text("name", name); err != nil {
		return nil, err
	}
	var answer oneModelAnswer
	_, err := s.registry(ctx, http.MethodGet, "registered-models/get", url.Values{"name": {name}}, reads, nil, &answer)
	return answer.entity(err)
}

// LatestVersions implements mlruns.ModelRegistry.
func (s *Store) LatestVersions(ctx context.Context, name string, stages ...string) ([]mlruns.ModelVersion, error) {
	const op = "latest versions"
	if err := validate.Text("name", name); err != nil {
		return nil, fail(op, name, err)
	}
	body, query := fields{"name": name}, url.Values{"name": {name}}
	if len(stages) > 0 {
		body["stages"], query["stages"] = stages, stages
	}
	var answer struct {
		Versions []wire.ModelVersion `json:"model_versions"`
	}
	_, err := s.registry(ctx, http.MethodPost, "registered-models/get-latest-versions", nil, reads, body, &answer)
	if errors.Is(err, mlruns.ErrUnsupported) {
		// Servers of MLflow 1 are asked in another way.
		const path = previewPath + "registered-models/get-latest-versions"
		if _, failed := s.ask(ctx, call{method: http.MethodGet, path: path, title: "GET " + path, query: query}, &answer); failed == nil {
			err = nil
		}
	}
	if err != nil {
		return nil, fail(op, name, err)
	}
	return wire.ModelVersionEntities(answer.Versions), nil
}

// CreateModelVersion implements mlruns.ModelRegistry. When the answer is lost it is not sent again,
// as it would make another version: mlruns.ErrUnconfirmed.
func (s *Store) CreateModelVersion(ctx context.Context, name, source, runID string) (*mlruns.ModelVersion, error) {
	var answer oneVersionAnswer
	err := firstOf(validate.Text("name", name), validate.Text("source", source), validate.Text("run_id", runID))
	if err == nil {
		body := fields{"name": name, "source": source}
		if runID != "" {
			body["run_id"] = runID
		}
		_, err = s.registry(ctx, http.MethodPost, "model-versions/create", nil, adds, body, &answer)
	}
	v, err := answer.entity(err)
	return v, fail("create model version", name, err)
}

// UpdateModelVersion implements mlruns.ModelRegistry. The description comes first: a failure
// between the two leaves the old stage. Versions that are in the new stage stay there.
func (s *Store) UpdateModelVersion(ctx context.Context, name, version string, u mlruns.ModelVersionUpdate) (*mlruns.ModelVersion, error) {
	v, err := s.updateModelVersion(ctx, name, version, u)
	return v, fail("update model version", name+"/"+version, err)
}

func (s *Store) updateModelVersion(ctx context.Context, name, version string, u mlruns.ModelVersionUpdate) (*mlruns.ModelVersion, error) {
	if err := firstOf(versionTexts(name, version), textOf("stage", u.Stage), textOf("description", u.Description)); err != nil {
		return nil, err
	}
	if u.Description != nil {
		body := fields{"name": name, "version": version, "description": *u.Description}
		if _, err := s.registry(ctx, http.MethodPatch, "model-versions/update", nil, repeats, body, nil); err != nil {
			return nil, err
		}
	}
	if u.Stage != nil {
		body := fields{"name": name, "version": version, "stage": *u.Stage, "archive_existing_versions": false}
		if _, err := s.registry(ctx, http.MethodPost, "model-versions/transition-stage", nil, repeats, body, nil); err != nil {
			return nil, err
		}
	}
	return s.modelVersion(ctx, name, version)
}

func versionTexts(name, version string) error {
	return firstOf(validate.Text("name", name), validate.Text("version", version))
}

// DeleteModelVersion implements mlruns.ModelRegistry.
func (s *Store) DeleteModelVersion(ctx context.Context, name, version string) error {
	err := versionTexts(name, version)
	if err == nil {
		err = gone(s.registry(ctx, http.MethodDelete, "model-versions/delete", nil, repeats, fields{"name": name, "version": version}, nil))
	}
	return fail("delete model version", name+"/"+version, err)
}

// ModelVersion implements mlruns.ModelRegistry.
func (s *Store) ModelVersion(ctx context.Context, name, version string) (*mlruns.ModelVersion, error) {
	v, err := s.modelVersion(ctx, name, version)
	return v, fail("get model version", name+"/"+version, err)
}

func (s *Store) modelVersion(ctx context.Context, name, version string) (*mlruns.ModelVersion, error) {
	if err := versionTexts(name, version); err != nil {
		return nil, err
	}
	var answer oneVersionAnswer
	_, err := s.registry(ctx, http.MethodGet, "model-versions/get", url.Values{"name": {name}, "version": {version}}, reads, nil, &answer)
	return answer.entity(err)
}

// ModelVersionDownloadURI implements mlruns.ModelRegistry.
func (s *Store) ModelVersionDownloadURI(ctx context.Context, name, version string) (string, error) {
	var answer struct {
		URI string `json:"artifact_uri"`
	}
	err := versionTexts(name, version)
	if err == nil {
		_, err = s.registry(ctx, http.MethodGet, "model-versions/get-download-uri", url.Values{"name": {name}, "version": {version}}, reads, nil, &answer)
	}
	return answer.URI, fail("model version download URI", name+"/"+version, err)
}

// SearchModelVersions implements mlruns.ModelRegistry.
func (s *Store) SearchModelVersions(ctx context.Context, filter string) iter.Seq2[mlruns.ModelVersion, error] {
	return scan(0, "", "search model versions", func(_ int, token string) ([]mlruns.ModelVersion, string, error) {
		if err := validate.Text("filter", filter); err != nil {
			return nil, "", err
		}
		var answer struct {
			Versions []wire.ModelVersion `json:"model_versions"`
			Next     string              `json:"next_page_token"`
		}
		query := url.Values{"max_results": {strconv.Itoa(registryPage)}, "filter": {filter}}
		if token != "" {
			query.Set("page_token", token)
		}
		_, err := s.registry(ctx, http.MethodGet, "model-versions/search", query, reads, nil, &answer)
		return wire.ModelVersionEntities(answer.Versions), answer.Next, err
	}, func(v mlruns.ModelVersion) string { return v.Name + "\x00" + v.Version })
}

// ModelVersionStages implements mlruns.ModelRegistry. The stages are the same for every version:
// whether there is such a one is not looked at, as in MLflow.
func (s *Store) ModelVersionStages(ctx context.Context, name, version string) ([]string, error) {
	if err := s.begin(ctx); err != nil {
		return nil, fail("model version stages", name+"/"+version, err)
	}
	return slices.Clone(stages), nil
}
