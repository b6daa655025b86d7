package query

import (
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/search"
)

// candidate is a run that matches, with what it is ordered by.
type candidate struct {
	ref    records.RunRef
	key    search.Key
	looked uint64 // see cachedRun
	served standing
}

// topK keeps the first of all candidates in an order, as many as are wanted, from any number of
// goroutines. Until there are more than that it is a list; from then on a heap with the last of
// them at its root, so that a page of ten is no sort of ten thousand.
type topK struct {
	order *search.Order
	limit int // at least 1

	mu      sync.Mutex
	list    []candidate
	heaped  bool
	offered int
}

// unlimited keeps all.
const unlimited = math.MaxInt

// offer takes a candidate and gives back a key whose memory the caller may use again.
func (b *topK) offer(c candidate) search.Key {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.offered++
	if len(b.list) < b.limit {
		b.list = append(b.list, c)
		return search.Key{}
	}
	if !b.heaped {
		b.heaped = true
		for i := len(b.list)/2 - 1; i >= 0; i-- {
			b.sink(i)
		}
	}
	if b.compare(c, b.list[0]) >= 0 {
		return c.key
	}
	free := b.list[0].key
	b.list[0] = c
	b.sink(0)
	return free
}

// sink moves a candidate down to its place in the heap.
func (b *topK) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(b.list) {
			return
		}
		if right := child + 1; right < len(b.list) && b.compare(b.list[right], b.list[child]) > 0 {
			child = right
		}
		if b.compare(b.list[i], b.list[child]) >= 0 {
			return
		}
		b.list[i], b.list[child] = b.list[child], b.list[i]
		i = child
	}
}

// sorted gives what was kept, in order.
func (b *topK) sorted() []candidate {
	slices.SortFunc(b.list, b.compare)
	return b.list
}

// compare ends with the folders: in a damaged store two runs can have one id.
func (b *topK) compare(x, y candidate) int {
	if order := b.order.Compare(x.key, y.key); order != 0 {
		return order
	}
	return strings.Compare(x.ref.Dir, y.ref.Dir)
}
