package query

import (
	"sync"
	"sync/atomic"

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

	index   *Index
	writers sync.WaitGroup // who make the next index
	writing atomic.Bool
}

// New is the Searcher of the store in which a Locator finds.
func New(find *locate.Locator) *Searcher {
	return &Searcher{tree: find.Tree, records: find.Records, find: find, parallelism: find.Parallelism}
}

// UseIndex makes the searches that follow use an index.
func (s *Searcher) UseIndex(i *Index) { s.index = i }

// Close waits until the index that is being made is there.
func (s *Searcher) Close() { s.writers.Wait() }
