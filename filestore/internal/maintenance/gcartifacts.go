package maintenance

import (
	"context"
	"slices"
	"strings"

	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// artifactFolder is a folder of artifacts that goes with a run.
type artifactFolder struct{ run, dir string }

// artifactsOf gives the folders of artifacts that belong to the run or the runs in a folder and lie
// elsewhere in the store, as MLflow's gc removes them. What cannot be read has none; the only error
// is a shortage.
func (c *collection) artifactsOf(ctx context.Context, dir string) ([]artifactFolder, error) {
	f, err := c.store.tree.Folder(dir)
	if err != nil {
		return nil, vfs.Shortage(err)
	}
	defer f.Close()
	for _, meta := range [...]string{layout.Meta, layout.Removed} {
		if own, isRun, err := c.artifactsOfRun(ctx, f, meta); isRun || err != nil {
			return own, err
		}
		if own, isModel, err := c.artifactsOfModel(ctx, f, meta); isModel || err != nil {
			return own, err
		}
	}
	var all []artifactFolder
	if elsewhere, err := c.runsElsewhere(ctx, f); err != nil || !elsewhere {
		return nil, err
	}
	entries, err := f.Entries()
	if err != nil {
		return nil, vfs.Shortage(err)
	}
	for _, e := range entries {
		if e.Type.IsDir() && !layout.ReservedInExperiment(e.Name) {
			of, _, err := c.artifactsOfRun(ctx, f, layout.Join(e.Name, layout.Meta))
			if err != nil {
				return nil, err
			}
			all = append(all, of...)
		}
	}
	// goes with the rest
	return slices.DeleteFunc(all, func(of artifactFolder) bool { return strings.HasPrefix(of.dir, dir+"/") }), nil
}

func (c *collection) artifactsOfRun(ctx context.Context, f vfs.Folder, meta string) (of []artifactFolder, isRun bool, err error) {
	_, err = records.ReadDocument(ctx, f, meta, func(doc *codec.Document) error {
		var ref records.RunRef
		if ref.ID, isRun = doc.Text(codec.KeyRunID); !isRun {
			ref.ID, isRun = doc.Text(codec.KeyRunUUID)
		}
		ref.Experiment.ID, _ = doc.Text(codec.KeyExperimentID)
		location, _ := doc.Text(codec.KeyArtifactURI)
		of = nil
		dir, ok := c.store.find.ArtifactFolder(ref, location, c.roots)
		if !isRun || !ok {
			return nil
		}
		link, err := c.store.tree.LinkAbove(dir)
		if err == nil && link == "" && c.store.tree.IsDir(dir) {
			of = append(of, artifactFolder{ref.ID, dir})
		}
		return err
	})
	return of, isRun && err == nil, vfs.Shortage(err)
}

// runsElsewhere reports whether an experiment has a folder of the store that is not its own for its
// artifacts.
func (c *collection) runsElsewhere(ctx context.Context, f vfs.Folder) (bool, error) {
	elsewhere := false
	read := func(doc *codec.Document) error {
		id, _ := doc.Text(codec.KeyExperimentID)
		location, _ := doc.Text(codec.KeyArtifactLocation)
		at, ok := c.store.find.InStore(location, c.roots)
		elsewhere = ok && at.Rel != id
		return nil
	}
	_, err := records.ReadDocument(ctx, f, layout.Meta, read)
	if vfs.IsMissing(err) {
		_, err = records.ReadDocument(ctx, f, layout.Removed, read)
	}
	return elsewhere && err == nil, vfs.Shortage(err)
}

// lodger gives the active experiment that has its artifacts in the folder of another, "" if there
// is none.
func (c *collection) lodger(dir string) (string, error) {
	areas, err := c.areas.All()
	if err != nil {
		return "", err
	}
	for _, area := range areas {
		if area.Dir != dir && !strings.HasPrefix(area.Dir, dir+"/") {
			continue
		}
		for _, e := range area.Experiments {
			if !e.Trashed {
				return e.ID, nil
			}
		}
	}
	return "", nil
}

// removeArtifacts removes folders of artifacts, durably, and the run's above each if that holds
// nothing more; with an experiment those above that, too. One stays if another run has the id.
func (c *collection) removeArtifacts(all []artifactFolder, withExperiment bool) error {
	changed := map[string]bool{}
	for _, of := range all {
		if twin, err := c.hasTwin(of.run); err != nil {
			return err
		} else if twin {
			continue
		}
		if err := c.store.tree.RemoveAll(of.dir); err != nil {
			return err
		}
		above := layout.Parent(of.dir)
		for n := 0; above != "" && (n == 0 || withExperiment); n++ {
			if entries, err := c.store.tree.Entries(above); err != nil || len(entries) > 0 || c.store.tree.Remove(above) != nil {
				break
			}
			delete(changed, above)
			above = layout.Parent(above)
		}
		changed[above] = true
	}
	for dir := range changed {
		if !c.store.tree.Durable {
			break
		}
		if err := c.store.tree.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// hasTwin reports whether there is still a run of the id, of which one was taken out of the store.
func (c *collection) hasTwin(run string) (bool, error) {
	experiments, err := c.runIDs()
	if err != nil {
		return false, err
	}
	for _, e := range experiments[run] {
		for _, trashed := range [...]bool{false, true} {
			if is, err := c.store.find.IsRun(records.NewRunRef(records.NewExperimentRef(e, trashed), run)); is || err != nil {
				return is, err
			}
		}
	}
	return false, nil
}
