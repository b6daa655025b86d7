package records

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
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
	var t mlruns.Trace
	problems, err := r.readIn(ref.Dir, func(f vfs.Folder, p *Problems) (err error) {
		if t, err = ReadTraceInfo(ctx, f, ref); err == nil {
			t.Metadata, err = ReadValues(ctx, f, ref.Dir, layout.Metadata, p)
		}
		if err == nil {
			t.Tags, err = ReadValues(ctx, f, ref.Dir, layout.Tags, p)
		}
		if err == nil {
			t.Assessments, err = ReadAssessments(ctx, f, ref, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	t.ArtifactLocation = t.Tags[mlruns.TagTraceArtifactLocation]
	t.Problems = problems
	return &t, nil
}

// ReadAssessments reads the assessments of a trace, by their ids. What cannot be read, or is none,
// is left out, and reported.
func ReadAssessments(ctx context.Context, f vfs.Folder, ref TraceRef, p *Problems) ([]json.RawMessage, error) {
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
		if what := notAssessment(e, layout.Join(at, e.Name)); what.Path != "" {
			p.Add(what)
			continue
		}
		text, err := m.assessment(ctx, folder, e.Name)
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

// notAssessment is the problem of what lies among assessments and is none, the zero one of what is.
// MLflow takes every name there for one, and fails on the trace.
func notAssessment(e vfs.Entry, at string) mlruns.Problem {
	switch form := FormOf(e.Name); {
	case form != nil && form.Fate == Copied || oneDriveOf(e.Name) != "":
		return Conflict(at)
	case form != nil:
		return foreign(at)
	case e.Type.IsDir() || !strings.HasSuffix(e.Name, layout.AssessmentEnd):
		return mlruns.Problem{Kind: mlruns.ProblemForeign, Path: at, Reason: "it is no assessment, and MLflow fails on the trace as long as it is there"}
	}
	return mlruns.Problem{}
}

// assessment reads the file of an assessment.
func (m *Buffer) assessment(ctx context.Context, folder vfs.Folder, name string) (text json.RawMessage, err error) {
	err = m.ReadMeta(ctx, folder, name, func(data []byte) (_ bool, err error) {
		text, err = codec.AssessmentJSON(data)
		return true, err
	})
	return text, err
}

// Assessment reads one assessment of a trace.
func (r *Reader) Assessment(ctx context.Context, ref TraceRef, id string) (json.RawMessage, error) {
	missing := failure.AssessmentNotFound(id, ref.ID)
	if validate.PlainName("assessment_id", id) != nil {
		return nil, missing // nothing has such a name
	}
	f, err := r.Tree.Folder(layout.Join(ref.Dir, layout.Assessments))
	if vfs.IsGone(err) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m := NewBuffer()
	defer m.Free()
	text, err := m.assessment(ctx, f, id+layout.AssessmentEnd)
	switch {
	case vfs.IsGone(err):
		return nil, missing
	case err != nil:
		return nil, corruptFile(layout.Join(layout.Assessments, id+layout.AssessmentEnd), err)
	}
	return text, nil
}

// TraceDocument reads all that is in a trace's trace_info.yaml.
func (r *Reader) TraceDocument(ctx context.Context, ref TraceRef) (codec.Document, error) {
	f, err := r.Tree.Folder(ref.Dir)
	if err != nil {
		return codec.Document{}, err
	}
	defer f.Close()
	return ReadDocument(ctx, f, layout.TraceInfo, func(d *codec.Document) error {
		_, err := codec.TraceOf(d, ref.Experiment.ID, ref.ID)
		return err
	})
}

// TraceError is what an operation on one trace says when its trace_info.yaml cannot be used.
func TraceError(id string, err error) error {
	return metaError(layout.TraceInfo, err, failure.TraceInvalidState(id), failure.TraceNotFound(id))
}
