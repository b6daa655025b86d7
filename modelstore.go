package mlruns

import (
	"context"
	"io"
	"iter"
)

// ModelStore is the part of a store that holds logged models. Client finds it by type assertion;
// without it the calls give ErrUnsupported. Errors are those of Store; a model that does not exist
// or is deleted is ErrNotFound.
type ModelStore interface {
	// CreateLoggedModel makes a model with status PENDING in an active experiment. It appears
	// whole, params and tags included, or not at all.
	CreateLoggedModel(ctx context.Context, spec ModelSpec) (*LoggedModel, error)
	// LoggedModel gets an active model, with the latest point of each metric and data set.
	LoggedModel(ctx context.Context, modelID string) (*LoggedModel, error)
	// FinalizeLoggedModel changes the status of an active model and gives it as it then is. Every
	// status may follow every other, as in MLflow.
	FinalizeLoggedModel(ctx context.Context, modelID string, status ModelStatus) (*LoggedModel, error)
	// DeleteLoggedModel marks a model deleted: it is not found any more, but a query may ask for
	// it. Nothing brings it back, as in MLflow; GC removes it for good.
	DeleteLoggedModel(ctx context.Context, modelID string) error
	// SetLoggedModelTags sets tags of an active model. All are checked before the first is written.
	SetLoggedModelTags(ctx context.Context, modelID string, tags map[string]string) error
	// DeleteLoggedModelTag removes a tag of an active model. ErrNotFound if it has none of this
	// name.
	DeleteLoggedModelTag(ctx context.Context, modelID, key string) error
	// LogLoggedModelParams records params of an active model. Another value replaces the one that
	// is there, as in MLflow. All are checked before the first is written.
	LogLoggedModelParams(ctx context.Context, modelID string, params map[string]string) error
	// SearchLoggedModels gives one page of models.
	SearchLoggedModels(ctx context.Context, q ModelQuery) (*ModelPage, error)
	// LoggedModels goes through all models of the query in one scan: no offsets, no model twice.
	LoggedModels(ctx context.Context, q ModelQuery) iter.Seq2[*LoggedModel, error]

	// LogModelArtifact is ArtifactStore.LogArtifact for a model.
	LogModelArtifact(ctx context.Context, modelID, localPath, artifactPath string) error
	// LogModelArtifacts is ArtifactStore.LogArtifacts for a model.
	LogModelArtifacts(ctx context.Context, modelID, localDir, artifactPath string) error
	// WriteModelArtifact is ArtifactStore.WriteArtifact for a model.
	WriteModelArtifact(ctx context.Context, modelID, artifactPath string, r io.Reader) error
	// ModelArtifacts is ArtifactStore.Artifacts for a model.
	ModelArtifacts(ctx context.Context, modelID, artifactPath string) ([]FileInfo, error)
	// OpenModelArtifact is ArtifactStore.OpenArtifact for a model.
	OpenModelArtifact(ctx context.Context, modelID, artifactPath string) (io.ReadCloser, error)
	// DownloadModelArtifacts is ArtifactStore.DownloadArtifacts for a model.
	DownloadModelArtifacts(ctx context.Context, modelID, artifactPath, localDir string) (string, error)
	// DeleteModelArtifacts is ArtifactStore.DeleteArtifacts for a model.
	DeleteModelArtifacts(ctx context.Context, modelID, artifactPath string) error
	// ModelArtifactRoot is ArtifactStore.ArtifactRoot for a model.
	ModelArtifactRoot(ctx context.Context, modelID string) (string, error)
}
