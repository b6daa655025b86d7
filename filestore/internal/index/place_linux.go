package index

import (
	"io/fs"
	"os"
	"syscall"
)

func canWrite(dir string) error {
	const here, toWrite, effective = -0x64, 0x2 | 0x1, 0x200 // AT_FDCWD, W_OK | X_OK, AT_EACCESS
	if err := syscall.Faccessat(here, dir, toWrite, effective); err != nil {
		return &fs.PathError{Op: "access", Path: dir, Err: err}
	}
	return nil
}

// claim says that somebody makes a file, as long as it is open.
func claim(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// isLeft reports whether a file that was being made was left: its maker was killed.
func isLeft(path string) bool {
	f, err := openOwn(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
