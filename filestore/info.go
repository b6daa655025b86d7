package filestore

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// Info describes a store and what can be promised where it lies.
type Info struct {
	// Dir is the directory, absolute where it is one of the operating system.
	Dir string
	// URI is what MLflow would be given as its tracking URI.
	URI      string
	ReadOnly bool
	Drive
	// Sync is the durability the store was opened with.
	Sync Sync
	// Active and Deleted count the experiments, Runs the folders of runs in all of them.
	Active, Deleted, Runs int
}

// Info looks at the store. It lists folders and reads no files.
func (s *Store) Info(ctx context.Context) (Info, error) {
	info, err := s.info(ctx)
	return info, fail("store info", "", err)
}

func (s *Store) info(ctx context.Context) (Info, error) {
	info := Info{Dir: s.dir, URI: s.uri, ReadOnly: s.readOnly, Drive: s.Drive(), Sync: s.sync}
	if err := s.begin(ctx); err != nil {
		return info, err
	}
	refs, err := s.experimentRefs(mlruns.ViewAll, nil)
	if err != nil {
		return info, err
	}
	p := &problems{store: s}
	for _, e := range refs {
		if err := ctx.Err(); err != nil {
			return info, err
		}
		if ok, err := s.tree.exists(layout.Join(e.dir, layout.Meta)); !ok && err == nil && p.isArtifactFolder(missingMeta(e.dir)) {
			continue
		}
		if e.trashed {
			info.Deleted++
		} else {
			info.Active++
		}
		_, runs, f, err := s.openRuns(e, nil)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return info, err
		}
		for _, run := range runs {
			if _, err := f.Stat(layout.Join(run.id, layout.Meta)); !isMissing(err) {
				info.Runs++
			}
		}
		closeQuietly(f)
	}
	return info, nil
}
