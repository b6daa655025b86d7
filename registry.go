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
	CreateRegisteredModel(ctx context.Context, name string) (*RegisteredModel, error)
	UpdateRegisteredModel(ctx context.Context, name string, u RegisteredModelUpdate) (*RegisteredModel, error)
	DeleteRegisteredModel(ctx context.Context, name string) error
	// RegisteredModels is MLflow's list_registered_models.
	RegisteredModels(ctx context.Context) iter.Seq2[RegisteredModel, error]
	// RegisteredModel is MLflow's get_registered_model_details.
	RegisteredModel(ctx context.Context, name string) (*RegisteredModel, error)
	// LatestVersions gives the latest version of each stage named, of every stage when none is.
	LatestVersions(ctx context.Context, name string, stages ...string) ([]ModelVersion, error)
	CreateModelVersion(ctx context.Context, name, source, runID string) (*ModelVersion, error)
	UpdateModelVersion(ctx context.Context, name, version string, u ModelVersionUpdate) (*ModelVersion, error)
	DeleteModelVersion(ctx context.Context, name, version string) error
	// ModelVersion is MLflow's get_model_version_details.
	ModelVersion(ctx context.Context, name, version string) (*ModelVersion, error)
	ModelVersionDownloadURI(ctx context.Context, name, version string) (string, error)
	SearchModelVersions(ctx context.Context, filter string) iter.Seq2[ModelVersion, error]
	// ModelVersionStages gives the stages a version can be in.
	ModelVersionStages(ctx context.Context, name, version string) ([]string, error)
}

// RegisteredModel is a named line of model versions.
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
