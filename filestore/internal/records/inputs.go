package records

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Inputs reads a run's inputs, by folder name. An input that cannot be read, or whose data set
// is missing, is left out and reported.
func (r *Reader) Inputs(ctx context.Context, run vfs.Folder, ref RunRef, p *Problems) (mlruns.Inputs, error) {
	var in mlruns.Inputs
	bytes := 0
	err := eachMeta(ctx, run, ref.Dir, layout.Inputs, p, func(doc *codec.Document) error {
		source, isModel, tags, err := codec.InputOf(doc)
		if err != nil {
			return err
		}
		if isModel {
			in.Models = append(in.Models, mlruns.ModelInput{ModelID: source})
			return nil
		}
		dataset, err := r.readDataset(ctx, ref.Experiment, source)
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

func (r *Reader) readDataset(ctx context.Context, e ExperimentRef, id string) (mlruns.Dataset, error) {
	var d mlruns.Dataset
	if validate.RunID(id) != nil {
		return d, &codec.Damage{Reason: fmt.Sprintf("source_id %q is no data set's id", id)}
	}
	f, err := r.Tree.Folder(layout.Join(e.Dir, layout.Datasets, id))
	if vfs.IsMissing(err) {
		return d, errNoDataset
	}
	if err != nil {
		return d, err
	}
	defer f.Close()
	_, err = ReadDocument(ctx, f, layout.Meta, func(doc *codec.Document) error {
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

func ReadOutputs(ctx context.Context, run vfs.Folder, ref RunRef, p *Problems) (mlruns.Outputs, error) {
	var out mlruns.Outputs
	err := eachMeta(ctx, run, ref.Dir, layout.Outputs, p, func(doc *codec.Document) error {
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
func noFolder(f vfs.Folder, e vfs.Entry) string {
	folder := e.Type.IsDir()
	if e.Type&fs.ModeSymlink != 0 {
		info, err := f.Stat(e.Name)
		if err != nil {
			return ReasonOf(err)
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
func eachMeta(ctx context.Context, run vfs.Folder, dir, sub string, p *Problems, use func(*codec.Document) error) error {
	f, err := run.OpenFolder(sub)
	if vfs.IsGone(err) {
		return ctx.Err()
	}
	if err != nil {
		return p.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(dir, sub), err)
	}
	defer f.Close()
	entries, err := f.Entries()
	if err != nil {
		return p.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(dir, sub), err)
	}
	if len(entries) > maxInputs {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemUnreadable, Path: layout.Join(dir, sub), Reason: fmt.Sprintf("there are more than %d names; the rest is not read", maxInputs)})
		entries = entries[:maxInputs]
	}
	slices.SortFunc(entries, func(a, b vfs.Entry) int { return strings.Compare(a.Name, b.Name) })
	for _, e := range entries {
		path := layout.Join(dir, sub, e.Name)
		switch {
		case IsConflict(e.Name):
			p.Add(Conflict(path))
			continue
		case IsForeign(e.Name):
			p.Add(foreign(path))
			continue
		}
		if why := noFolder(f, e); why != "" {
			p.Add(mlruns.Problem{Kind: mlruns.ProblemForeign, Path: path, Reason: why})
			continue
		}
		path = layout.Join(path, layout.Meta)
		_, err := ReadDocument(ctx, f, layout.Join(e.Name, layout.Meta), use)
		switch {
		case err == nil:
		case EndsCall(ctx, err):
			return CallError(ctx, err)
		case errors.Is(err, errNoDataset):
			p.Add(ProblemOf(mlruns.ProblemDangling, path, err))
		case vfs.IsGone(err):
			p.Add(missingMeta(layout.Parent(path)))
		default:
			p.Add(ProblemOf(mlruns.ProblemUnreadableMeta, path, err))
		}
	}
	return nil
}
