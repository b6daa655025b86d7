package rootfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/mlruns/mlruns/internal/vfs"
)

var direntBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// Entries reads the directory with getdents64. (*os.File).ReadDir would lstat every entry of a
// directory that was opened in an os.Root, which costs more than the reading. Concurrent calls
// share the handle's position, so they take turns.
func (d *dirFolder) Entries() ([]vfs.Entry, error) {
	if d.fd < 0 {
		return nil, d.closed()
	}
	entries, err := d.readDirents()
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: d.name, Err: err}
	}
	return d.settle(entries)
}

func (d *dirFolder) readDirents() (entries []vfs.Entry, err error) {
	d.reading.Lock()
	defer d.reading.Unlock()
	if d.read {
		if _, err := syscall.Seek(d.fd, 0, io.SeekStart); err != nil {
			return nil, err
		}
	}
	d.read = true
	buf := direntBuffers.Get().(*[]byte)
	defer direntBuffers.Put(buf)
	for {
		n, err := syscall.ReadDirent(d.fd, *buf)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return nil, err
		case n <= 0:
			return entries, nil
		}
		if entries, err = appendDirents(entries, (*buf)[:n]); err != nil {
			return nil, err
		}
	}
}

// A record of getdents64: inode 8 bytes, offset 8, length of the record 2, type 1, name ended by a
// zero.
const (
	direntLen  = 16
	direntType = 18
	direntName = 19
)

var errDirent = errors.New("directory record is malformed")

// appendDirents copies all names of buf into one string, of which each entry has its part.
func appendDirents(entries []vfs.Entry, buf []byte) ([]vfs.Entry, error) {
	count, size := 0, 0
	for rest := buf; len(rest) > 0; count++ {
		name, _, next, ok := cutDirent(rest)
		if !ok {
			return nil, errDirent
		}
		size += len(name)
		rest = next
	}
	var names strings.Builder
	names.Grow(size)
	entries = slices.Grow(entries, count)
	for rest := buf; len(rest) > 0; {
		name, kind, next, _ := cutDirent(rest)
		rest = next
		if string(name) != "." && string(name) != ".." {
			from := names.Len()
			names.Write(name)
			entries = append(entries, vfs.Entry{Name: names.String()[from:], Type: typeOfDirent(kind)})
		}
	}
	return entries, nil
}

// cutDirent takes the first record from buf.
func cutDirent(buf []byte) (name []byte, kind byte, rest []byte, ok bool) {
	if len(buf) < direntName {
		return nil, 0, nil, false
	}
	size := int(binary.NativeEndian.Uint16(buf[direntLen:]))
	if size <= direntName || size > len(buf) {
		return nil, 0, nil, false
	}
	name = buf[direntName:size]
	if end := bytes.IndexByte(name, 0); end >= 0 {
		name = name[:end]
	}
	return name, buf[direntType], buf[size:], true
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
func (d *dirFolder) settle(entries []vfs.Entry) ([]vfs.Entry, error) {
	kept := entries[:0]
	for _, e := range entries {
		if e.Type == fs.ModeIrregular {
			info, err := d.fsys.Lstat(d.path(e.Name))
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
