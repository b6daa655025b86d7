//go:build !linux

package rootfs

import "github.com/mlruns/mlruns/internal/vfs"

func openFolder(f *Fs, name string) (vfs.Folder, error) {
	folder, err := f.openRootFolder(name)
	if err != nil {
		return nil, err
	}
	return folder, nil
}
