package filestore

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/rootfs"
)

// artifactFolder is a folder of artifacts that goes with a run.
type artifactFolder struct{ run, dir string }

// artifactsOf gives the folders of artifacts that belong to the run or the runs in a folder and lie elsewhere in the store, as MLflow's gc removes them.
// What cannot be read has none.
func (c *collection) artifactsOf(ctx context.Context, dir string) []artifactFolder {
	f, err := c.store.tree.folder(dir)
	if err != nil {
		return nil
	}
	defer closeQuietly(f)
	if own, isRun := c.artifactsOfRun(ctx, f, layout.Meta); isRun {
		return own
	}
	var all []artifactFolder
	if !c.runsElsewhere(ctx, f) {
		return nil
	}
	entries, err := f.Entries()
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if e.Type.IsDir() && !layout.ReservedInExperiment(e.Name) {
			of, _ := c.artifactsOfRun(ctx, f, layout.Join(e.Name, layout.Meta))
			all = append(all, of...)
		}
	}
	return slices.DeleteFunc(all, func(of artifactFolder) bool { return strings.HasPrefix(of.dir, dir+"/") }) // goes with the rest
}

func (c *collection) artifactsOfRun(ctx context.Context, f rootfs.Folder, meta string) (of []artifactFolder, isRun bool) {
	_, err := readDocument(ctx, f, meta, func(doc *document) error {
		var ref runRef
		if ref.id, isRun = doc.text(keyRunID); !isRun {
			ref.id, isRun = doc.text(keyRunUUID)
		}
		ref.experiment.id, _ = doc.text(keyExperimentID)
		location, _ := doc.text(keyArtifactURI)
		of = nil
		dir, ok := c.store.artifactFolder(ref, location, c.roots)
		if !isRun || !ok {
			return nil
		}
		link, err := c.store.linkAbove(dir)
		if err == nil && link == "" && c.store.tree.isDir(dir) {
			of = append(of, artifactFolder{ref.id, dir})
		}
		return err
	})
	return of, isRun && err == nil
}

// runsElsewhere reports whether an experiment has a folder of the store that is not its own for its artifacts.
func (c *collection) runsElsewhere(ctx context.Context, f rootfs.Folder) bool {
	elsewhere := false
	_, err := readDocument(ctx, f, layout.Meta, func(doc *document) error {
		id, _ := doc.text(keyExperimentID)
		location, _ := doc.text(keyArtifactLocation)
		at, ok := c.store.inStore(location, c.roots)
		elsewhere = ok && at.rel != id
		return nil
	})
	return elsewhere && err == nil
}

// lodger gives the active experiment that has its artifacts in the folder of another, "" if there is none.
func (c *collection) lodger(dir string) string {
	for _, area := range c.areas() {
		if area.dir != dir && !strings.HasPrefix(area.dir, dir+"/") {
			continue
		}
		for _, e := range area.experiments {
			if !e.trashed {
				return e.id
			}
		}
	}
	return ""
}

// removeArtifacts removes a folder of artifacts, durably, and the run's above it if that holds nothing more; with its experiment those above that, too. It
// stays if another run has the id.
func (s *Store) removeArtifacts(ctx context.Context, of artifactFolder, withExperiment bool) error {
	if _, err := s.findRun(ctx, of.run); !errors.Is(err, mlruns.ErrNotFound) {
		return err
	}
	if err := s.tree.removeAll(of.dir); err != nil {
		return err
	}
	above := parent(of.dir)
	for n := 0; above != "" && (n == 0 || withExperiment); n++ {
		if entries, err := s.tree.entries(above); err != nil || len(entries) > 0 || s.tree.remove(above) != nil {
			break
		}
		above = parent(above)
	}
	if !s.syncs(SyncMeta) {
		return nil
	}
	return s.tree.syncDir(above)
}
