package query

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/search"
)

// keyed is a record of which only the id and the start matter.
type keyed struct {
	search.Record
	id    string
	start int64
}

func (k keyed) Text(search.Attribute) (string, bool) { return k.id, true }

func (k keyed) Time(search.Attribute) (int64, bool) { return k.start, true }

// TestBest holds the bounded heap against a sort of everything, whatever the order of the offers
// and however many goroutines make them.
func TestBest(t *testing.T) {
	order, err := search.ParseRunOrder(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 2, 10, 500} {
		runs := make([]keyed, n)
		for i := range runs {
			runs[i] = keyed{id: fmt.Sprintf("%03d", i), start: rand.Int64N(50)}
		}
		rand.Shuffle(n, func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
		want := slices.Clone(runs)
		slices.SortFunc(want, func(a, b keyed) int {
			if a.start != b.start {
				return int(b.start - a.start)
			}
			return strings.Compare(a.id, b.id)
		})
		for _, limit := range []int{1, 2, 3, 10, 499, 500, 501, unlimited} {
			found := topK{order: order, limit: limit}
			var all sync.WaitGroup
			for part := range slices.Chunk(runs, max(n/3, 1)) {
				all.Go(func() {
					var key search.Key
					for _, r := range part {
						key = order.KeyInto(key, r)
						key = found.offer(candidate{ref: records.NewRunRef(records.NewExperimentRef("0", false), r.id), key: key})
					}
				})
			}
			all.Wait()
			got := found.sorted()
			if len(got) != min(n, limit) || found.offered != n {
				t.Fatalf("%d of %d: %d kept, %d offered", limit, n, len(got), found.offered)
			}
			for i, c := range got {
				if c.ref.ID != want[i].id {
					t.Fatalf("%d of %d: %s at %d, want %s", limit, n, c.ref.ID, i, want[i].id)
				}
			}
		}
	}
}
