package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"unicode/utf8"

	"github.com/mlruns/mlruns/internal/atomicfile"
	"github.com/mlruns/mlruns/internal/failure"
	"github.com/mlruns/mlruns/internal/vfs"
)

// origin is what files are copied from.
type origin struct {
	fs vfs.FS
	// base is the folder of a run's artifacts, and then what List does not show is not copied
	// either; "" for the files of the user, of which what cannot be copied is an error.
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

// look looks at what the artifact p is, a link followed, and whether it is a link. What is left out
// of listings and copies is nil with the reason why, and what is gone nil without. The only error
// is a shortage, see vfs.IsShortage.
func (o origin) look(p string) (info fs.FileInfo, link bool, why string, err error) {
	info, err = o.fs.Lstat(o.at(p))
	if missing(err) {
		return nil, false, "", nil
	}
	if link = err == nil && isLink(info); link {
		info, err = o.stat(p)
	}
	switch {
	case vfs.IsShortage(err):
		return nil, link, "", err
	case err != nil:
		return nil, link, leftOutFor(err), nil
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, link, "a " + vfs.KindOf(info.Mode()) + ", which is neither a file nor a folder", nil
	}
	return info, link, "", nil
}

// leftOutFor says why an artifact that cannot be looked at is left out.
func leftOutFor(err error) string {
	var known *fs.PathError
	switch {
	case errors.Is(err, vfs.ErrOutside) && !errors.As(err, new(*vfs.LinkError)):
		return "a symbolic link that leads out of the run's artifacts"
	case errors.As(err, &known):
		return known.Err.Error()
	}
	return err.Error()
}

// pick looks at what stands in a folder that is copied. What is left out is nil with the reason
// why: links to folders too, for they can form circles.
func (o origin) pick(p string) (info fs.FileInfo, why string, err error) {
	if o.base != "" {
		info, link, why, err := o.look(p)
		if link && info != nil && info.IsDir() {
			return nil, linkToFolder + "; it can be copied by its own name", nil
		}
		return info, why, err
	}
	if !utf8.ValidString(p) {
		return nil, "", failure.Invalid(fmt.Sprintf("The path %q is not valid UTF-8, so it could not be opened as an artifact", p))
	}
	info, err = o.fs.Lstat(p)
	if err != nil || !isLink(info) {
		return info, "", err
	}
	info, err = o.fs.Stat(p)
	switch {
	case missing(err):
		return nil, "", fmt.Errorf("the symbolic link '%s' leads nowhere: %w", p, err)
	case err == nil && info.IsDir():
		return nil, fmt.Sprintf("'%s' is %s", p, linkToFolder), nil
	}
	return info, "", err
}

const linkToFolder = "a symbolic link to a folder, which is not followed when a folder is copied"

// namesIn gives the names in a folder in order, but for temporary files.
func namesIn(fsys vfs.FS, dir string) ([]string, error) {
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
