package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// Options of Open. The zero value confines to the directory and allows writing.
type Options struct {
	// LinkTargets are absolute paths of directories that symbolic links may lead to. Such a link is
	// followed into the directory, and what it names is confined there. Nothing else widens the
	// confinement.
	LinkTargets []string
	// LinkHint ends the text of an error about a symbolic link that leads elsewhere: what the
	// caller can do about it.
	LinkHint string
	// ReadOnly makes every mutating call fail with ErrReadOnly before it reaches the disk.
	ReadOnly bool
	// Portable takes the way of os.Root for every call, as platforms other than Linux and kernels
	// without openat2 do. It is for tests: nothing but the time differs, and that os.Root must be
	// allowed to list the folders above a name.
	Portable bool
	// OnExhausted is asked, with 0, 1, 2, …, when the process is out of handles or memory, whether
	// the call is to be tried again. It may give handles back, or wait. Any number of calls may ask
	// at once. nil: no call is tried again.
	OnExhausted func(try int) bool
}

// Fs is a confined file system. It is safe for concurrent use. The zero value is not usable; call
// Open.
type Fs struct {
	base     *target
	quick    *beneath // nil where there is none
	targets  []*target
	readable []*target // the targets and the base
	look     lookDir
	linkHint string
	readOnly bool

	onExhausted func(try int) bool
}

var (
	_ afero.Fs = (*Fs)(nil)
	_ vfs.FS   = (*Fs)(nil)
)

// Open opens the directory dir, which must exist, as must every link target.
func Open(dir string, opts Options) (*Fs, error) {
	base, err := openTarget(dir)
	if err != nil {
		return nil, err
	}
	learnEscapes(base.root)
	fsys := &Fs{base: base, linkHint: opts.LinkHint, readOnly: opts.ReadOnly, onExhausted: opts.OnExhausted}
	if !opts.Portable {
		fsys.quick = openBeneath(base.root)
	}
	if err := fsys.look.open(base.root); err != nil {
		return nil, errors.Join(err, fsys.Close())
	}
	for _, dir := range opts.LinkTargets {
		if !filepath.IsAbs(dir) {
			err = errors.Join(&fs.PathError{Op: "open", Path: dir, Err: errors.New("a link target must be an absolute path")}, fsys.Close())
			return nil, err
		}
		t, err := openTarget(dir)
		if err != nil {
			return nil, errors.Join(err, fsys.Close())
		}
		fsys.targets = append(fsys.targets, t)
	}
	fsys.readable = append(slices.Clone(fsys.targets), base)
	return fsys, nil
}

// Close releases the directory. Files and folders that were opened stay open. Later calls fail with
// fs.ErrClosed.
func (f *Fs) Close() error {
	err := errors.Join(f.quick.close(), f.base.root.Close(), f.look.close())
	for _, t := range f.targets {
		err = errors.Join(err, t.root.Close())
	}
	return err
}

// Name is "rootfs".
func (f *Fs) Name() string { return "rootfs" }

func (f *Fs) writable(op, name string) error {
	if f.readOnly {
		return &fs.PathError{Op: op, Path: name, Err: vfs.ErrReadOnly}
	}
	return nil
}

// Mkdir makes one directory, of mode perm less umask.
func (f *Fs) Mkdir(name string, perm fs.FileMode) error {
	return f.change("mkdir", name, true, func(root *os.Root, n string) error {
		if root == f.base.root && f.quick.mkdir(n, perm) {
			return nil
		}
		return root.Mkdir(n, perm.Perm())
	})
}

// MkdirAll makes a directory and its missing parents. It is nil if the directory exists.
func (f *Fs) MkdirAll(name string, perm fs.FileMode) error {
	return f.change("mkdir", name, true, func(root *os.Root, n string) error { return root.MkdirAll(n, perm.Perm()) })
}

// Remove removes a file, a symbolic link or an empty directory.
func (f *Fs) Remove(name string) error {
	return f.change("remove", name, false, func(root *os.Root, n string) error {
		if root == f.base.root && f.quick.remove(n) {
			return nil
		}
		return root.Remove(n)
	})
}

// RemoveAll removes name and all below it, without following links. It is nil if name does not
// exist.
func (f *Fs) RemoveAll(name string) error {
	return f.change("removeall", name, false, func(root *os.Root, n string) error { return root.RemoveAll(n) })
}

// Chmod changes the mode of what name leads to.
func (f *Fs) Chmod(name string, mode fs.FileMode) error {
	return f.change("chmod", name, true, func(root *os.Root, n string) error { return root.Chmod(n, mode) })
}

// Chown changes the owner of what name leads to.
func (f *Fs) Chown(name string, uid, gid int) error {
	return f.change("chown", name, true, func(root *os.Root, n string) error { return root.Chown(n, uid, gid) })
}

// Chtimes changes the times of what name leads to.
func (f *Fs) Chtimes(name string, atime, mtime time.Time) error {
	return f.change("chtimes", name, true, func(root *os.Root, n string) error { return root.Chtimes(n, atime, mtime) })
}

// Stat follows a final symbolic link.
func (f *Fs) Stat(name string) (info fs.FileInfo, err error) {
	if info, err = f.quick.stat(vfs.Clean(name), false); !errors.Is(err, errSlow) {
		return info, wrap("stat", name, err)
	}
	err = f.read("stat", name, true, func(root *os.Root, n string) (err error) {
		info, err = root.Stat(n)
		return err
	})
	return info, err
}

// Lstat does not follow a final symbolic link.
func (f *Fs) Lstat(name string) (info fs.FileInfo, err error) {
	if info, err = f.quick.stat(vfs.Clean(name), true); !errors.Is(err, errSlow) {
		return info, wrap("lstat", name, err)
	}
	err = f.read("lstat", name, false, func(root *os.Root, n string) (err error) {
		info, err = root.Lstat(n)
		return err
	})
	return info, err
}

// Readlink returns what a symbolic link contains.
func (f *Fs) Readlink(name string) (link string, err error) {
	err = f.read("readlink", name, false, func(root *os.Root, n string) (err error) {
		link, err = root.Readlink(n)
		return err
	})
	return link, err
}

// Symlink makes newname a symbolic link that contains oldname, which is not checked: a
// link that leads out is made, and refused when it is followed.
func (f *Fs) Symlink(oldname, newname string) error {
	return f.change("symlink", newname, false, func(root *os.Root, n string) error {
		err := root.Symlink(oldname, n)
		var le *os.LinkError
		if errors.As(err, &le) {
			return &fs.PathError{Op: "symlink", Path: newname, Err: le.Err}
		}
		return err
	})
}

// Rename renames a file or directory. A file replaces a file, atomically; a directory is never
// replaced, not even an empty one (fs.ErrExist). Between the directory and a link target it is
// syscall.EXDEV.
func (f *Fs) Rename(oldname, newname string) error {
	return f.pair("rename", oldname, newname, f.quick.rename, (*os.Root).Rename)
}

// Link implements vfs.FS. Between the directory and a link target it is syscall.EXDEV.
func (f *Fs) Link(oldname, newname string) error {
	return f.pair("link", oldname, newname, f.quick.link, (*os.Root).Link)
}

// SyncDir implements vfs.FS.
func (f *Fs) SyncDir(name string) error {
	if err := f.writable("sync", name); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := f.openDir(name)
	if err != nil {
		return err
	}
	return errors.Join(wrap("sync", name, dir.Sync()), wrap("close", name, dir.Close()))
}

// RealPath implements vfs.FS. After the directory was renamed it is the new path on Linux, and the
// old one elsewhere.
func (f *Fs) RealPath(name string) (string, bool) {
	return filepath.Join(f.base.path(), filepath.FromSlash(vfs.Clean(name))), true
}

// Follow implements vfs.FS.
func (f *Fs) Follow(name string) (real string, away bool, err error) {
	at, err := f.resolve(name, true, f.readable)
	switch {
	case err != nil:
		return "", false, wrap("follow", name, err)
	case at.target == f.base:
		return at.name, false, nil
	}
	return filepath.Join(at.real, filepath.FromSlash(at.name)), true, nil
}

func (f *Fs) pair(op, oldname, newname string, quick func(string, string) bool, call func(*os.Root, string, string) error) error {
	if err := f.writable(op, oldname); err != nil {
		return err
	}
	if quick(vfs.Clean(oldname), vfs.Clean(newname)) {
		return nil
	}
	err := f.patiently(func() error { return call(f.base.root, vfs.Clean(oldname), vfs.Clean(newname)) })
	if isEscape(err) {
		from, err := f.resolve(oldname, false, f.targets)
		if err != nil {
			return wrapLink(op, oldname, newname, err)
		}
		to, err := f.resolve(newname, false, f.targets)
		if err != nil {
			return wrapLink(op, oldname, newname, err)
		}
		if from.target != to.target {
			return wrapLink(op, oldname, newname, syscall.EXDEV)
		}
		return wrapLink(op, oldname, newname, f.patiently(func() error { return call(from.target.root, from.name, to.name) }))
	}
	return wrapLink(op, oldname, newname, err)
}

func (f *Fs) change(op, name string, follow bool, call func(*os.Root, string) error) error {
	if err := f.writable(op, name); err != nil {
		return err
	}
	return f.do(op, name, follow, call)
}

// do calls on the root, and once more where the links of name lead to if they leave the root for a
// link target. follow says whether call follows a final link.
func (f *Fs) do(op, name string, follow bool, call func(*os.Root, string) error) error {
	return f.through(f.targets, op, name, follow, call)
}

// read is do for what changes nothing: a link may lead to the base too, by an absolute path or on a
// way that leaves it.
func (f *Fs) read(op, name string, follow bool, call func(*os.Root, string) error) error {
	err := f.through(f.readable, op, name, follow, call)
	if follow {
		err = f.dangling(op, name, err)
	}
	return err
}

// dangling says of a name that is missing if it is there and leads nowhere.
func (f *Fs) dangling(op, name string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	to, failed := f.Readlink(name)
	if vfs.IsShortage(failed) {
		return failed
	}
	if failed != nil {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: &vfs.DanglingError{To: to}}
}

func (f *Fs) through(targets []*target, op, name string, follow bool, call func(*os.Root, string) error) error {
	err := f.patiently(func() error {
		err := call(f.base.root, vfs.Clean(name))
		if isEscape(err) {
			var at place
			if at, err = f.resolve(name, follow, targets); err == nil {
				err = call(at.target.root, at.name)
			}
		}
		return err
	})
	return wrap(op, name, err)
}
