package rootfs

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"runtime"
	"sync"
	"syscall"
)

var direntBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// Entries reads the directory with getdents64. (*os.File).ReadDir would lstat every entry of a directory that was
// opened in an os.Root, which costs more than the reading.
func (d *dirFolder) Entries() ([]Entry, error) {
	dir, err := d.reopen()
	if err != nil {
		return nil, err
	}
	defer func() { _ = syscall.Close(dir) }()
	buf := direntBuffers.Get().(*[]byte)
	defer direntBuffers.Put(buf)
	var entries []Entry
	for {
		n, err := syscall.ReadDirent(dir, *buf)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "readdir", Path: d.name, Err: err}
		}
		if n <= 0 {
			return d.settle(entries)
		}
		if entries, err = appendDirents(entries, (*buf)[:n]); err != nil {
			return nil, &fs.PathError{Op: "readdir", Path: d.name, Err: err}
		}
	}
}

// reopen gives a read of its own position, so that concurrent calls do not share one.
func (d *dirFolder) reopen() (int, error) {
	if d.fd < 0 {
		return -1, d.closed()
	}
	defer runtime.KeepAlive(d)
	for {
		fd, err := syscall.Openat(d.fd, ".", syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_DIRECTORY, 0)
		if err == nil {
			return fd, nil
		}
		if err != syscall.EINTR {
			return -1, &fs.PathError{Op: "readdir", Path: d.name, Err: err}
		}
	}
}

// A record of getdents64: inode 8 bytes, offset 8, length of the record 2, type 1, name ended by a zero.
const (
	direntLen  = 16
	direntType = 18
	direntName = 19
)

var errDirent = errors.New("directory record is malformed")

func appendDirents(entries []Entry, buf []byte) ([]Entry, error) {
	for len(buf) > 0 {
		if len(buf) < direntName {
			return nil, errDirent
		}
		size := int(binary.NativeEndian.Uint16(buf[direntLen:]))
		if size <= direntName || size > len(buf) {
			return nil, errDirent
		}
		name := buf[direntName:size]
		for i, c := range name {
			if c == 0 {
				name = name[:i]
				break
			}
		}
		if string(name) != "." && string(name) != ".." {
			entries = append(entries, Entry{string(name), typeOfDirent(buf[direntType])})
		}
		buf = buf[size:]
	}
	return entries, nil
}

func typeOfDirent(t byte) fs.FileMode {
	switch t {
	case syscall.DT_REG:
		return 0
	case syscall.DT_DIR:
		return fs.ModeDir
	case syscall.DT_LNK:
		return fs.ModeSymlink
	case syscall.DT_FIFO:
		return fs.ModeNamedPipe
	case syscall.DT_SOCK:
		return fs.ModeSocket
	case syscall.DT_CHR:
		return fs.ModeDevice | fs.ModeCharDevice
	case syscall.DT_BLK:
		return fs.ModeDevice
	}
	return fs.ModeIrregular
}

// settle asks for the types that the file system left out of its records, as some do.
func (d *dirFolder) settle(entries []Entry) ([]Entry, error) {
	kept := entries[:0]
	for _, e := range entries {
		if e.Type == fs.ModeIrregular {
			info, _, err := d.fsys.LstatIfPossible(d.path(e.Name))
			if errors.Is(err, fs.ErrNotExist) {
				continue // gone since it was listed
			}
			if err != nil {
				return nil, err
			}
			e.Type = info.Mode().Type()
		}
		kept = append(kept, e)
	}
	return kept, nil
}
