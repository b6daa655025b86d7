package fsck

import (
	"bytes"
	"slices"
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
func runAlways(*codec.Document) []string {
	return []string{codec.KeyEndTime, codec.KeyStartTime, codec.KeyStatus, codec.KeyUserID}
}

// modelAlways is runAlways for a logged model. MLflow reads none without most of them.
func modelAlways(*codec.Document) []string { return codec.LoggedModelKeys() }

// traceAlways is runAlways for a trace, which MLflow does not read without them.
func traceAlways(d *codec.Document) []string { return codec.TraceKeys(d) }

// metaSigns are what a meta.yaml, or the trace_info.yaml of a trace, is looked through for. nil:
// for nothing.
type metaSigns struct {
	noun   string                         // of what has it
	always func(*codec.Document) []string // keys that every version writes
	doubts func(*codec.Document) []string // what keeps MLflow from reading it
}

// signs reports a meta.yaml that can be read and shows signs of having been cut, keys that every
// version writes are missing, or the last newline, or that holds what MLflow cannot read. Readers
// show defaults in place of what is missing.
func (v *inspection) signs(f vfs.Folder, dir string, of metaSigns, p *records.Problems) error {
	m := records.NewBuffer()
	defer m.Free()
	var signs, doubts []string
	meta := layout.MetaOf(dir)
	err := m.ReadMeta(v.ctx, f, meta, func(data []byte) (bool, error) {
		doc, err := codec.ParseDocument(data)
		signs, doubts = nil, nil
		var missing []string
		if err == nil && of.always != nil {
			missing = slices.DeleteFunc(of.always(&doc), func(key string) bool { return doc.Find(key) >= 0 })
		}
		if err == nil && of.doubts != nil {
			doubts = of.doubts(&doc)
		}
		if len(missing) > 0 {
			signs = append(signs, "lacks "+strings.Join(missing, ", ")+", of which defaults are shown")
		}
		if !bytes.HasSuffix(data, []byte("\n")) {
			signs = append(signs, "ends without a newline, so that its last value may be half of one")
		}
		return signs == nil, err
	})
	if err == nil && signs != nil {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemIncompleteMeta, Path: layout.Join(dir, meta), Reason: "the file was perhaps cut off: it " + strings.Join(signs, " and ")})
	}
	for _, why := range doubts {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemSuspicious, Path: layout.Join(dir, meta), Reason: why})
	}
	return records.CallError(v.ctx, err)
}

// signsOfExperiment is signs for an experiment.
func (v *inspection) signsOfExperiment(ref records.ExperimentRef, p *records.Problems) error {
	f, err := v.tree.Folder(ref.Dir)
	if err != nil {
		return records.CallError(v.ctx, err)
	}
	defer f.Close()
	return v.signs(f, ref.Dir, metaSigns{}, p)
}
