package filestore

import (
	"context"
	"io"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/failure"
)

// placeOfModel opens the place of a model's artifacts, by the rules for those of a run.
func (s *Store) placeOfModel(ctx context.Context, modelID string, writing bool) (*artifacts.Place, error) {
	ref, err := s.find.FindModel(ctx, modelID)
	if err != nil {
		return nil, err
	}
	m, _, err := s.records.ModelDocument(ctx, ref)
	if err != nil {
		return nil, records.ModelError(modelID, err)
	}
	if m.Stage == mlruns.StageDeleted {
		return nil, failure.ModelNotFound(modelID)
	}
	return s.placeOf(ctx, ref.Holder(), m.ArtifactLocation, writing)
}

// placeOf opens the place of the artifacts of a run, model or trace.
func (s *Store) placeOf(ctx context.Context, holder records.RunRef, location string, writing bool) (*artifacts.Place, error) {
	info := mlruns.RunInfo{ID: holder.ID, ExperimentID: holder.Experiment.ID, ArtifactURI: location}
	r := s.find.ArtifactsOf(holder, info, s.find.RootsOnce(ctx))
	r.ForWriting = writing
	place, err := artifacts.Locate(r)
	if err != nil {
		return nil, err
	}
	problems := s.find.ProblemsFor(nil)
	if place.Problem != nil {
		problems.Add(mlruns.Problem{Kind: place.Problem.Kind, Path: holder.Dir + "/artifacts", Reason: place.Problem.Reason})
	}
	place.LeftOut = func(p, reason string) { problems.Add(records.LeftOut(holder, p, reason)) }
	return place, nil
}

// useModelArtifacts calls do with the place of a model's artifacts.
func (s *Store) useModelArtifacts(ctx context.Context, op, modelID string, writing bool, do func(*artifacts.Repository) error) error {
	begin := s.begin
	if writing {
		begin = s.beginWrite
	}
	if err := begin(ctx); err != nil {
		return fail(op, modelID, err)
	}
	place, err := s.placeOfModel(ctx, modelID, writing)
	if err != nil {
		return fail(op, modelID, err)
	}
	defer place.Close()
	return fail(op, modelID, do(place.Repository(s.syncs(SyncMeta))))
}

// LogModelArtifact implements mlruns.ModelStore. The commit point of each file is its rename.
func (s *Store) LogModelArtifact(ctx context.Context, modelID, localPath, artifactPath string) error {
	return s.useModelArtifacts(ctx, "log artifact of model", modelID, true, func(r *artifacts.Repository) error { return r.Log(ctx, localPath, artifactPath) })
}

// LogModelArtifacts implements mlruns.ModelStore. The commit point of each file is its rename.
func (s *Store) LogModelArtifacts(ctx context.Context, modelID, localDir, artifactPath string) error {
	return s.useModelArtifacts(ctx, "log artifacts of model", modelID, true, func(r *artifacts.Repository) error { return r.LogTree(ctx, localDir, artifactPath) })
}

// WriteModelArtifact implements mlruns.ModelStore. The commit point is the rename.
func (s *Store) WriteModelArtifact(ctx context.Context, modelID, artifactPath string, src io.Reader) error {
	return s.useModelArtifacts(ctx, "write artifact of model", modelID, true, func(r *artifacts.Repository) error { return r.Write(ctx, artifactPath, src) })
}

// DeleteModelArtifacts implements mlruns.ModelStore.
func (s *Store) DeleteModelArtifacts(ctx context.Context, modelID, artifactPath string) error {
	return s.useModelArtifacts(ctx, "delete artifacts of model", modelID, true, func(r *artifacts.Repository) error { return r.Delete(ctx, artifactPath) })
}

// ModelArtifacts implements mlruns.ModelStore.
func (s *Store) ModelArtifacts(ctx context.Context, modelID, artifactPath string) (list []mlruns.FileInfo, err error) {
	err = s.useModelArtifacts(ctx, "list artifacts of model", modelID, false, func(r *artifacts.Repository) (err error) {
		list, err = r.List(ctx, artifactPath)
		return err
	})
	return list, err
}

// OpenModelArtifact implements mlruns.ModelStore.
func (s *Store) OpenModelArtifact(ctx context.Context, modelID, artifactPath string) (file io.ReadCloser, err error) {
	err = s.useModelArtifacts(ctx, "open artifact of model", modelID, false, func(r *artifacts.Repository) (err error) {
		file, err = r.Open(ctx, artifactPath)
		return err
	})
	return file, err
}

// DownloadModelArtifacts implements mlruns.ModelStore.
func (s *Store) DownloadModelArtifacts(ctx context.Context, modelID, artifactPath, localDir string) (to string, err error) {
	err = s.useModelArtifacts(ctx, "download artifacts of model", modelID, false, func(r *artifacts.Repository) (err error) {
		to, err = r.Download(ctx, artifactPath, localDir)
		return err
	})
	return to, err
}

// ModelArtifactRoot implements mlruns.ModelStore.
func (s *Store) ModelArtifactRoot(ctx context.Context, modelID string) (string, error) {
	const op = "artifact root of model"
	if err := s.begin(ctx); err != nil {
		return "", fail(op, modelID, err)
	}
	place, err := s.placeOfModel(ctx, modelID, false)
	if err != nil {
		return "", fail(op, modelID, err)
	}
	defer place.Close()
	return place.URI, nil
}
