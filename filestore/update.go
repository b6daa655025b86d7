package filestore

import (
	"context"
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// UpdateRun implements mlruns.Store. The commit point is the replacement of meta.yaml; a new name
// is written to the tag mlflow.runName before it, as MLflow does, and a retry after a failure
// between the two completes it.
func (s *Store) UpdateRun(ctx context.Context, runID string, u mlruns.RunUpdate) error {
	return fail("update run", runID, s.updateRun(ctx, runID, u))
}

// EndRun implements mlruns.Store. With SyncMeta all files of the run are durable when it returns.
// The commit point is the replacement of meta.yaml.
func (s *Store) EndRun(ctx context.Context, runID string, status mlruns.Status, end time.Time) error {
	if status == 0 {
		status = mlruns.StatusFinished
	}
	if end.IsZero() {
		end = s.now()
	}
	return fail("end run", runID, s.updateRun(ctx, runID, mlruns.RunUpdate{Status: status, End: end}))
}

func (s *Store) updateRun(ctx context.Context, runID string, u mlruns.RunUpdate) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if u.Status != 0 && !u.Status.Valid() {
		return failure.Invalid(fmt.Sprintf("Invalid value %d for parameter 'status' supplied: valid run statuses are [1, 2, 3, 4, 5]", int8(u.Status)))
	}
	if err := validate.Text("run_name", u.Name); err != nil {
		return err
	}
	var end time.Time
	if !u.End.IsZero() {
		var err error
		if end, err = s.timestamp("end_time", u.End); err != nil {
			return err
		}
	}
	if u.Status.Ended() {
		s.batches.Forget(runID)
	}
	var all dir.Durability
	return all.Last(s.find.WithActiveRun(ctx, runID, func(ref records.RunRef, info mlruns.RunInfo, doc codec.Document) error {
		sync := s.syncsValues(info)
		if u.Status != 0 {
			info.Status = u.Status
		}
		if !end.IsZero() {
			info.End = end
		}
		if u.Name != "" {
			info.Name = u.Name
			if err := all.Step(s.tree.WriteValue(ref.Dir, layout.Tags, mlruns.TagRunName, u.Name, sync)); err != nil {
				return err
			}
		}
		if u.Status.Ended() && s.sync == SyncMeta {
			if err := s.syncRun(ctx, ref); err != nil {
				return err
			}
		}
		return records.ReplaceRunInfo(s.tree, ref, info, doc)
	}))
}

// syncRun makes all values of a run durable. Its meta.yaml follows, and artifacts were when they
// were logged. What cannot be opened holds no value that was logged here: a link that leads
// nowhere, a named pipe, a file of another user's, a tag that was deleted meanwhile.
func (s *Store) syncRun(ctx context.Context, ref records.RunRef) error {
	f, err := s.tree.Folder(ref.Dir)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, sub := range [...]string{layout.Metrics, layout.Params, layout.Tags} {
		err := records.WalkKeys(ctx, f, ref.Dir, sub, nil, func(k records.KeyFile) error {
			file, err := s.tree.OpenToSync(k.Path)
			if vfs.IsShortage(err) {
				return err
			}
			if err != nil {
				s.logger.Warn("a file of a run that has ended is not made durable", "path", k.Path, "error", err)
				return nil
			}
			defer file.Close()
			return file.Sync()
		})
		if err == nil {
			err = s.syncFolders(ctx, layout.Join(ref.Dir, sub))
		}
		if err != nil {
			return err
		}
	}
	return s.tree.SyncDir(ref.Dir)
}

// syncFolders makes the entries of a folder and of all below it durable. One that is empty by now
// counts: what was deleted from it must not come back.
func (s *Store) syncFolders(ctx context.Context, dir string) error {
	entries, err := s.tree.Entries(dir)
	if vfs.IsMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.Type.IsDir() {
			if err := s.syncFolders(ctx, layout.Join(dir, e.Name)); err != nil {
				return err
			}
		}
	}
	return s.tree.SyncDir(dir)
}
