package filestore

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/vfs"
)

// keptRun is a run with its lock file, its meta.yaml and some of its metric files open. What it
// knows is guarded by the run's lock, but for users and gone.
type keptRun struct {
	ref     records.RunRef
	lock    *dirlock.Kept
	meta    afero.File
	seen    vfs.Identity // of meta, before info was read from it
	settled bool         // a change after that look is seen by the next
	info    mlruns.RunInfo
	metrics map[string]*keptMetric

	users int  // guarded by keptRuns.mu
	gone  bool // guarded by keptRuns.mu: out of the cache, and closed when the last use ends
}

// openMeta opens the meta.yaml that is about to be read, if that is where the run's path leads.
// settled is what r is after info was read.
func (s *Store) openMeta(r *keptRun) (settled bool, err error) {
	name := s.tree.Path(layout.Join(r.ref.Dir, layout.Meta))
	r.settled = false
	if r.meta != nil {
		_ = r.meta.Close()
		r.meta = nil
	}
	file, err := s.tree.FS.Open(name)
	if err != nil {
		return false, err
	}
	r.meta = file
	now := time.Now()
	if r.seen, err = s.kept.fs.IdentifyFile(file, true); err != nil {
		return false, err
	}
	path, err := s.kept.fs.Identify(name, false)
	if err == nil && (!path.Same(r.seen) || path.Device != s.kept.device) {
		err = locate.ErrRunMoved
	}
	return r.seen.Stable(now), err
}

// refresh makes sure that a kept run, just locked, is what its path leads to, and brings info up to
// date; false if it is to be looked for again. placed says that its place will be made sure of by a
// look at one of its files.
func (s *Store) refresh(ctx context.Context, r *keptRun, placed bool) bool {
	if !placed {
		if here, err := r.lock.Here(); err != nil || !here {
			return false
		}
	}
	if r.settled {
		// Whoever replaces, renames or rewrites the file changes this sight of it.
		if now, err := s.kept.fs.IdentifyFile(r.meta, true); err == nil && now == r.seen {
			return true
		}
	}
	settled, err := s.openMeta(r)
	if err != nil {
		return false
	}
	info, _, err := s.records.RunDocument(ctx, r.ref)
	if err != nil {
		return false // what is wrong is told by the way that keeps nothing
	}
	r.info, r.settled = info, settled
	return true
}

// close closes all that is open. The caller is the last who knows the run.
func (r *keptRun) close() error {
	err := r.lock.Close()
	if r.meta != nil {
		err = errors.Join(err, r.meta.Close())
	}
	for _, m := range r.metrics {
		err = errors.Join(err, m.file.Close())
	}
	return err
}
