package query

import (
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// Searcher answers queries over the runs and the experiments of a store. It is safe for concurrent
// use.
type Searcher struct {
	tree        *dir.Tree
	records     *records.Reader
	find        *locate.Locator
	parallelism int
}

// New is the Searcher of the store in which a Locator finds.
func New(find *locate.Locator) *Searcher {
	return &Searcher{tree: find.Tree, records: find.Records, find: find, parallelism: find.Parallelism}
}
