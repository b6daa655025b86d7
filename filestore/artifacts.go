package filestore

import (
	"context"
	"io"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
)

var _ mlruns.ArtifactStore = (*Store)(nil)

// useArtifacts calls do with the place of the artifacts of a run or a logged model.
type useArtifacts func(ctx context.Context, id string, writing bool, do func(*artifacts.Place) error) error

// readArtifacts is use as an operation. It may call do several times.
func (s *Store) readArtifacts(ctx context.Context, op string, use useArtifacts, id string, do func(*artifacts.Place) error) error {
	if err := s.begin(ctx); err != nil {
		return fail(op, id, err)
	}
	return fail(op, id, use(ctx, id, false, do))
}

// writeArtifacts is readArtifacts for what writes. With SyncMeta and SyncAlways each file is
// durable when the call returns.
func (s *Store) writeArtifacts(ctx context.Context, op string, use useArtifacts, id string, do func(*artifacts.Repository) error) error {
	if err := s.beginWrite(ctx); err != nil {
		return fail(op, id, err)
	}
	m, leave := s.tree.Join()
	defer leave()
	return fail(op, id, use(ctx, id, true, func(p *artifacts.Place) error {
		if p.InStore && m.Holds(p.TempDir) {
			p.Settle = m.Sync
		}
		return do(p.Repository(s.syncs(SyncMeta)))
	}))
}

// LogArtifact implements mlruns.ArtifactStore. The commit point of each file is its rename.
func (s *Store) LogArtifact(ctx context.Context, runID, localPath, artifactPath string) error {
	return s.writeArtifacts(ctx, "log artifact", s.find.RunArtifacts, runID, func(r *artifacts.Repository) error { return r.Log(ctx, localPath, artifactPath) })
}

// LogArtifacts implements mlruns.ArtifactStore. The commit point of each file is its rename;
// calling again goes on where a failure ended it.
func (s *Store) LogArtifacts(ctx context.Context, runID, localDir, artifactPath string) error {
	return s.writeArtifacts(ctx, "log artifacts", s.find.RunArtifacts, runID, func(r *artifacts.Repository) error { return r.LogTree(ctx, localDir, artifactPath) })
}

// WriteArtifact implements mlruns.ArtifactStore. The commit point is the rename.
func (s *Store) WriteArtifact(ctx context.Context, runID, artifactPath string, src io.Reader) error {
	return s.writeArtifacts(ctx, "write artifact", s.find.RunArtifacts, runID, func(r *artifacts.Repository) error { return r.Write(ctx, artifactPath, src) })
}

// DeleteArtifacts implements mlruns.ArtifactStore.
func (s *Store) DeleteArtifacts(ctx context.Context, runID, artifactPath string) error {
	return s.writeArtifacts(ctx, "delete artifacts", s.find.RunArtifacts, runID, func(r *artifacts.Repository) error { return r.Delete(ctx, artifactPath) })
}

// Artifacts implements mlruns.ArtifactStore.
func (s *Store) Artifacts(ctx context.Context, runID, artifactPath string) (list []mlruns.FileInfo, err error) {
	err = s.readArtifacts(ctx, "list artifacts", s.find.RunArtifacts, runID, func(p *artifacts.Place) (err error) {
		list, err = p.Repository(false).List(ctx, artifactPath)
		return err
	})
	return list, err
}

// OpenArtifact implements mlruns.ArtifactStore.
func (s *Store) OpenArtifact(ctx context.Context, runID, artifactPath string) (file io.ReadCloser, err error) {
	err = s.readArtifacts(ctx, "open artifact", s.find.RunArtifacts, runID, func(p *artifacts.Place) (err error) {
		if file != nil { // of the place that the run has left
			_ = file.Close()
		}
		file, err = p.Repository(false).Open(ctx, artifactPath)
		return err
	})
	return file, err
}

// DownloadArtifacts implements mlruns.ArtifactStore.
func (s *Store) DownloadArtifacts(ctx context.Context, runID, artifactPath, localDir string) (to string, err error) {
	err = s.readArtifacts(ctx, "download artifacts", s.find.RunArtifacts, runID, func(p *artifacts.Place) (err error) {
		to, err = p.Repository(false).Download(ctx, artifactPath, localDir)
		return err
	})
	return to, err
}

// ArtifactRoot implements mlruns.ArtifactStore.
func (s *Store) ArtifactRoot(ctx context.Context, runID string) (uri string, err error) {
	err = s.readArtifacts(ctx, "artifact root", s.find.RunArtifacts, runID, func(p *artifacts.Place) error {
		uri = p.URI
		return nil
	})
	return uri, err
}
