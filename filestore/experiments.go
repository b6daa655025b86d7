package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
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
	e, err := s.experiment(ctx, id, s.logged(nil))
	if err != nil {
		return nil, fail(op, id, err)
	}
	return &e, nil
}

// experiment reads an experiment that may move while it is looked for.
func (s *Store) experiment(ctx context.Context, id string, p *records.Problems) (e mlruns.Experiment, err error) {
	ref, err := s.findExperiment(id)
	if err != nil {
		return e, err
	}
	ref, err = s.following(ref, func(ref records.ExperimentRef) error {
		e, err = s.records.Experiment(ctx, ref, p)
		return err
	})
	if err != nil {
		err = records.ExperimentError(id, ref.Dir, err)
	}
	return e, err
}

// ExperimentByName implements mlruns.Store. Of several with one name, which only damage or MLflow's
// races make, the active before the deleted, then the newest, is given.
func (s *Store) ExperimentByName(ctx context.Context, name string) (*mlruns.Experiment, error) {
	const op = "get experiment by name"
	if err := s.begin(ctx); err != nil {
		return nil, fail(op, name, err)
	}
	found, err := s.byName(ctx, name)
	if err != nil {
		return nil, fail(op, name, err)
	}
	if found == nil {
		return nil, fail(op, name, &failure.Reason{Kind: mlruns.ErrNotFound, Text: fmt.Sprintf("Could not find experiment with name '%s'", name)})
	}
	e, err := s.records.Experiment(ctx, records.NewExperimentRef(found.ID, found.Stage == mlruns.StageDeleted), s.logged(nil))
	if vfs.IsMissing(err) { // it has moved since
		e, err = s.experiment(ctx, found.ID, s.logged(nil))
	}
	if err != nil {
		return nil, fail(op, name, err)
	}
	return &e, nil
}

// byName finds an experiment and reads no tags, not those of the experiment found either. It gives
// nil where there is none, and an error where there is none among those that could be read and the
// others may have the name.
func (s *Store) byName(ctx context.Context, name string) (*mlruns.Experiment, error) {
	var found *mlruns.Experiment
	var check nameCheck
	for e, err := range s.experiments(ctx, mlruns.ViewAll, check.listing(), check.read) {
		if err != nil {
			return nil, err
		}
		if e.Name != name || found != nil && (found.Stage == mlruns.StageActive && e.Stage != mlruns.StageActive ||
			found.Stage == e.Stage && !e.Created.After(found.Created)) {
			continue
		}
		found = &e
	}
	if found == nil {
		return nil, check.last(name)
	}
	return found, nil
}

// experimentReader reads an experiment for a listing, which has opened the root: readTagged or
// readUntagged.
type experimentReader func(ctx context.Context, root vfs.Folder, ref records.ExperimentRef, p *records.Problems) (mlruns.Experiment, error)

// experiments goes through the readable experiments, in the order of their places. Several are read
// at once.
func (s *Store) experiments(ctx context.Context, view mlruns.View, p *records.Problems, read experimentReader) iter.Seq2[mlruns.Experiment, error] {
	return func(yield func(mlruns.Experiment, error) bool) {
		root, err := s.tree.Folder("")
		if err != nil {
			yield(mlruns.Experiment{}, s.orRootGone(err))
			return
		}
		defer root.Close()
		refs, err := s.experimentRefs(view, p)
		if err != nil {
			yield(mlruns.Experiment{}, err)
			return
		}
		reading, stop := context.WithCancel(ctx)
		type found struct {
			dir string
			mlruns.Experiment
		}
		look := func(ref records.ExperimentRef) (found, error) {
			e, err := s.listed(reading, root, ref, p, read)
			return found{ref.Dir, e}, err
		}
		seen := make(map[string]mlruns.LifecycleStage, len(refs))
		for e, err := range ahead(s.parallelism, refs, look, stop) {
			if ctx.Err() != nil || records.EndsCall(ctx, err) {
				yield(mlruns.Experiment{}, cmp.Or(ctx.Err(), err))
				return
			}
			if err != nil || !view.Shows(e.Stage) { // deleted or restored since the listing
				continue
			}
			if stage, ok := seen[e.ID]; ok {
				if stage != e.Stage { // else it was listed in both places because it has moved
					p.Add(mlruns.Problem{Kind: mlruns.ProblemDuplicate, Path: e.dir, Reason: "an active experiment has the same id"})
				}
				continue
			}
			seen[e.ID] = e.Stage
			if !yield(e.Experiment, nil) {
				return
			}
		}
	}
}

// listedAlone is listed for one experiment.
func (s *Store) listedAlone(ctx context.Context, ref records.ExperimentRef, p *records.Problems, read experimentReader) (mlruns.Experiment, error) {
	root, err := s.tree.Folder("")
	if err != nil {
		if end := p.Unreadable(ctx, mlruns.ProblemUnreadableMeta, layout.Join(ref.Dir, layout.Meta), err); end != nil {
			err = end
		}
		return mlruns.Experiment{}, err
	}
	defer root.Close()
	return s.listed(ctx, root, ref, p, read)
}

// listed reads an experiment of a listing, and reports it where that fails.
func (s *Store) listed(ctx context.Context, root vfs.Folder, ref records.ExperimentRef, p *records.Problems, read experimentReader) (mlruns.Experiment, error) {
	var e mlruns.Experiment
	ref, err := s.following(ref, func(ref records.ExperimentRef) (err error) {
		e, err = read(ctx, root, ref, p)
		return err
	})
	switch {
	case err == nil || records.EndsCall(ctx, err):
	case vfs.IsMissing(err):
		is, lookErr := s.tree.HasDir(ref.Dir)
		if lookErr != nil {
			return e, lookErr
		}
		if is { // else it was removed for good since it was listed
			problem, err := s.records.MissingMeta(ref.Dir)
			if err != nil {
				return e, err
			}
			p.Add(problem)
		}
	default:
		p.Add(records.ProblemOf(mlruns.ProblemUnreadableMeta, layout.Join(ref.Dir, layout.Meta), err))
	}
	return e, err
}

// CreateExperiment implements mlruns.Store. The commit point is the rename that puts the finished
// folder into the root. A failure before it leaves the store as it was; after it the error is
// mlruns.ErrNotDurable, and a retry gives ErrExists.
func (s *Store) CreateExperiment(ctx context.Context, spec mlruns.ExperimentSpec) (*mlruns.Experiment, error) {
	e, err := s.createExperiment(ctx, spec)
	if err != nil && !errors.Is(err, mlruns.ErrNotDurable) {
		return nil, fail("create experiment", spec.Name, err)
	}
	return e, fail("create experiment", spec.Name, err)
}

func (s *Store) createExperiment(ctx context.Context, spec mlruns.ExperimentSpec) (*mlruns.Experiment, error) {
	if err := s.beginLogging(ctx); err != nil {
		return nil, err
	}
	location, err := s.validateExperiment(spec)
	if err != nil {
		return nil, err
	}
	unlock, err := s.lockRoot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.unlock(unlock)
	if err := s.nameFree(ctx, spec.Name); err != nil {
		return nil, err
	}
	id, err := s.experimentID(spec.ID)
	if err != nil {
		return nil, err
	}
	if location == "" {
		if location, err = s.defaultLocation(id); err != nil {
			return nil, err
		}
	}
	now := s.now()
	e := mlruns.Experiment{ID: id, Name: spec.Name, ArtifactLocation: location, Stage: mlruns.StageActive, Created: now, Updated: now, Tags: copyTags(spec.Tags)}
	return &e, asError(s.placeExperiment(e))
}

// validateExperiment checks all that can be checked without looking, and gives the absolute form of
// the artifact location.
func (s *Store) validateExperiment(spec mlruns.ExperimentSpec) (location string, err error) {
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
	return absoluteLocation(spec.ArtifactLocation)
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

// nameFree refuses a name that any experiment has. The caller holds the root lock.
func (s *Store) nameFree(ctx context.Context, name string) error {
	taken, err := s.byName(ctx, name)
	if err != nil || taken == nil {
		return err
	}
	return failure.ExperimentTaken(name, taken.Stage == mlruns.StageDeleted)
}

// experimentID gives the caller's id, if it is free, or a new one. The caller holds the root lock.
func (s *Store) experimentID(asked string) (string, error) {
	if asked != "" {
		taken, err := s.idTaken(asked)
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
		if taken, err := s.idTaken(id); err != nil || !taken {
			return id, err
		}
	}
}

func (s *Store) idTaken(id string) (bool, error) {
	for _, trashed := range [...]bool{false, true} {
		if taken, err := s.tree.Exists(layout.Experiment(id, trashed)); err != nil || taken {
			return taken, err
		}
	}
	return false, nil
}

// RenameExperiment implements mlruns.Store. The commit point is the replacement of meta.yaml.
func (s *Store) RenameExperiment(ctx context.Context, id, name string) error {
	return fail("rename experiment", id, s.renameExperiment(ctx, id, name))
}

func (s *Store) renameExperiment(ctx context.Context, id, name string) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if err := validate.ExperimentName(name); err != nil {
		return err
	}
	if _, err := s.findExperiment(id); err != nil {
		return err
	}
	unlockRoot, err := s.lockRoot(ctx)
	if err != nil {
		return err
	}
	defer s.unlock(unlockRoot)
	ref, unlock, err := s.lockExperiment(ctx, id)
	if err != nil {
		return err
	}
	defer s.unlock(unlock)
	if err := s.nameFree(ctx, name); err != nil {
		return err
	}
	if ref.Trashed {
		if _, _, err := s.records.ExperimentDocument(ctx, ref); err != nil {
			return records.ExperimentError(id, ref.Dir, err)
		}
		return &failure.Reason{Kind: mlruns.ErrNotActive, Code: failure.CodeInternal,
			Text: "Cannot rename experiment in non-active lifecycle stage. Current stage: deleted"}
	}
	return s.rewriteExperiment(ctx, ref, func(d *codec.Document) {
		codec.TouchExperiment(d, mlruns.StageActive, s.now())
		d.SetString(codec.KeyName, name)
	})
}

// rewriteExperiment changes an experiment's meta.yaml. The caller holds its lock.
func (s *Store) rewriteExperiment(ctx context.Context, ref records.ExperimentRef, change func(*codec.Document)) error {
	_, doc, err := s.records.ExperimentDocument(ctx, ref)
	if err != nil {
		return records.ExperimentError(ref.ID, ref.Dir, err)
	}
	change(&doc)
	return s.replaceMeta(ref.Dir, doc)
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
	ref, unlock, err := s.lockExperiment(ctx, id)
	if err != nil {
		return err
	}
	defer s.unlock(unlock)
	// What cannot be read is not listed either, so a tag would be written that nobody sees.
	if _, _, err := s.records.ExperimentDocument(ctx, ref); err != nil {
		return records.ExperimentError(id, ref.Dir, err)
	}
	if ref.Trashed {
		return &failure.Reason{Kind: mlruns.ErrNotActive,
			Text: fmt.Sprintf("The experiment %s must be in the 'active' lifecycle_stage to %s tags", id, verb)}
	}
	return change(ref)
}
