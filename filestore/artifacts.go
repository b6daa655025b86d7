package filestore

import (
	"context"
	"io"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

var _ mlruns.ArtifactStore = (*Store)(nil)

// newArtifactURI is where a new run's artifacts are: below its experiment's location, or below the
// store as it lies now if the experiment has moved with it.
func (s *Store) newArtifactURI(ctx context.Context, e mlruns.Experiment, runID string) (string, error) {
	location := e.ArtifactLocation
	if _, moved := s.movedFrom(location, e.ID); location == "" || moved {
		var err error
		if location, err = artifacts.Append(s.uri, e.ID); err != nil {
			return "", err
		}
	} else if at, ok := s.inStore(location, s.rootsOnce(ctx)); ok && at.root != s.root() {
		location = artifacts.Relocated(location, path.Join(s.root(), at.rel))
	}
	return artifacts.Append(location, runID, layout.Artifacts)
}

// rootsOnce is recordedRoots, read when it is asked for first.
func (s *Store) rootsOnce(ctx context.Context) func() []string {
	return sync.OnceValue(func() []string { return s.recordedRoots(ctx) })
}

// movedFrom reports whether a location ends in tail, as one below the store's directory does, but
// is recorded for another place, where this store or the one it was copied from was. It gives the
// recorded path, cleaned.
func (s *Store) movedFrom(location, tail string) (recorded string, ok bool) {
	recorded, ok = artifacts.RecordedPath(location)
	if !ok || !strings.HasSuffix("/"+recorded, "/"+tail) {
		return "", false
	}
	if own := s.ownArtifactRoot(); own != "" && strings.HasPrefix(recorded+"/", filepath.ToSlash(own)+"/") {
		return "", false
	}
	if _, _, mapped := artifacts.Mapped(s.mappings, location); mapped {
		return "", false
	}
	return recorded, recorded != path.Join(s.root(), tail)
}

// ownArtifactRoot is the local directory of WithArtifactRoot, "" without one.
func (s *Store) ownArtifactRoot() string {
	if s.artifactRoot == "" {
		return ""
	}
	root, err := absoluteLocation(s.artifactRoot)
	if err != nil {
		return ""
	}
	local, err := artifacts.LocalPath(root)
	if err != nil {
		return "" // of another scheme
	}
	return filepath.FromSlash(path.Clean(local))
}

// locate opens the place of a run's artifacts.
func (s *Store) locate(ctx context.Context, runID string, writing bool) (*artifacts.Place, error) {
	ref, f, err := s.openRun(ctx, runID)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := records.ReadRunInfo(ctx, f, layout.Meta, ref)
	if err != nil {
		return nil, records.RunError(runID, err)
	}
	r := s.artifactsOf(ref, info, s.rootsOnce(ctx))
	r.ForWriting = writing
	place, err := artifacts.Locate(r)
	if err == nil && place.Problem != nil {
		s.logged(nil).Add(mlruns.Problem{Kind: place.Problem.Kind, Path: layout.Join(ref.Dir, layout.Artifacts), Reason: place.Problem.Reason})
	}
	if err == nil {
		problems := s.logged(nil)
		place.LeftOut = func(p, reason string) { problems.Add(leftOut(ref, p, reason)) }
	}
	return place, err
}

// leftOut is the problem of an artifact path that is left out.
func leftOut(ref records.RunRef, p, reason string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemLeftOut, Path: path.Join(ref.Dir, layout.Artifacts, p), Reason: reason}
}

// artifactsOf is what package artifacts needs to know of a run. roots are the recorded ones.
func (s *Store) artifactsOf(ref records.RunRef, info mlruns.RunInfo, roots func() []string) artifacts.Run {
	r := artifacts.Run{RecordedURI: info.ArtifactURI, ExperimentID: info.ExperimentID, RunID: info.ID, Fs: s.tree.FS, Dir: s.tree.Path(ref.Dir),
		OwnRoot: s.ownArtifactRoot(), Mappings: s.mappings, Allowed: s.artifactRoots, ReadOnly: s.readOnly}
	if s.tree.Native != nil {
		r.RealDir, _ = s.tree.Native.RealPath(r.Dir)
	}
	r.InStore = func() (folder, uri string, ok bool) {
		dir, ok := s.artifactFolder(ref, info.ArtifactURI, roots)
		folder, uri = s.tree.Path(dir), s.tree.Path(dir)
		if s.tree.Native != nil {
			if real, onDisk := s.tree.Native.RealPath(folder); onDisk {
				uri = artifacts.FileURI(filepath.ToSlash(real))
				if recorded, _ := artifacts.RecordedPath(info.ArtifactURI); recorded == filepath.ToSlash(real) {
					uri = info.ArtifactURI
				}
			}
		}
		return folder, uri, ok
	}
	return r
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
