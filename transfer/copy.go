package transfer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/mlruns/mlruns"
)

// Copy copies what the query selects from one store to another and yields an Item for each run,
// and for each experiment that it changed or could not copy. It goes on after what it cannot copy:
// an error comes last. Where several runs in a row cannot be copied for reasons that are not
// theirs, such as a full disk or a server that is gone, it ends.
//
// Two copies to one destination at once would find the same points missing. So a copy into a folder
// waits until no other one is under way there; see mlruns.CopyLocker. A server cannot tell: only
// one copy from a source to it may be under way at a time.
func Copy(ctx context.Context, dst, src mlruns.Store, q Query) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) { newCopier(dst, src, q).copy(ctx, yield) }
}

// copy is one pass, told as it goes, and tells how long that took when its turn had come.
func (c *copier) copy(ctx context.Context, yield func(Item, error) bool) (took time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	end, err := c.turn(ctx)
	if err != nil {
		yield(Item{}, err)
		return 0
	}
	defer end()
	begun := time.Now()
	items, ended := make(chan Item), make(chan error, 1)
	go func() {
		defer close(items)
		ended <- c.pass(ctx, func(it Item) {
			select {
			case items <- it:
			case <-ctx.Done():
			}
		})
	}()
	tally := tally{q: c.q, progress: Progress{Total: c.total(ctx)}}
	for it := range items {
		goOn := tally.add(ctx, &it)
		if !yield(it, nil) {
			cancel()
			for range items { //nolint:revive // until the workers have ended
			}
			return time.Since(begun)
		}
		if !goOn {
			cancel()
		}
	}
	if err := tally.end(<-ended); err != nil {
		yield(Item{}, err)
	}
	return time.Since(begun)
}

// tally sums up what was done.
type tally struct {
	q               Query
	progress        Progress
	failed, inARow  int
	first, hopeless error
}

// add reports whether there is hope for the next. What fails when the context is done says nothing
// of that.
func (t *tally) add(ctx context.Context, it *Item) bool {
	p := &t.progress
	if it.Kind == KindRun {
		p.Done++
	}
	p.Points, p.Files, p.Bytes = p.Points+it.Points, p.Files+it.Files, p.Bytes+it.Bytes
	if t.q.Progress != nil {
		t.q.Progress(*p)
	}
	if it.Err == nil {
		t.inARow = 0
		return true
	}
	t.failed++
	if t.first == nil {
		t.first = it.Err
	}
	if t.inARow++; ownFault(it.Err) || ctx.Err() != nil {
		t.inARow = 0
	}
	if t.inARow == workers {
		t.hopeless = it.Err
	}
	return t.hopeless == nil
}

func (t *tally) end(err error) error {
	switch {
	case t.hopeless != nil:
		return fmt.Errorf("copying ends, for %d in a row could not be copied: %w", workers, t.hopeless)
	case err == nil && t.failed > 0:
		return fmt.Errorf("%d could not be copied whole, the first: %w", t.failed, t.first)
	}
	return err
}

// ownFault reports whether a failure is about what was copied, so that the next may succeed.
func ownFault(err error) bool {
	if files := (*notRead)(nil); errors.As(err, &files) && !errors.Is(err, mlruns.ErrBusy) {
		return true
	}
	return isAnyOf(err, mlruns.ErrInvalid, mlruns.ErrNotFound, mlruns.ErrExists, mlruns.ErrNotActive, mlruns.ErrOutside, mlruns.ErrCorrupt)
}

func isAnyOf(err error, kinds ...error) bool {
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
