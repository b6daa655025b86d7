package fsck

import (
	"bytes"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/vfs"
)

// runAlways are the keys that every MLflow version writes for a run and that are not required for
// reading it. Keys are sorted, so that a cut takes the last ones. An experiment has no such key:
// the last that all versions write is its name, which is required.
var runAlways = [...]string{codec.KeyEndTime, codec.KeyStartTime, codec.KeyStatus, codec.KeyUserID}

// incomplete reports a meta.yaml that can be read and shows signs of having been cut: keys that
// every version writes are missing, or the last newline. Readers show defaults in their place.
func (v *inspection) incomplete(f vfs.Folder, dir string, always []string, p *records.Problems) error {
	m := records.NewBuffer()
	defer m.Free()
	var signs []string
	err := m.ReadMeta(v.ctx, f, layout.Meta, func(data []byte) (bool, error) {
		doc, err := codec.ParseDocument(data)
		signs = nil
		var missing []string
		for _, key := range always {
			if doc.Find(key) < 0 {
				missing = append(missing, key)
			}
		}
		if missing != nil {
			signs = append(signs, "lacks "+strings.Join(missing, ", ")+", of which defaults are shown")
		}
		if !bytes.HasSuffix(data, []byte("\n")) {
			signs = append(signs, "ends without a newline, so that its last value may be half of one")
		}
		return signs == nil, err
	})
	if err == nil && signs != nil {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemIncompleteMeta, Path: layout.Join(dir, layout.Meta), Reason: "the file was perhaps cut off: it " + strings.Join(signs, " and ")})
	}
	return records.CallError(v.ctx, err)
}

// incompleteExperiment is incomplete for an experiment.
func (v *inspection) incompleteExperiment(ref records.ExperimentRef, p *records.Problems) error {
	f, err := v.tree.Folder(ref.Dir)
	if err != nil {
		return records.CallError(v.ctx, err)
	}
	defer f.Close()
	return v.incomplete(f, ref.Dir, nil, p)
}
