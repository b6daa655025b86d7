package locate

import (
	"context"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
)

// NewArtifactURI is where a new run's artifacts are: below its experiment's location, or below the
// store as it lies now if the experiment has moved with it.
func (l *Locator) NewArtifactURI(ctx context.Context, e mlruns.Experiment, runID string) (string, error) {
	location := e.ArtifactLocation
	if _, moved := l.MovedFrom(location, e.ID); location == "" || moved {
		var err error
		if location, err = artifacts.Append(l.URI, e.ID); err != nil {
			return "", err
		}
	} else if at, ok := l.InStore(location, l.RootsOnce(ctx)); ok && at.Root != l.Root() {
		location = artifacts.Relocated(location, path.Join(l.Root(), at.Rel))
	}
	return artifacts.Append(location, runID, layout.Artifacts)
}

// RootsOnce is RecordedRoots, read when it is asked for first.
func (l *Locator) RootsOnce(ctx context.Context) func() []string {
	return sync.OnceValue(func() []string { return l.RecordedRoots(ctx) })
}

// MovedFrom reports whether a location ends in tail, as one below the store's directory does, but
// is recorded for another place, where this store or the one it was copied from was. It gives the
// recorded path, cleaned.
func (l *Locator) MovedFrom(location, tail string) (recorded string, ok bool) {
	recorded, ok = artifacts.RecordedPath(location)
	if !ok || !strings.HasSuffix("/"+recorded, "/"+tail) {
		return "", false
	}
	if own := l.ownArtifactRoot(); own != "" && strings.HasPrefix(recorded+"/", filepath.ToSlash(own)+"/") {
		return "", false
	}
	if _, _, mapped := artifacts.Mapped(l.Mappings, location); mapped {
		return "", false
	}
	return recorded, recorded != path.Join(l.Root(), tail)
}

// ownArtifactRoot is the local directory of WithArtifactRoot, "" without one.
func (l *Locator) ownArtifactRoot() string {
	if l.ArtifactRoot == "" {
		return ""
	}
	root, err := AbsoluteLocation(l.ArtifactRoot)
	if err != nil {
		return ""
	}
	local, err := artifacts.LocalPath(root)
	if err != nil {
		return "" // of another scheme
	}
	return filepath.FromSlash(path.Clean(local))
}

// ArtifactsOf is what package artifacts needs to know of a run. roots are the recorded ones.
func (l *Locator) ArtifactsOf(ref records.RunRef, info mlruns.RunInfo, roots func() []string) artifacts.Run {
	r := artifacts.Run{RecordedURI: info.ArtifactURI, ExperimentID: info.ExperimentID, RunID: info.ID, Fs: l.Tree.FS, Dir: l.Tree.Path(ref.Dir),
		OwnRoot: l.ownArtifactRoot(), Mappings: l.Mappings, Allowed: l.ArtifactRoots, ReadOnly: l.ReadOnly}
	r.RealDir, _ = l.Tree.FS.RealPath(r.Dir)
	r.InStore = func() (folder, uri string, ok bool) {
		dir, ok := l.ArtifactFolder(ref, info.ArtifactURI, roots)
		folder, uri = l.Tree.Path(dir), l.Tree.Path(dir)
		if real, onDisk := l.Tree.FS.RealPath(folder); onDisk {
			uri = artifacts.FileURI(filepath.ToSlash(real))
			if recorded, _ := artifacts.RecordedPath(info.ArtifactURI); recorded == filepath.ToSlash(real) {
				uri = info.ArtifactURI
			}
		}
		return folder, uri, ok
	}
	return r
}

// openArtifacts opens the place of the artifacts of a run, or of a logged model or a trace by its
// Holder, of which location is recorded.
func (l *Locator) openArtifacts(ctx context.Context, ref records.RunRef, location string, writing bool) (*artifacts.Place, error) {
	info := mlruns.RunInfo{ID: ref.ID, ExperimentID: ref.Experiment.ID, ArtifactURI: location}
	r := l.ArtifactsOf(ref, info, l.RootsOnce(ctx))
	r.ForWriting = writing
	place, err := artifacts.Locate(r)
	if err != nil {
		return nil, err
	}
	problems := l.ProblemsFor(nil)
	if place.Problem != nil {
		problems.Add(mlruns.Problem{Kind: place.Problem.Kind, Path: layout.Join(ref.Dir, layout.Artifacts), Reason: place.Problem.Reason})
	}
	place.LeftOut = func(p, reason string) { problems.Add(records.LeftOut(ref, p, reason)) }
	return place, nil
}

// RunArtifacts calls do with the place of the artifacts of a run. What reads is done again where
// the run has moved meanwhile: what is missing at the place that it has left is there at the other.
func (l *Locator) RunArtifacts(ctx context.Context, runID string, writing bool, do func(*artifacts.Place) error) error {
	return l.useArtifacts(ctx, writing, func(_ records.RunRef, p *artifacts.Place) error { return do(p) }, func() (ref records.RunRef, location string, err error) {
		ref, f, err := l.OpenRun(ctx, runID)
		if err != nil {
			return ref, "", err
		}
		defer f.Close()
		info, err := records.ReadRunInfo(ctx, f, layout.Meta, ref)
		if err != nil {
			err = records.RunError(runID, err)
		}
		return ref, info.ArtifactURI, err
	})
}

// ModelArtifacts is RunArtifacts of a logged model.
func (l *Locator) ModelArtifacts(ctx context.Context, modelID string, writing bool, do func(*artifacts.Place) error) error {
	return l.useArtifacts(ctx, writing, func(_ records.RunRef, p *artifacts.Place) error { return do(p) }, func() (records.RunRef, string, error) {
		ref, err := l.FindModel(ctx, modelID)
		if err != nil {
			return records.RunRef{}, "", err
		}
		m, _, err := l.Records.ModelDocument(ctx, ref)
		switch {
		case err != nil:
			err = records.ModelError(modelID, err)
		case m.Stage == mlruns.StageDeleted:
			err = failure.ModelNotFound(modelID)
		}
		return ref.Holder(), m.ArtifactLocation, err
	})
}

// TraceArtifacts is RunArtifacts of a trace, and tells where it lies.
func (l *Locator) TraceArtifacts(ctx context.Context, traceID string, writing bool, do func(records.RunRef, *artifacts.Place) error) error {
	return l.useArtifacts(ctx, writing, do, func() (records.RunRef, string, error) {
		ref, t, err := l.Trace(ctx, traceID)
		if err != nil {
			return records.RunRef{}, "", err
		}
		return ref.Holder(), t.ArtifactLocation, nil
	})
}

func (l *Locator) useArtifacts(ctx context.Context, writing bool, do func(records.RunRef, *artifacts.Place) error, find func() (ref records.RunRef, location string, err error)) error {
	for i := 1; ; i++ {
		ref, location, err := find()
		if err != nil {
			return err
		}
		place, err := l.openArtifacts(ctx, ref, location, writing)
		if err == nil {
			err = do(ref, place)
			_ = place.Close()
		}
		if writing || i == maxLooks {
			return err
		}
		if there, lookErr := l.Tree.HasDir(ref.Dir); there || lookErr != nil {
			return err
		}
	}
}

// DefaultLocation is the artifact location of an experiment that named none.
func (l *Locator) DefaultLocation(id string) (string, error) {
	if l.ArtifactRoot == "" {
		return artifacts.Append(l.URI, id)
	}
	root, err := AbsoluteLocation(l.ArtifactRoot)
	if err != nil {
		return "", err
	}
	return artifacts.Append(root, id)
}

// AbsoluteLocation makes a local relative location absolute, as MLflow ≥ 2.2 does; everything else,
// "" too, stays as it is.
func AbsoluteLocation(location string) (string, error) {
	if location == "" {
		return "", nil
	}
	cwd, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	return artifacts.Absolute(location, filepath.ToSlash(cwd))
}
