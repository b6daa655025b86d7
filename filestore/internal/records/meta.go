package records

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// MLflow rewrites a run's meta.yaml, tags and params in place: a reader may meet an empty or
// half-written one, for well under a millisecond on a local disk. A file that has not changed for
// recentWrite is not being written.
const recentWrite = 10 * time.Second

// MetaRetries are the pauses before looking again at a meta.yaml that makes no sense, MLflow's own.
var MetaRetries = [...]time.Duration{100 * time.Millisecond, 200 * time.Millisecond}

// beingWritten reports whether a file changed so lately that its writer may not be done. Clocks may
// differ in both directions.
func beingWritten(f vfs.Folder, name string) bool {
	info, err := f.Stat(name)
	if err != nil {
		return vfs.IsShortage(err) // then it is not known, and to look again does no harm
	}
	age := time.Since(info.ModTime())
	return age < recentWrite && age > -recentWrite
}

// ReadMeta reads the meta.yaml named name in a folder; use says whether its content will do, and
// whether it shows no sign of having been cut. What makes no sense or may be cut, and is fresh, is
// read again.
func (m *Buffer) ReadMeta(ctx context.Context, f vfs.Folder, name string, use func(data []byte) (whole bool, err error)) error {
	for try := 0; ; try++ {
		data, err := m.readFile(f, name)
		if errors.Is(err, vfs.ErrTooLarge) {
			return &codec.Damage{Reason: fmt.Sprintf("the file has more than the %d bytes that are read", vfs.MaxReadFile)}
		}
		if err != nil {
			return err
		}
		whole, err := use(data)
		if err == nil && whole || try == len(MetaRetries) || !beingWritten(f, name) {
			return err
		}
		if sleepErr := dir.Sleep(ctx, MetaRetries[try]); sleepErr != nil {
			return sleepErr
		}
	}
}

// ReadDocument is ReadMeta with all that is in the file.
func ReadDocument(ctx context.Context, f vfs.Folder, name string, check func(*codec.Document) error) (codec.Document, error) {
	m := NewBuffer()
	defer m.Free()
	var doc codec.Document
	err := m.ReadMeta(ctx, f, name, func(data []byte) (_ bool, err error) {
		if doc, err = codec.ParseDocument(data); err == nil {
			err = check(&doc)
		}
		return whole(data, &doc), err
	})
	return doc, err
}

// readScalars is ReadMeta for who asks for single keys.
func (m *Buffer) readScalars(ctx context.Context, f vfs.Folder, name string, use func(codec.Scalars) error) error {
	return m.ReadMeta(ctx, f, name, func(data []byte) (bool, error) {
		if m.flat.Scan(data) {
			return whole(data, &m.flat), use(&m.flat)
		}
		doc, err := codec.ParseDocument(data)
		if err == nil {
			err = use(&doc)
		}
		return whole(data, &doc), err
	})
}

// whole reports whether a meta.yaml that makes sense shows no sign of having been cut: every
// program ends it with a newline, and that of a run with the key user_id. One that lacks them is
// read all the same when nobody is writing it.
func whole(data []byte, d codec.Scalars) bool {
	return bytes.HasSuffix(data, []byte("\n")) && (d.Find(codec.KeyRunID) < 0 || d.Find(codec.KeyUserID) >= 0)
}

// Experiment reads an experiment's meta.yaml and tags. Problems with tags, and a stage that the
// place contradicts, go to p.
func (r *Reader) Experiment(ctx context.Context, ref ExperimentRef, p *Problems) (mlruns.Experiment, error) {
	f, err := r.Tree.Folder(ref.Dir)
	if err != nil {
		return mlruns.Experiment{}, err
	}
	return readExperimentIn(ctx, f, ref, p)
}

// WithTags is Experiment for a listing.
func WithTags(ctx context.Context, root vfs.Folder, ref ExperimentRef, p *Problems) (mlruns.Experiment, error) {
	f, err := root.OpenFolder(ref.Dir)
	if err != nil {
		return mlruns.Experiment{}, err
	}
	return readExperimentIn(ctx, f, ref, p)
}

// WithoutTags is WithTags without the tags.
func WithoutTags(ctx context.Context, root vfs.Folder, ref ExperimentRef, p *Problems) (mlruns.Experiment, error) {
	return readExperimentMeta(ctx, root, layout.Join(ref.Dir, layout.Meta), ref, p)
}

// readExperimentIn closes the experiment's folder.
func readExperimentIn(ctx context.Context, f vfs.Folder, ref ExperimentRef, p *Problems) (mlruns.Experiment, error) {
	defer f.Close()
	e, err := readExperimentMeta(ctx, f, layout.Meta, ref, p)
	if err == nil {
		e.Tags, err = ReadValues(ctx, f, ref.Dir, layout.Tags, p)
	}
	return e, err
}

// ExperimentDocument is Experiment without the tags, and with the document.
func (r *Reader) ExperimentDocument(ctx context.Context, ref ExperimentRef) (e mlruns.Experiment, doc codec.Document, err error) {
	f, err := r.Tree.Folder(ref.Dir)
	if err != nil {
		return mlruns.Experiment{}, codec.Document{}, err
	}
	defer f.Close()
	doc, err = ReadDocument(ctx, f, layout.Meta, func(d *codec.Document) (err error) {
		e, _, err = codec.ExperimentOf(d, ref.ID, ref.Stage())
		return err
	})
	return e, doc, err
}

// readExperimentMeta reads an experiment's meta.yaml from the root or from its own folder; name is
// the file's path from there.
func readExperimentMeta(ctx context.Context, f vfs.Folder, name string, ref ExperimentRef, p *Problems) (e mlruns.Experiment, err error) {
	m := NewBuffer()
	defer m.Free()
	var recorded mlruns.LifecycleStage
	err = m.readScalars(ctx, f, name, func(d codec.Scalars) (err error) {
		e, recorded, err = codec.ExperimentOf(d, ref.ID, ref.Stage())
		return err
	})
	if err == nil && recorded != e.Stage {
		p.Add(mlruns.Problem{Kind: mlruns.ProblemStage, Path: layout.Join(ref.Dir, layout.Meta), Repairable: true,
			Reason: fmt.Sprintf("lifecycle_stage is %s, but the place says %s", recorded, e.Stage)})
	}
	return e, err
}

// ReadRunInfo reads a run's meta.yaml from the folder of its experiment or from its own; name is
// the file's path from there.
func ReadRunInfo(ctx context.Context, f vfs.Folder, name string, ref RunRef) (info mlruns.RunInfo, err error) {
	m := NewBuffer()
	defer m.Free()
	err = m.readScalars(ctx, f, name, func(d codec.Scalars) (err error) {
		info, err = codec.RunInfoOf(d, ref.Experiment.ID, ref.ID)
		return err
	})
	return info, err
}

// readRunDocument is ReadRunInfo with all that the file says, for who writes it again.
func readRunDocument(ctx context.Context, f vfs.Folder, ref RunRef) (info mlruns.RunInfo, doc codec.Document, err error) {
	doc, err = ReadDocument(ctx, f, layout.Meta, func(d *codec.Document) (err error) {
		info, err = codec.RunInfoOf(d, ref.Experiment.ID, ref.ID)
		return err
	})
	return info, doc, err
}

// RunError is what an operation on one run says when its meta.yaml cannot be used.
func RunError(id string, err error) error {
	return metaError(layout.Meta, err, failure.RunInvalidState(id), failure.RunNotFound(id))
}

// metaError says why a file of metadata cannot be used: it names another id than its folder, or is
// missing, or damaged.
func metaError(name string, err, mismatch, missing error) error {
	var m *codec.Mismatch
	switch {
	case errors.As(err, &m):
		return withCause(mismatch, err)
	case vfs.IsMissing(err):
		return missing
	}
	return corruptFile(name, err)
}

// ExperimentError is RunError for experiments.
func ExperimentError(id, dir string, err error) error {
	var m *codec.Mismatch
	switch {
	case errors.As(err, &m):
		return withCause(&failure.Reason{Kind: mlruns.ErrNotFound, Text: fmt.Sprintf("Experiment '%s' does not exist.", id)}, err)
	case vfs.IsMissing(err):
		return NoMeta(dir)
	case errors.Is(err, codec.ErrEmptyMeta):
		return &failure.Reason{Kind: mlruns.ErrCorrupt, Code: failure.CodeInternal, Cause: err,
			Text: fmt.Sprintf("Experiment %s is invalid with empty %s in directory '%s'.", id, layout.Meta, dir)}
	}
	return corruptFile(layout.Meta, err)
}

// NoMeta is the reason that a folder which must have a meta.yaml has none.
func NoMeta(dir string) error {
	return &failure.Reason{Kind: mlruns.ErrCorrupt, Code: failure.CodeInternal, Text: fmt.Sprintf("Yaml file '%s' does not exist.", layout.Join(dir, layout.Meta))}
}

func corruptFile(name string, err error) error {
	var d *codec.Damage
	if !errors.As(err, &d) {
		return err
	}
	text := d.Reason
	if !d.Told {
		text = name + ": " + d.Error()
	}
	return &failure.Reason{Kind: mlruns.ErrCorrupt, Code: failure.CodeInternal, Text: text, Cause: err}
}

func withCause(reason, cause error) error {
	var r *failure.Reason
	if errors.As(reason, &r) {
		r.Cause = cause
	}
	return reason
}
