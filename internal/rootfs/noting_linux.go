package rootfs

import (
	"errors"
	"os"

	"github.com/spf13/afero"
	"golang.org/x/sys/unix"

	"github.com/mlruns/mlruns/internal/vfs"
)

// notingFolder is a dirFolder that tells of what it reads. What os.Root reads, which follows links,
// it tells nothing of.
type notingFolder struct {
	*dirFolder
	at   string // its way from the folder that was asked, with a slash at the end
	note func(name string, id vfs.Identity)
}

// Noting implements vfs.Noter.
func (d *dirFolder) Noting(note func(name string, id vfs.Identity)) vfs.Folder {
	return &notingFolder{dirFolder: d, note: note}
}

func (n *notingFolder) ReadFile(name string, buf []byte) ([]byte, error) {
	return n.ReadSmall(name, buf, vfs.MaxReadFile)
}

func (n *notingFolder) ReadSmall(name string, buf []byte, limit int64) ([]byte, error) {
	var id vfs.Identity
	data, err := n.readSmall(name, buf, limit, &id)
	if err != nil {
		id = vfs.Identity{}
	}
	n.note(n.at+name, id)
	return data, err
}

func (n *notingFolder) ReadListed(name string, buf []byte, limit int64) ([]byte, error) {
	var id vfs.Identity
	if data, ok := n.readListed(name, buf, limit, &id); ok {
		n.note(n.at+name, id)
		return data, nil
	}
	return n.ReadSmall(name, buf, limit)
}

func (n *notingFolder) Open(name string) (afero.File, error) {
	f, err := n.dirFolder.Open(name)
	if h, ok := f.(*os.File); ok && err == nil {
		n.forget(int(h.Fd()))
	}
	return f, err
}

// forget drops what this machine remembers of a server's file: with NFS 3 nothing tells it of two
// writes within one tick of the server's clock.
func (d *dirFolder) forget(fd int) {
	if d.fsys.Drive().Asked {
		_ = unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) // advice
	}
}

func (n *notingFolder) OpenFolder(name string) (vfs.Folder, error) {
	sub, err := n.openPlainFolder(name)
	if errors.Is(err, errLink) {
		return n.dirFolder.OpenFolder(name)
	}
	if err != nil {
		return nil, err
	}
	return &notingFolder{dirFolder: sub, at: n.at + name + "/", note: n.note}, nil
}
