package filestore

import (
	"context"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/locate"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

var _ mlruns.Importer = (*Store)(nil)

// ImportExperiment implements mlruns.Importer. The commit point is the rename that puts the
// finished folder into the root, or into the trash.
func (s *Store) ImportExperiment(ctx context.Context, e mlruns.Experiment) (id string, err error) {
	id, err = s.importExperiment(ctx, e)
	return id, fail("import experiment", e.ID, err)
}

func (s *Store) importExperiment(ctx context.Context, e mlruns.Experiment) (string, error) {
	if err := s.beginLogging(ctx); err != nil {
		return "", err
	}
	if err := checkImportedExperiment(&e); err != nil {
		return "", err
	}
	unlock, err := s.find.LockRoot(ctx)
	if err != nil {
		return "", err
	}
	defer s.find.Unlock(unlock)
	if err := s.find.NameFree(ctx, e.Name); err != nil {
		return "", err
	}
	if e.ID, err = experimentID(s.find, e.ID); err != nil {
		return "", err
	}
	if e.ArtifactLocation == "" {
		if e.ArtifactLocation, err = s.find.DefaultLocation(e.ID); err != nil {
			return "", err
		}
	}
	trashed := e.Stage == mlruns.StageDeleted
	if trashed {
		if err := s.tree.RefuseLink(layout.Trash); err != nil {
			return "", err
		}
		if err := s.tree.MakeFolder(layout.Trash, s.syncs(SyncMeta)); err != nil {
			return "", err
		}
	}
	return e.ID, s.tree.Place(layout.Experiment(e.ID, trashed), func(b *dir.Builder) { buildExperiment(b, e) })
}

// checkImportedExperiment refuses what cannot be written. Times that nobody knows stay unknown, as
// MLflow < 1.29 left them.
func checkImportedExperiment(e *mlruns.Experiment) error {
	if e.ID != "" {
		if err := validateNewExperimentID(e.ID); err != nil {
			return err
		}
	}
	if e.Name == "" {
		return validate.ExperimentName(e.Name)
	}
	if err := validate.Text("name", e.Name); err != nil {
		return err
	}
	if err := validateStage(e.Stage); err != nil {
		return err
	}
	if err := validateTags(e.Tags); err != nil {
		return err
	}
	var err error
	if e.ArtifactLocation, err = locate.AbsoluteLocation(e.ArtifactLocation); err != nil {
		return err
	}
	return importedTimes(importedTime{"creation_time", &e.Created}, importedTime{"last_update_time", &e.Updated})
}

// importedTime is a time of what is imported, by its name in messages.
type importedTime struct {
	field string
	t     *time.Time
}

// importedTimes checks times and cuts them to milliseconds. A zero one stays so.
func importedTimes(times ...importedTime) (err error) {
	for _, it := range times {
		if it.t.IsZero() {
			continue
		}
		if *it.t, err = timestamp(it.field, *it.t, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

func validateStage(stage mlruns.LifecycleStage) error {
	if stage != mlruns.StageActive && stage != mlruns.StageDeleted {
		return failure.Invalid("Invalid lifecycle stage '" + string(stage) + "'")
	}
	return nil
}

// buildExperiment fills the folder of a new experiment.
func buildExperiment(b *dir.Builder, e mlruns.Experiment) {
	doc := codec.NewExperimentDocument(e)
	b.Meta(doc.Encode())
	if len(e.Tags) > 0 {
		b.Values(layout.Tags, e.Tags)
	}
}
