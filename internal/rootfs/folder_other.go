//go:build !linux

package rootfs

func openFolder(f *Fs, name string) (Folder, error) {
	folder, err := f.openRootFolder(name)
	if err != nil {
		return nil, err
	}
	return folder, nil
}
