package filestore

import (
	"context"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/dirlock"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// keptRun is a run with its lock file and some of its metric files open. What it knows is guarded by the run's lock, but for users and gone.
type keptRun struct {
	ref     runRef
	lock    *dirlock.Kept
	meta    string // the path of meta.yaml in the file system
	info    mlruns.RunInfo
	seen    rootfs.Sight // of meta.yaml, before info was read from it
	settled bool         // whoever changes meta.yaml after that look changes the sight of it, too
	metrics map[string]*keptMetric

	users int  // guarded by keptRuns.mu
	gone  bool // guarded by keptRuns.mu: out of the cache, and closed when the last use ends
}

// tick is more than the longest step of a clock by which a file system marks changes (10 ms where the kernel's clock has 100 Hz). Of two changes within one step
// the second may leave the same mark, so a file that was changed so lately is read again the next time, as in git's index.
const tick = 20 * time.Millisecond

// lookAtMeta looks at a meta.yaml that is about to be read.
func (k *keptRuns) lookAtMeta(name string) (seen rootfs.Sight, settled bool, err error) {
	now := time.Now()
	seen, err = k.looker.Look(name, true)
	return seen, now.Sub(time.Unix(0, seen.Changed)) >= tick, err
}

// refresh makes sure that a kept run, just locked, is still the one that its path leads to, and brings info up to date; false if it is to be looked for again.
// meta.yaml at its path and unchanged, its name and place included, says that the folder is where it was.
func (s *Store) refresh(ctx context.Context, r *keptRun) bool {
	if r.settled {
		if now, err := s.kept.looker.Look(r.meta, true); err == nil && now == r.seen {
			return true
		}
	}
	if here, err := r.lock.Here(); err != nil || !here {
		return false
	}
	seen, settled, err := s.kept.lookAtMeta(r.meta)
	if err != nil {
		return false
	}
	info, _, err := s.readLockedRun(ctx, r.ref)
	if err != nil {
		return false // what is wrong is told by the way that keeps nothing
	}
	r.info, r.seen, r.settled = info, seen, settled
	return true
}
