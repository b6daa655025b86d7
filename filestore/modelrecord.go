package filestore

import (
	"context"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
)

// RecordLoggedModel implements mlruns.Store: the tag mlflow.log-model.history is a JSON array to
// which an object is added, in the text form of Python's json.dumps. MLflow reads, changes and
// writes the tag without a lock; here no record of ours is lost. ErrBusy if MLflow is in the middle
// of writing it for a second: calling again is safe. The commit point is that of SetTag.
func (s *Store) RecordLoggedModel(ctx context.Context, runID string, m mlruns.ModelRecord) (err error) {
	defer wrap(&err, "record logged model", runID)
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
	return s.find.WithActiveRun(ctx, runID, func(ref records.RunRef, info mlruns.RunInfo, _ codec.Document) error {
		f, err := s.tree.Folder(ref.Dir)
		if err != nil {
			return err
		}
		defer f.Close()
		history, err := records.ReadModels(ctx, f)
		if err != nil {
			return err
		}
		history, err = codec.AddModel(history, record)
		if err != nil {
			return err
		}
		return s.tree.WriteValue(ref.Dir, layout.Tags, mlruns.TagModelHistory, history, s.syncsValues(info))
	})
}
