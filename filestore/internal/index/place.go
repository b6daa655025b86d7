package index

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	suffix    = ".index"
	temporary = "new-" // before the name of a file that is being made
	// maxAll is how many bytes all indexes of a directory have, and maxFiles how many there are.
	// Those that were not used for longest are removed.
	maxAll   = 1 << 30
	maxFiles = 1000
	// unfinished is the age of a file that nobody is making any more, where no lock tells.
	unfinished = time.Hour
	// used is how exactly it is told when an index was used last: each time would cost a call.
	used = 24 * time.Hour
)

// DefaultDir is where the indexes of a user are.
func DefaultDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err == nil && !filepath.IsAbs(dir) {
		err = errors.New("the user's cache directory has no absolute path")
	}
	return filepath.Join(dir, "mlruns"), err
}

// Path is where in a directory the index of a store is.
func Path(dir, store string) string {
	sum := sha256.Sum256([]byte(store))
	return filepath.Join(dir, hex.EncodeToString(sum[:16])+suffix)
}

// openOwn opens a file that nobody else can have written.
func openOwn(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !isOwn(info) {
		err = fs.ErrPermission
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// CanKeep reports why no index can be kept at a path, nil if one can. It makes nothing.
func CanKeep(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "stat", Path: dir, Err: syscall.ENOTDIR}
	}
	if err == nil && !isOwn(info) {
		err = &fs.PathError{Op: "stat", Path: dir, Err: errOthers}
	}
	at := dir
	for errors.Is(err, fs.ErrNotExist) && filepath.Dir(at) != at {
		at = filepath.Dir(at)
		if info, err = os.Stat(at); err == nil && !mayMakeIn(info) {
			err = &fs.PathError{Op: "stat", Path: at, Err: errOthers}
		}
	}
	if err != nil {
		return err
	}
	return canWrite(at)
}

var errOthers = errors.New("others than this user have a right to it")

// createBeside makes a file in the directory of another.
func createBeside(path string) (*os.File, error) {
	if err := CanKeep(path); err != nil {
		return nil, err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, temporary)
	if err == nil {
		claim(f)
	}
	return f, err
}

// use says by the time of an index that it is in use. Who may not say so only reads it.
func use(path string, info fs.FileInfo) {
	if now := time.Now(); now.Sub(info.ModTime()) > used {
		_ = os.Chtimes(path, now, now)
	}
}

// Tidy removes what interrupted writers left beside an index, and of the others those that were
// neither made nor used for longest, until all have a bounded size and number.
func Tidy(path string) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var others []fs.FileInfo
	total, count := int64(0), 0
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case strings.HasPrefix(e.Name(), temporary):
			name := filepath.Join(dir, e.Name())
			if isLeft(name) || time.Since(info.ModTime()) > unfinished {
				_ = os.Remove(name)
			}
		case strings.HasSuffix(e.Name(), suffix):
			total += info.Size()
			count++
			if e.Name() != filepath.Base(path) {
				others = append(others, info)
			}
		}
	}
	slices.SortFunc(others, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range others {
		if total <= maxAll && count <= maxFiles {
			return
		}
		if os.Remove(filepath.Join(dir, info.Name())) == nil {
			total -= info.Size()
			count--
		}
	}
}
