package filestore

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

// judge says of a problem whether it can be repaired without guessing, where a look at other files
// is needed for that, and what is known for a person to do. The only error is a shortage, see
// vfs.IsShortage.
func (s *Store) judge(p *mlruns.Problem) error {
	switch p.Kind {
	case mlruns.ProblemLeftover:
		if path.Base(p.Path) == layout.Moving {
			return nil
		}
		if left, err := s.tree.HalfRemoved(p.Path); err != nil || left {
			p.Repairable = false
			return err
		}
		if dir.IsDiscarded(path.Base(p.Path)) {
			p.Repairable, p.Reason = false, "an interrupted gc left it; the next one removes it, or puts it back if it is a run that was restored meanwhile"
			return nil
		}
		latest, err := s.tree.Newest(p.Path)
		if err != nil {
			return err
		}
		if p.Repairable = time.Since(latest) > lifecycle.LeftoverAge; !p.Repairable {
			p.Reason += "; it changed within the last hour"
		}
	case mlruns.ProblemForeign:
		return s.judgeForeign(p)
	case mlruns.ProblemConflict:
		return s.judgeConflict(p)
	case mlruns.ProblemMissingMeta:
		kind := layout.Parse(layout.Join(p.Path, layout.Meta)).Kind
		if kind == layout.RunMeta || kind == layout.ExperimentMeta {
			if empty, err := s.life.Emptied(p.Path); err != nil || empty {
				p.Reason += "; it is empty, and the next gc removes it"
				return err
			}
		}
		return s.tellOtherMeta(p, p.Path)
	case mlruns.ProblemUnreadableMeta:
		return s.tellOtherMeta(p, layout.Parent(p.Path))
	}
	return nil
}

// judgeForeign lets a repair move what lies among the records and nobody needs there. The only
// error is a shortage.
func (s *Store) judgeForeign(p *mlruns.Problem) error {
	form := records.FormOf(path.Base(p.Path))
	if form == nil || !amongRecords(p.Path) {
		return nil
	}
	p.Repairable = form.Fate == records.Junk
	if form.Fate != records.UnderWay {
		return nil
	}
	latest, err := s.tree.Newest(p.Path)
	p.Repairable = err == nil && time.Since(latest) > lifecycle.LeftoverAge
	return err
}

// amongRecords reports whether a path lies where MLflow takes every file, or every folder, for a
// record.
func amongRecords(name string) bool {
	switch layout.Parse(name).Kind {
	case layout.Metric, layout.Param, layout.RunTag, layout.ExperimentTag:
		return true
	}
	// of a folder of the inputs or outputs
	kind := layout.Parse(layout.Join(name, layout.Meta)).Kind
	return kind == layout.InputMeta || kind == layout.OutputMeta
}

// judgeConflict compares a conflict copy with its original.
func (s *Store) judgeConflict(p *mlruns.Problem) error {
	of := records.Original(p.Path)
	if of == "" {
		return nil
	}
	info, err := s.tree.Lstat(p.Path)
	if err != nil {
		return vfs.Shortage(err)
	}
	if info.IsDir() {
		p.Reason = fmt.Sprintf("a sync program's copy of the folder %s; compare the two and keep what is right", of)
		return nil
	}
	p.Reason = fmt.Sprintf("a sync program's copy of %s", of)
	now, err := s.tree.Lstat(of)
	if vfs.IsShortage(err) {
		return err
	}
	if err != nil || !now.Mode().IsRegular() || !info.Mode().IsRegular() {
		p.Reason += "; that is not there any more, so rename the copy if it is wanted"
		return nil
	}
	switch place := layout.Parse(of); place.Kind {
	case layout.Metric:
		if p.Repairable = !s.isPointer(p.Path); !p.Repairable {
			p.Reason += "; a pointer of git-lfs or git-annex stands in place of the copy's content"
		}
	case layout.Param, layout.RunTag, layout.ExperimentTag, layout.RunMeta, layout.ExperimentMeta:
		differ, err := s.differ(of, p.Path)
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
func (s *Store) differ(of, copied string) (string, error) {
	here, err := s.read(of)
	if err != nil {
		return "", err
	}
	there, err := s.read(copied)
	if err != nil || bytes.Equal(here, there) {
		return "", err
	}
	if path.Base(of) != layout.Meta {
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

// isPointer reports whether a file has a pointer of git-lfs or git-annex in place of its content.
func (s *Store) isPointer(name string) bool {
	f, err := s.tree.Folder(layout.Parent(name))
	if err != nil {
		return false
	}
	defer f.Close()
	data, err := f.ReadSmall(path.Base(name), nil, codec.MaxPointer)
	return err == nil && codec.GitPointer(data) != nil
}

// read reads a small file whole.
func (s *Store) read(name string) ([]byte, error) {
	f, err := s.tree.Folder(layout.Parent(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadFile(path.Base(name), nil)
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
func (s *Store) tellOtherMeta(p *mlruns.Problem, dir string) error {
	found, err := s.otherMeta(dir)
	if found != "" {
		p.Reason += "; " + found
	}
	return err
}

// otherMeta looks for another meta.yaml of a folder that has lost its own: an unfinished
// replacement, or a conflict copy. The only error is a shortage.
func (s *Store) otherMeta(dir string) (string, error) {
	entries, err := s.tree.Entries(dir)
	if err != nil {
		return "", vfs.Shortage(err)
	}
	for _, e := range entries {
		if e.Type&fs.ModeType != 0 || !atomicfile.IsTemp(e.Name) && !records.IsConflictOfMeta(e.Name) {
			continue
		}
		name := layout.Join(dir, e.Name)
		data, err := s.read(name)
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

// identifies reports whether a document is that of the experiment or run whose folder has this
// name.
func identifies(d *codec.Document, name string) bool {
	for _, key := range [...]string{codec.KeyRunID, codec.KeyRunUUID, codec.KeyExperimentID} {
		if id, ok := d.Text(key); ok {
			return id == name
		}
	}
	return false
}
