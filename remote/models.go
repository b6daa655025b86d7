package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/wire"
)

var _ mlruns.ModelStore = (*Store)(nil)

// modelCall is a call about logged models, which MLflow has from 3.0 on. id may be "", and rest
// what the path has after it.
func modelCall(method, id, rest string, e effect, body fields) call {
	c := call{method: method, path: "2.0/mlflow/logged-models" + rest, effect: e, since: "3.0"}
	if c.title = c.path; id != "" {
		c.path, c.title = "2.0/mlflow/logged-models/"+url.PathEscape(id)+rest, "2.0/mlflow/logged-models/{}"
	}
	if body != nil {
		c.body = body
	}
	return c
}

func (s *Store) oneModel(ctx context.Context, c call) (m *mlruns.LoggedModel, repeated bool, err error) {
	var answer wire.ModelAnswer
	if repeated, err = s.ask(ctx, c, &answer); err != nil {
		return nil, repeated, err
	}
	if m, err = answer.Model.Entity(); err == nil {
		m.Problems = answer.Problems
	}
	return m, repeated, err
}

// CreateLoggedModel implements mlruns.ModelStore. An id may be chosen only where the server is one
// of this module: ErrUnsupported. It makes one model, however often the request is sent.
func (s *Store) CreateLoggedModel(ctx context.Context, spec mlruns.ModelSpec) (*mlruns.LoggedModel, error) {
	m, err := s.createModel(ctx, spec)
	return m, fail("create logged model", spec.ID, err)
}

func (s *Store) createModel(ctx context.Context, spec mlruns.ModelSpec) (*mlruns.LoggedModel, error) {
	if spec.ExperimentID == "" {
		spec.ExperimentID = mlruns.DefaultExperimentID
	}
	if err := firstOf(validate.ExperimentID(spec.ExperimentID), validate.Model(spec)); err != nil {
		return nil, err
	}
	chosen, err := s.chosen(ctx, "logged models", spec.ID, func(e extensions) bool { return e.IDs })
	if err != nil {
		return nil, err
	}
	body := fields{"experiment_id": spec.ExperimentID, "params": tagList(spec.Params), "tags": tagList(spec.Tags)}
	for name, text := range map[string]string{"name": spec.Name, "model_type": spec.Type, "source_run_id": spec.SourceRunID} {
		if text != "" {
			body[name] = text
		}
	}
	if !chosen {
		return s.createTaggedModel(ctx, spec, body)
	}
	id := spec.ID
	if id == "" {
		id = "m-" + newID()
	}
	body["model_id"] = id
	m, repeated, err := s.oneModel(ctx, modelCall(http.MethodPost, "", "", repeats, body))
	switch {
	case repeated && errors.Is(err, mlruns.ErrExists) && spec.ID == "":
		return s.loggedModel(ctx, id)
	case repeated && errors.Is(err, mlruns.ErrExists):
		return nil, &failure.Reason{Kind: mlruns.ErrUnconfirmed, Cause: err, Text: "an answer was lost, and now there is a model " + id + ": whether it was made by this call is not known"}
	}
	return m, err
}

// createTaggedModel is createTagged for a logged model.
func (s *Store) createTaggedModel(ctx context.Context, spec mlruns.ModelSpec, body fields) (*mlruns.LoggedModel, error) {
	c := modelCall(http.MethodPost, "", "", adds, body)
	if _, lacking := s.lacking.Load(c.name()); lacking {
		return nil, unsupported(s.noCall(c))
	}
	request := newID()
	body["tags"] = append(tagList(spec.Tags), wire.Tag{Key: TagRequest, Value: request})
	find := func() ([]*mlruns.LoggedModel, error) {
		page, err := s.searchModels(ctx, mlruns.ModelQuery{Experiments: []string{spec.ExperimentID}, Filter: fmt.Sprintf("tags.`%s` = '%s'", TagRequest, request), MaxResults: 10})
		if err != nil {
			return nil, err
		}
		return page.Models, nil
	}
	made, err := createFound(ctx, s, creation[mlruns.LoggedModel]{
		create: func() (*mlruns.LoggedModel, error) {
			var answer wire.ModelAnswer
			if err := s.once(ctx, c, &answer); err != nil {
				return nil, err
			}
			return answer.Model.Entity()
		},
		find:   find,
		settle: func(kept *mlruns.LoggedModel) { s.removeDoubleModels(ctx, kept.ID, find) },
	})
	if err != nil {
		if errors.Is(err, mlruns.ErrUnsupported) {
			s.lacking.Store(c.name(), true)
		}
		return nil, err
	}
	delete(made.Tags, TagRequest)
	if err := s.deleteModelTag(ctx, made.ID, TagRequest); err != nil {
		s.logger.Warn("a logged model keeps the tag by which it was found while it was made", "model", made.ID, "tag", TagRequest, "error", err)
	}
	return made, nil
}

// removeDoubleModels is removeDoubles for logged models.
func (s *Store) removeDoubleModels(ctx context.Context, keep string, find func() ([]*mlruns.LoggedModel, error)) {
	models, err := find()
	if err != nil {
		s.logger.Warn("whether a logged model was made twice could not be looked for", "model", keep, "error", err)
		return
	}
	for _, m := range models {
		if m.ID == keep {
			continue
		}
		if _, err := s.ask(ctx, modelCall(http.MethodDelete, m.ID, "", repeats, fields{"model_id": m.ID}), nil); err != nil {
			s.logger.Warn("a logged model was made twice, and the second one could not be deleted", "model", keep, "second", m.ID, "error", err)
		}
	}
}

// LoggedModel implements mlruns.ModelStore.
func (s *Store) LoggedModel(ctx context.Context, modelID string) (*mlruns.LoggedModel, error) {
	m, err := s.loggedModel(ctx, modelID)
	return m, fail("get logged model", modelID, err)
}

func (s *Store) loggedModel(ctx context.Context, modelID string) (*mlruns.LoggedModel, error) {
	if err := validate.PlainName("model_id", modelID); err != nil {
		return nil, err
	}
	m, _, err := s.oneModel(ctx, modelCall(http.MethodGet, modelID, "", reads, nil))
	return m, err
}

// OnePointAPlace reports whether the server has one point of a logged model only under a key, at a
// time and a step of a run. MLflow's databases have, and fail where there are two, when the run has
// both: mlruns.ErrExists.
func (s *Store) OnePointAPlace(ctx context.Context) (bool, error) {
	e, err := s.extensions(ctx)
	return e.Version == "", err
}

// FinalizeLoggedModel implements mlruns.ModelStore.
func (s *Store) FinalizeLoggedModel(ctx context.Context, modelID string, status mlruns.ModelStatus) (*mlruns.LoggedModel, error) {
	const op = "finalize logged model"
	err := validate.PlainName("model_id", modelID)
	if err == nil && !status.Valid() {
		err = failure.Invalid("Invalid model status: " + status.String())
	}
	if err != nil {
		return nil, fail(op, modelID, err)
	}
	m, _, err := s.oneModel(ctx, modelCall(http.MethodPatch, modelID, "", repeats, fields{"model_id": modelID, "status": wire.ModelStatusName(status)}))
	return m, fail(op, modelID, err)
}

// DeleteLoggedModel implements mlruns.ModelStore.
func (s *Store) DeleteLoggedModel(ctx context.Context, modelID string) error {
	err := validate.PlainName("model_id", modelID)
	if err == nil {
		err = gone(s.ask(ctx, modelCall(http.MethodDelete, modelID, "", repeats, fields{"model_id": modelID}), nil))
	}
	return fail("delete logged model", modelID, err)
}

// SetLoggedModelTags implements mlruns.ModelStore.
func (s *Store) SetLoggedModelTags(ctx context.Context, modelID string, tags map[string]string) error {
	err := firstOf(validate.PlainName("model_id", modelID), validate.ModelTags(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		err = firstOf(err, s.uncut(ctx, "Tag value", tags[key], mlruns.MaxTagValueLength))
	}
	if err == nil {
		_, err = s.ask(ctx, modelCall(http.MethodPatch, modelID, "/tags", repeats, fields{"model_id": modelID, "tags": tagList(tags)}), nil)
	}
	return fail("set logged model tags", modelID, err)
}

// DeleteLoggedModelTag implements mlruns.ModelStore.
func (s *Store) DeleteLoggedModelTag(ctx context.Context, modelID, key string) error {
	err := firstOf(validate.PlainName("model_id", modelID), validate.Key("key", key))
	if err == nil {
		err = s.deleteModelTag(ctx, modelID, key)
	}
	return fail("delete logged model tag", modelID, err)
}

func (s *Store) deleteModelTag(ctx context.Context, modelID, key string) error {
	return gone(s.ask(ctx, modelCall(http.MethodDelete, modelID, "/tags/"+url.PathEscape(key), repeats, nil), nil))
}

// LogLoggedModelParams implements mlruns.ModelStore.
func (s *Store) LogLoggedModelParams(ctx context.Context, modelID string, params map[string]string) error {
	err := firstOf(validate.PlainName("model_id", modelID), validate.ModelParams(params))
	if err == nil {
		_, err = s.ask(ctx, modelCall(http.MethodPost, modelID, "/params", repeats, fields{"model_id": modelID, "params": tagList(params)}), nil)
	}
	return fail("log logged model params", modelID, err)
}

// SearchLoggedModels implements mlruns.ModelStore. A server of MLflow finds active models only:
// another view is ErrUnsupported there.
func (s *Store) SearchLoggedModels(ctx context.Context, q mlruns.ModelQuery) (*mlruns.ModelPage, error) {
	page, err := s.searchModels(ctx, q)
	if err == nil && q.OnProblem != nil {
		s.tell(q.OnProblem, page.Problems)
		page.Problems = nil
	}
	return page, fail("search logged models", "", err)
}

func (s *Store) searchModels(ctx context.Context, q mlruns.ModelQuery) (*mlruns.ModelPage, error) {
	size, err := pageSize(q.MaxResults, mlruns.DefaultModelResults)
	if err = firstOf(err, queryTexts(q.Filter, q.PageToken, nil)); err != nil {
		return nil, err
	}
	experiments, err := s.experimentsOf(ctx, q.Experiments, mlruns.ViewActive)
	if err != nil {
		return nil, err
	}
	body := fields{"experiment_ids": experiments, "max_results": size}
	setQuery(body, q.Filter, q.PageToken)
	if q.View != mlruns.ViewActive {
		e, err := s.extensions(ctx)
		if err != nil {
			return nil, err
		}
		if !e.ModelViews {
			return nil, unsupported("the server at " + s.base + " finds no deleted models")
		}
		body["view_type"] = viewNames[q.View]
	}
	datasets, orders := []fields{}, []fields{}
	for _, d := range q.Datasets {
		datasets = append(datasets, ofDataset(fields{}, d))
	}
	for _, o := range q.OrderBy {
		orders = append(orders, ofDataset(fields{"field_name": o.Field, "ascending": !o.Descending}, o.Dataset))
	}
	if len(datasets) > 0 {
		body["datasets"] = datasets
	}
	if len(orders) > 0 {
		body["order_by"] = orders
	}
	var answer wire.ModelPage
	if _, err := s.ask(ctx, modelCall(http.MethodPost, "", "/search", reads, body), &answer); err != nil {
		return nil, err
	}
	return answer.Entity()
}

func ofDataset(f fields, d mlruns.ModelDataset) fields {
	if d.Name != "" {
		f["dataset_name"] = d.Name
	}
	if d.Digest != "" {
		f["dataset_digest"] = d.Digest
	}
	return f
}

// LoggedModels implements mlruns.ModelStore. It goes through pages, as Runs does.
func (s *Store) LoggedModels(ctx context.Context, q mlruns.ModelQuery) iter.Seq2[*mlruns.LoggedModel, error] {
	return scan(q.MaxResults, q.PageToken, "list logged models", func(size int, token string) ([]*mlruns.LoggedModel, string, error) {
		q := q
		q.MaxResults, q.PageToken = min(size, mostModels), token
		page, err := s.searchModels(ctx, q)
		if err != nil {
			return nil, "", err
		}
		s.tell(q.OnProblem, page.Problems)
		return page.Models, page.NextPageToken, nil
	}, func(m *mlruns.LoggedModel) string { return m.ID })
}

// mostModels is how many logged models a server of MLflow gives at once.
const mostModels = 50

// LogModelArtifact implements mlruns.ModelStore.
func (s *Store) LogModelArtifact(ctx context.Context, modelID, localPath, artifactPath string) error {
	return fail("log model artifact", modelID, s.logFile(ctx, holder{modelID: modelID}, localPath, artifactPath))
}

// LogModelArtifacts implements mlruns.ModelStore.
func (s *Store) LogModelArtifacts(ctx context.Context, modelID, localDir, artifactPath string) error {
	return fail("log model artifacts", modelID, s.logFolder(ctx, holder{modelID: modelID}, localDir, artifactPath))
}

// WriteModelArtifact implements mlruns.ModelStore, as WriteArtifact.
func (s *Store) WriteModelArtifact(ctx context.Context, modelID, artifactPath string, r io.Reader) error {
	return fail("write model artifact", modelID, s.writeFile(ctx, holder{modelID: modelID}, artifactPath, r))
}

// ModelArtifacts implements mlruns.ModelStore.
func (s *Store) ModelArtifacts(ctx context.Context, modelID, artifactPath string) ([]mlruns.FileInfo, error) {
	list, err := s.list(ctx, holder{modelID: modelID}, artifactPath)
	return list, fail("list model artifacts", modelID, err)
}

// OpenModelArtifact implements mlruns.ModelStore, as OpenArtifact.
func (s *Store) OpenModelArtifact(ctx context.Context, modelID, artifactPath string) (io.ReadCloser, error) {
	file, err := s.openFile(ctx, holder{modelID: modelID}, artifactPath)
	if err != nil {
		return nil, fail("open model artifact", modelID, err)
	}
	return file, nil
}

// DownloadModelArtifacts implements mlruns.ModelStore.
func (s *Store) DownloadModelArtifacts(ctx context.Context, modelID, artifactPath, localDir string) (string, error) {
	to, err := s.download(ctx, holder{modelID: modelID}, artifactPath, localDir)
	return to, fail("download model artifacts", modelID, err)
}

// DeleteModelArtifacts implements mlruns.ModelStore.
func (s *Store) DeleteModelArtifacts(ctx context.Context, modelID, artifactPath string) error {
	return fail("delete model artifacts", modelID, s.deleteFiles(ctx, holder{modelID: modelID}, artifactPath))
}

// ModelArtifactRoot implements mlruns.ModelStore.
func (s *Store) ModelArtifactRoot(ctx context.Context, modelID string) (string, error) {
	at, err := s.checkAndLocate(ctx, holder{modelID: modelID})
	return at.uri, fail("model artifact root", modelID, err)
}
