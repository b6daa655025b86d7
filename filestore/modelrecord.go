package filestore

import (
	"context"
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// RecordLoggedModel implements mlruns.Store: the tag mlflow.log-model.history is a JSON array to
// which an object is added, in the text form of Python's json.dumps. MLflow reads, changes and
// writes the tag without a lock; here no record of ours is lost. ErrBusy if MLflow is in the middle
// of writing it for a second: calling again is safe. The commit point is that of SetTag.
func (s *Store) RecordLoggedModel(ctx context.Context, runID string, m mlruns.ModelRecord) error {
	return fail("record logged model", runID, s.recordLoggedModel(ctx, runID, m))
}

func (s *Store) recordLoggedModel(ctx context.Context, runID string, m mlruns.ModelRecord) error {
	if err := s.beginWrite(ctx); err != nil {
		return err
	}
	if m.Created.IsZero() {
		m.Created = s.now()
	}
	record, err := codec.EncodeModel(runID, m)
	if err != nil {
		return err
	}
	return s.withActiveRun(ctx, runID, func(ref runRef, info mlruns.RunInfo, _ codec.Document) error {
		f, err := s.tree.Folder(ref.dir)
		if err != nil {
			return err
		}
		defer f.Close()
		history, err := readModels(ctx, f)
		if err != nil {
			return err
		}
		history, err = codec.AddModel(history, record)
		if err != nil {
			return err
		}
		return s.tree.WriteValue(ref.dir, layout.Tags, mlruns.TagModelHistory, history, s.syncsValues(info))
	})
}

// modelRetries are the pauses before looking again at a list of models that is empty or cut off.
// They are longer than emptyRetry: what is lost here is all models.
var modelRetries = [...]time.Duration{emptyRetry, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond}

// readModels reads the list of models, again while it is fresh and not whole: MLflow truncates the
// file and then writes it, what is beyond 8 KiB with another call, and a list begun anew in between
// would replace all that it writes. An old one is taken as it is.
func readModels(ctx context.Context, f rootfs.Folder) (string, error) {
	name := layout.Join(layout.Tags, mlruns.TagModelHistory)
	for try := 0; ; try++ {
		models, err := readText(keyFile{folder: f, name: name})
		if vfs.IsGone(err) {
			return "", nil
		}
		if err != nil || !codec.Unfinished(models) || !beingWritten(f, name) {
			return models, err
		}
		if try == len(modelRetries) {
			return "", &failure.Reason{Kind: mlruns.ErrBusy, Text: fmt.Sprintf("another program has not finished writing the tag %s", mlruns.TagModelHistory)}
		}
		if err := dir.Sleep(ctx, modelRetries[try]); err != nil {
			return "", err
		}
	}
}
