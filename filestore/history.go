package filestore

import (
	"context"
	"iter"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// MetricHistory implements mlruns.Store. It holds one chunk of the file in memory. It needs no more
// of the run than the metric's file, so a run whose meta.yaml is damaged has histories too.
func (s *Store) MetricHistory(ctx context.Context, runID, key string, q mlruns.HistoryQuery) iter.Seq2[mlruns.Metric, error] {
	return func(yield func(mlruns.Metric, error) bool) {
		stopped := false
		err := s.history(ctx, runID, key, s.find.ProblemsFor(q.OnProblem), func(pt codec.Point) bool {
			stopped = !yield(pt.Metric(key), nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(mlruns.Metric{}, fail("metric history", runID, err))
		}
	}
}

func (s *Store) history(ctx context.Context, runID, key string, p *records.Problems, each func(codec.Point) bool) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := validate.Key("name", key); err != nil {
		return err
	}
	ref, run, err := s.find.OpenRun(ctx, runID)
	if err != nil {
		return err
	}
	defer run.Close()
	return s.historyIn(ctx, run, ref.Dir, key, p, each)
}

// historyIn goes through the points of a metric of the run whose folder is open. A metric that has
// no file has none.
func (s *Store) historyIn(ctx context.Context, run vfs.Folder, dir, key string, p *records.Problems, each func(codec.Point) bool) error {
	if records.IsForeignKey(key) {
		return nil
	}
	name := layout.Join(layout.Metrics, key)
	f, err := run.OpenFolder(path.Dir(name))
	if vfs.IsMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(path.Base(name)); err == nil && (info.IsDir() || !s.tree.KeyMatches(dir, layout.Metrics, key)) {
		return nil
	}
	m := records.NewBuffer()
	defer m.Free()
	k := records.KeyFile{Key: key, Folder: f, Name: path.Base(name), Path: layout.Join(dir, name)}
	scan := records.Scanner{Path: k.Path, Problems: p}
	err = scan.Stream(ctx, k, m.Chunk(), scan.Points(each))
	if vfs.IsGone(err) {
		return nil
	}
	return err
}
