package maintenance

import (
	"log/slog"
	"time"

	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/lifecycle"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// Maintainer removes from a store what is deleted, and rewrites where artifacts are recorded.
type Maintainer struct {
	tree    *dir.Tree
	records *records.Reader
	find    *locate.Locator
	life    *lifecycle.Mover
	locks   *dirlock.Locker
	logger  *slog.Logger
	now     func() time.Time
}

// New is the Maintainer of a store whose clock is now.
func New(find *locate.Locator, life *lifecycle.Mover, now func() time.Time) *Maintainer {
	return &Maintainer{tree: find.Tree, records: find.Records, find: find, life: life, locks: find.Locks, logger: find.Logger, now: now}
}
