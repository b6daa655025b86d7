package mlruns

import (
	"context"
	"iter"
)

// The model registry, which the first call opens. Without an opener for its URI's scheme every call
// gives an *UnsupportedRegistryError, whatever its arguments.

// CreateRegisteredModel makes a registered model. MLflow: create_registered_model.
func (c *Client) CreateRegisteredModel(ctx context.Context, name string) (*RegisteredModel, error) {
	return registryCall(ctx, c.registry, func(r ModelRegistry) (*RegisteredModel, error) { return r.CreateRegisteredModel(ctx, name) })
}

// UpdateRegisteredModel changes the name or description of a registered model. MLflow:
// update_registered_model.
func (c *Client) UpdateRegisteredModel(ctx context.Context, name string, u RegisteredModelUpdate) (*RegisteredModel, error) {
	return registryCall(ctx, c.registry, func(r ModelRegistry) (*RegisteredModel, error) { return r.UpdateRegisteredModel(ctx, name, u) })
}

// DeleteRegisteredModel removes a registered model with its versions. MLflow:
// delete_registered_model.
func (c *Client) DeleteRegisteredModel(ctx context.Context, name string) error {
	r, err := c.registry.open(ctx)
	if err != nil {
		return err
	}
	return r.DeleteRegisteredModel(ctx, name)
}

// RegisteredModels goes through all registered models. MLflow: list_registered_models.
func (c *Client) RegisteredModels(ctx context.Context) iter.Seq2[RegisteredModel, error] {
	return registrySeq(ctx, c.registry, func(r ModelRegistry) iter.Seq2[RegisteredModel, error] { return r.RegisteredModels(ctx) })
}

// RegisteredModel gets a registered model. MLflow: get_registered_model_details.
func (c *Client) RegisteredModel(ctx context.Context, name string) (*RegisteredModel, error) {
	return registryCall(ctx, c.registry, func(r ModelRegistry) (*RegisteredModel, error) { return r.RegisteredModel(ctx, name) })
}

// LatestVersions gives the latest version of each stage named, of every stage when none is. MLflow:
// get_latest_versions.
func (c *Client) LatestVersions(ctx context.Context, name string, stages ...string) ([]ModelVersion, error) {
	return registryCall(ctx, c.registry, func(r ModelRegistry) ([]ModelVersion, error) { return r.LatestVersions(ctx, name, stages...) })
}

// CreateModelVersion makes a version of a registered model from the model at a URI. MLflow:
// create_model_version.
func (c *Client) CreateModelVersion(ctx context.Context, name, source, runID string) (*ModelVersion, error) {
	return registryCall(ctx, c.registry, func(r ModelRegistry) (*ModelVersion, error) { return r.CreateModelVersion(ctx, name, source, runID) })
}

// UpdateModelVersion changes the stage or description of a version. MLflow: update_model_version.
func (c *Client) UpdateModelVersion(ctx context.Context, name, version string, u ModelVersionUpdate) (*ModelVersion, error) {
	return registryCall(ctx, c.registry, func(r ModelRegistry) (*ModelVersion, error) { return r.UpdateModelVersion(ctx, name, version, u) })
}

// DeleteModelVersion removes a version. MLflow: delete_model_version.
func (c *Client) DeleteModelVersion(ctx context.Context, name, version string) error {
	r, err := c.registry.open(ctx)
	if err != nil {
		return err
	}
	return r.DeleteModelVersion(ctx, name, version)
}

// ModelVersion gets a version. MLflow: get_model_version_details.
func (c *Client) ModelVersion(ctx context.Context, name, version string) (*ModelVersion, error) {
	return registryCall(ctx, c.registry, func(r ModelRegistry) (*ModelVersion, error) { return r.ModelVersion(ctx, name, version) })
}

// ModelVersionDownloadURI tells where the files of a version are. MLflow:
// get_model_version_download_uri.
func (c *Client) ModelVersionDownloadURI(ctx context.Context, name, version string) (string, error) {
	return registryCall(ctx, c.registry, func(r ModelRegistry) (string, error) { return r.ModelVersionDownloadURI(ctx, name, version) })
}

// SearchModelVersions goes through the versions that a filter selects. MLflow:
// search_model_versions.
func (c *Client) SearchModelVersions(ctx context.Context, filter string) iter.Seq2[ModelVersion, error] {
	return registrySeq(ctx, c.registry, func(r ModelRegistry) iter.Seq2[ModelVersion, error] { return r.SearchModelVersions(ctx, filter) })
}

// ModelVersionStages gives the stages a version can be in. MLflow: get_model_version_stages.
func (c *Client) ModelVersionStages(ctx context.Context, name, version string) ([]string, error) {
	return registryCall(ctx, c.registry, func(r ModelRegistry) ([]string, error) { return r.ModelVersionStages(ctx, name, version) })
}
