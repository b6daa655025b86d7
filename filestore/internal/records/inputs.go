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

// Link is a folder among the inputs or the outputs of a run, and what its meta.yaml says.
type Link struct {
	Name     string // of the folder
	Symbolic bool   // it is a symbolic link to a folder
	ID       string // of what it leads to: a model, or
	Dataset  bool   // a data set, with
	Tags     map[string]string
	Step     int64 // of an output
}

// Links are those of a run, by folder name.
type Links struct{ Inputs, Outputs []Link }

// DatasetReader gives a data set of an experiment: Reader.Dataset, or who knows what that gives.
type DatasetReader func(ctx context.Context, e ExperimentRef, id string) (mlruns.Dataset, error)

// Inputs reads a run's inputs, by folder name. An input that cannot be read, or whose data set
// is missing, is left out and reported.
func Inputs(ctx context.Context, run vfs.Folder, ref RunRef, dataset DatasetReader, p *Problems) (mlruns.Inputs, []Link, error) {
	var in JoinedInputs
	read := func(l *Link, doc *codec.Document) error {
		source, isModel, tags, err := codec.InputOf(doc)
		l.ID, l.Dataset, l.Tags = source, !isModel, tags
		return err
	}
	links, err := eachMeta(ctx, run, ref.Dir, layout.Inputs, p, read, func(l Link) error { return in.Add(ctx, ref.Experiment, l, dataset) })
	return in.Inputs, links, err
}

// JoinedInputs are the inputs of a run as they come together.
type JoinedInputs struct {
	mlruns.Inputs
	bytes int
}

// Add adds what a link leads to.
func (j *JoinedInputs) Add(ctx context.Context, e ExperimentRef, l Link, dataset DatasetReader) error {
	if !l.Dataset {
		j.Models = append(j.Models, mlruns.ModelInput{ModelID: l.ID})
		return nil
	}
	d, err := dataset(ctx, e, l.ID)
	if err != nil {
		return err
	}
	if j.bytes += len(d.Source) + len(d.Schema) + len(d.Profile); j.bytes > maxValues {
		return &codec.Damage{Reason: fmt.Sprintf("the data sets of the run have more than %d bytes together", maxValues)}
	}
	j.Datasets = append(j.Datasets, mlruns.DatasetInput{Dataset: d, Tags: l.Tags})
	return nil
}

// Dataset reads a data set of an experiment.
func (r *Reader) Dataset(ctx context.Context, e ExperimentRef, id string) (mlruns.Dataset, error) {
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
	if d, err = DatasetIn(ctx, f); vfs.IsMissing(err) {
		err = errNoDataset
	}
	return d, err
}

// DatasetIn reads the data set of a folder.
func DatasetIn(ctx context.Context, f vfs.Folder) (d mlruns.Dataset, err error) {
	_, err = ReadDocument(ctx, f, layout.Meta, func(doc *codec.Document) (err error) {
		d, err = codec.DatasetOf(doc)
		return err
	})
	return d, err
}

var errNoDataset = errors.New("the data set it names is not among the experiment's")

func ReadOutputs(ctx context.Context, run vfs.Folder, ref RunRef, p *Problems) (mlruns.Outputs, []Link, error) {
	read := func(l *Link, doc *codec.Document) error {
		m, err := codec.OutputOf(doc)
		l.ID, l.Step = m.ModelID, m.Step
		return err
	}
	links, err := eachMeta(ctx, run, ref.Dir, layout.Outputs, p, read, func(Link) error { return nil })
	return OutputsOf(links), links, err
}

// OutputsOf are the outputs that links lead to.
func OutputsOf(links []Link) (out mlruns.Outputs) {
	for _, l := range links {
		out.Models = append(out.Models, mlruns.ModelOutput{ModelID: l.ID, Step: l.Step})
	}
	return out
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

// eachMeta gives the folders in the folder sub of a run, by name. read takes what the meta.yaml of
// one says, and again if that was perhaps being written; use is told of it once. What is no such
// folder, or one of the two refuses, is reported.
func eachMeta(ctx context.Context, run vfs.Folder, dir, sub string, p *Problems, read func(*Link, *codec.Document) error, use func(Link) error) (links []Link, err error) {
	f, err := run.OpenFolder(sub)
	if vfs.IsGone(err) {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, p.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(dir, sub), err)
	}
	defer f.Close()
	entries, err := f.Entries()
	if err != nil {
		return nil, p.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(dir, sub), err)
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
		l := Link{Name: e.Name, Symbolic: e.Type&fs.ModeSymlink != 0}
		_, err := ReadDocument(ctx, f, layout.Join(e.Name, layout.Meta), func(doc *codec.Document) error { return read(&l, doc) })
		if err == nil {
			err = use(l)
		}
		switch {
		case err == nil:
			links = append(links, l)
		case EndsCall(ctx, err):
			return nil, CallError(ctx, err)
		case errors.Is(err, errNoDataset):
			p.Add(ProblemOf(mlruns.ProblemDangling, path, err))
		case vfs.IsGone(err):
			p.Add(missingMeta(layout.Parent(path)))
		default:
			p.Add(ProblemOf(mlruns.ProblemUnreadableMeta, path, err))
		}
	}
	return links, nil
}
