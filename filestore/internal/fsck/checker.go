package fsck

import (
	"context"
	"iter"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/lifecycle"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// Checker verifies and repairs a store.
type Checker struct {
	tree    *dir.Tree
	records *records.Reader
	find    *locate.Locator
	life    *lifecycle.Mover
	locks   *dirlock.Locker
	now     func() time.Time
}

// New is the Checker of a store whose clock is now.
func New(find *locate.Locator, life *lifecycle.Mover, now func() time.Time) *Checker {
	return &Checker{tree: find.Tree, records: find.Records, find: find, life: life, locks: find.Locks, now: now}
}

// Verify is filestore's Verify.
func (c *Checker) Verify(ctx context.Context, q mlruns.VerifyQuery) iter.Seq2[mlruns.Problem, error] {
	return func(yield func(mlruns.Problem, error) bool) {
		err := c.inspect(ctx, q.Progress, func(f finding) bool {
			for _, problem := range f.problems {
				if !yield(problem, nil) {
					return false
				}
			}
			return true
		})
		if err != nil {
			yield(mlruns.Problem{}, err)
		}
	}
}
