package filename

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"unicode"

	"github.com/spf13/afero"

	"github.com/mlruns/mlruns/internal/vfs"
)

// Plain reports whether every file system keeps the names in a path as they stand, but for their
// case.
func Plain(p string) bool {
	for name := range strings.SplitSeq(p, "/") {
		if !plainName(name) {
			return false
		}
	}
	return strings.Count(p, "/") < MaxDepth
}

func plainName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 0x80: // it could be kept in another Unicode form
			return false
		case c < ' ', c == '<', c == '>', c == ':', c == '"', c == '\\', c == '|', c == '?', c == '*':
			return false
		}
	}
	return len(name) <= maxName && (name == "" || name[len(name)-1] != '.' && name[len(name)-1] != ' ') && !isDevice(name)
}

// Folds reports whether the file system takes names that differ in case only for one, at the file
// called name, which has a letter and exists: it is there under the name in the other case too,
// while its folder lists no such name.
func Folds(fsys afero.Fs, name string) (bool, error) {
	dir, base := path.Split(name)
	other := swapCase(base)
	if other == base {
		return false, nil
	}
	kept, err := Kept(fsys, path.Clean(dir), other)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && kept != other, err
}

func swapCase(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLower(r) {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, name)
}

// Kept gives the name under which a folder lists what is there under a name, "" if that cannot be
// told. It is an error if there is nothing.
func Kept(fsys afero.Fs, dir, name string) (string, error) {
	if err := there(fsys, path.Join(dir, name)); err != nil {
		return "", err
	}
	if plainName(name) {
		// It can only be folded, and where it is it is there in the other case too.
		if other := swapCase(name); other == name || errors.Is(there(fsys, path.Join(dir, other)), fs.ErrNotExist) {
			return name, nil
		}
	}
	names, err := list(fsys, dir)
	if err != nil {
		return "", err
	}
	kept := ""
	for _, listed := range names {
		if listed == name {
			return name, nil
		}
		if strings.EqualFold(listed, strings.TrimRight(name, ". ")) || strings.EqualFold(listed, name) {
			kept = listed
		}
	}
	return kept, nil
}

func there(fsys afero.Fs, name string) error {
	if l, ok := fsys.(afero.Lstater); ok {
		_, _, err := l.LstatIfPossible(name)
		return err
	}
	_, err := fsys.Stat(name)
	return err
}

func list(fsys afero.Fs, dir string) (names []string, err error) {
	native, ok := vfs.NativeOf(fsys)
	if !ok {
		f, err := fsys.Open(dir)
		if err != nil {
			return nil, err
		}
		names, err := f.Readdirnames(-1)
		return names, errors.Join(err, f.Close())
	}
	f, err := native.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	entries, err := f.Entries()
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names, err
}
