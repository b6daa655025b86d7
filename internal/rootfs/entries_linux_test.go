package rootfs

import (
	"encoding/binary"
	"io/fs"
	"syscall"
	"testing"

	"github.com/mlruns/mlruns/internal/vfs"
)

func dirent(name string, kind byte) []byte {
	size := (direntName + len(name) + 1 + 7) &^ 7
	rec := make([]byte, size)
	binary.NativeEndian.PutUint16(rec[direntLen:], uint16(size))
	rec[direntType] = kind
	copy(rec[direntName:], name)
	return rec
}

func TestDirentTypes(t *testing.T) {
	for kind, want := range map[byte]fs.FileMode{
		syscall.DT_REG: 0, syscall.DT_DIR: fs.ModeDir, syscall.DT_LNK: fs.ModeSymlink, syscall.DT_FIFO: fs.ModeNamedPipe, syscall.DT_SOCK: fs.ModeSocket,
		syscall.DT_CHR: fs.ModeDevice | fs.ModeCharDevice, syscall.DT_BLK: fs.ModeDevice, syscall.DT_UNKNOWN: fs.ModeIrregular,
	} {
		got, err := appendDirents(nil, dirent("name", kind))
		if err != nil || len(got) != 1 || got[0] != (vfs.Entry{Name: "name", Type: want}) {
			t.Errorf("type %d: %v, %v; want %v", kind, got, err, want)
		}
	}
}

// File systems may leave the types out of the records.
func TestSettleUnknownTypes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/f", "")
	write(t, dir+"/d/x", "")
	folder, ok := mustFolder(t, mustOpen(t, dir, Options{}), ".").(*dirFolder)
	if !ok {
		t.Fatal("not the folder of this platform")
	}
	got, err := folder.settle([]vfs.Entry{{Name: "f", Type: fs.ModeIrregular}, {Name: "gone", Type: fs.ModeIrregular}, {Name: "d", Type: fs.ModeIrregular}, {Name: "l", Type: fs.ModeSymlink}})
	want := []vfs.Entry{{Name: "f", Type: 0}, {Name: "d", Type: fs.ModeDir}, {Name: "l", Type: fs.ModeSymlink}}
	if err != nil || len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("settle = %v, %v; want %v", got, err, want)
	}
}

func FuzzDirents(f *testing.F) {
	f.Add(append(dirent(".", syscall.DT_DIR), dirent("meta.yaml", syscall.DT_REG)...))
	f.Add([]byte{})
	f.Add(dirent("x", syscall.DT_REG)[:10])
	f.Fuzz(func(t *testing.T, buf []byte) {
		entries, err := appendDirents(nil, buf)
		if err != nil && entries != nil {
			t.Errorf("entries with an error: %v", entries)
		}
		if len(entries) > len(buf)/direntName {
			t.Errorf("%d entries from %d bytes", len(entries), len(buf))
		}
		for _, e := range entries {
			if e.Name == "." || e.Name == ".." {
				t.Errorf("entry %q", e.Name)
			}
		}
	})
}
