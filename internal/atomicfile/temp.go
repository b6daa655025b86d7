package atomicfile

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// Prefix begins the name of every private file of this module.
const Prefix = ".mlruns-"

const tempPrefix = Prefix + "tmp-"

// IsTemp reports whether the last component of name is that of a temporary file. One that is left
// over was never committed and may be removed once its writer is gone.
func IsTemp(name string) bool {
	return strings.HasPrefix(path.Base(name), tempPrefix)
}

// TempName is a new name for which IsTemp is true.
func TempName() string { return tempPrefix + strings.ToLower(rand.Text()) }

// dirOf keeps a leading slash, which means something to file systems that are not confined.
func dirOf(name string) string { return path.Dir(path.Clean(name)) }

// writeTemp writes a temporary file to be renamed to name, with the mode of old if there is one. On
// an error nothing is left.
func writeTemp(fsys vfs.FS, name string, r io.Reader, old fs.FileInfo, o Options) (tmp string, n int64, err error) {
	perm := o.Perm
	if perm == 0 {
		perm = 0o666
	}
	if old != nil {
		perm = old.Mode().Perm()
	}
	dir := o.TempDir
	if dir == "" {
		dir = dirOf(name)
	}
	// The name is kept here: some files change what Name returns when they are renamed.
	tmp, f, err := createTemp(fsys, dir, perm)
	if err != nil {
		return "", 0, err
	}
	n, err = io.Copy(f, r)
	if err == nil && o.Sync && o.Settle == nil {
		err = f.Sync()
	}
	keepMode := false
	if err == nil && old != nil {
		info, statErr := f.Stat()
		keepMode = statErr == nil && info.Mode().Perm() != perm
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil && o.Sync && o.Settle != nil {
		err = o.Settle()
	}
	if err != nil {
		_ = fsys.Remove(tmp)
		return "", n, err
	}
	if keepMode {
		// The data is safe; some file systems have no modes to keep.
		_ = fsys.Chmod(tmp, perm)
	}
	return tmp, n, nil
}

func createTemp(fsys vfs.FS, dir string, perm fs.FileMode) (string, afero.File, error) {
	const attempts = 10 // a name is 130 random bits, so one is enough unless the file system lies
	for i := 0; ; i++ {
		tmp := path.Join(dir, TempName())
		f, err := fsys.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if err == nil || i == attempts || !errors.Is(err, fs.ErrExist) {
			return tmp, f, err
		}
	}
}
