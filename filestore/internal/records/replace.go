package records

import (
	"context"
	"errors"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/layout"
)

// ReplaceMeta replaces the meta.yaml of an experiment or run.
func ReplaceMeta(t *dir.Tree, folder string, doc codec.Document) error {
	data, err := doc.Encode()
	if err != nil {
		return err
	}
	return t.ReplaceMeta(folder, data)
}

// ReplaceRunInfo replaces the meta.yaml of a run by one that says what info does, and what doc does
// besides.
func ReplaceRunInfo(t *dir.Tree, ref RunRef, info mlruns.RunInfo, doc codec.Document) error {
	codec.SetRunInfo(&doc, info)
	return ReplaceMeta(t, ref.Dir, doc)
}

// ChangeExperiment changes an experiment's meta.yaml. The caller holds its lock.
func (r *Reader) ChangeExperiment(ctx context.Context, ref ExperimentRef, change func(*codec.Document)) error {
	_, doc, err := r.ExperimentDocument(ctx, ref)
	if err != nil {
		return ExperimentError(ref.ID, ref.Dir, err)
	}
	change(&doc)
	return ReplaceMeta(r.Tree, ref.Dir, doc)
}

// PlaceOnce makes the folder id in folder with a meta.yaml, unless it exists: the first writer
// wins, as in MLflow.
func PlaceOnce(t *dir.Tree, folder, id string, doc codec.Document) error {
	target := layout.Join(folder, id)
	if exists, err := t.Exists(layout.Join(target, layout.Meta)); err != nil || exists {
		return err
	}
	if err := t.MakeFolder(folder, t.Durable); err != nil {
		return err
	}
	err := t.Place(target, func(b *dir.Builder) { b.Meta(doc.Encode()) })
	if err == nil || errors.Is(err, mlruns.ErrNotDurable) {
		return err
	}
	// Another run of the experiment may have placed the same data set meanwhile.
	if exists, existsErr := t.Exists(layout.Join(target, layout.Meta)); existsErr == nil && exists {
		return nil
	}
	return err
}
