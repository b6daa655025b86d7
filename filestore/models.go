package filestore

import (
	"context"
	"errors"
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
	"github.com/mlruns/mlruns/internal/vfs"
)

var _ mlruns.ModelStore = (*Store)(nil)

// LoggedModel implements mlruns.ModelStore.
func (s *Store) LoggedModel(ctx context.Context, modelID string) (_ *mlruns.LoggedModel, err error) {
	defer wrap(&err, "get logged model", modelID)
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	ref, err := s.find.FindModel(ctx, modelID)
	if err != nil {
		return nil, err
	}
	m, err := s.records.Model(ctx, ref)
	if err != nil {
		return nil, records.ModelError(modelID, err)
	}
	if m.Stage == mlruns.StageDeleted {
		return nil, failure.ModelNotFound(modelID)
	}
	return m, nil
}

// CreateLoggedModel implements mlruns.ModelStore. The commit point is the rename that puts the
// finished folder into its experiment. A failure before it leaves the store as it was; after it the
// error is mlruns.ErrNotDurable and the model is returned too.
func (s *Store) CreateLoggedModel(ctx context.Context, spec mlruns.ModelSpec) (_ *mlruns.LoggedModel, err error) {
	defer wrap(&err, "create logged model", spec.ID)
	if err := s.beginLogging(ctx); err != nil {
		return nil, err
	}
	m, err := newModel(spec, s.now())
	if err != nil {
		return nil, err
	}
	var claim func() error
	if spec.ID != "" {
		claim = func() error {
			_, err := s.find.FindModel(ctx, spec.ID)
			return free(err, modelTaken(spec.ID))
		}
	}
	err = s.find.InExperiment(ctx, m.ExperimentID, claim, failure.ModelExperimentNotActive, func(e records.ExperimentRef, experiment mlruns.Experiment) (err error) {
		ref := records.NewModelRef(e, m.ID)
		if m.ArtifactLocation, err = s.find.NewArtifactURI(ctx, experiment, ref.Holder().ID); err != nil {
			return err
		}
		taken, err := s.tree.Exists(ref.Dir)
		if err == nil && taken {
			err = modelTaken(m.ID)
		}
		if err == nil {
			err = s.tree.MakeFolder(layout.Parent(ref.Dir), s.syncs(SyncMeta))
		}
		if err != nil {
			return err
		}
		return s.tree.Place(ref.Dir, func(b *dir.Builder) {
			b.Folder(layout.Metrics)
			b.Values(layout.Params, m.Params)
			if len(m.Tags) > 0 {
				b.Values(layout.Tags, m.Tags)
			}
			doc := codec.NewLoggedModelDocument(*m)
			b.Meta(doc.Encode())
		})
	})
	return made(m, err)
}

func modelTaken(id string) error {
	return &failure.Reason{Kind: mlruns.ErrExists, Text: "Model with ID " + id + " already exists."}
}

// newModel checks a spec and fills in what it leaves open, as MLflow does.
func newModel(spec mlruns.ModelSpec, now time.Time) (*mlruns.LoggedModel, error) {
	err := validate.Model(spec)
	if err == nil && spec.ExperimentID != "" {
		err = validate.ExperimentID(spec.ExperimentID)
	}
	if err == nil {
		err = validateModelValues(spec.Params, spec.Tags)
	}
	if err != nil {
		return nil, err
	}
	if spec.ExperimentID == "" {
		spec.ExperimentID = mlruns.DefaultExperimentID
	}
	if spec.ID != "" {
		err = validateModelID("model_id", spec.ID)
	} else if spec.ID, err = newRunID(); err == nil {
		spec.ID = "m-" + spec.ID
	}
	if err == nil && spec.Name == "" {
		spec.Name, err = newRunName()
	}
	return &mlruns.LoggedModel{
		ID: spec.ID, ExperimentID: spec.ExperimentID, Name: spec.Name, Type: spec.Type, SourceRunID: spec.SourceRunID, Status: mlruns.ModelPending,
		Created: now, Updated: now, Stage: mlruns.StageActive, Params: copyTags(spec.Params), Tags: copyTags(spec.Tags),
	}, err
}

// validateModelValues refuses keys that cannot be files beside each other.
func validateModelValues(params, tags map[string]string) error {
	for _, values := range [...]struct {
		noun string
		of   map[string]string
	}{{"param", params}, {"tag", tags}} {
		keys := slices.Sorted(maps.Keys(values.of))
		for _, key := range keys {
			if err := records.CheckKey("key", key); err != nil {
				return err
			}
		}
		if err := dir.Disjoint(values.noun, keys); err != nil {
			return err
		}
	}
	return nil
}

// FinalizeLoggedModel implements mlruns.ModelStore. The commit point is the replacement of
// meta.yaml; after it the error is mlruns.ErrNotDurable and the model is returned too.
func (s *Store) FinalizeLoggedModel(ctx context.Context, modelID string, status mlruns.ModelStatus) (m *mlruns.LoggedModel, err error) {
	defer wrap(&err, "finalize logged model", modelID)
	if !status.Valid() {
		return nil, failure.Invalid("Invalid model status: " + status.String())
	}
	err = s.changeModel(ctx, modelID, func(ref records.ModelRef, old mlruns.LoggedModel, doc codec.Document) error {
		// Read first: after the commit point nothing may fail.
		if m, err = s.records.Model(ctx, ref); err != nil {
			return err
		}
		old.Status, old.Updated = status, s.now()
		m.Status, m.Updated = old.Status, old.Updated
		codec.SetModelStatus(&doc, old)
		return records.ReplaceMeta(s.tree, ref.Dir, doc)
	})
	return made(m, err)
}

// DeleteLoggedModel implements mlruns.ModelStore. The commit point is the replacement of meta.yaml.
func (s *Store) DeleteLoggedModel(ctx context.Context, modelID string) error {
	return fail("delete logged model", modelID, s.changeModel(ctx, modelID, func(ref records.ModelRef, m mlruns.LoggedModel, doc codec.Document) error {
		m.Updated = s.now()
		codec.SetModelDeleted(&doc, m)
		return records.ReplaceMeta(s.tree, ref.Dir, doc)
	}))
}

// SetLoggedModelTags implements mlruns.ModelStore. Each tag has a commit point of its own, the
// rename of its file; calling again goes on where a failure ended it.
func (s *Store) SetLoggedModelTags(ctx context.Context, modelID string, tags map[string]string) error {
	err := validate.ModelTags(tags)
	if err == nil {
		err = s.writeModelValues(ctx, modelID, layout.Tags, tags, validateModelValues(nil, tags))
	}
	return fail("set logged model tags", modelID, err)
}

// LogLoggedModelParams implements mlruns.ModelStore. Each param has a commit point of its own, as a
// tag has.
func (s *Store) LogLoggedModelParams(ctx context.Context, modelID string, params map[string]string) error {
	err := validate.ModelParams(params)
	if err == nil {
		err = s.writeModelValues(ctx, modelID, layout.Params, params, validateModelValues(params, nil))
	}
	return fail("log logged model params", modelID, err)
}

func (s *Store) writeModelValues(ctx context.Context, modelID, sub string, values map[string]string, invalid error) error {
	if invalid != nil {
		return invalid
	}
	return s.changeModel(ctx, modelID, func(ref records.ModelRef, _ mlruns.LoggedModel, _ codec.Document) error {
		keys := slices.Sorted(maps.Keys(values))
		noun := map[string]string{layout.Params: "param", layout.Tags: "tag"}[sub]
		for _, key := range keys {
			if _, err := s.tree.KeyPresent(ref.Dir, sub, noun, key); err != nil {
				return err
			}
		}
		var all dir.Durability
		for _, key := range keys {
			if err := all.Step(s.tree.WriteValue(ref.Dir, sub, key, values[key], s.syncs(SyncMeta))); err != nil {
				return err
			}
		}
		return all.Last(nil)
	})
}

// DeleteLoggedModelTag implements mlruns.ModelStore. The commit point is the removal of the tag's
// file.
func (s *Store) DeleteLoggedModelTag(ctx context.Context, modelID, key string) error {
	err := validate.Key("key", key)
	if err == nil {
		err = s.changeModel(ctx, modelID, func(ref records.ModelRef, _ mlruns.LoggedModel, _ codec.Document) error {
			err := s.tree.RemoveValue(ref.Dir, layout.Tags, key, s.syncs(SyncMeta))
			if vfs.IsMissing(err) {
				return failure.ModelTagNotFound(key, modelID)
			}
			return err
		})
	}
	return fail("delete logged model tag", modelID, err)
}

// changeModel calls do with an active model whose experiment is locked, its meta.yaml read.
func (s *Store) changeModel(ctx context.Context, modelID string, do func(records.ModelRef, mlruns.LoggedModel, codec.Document) error) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	ref, err := s.find.FindModel(ctx, modelID)
	if err != nil {
		return err
	}
	e, unlock, err := s.find.LockExperiment(ctx, ref.Experiment.ID)
	if errors.Is(err, mlruns.ErrNotFound) || err == nil && e.Trashed {
		err = errors.Join(failure.ModelNotFound(modelID), err)
	}
	if unlock != nil {
		defer s.find.Unlock(unlock)
	}
	if err != nil {
		return err
	}
	ref = records.NewModelRef(e, modelID)
	if err := s.tree.RefuseLink(ref.Dir); err != nil {
		return err
	}
	m, doc, err := s.records.ModelDocument(ctx, ref)
	if err != nil {
		return records.ModelError(modelID, err)
	}
	if m.Stage == mlruns.StageDeleted {
		return failure.ModelNotFound(modelID)
	}
	return do(ref, m, doc)
}
