package lifecycle

import (
	"log/slog"

	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/dirlock"
)

// Mover moves experiments between the root and the trash, and marks runs and experiments active or
// deleted. Its callers hold the experiment's lock.
type Mover struct {
	tree    *dir.Tree
	records *records.Reader
	find    *locate.Locator
	locks   *dirlock.Locker
	logger  *slog.Logger
}

// New is the Mover of the store in which a Locator finds.
func New(find *locate.Locator) *Mover {
	return &Mover{tree: find.Tree, records: find.Records, find: find, locks: find.Locks, logger: find.Logger}
}
