package artifacts

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"unicode/utf8"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/atomicfile"
)

// origin is what files are copied from.
type origin struct {
	fs afero.Fs
	// base is the folder of a run's artifacts, and then what List does not show is not copied either; "" for the files of the user, of which
	// what cannot be copied is an error.
	base string
}

func (o origin) at(p string) string { return path.Join(o.base, p) }

// stat looks at what p leads to, if that is in base.
func (o origin) stat(p string) (fs.FileInfo, error) {
	if o.base != "" {
		if _, err := follow(o.fs, o.base, p); err != nil {
			return nil, err
		}
	}
	return o.fs.Stat(o.at(p))
}

// pick looks at what stands in a folder that is copied; nil leaves it out. Links to folders are left out: they can form circles.
func (o origin) pick(p string) (fs.FileInfo, error) {
	info, err := lstat(o.fs, o.at(p))
	if err == nil && isLink(info) {
		info, err = o.stat(p)
		if err == nil && info.IsDir() || err != nil && o.base != "" {
			return nil, nil
		}
	}
	switch {
	case err != nil:
		return nil, err
	case o.base != "" && !info.IsDir() && !info.Mode().IsRegular():
		return nil, nil
	case o.base == "" && !utf8.ValidString(p):
		return nil, mlruns.Invalid(fmt.Sprintf("The path %q is not valid UTF-8, so it could not be opened as an artifact", p))
	}
	return info, nil
}

// namesIn gives the names in a folder in order, but for temporary files.
func namesIn(fsys afero.Fs, dir string) ([]string, error) {
	f, err := fsys.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, atomicfile.IsTemp)
	slices.Sort(names)
	return names, nil
}
