package query

import (
	"io/fs"
	"iter"
	"sync/atomic"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/index"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/internal/vfs"
)

// runList are the runs of an experiment: as they were listed, or the rows that the index has.
type runList struct {
	ids   []string
	links map[string]bool // which of these are links
	rows  []int           // how many there are of each group; nil: they were listed
}

// runs opens an experiment and tells which runs it has. A folder that looks as it did when the
// index was made is not listed again: what comes, goes or gets another name changes it. A server's
// always is.
func (sc *scan) runs(e records.ExperimentRef) (records.ExperimentRef, runList, vfs.Folder, error) {
	var list runList
	var at seen
	own := &records.Problems{}
	e, ids, links, f, err := sc.search.find.ListRuns(e, own, func(e records.ExperimentRef, f vfs.Folder) (known bool) {
		if sc.session != nil && !sc.session.index.Served {
			at, _ = sc.session.look(f, ".", fs.ModeDir)
			list.rows, known = sc.session.part(e.Dir).Listed(at.stamp)
		}
		return known
	})
	passOn(own, sc.problems)
	if list.rows == nil && err == nil {
		list.ids, list.links = ids, links
		if sc.session != nil {
			sc.session.list(e.Dir, listing{ids, stateOf(at, links == nil, own.List)})
		}
	}
	return e, list, f, err
}

// stateOf is the state of a folder that tells by itself what it has. A problem is to be told each
// time, and of a link the folder tells nothing.
func stateOf(at seen, plain bool, problems []mlruns.Problem) index.Stamp {
	if !plain || len(problems) > 0 || !at.kept {
		return 0
	}
	return at.stamp
}

// span are some runs of a list: of a group, or of the ids.
type span struct{ group, from, to int }

// spanSize is how many runs a goroutine takes at once.
const spanSize = 16

func (l runList) spans() []span {
	rows := l.rows
	if rows == nil {
		rows = []int{len(l.ids)}
	}
	var spans []span
	for group, n := range rows {
		for from := 0; from < n; from += spanSize {
			spans = append(spans, span{group, from, min(from+spanSize, n)})
		}
	}
	return spans
}

// in goes through a span, and with a cursor to the row of each run.
func (l runList) in(s span, e records.ExperimentRef, row *index.Cursor) iter.Seq[records.RunRef] {
	return func(yield func(records.RunRef) bool) {
		for i := s.from; i < s.to; i++ {
			var ref records.RunRef
			if l.rows != nil {
				row.Go(s.group, i)
				ref = records.NewRunRef(e, row.Name())
			} else {
				ref = records.NewRunRef(e, l.ids[i])
				ref.Linked = l.links[ref.ID]
				row.Find(ref.ID)
			}
			if !yield(ref) {
				return
			}
		}
	}
}

// spansLeft counts of each group the spans that nobody has gone through yet, so that the index's
// memory for one is free when all have. It is nil for runs that were listed: they are in no order.
type spansLeft []atomic.Int32

func (l runList) left() spansLeft {
	left := make(spansLeft, len(l.rows))
	for i, n := range l.rows {
		left[i].Store(int32((n + spanSize - 1) / spanSize)) //nolint:gosec // groups are small
	}
	return left
}

// leave is told of a span that somebody went through with a cursor.
func (s spansLeft) leave(done span, part *index.Part, row *index.Cursor) {
	if len(s) == 0 {
		return
	}
	row.Leave(done.group)
	if s[done.group].Add(-1) == 0 {
		part.Release(done.group)
	}
}
