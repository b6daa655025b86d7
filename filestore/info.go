package filestore

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
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
	// Active and Deleted count the experiments, Runs the runs in all of them. What has no meta.yaml
	// that can be opened is not counted.
	Active, Deleted, Runs int
	// Problems are what was not counted, and what else is in the way of the listing.
	Problems []mlruns.Problem
}

// Info looks at the store. It lists folders and reads no files, so what is in a meta.yaml is not
// checked.
func (s *Store) Info(ctx context.Context) (info Info, err error) {
	defer wrap(&err, "store info", "")
	info = Info{Dir: s.dir, URI: s.uri, ReadOnly: s.readOnly, Drive: s.Drive(), Sync: s.sync}
	if err := s.begin(ctx); err != nil {
		return info, err
	}
	p := &records.Problems{Explained: s.find.ArtifactAreas(ctx).Explain}
	refs, err := s.find.ExperimentRefs(mlruns.ViewAll, p)
	if err != nil {
		return info, err
	}
	for _, e := range refs {
		if err := ctx.Err(); err != nil {
			return info, err
		}
		at, runs, f, err := s.find.OpenRuns(e, p)
		if vfs.IsMissing(err) {
			continue
		}
		if err != nil {
			return info, err
		}
		err = info.count(ctx, f, at, runs, p)
		_ = f.Close()
		if err != nil {
			return info, err
		}
	}
	info.Problems = p.Sorted()
	return info, nil
}

// count counts an experiment and its runs from its open folder.
func (i *Info) count(ctx context.Context, f vfs.Folder, e records.ExperimentRef, runs []records.RunRef, p *records.Problems) error {
	ok, err := counted(ctx, f, layout.Meta, e.Dir, p)
	switch {
	case err != nil:
		return err
	case ok && e.Trashed:
		i.Deleted++
	case ok:
		i.Active++
	}
	for _, run := range runs {
		ok, err := counted(ctx, f, layout.Join(run.ID, layout.Meta), run.Dir, p)
		if err != nil {
			return err
		}
		if ok {
			i.Runs++
		}
	}
	return nil
}

// counted reports whether there is a meta.yaml, named from the folder f, of an experiment or run in
// the folder dir. One that cannot be looked at is a problem.
func counted(ctx context.Context, f vfs.Folder, name, dir string, p *records.Problems) (bool, error) {
	_, err := f.Stat(name)
	if err != nil && !vfs.IsMissing(err) {
		return false, p.Unreadable(ctx, mlruns.ProblemUnreadableMeta, layout.Join(dir, layout.Meta), err)
	}
	return err == nil, nil
}
