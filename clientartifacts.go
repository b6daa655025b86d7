package mlruns

import (
	"context"
	"io"
)

// The artifacts of a run. A store that has none, which is found by assertion, gives ErrUnsupported.

// LogArtifact copies the file, or the folder under its own name, at localPath into the folder
// artifactPath ("" is the top). Each file appears whole or not at all, replacing the one of its
// name. MLflow: log_artifact.
func (c *Client) LogArtifact(ctx context.Context, runID, localPath, artifactPath string) error {
	a, err := capability[ArtifactStore](c, "log artifact")
	if err != nil {
		return err
	}
	return a.LogArtifact(ctx, runID, localPath, artifactPath)
}

// LogArtifacts copies what is in the folder localDir into the folder artifactPath, merging with
// what is there. MLflow: log_artifacts.
func (c *Client) LogArtifacts(ctx context.Context, runID, localDir, artifactPath string) error {
	a, err := capability[ArtifactStore](c, "log artifacts")
	if err != nil {
		return err
	}
	return a.LogArtifacts(ctx, runID, localDir, artifactPath)
}

// WriteArtifact stores what r gives as the file artifactPath. The file appears whole or not at all.
func (c *Client) WriteArtifact(ctx context.Context, runID, artifactPath string, r io.Reader) error {
	a, err := capability[ArtifactStore](c, "write artifact")
	if err != nil {
		return err
	}
	return a.WriteArtifact(ctx, runID, artifactPath, r)
}

// Artifacts lists what is directly in the folder artifactPath, by name. A file or a missing path
// gives an empty list, as in MLflow. MLflow: list_artifacts.
func (c *Client) Artifacts(ctx context.Context, runID, artifactPath string) ([]FileInfo, error) {
	a, err := capability[ArtifactStore](c, "list artifacts")
	if err != nil {
		return nil, err
	}
	return a.Artifacts(ctx, runID, artifactPath)
}

// OpenArtifact opens a file for reading. The caller closes it.
func (c *Client) OpenArtifact(ctx context.Context, runID, artifactPath string) (io.ReadCloser, error) {
	a, err := capability[ArtifactStore](c, "open artifact")
	if err != nil {
		return nil, err
	}
	return a.OpenArtifact(ctx, runID, artifactPath)
}

// DownloadArtifacts copies the file or folder artifactPath to below the existing folder localDir
// and returns where it is. MLflow: download_artifacts.
func (c *Client) DownloadArtifacts(ctx context.Context, runID, artifactPath, localDir string) (string, error) {
	a, err := capability[ArtifactStore](c, "download artifacts")
	if err != nil {
		return "", err
	}
	return a.DownloadArtifacts(ctx, runID, artifactPath, localDir)
}

// DeleteArtifacts removes a file or folder; a missing one is no error. "" removes all artifacts and
// keeps the folder.
func (c *Client) DeleteArtifacts(ctx context.Context, runID, artifactPath string) error {
	a, err := capability[ArtifactStore](c, "delete artifacts")
	if err != nil {
		return err
	}
	return a.DeleteArtifacts(ctx, runID, artifactPath)
}

// ArtifactRoot is the URI of the run's artifacts as they lie now, which in a moved store differs
// from RunInfo.ArtifactURI.
func (c *Client) ArtifactRoot(ctx context.Context, runID string) (string, error) {
	a, err := capability[ArtifactStore](c, "artifact root")
	if err != nil {
		return "", err
	}
	return a.ArtifactRoot(ctx, runID)
}
