package filestore

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
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/vfs"
)

// MLflow rewrites a run's meta.yaml, tags and params in place: a reader may meet an empty or
// half-written one, for well under a millisecond on a local disk. A file that has not changed for
// recentWrite is not being written.
const recentWrite = 10 * time.Second

// metaRetries are the pauses before looking again at a meta.yaml that makes no sense, MLflow's own.
var metaRetries = [...]time.Duration{100 * time.Millisecond, 200 * time.Millisecond}

// beingWritten reports whether a file changed so lately that its writer may not be done. Clocks may
// differ in both directions.
func beingWritten(f rootfs.Folder, name string) bool {
	info, err := f.Stat(name)
	if err != nil {
		return rootfs.IsShortage(err) // then it is not known, and to look again does no harm
	}
	age := time.Since(info.ModTime())
	return age < recentWrite && age > -recentWrite
}

// readMeta reads the meta.yaml named name in a folder; use says whether its content will do, and
// whether it shows no sign of having been cut. What makes no sense or may be cut, and is fresh, is
// read again.
func (m *scratch) readMeta(ctx context.Context, f rootfs.Folder, name string, use func(data []byte) (whole bool, err error)) error {
	for try := 0; ; try++ {
		data, err := m.readFile(f, name)
		if errors.Is(err, rootfs.ErrTooLarge) {
			return &codec.Damage{Reason: fmt.Sprintf("the file has more than the %d bytes that are read", rootfs.MaxReadFile)}
		}
		if err != nil {
			return err
		}
		whole, err := use(data)
		if err == nil && whole || try == len(metaRetries) || !beingWritten(f, name) {
			return err
		}
		if sleepErr := dir.Sleep(ctx, metaRetries[try]); sleepErr != nil {
			return sleepErr
		}
	}
}

// readDocument is readMeta with all that is in the file.
func readDocument(ctx context.Context, f rootfs.Folder, name string, check func(*codec.Document) error) (codec.Document, error) {
	m := newScratch()
	defer m.free()
	var doc codec.Document
	err := m.readMeta(ctx, f, name, func(data []byte) (_ bool, err error) {
		if doc, err = codec.ParseDocument(data); err == nil {
			err = check(&doc)
		}
		return whole(data, &doc), err
	})
	return doc, err
}

// readScalars is readMeta for who asks for single keys.
func (m *scratch) readScalars(ctx context.Context, f rootfs.Folder, name string, use func(codec.Scalars) error) error {
	return m.readMeta(ctx, f, name, func(data []byte) (bool, error) {
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

// readExperiment reads an experiment's meta.yaml and tags. Problems with tags, and a stage that the
// place contradicts, go to p.
func (r *Reader) readExperiment(ctx context.Context, ref experimentRef, p *problems) (mlruns.Experiment, error) {
	f, err := r.tree.Folder(ref.dir)
	if err != nil {
		return mlruns.Experiment{}, err
	}
	return readExperimentIn(ctx, f, ref, p)
}

// readTagged is readExperiment for a listing.
func readTagged(ctx context.Context, root rootfs.Folder, ref experimentRef, p *problems) (mlruns.Experiment, error) {
	f, err := root.OpenFolder(ref.dir)
	if err != nil {
		return mlruns.Experiment{}, err
	}
	return readExperimentIn(ctx, f, ref, p)
}

// readUntagged is readTagged without the tags.
func readUntagged(ctx context.Context, root rootfs.Folder, ref experimentRef, p *problems) (mlruns.Experiment, error) {
	return readExperimentMeta(ctx, root, layout.Join(ref.dir, layout.Meta), ref, p)
}

// readExperimentIn closes the experiment's folder.
func readExperimentIn(ctx context.Context, f rootfs.Folder, ref experimentRef, p *problems) (mlruns.Experiment, error) {
	defer f.Close()
	e, err := readExperimentMeta(ctx, f, layout.Meta, ref, p)
	if err == nil {
		e.Tags, err = readValues(ctx, f, ref.dir, layout.Tags, p)
	}
	return e, err
}

// readExperimentOnly is readExperiment without the tags, and with the document.
func (r *Reader) readExperimentOnly(ctx context.Context, ref experimentRef) (e mlruns.Experiment, doc codec.Document, err error) {
	f, err := r.tree.Folder(ref.dir)
	if err != nil {
		return mlruns.Experiment{}, codec.Document{}, err
	}
	defer f.Close()
	doc, err = readDocument(ctx, f, layout.Meta, func(d *codec.Document) (err error) {
		e, _, err = codec.ExperimentOf(d, ref.id, ref.stage())
		return err
	})
	return e, doc, err
}

// readExperimentMeta reads an experiment's meta.yaml from the root or from its own folder; name is
// the file's path from there.
func readExperimentMeta(ctx context.Context, f rootfs.Folder, name string, ref experimentRef, p *problems) (e mlruns.Experiment, err error) {
	m := newScratch()
	defer m.free()
	var recorded mlruns.LifecycleStage
	err = m.readScalars(ctx, f, name, func(d codec.Scalars) (err error) {
		e, recorded, err = codec.ExperimentOf(d, ref.id, ref.stage())
		return err
	})
	if err == nil && recorded != e.Stage {
		p.add(mlruns.Problem{Kind: mlruns.ProblemStage, Path: layout.Join(ref.dir, layout.Meta), Repairable: true,
			Reason: fmt.Sprintf("lifecycle_stage is %s, but the place says %s", recorded, e.Stage)})
	}
	return e, err
}

// readRunInfo reads a run's meta.yaml from the folder of its experiment or from its own; name is
// the file's path from there.
func readRunInfo(ctx context.Context, f rootfs.Folder, name string, ref runRef) (info mlruns.RunInfo, err error) {
	m := newScratch()
	defer m.free()
	err = m.readScalars(ctx, f, name, func(d codec.Scalars) (err error) {
		info, err = codec.RunInfoOf(d, ref.experiment.id, ref.id)
		return err
	})
	return info, err
}

// readRunDocument is readRunInfo with all that the file says, for who writes it again.
func readRunDocument(ctx context.Context, f rootfs.Folder, ref runRef) (info mlruns.RunInfo, doc codec.Document, err error) {
	doc, err = readDocument(ctx, f, layout.Meta, func(d *codec.Document) (err error) {
		info, err = codec.RunInfoOf(d, ref.experiment.id, ref.id)
		return err
	})
	return info, doc, err
}

// runError is what an operation on one run says when its meta.yaml cannot be used.
func runError(id string, err error) error {
	var m *codec.Mismatch
	switch {
	case errors.As(err, &m):
		return withCause(failure.RunInvalidState(id), err)
	case vfs.IsMissing(err):
		return failure.RunNotFound(id)
	}
	return corruptMeta(err)
}

// experimentError is runError for experiments.
func experimentError(id, dir string, err error) error {
	var m *codec.Mismatch
	switch {
	case errors.As(err, &m):
		return withCause(&failure.Reason{Kind: mlruns.ErrNotFound, Text: fmt.Sprintf("Experiment '%s' does not exist.", id)}, err)
	case vfs.IsMissing(err):
		return noMeta(dir)
	case errors.Is(err, codec.ErrEmptyMeta):
		return &failure.Reason{Kind: mlruns.ErrCorrupt, Code: failure.CodeInternal, Cause: err,
			Text: fmt.Sprintf("Experiment %s is invalid with empty %s in directory '%s'.", id, layout.Meta, dir)}
	}
	return corruptMeta(err)
}

// noMeta is the reason that a folder which must have a meta.yaml has none.
func noMeta(dir string) error {
	return &failure.Reason{Kind: mlruns.ErrCorrupt, Code: failure.CodeInternal, Text: fmt.Sprintf("Yaml file '%s' does not exist.", layout.Join(dir, layout.Meta))}
}

func corruptMeta(err error) error {
	var d *codec.Damage
	if !errors.As(err, &d) {
		return err
	}
	text := d.Reason
	if !d.Told {
		text = layout.Meta + ": " + d.Error()
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
