package mlruns

import (
	"context"
	"iter"
	"time"
)

// ModelRegistry has the 13 registry calls of MLflow 1.8's client. A directory of runs has no
// registry; one behind a server can be plugged in with WithRegistry. Implementations are safe for
// concurrent use.
type ModelRegistry interface {
	// CreateRegisteredModel is MLflow's create_registered_model.
	CreateRegisteredModel(ctx context.Context, name string) (*RegisteredModel, error)
	// UpdateRegisteredModel is MLflow's update_registered_model.
	UpdateRegisteredModel(ctx context.Context, name string, u RegisteredModelUpdate) (*RegisteredModel, error)
	// DeleteRegisteredModel is MLflow's delete_registered_model.
	DeleteRegisteredModel(ctx context.Context, name string) error
	// RegisteredModels is MLflow's list_registered_models.
	RegisteredModels(ctx context.Context) iter.Seq2[RegisteredModel, error]
	// RegisteredModel is MLflow's get_registered_model_details.
	RegisteredModel(ctx context.Context, name string) (*RegisteredModel, error)
	// LatestVersions gives the latest version of each stage named, of every stage when none is.
	// MLflow: get_latest_versions.
	LatestVersions(ctx context.Context, name string, stages ...string) ([]ModelVersion, error)
	// CreateModelVersion is MLflow's create_model_version.
	CreateModelVersion(ctx context.Context, name, source, runID string) (*ModelVersion, error)
	// UpdateModelVersion is MLflow's update_model_version.
	UpdateModelVersion(ctx context.Context, name, version string, u ModelVersionUpdate) (*ModelVersion, error)
	// DeleteModelVersion is MLflow's delete_model_version.
	DeleteModelVersion(ctx context.Context, name, version string) error
	// ModelVersion is MLflow's get_model_version_details.
	ModelVersion(ctx context.Context, name, version string) (*ModelVersion, error)
	// ModelVersionDownloadURI is MLflow's get_model_version_download_uri.
	ModelVersionDownloadURI(ctx context.Context, name, version string) (string, error)
	// SearchModelVersions is MLflow's search_model_versions.
	SearchModelVersions(ctx context.Context, filter string) iter.Seq2[ModelVersion, error]
	// ModelVersionStages gives the stages a version can be in. MLflow: get_model_version_stages.
	ModelVersionStages(ctx context.Context, name, version string) ([]string, error)
}

// RegisteredModel is a name under which the versions of a model are kept.
type RegisteredModel struct {
	Name, Description string
	Created, Updated  time.Time
	// LatestVersions has the latest version of each stage.
	LatestVersions []ModelVersion
}

// RegisteredModelUpdate says what to change: nil fields stay as they are.
type RegisteredModelUpdate struct{ Name, Description *string }

// ModelVersion is one version of a registered model.
type ModelVersion struct {
	Name string
	// Version is a number counted from "1".
	Version          string
	Created, Updated time.Time
	Description      string
	User             string
	// Stage is one of None, Staging, Production, Archived.
	Stage string
	// Source is the URI the model was made from, RunID the run it came from.
	Source, RunID string
	// Status is one of PENDING_REGISTRATION, FAILED_REGISTRATION, READY.
	Status, StatusMessage string
}

// ModelVersionUpdate says what to change: nil fields stay as they are.
type ModelVersionUpdate struct{ Stage, Description *string }
