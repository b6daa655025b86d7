package records

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// ReadTraceInfo reads a trace's trace_info.yaml from its folder.
func ReadTraceInfo(ctx context.Context, f vfs.Folder, ref TraceRef) (t mlruns.Trace, err error) {
	m := NewBuffer()
	defer m.Free()
	err = m.readScalars(ctx, f, layout.TraceInfo, func(d codec.Scalars) (err error) {
		t, err = codec.TraceOf(d, ref.Experiment.ID, ref.ID)
		return err
	})
	return t, err
}

// Trace reads a trace whole, but for its spans. Its problems are in the result; an error is about
// its trace_info.yaml or its folder.
func (r *Reader) Trace(ctx context.Context, ref TraceRef) (*mlruns.Trace, error) {
	f, err := r.Tree.Folder(ref.Dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := ReadTraceInfo(ctx, f, ref)
	if err != nil {
		return nil, err
	}
	p := &Problems{}
	if t.Metadata, err = ReadValues(ctx, f, ref.Dir, layout.Metadata, p); err != nil {
		return nil, err
	}
	if t.Tags, err = ReadValues(ctx, f, ref.Dir, layout.Tags, p); err != nil {
		return nil, err
	}
	if t.Assessments, err = readAssessments(ctx, f, ref, p); err != nil {
		return nil, err
	}
	t.ArtifactLocation = t.Tags[mlruns.TagTraceArtifactLocation]
	t.Problems = p.Sorted()
	return &t, nil
}

// readAssessments reads the assessments of a trace, by their ids. What cannot be read is left out,
// and reported.
func readAssessments(ctx context.Context, f vfs.Folder, ref TraceRef, p *Problems) ([]json.RawMessage, error) {
	at := layout.Join(ref.Dir, layout.Assessments)
	folder, err := f.OpenFolder(layout.Assessments)
	if vfs.IsGone(err) {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, p.Unreadable(ctx, mlruns.ProblemUnreadable, at, err)
	}
	defer folder.Close()
	entries, err := folder.Entries()
	if err != nil {
		return nil, p.Unreadable(ctx, mlruns.ProblemUnreadable, at, err)
	}
	slices.SortFunc(entries, func(a, b vfs.Entry) int { return strings.Compare(a.Name, b.Name) })
	var list []json.RawMessage
	m := NewBuffer()
	defer m.Free()
	for _, e := range entries {
		if e.Type.IsDir() || !strings.HasSuffix(e.Name, ".yaml") {
			continue
		}
		var text json.RawMessage
		err := m.ReadMeta(ctx, folder, e.Name, func(data []byte) (_ bool, err error) {
			text, err = codec.AssessmentJSON(data)
			return true, err
		})
		switch {
		case vfs.IsGone(err): // removed since the listing
		case err != nil:
			if err := p.Unreadable(ctx, mlruns.ProblemUnreadable, layout.Join(at, e.Name), err); err != nil {
				return nil, err
			}
		default:
			list = append(list, text)
		}
	}
	return list, ctx.Err()
}

// TraceError is what an operation on one trace says when its trace_info.yaml cannot be used.
func TraceError(id string, err error) error {
	var m *codec.Mismatch
	switch {
	case errors.As(err, &m):
		return withCause(failure.TraceInvalidState(id), err)
	case vfs.IsMissing(err):
		return failure.TraceNotFound(id)
	}
	return corruptFile(layout.TraceInfo, err)
}
