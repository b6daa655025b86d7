package filestore

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/rootfs"
	"github.com/mlruns/mlruns/internal/validate"
)

// placeExperiment makes an experiment's folder whole in the private folder and renames it into the
// root. The caller holds the root lock.
func (s *Store) placeExperiment(e mlruns.Experiment) error {
	return s.place(layout.Experiment(e.ID, false), s.syncs(SyncMeta), func(b *builder) {
		doc := codec.NewExperimentDocument(e)
		b.meta(doc)
		if len(e.Tags) > 0 {
			b.values(layout.Tags, e.Tags)
		}
	})
}

// place builds a folder in the private folder and renames it to target: whoever looks sees all of
// it or nothing. target must not exist, which the caller makes sure of under a lock. The commit
// point is the rename. Where the private folder is on another file system, for an experiment is a
// mount point or a link, it is built in a private folder of the experiment or run instead.
func (s *Store) place(target string, sync bool, build func(*builder)) error {
	if err := s.makeFolder(layout.Private, false); err != nil {
		return err
	}
	err := s.placeFrom(layout.Private, target, sync, build)
	if near := stagingBeside(target); near != "" && atomicfile.CrossesFileSystems(err) {
		err = s.placeNear(near, target, sync, build)
	}
	if err != nil {
		return cannotPlace(target, err)
	}
	if sync {
		if err := s.tree.syncDir(layout.Parent(target)); err != nil {
			return errors.Join(mlruns.ErrNotDurable, err)
		}
	}
	return nil
}

func (s *Store) placeFrom(private, target string, sync bool, build func(*builder)) error {
	staging := layout.Join(private, temporary(path.Base(target)))
	b := &builder{tree: s.tree, dir: staging, sync: sync}
	b.folder("")
	build(b)
	b.settle()
	if b.err == nil {
		b.err = s.tree.rename(staging, target)
	}
	if b.err == nil {
		b.err = s.tree.ownFolderName(target, staging)
	}
	if b.err != nil {
		s.cleanUp(staging)
	}
	return b.err
}

// placeNear is placeFrom with a private folder in the folder near that is there for this call only.
// Every version of MLflow passes it by: it has no meta.yaml.
func (s *Store) placeNear(near, target string, sync bool, build func(*builder)) error {
	private := layout.Join(near, atomicfile.TempName())
	if err := s.tree.mkdir(private); err != nil {
		return err
	}
	defer s.cleanUp(private)
	return s.placeFrom(private, target, sync, build)
}

// stagingBeside is the nearest folder to a target in which a private folder may be, "" if there is
// none but the root's: that of the experiment for a run and a data set, and of the run for an input
// and an output.
func stagingBeside(target string) string {
	switch layout.Parse(layout.Join(target, layout.Meta)).Kind {
	case layout.RunMeta:
		return layout.Parent(target)
	case layout.DatasetMeta, layout.InputMeta, layout.OutputMeta:
		return layout.Parent(layout.Parent(target))
	}
	return ""
}

// cannotPlace puts into words that a folder cannot appear whole.
func cannotPlace(target string, err error) error {
	if atomicfile.CrossesFileSystems(err) {
		return fmt.Errorf("'%s' cannot be made: another file system is mounted at '%s', and what is placed there must appear by a rename: %w", target, cmp.Or(layout.Parent(target), layout.Private), err)
	}
	return err
}

// makeFolder makes a folder that may exist, durably if that is asked for. One that is a link is
// refused: what is placed there would be another folder's.
func (s *Store) makeFolder(dir string, sync bool) error {
	err := s.tree.mkdir(dir)
	if errors.Is(err, fs.ErrExist) {
		return s.ownFolder(dir)
	}
	if err == nil && dir == layout.Private {
		rootfs.Share(s.tree.fs, s.tree.name(dir)) // every writer of the store makes things in it
	}
	if err != nil || !sync {
		return err
	}
	return s.tree.syncDir(layout.Parent(dir))
}

// replaceMeta replaces the meta.yaml of an experiment or run. The temporary file lies in the same
// folder, where no MLflow version looks.
func (s *Store) replaceMeta(dir string, doc codec.Document) error {
	data, err := doc.Encode()
	if err != nil {
		return err
	}
	return atomicfile.Replace(s.tree.fs, s.tree.name(layout.Join(dir, layout.Meta)), data,
		atomicfile.Options{TempDir: s.tree.name(dir), Sync: s.syncs(SyncMeta)})
}

// defaultLocation is the artifact location of an experiment that named none.
func (s *Store) defaultLocation(id string) (string, error) {
	if s.artifactRoot == "" {
		return artifacts.Append(s.uri, id)
	}
	root, err := absoluteLocation(s.artifactRoot)
	if err != nil {
		return "", err
	}
	return artifacts.Append(root, id)
}

// absoluteLocation makes a local relative location absolute, as MLflow ≥ 2.2 does; everything else,
// "" too, stays as it is.
func absoluteLocation(location string) (string, error) {
	if location == "" {
		return "", nil
	}
	cwd, err := filepath.Abs(".")
	if err != nil {
		return "", err
	}
	return artifacts.Absolute(location, filepath.ToSlash(cwd))
}

func copyTags(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return maps.Clone(tags)
}

func validateTags(tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if err := validateTag(mlruns.Tag{Key: key, Value: tags[key]}); err != nil {
			return err
		}
	}
	return disjoint("tag", slices.Sorted(maps.Keys(tags)))
}

func validateTag(t mlruns.Tag) error {
	if err := validate.Tag(t); err != nil {
		return err
	}
	return validateName("key", t.Key)
}

// validateName refuses keys that this platform cannot hold, and those that belong to desktops and
// sync tools: a reader would take the file for theirs.
func validateName(field, key string) error {
	if foreignKey(key) {
		return failure.Invalid("Invalid value '" + key + "' for parameter '" + field + "' supplied: desktops and sync tools use such a name for files of their own")
	}
	return holdable(field, key)
}

// disjoint refuses sorted keys of which one would have to be a file and a folder at once, as a and
// a/b.
func disjoint(what string, keys []string) error {
	if len(keys) < 2 {
		return nil
	}
	have := make(map[string]bool, len(keys))
	for _, key := range keys {
		have[key] = true
	}
	for _, key := range keys {
		for dir := layout.Parent(key); dir != ""; dir = layout.Parent(dir) {
			if have[dir] {
				return clash(what, key, dir)
			}
		}
	}
	return nil
}

// clash is the refusal of a key because another key needs its file as a folder, or its folder as a
// file.
func clash(what, key, other string) error {
	return failure.Invalid("Invalid " + what + " name '" + key + "': there is a " + what + " named '" + other +
		"', and in a directory '" + shorter(key, other) + "' cannot be both a file and a folder")
}

func shorter(a, b string) string {
	if len(a) < len(b) {
		return a
	}
	return b
}
