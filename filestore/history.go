package filestore

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// MetricHistory implements mlruns.Store. It holds one chunk of the file in memory. It needs no more of the run than the metric's file,
// so a run whose meta.yaml is damaged has histories too.
func (s *Store) MetricHistory(ctx context.Context, runID, key string, q mlruns.HistoryQuery) iter.Seq2[mlruns.Metric, error] {
	return func(yield func(mlruns.Metric, error) bool) {
		stopped := false
		err := s.history(ctx, runID, key, s.logged(q.OnProblem), func(pt point) bool {
			stopped = !yield(pt.metric(key), nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(mlruns.Metric{}, fail("metric history", runID, err))
		}
	}
}

func (s *Store) history(ctx context.Context, runID, key string, p *problems, each func(point) bool) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := mlruns.ValidateKey("name", key); err != nil {
		return err
	}
	ref, err := s.findRun(ctx, runID)
	if err != nil {
		return err
	}
	name := layout.Join(ref.dir, layout.Metrics, key)
	f, err := s.tree.folder(path.Dir(name))
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer closeQuietly(f)
	if info, err := f.Stat(path.Base(name)); err == nil && info.IsDir() {
		return nil
	}
	err = streamPoints(ctx, keyFile{key: key, folder: f, name: path.Base(name), path: name}, p, each)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
