package fsck

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/lifecycle"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// examineLeftover lets a repair move a leftover that nobody works on any more. Its only error, and
// that of all that examine, is a shortage, see vfs.IsShortage.
func (c *Checker) examineLeftover(p *mlruns.Problem) error {
	if path.Base(p.Path) == layout.Moving {
		return nil
	}
	if left, err := c.tree.HalfRemoved(p.Path); err != nil || left {
		p.Repairable = false
		return err
	}
	if dir.IsDiscarded(path.Base(p.Path)) {
		p.Repairable, p.Reason = false, "an interrupted gc, or deletion of traces, left it; the next gc removes it, or puts it back if it is a run that was restored meanwhile"
		return nil
	}
	latest, err := c.tree.Newest(p.Path)
	if err != nil {
		return err
	}
	if p.Repairable = time.Since(latest) > lifecycle.LeftoverAge; !p.Repairable {
		p.Reason += "; it changed within the last hour"
	}
	return nil
}

// examineMissingMeta tells what is known of a folder that has no meta.yaml.
func (c *Checker) examineMissingMeta(p *mlruns.Problem) error {
	switch layout.Parse(layout.Join(p.Path, layout.MetaOf(p.Path))).Kind {
	case layout.RunMeta, layout.ExperimentMeta, layout.ModelMeta, layout.TraceMeta:
		if empty, err := c.life.Emptied(p.Path); err != nil || empty {
			p.Reason += "; it is empty, and the next gc removes it"
			return err
		}
	}
	return c.tellOtherMeta(p, p.Path)
}

// examineUnreadableMeta tells where another meta.yaml lies.
func (c *Checker) examineUnreadableMeta(p *mlruns.Problem) error {
	return c.tellOtherMeta(p, layout.Parent(p.Path))
}

// examineForeign lets a repair move what lies among the records and nobody needs there.
func (c *Checker) examineForeign(p *mlruns.Problem) error {
	form := records.FormOf(path.Base(p.Path))
	if form == nil || !amongRecords(p.Path) {
		return nil
	}
	p.Repairable = form.Fate == records.Junk
	if form.Fate != records.UnderWay {
		return nil
	}
	latest, err := c.tree.Newest(p.Path)
	p.Repairable = err == nil && time.Since(latest) > lifecycle.LeftoverAge
	return err
}

// amongRecords reports whether a path lies where MLflow takes every file, or every folder, for a
// record.
func amongRecords(name string) bool {
	switch layout.Parse(name).Kind {
	case layout.Metric, layout.Param, layout.RunTag, layout.ExperimentTag, layout.ModelMetric, layout.ModelParam, layout.ModelTag,
		layout.TraceMetadata, layout.TraceTag, layout.Assessment:
		return true
	}
	// of a folder of the inputs or outputs
	kind := layout.Parse(layout.Join(name, layout.Meta)).Kind
	return kind == layout.InputMeta || kind == layout.OutputMeta
}

// examineConflict compares a conflict copy with its original.
func (c *Checker) examineConflict(p *mlruns.Problem) error {
	of := records.Original(p.Path)
	if of == "" {
		return nil
	}
	info, err := c.tree.Lstat(p.Path)
	if err != nil {
		return vfs.Shortage(err)
	}
	if info.IsDir() {
		p.Reason = fmt.Sprintf("a sync program's copy of the folder %s; compare the two and keep what is right", of)
		return nil
	}
	p.Reason = fmt.Sprintf("a sync program's copy of %s", of)
	now, err := c.tree.Lstat(of)
	if vfs.IsShortage(err) {
		return err
	}
	if err != nil || !now.Mode().IsRegular() || !info.Mode().IsRegular() {
		p.Reason += "; that is not there any more, so rename the copy if it is wanted"
		return nil
	}
	switch place := layout.Parse(of); place.Kind {
	case layout.Metric, layout.ModelMetric:
		if p.Repairable = !c.isPointer(p.Path); !p.Repairable {
			p.Reason += "; a pointer of git-lfs or git-annex stands in place of the copy's content"
		}
	case layout.Param, layout.RunTag, layout.ExperimentTag, layout.RunMeta, layout.ExperimentMeta, layout.ModelParam, layout.ModelTag, layout.ModelMeta,
		layout.TraceMetadata, layout.TraceTag, layout.TraceMeta, layout.Assessment:
		differ, err := c.differ(of, p.Path)
		switch {
		case vfs.IsShortage(err):
			return err
		case err != nil:
			p.Reason += "; the two cannot be compared: " + records.ReasonOf(err)
		case differ != "":
			p.Reason += ", which two machines had changed; " + differ
		default:
			p.Repairable = true
			p.Reason += " that says the same"
		}
	}
	return nil
}

// differ says how a conflict copy of a value or a meta.yaml differs, "" if it does not.
func (c *Checker) differ(of, copied string) (string, error) {
	here, err := c.tree.ReadFile(of)
	if err != nil {
		return "", err
	}
	there, err := c.tree.ReadFile(copied)
	if err != nil || bytes.Equal(here, there) {
		return "", err
	}
	if !isDocument(of) {
		return fmt.Sprintf("the value is %.80q here and %.80q in the copy", here, there), nil
	}
	a, err := codec.ParseDocument(here)
	if err != nil {
		return "", err
	}
	b, err := codec.ParseDocument(there)
	if err != nil {
		return "", err
	}
	if keys := differentKeys(&a, &b); keys != nil {
		return "different in " + strings.Join(keys, ", "), nil
	}
	return "", nil
}

// isDocument reports whether a file of the store is a mapping of keys to values.
func isDocument(name string) bool {
	switch layout.Parse(name).Kind {
	case layout.ExperimentMeta, layout.RunMeta, layout.ModelMeta, layout.TraceMeta, layout.Assessment:
		return true
	}
	return false
}

// isPointer reports whether a file has a pointer of git-lfs or git-annex in place of its content.
func (c *Checker) isPointer(name string) bool {
	f, err := c.tree.Folder(layout.Parent(name))
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := f.ReadSmall(path.Base(name), nil, codec.MaxPointer)
	return err == nil && codec.GitPointer(data) != nil
}

// differentKeys names the keys whose values two documents do not share.
func differentKeys(a, b *codec.Document) []string {
	var keys []string
	for _, e := range a.Entries {
		if i := b.Find(e.Key); i < 0 || !reflect.DeepEqual(b.Entries[i], e) {
			keys = append(keys, e.Key)
		}
	}
	for _, e := range b.Entries {
		if a.Find(e.Key) < 0 {
			keys = append(keys, e.Key)
		}
	}
	return keys
}

// tellOtherMeta adds what otherMeta finds to a problem.
func (c *Checker) tellOtherMeta(p *mlruns.Problem, dir string) error {
	found, err := c.otherMeta(dir)
	if found != "" {
		p.Reason += "; " + found
	}
	return err
}

// otherMeta looks for another meta.yaml of a folder that has lost its own: an unfinished
// replacement, or a conflict copy. The only error is a shortage.
func (c *Checker) otherMeta(dir string) (string, error) {
	entries, err := c.tree.Entries(dir)
	if err != nil {
		return "", vfs.Shortage(err)
	}
	for _, e := range entries {
		if e.Type&fs.ModeType != 0 || !atomicfile.IsTemp(e.Name) && !records.IsConflictOfMeta(layout.MetaOf(dir), e.Name) {
			continue
		}
		name := layout.Join(dir, e.Name)
		data, err := c.tree.ReadFile(name)
		if vfs.IsShortage(err) {
			return "", err
		}
		if err != nil {
			continue
		}
		if doc, err := codec.ParseDocument(data); err == nil && identifies(&doc, path.Base(dir)) {
			return name + " has a whole one with the right id, which can be put in its place", nil
		}
	}
	return "", nil
}

// identifies reports whether a document is that of the experiment, run, model or trace whose folder
// has this name. The first of these keys that it has tells.
func identifies(d *codec.Document, name string) bool {
	for _, key := range [...]string{codec.KeyModelID, codec.KeyTraceID, codec.KeyRequestID, codec.KeyRunID, codec.KeyRunUUID, codec.KeyExperimentID} {
		if id, ok := d.Text(key); ok {
			return id == name
		}
	}
	return false
}
