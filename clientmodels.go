package mlruns

import (
	"context"
	"io"
	"iter"
)

// Logged models. A store that has none, which is found by assertion, gives ErrUnsupported.

// CreateLoggedModel makes a model with status PENDING in an active experiment. It appears
// whole, params and tags included, or not at all. MLflow: create_logged_model.
func (c *Client) CreateLoggedModel(ctx context.Context, spec ModelSpec) (*LoggedModel, error) {
	s, err := capability[ModelStore](c, "create logged model")
	if err != nil {
		return nil, err
	}
	return s.CreateLoggedModel(ctx, spec)
}

// LoggedModel gets an active model, with the latest point of each metric and data set. MLflow:
// get_logged_model.
func (c *Client) LoggedModel(ctx context.Context, modelID string) (*LoggedModel, error) {
	s, err := capability[ModelStore](c, "logged model")
	if err != nil {
		return nil, err
	}
	return s.LoggedModel(ctx, modelID)
}

// FinalizeLoggedModel changes the status of an active model and gives it as it then is. Every
// status may follow every other, as in MLflow. MLflow: finalize_logged_model.
func (c *Client) FinalizeLoggedModel(ctx context.Context, modelID string, status ModelStatus) (*LoggedModel, error) {
	s, err := capability[ModelStore](c, "finalize logged model")
	if err != nil {
		return nil, err
	}
	return s.FinalizeLoggedModel(ctx, modelID, status)
}

// DeleteLoggedModel marks a model deleted: it is not found any more, but a query may ask for it.
// Nothing brings it back, as in MLflow; GC removes it for good. MLflow: delete_logged_model.
func (c *Client) DeleteLoggedModel(ctx context.Context, modelID string) error {
	s, err := capability[ModelStore](c, "delete logged model")
	if err != nil {
		return err
	}
	return s.DeleteLoggedModel(ctx, modelID)
}

// SetLoggedModelTags sets tags of an active model. All are checked before the first is written.
// MLflow: set_logged_model_tags.
func (c *Client) SetLoggedModelTags(ctx context.Context, modelID string, tags map[string]string) error {
	s, err := capability[ModelStore](c, "set logged model tags")
	if err != nil {
		return err
	}
	return s.SetLoggedModelTags(ctx, modelID, tags)
}

// DeleteLoggedModelTag removes a tag of an active model. ErrNotFound if it has none of this
// name. MLflow: delete_logged_model_tag.
func (c *Client) DeleteLoggedModelTag(ctx context.Context, modelID, key string) error {
	s, err := capability[ModelStore](c, "delete logged model tag")
	if err != nil {
		return err
	}
	return s.DeleteLoggedModelTag(ctx, modelID, key)
}

// LogLoggedModelParams records params of an active model. Another value replaces the one that
// is there, as in MLflow. All are checked before the first is written. MLflow: log_model_params.
func (c *Client) LogLoggedModelParams(ctx context.Context, modelID string, params map[string]string) error {
	s, err := capability[ModelStore](c, "log logged model params")
	if err != nil {
		return err
	}
	return s.LogLoggedModelParams(ctx, modelID, params)
}

// SearchLoggedModels gives one page of models. MLflow: search_logged_models.
func (c *Client) SearchLoggedModels(ctx context.Context, q ModelQuery) (*ModelPage, error) {
	s, err := capability[ModelStore](c, "search logged models")
	if err != nil {
		return nil, err
	}
	return s.SearchLoggedModels(ctx, q)
}

// LoggedModels goes through all models of the query in one scan: no offsets, no model twice.
func (c *Client) LoggedModels(ctx context.Context, q ModelQuery) iter.Seq2[*LoggedModel, error] {
	s, err := capability[ModelStore](c, "logged models")
	if err != nil {
		return unsupportedSeq[*LoggedModel]("logged models")
	}
	return s.LoggedModels(ctx, q)
}

// LogModelArtifact is ArtifactStore.LogArtifact for a model. MLflow: log_model_artifact.
func (c *Client) LogModelArtifact(ctx context.Context, modelID, localPath, artifactPath string) error {
	s, err := capability[ModelStore](c, "log model artifact")
	if err != nil {
		return err
	}
	return s.LogModelArtifact(ctx, modelID, localPath, artifactPath)
}

// LogModelArtifacts is ArtifactStore.LogArtifacts for a model. MLflow: log_model_artifacts.
func (c *Client) LogModelArtifacts(ctx context.Context, modelID, localDir, artifactPath string) error {
	s, err := capability[ModelStore](c, "log model artifacts")
	if err != nil {
		return err
	}
	return s.LogModelArtifacts(ctx, modelID, localDir, artifactPath)
}

// WriteModelArtifact is ArtifactStore.WriteArtifact for a model.
func (c *Client) WriteModelArtifact(ctx context.Context, modelID, artifactPath string, r io.Reader) error {
	s, err := capability[ModelStore](c, "write model artifact")
	if err != nil {
		return err
	}
	return s.WriteModelArtifact(ctx, modelID, artifactPath, r)
}

// ModelArtifacts is ArtifactStore.Artifacts for a model. MLflow: list_logged_model_artifacts.
func (c *Client) ModelArtifacts(ctx context.Context, modelID, artifactPath string) ([]FileInfo, error) {
	s, err := capability[ModelStore](c, "model artifacts")
	if err != nil {
		return nil, err
	}
	return s.ModelArtifacts(ctx, modelID, artifactPath)
}

// OpenModelArtifact is ArtifactStore.OpenArtifact for a model.
func (c *Client) OpenModelArtifact(ctx context.Context, modelID, artifactPath string) (io.ReadCloser, error) {
	s, err := capability[ModelStore](c, "open model artifact")
	if err != nil {
		return nil, err
	}
	return s.OpenModelArtifact(ctx, modelID, artifactPath)
}

// DownloadModelArtifacts is ArtifactStore.DownloadArtifacts for a model.
func (c *Client) DownloadModelArtifacts(ctx context.Context, modelID, artifactPath, localDir string) (string, error) {
	s, err := capability[ModelStore](c, "download artifacts of model")
	if err != nil {
		return "", err
	}
	return s.DownloadModelArtifacts(ctx, modelID, artifactPath, localDir)
}

// DeleteModelArtifacts is ArtifactStore.DeleteArtifacts for a model.
func (c *Client) DeleteModelArtifacts(ctx context.Context, modelID, artifactPath string) error {
	s, err := capability[ModelStore](c, "delete model artifacts")
	if err != nil {
		return err
	}
	return s.DeleteModelArtifacts(ctx, modelID, artifactPath)
}

// ModelArtifactRoot is ArtifactStore.ArtifactRoot for a model.
func (c *Client) ModelArtifactRoot(ctx context.Context, modelID string) (string, error) {
	s, err := capability[ModelStore](c, "model artifact root")
	if err != nil {
		return "", err
	}
	return s.ModelArtifactRoot(ctx, modelID)
}
