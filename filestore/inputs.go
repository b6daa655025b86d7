package filestore

import (
	"context"
	"errors"
	"fmt"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
)

// LogInputs implements mlruns.Store. Each data set and each input appears whole, by a rename, and
// is left as it is if it exists. It can be called again.
func (s *Store) LogInputs(ctx context.Context, runID string, in mlruns.Inputs) (err error) {
	defer wrap(&err, "log inputs", runID)
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if err := validateInputs(in); err != nil {
		return err
	}
	return s.find.WithActiveRun(ctx, runID, func(ref records.RunRef, _ mlruns.RunInfo, _ codec.Document) error {
		var all dir.Durability
		if err := placeInputs(s.tree, &all, ref, in); err != nil {
			return err
		}
		return all.Last(nil)
	})
}

// LogOutputs implements mlruns.Store. Each output appears whole, by a rename, and is left as it is
// if it exists. It can be called again.
func (s *Store) LogOutputs(ctx context.Context, runID string, out mlruns.Outputs) (err error) {
	defer wrap(&err, "log outputs", runID)
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	for i, m := range out.Models {
		if err := validateModelID(fmt.Sprintf("models[%d].model_id", i), m.ModelID); err != nil {
			return err
		}
	}
	return s.find.WithActiveRun(ctx, runID, func(ref records.RunRef, _ mlruns.RunInfo, _ codec.Document) error {
		var all dir.Durability
		if err := placeOutputs(s.tree, &all, ref, out); err != nil {
			return err
		}
		return all.Last(nil)
	})
}

// placeInputs makes what a run lacks of inputs. The caller holds the run's lock.
func placeInputs(tree *dir.Tree, all *dir.Durability, ref records.RunRef, in mlruns.Inputs) error {
	for _, d := range in.Datasets {
		if err := all.Step(placeDataset(tree, ref.Experiment, d.Dataset)); err != nil {
			return err
		}
		id := codec.HashID(d.Dataset.Name, d.Dataset.Digest)
		if err := all.Step(records.PlaceOnce(tree, layout.Join(ref.Dir, layout.Inputs), codec.HashID(id, ref.ID), codec.NewDatasetInput(id, d.Tags))); err != nil {
			return err
		}
	}
	for _, m := range in.Models {
		if err := all.Step(records.PlaceOnce(tree, layout.Join(ref.Dir, layout.Inputs), codec.HashID(m.ModelID, ref.ID), codec.NewModelInput(m.ModelID))); err != nil {
			return err
		}
	}
	return nil
}

// placeOutputs is placeInputs for outputs.
func placeOutputs(tree *dir.Tree, all *dir.Durability, ref records.RunRef, out mlruns.Outputs) error {
	ids := make([]string, len(out.Models))
	for i, m := range out.Models {
		ids[i] = m.ModelID
	}
	if err := tree.RefuseMerged(ref.Dir, layout.Outputs, ids); err != nil {
		return err
	}
	for _, m := range out.Models {
		if err := all.Step(records.PlaceOnce(tree, layout.Join(ref.Dir, layout.Outputs), m.ModelID, codec.NewOutputDocument(m))); err != nil {
			return err
		}
	}
	return nil
}

func validateInputs(in mlruns.Inputs) error {
	for i, d := range in.Datasets {
		for _, f := range [...]mlruns.Tag{{Key: "name", Value: d.Dataset.Name}, {Key: "digest", Value: d.Dataset.Digest}, {Key: "source_type", Value: d.Dataset.SourceType},
			{Key: "source", Value: d.Dataset.Source}, {Key: "schema", Value: d.Dataset.Schema}, {Key: "profile", Value: d.Dataset.Profile}} {
			if err := validate.Text(fmt.Sprintf("datasets[%d].dataset.%s", i, f.Key), f.Value); err != nil {
				return err
			}
		}
		if d.Dataset.Name == "" {
			return failure.Invalid(fmt.Sprintf("Missing value for required parameter 'datasets[%d].dataset.name'.", i))
		}
		if d.Dataset.Digest == "" {
			return failure.Invalid(fmt.Sprintf("Missing value for required parameter 'datasets[%d].dataset.digest'.", i))
		}
		for key, value := range d.Tags {
			if err := errors.Join(validate.Text(fmt.Sprintf("datasets[%d].tags.key", i), key), validate.Text(fmt.Sprintf("datasets[%d].tags.value", i), value)); err != nil {
				return err
			}
		}
	}
	for i, m := range in.Models {
		if err := validateModelID(fmt.Sprintf("models[%d].model_id", i), m.ModelID); err != nil {
			return err
		}
	}
	return nil
}

// validateModelID refuses what cannot be the name of a folder.
func validateModelID(field, id string) error {
	if validate.RunID(id) != nil {
		return failure.Invalid(fmt.Sprintf("Invalid value %q for parameter '%s' supplied: a model id has letters, digits, '_' and '-' only", id, field))
	}
	return dir.Holdable(field, id)
}
