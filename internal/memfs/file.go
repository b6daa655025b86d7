package memfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// file is an open file or directory. Its fields are guarded by FS.mu.
type file struct {
	m      *FS
	node   *inode
	name   string
	flag   int
	pos    int64
	closed bool
	list   []fs.FileInfo // of a directory, what Readdir has still to give
	listed bool
}

var _ afero.File = (*file)(nil)

// use locks for one operation. The caller unlocks, whatever the error.
func (f *file) use(op string) error {
	f.m.mu.Lock()
	if f.closed {
		return pathError(op, f.name, fs.ErrClosed)
	}
	return nil
}

func (f *file) Name() string { return f.name }

func (f *file) Close() error {
	defer f.m.mu.Unlock()
	if err := f.use("close"); err != nil {
		return err
	}
	f.closed = true
	return nil
}

func (f *file) readable(off int64) error {
	switch {
	case f.node.mode.IsDir():
		return syscall.EISDIR
	case f.flag&os.O_WRONLY != 0:
		return syscall.EBADF
	case off < 0:
		return errors.New("negative offset")
	}
	return nil
}

func (f *file) writable(off int64) error {
	switch {
	case f.node.mode.IsDir(), f.flag&(os.O_WRONLY|os.O_RDWR) == 0:
		return syscall.EBADF
	case off < 0:
		return errors.New("negative offset")
	}
	return nil
}

func (f *file) Read(p []byte) (int, error) {
	defer f.m.mu.Unlock()
	if err := f.use("read"); err != nil {
		return 0, err
	}
	if err := f.readable(0); err != nil {
		return 0, pathError("read", f.name, err)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if f.pos >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[f.pos:])
	f.pos += int64(n)
	return n, nil
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	defer f.m.mu.Unlock()
	if err := f.use("read"); err != nil {
		return 0, err
	}
	if err := f.readable(off); err != nil {
		return 0, pathError("readat", f.name, err)
	}
	n := copy(p, f.node.data[min(off, int64(len(f.node.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) Write(p []byte) (int, error) {
	defer f.m.mu.Unlock()
	if err := f.use("write"); err != nil {
		return 0, err
	}
	if err := f.writable(0); err != nil {
		return 0, pathError("write", f.name, err)
	}
	if f.flag&os.O_APPEND != 0 {
		f.pos = int64(len(f.node.data))
	}
	f.node.writeAt(p, f.pos)
	f.pos += int64(len(p))
	return len(p), nil
}

func (f *file) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	defer f.m.mu.Unlock()
	if err := f.use("write"); err != nil {
		return 0, err
	}
	err := f.writable(off)
	if err == nil && f.flag&os.O_APPEND != 0 {
		err = errors.New("WriteAt on a file opened with O_APPEND")
	}
	if err != nil {
		return 0, pathError("writeat", f.name, err)
	}
	f.node.writeAt(p, off)
	return len(p), nil
}

func (f *file) Seek(offset int64, whence int) (int64, error) {
	defer f.m.mu.Unlock()
	if err := f.use("seek"); err != nil {
		return 0, err
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.pos
	case io.SeekEnd:
		offset += int64(len(f.node.data))
	default:
		offset = -1
	}
	if offset < 0 {
		return 0, pathError("seek", f.name, syscall.EINVAL)
	}
	if f.node.mode.IsDir() {
		f.list, f.listed = nil, false
	}
	f.pos = offset
	return offset, nil
}

func (f *file) Truncate(size int64) error {
	defer f.m.mu.Unlock()
	if err := f.use("truncate"); err != nil {
		return err
	}
	if size < 0 || f.writable(0) != nil {
		return pathError("truncate", f.name, syscall.EINVAL)
	}
	f.node.truncate(size)
	return nil
}

func (f *file) Sync() error {
	defer f.m.mu.Unlock()
	if err := f.use("sync"); err != nil {
		return err
	}
	if f.node.mode.IsDir() {
		f.m.syncDir(f.node)
	} else {
		f.node.sync()
	}
	return nil
}

func (f *file) Stat() (fs.FileInfo, error) {
	defer f.m.mu.Unlock()
	if err := f.use("stat"); err != nil {
		return nil, err
	}
	return f.node.info(path.Base(vfs.Clean(f.name))), nil
}

func (f *file) Readdir(count int) ([]fs.FileInfo, error) {
	defer f.m.mu.Unlock()
	if err := f.use("readdir"); err != nil {
		return nil, err
	}
	if !f.node.mode.IsDir() {
		return nil, pathError("readdir", f.name, syscall.ENOTDIR)
	}
	if !f.listed {
		f.listed = true
		for name, node := range f.node.entries {
			f.list = append(f.list, node.info(name))
		}
	}
	if count <= 0 {
		count = len(f.list)
	} else if len(f.list) == 0 {
		return nil, io.EOF
	}
	count = min(count, len(f.list))
	some := f.list[:count:count]
	f.list = f.list[count:]
	return some, nil
}

func (f *file) Readdirnames(n int) ([]string, error) {
	list, err := f.Readdir(n)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list))
	for i, info := range list {
		names[i] = info.Name()
	}
	return names, nil
}
