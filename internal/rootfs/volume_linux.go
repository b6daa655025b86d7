package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mlruns/mlruns/internal/vfs"
)

// wholeSynced are the kinds of file systems whose syncfs(2) is known to wait for all that was
// written, and to tell each write that failed. An overlay or FUSE may leave out either.
var wholeSynced = map[uint32]bool{unix.EXT4_SUPER_MAGIC: true, unix.XFS_SUPER_MAGIC: true, unix.BTRFS_SUPER_MAGIC: true, unix.TMPFS_MAGIC: true}

// volume is the file system of a folder.
type volume struct {
	fs     *Fs
	dir    *os.File
	device uint64
}

// OpenVolume implements vfs.FS, on Linux ≥ 5.8 and file systems that are known to do what it says.
func (f *Fs) OpenVolume(folder string) (vfs.Volume, error) {
	dir, err := f.openDir(folder)
	if err != nil {
		return nil, err
	}
	v := &volume{fs: f, dir: dir}
	info, err := dir.Stat()
	if err == nil {
		var known bool
		if v.device, known = deviceIn(info); !known || !syncsWhole(dir) {
			err = &fs.PathError{Op: "syncfs", Path: folder, Err: errors.ErrUnsupported}
		}
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return v, nil
}

func syncsWhole(dir *os.File) bool {
	var st unix.Statfs_t
	//nolint:gosec // the magic numbers have 32 bits, the field what the platform has
	return syncfsTells() && unix.Fstatfs(int(dir.Fd()), &st) == nil && wholeSynced[uint32(st.Type)]
}

// syncfsTells reports whether the kernel's syncfs tells of failed writes: since Linux 5.8.
var syncfsTells = sync.OnceValue(func() bool {
	var name unix.Utsname
	return unix.Uname(&name) == nil && atLeast(unix.ByteSliceToString(name.Release[:]), 5, 8)
})

// atLeast compares a release such as "6.1.0-18-amd64".
func atLeast(release string, major, minor int) bool {
	first, rest, _ := strings.Cut(release, ".")
	second := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
	a, err := strconv.Atoi(first)
	if err != nil {
		return false
	}
	b, err := strconv.Atoi(second)
	return err == nil && (a > major || a == major && b >= minor)
}

func deviceIn(info fs.FileInfo) (device uint64, known bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(st.Dev), true //nolint:unconvert // 32 bits on some platforms
}

// Sync is syncfs, and an fsync of the folder: before Linux 5.17 syncfs did not tell that the file
// system has given up its journal.
func (v *volume) Sync() error {
	for {
		err := unix.Syncfs(int(v.dir.Fd()))
		switch {
		case err == nil:
			return v.dir.Sync()
		case !errors.Is(err, unix.EINTR):
			return &fs.PathError{Op: "syncfs", Path: v.dir.Name(), Err: err}
		}
	}
}

func (v *volume) Holds(folder string) bool {
	info, err := v.fs.Stat(folder)
	if err != nil {
		return false
	}
	device, known := deviceIn(info)
	return known && device == v.device
}

func (v *volume) Close() error { return v.dir.Close() }
