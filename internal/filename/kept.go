package filename

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"unicode"

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
func Folds(fsys vfs.FS, name string) (bool, error) {
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
func Kept(fsys vfs.FS, dir, name string) (string, error) {
	if err := there(fsys, path.Join(dir, name)); err != nil {
		return "", err
	}
	if plainName(name) {
		// It can only be folded, and where it is it is there in the other case too.
		if other := swapCase(name); other == name || errors.Is(there(fsys, path.Join(dir, other)), fs.ErrNotExist) {
			return name, nil
		}
	}
	entries, err := vfs.ReadDir(fsys, dir)
	if err != nil {
		return "", err
	}
	kept := ""
	for _, listed := range entries {
		if listed.Name == name {
			return name, nil
		}
		if strings.EqualFold(listed.Name, strings.TrimRight(name, ". ")) || strings.EqualFold(listed.Name, name) {
			kept = listed.Name
		}
	}
	return kept, nil
}

func there(fsys vfs.FS, name string) error {
	_, err := fsys.Lstat(name)
	return err
}
