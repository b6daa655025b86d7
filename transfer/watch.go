package transfer

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mlruns/mlruns"
)

// Watch copies again and again until the context is done, which is no error: a folder that jobs are
// still writing to is kept copied to a server. It yields an Item where something was done, or where
// what is to be told of it is new. A copy that fails is an Item of its own, and is tried again.
//
// Between two copies it waits for the time every, and at least for twenty times as long as the last
// one took to look for what is new, unless that ended since a side was away: it is back at any
// moment. A run that looks as it did, by all but the histories behind its latest points, is passed
// over.
func Watch(ctx context.Context, dst, src mlruns.Store, q Query, every time.Duration) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		seen, told := map[string]uint64{}, map[string]string{}
		for {
			c := newCopier(dst, src, q)
			c.seen = seen
			goOn, away := true, false
			took := c.copy(ctx, func(it Item, err error) bool {
				if ctx.Err() != nil {
					return false
				}
				if err != nil {
					away = errors.Is(err, mlruns.ErrBusy)
					it = Item{Kind: KindCopy, Action: ActionNone, Err: err}
				}
				key, text := string(it.Kind)+it.SourceID, fmt.Sprintf("%+v", it)
				if it.Action == ActionNone && (told[key] == text || it.Err == nil && it.Whole() && len(it.Conflicts) == 0) {
					return true
				}
				told[key] = text
				goOn = yield(it, nil)
				return goOn
			})
			wait := every
			if !away {
				wait = max(every, 20*(took-c.working.total()))
			}
			if !goOn || !sleep(ctx, wait) {
				return
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// looks is what a run looks like without its histories: one that looks alike is taken to be as it
// was.
func (c *copier) looks(ctx context.Context, r *mlruns.Run) (uint64, error) {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%v", *r) // maps are printed by key
	if c.from != nil && !c.q.NoArtifacts {
		if _, err := c.src.(mlruns.ArtifactStore).ArtifactRoot(ctx, r.Info.ID); err == nil {
			sizes, err := c.from.sizes(ctx, r.Info.ID)
			if err != nil {
				return 0, err
			}
			for _, name := range slices.Sorted(maps.Keys(sizes)) {
				_, _ = fmt.Fprintln(h, name, sizes[name])
			}
		}
	}
	return h.Sum64(), nil
}

// watched copies a run unless it looks as it did when it was copied last.
func (v *visit) watched(ctx context.Context, r *mlruns.Run) {
	looks, err := v.looks(ctx, r)
	if err == nil && looks == v.seenBefore(r.Info.ID) {
		return
	}
	end := v.working.begin()
	it := v.run(ctx, r)
	end()
	if err == nil && it.Err == nil {
		v.remember(r.Info.ID, looks)
	}
	v.tell(it)
}

// working measures for how long at least one run, trace or model was being copied.
type working struct {
	mu    sync.Mutex
	n     int
	since time.Time
	sum   time.Duration
}

// begin is the beginning of a run's copy; end is its end.
func (w *working) begin() (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n++; w.n == 1 {
		w.since = time.Now()
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.n--; w.n == 0 {
			w.sum += time.Since(w.since)
		}
	}
}

// add is for what turned out to be a copy when it had ended. Beside others it is measured already.
func (w *working) add(took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.n == 0 {
		w.sum += took
	}
}

func (w *working) total() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sum
}

// seenBefore is what something looked like when it was copied last, 0 if it was not.
func (c *copier) seenBefore(id string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[id]
}

func (c *copier) remember(id string, looks uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[id] = looks
}
