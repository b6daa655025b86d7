package filestore

import (
	"context" //nolint:gosec // MLflow names these folders by MD5; nothing is secured by it.
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// LogInputs implements mlruns.Store. Each data set and each input appears whole, by a rename, and
// is left as it is if it exists. It can be called again.
func (s *Store) LogInputs(ctx context.Context, runID string, in mlruns.Inputs) error {
	return fail("log inputs", runID, s.logInputs(ctx, runID, in))
}

func (s *Store) logInputs(ctx context.Context, runID string, in mlruns.Inputs) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if err := validateInputs(in); err != nil {
		return err
	}
	return s.withActiveRun(ctx, runID, func(ref runRef, _ mlruns.RunInfo, _ codec.Document) error {
		var all dir.Durability
		for _, d := range in.Datasets {
			id := codec.HashID(d.Dataset.Name, d.Dataset.Digest)
			if err := all.Step(s.placeOnce(layout.Join(ref.experiment.dir, layout.Datasets), id, codec.NewDatasetDocument(d.Dataset))); err != nil {
				return err
			}
			if err := all.Step(s.placeOnce(layout.Join(ref.dir, layout.Inputs), codec.HashID(id, runID), codec.NewDatasetInput(id, d.Tags))); err != nil {
				return err
			}
		}
		for _, m := range in.Models {
			if err := all.Step(s.placeOnce(layout.Join(ref.dir, layout.Inputs), codec.HashID(m.ModelID, runID), codec.NewModelInput(m.ModelID))); err != nil {
				return err
			}
		}
		return all.Last(nil)
	})
}

// LogOutputs implements mlruns.Store. Each output appears whole, by a rename, and is left as it is
// if it exists. It can be called again.
func (s *Store) LogOutputs(ctx context.Context, runID string, out mlruns.Outputs) error {
	return fail("log outputs", runID, s.logOutputs(ctx, runID, out))
}

func (s *Store) logOutputs(ctx context.Context, runID string, out mlruns.Outputs) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	ids := make([]string, len(out.Models))
	for i, m := range out.Models {
		if err := validateModelID(fmt.Sprintf("models[%d].model_id", i), m.ModelID); err != nil {
			return err
		}
		ids[i] = m.ModelID
	}
	return s.withActiveRun(ctx, runID, func(ref runRef, _ mlruns.RunInfo, _ codec.Document) error {
		if err := s.tree.RefuseMerged(ref.dir, layout.Outputs, ids); err != nil {
			return err
		}
		var all dir.Durability
		for _, m := range out.Models {
			if err := all.Step(s.placeOnce(layout.Join(ref.dir, layout.Outputs), m.ModelID, codec.NewOutputDocument(m))); err != nil {
				return err
			}
		}
		return all.Last(nil)
	})
}

// placeOnce makes the folder id in dir with a meta.yaml, unless it exists: the first writer wins,
// as in MLflow.
func (s *Store) placeOnce(folder, id string, doc codec.Document) error {
	target := layout.Join(folder, id)
	if exists, err := s.tree.Exists(layout.Join(target, layout.Meta)); err != nil || exists {
		return err
	}
	if err := s.tree.MakeFolder(folder, s.syncs(SyncMeta)); err != nil {
		return err
	}
	err := s.tree.Place(target, func(b *dir.Builder) { b.Meta(doc.Encode()) })
	if err == nil || errors.Is(err, mlruns.ErrNotDurable) {
		return err
	}
	// Another run of the experiment may have placed the same data set meanwhile.
	if exists, existsErr := s.tree.Exists(layout.Join(target, layout.Meta)); existsErr == nil && exists {
		return nil
	}
	return err
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

// readInputs reads a run's inputs, by folder name. An input that cannot be read, or whose data set
// is missing, is left out and reported.
func (s *Store) readInputs(ctx context.Context, run rootfs.Folder, ref runRef, p *problems) (mlruns.Inputs, error) {
	var in mlruns.Inputs
	bytes := 0
	err := eachMeta(ctx, run, ref.dir, layout.Inputs, p, func(doc *codec.Document) error {
		source, isModel, tags, err := codec.InputOf(doc)
		if err != nil {
			return err
		}
		if isModel {
			in.Models = append(in.Models, mlruns.ModelInput{ModelID: source})
			return nil
		}
		dataset, err := s.readDataset(ctx, ref.experiment, source)
		if err != nil {
			return err
		}
		if bytes += len(dataset.Source) + len(dataset.Schema) + len(dataset.Profile); bytes > maxValues {
			return &codec.Damage{Reason: fmt.Sprintf("the data sets of the run have more than %d bytes together", maxValues)}
		}
		in.Datasets = append(in.Datasets, mlruns.DatasetInput{Dataset: dataset, Tags: tags})
		return nil
	})
	return in, err
}

func (s *Store) readDataset(ctx context.Context, e experimentRef, id string) (mlruns.Dataset, error) {
	var d mlruns.Dataset
	if validate.RunID(id) != nil {
		return d, &codec.Damage{Reason: fmt.Sprintf("source_id %q is no data set's id", id)}
	}
	f, err := s.tree.Folder(layout.Join(e.dir, layout.Datasets, id))
	if vfs.IsMissing(err) {
		return d, errNoDataset
	}
	if err != nil {
		return d, err
	}
	defer f.Close()
	_, err = readDocument(ctx, f, layout.Meta, func(doc *codec.Document) error {
		var err error
		d, err = codec.DatasetOf(doc)
		return err
	})
	if vfs.IsMissing(err) {
		err = errNoDataset
	}
	return d, err
}

var errNoDataset = errors.New("the data set it names is not among the experiment's")

func readOutputs(ctx context.Context, run rootfs.Folder, ref runRef, p *problems) (mlruns.Outputs, error) {
	var out mlruns.Outputs
	err := eachMeta(ctx, run, ref.dir, layout.Outputs, p, func(doc *codec.Document) error {
		m, err := codec.OutputOf(doc)
		if err == nil {
			out.Models = append(out.Models, m)
		}
		return err
	})
	return out, err
}

// maxInputs is how many inputs, or outputs, of a run are read; MLflow logs a few.
const maxInputs = 10_000

// noFolder says why an entry of a folder is neither a folder nor a link to one, "" if it is.
func noFolder(f rootfs.Folder, e rootfs.Entry) string {
	folder := e.Type.IsDir()
	if e.Type&fs.ModeSymlink != 0 {
		info, err := f.Stat(e.Name)
		if err != nil {
			return reasonOf(err)
		}
		folder = info.IsDir()
	}
	if !folder {
		return "not a folder"
	}
	return ""
}

// eachMeta calls use for the meta.yaml of each folder in the folder sub of a run, by name. What is
// no such folder, or use refuses, is reported.
func eachMeta(ctx context.Context, run rootfs.Folder, dir, sub string, p *problems, use func(*codec.Document) error) error {
	f, err := run.OpenFolder(sub)
	if vfs.IsGone(err) {
		return ctx.Err()
	}
	if err != nil {
		return p.unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(dir, sub), err)
	}
	defer f.Close()
	entries, err := f.Entries()
	if err != nil {
		return p.unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(dir, sub), err)
	}
	if len(entries) > maxInputs {
		p.add(mlruns.Problem{Kind: mlruns.ProblemUnreadable, Path: layout.Join(dir, sub), Reason: fmt.Sprintf("there are more than %d names; the rest is not read", maxInputs)})
		entries = entries[:maxInputs]
	}
	slices.SortFunc(entries, func(a, b rootfs.Entry) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range entries {
		path := layout.Join(dir, sub, e.Name)
		switch {
		case isConflict(e.Name):
			p.add(conflict(path))
			continue
		case foreignName(e.Name):
			p.add(foreign(path))
			continue
		}
		if why := noFolder(f, e); why != "" {
			p.add(mlruns.Problem{Kind: mlruns.ProblemForeign, Path: path, Reason: why})
			continue
		}
		path = layout.Join(path, layout.Meta)
		_, err := readDocument(ctx, f, layout.Join(e.Name, layout.Meta), use)
		switch {
		case err == nil:
		case ended(ctx, err):
			return ending(ctx, err)
		case errors.Is(err, errNoDataset):
			p.add(problemOf(mlruns.ProblemDangling, path, err))
		case vfs.IsGone(err):
			p.add(missingMeta(layout.Parent(path)))
		default:
			p.add(problemOf(mlruns.ProblemUnreadableMeta, path, err))
		}
	}
	return nil
}
