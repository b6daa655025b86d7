package mlruns

import (
	"context"
	"io"
)

// FileInfo describes an artifact.
type FileInfo struct {
	// Path is relative to the run's artifacts, with slashes.
	Path  string
	IsDir bool
	// Size is in bytes, 0 for a folder.
	Size int64
}

// ArtifactStore is the part of a store that holds files. Client finds it by type assertion; without
// it the calls give ErrUnsupported.
//
// Artifact paths are relative, with slashes, and never lead out of the run's artifacts: no "..",
// nothing absolute; others are ErrInvalid. They are names of files as they stand: nothing in them
// is decoded. Deleted runs' artifacts can be read and written, as in MLflow.
type ArtifactStore interface {
	// LogArtifact copies the file, or the folder under its own name, at localPath into the folder
	// artifactPath ("" is the top). Each file appears whole or not at all, replacing the one of its
	// name.
	LogArtifact(ctx context.Context, runID, localPath, artifactPath string) error
	// LogArtifacts copies what is in the folder localDir into the folder artifactPath, merging with
	// what is there.
	LogArtifacts(ctx context.Context, runID, localDir, artifactPath string) error
	// WriteArtifact stores what r gives as the file artifactPath. The file appears whole or not at
	// all.
	WriteArtifact(ctx context.Context, runID, artifactPath string, r io.Reader) error
	// Artifacts lists what is directly in the folder artifactPath, by name. A file or a missing
	// path gives an empty list, as in MLflow. What cannot be listed, such as a link that leads out
	// of the artifacts, is left out here and from copies; a store says where it tells that,
	// filestore.WithOnProblem.
	Artifacts(ctx context.Context, runID, artifactPath string) ([]FileInfo, error)
	// OpenArtifact opens a file for reading. The caller closes it. ErrNotFound if there is none.
	OpenArtifact(ctx context.Context, runID, artifactPath string) (io.ReadCloser, error)
	// DownloadArtifacts copies the file or folder artifactPath to below the existing folder
	// localDir and returns where it is, as an absolute path.
	DownloadArtifacts(ctx context.Context, runID, artifactPath, localDir string) (string, error)
	// DeleteArtifacts removes a file or folder; a missing one is no error. "" removes all artifacts
	// and keeps the folder.
	DeleteArtifacts(ctx context.Context, runID, artifactPath string) error
	// ArtifactRoot is the URI of the run's artifacts as they lie now, which in a moved store
	// differs from RunInfo.ArtifactURI.
	ArtifactRoot(ctx context.Context, runID string) (string, error)
}
