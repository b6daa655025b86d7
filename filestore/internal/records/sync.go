package records

import (
	"context"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// SyncRun makes all values of a run durable. Its meta.yaml follows, and artifacts were when they
// were logged. What cannot be opened holds no value that was logged here: a link that leads
// nowhere, a named pipe, a file of another user's, a tag that was deleted meanwhile.
func (r *Reader) SyncRun(ctx context.Context, ref RunRef) error {
	f, err := r.Tree.Folder(ref.Dir)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, sub := range [...]string{layout.Metrics, layout.Params, layout.Tags} {
		err := WalkKeys(ctx, f, ref.Dir, sub, nil, func(k KeyFile) error {
			file, err := r.Tree.OpenToSync(k.Path)
			if vfs.IsShortage(err) {
				return err
			}
			if err != nil {
				r.Tree.Logger.Warn("a file of a run that has ended is not made durable", "path", k.Path, "error", err)
				return nil
			}
			defer file.Close()
			return file.Sync()
		})
		if err == nil {
			err = r.Tree.SyncFolders(ctx, layout.Join(ref.Dir, sub))
		}
		if err != nil {
			return err
		}
	}
	return r.Tree.SyncDir(ref.Dir)
}
