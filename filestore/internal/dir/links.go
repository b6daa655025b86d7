package dir

import (
	"io/fs"
	"slices"

	"github.com/mlruns/mlruns/filestore/layout"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// RefuseLinks refuses to write keys below a link in place of the folder sub or of a folder in it:
// it may lead to another run's. Where the caller allowed links to other disks they are taken for
// such.
func (t *Tree) RefuseLinks(dir, sub string, keys ...string) error {
	if len(keys) == 0 {
		return nil
	}
	folders := append(make([]string, 0, 4), layout.Join(dir, sub))
	for _, key := range keys {
		for upper := layout.Parent(key); upper != ""; upper = layout.Parent(upper) {
			folders = append(folders, layout.Join(dir, sub, upper))
		}
	}
	slices.Sort(folders)
	for _, folder := range slices.Compact(folders) {
		if err := t.RefuseLink(folder); err != nil {
			return err
		}
	}
	return nil
}

// RefuseLink refuses a folder that is a link, which may lead to another run's, unless the caller
// allowed links.
func (t *Tree) RefuseLink(folder string) error {
	if t.FollowsLinks {
		return nil
	}
	link, err := t.IsLink(folder)
	if err == nil && link {
		err = &failure.Reason{Kind: failure.ErrOutside, Text: "the folder '" + folder + "' is a symbolic link; WithLinkTargets allows links to other disks"}
	}
	return err
}

// LinkAbove gives the folder above a path that is a link, "" if none is.
func (t *Tree) LinkAbove(name string) (string, error) {
	dir := layout.Parent(name)
	for ; dir != ""; dir = layout.Parent(dir) {
		if is, err := t.IsLink(dir); is || err != nil {
			return dir, err
		}
	}
	return "", nil
}

// IsLink takes what cannot be looked at for no link, but for a shortage: then it is not known.
func (t *Tree) IsLink(folder string) (bool, error) {
	kind, err := t.kind(folder)
	if vfs.IsShortage(err) {
		return false, err
	}
	return err == nil && kind&fs.ModeSymlink != 0, nil
}
