package records

import (
	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
)

// ReplaceMeta replaces the meta.yaml of an experiment or run.
func ReplaceMeta(t *dir.Tree, folder string, doc codec.Document) error {
	data, err := doc.Encode()
	if err != nil {
		return err
	}
	return t.ReplaceMeta(folder, data)
}

// ReplaceRunInfo replaces the meta.yaml of a run by one that says what info does, and what doc does
// besides.
func ReplaceRunInfo(t *dir.Tree, ref RunRef, info mlruns.RunInfo, doc codec.Document) error {
	codec.SetRunInfo(&doc, info)
	return ReplaceMeta(t, ref.Dir, doc)
}
