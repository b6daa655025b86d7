package query

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// siftSize is how many experiments a goroutine looks at at once.
const siftSize = 32

// sifter leaves out the experiments whose meta.yaml looks as it did when it had another name, nil
// if nothing is known of them. Most of what a name costs are these looks, so nothing is made of
// what the index has.
func (x *cachedExperiments) sifter(ctx context.Context, name string) locate.ExperimentSifter {
	if x.session == nil {
		return nil
	}
	return func(root vfs.Folder, refs []records.ExperimentRef) []records.ExperimentRef {
		others := make([]bool, len(refs))
		var next atomic.Int64
		sift := func() {
			rows := map[bool]*index.Cursor{false: x.active.part.Cursor(), true: x.deleted.part.Cursor()}
			for ctx.Err() == nil {
				from := min(int(next.Add(siftSize))-siftSize, len(refs))
				some := refs[from:min(from+siftSize, len(refs))]
				if len(some) == 0 {
					return
				}
				x.siftSome(root, some, name, rows, others[from:])
			}
		}
		var workers sync.WaitGroup
		for range min(x.searcher.parallelism, (len(refs)+siftSize-1)/siftSize) - 1 {
			workers.Go(sift)
		}
		sift()
		workers.Wait()
		var left []records.ExperimentRef
		for i, ref := range refs {
			if !others[i] || isTwice(refs, ref) {
				left = append(left, ref)
			}
		}
		return left
	}
}

// siftSome tells which experiments have another name.
func (x *cachedExperiments) siftSome(root vfs.Folder, refs []records.ExperimentRef, name string, rows map[bool]*index.Cursor, others []bool) {
	hits := int64(0)
	for i, ref := range refs {
		l, _ := x.in(ref.Trashed)
		row := rows[ref.Trashed]
		if row.Find(ref.ID); !l.isFolder(ref.ID, row) {
			continue
		}
		cell, ok := row.Cell(layout.Meta)
		if !ok {
			continue
		}
		id, err := root.Look(ref.Dir, layout.Meta)
		if err != nil {
			continue
		}
		if at := x.session.judge(id, 0); at.stamp != 0 && at.stamp == cell.Stamp && isOfAnother(cell.Value, name) {
			others[i] = true
			hits++
		}
	}
	x.session.looks.Add(int64(len(refs)))
	x.session.hits.Add(hits)
	x.spared.Add(hits)
}

// isTwice reports whether the id of an experiment is both in the root and in the trash. Those in
// the root come first; both are sorted.
func isTwice(refs []records.ExperimentRef, ref records.ExperimentRef) bool {
	if refs[0].Trashed == refs[len(refs)-1].Trashed {
		return false
	}
	_, other := slices.BinarySearchFunc(refs, records.NewExperimentRef(ref.ID, !ref.Trashed), func(a, b records.ExperimentRef) int {
		if a.Trashed != b.Trashed {
			if b.Trashed {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	return other
}
