package lifecycle

import (
	"log/slog"
	"time"

	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// Mover moves experiments between the root and the trash, and marks runs and experiments active or
// deleted. Who takes a single step holds the experiment's lock.
type Mover struct {
	tree    *dir.Tree
	records *records.Reader
	find    *locate.Locator
	locks   *dirlock.Locker
	logger  *slog.Logger
	now     func() time.Time
}

// New is the Mover of the store in which a Locator finds, and whose clock is now.
func New(find *locate.Locator, now func() time.Time) *Mover {
	return &Mover{tree: find.Tree, records: find.Records, find: find, locks: find.Locks, logger: find.Logger, now: now}
}
