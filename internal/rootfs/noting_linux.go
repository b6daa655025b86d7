package rootfs

import (
	"errors"

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
