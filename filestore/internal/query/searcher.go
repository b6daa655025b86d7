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

	findIndex func() *Index  // nil: there is none
	writers   sync.WaitGroup // who make the next index
	writing   atomic.Bool
	failed    atomic.Int64 // when that failed last, in nanoseconds since 1970
}

// New is the Searcher of the store in which a Locator finds.
func New(find *locate.Locator) *Searcher {
	return &Searcher{tree: find.Tree, records: find.Records, find: find, parallelism: find.Parallelism}
}

// UseIndex makes the searches use an index, which find gives when the first of them begins; nil
// where there is none.
func (s *Searcher) UseIndex(find func() *Index) { s.findIndex = sync.OnceValue(find) }

// Index is where the index is and how it is used, nil where none is.
func (s *Searcher) Index() *Index {
	if s.findIndex == nil {
		return nil
	}
	return s.findIndex()
}

// Close waits until the index that is being made is there.
func (s *Searcher) Close() { s.writers.Wait() }
