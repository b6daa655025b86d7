package filestore

import (
	"context"
	"fmt"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Experiment implements mlruns.Store.
func (s *Store) Experiment(ctx context.Context, id string) (*mlruns.Experiment, error) {
	const op = "get experiment"
	if err := s.begin(ctx); err != nil {
		return nil, fail(op, id, err)
	}
	e, err := s.find.Experiment(ctx, id, s.find.ProblemsFor(nil))
	if err != nil {
		return nil, fail(op, id, err)
	}
	return &e, nil
}

// ExperimentByName implements mlruns.Store. Of several with one name, which only damage or MLflow's
// races make, the active before the deleted, then the newest, is given.
func (s *Store) ExperimentByName(ctx context.Context, name string) (*mlruns.Experiment, error) {
	const op = "get experiment by name"
	if err := s.begin(ctx); err != nil {
		return nil, fail(op, name, err)
	}
	found, err := s.search.ExperimentByName(ctx, name)
	if err != nil {
		return nil, fail(op, name, err)
	}
	if found == nil {
		return nil, fail(op, name, &failure.Reason{Kind: mlruns.ErrNotFound, Text: fmt.Sprintf("Could not find experiment with name '%s'", name)})
	}
	if found.Tags != nil {
		return found, nil
	}
	e, err := s.records.Experiment(ctx, records.NewExperimentRef(found.ID, found.Stage == mlruns.StageDeleted), s.find.ProblemsFor(nil))
	if vfs.IsMissing(err) { // it has moved since
		e, err = s.find.Experiment(ctx, found.ID, s.find.ProblemsFor(nil))
	}
	if err != nil {
		return nil, fail(op, name, err)
	}
	return &e, nil
}

// CreateExperiment implements mlruns.Store. The commit point is the rename that puts the finished
// folder into the root. A failure before it leaves the store as it was; after it the error is
// mlruns.ErrNotDurable, and a retry gives ErrExists.
func (s *Store) CreateExperiment(ctx context.Context, spec mlruns.ExperimentSpec) (_ *mlruns.Experiment, err error) {
	defer wrap(&err, "create experiment", spec.Name)
	if err := s.beginLogging(ctx); err != nil {
		return nil, err
	}
	location, err := validateExperiment(spec)
	if err != nil {
		return nil, err
	}
	unlock, err := s.find.LockRoot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.find.Unlock(unlock)
	if err := s.find.NameFree(ctx, spec.Name); err != nil {
		return nil, err
	}
	id, err := experimentID(s.find, spec.ID)
	if err != nil {
		return nil, err
	}
	if location == "" {
		if location, err = s.find.DefaultLocation(id); err != nil {
			return nil, err
		}
	}
	now := s.now()
	e := mlruns.Experiment{ID: id, Name: spec.Name, ArtifactLocation: location, Stage: mlruns.StageActive, Created: now, Updated: now, Tags: copyTags(spec.Tags)}
	return made(&e, placeExperiment(s.tree, e))
}

// validateExperiment checks all that can be checked without looking, and gives the absolute form of
// the artifact location.
func validateExperiment(spec mlruns.ExperimentSpec) (location string, err error) {
	if err := validate.ExperimentName(spec.Name); err != nil {
		return "", err
	}
	if err := validate.ArtifactLocation(spec.ArtifactLocation); err != nil {
		return "", err
	}
	if spec.ID != "" {
		if err := validateNewExperimentID(spec.ID); err != nil {
			return "", err
		}
	}
	if err := validateTags(spec.Tags); err != nil {
		return "", err
	}
	return locate.AbsoluteLocation(spec.ArtifactLocation)
}

func validateNewExperimentID(id string) error {
	if err := validate.ExperimentID(id); err != nil {
		return err
	}
	if layout.ReservedInRoot(id) {
		return failure.Invalid(fmt.Sprintf("Invalid experiment ID: '%s': the name is reserved", id))
	}
	return dir.Holdable("experiment_id", id)
}

// experimentID gives the caller's id, if it is free, or a new one. The caller holds the root lock.
func experimentID(find *locate.Locator, asked string) (string, error) {
	if asked != "" {
		taken, err := find.ExperimentIDTaken(asked)
		if err == nil && taken {
			err = &failure.Reason{Kind: mlruns.ErrExists, Text: fmt.Sprintf("Experiment with ID %s already exists.", asked)}
		}
		return asked, err
	}
	for {
		id, err := newExperimentID()
		if err != nil {
			return "", err
		}
		if taken, err := find.ExperimentIDTaken(id); err != nil || !taken {
			return id, err
		}
	}
}

// RenameExperiment implements mlruns.Store. The commit point is the replacement of meta.yaml.
func (s *Store) RenameExperiment(ctx context.Context, id, name string) (err error) {
	defer wrap(&err, "rename experiment", id)
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if err := validate.ExperimentName(name); err != nil {
		return err
	}
	if _, err := s.find.FindExperiment(id); err != nil {
		return err
	}
	unlockRoot, err := s.find.LockRoot(ctx)
	if err != nil {
		return err
	}
	defer s.find.Unlock(unlockRoot)
	ref, unlock, err := s.find.LockExperiment(ctx, id)
	if err != nil {
		return err
	}
	defer s.find.Unlock(unlock)
	if err := s.find.NameFree(ctx, name); err != nil {
		return err
	}
	if ref.Trashed {
		if _, _, err := s.records.ExperimentDocument(ctx, ref); err != nil {
			return records.ExperimentError(id, ref.Dir, err)
		}
		return &failure.Reason{Kind: mlruns.ErrNotActive, Code: failure.CodeInternal,
			Text: "Cannot rename experiment in non-active lifecycle stage. Current stage: deleted"}
	}
	return s.records.ChangeExperiment(ctx, ref, func(d *codec.Document) {
		codec.TouchExperiment(d, mlruns.StageActive, s.now())
		d.SetString(codec.KeyName, name)
	})
}

// SetExperimentTag implements mlruns.Store. The commit point is the rename of the tag's file.
func (s *Store) SetExperimentTag(ctx context.Context, id, key, value string) error {
	return fail("set experiment tag", id, s.changeExperimentTag(ctx, id, "set", func(ref records.ExperimentRef) error {
		if _, err := s.tree.KeyPresent(ref.Dir, layout.Tags, "tag", key); err != nil {
			return err
		}
		return s.tree.WriteValue(ref.Dir, layout.Tags, key, value, s.syncs(SyncMeta))
	}, mlruns.Tag{Key: key, Value: value}))
}

// DeleteExperimentTag implements mlruns.Store. The commit point is the removal of the tag's file.
func (s *Store) DeleteExperimentTag(ctx context.Context, id, key string) error {
	return fail("delete experiment tag", id, s.changeExperimentTag(ctx, id, "delete", func(ref records.ExperimentRef) error {
		err := s.tree.RemoveValue(ref.Dir, layout.Tags, key, s.syncs(SyncMeta))
		if vfs.IsMissing(err) {
			return &failure.Reason{Kind: mlruns.ErrNotFound, Text: fmt.Sprintf("No tag with name: %s in experiment with id %s", key, id)}
		}
		return err
	}, mlruns.Tag{Key: key}))
}

func (s *Store) changeExperimentTag(ctx context.Context, id, verb string, change func(records.ExperimentRef) error, tag mlruns.Tag) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if err := validateTag(tag); err != nil {
		return err
	}
	notActive := func(id string) error {
		return &failure.Reason{Kind: mlruns.ErrNotActive,
			Text: fmt.Sprintf("The experiment %s must be in the 'active' lifecycle_stage to %s tags", id, verb)}
	}
	// What cannot be read is not listed either, so a tag would be written that nobody sees.
	return s.find.InExperiment(ctx, id, nil, notActive, func(ref records.ExperimentRef, _ mlruns.Experiment) error { return change(ref) })
}
