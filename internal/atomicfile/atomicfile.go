package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"

	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// ErrNotDurable is returned when a write took effect, whole, but the directory could not be made
// durable: after a power cut the effect may be gone. It wraps the cause.
var ErrNotDurable = failure.ErrNotDurable

// Options of a write. The zero value writes through the folder of the file, without fsync.
type Options struct {
	// TempDir is the directory for the temporary file, on the same file system as the file. Empty:
	// the directory of the file itself. "." is the root.
	TempDir string
	// OrBeside says that ReplaceFrom may make the temporary file in the folder of the file itself
	// after all, where TempDir turns out to lie on another file system.
	OrBeside bool
	// Sync makes the write durable before the call returns.
	Sync bool
	// Settle makes the write durable in place of a sync of the file, and then of its folder, with
	// what others have written: see vfs.Volume, which must hold the file. It is not used for a file
	// that comes to lie on another file system than its temporary file. nil, or without Sync: none.
	Settle func() error
	// Perm is the mode of a new file, less umask. 0 means 0666.
	Perm fs.FileMode
	// Absent says that Publish need not look whether the file exists before it writes: the caller
	// just has. The commit decides in any case.
	Absent bool
}

// Replace makes name a file that holds data, whether or not there was one. The commit point is the
// rename. Anything but a regular file in its place is refused with vfs.ErrNotRegular. Calling it
// again after any error is right.
func Replace(fsys vfs.FS, name string, data []byte, o Options) error {
	_, err := ReplaceFrom(fsys, name, bytes.NewReader(data), o)
	return err
}

// ReplaceFrom is Replace with the content read from r to its end. From an *os.File to an *os.File
// the kernel copies. n counts the bytes read, whatever the error.
func ReplaceFrom(fsys vfs.FS, name string, r io.Reader, o Options) (n int64, err error) {
	mode, err := replaceable(fsys, name)
	if err != nil {
		return 0, err
	}
	tmp, n, err := writeTemp(fsys, name, r, mode, o)
	if err != nil {
		return n, err
	}
	err = rename(fsys, tmp, name)
	if o.OrBeside && CrossesFileSystems(err) {
		o.Settle = nil
		err = renameBeside(fsys, tmp, name, mode, o)
	}
	if err != nil {
		_ = fsys.Remove(tmp)
		return n, err
	}
	return n, settle(fsys, name, o)
}

// renameBeside is rename of a temporary file that has to be copied to the file system of name
// first.
func renameBeside(fsys vfs.FS, tmp, name string, old fs.FileInfo, o Options) error {
	f, err := fsys.Open(tmp)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	beside, _, err := writeTemp(fsys, name, f, old, Options{Sync: o.Sync, Perm: o.Perm})
	if err != nil {
		return err
	}
	if err := rename(fsys, beside, name); err != nil {
		_ = fsys.Remove(beside)
		return err
	}
	_ = fsys.Remove(tmp)
	return nil
}

// Publish makes name a new file that holds data. It never clobbers: the error is fs.ErrExist if
// name exists, and then, or on any error before the commit point, name is untouched. The commit
// point is a hard link, which one of any number of concurrent callers wins. Where the file system
// has no links it is a look and a rename, and a file that another program makes between the two is
// lost.
func Publish(fsys vfs.FS, name string, data []byte, o Options) error {
	if !o.Absent {
		if err := absent(fsys, name); err != nil {
			return err
		}
	}
	tmp, _, err := writeTemp(fsys, name, bytes.NewReader(data), nil, o)
	if err != nil {
		return err
	}
	renamed, err := publish(fsys, tmp, name)
	if !renamed {
		_ = fsys.Remove(tmp)
	}
	if err != nil {
		return err
	}
	return settle(fsys, name, o)
}

func publish(fsys vfs.FS, tmp, name string) (renamed bool, err error) {
	if err := fsys.Link(tmp, name); !hasNoLinks(err) {
		return false, err
	}
	if err := absent(fsys, name); err != nil {
		if errors.Is(err, fs.ErrExist) && sameFile(fsys, tmp, name) {
			return false, nil // the link was made, and its answer got lost
		}
		return false, err
	}
	err = rename(fsys, tmp, name)
	return err == nil, err
}

func sameFile(fsys vfs.FS, a, b string) bool {
	first, err := fsys.Lstat(a)
	if err != nil {
		return false
	}
	second, err := fsys.Lstat(b)
	return err == nil && os.SameFile(first, second)
}

// settle makes the new entry durable, after the commit point.
func settle(fsys vfs.FS, name string, o Options) error {
	if !o.Sync {
		return nil
	}
	sync := o.Settle
	if sync == nil {
		sync = func() error { return SyncDir(fsys, dirOf(name)) }
	}
	if err := sync(); err != nil {
		return fmt.Errorf("%s: %w: %w", name, ErrNotDurable, err)
	}
	return nil
}

// replaceable returns what is known of the file at name; nil if there is none.
func replaceable(fsys vfs.FS, name string) (fs.FileInfo, error) {
	info, err := fsys.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "replace", Path: name, Err: vfs.NotRegular(info.Mode())}
	}
	return info, nil
}

func absent(fsys vfs.FS, name string) error {
	_, err := fsys.Lstat(name)
	switch {
	case err == nil:
		return &fs.PathError{Op: "publish", Path: name, Err: fs.ErrExist}
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

// SyncDir makes the entries of a directory durable. It is nil where that is not supported: on
// Windows, and on file systems that say so.
func SyncDir(fsys vfs.FS, dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	err := fsys.SyncDir(dir)
	if vfs.CannotSync(err) {
		return nil
	}
	return err
}
