package filestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/artifacts"
	"github.com/mlruns/mlruns/filestore/internal/codec"
	"github.com/mlruns/mlruns/filestore/internal/dir"
	"github.com/mlruns/mlruns/filestore/internal/records"
	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/validate"
	"github.com/mlruns/mlruns/internal/vfs"
)

// localDir gives the path of a directory that may be named by a URI. A plain path stands as it is.
func localDir(dir string) (string, error) {
	if !strings.HasPrefix(dir, "file:") && !strings.Contains(dir, "://") {
		return dir, nil
	}
	local, err := artifacts.LocalPath(dir)
	return filepath.FromSlash(local), err
}

// makeDir makes the store's directory where it is missing and may be made.
func (o *options) makeDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return notDirectory(dir)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := leadsNowhere(dir); err != nil {
		return err
	}
	if !o.mayMake() {
		return errNoStore
	}
	if err := os.MkdirAll(dir, 0o777); err != nil || !o.syncs(SyncMeta) {
		return err
	}
	// The folders above that were made with it are left to the file system.
	return atomicfile.SyncDir(vfs.Adapt(afero.NewOsFs()), filepath.Dir(dir))
}

// leadsNowhere is an error if a missing directory, or one above it, is a link whose target is
// missing. What it stands for is perhaps a drive that is not mounted, so nothing is made in its
// place.
func leadsNowhere(dir string) error {
	at := dir
	info, err := os.Lstat(at)
	for errors.Is(err, fs.ErrNotExist) && at != filepath.Dir(at) {
		at = filepath.Dir(at)
		info, err = os.Lstat(at)
	}
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return nil //nolint:nilerr // making the directory says what is wrong
	}
	if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) {
		return nil //nolint:nilerr // as above
	}
	target, err := os.Readlink(at)
	if err != nil {
		return err
	}
	return &failure.Reason{Kind: mlruns.ErrNotFound, Text: fmt.Sprintf("'%s' is a link to '%s', which does not exist", at, target)}
}

// makeRoot is makeDir in a file system of the caller's, where dir is the root of a tree.
func (o *options) makeRoot(tree *dir.Tree, dir string) error {
	info, err := tree.Stat("")
	switch {
	case err == nil && !info.IsDir():
		return notDirectory(dir)
	case err == nil:
		return nil
	case !vfs.IsMissing(err):
		return err
	case !o.mayMake():
		return errNoStore
	}
	if err := tree.MkdirAll(""); err != nil || !o.syncs(SyncMeta) {
		return err
	}
	return atomicfile.SyncDir(tree.FS, path.Dir(tree.Path("")))
}

func notDirectory(dir string) error {
	return failure.Invalid(fmt.Sprintf("'%s' is not a directory.", dir))
}

// settle looks what the directory holds and makes a store of it if it is empty.
func (s *Store) settle() error {
	content, err := look(s.tree, s.dir)
	switch {
	case err != nil || content == holdsStore:
		return err
	case content == holdsOther:
		return failure.Invalid(noExperiments)
	case s.mustExist:
		return &failure.Reason{Kind: mlruns.ErrNotFound, Text: "the directory is empty"}
	case s.readOnly:
		return nil
	}
	return s.initialize()
}

// initialize makes the store. Of many processes that find an empty directory one does it.
func (s *Store) initialize() error {
	ctx := context.Background()
	unlock, err := s.find.LockRoot(ctx)
	if err != nil {
		return err
	}
	defer s.find.Unlock(unlock)
	if content, err := look(s.tree, s.dir); err != nil || content == holdsStore {
		return err
	}
	if err := s.append.check(); err != nil {
		return err
	}
	location, err := s.find.DefaultLocation(mlruns.DefaultExperimentID)
	if err != nil {
		return err
	}
	now := s.now()
	def := mlruns.Experiment{ID: mlruns.DefaultExperimentID, Name: "Default", ArtifactLocation: location, Stage: mlruns.StageActive, Created: now, Updated: now}
	if err := placeExperiment(s.tree, def); err != nil {
		return err
	}
	return s.tree.MakeFolder(layout.Trash, s.syncs(SyncMeta))
}

const noExperiments = "the directory is not empty and holds no experiments"

type content uint8

const (
	holdsNothing content = iota
	holdsStore
	holdsOther
)

// look tells a store by its .trash, which MLflow always makes, or by a folder with the name of
// an experiment and a meta.yaml. dir is the tree's root, for messages.
func look(tree *dir.Tree, dir string) (content, error) {
	if tree.Local() && isStore(tree) {
		return holdsStore, nil
	}
	entries, err := tree.Entries("")
	if err != nil {
		return holdsNothing, err
	}
	if slices.ContainsFunc(entries, func(e vfs.Entry) bool { return e.Name == layout.Meta }) {
		if err := insideStore(tree, dir); err != nil {
			return holdsNothing, err
		}
	}
	found := holdsNothing
	var unseen error // that keeps a meta.yaml from being looked at
	for _, e := range entries {
		switch {
		case e.Name == layout.Trash && e.Type.IsDir():
			return holdsStore, nil
		case strings.HasPrefix(e.Name, ".mlruns") || records.IsForeign(e.Name):
			continue
		}
		found = holdsOther
		if validate.ExperimentID(e.Name) != nil {
			continue
		}
		// What cannot be looked at, a link that leads out for instance, is no sign of a store.
		ok, err := tree.Exists(layout.Join(e.Name, layout.Meta))
		if ok || vfs.IsShortage(err) {
			return holdsStore, err
		}
		unseen = cmp.Or(unseen, err)
	}
	if found == holdsOther && unseen != nil {
		return found, &failure.Reason{Kind: mlruns.ErrInvalid, Text: noExperiments + " that can be read: " + records.ReasonOf(unseen), Cause: unseen}
	}
	return found, nil
}

// isStore tells a store of many experiments by two looks, where these are cheap.
func isStore(tree *dir.Tree) bool {
	trash, err := tree.FS.Identify(tree.Path(layout.Trash), false)
	if err != nil || trash.Mode != fs.ModeDir {
		return false
	}
	_, err = tree.FS.Identify(tree.Path(layout.Meta), false)
	return vfs.IsMissing(err)
}

// insideStore is an error if the root's meta.yaml is that of an experiment or a run: an
// experiment's runs look like the experiments of a store. Any other meta.yaml is nobody's business.
func insideStore(tree *dir.Tree, dir string) error {
	data, err := tree.ReadFile(layout.Meta)
	if err != nil {
		return vfs.Shortage(err) // what cannot be read does not say that it is an experiment's
	}
	doc, err := codec.ParseDocument(data)
	// a logged model names its experiment too
	if err != nil || doc.Find(codec.KeyExperimentID) < 0 || doc.Find("model_id") >= 0 {
		return nil //nolint:nilerr // as above
	}
	what, up := "an experiment", path.Dir(filepath.ToSlash(dir))
	if doc.Find(codec.KeyRunID) >= 0 || doc.Find(codec.KeyRunUUID) >= 0 {
		what, up = "a run", path.Dir(up)
	}
	if path.Base(up) == layout.Trash {
		up = path.Dir(up)
	}
	return failure.Invalid(fmt.Sprintf("this is the folder of %s, not a store; its store is '%s'", what, filepath.FromSlash(up)))
}
