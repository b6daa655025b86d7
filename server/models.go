package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/wire"
)

// Logged models, MLflow 3. The id of a model stands in the path.

func (s *server) modelStore() (mlruns.ModelStore, error) {
	if s.models == nil {
		return nil, &refusal{http.StatusNotImplemented, mlruns.CodeFeatureDisabled, "This server does not offer logged models"}
	}
	return s.models, nil
}

func (s *server) createModel(c *call) (any, error) {
	models, err := s.modelStore()
	if err != nil {
		return nil, err
	}
	spec := c.ModelSpec()
	spec.ID = c.Text("model_id")
	if err := c.Err(); err != nil {
		return nil, err
	}
	m, err := models.CreateLoggedModel(c.ctx, spec)
	return s.modelAnswer(m, err)
}

func (s *server) getModel(c *call) (any, error) {
	models, err := s.modelStore()
	if err != nil {
		return nil, err
	}
	deleted := c.Bool("allow_deleted")
	if err := c.Err(); err != nil {
		return nil, err
	}
	m, err := models.LoggedModel(c.ctx, c.rest)
	if deleted && errors.Is(err, mlruns.ErrNotFound) && !strings.Contains(c.rest, "'") {
		page, failed := models.SearchLoggedModels(c.ctx, mlruns.ModelQuery{Filter: "model_id = '" + c.rest + "'", View: mlruns.ViewAll, MaxResults: 1})
		if failed == nil && len(page.Models) == 1 {
			m, err = page.Models[0], nil
		}
	}
	return s.modelAnswer(m, err)
}

func (s *server) finalizeModel(c *call) (any, error) {
	models, err := s.modelStore()
	if err != nil {
		return nil, err
	}
	status := c.ModelStatus()
	if err := c.Err(); err != nil {
		return nil, err
	}
	m, err := models.FinalizeLoggedModel(c.ctx, c.rest, status)
	return s.modelAnswer(m, err)
}

func (s *server) deleteModel(c *call) (any, error) {
	models, err := s.modelStore()
	if err != nil {
		return nil, err
	}
	return empty{}, models.DeleteLoggedModel(c.ctx, c.rest)
}

func (s *server) setModelTags(c *call) (any, error) {
	models, err := s.modelStore()
	if err != nil {
		return nil, err
	}
	tags := c.Tags("tags")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, models.SetLoggedModelTags(c.ctx, c.rest, tags)
}

func (s *server) deleteModelTag(c *call) (any, error) {
	models, err := s.modelStore()
	if err != nil {
		return nil, err
	}
	id, key, _ := strings.Cut(c.rest, "/")
	return empty{}, models.DeleteLoggedModelTag(c.ctx, id, key)
}

func (s *server) logModelParams(c *call) (any, error) {
	models, err := s.modelStore()
	if err != nil {
		return nil, err
	}
	params := c.Tags("params")
	if err := c.Err(); err != nil {
		return nil, err
	}
	return empty{}, models.LogLoggedModelParams(c.ctx, c.rest, params)
}

// searchModels finds nothing where no experiment is named, as MLflow, and where the store has no
// models: clients and the page ask every store.
func (s *server) searchModels(c *call) (any, error) {
	q := c.ModelQuery()
	if err := c.Err(); err != nil || s.models == nil || len(q.Experiments) == 0 {
		return empty{}, err
	}
	page, err := inTurn(c.ctx, s.searches, func() (*mlruns.ModelPage, error) { return s.models.SearchLoggedModels(c.ctx, q) })
	if err != nil {
		return nil, err
	}
	shape := wire.NewModelPage(page)
	for i, m := range page.Models {
		shape.Models[i].Info.ArtifactURI = s.modelLocation(m)
	}
	return shape, nil
}

func (s *server) listModelArtifacts(c *call) (any, error) {
	folder := c.Text("artifact_directory_path")
	if c.Err() != nil || !safePath(folder) {
		return nil, errInvalidPath
	}
	list, err := s.list(c.ctx, place{modelID: c.rest, file: shortest(folder)})
	if err != nil {
		return nil, err
	}
	m, err := s.models.LoggedModel(c.ctx, c.rest)
	if err != nil {
		return nil, err
	}
	return wire.NewArtifactList(s.modelLocation(m), list), nil
}

// getModelFile sends a file to the page.
func (s *server) getModelFile(w http.ResponseWriter, r *http.Request, id string) {
	q := wire.ParseQuery(r.URL.Query())
	file := q.RequiredText("artifact_file_path")
	err := q.Err()
	if err == nil && !safePath(file) {
		err = errInvalidPath
	}
	if err == nil {
		err = s.sendArtifact(w, r, place{modelID: id, file: shortest(file)})
	}
	if err != nil {
		s.refuse(w, r, err)
	}
}

func (s *server) modelAnswer(m *mlruns.LoggedModel, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	shape := wire.NewModel(m)
	shape.Info.ArtifactURI = s.modelLocation(m)
	return wire.ModelAnswer{Model: shape, Problems: m.Problems}, nil
}

// modelLocation is where a client is told to find the artifacts of a model, as runLocation.
func (s *server) modelLocation(m *mlruns.LoggedModel) string {
	folder := "/" + m.ExperimentID + "/models/" + m.ID + "/artifacts"
	if !s.proxied(m.ArtifactLocation) {
		return s.here(m.ArtifactLocation, folder)
	}
	return proxyScheme + folder
}
