package filestore

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

var _ mlruns.ModelHistories = (*Store)(nil)

// ImportLoggedModel implements mlruns.Importer. The commit point is the rename that puts the
// finished folder into its experiment.
func (s *Store) ImportLoggedModel(ctx context.Context, m mlruns.LoggedModel, points iter.Seq2[mlruns.Metric, error]) error {
	return fail("import logged model", m.ID, s.importModel(ctx, m, points))
}

func (s *Store) importModel(ctx context.Context, m mlruns.LoggedModel, points iter.Seq2[mlruns.Metric, error]) error {
	if err := s.beginLogging(ctx); err != nil {
		return err
	}
	if err := checkImportedModel(&m, s.now()); err != nil {
		return err
	}
	e, experiment, err := s.importedInto(ctx, m.ExperimentID)
	if err != nil {
		return err
	}
	ref := records.NewModelRef(e, m.ID)
	if m.ArtifactLocation == "" {
		if m.ArtifactLocation, err = s.find.NewArtifactURI(ctx, experiment, ref.Holder().ID); err != nil {
			return err
		}
	}
	if err := s.tree.MakeFolder(layout.Parent(ref.Dir), s.syncs(SyncMeta)); err != nil {
		return err
	}
	var locks placeLocks
	defer func() { locks.unlock(s) }()
	return s.tree.Place(ref.Dir, func(b *dir.Builder) {
		b.Folder(layout.Metrics)
		b.Values(layout.Params, m.Params)
		if len(m.Tags) > 0 {
			b.Values(layout.Tags, m.Tags)
		}
		buildHistories(b, points, codec.AppendModelPoint)
		doc := codec.NewLoggedModelDocument(m)
		if m.Stage == mlruns.StageDeleted {
			codec.SetModelDeleted(&doc, m)
		}
		b.Meta(doc.Encode())
		b.Last(func() error {
			return s.lockFree(ctx, &locks, e, ref.Dir, modelTaken(m.ID), func() error {
				_, err := s.find.FindModel(ctx, m.ID)
				return free(err, modelTaken(m.ID))
			})
		})
	})
}

// checkImportedModel refuses what cannot be written.
func checkImportedModel(m *mlruns.LoggedModel, now time.Time) error {
	if err := validateModelID("model_id", m.ID); err != nil {
		return err
	}
	if !m.Status.Valid() {
		return failure.Invalid("Invalid model status: " + m.Status.String())
	}
	if err := validateStage(m.Stage); err != nil {
		return err
	}
	if err := validateModelValues(m.Params, m.Tags); err != nil {
		return err
	}
	for _, f := range [...]mlruns.Tag{{Key: "name", Value: m.Name}, {Key: "model_type", Value: m.Type}, {Key: "source_run_id", Value: m.SourceRunID},
		{Key: "status_message", Value: m.StatusMessage}, {Key: "artifact_location", Value: m.ArtifactLocation}} {
		if err := validate.Text(f.Key, f.Value); err != nil {
			return err
		}
	}
	if m.Created.IsZero() {
		m.Created = now
	}
	if m.Updated.IsZero() {
		m.Updated = m.Created
	}
	return importedTimes(importedTime{"creation_timestamp", &m.Created}, importedTime{"last_updated_timestamp", &m.Updated})
}

// AddToLoggedModel implements mlruns.Importer. Each value has a commit point of its own; all points
// of one metric share one.
func (s *Store) AddToLoggedModel(ctx context.Context, m mlruns.LoggedModel, points []mlruns.Metric) error {
	return fail("add to logged model", m.ID, s.addToModel(ctx, m, points))
}

func (s *Store) addToModel(ctx context.Context, m mlruns.LoggedModel, points []mlruns.Metric) error {
	if err := s.beginLogging(ctx); err != nil {
		return err
	}
	if err := validateModelValues(m.Params, m.Tags); err != nil {
		return err
	}
	lines := map[string][]byte{}
	for _, p := range points {
		if err := validateModelPoint(p); err != nil {
			return err
		}
		if err := records.CheckKey("name", p.Key); err != nil {
			return err
		}
		lines[p.Key] = codec.AppendModelPoint(lines[p.Key], p)
	}
	ref, err := s.find.FindModel(ctx, m.ID)
	if err != nil {
		return err
	}
	e, unlock, err := s.find.LockExperiment(ctx, ref.Experiment.ID)
	if err != nil {
		return err
	}
	defer s.find.Unlock(unlock)
	ref = records.NewModelRef(e, m.ID)
	if err := s.tree.RefuseLink(ref.Dir); err != nil {
		return err
	}
	old, doc, err := s.records.ModelDocument(ctx, ref)
	if err != nil {
		return records.ModelError(m.ID, err)
	}
	return s.addToPlacedModel(ctx, ref, old, doc, m, lines)
}

// addToPlacedModel adds to a model whose experiment is locked.
func (s *Store) addToPlacedModel(ctx context.Context, ref records.ModelRef, old mlruns.LoggedModel, doc codec.Document, m mlruns.LoggedModel, lines map[string][]byte) error {
	var all dir.Durability
	for _, values := range [...]struct {
		folder, noun string
		of           map[string]string
	}{{layout.Params, "param", m.Params}, {layout.Tags, "tag", m.Tags}} {
		for _, key := range slices.Sorted(maps.Keys(values.of)) {
			if _, err := s.tree.KeyPresent(ref.Dir, values.folder, values.noun, key); err != nil {
				return err
			}
			if err := all.Step(s.tree.WriteValue(ref.Dir, values.folder, key, values.of[key], s.syncs(SyncMeta))); err != nil {
				return err
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		if _, err := s.tree.KeyPresent(ref.Dir, layout.Metrics, "metric", key); err != nil {
			return err
		}
		if err := s.tree.RefuseLinks(ref.Dir, layout.Metrics, key); err != nil {
			return err
		}
		if err := s.tree.RefuseMerged(ref.Dir, layout.Metrics, []string{key}); err != nil {
			return err
		}
		if err := all.Step(s.tree.Append(ctx, ref.Dir, key, lines[key], s.syncs(SyncMeta))); err != nil {
			return err
		}
	}
	changed := old
	if !m.Updated.IsZero() {
		changed.Status, changed.Updated = m.Status, m.Updated
	}
	if m.Stage != "" {
		changed.Stage = m.Stage
	}
	if changed.Status == old.Status && changed.Stage == old.Stage {
		return all.Last(nil)
	}
	codec.SetModelStatus(&doc, changed)
	if changed.Stage == mlruns.StageDeleted {
		codec.SetModelDeleted(&doc, changed)
	}
	return all.Last(records.ReplaceMeta(s.tree, ref.Dir, doc))
}

// validateModelPoint is validatePoint for a point of a model, whose line has its run too.
func validateModelPoint(m mlruns.Metric) error {
	if err := validate.RunID(m.RunID); err != nil {
		return err
	}
	return validatePoint(m)
}

// ModelPoints implements mlruns.ModelHistories. It holds the points of one metric in memory.
func (s *Store) ModelPoints(ctx context.Context, modelID string) iter.Seq2[mlruns.Metric, error] {
	return func(yield func(mlruns.Metric, error) bool) {
		if err := s.modelPoints(ctx, modelID, func(m mlruns.Metric) bool { return yield(m, nil) }); err != nil {
			yield(mlruns.Metric{}, fail("points of logged model", modelID, err))
		}
	}
}

func (s *Store) modelPoints(ctx context.Context, modelID string, each func(mlruns.Metric) bool) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	ref, err := s.find.FindModel(ctx, modelID)
	if err != nil {
		return err
	}
	f, err := s.tree.Folder(ref.Dir)
	if err != nil {
		return err
	}
	defer f.Close()
	p := s.find.ProblemsFor(nil)
	going := true
	return records.WalkModelMetrics(ctx, f, ref, p, func(k records.KeyFile) error {
		if !going {
			return nil
		}
		var points []mlruns.Metric
		if err := records.ModelPoints(ctx, k, p, func(pt codec.ModelPoint) { points = append(points, pt.Metric(k.Key)) }); err != nil {
			return err
		}
		for _, m := range points {
			m.ModelID = modelID
			if going = each(m); !going {
				return nil
			}
		}
		return nil
	})
}
