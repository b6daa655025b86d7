package filestore

import (
	"context"
	"io"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

var _ mlruns.ArtifactStore = (*Store)(nil)

// locate opens the place of a run's artifacts.
func (s *Store) locate(ctx context.Context, runID string, writing bool) (*artifacts.Place, error) {
	ref, f, err := s.find.OpenRun(ctx, runID)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := records.ReadRunInfo(ctx, f, layout.Meta, ref)
	if err != nil {
		return nil, records.RunError(runID, err)
	}
	r := s.find.ArtifactsOf(ref, info, s.find.RootsOnce(ctx))
	r.ForWriting = writing
	place, err := artifacts.Locate(r)
	if err == nil && place.Problem != nil {
		s.find.ProblemsFor(nil).Add(mlruns.Problem{Kind: place.Problem.Kind, Path: layout.Join(ref.Dir, layout.Artifacts), Reason: place.Problem.Reason})
	}
	if err == nil {
		problems := s.find.ProblemsFor(nil)
		place.LeftOut = func(p, reason string) { problems.Add(records.LeftOut(ref, p, reason)) }
	}
	return place, err
}

// readArtifacts calls do with the place of a run's artifacts.
func (s *Store) readArtifacts(ctx context.Context, op, runID string, do func(*artifacts.Repository) error) error {
	if err := s.begin(ctx); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.useArtifacts(ctx, runID, false, do))
}

// writeArtifacts is readArtifacts for what writes. With SyncMeta and SyncAlways each file is
// durable when the call returns.
func (s *Store) writeArtifacts(ctx context.Context, op, runID string, do func(*artifacts.Repository) error) error {
	if err := s.beginWrite(ctx); err != nil {
		return fail(op, runID, err)
	}
	return fail(op, runID, s.useArtifacts(ctx, runID, true, do))
}

func (s *Store) useArtifacts(ctx context.Context, runID string, writing bool, do func(*artifacts.Repository) error) error {
	place, err := s.locate(ctx, runID, writing)
	if err != nil {
		return err
	}
	defer place.Close()
	return do(place.Repository(s.syncs(SyncMeta)))
}

// LogArtifact implements mlruns.ArtifactStore. The commit point of each file is its rename.
func (s *Store) LogArtifact(ctx context.Context, runID, localPath, artifactPath string) error {
	return s.writeArtifacts(ctx, "log artifact", runID, func(r *artifacts.Repository) error { return r.Log(ctx, localPath, artifactPath) })
}

// LogArtifacts implements mlruns.ArtifactStore. The commit point of each file is its rename;
// calling again goes on where a failure ended it.
func (s *Store) LogArtifacts(ctx context.Context, runID, localDir, artifactPath string) error {
	return s.writeArtifacts(ctx, "log artifacts", runID, func(r *artifacts.Repository) error { return r.LogTree(ctx, localDir, artifactPath) })
}

// WriteArtifact implements mlruns.ArtifactStore. The commit point is the rename.
func (s *Store) WriteArtifact(ctx context.Context, runID, artifactPath string, src io.Reader) error {
	return s.writeArtifacts(ctx, "write artifact", runID, func(r *artifacts.Repository) error { return r.Write(ctx, artifactPath, src) })
}

// DeleteArtifacts implements mlruns.ArtifactStore.
func (s *Store) DeleteArtifacts(ctx context.Context, runID, artifactPath string) error {
	return s.writeArtifacts(ctx, "delete artifacts", runID, func(r *artifacts.Repository) error { return r.Delete(ctx, artifactPath) })
}

// Artifacts implements mlruns.ArtifactStore.
func (s *Store) Artifacts(ctx context.Context, runID, artifactPath string) (list []mlruns.FileInfo, err error) {
	err = s.readArtifacts(ctx, "list artifacts", runID, func(r *artifacts.Repository) (err error) {
		list, err = r.List(ctx, artifactPath)
		return err
	})
	return list, err
}

// OpenArtifact implements mlruns.ArtifactStore.
func (s *Store) OpenArtifact(ctx context.Context, runID, artifactPath string) (file io.ReadCloser, err error) {
	err = s.readArtifacts(ctx, "open artifact", runID, func(r *artifacts.Repository) (err error) {
		file, err = r.Open(ctx, artifactPath)
		return err
	})
	return file, err
}

// DownloadArtifacts implements mlruns.ArtifactStore.
func (s *Store) DownloadArtifacts(ctx context.Context, runID, artifactPath, localDir string) (to string, err error) {
	err = s.readArtifacts(ctx, "download artifacts", runID, func(r *artifacts.Repository) (err error) {
		to, err = r.Download(ctx, artifactPath, localDir)
		return err
	})
	return to, err
}

// ArtifactRoot implements mlruns.ArtifactStore.
func (s *Store) ArtifactRoot(ctx context.Context, runID string) (string, error) {
	const op = "artifact root"
	if err := s.begin(ctx); err != nil {
		return "", fail(op, runID, err)
	}
	place, err := s.locate(ctx, runID, false)
	if err != nil {
		return "", fail(op, runID, err)
	}
	defer place.Close()
	return place.URI, nil
}
