package maintenance

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// selects reports whether what has an id is to be removed: ids are those of its kind that the query
// names.
func (c *collection) selects(ids []string, id string) bool {
	q := c.query
	return len(q.Experiments)+len(q.Runs)+len(q.Models) == 0 || slices.Contains(ids, id)
}

// unmet tells of what was named and not removed.
func (c *collection) unmet() {
	for _, named := range [...]struct {
		noun string
		ids  []string
	}{{"experiment", c.query.Experiments}, {"run", c.query.Runs}, {"model", c.query.Models}} {
		for _, id := range named.ids {
			if !c.met[id] {
				c.did(id, failure.Invalid(fmt.Sprintf("the %s '%s' was not removed: there is none that is deleted and old enough", named.noun, id)))
			}
		}
	}
}

// models removes the deleted logged models of an experiment. The only error is one of the call.
func (c *collection) models(ctx context.Context, e records.ExperimentRef) error {
	refs, err := c.store.find.ModelRefs(e, c.problems)
	if err != nil {
		return c.problems.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(e.Dir, layout.Models), err)
	}
	for _, ref := range refs {
		if c.stopped || ctx.Err() != nil {
			break
		}
		m, _, err := c.store.records.ModelDocument(ctx, ref)
		switch {
		case vfs.IsMissing(err): // removed since the listing
		case err != nil:
			if err := c.problems.Unreadable(ctx, mlruns.ProblemUnreadableMeta, layout.Join(ref.Dir, layout.Meta), err); err != nil {
				return err
			}
		case m.Stage == mlruns.StageDeleted && c.old(m.Updated) && c.selects(c.query.Models, m.ID):
			r := mlruns.Removal{Path: ref.Dir, ExperimentID: m.ExperimentID, ModelID: m.ID, Name: m.Name, Deleted: m.Updated}
			c.remove(ctx, r, func() (string, error) { return c.store.discardModel(ctx, ref, c.old) })
		}
	}
	return ctx.Err()
}

// discardModel takes a deleted model out of its experiment if old still says so under the
// experiment's lock. The commit point is the rename.
func (m *Maintainer) discardModel(ctx context.Context, ref records.ModelRef, old func(time.Time) bool) (at string, err error) {
	e, unlock, err := m.find.LockExperiment(ctx, ref.Experiment.ID)
	if err != nil {
		return "", err
	}
	defer m.find.Unlock(unlock)
	ref = records.NewModelRef(e, ref.ID)
	removable := func(meta string) (bool, error) {
		f, err := m.tree.Folder(layout.Parent(meta))
		if err != nil {
			return false, err
		}
		defer f.Close()
		doc, err := records.ReadDocument(ctx, f, path.Base(meta), func(*codec.Document) error { return nil })
		if err != nil {
			return false, err
		}
		now, err := codec.LoggedModelOf(&doc, ref.Experiment.ID, ref.ID)
		return now.Stage == mlruns.StageDeleted && old(now.Updated), err
	}
	if ok, err := removable(layout.Join(ref.Dir, layout.Meta)); err != nil || !ok {
		return "", err
	}
	return m.tree.Discard(ref.Dir, removable)
}

// artifactsOfModel gives the folder of artifacts of a model that lies elsewhere in the store, as
// artifactsOfRun does for a run.
func (c *collection) artifactsOfModel(ctx context.Context, f vfs.Folder, meta string) (of []artifactFolder, isModel bool, err error) {
	_, err = records.ReadDocument(ctx, f, meta, func(doc *codec.Document) error {
		var id string
		if id, isModel = doc.Text(codec.KeyModelID); !isModel {
			return nil
		}
		experiment, _ := doc.Text(codec.KeyExperimentID)
		location, _ := doc.Text(codec.KeyArtifactLocation)
		of = nil
		holder := records.NewModelRef(records.NewExperimentRef(experiment, false), id).Holder()
		at, ok := c.store.find.ArtifactFolder(holder, location, c.roots)
		if !ok {
			return nil
		}
		link, err := c.store.tree.LinkAbove(at)
		if err == nil && link == "" && c.store.tree.IsDir(at) {
			of = append(of, artifactFolder{dir: at})
		}
		return err
	})
	return of, isModel && err == nil, vfs.Shortage(err)
}
