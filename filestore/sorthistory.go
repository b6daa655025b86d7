package filestore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// SortHistory implements mlruns.Importer. The commit point is the rename of the metric's file. A
// file with lines that are no points stays as it is; so does that of a run that is going on, where
// the file system has no links, for what MLflow appends to the old file meanwhile is carried over
// from a link to it. Where nothing is to be done nothing is locked.
func (s *Store) SortHistory(ctx context.Context, runID, key string, from int) (changed bool, err error) {
	defer wrap(&err, "sort history", runID)
	if err := s.beginSorting(ctx, key); err != nil {
		return false, err
	}
	ref, err := s.find.FindRun(ctx, runID)
	if err != nil {
		return false, err
	}
	h := history{store: s, folder: ref.Dir, key: key, from: from, parse: func(line []byte) (mlruns.Metric, error) {
		p, err := codec.ParsePoint(line)
		return p.Metric(key), err
	}}
	if _, _, wanted, err := h.read(); err != nil || !wanted {
		return false, err
	}
	s.batches.Forget(runID)
	err = s.find.WithRun(ctx, runID, locate.Always, func(ref records.RunRef, info mlruns.RunInfo, _ codec.Document) (err error) {
		h.folder, h.ended = ref.Dir, info.Status.Ended()
		changed, err = h.sort(ctx)
		return err
	})
	return changed, err
}

// SortModelHistory implements mlruns.Importer, as SortHistory.
func (s *Store) SortModelHistory(ctx context.Context, modelID, key string, from int) (changed bool, err error) {
	defer wrap(&err, "sort history of logged model", modelID)
	if err := s.beginSorting(ctx, key); err != nil {
		return false, err
	}
	ref, err := s.find.FindModel(ctx, modelID)
	if err != nil {
		return false, err
	}
	h := history{store: s, folder: ref.Dir, key: key, from: from, parse: func(line []byte) (mlruns.Metric, error) {
		p, err := codec.ParseModelPoint(line)
		return p.Metric(key), err
	}}
	if _, _, wanted, err := h.read(); err != nil || !wanted {
		return false, err
	}
	e, unlock, err := s.find.LockExperiment(ctx, ref.Experiment.ID)
	if err != nil {
		return false, err
	}
	defer s.find.Unlock(unlock)
	ref = records.NewModelRef(e, modelID)
	if _, _, err := s.records.ModelDocument(ctx, ref); err != nil {
		return false, records.ModelError(modelID, err)
	}
	h.folder = ref.Dir
	return h.sort(ctx)
}

func (s *Store) beginSorting(ctx context.Context, key string) error {
	if err := s.beginLogging(ctx); err != nil {
		return err
	}
	return cmp.Or(validate.Key("name", key), records.CheckKey("name", key))
}

// history is the file of a metric that is to be put in order after the first points.
type history struct {
	store       *Store
	folder, key string // of the run or model, and the metric
	from        int
	parse       func(line []byte) (mlruns.Metric, error)
	ended       bool // MLflow does not log to it any more
}

func (h *history) name() string { return layout.Join(h.folder, layout.Metrics, h.key) }

// read gives the lines as they are and as they are to be, and whether that is another order. What
// is not there is in order.
func (h *history) read() (old, sorted []byte, wanted bool, err error) {
	if err := h.store.tree.RefuseLinks(h.folder, layout.Metrics, h.key); err != nil {
		return nil, nil, false, err
	}
	old, err = h.store.tree.ReadAll(h.name())
	if vfs.IsMissing(err) {
		return nil, nil, false, nil
	}
	if err != nil {
		return nil, nil, false, err
	}
	sorted, ok := sortLines(old, h.from, h.parse)
	return old, sorted, ok && !bytes.Equal(old, sorted), nil
}

// sort puts the file in order, whose folder is locked.
func (h *history) sort(ctx context.Context) (changed bool, err error) {
	if err := h.finish(ctx); err != nil {
		return false, err
	}
	old, sorted, wanted, err := h.read()
	if err != nil || !wanted {
		return false, err
	}
	if err := h.store.tree.RefuseMerged(h.folder, layout.Metrics, []string{h.key}); err != nil {
		return false, err
	}
	return h.replace(ctx, old, sorted)
}

// sortLines gives lines with those after the first from in order; not ok where one is no point.
func sortLines(lines []byte, from int, parse func([]byte) (mlruns.Metric, error)) (sorted []byte, ok bool) {
	type line struct {
		text  []byte
		point mlruns.Metric
	}
	var rest []line
	n, begin := 0, 0
	for at := 0; at < len(lines); n++ {
		end := bytes.IndexByte(lines[at:], '\n')
		if end < 0 { // it may be going to be completed
			return nil, false
		}
		text := lines[at : at+end+1]
		p, err := parse(text[:end])
		if err != nil {
			return nil, false
		}
		if n == from {
			begin = at
		}
		if n >= from {
			rest = append(rest, line{text, p})
		}
		at += end + 1
	}
	if len(rest) == 0 {
		return lines, true
	}
	slices.SortStableFunc(rest, func(a, b line) int { return cmp.Or(comparePoints(a.point, b.point), bytes.Compare(a.text, b.text)) })
	sorted = append(make([]byte, 0, len(lines)), lines[:begin]...)
	for _, l := range rest {
		sorted = append(sorted, l.text...)
	}
	return sorted, true
}

// comparePoints orders points by what they are, whatever they were logged in.
func comparePoints(a, b mlruns.Metric) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Step, b.Step), cmp.Compare(a.Value, b.Value), cmp.Compare(math.Float64bits(a.Value), math.Float64bits(b.Value)),
		cmp.Compare(a.DatasetName, b.DatasetName), cmp.Compare(a.DatasetDigest, b.DatasetDigest), cmp.Compare(a.RunID, b.RunID))
}

// replace puts lines in the place of the old ones. The link to the old file is removed when nothing
// of it is lacking; one that an interrupted call left is dealt with by the next, and by Repair.
func (h *history) replace(ctx context.Context, old, sorted []byte) (changed bool, err error) {
	s, name := h.store, h.name()
	kept, linked := dir.ReplacedName(h.key)
	kept = layout.Join(h.folder, kept)
	linked = linked && s.tree.FS.Link(s.tree.Path(name), s.tree.Path(kept)) == nil
	if !linked && !h.ended {
		return false, nil
	}
	var all dir.Durability
	now, err := s.tree.ReadAll(name)
	same := err == nil && bytes.Equal(now, old) // else MLflow is logging to it: the next merge may
	if same {
		err = all.Step(atomicfile.Replace(s.tree.FS, s.tree.Path(name), sorted, atomicfile.Options{TempDir: s.tree.Path(h.folder), Sync: s.tree.Durable}))
	}
	if err != nil || !same {
		if linked {
			s.tree.CleanUpFile(kept)
		}
		return false, err
	}
	if linked {
		// Whoever interrupts this has the points brought first that were logged meanwhile.
		rest, end := context.WithTimeout(context.WithoutCancel(ctx), longestCarrying)
		defer end()
		if err := all.Step(h.carryOver(rest, kept, len(old))); err != nil {
			return true, err
		}
	}
	return true, all.Last(nil)
}

// longestCarrying is how long is waited for who goes on writing to a file that was replaced: MLflow
// opens it for each point.
const longestCarrying = 10 * time.Second

// carryOver brings what the file that was replaced has more than it had, until there comes no more,
// and removes its link.
func (h *history) carryOver(ctx context.Context, kept string, size int) error {
	var all dir.Durability
	for {
		if !h.ended {
			if err := dir.Sleep(ctx, records.TornRetry); err != nil {
				return err
			}
		}
		read, err := h.store.tree.CarryOver(ctx, h.folder, h.key, kept, size)
		if err := all.Step(err); err != nil {
			return err
		}
		if read <= size {
			h.store.tree.CleanUpFile(kept)
			return all.Last(nil)
		}
		size = read
	}
}

// finish does what an interrupted call has left to do.
func (h *history) finish(ctx context.Context) error {
	entries, err := h.store.tree.Entries(h.folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if key, ok := dir.ReplacedKey(e.Name); ok && key == h.key && e.Type.IsRegular() {
			kept := layout.Join(h.folder, e.Name)
			if _, err := h.store.tree.CarryOver(ctx, h.folder, h.key, kept, 0); err != nil && !errors.Is(err, mlruns.ErrNotDurable) {
				return err
			}
			h.store.tree.CleanUpFile(kept)
		}
	}
	return nil
}
