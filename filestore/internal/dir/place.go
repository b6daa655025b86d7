package dir

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/vfs"
)

// Place builds a folder in the private folder and renames it to target: whoever looks sees all of
// it or nothing. target must not exist, which the caller makes sure of under a lock. The commit
// point is the rename. Where the private folder is on another file system, for an experiment is a
// mount point or a link, it is built in a private folder near it instead.
func (t *Tree) Place(target string, build func(*Builder)) error {
	if _, err := t.place(nil, target, build); err != nil {
		return err
	}
	return t.makeEntryDurable(target)
}

// PlaceTogether is Place for one of many that are perhaps placed at once, whose files are then made
// durable together. So is that it is there, by settle, which is to be called if err is nil, when
// locks that keep others from being placed are released. A target that stands and could not be made
// durable is failure.ErrNotDurable of either.
func (t *Tree) PlaceTogether(target string, build func(*Builder)) (settle func() error, err error) {
	m, leave := t.Join()
	together, err := t.place(m, target, build)
	if err != nil || !together {
		defer leave()
		if err == nil {
			err = t.makeEntryDurable(target)
		}
		return func() error { return nil }, err
	}
	return func() error {
		defer leave()
		return notDurable(m.Sync())
	}, nil
}

func (t *Tree) makeEntryDurable(target string) error {
	return notDurable(t.MakeDurable(layout.Parent(target)))
}

// place tells whether it was done as a member.
func (t *Tree) place(m *Member, target string, build func(*Builder)) (together bool, err error) {
	if err := t.MakeFolder(layout.Private, false); err != nil {
		return false, err
	}
	if together = m.Holds(t.Path(layout.Private)); !together {
		m = nil
	}
	err = t.placeFrom(m, layout.Private, target, build)
	if near := stagingBeside(target); near != "" && atomicfile.CrossesFileSystems(err) {
		together = false
		err = t.placeNear(near, target, build)
	}
	if err != nil {
		err = cannotPlace(target, err)
	}
	return together, err
}

func (t *Tree) placeFrom(m *Member, private, target string, build func(*Builder)) error {
	staging := layout.Join(private, TemporaryName(path.Base(target)))
	b := &Builder{tree: t, dir: staging, member: m}
	b.Folder("")
	build(b)
	b.settle()
	if b.last != nil {
		b.Then(b.last)
	}
	if b.err == nil {
		b.err = t.Rename(staging, target)
	}
	if b.err == nil {
		b.err = t.takeBackFolder(target, staging)
	}
	if b.err != nil {
		t.CleanUp(staging)
	}
	return b.err
}

// placeNear is placeFrom with a private folder in the folder near that is there for this call only.
// Every version of MLflow passes it by: it has no meta.yaml.
func (t *Tree) placeNear(near, target string, build func(*Builder)) error {
	private := layout.Join(near, atomicfile.TempName())
	if err := t.mkdir(private); err != nil {
		return err
	}
	defer t.CleanUp(private)
	return t.placeFrom(nil, private, target, build)
}

// stagingBeside is the nearest folder to a target in which a private folder may be, "" if there is
// none but the root's: that of the experiment for a run and a data set, of the run for an input and
// an output, and of all models or traces for one of them.
func stagingBeside(target string) string {
	switch layout.Parse(layout.Join(target, layout.MetaOf(target))).Kind {
	case layout.RunMeta, layout.ModelMeta, layout.TraceMeta:
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

// TemporaryName gives a name that nobody else has, for something of the run, experiment or key id
// in a private place. A long id is cut: with what is added the name would be longer than a file
// name can be.
func TemporaryName(id string) string {
	const longest = 64
	if len(id) > longest {
		id = strings.ToValidUTF8(id[:longest], "")
	}
	return fmt.Sprintf("%s.%016x", id, rand.Uint64())
}

// CleanUp removes a folder that was being made.
func (t *Tree) CleanUp(staging string) {
	if staging == "" {
		return
	}
	if err := t.RemoveAll(staging); err != nil {
		t.Logger.Warn("cleaning up failed", "path", staging, "error", err)
	}
}

// MakeFolder makes a folder that may exist, durably if that is asked for. One that is a link is
// refused: what is placed there would be another folder's.
func (t *Tree) MakeFolder(dir string, sync bool) error {
	err := t.mkdir(dir)
	if errors.Is(err, fs.ErrExist) {
		return t.RefuseLink(dir)
	}
	if err == nil && dir == layout.Private {
		vfs.Share(t.FS, t.Path(dir)) // every writer of the store makes things in it
	}
	if err != nil || !sync {
		return err
	}
	return t.SyncDir(layout.Parent(dir))
}
