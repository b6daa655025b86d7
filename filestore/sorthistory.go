package filestore

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"path"
	"slices"

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
// from a link to it.
func (s *Store) SortHistory(ctx context.Context, runID, key string, from int) error {
	return fail("sort history", runID, s.sortHistory(ctx, runID, key, from))
}

func (s *Store) sortHistory(ctx context.Context, runID, key string, from int) error {
	if err := s.beginLogging(ctx); err != nil {
		return err
	}
	if err := cmp.Or(validate.Key("name", key), records.CheckKey("name", key)); err != nil {
		return err
	}
	s.batches.Forget(runID)
	return s.find.WithRun(ctx, runID, locate.Always, func(ref records.RunRef, info mlruns.RunInfo, _ codec.Document) error {
		if err := s.tree.RefuseLinks(ref.Dir, layout.Metrics, key); err != nil {
			return err
		}
		if err := s.tree.RefuseMerged(ref.Dir, layout.Metrics, []string{key}); err != nil {
			return err
		}
		name := layout.Join(ref.Dir, layout.Metrics, key)
		old, err := s.readLines(name)
		if vfs.IsMissing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		sorted, ok := sortLines(old, from)
		if !ok || bytes.Equal(old, sorted) {
			return nil
		}
		return s.replaceLines(ctx, ref.Dir, key, old, sorted, info.Status.Ended())
	})
}

func (s *Store) readLines(name string) ([]byte, error) {
	f, err := s.tree.FS.Open(s.tree.Path(name))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}

// sortLines gives lines with those after the first from in order; not ok where one is no point.
func sortLines(lines []byte, from int) (sorted []byte, ok bool) {
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
		p, err := codec.ParsePoint(text[:end])
		if err != nil {
			return nil, false
		}
		if n == from {
			begin = at
		}
		if n >= from {
			rest = append(rest, line{text, p.Metric("")})
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
		cmp.Compare(a.DatasetName, b.DatasetName), cmp.Compare(a.DatasetDigest, b.DatasetDigest))
}

// replaceLines puts a metric's file in the place of the old one.
func (s *Store) replaceLines(ctx context.Context, run, key string, old, sorted []byte, ended bool) error {
	name, kept := layout.Join(run, layout.Metrics, key), layout.Join(run, atomicfile.Prefix+"sort-"+dir.TemporaryName(path.Base(key)))
	linked := s.tree.FS.Link(s.tree.Path(name), s.tree.Path(kept)) == nil
	if !linked && !ended {
		return nil
	}
	if linked {
		defer s.tree.CleanUpFile(kept)
	}
	now, err := s.readLines(name)
	if err != nil || !bytes.Equal(now, old) { // MLflow is logging to it: the next merge may
		return err
	}
	var all dir.Durability
	if err := all.Step(atomicfile.Replace(s.tree.FS, s.tree.Path(name), sorted, atomicfile.Options{TempDir: s.tree.Path(run), Sync: s.tree.Durable})); err != nil {
		return err
	}
	for read := len(old); linked; {
		if !ended {
			if err := dir.Sleep(ctx, records.TornRetry); err != nil {
				return err
			}
		}
		now, err := s.readLines(kept)
		if err != nil {
			return err
		}
		more := now[read : bytes.LastIndexByte(now, '\n')+1]
		if len(more) == 0 {
			break
		}
		read += len(more)
		if err := all.Step(s.tree.Append(ctx, run, key, more, s.tree.Durable)); err != nil {
			return err
		}
	}
	return all.Last(nil)
}
