package filestore

import (
	"context"
	"maps"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
)

// AddToRun implements mlruns.Importer. Each value has a commit point of its own, as in LogBatch;
// all points of one metric share one.
func (s *Store) AddToRun(ctx context.Context, r mlruns.Run, points []mlruns.Metric) error {
	return fail("add to run", r.Info.ID, s.addToRun(ctx, r, points))
}

func (s *Store) addToRun(ctx context.Context, r mlruns.Run, points []mlruns.Metric) error {
	if err := s.beginLogging(ctx); err != nil {
		return err
	}
	if err := checkAdded(&r); err != nil {
		return err
	}
	for _, m := range points {
		if err := validatePoint(m); err != nil {
			return err
		}
	}
	if r.Info.Stage != "" {
		if err := validateStage(r.Info.Stage); err != nil {
			return err
		}
	}
	b := mlruns.Batch{Metrics: make([]mlruns.Metric, len(points))}
	for i, m := range points {
		m.ModelID = ""
		b.Metrics[i] = m
	}
	for _, key := range slices.Sorted(maps.Keys(r.Data.Params)) {
		b.Params = append(b.Params, mlruns.Param{Key: key, Value: r.Data.Params[key]})
	}
	for _, key := range slices.Sorted(maps.Keys(r.Data.Tags)) {
		b.Tags = append(b.Tags, mlruns.Tag{Key: key, Value: r.Data.Tags[key]})
	}
	return s.batches.Add(ctx, r.Info.ID, b, s.now(), func(all *dir.Durability, ref records.RunRef, info mlruns.RunInfo, doc codec.Document) error {
		if err := placeInputs(s.tree, all, ref, r.Inputs); err != nil {
			return err
		}
		if err := placeOutputs(s.tree, all, ref, r.Outputs); err != nil {
			return err
		}
		return s.setRunInfo(ctx, ref, info, r.Info, doc)
	})
}

// setRunInfo changes what set tells of a run that is locked.
func (s *Store) setRunInfo(ctx context.Context, ref records.RunRef, info, set mlruns.RunInfo, doc codec.Document) error {
	changed := info
	if set.Name != "" {
		changed.Name = set.Name
	}
	if set.Status != 0 {
		changed.Status = set.Status
	}
	if !set.End.IsZero() {
		changed.End = set.End
	}
	if set.Stage != "" {
		changed.Stage, changed.Deleted = set.Stage, set.Deleted
	}
	if changed == info {
		return nil
	}
	if changed.Status.Ended() && s.sync == SyncMeta {
		if err := s.records.SyncRun(ctx, ref); err != nil {
			return err
		}
	}
	return records.ReplaceRunInfo(s.tree, ref, changed, doc)
}
