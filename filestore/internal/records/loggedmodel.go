package records

import (
	"context"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// ModelMeta is what a model's meta.yaml tells, and whether it tells a type and a run.
type ModelMeta struct {
	mlruns.LoggedModel
	HasType, HasSource bool
}

// ReadModelMeta reads a model's meta.yaml from its folder.
func ReadModelMeta(ctx context.Context, f vfs.Folder, ref ModelRef) (meta ModelMeta, err error) {
	m := NewBuffer()
	defer m.Free()
	err = m.readScalars(ctx, f, layout.Meta, func(d codec.Scalars) (err error) {
		meta.LoggedModel, err = codec.LoggedModelOf(d, ref.Experiment.ID, ref.ID)
		meta.HasType, meta.HasSource = codec.HasModelType(d), codec.HasSourceRun(d)
		return err
	})
	return meta, err
}

// ModelDocument is ReadModelMeta with all that the file says, for who writes it again.
func (r *Reader) ModelDocument(ctx context.Context, ref ModelRef) (m mlruns.LoggedModel, doc codec.Document, err error) {
	f, err := r.Tree.Folder(ref.Dir)
	if err != nil {
		return m, doc, err
	}
	defer f.Close()
	doc, err = ReadDocument(ctx, f, layout.Meta, func(d *codec.Document) (err error) {
		m, err = codec.LoggedModelOf(d, ref.Experiment.ID, ref.ID)
		return err
	})
	return m, doc, err
}

// Model reads a logged model whole. Its problems are in the result; an error is about its meta.yaml
// or its folder.
func (r *Reader) Model(ctx context.Context, ref ModelRef) (*mlruns.LoggedModel, error) {
	var m mlruns.LoggedModel
	problems, err := r.readIn(ref.Dir, func(f vfs.Folder, p *Problems) error {
		meta, err := ReadModelMeta(ctx, f, ref)
		m = meta.LoggedModel
		if err == nil {
			m.Params, err = ReadValues(ctx, f, ref.Dir, layout.Params, p)
		}
		if err == nil {
			m.Tags, err = ReadValues(ctx, f, ref.Dir, layout.Tags, p)
		}
		if err == nil {
			m.Metrics, err = readModelMetrics(ctx, f, ref, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	m.Problems = problems
	return &m, nil
}

// ModelPoints calls each for the points of a metric of a model, with the runs that logged them.
func ModelPoints(ctx context.Context, k KeyFile, p *Problems, each func(codec.ModelPoint)) error {
	s := Scanner{Path: k.Path, Problems: p, OfModel: true}
	return s.Read(ctx, k, s.Points(func(pt codec.Point) bool {
		each(codec.ModelPoint{Point: pt, RunID: s.Run})
		return true
	}))
}

// WalkModelMetrics calls visit for each metric of a model, its folder open as f.
func WalkModelMetrics(ctx context.Context, f vfs.Folder, ref ModelRef, p *Problems, visit func(KeyFile) error) error {
	return WalkKeys(ctx, f, ref.Dir, layout.Metrics, p, func(k KeyFile) error {
		if err := visit(k); err != nil && !vfs.IsGone(err) {
			return p.Unreadable(ctx, mlruns.ProblemUnreadable, k.Path, err)
		}
		return nil
	})
}

// readModelMetrics reads the latest point of each metric and data set, by key, and for a key in the
// order in which its data sets occur.
func readModelMetrics(ctx context.Context, f vfs.Folder, ref ModelRef, p *Problems) ([]mlruns.Metric, error) {
	byKey := map[string][]mlruns.Metric{}
	err := WalkModelMetrics(ctx, f, ref, p, func(k KeyFile) error {
		var latest []mlruns.Metric
		err := ModelPoints(ctx, k, p, func(pt codec.ModelPoint) {
			m := pt.Metric(k.Key)
			m.ModelID = ref.ID
			i := slices.IndexFunc(latest, func(l mlruns.Metric) bool {
				return l.DatasetName == m.DatasetName && l.DatasetDigest == m.DatasetDigest
			})
			switch {
			case i < 0:
				latest = append(latest, m)
			case m.After(latest[i]):
				latest[i] = m
			}
		})
		byKey[k.Key] = latest
		return err
	})
	var all []mlruns.Metric
	for _, latest := range byKey {
		all = append(all, latest...)
	}
	slices.SortStableFunc(all, func(a, b mlruns.Metric) int { return strings.Compare(a.Key, b.Key) })
	return all, err
}

// ModelError is what an operation on one model says when its meta.yaml cannot be used.
func ModelError(id string, err error) error {
	return metaError(layout.Meta, err, failure.ModelInvalidState(id), failure.ModelNotFound(id))
}
