package filestore

import (
	"context"
	"io"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
)

// LogModelArtifact implements mlruns.ModelStore. The commit point of each file is its rename.
func (s *Store) LogModelArtifact(ctx context.Context, modelID, localPath, artifactPath string) error {
	return s.writeArtifacts(ctx, "log artifact of model", s.find.ModelArtifacts, modelID, func(r *artifacts.Repository) error { return r.Log(ctx, localPath, artifactPath) })
}

// LogModelArtifacts implements mlruns.ModelStore. The commit point of each file is its rename.
func (s *Store) LogModelArtifacts(ctx context.Context, modelID, localDir, artifactPath string) error {
	return s.writeArtifacts(ctx, "log artifacts of model", s.find.ModelArtifacts, modelID, func(r *artifacts.Repository) error { return r.LogTree(ctx, localDir, artifactPath) })
}

// WriteModelArtifact implements mlruns.ModelStore. The commit point is the rename.
func (s *Store) WriteModelArtifact(ctx context.Context, modelID, artifactPath string, src io.Reader) error {
	return s.writeArtifacts(ctx, "write artifact of model", s.find.ModelArtifacts, modelID, func(r *artifacts.Repository) error { return r.Write(ctx, artifactPath, src) })
}

// DeleteModelArtifacts implements mlruns.ModelStore.
func (s *Store) DeleteModelArtifacts(ctx context.Context, modelID, artifactPath string) error {
	return s.writeArtifacts(ctx, "delete artifacts of model", s.find.ModelArtifacts, modelID, func(r *artifacts.Repository) error { return r.Delete(ctx, artifactPath) })
}

// ModelArtifacts implements mlruns.ModelStore.
func (s *Store) ModelArtifacts(ctx context.Context, modelID, artifactPath string) (list []mlruns.FileInfo, err error) {
	err = s.readArtifacts(ctx, "list artifacts of model", s.find.ModelArtifacts, modelID, func(p *artifacts.Place) (err error) {
		list, err = p.Repository(false).List(ctx, artifactPath)
		return err
	})
	return list, err
}

// OpenModelArtifact implements mlruns.ModelStore.
func (s *Store) OpenModelArtifact(ctx context.Context, modelID, artifactPath string) (file io.ReadCloser, err error) {
	err = s.readArtifacts(ctx, "open artifact of model", s.find.ModelArtifacts, modelID, func(p *artifacts.Place) (err error) {
		if file != nil { // of the place that the model has left
			_ = file.Close()
		}
		file, err = p.Repository(false).Open(ctx, artifactPath)
		return err
	})
	return file, err
}

// DownloadModelArtifacts implements mlruns.ModelStore.
func (s *Store) DownloadModelArtifacts(ctx context.Context, modelID, artifactPath, localDir string) (to string, err error) {
	err = s.readArtifacts(ctx, "download artifacts of model", s.find.ModelArtifacts, modelID, func(p *artifacts.Place) (err error) {
		to, err = p.Repository(false).Download(ctx, artifactPath, localDir)
		return err
	})
	return to, err
}

// ModelArtifactRoot implements mlruns.ModelStore.
func (s *Store) ModelArtifactRoot(ctx context.Context, modelID string) (uri string, err error) {
	err = s.readArtifacts(ctx, "artifact root of model", s.find.ModelArtifacts, modelID, func(p *artifacts.Place) error {
		uri = p.URI
		return nil
	})
	return uri, err
}
