package vfs

import (
	"io/fs"
	"path"

	"github.com/spf13/afero"
)

// Share gives what was just made at name to all who may write to the folder it lies in: the
// folder's group and its write bits, as git does in a shared repository. It is for what every
// writer of a folder must be able to use whoever made it and whatever his umask. A folder takes
// over the sticky bit too.
//
// What cannot be given is left as it is: some file systems have no modes, and who is not of a group
// cannot give it away.
func Share(fsys FS, name string) {
	made, err := fsys.Lstat(name)
	if err != nil || made.Mode()&fs.ModeSymlink != 0 {
		return
	}
	share(fsys, name, made, handleless{fsys, name})
}

// ShareFile is Share of a file that is open, which is so much the cheaper where there is nothing to
// give.
func ShareFile(fsys FS, name string, f afero.File) {
	h, ok := f.(owned)
	if !ok {
		return // no file of the operating system
	}
	if made, err := f.Stat(); err == nil {
		share(fsys, name, made, h)
	}
}

// owned is what has an owner and a mode.
type owned interface {
	Chmod(mode fs.FileMode) error
	Chown(uid, gid int) error
}

type handleless struct {
	fsys FS
	name string
}

func (h handleless) Chmod(mode fs.FileMode) error { return h.fsys.Chmod(h.name, mode) }

func (h handleless) Chown(uid, gid int) error { return h.fsys.Chown(h.name, uid, gid) }

func share(fsys FS, name string, made fs.FileInfo, h owned) {
	const groupWrite, otherWrite = 0o020, 0o002
	if !made.IsDir() && made.Mode().Perm()&(groupWrite|otherWrite) == groupWrite|otherWrite {
		return
	}
	folder, err := fsys.Stat(path.Dir(name))
	if err != nil || folder.Mode().Perm()&(groupWrite|otherWrite) == 0 {
		return
	}
	mode := made.Mode()
	all := fs.FileMode(0o666)
	if made.IsDir() {
		all = 0o777
		mode |= folder.Mode() & (fs.ModeSticky | fs.ModeSetgid)
	}
	group, known := groupOf(folder)
	mine, _ := groupOf(made)
	if folder.Mode().Perm()&groupWrite != 0 && (!known || group == mine || h.Chown(-1, group) == nil) {
		mode |= all & 0o070
	}
	if folder.Mode().Perm()&otherWrite != 0 {
		// the group's members too, whichever group it is: they count as no others
		mode |= all & 0o077
	}
	if mode != made.Mode() {
		_ = h.Chmod(mode & (fs.ModePerm | fs.ModeSticky | fs.ModeSetgid)) // documented
	}
}
