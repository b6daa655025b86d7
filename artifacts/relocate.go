package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/mlruns/mlruns"
)

// Relocated gives a local location the absolute path to, which has slashes, and keeps its form: a
// plain path stays one, a file URI keeps its query and fragment. Escapes are set as the form needs
// them.
func Relocated(location, to string) string { return relocated(location, to, runtime.GOOS) }

func relocated(location, to, goos string) string {
	u := split(location)
	switch {
	case u.scheme == fileScheme:
		return FileURI(to) + u.tail()
	case goos == "windows" && strings.Contains(location, `\`):
		to = strings.ReplaceAll(to, "/", `\`)
	}
	return protect(to)
}

// LeftBehind says why the artifacts of a run that moved with its store may still be at the recorded
// place, or "". It is for runs whose recorded location is below another place of the store, of
// which InStore is the folder here; nil if that is the run's own.
//
// A run that has artifacts here has left none. Below an allowed directory the recorded folder is
// looked into; elsewhere it is only asked whether there is one, and of another host not even that.
func LeftBehind(r Run) string {
	if r.RealDir == "" {
		return ""
	}
	empty, err := r.vacant()
	if err == nil && empty && r.InStore != nil {
		if folder, _, ok := r.InStore(); ok {
			empty, err = vacant(r.Fs, folder)
		}
	}
	if err != nil {
		return fmt.Sprintf("its folder of artifacts cannot be looked into here: %v", err)
	}
	if !empty {
		return ""
	}
	recorded, _ := RecordedPath(r.RecordedURI)
	if onShare(recorded) {
		return fmt.Sprintf("its folder of artifacts is empty here and they may be in '%s', on another host", recorded)
	}
	r.ForWriting = false
	_, notLocal := LocalPath(r.RecordedURI)
	p, err := r.openAllowed(recorded, notLocal)
	switch {
	case errors.Is(err, fs.ErrNotExist), notLocal != nil:
		return ""
	case errors.Is(err, mlruns.ErrOutside) && !Exists(recorded):
		return ""
	case errors.Is(err, mlruns.ErrOutside):
		return fmt.Sprintf("its folder of artifacts is empty here and they may be in '%s'; allow a directory above that with WithArtifactRoots to have it looked into", recorded)
	case err != nil:
		return fmt.Sprintf("its folder of artifacts is empty here and '%s' cannot be looked into: %v", recorded, err)
	}
	defer func() { _ = p.Close() }()
	empty, err = vacant(p.Fs, p.Folder)
	if err != nil {
		return fmt.Sprintf("its folder of artifacts is empty here and '%s' cannot be looked into: %v", recorded, err)
	}
	if empty {
		return ""
	}
	return fmt.Sprintf("its folder of artifacts is empty here and they are in '%s'", recorded)
}

// Exists reports whether there is something at a recorded path that was cleaned, or may be. It
// opens nothing. A path that means nothing on this system is not there, and one on another host is
// not asked for.
func Exists(recorded string) bool {
	name := filepath.FromSlash(recorded)
	if !filepath.IsAbs(name) || onShare(recorded) {
		return false
	}
	_, err := os.Lstat(name)
	return err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR)
}
