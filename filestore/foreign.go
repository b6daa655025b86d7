package filestore

import (
	"strings"

	"github.com/mlruns/mlruns"
)

// foreignName reports whether desktops, notebooks, network file systems and sync tools leave things of this name in any folder.
// Such a name is never a run, an experiment or a key, though MLflow's rule for keys would allow some of them.
func foreignName(name string) bool {
	switch name {
	case ".DS_Store", "Thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", ".ipynb_checkpoints", ".git", ".gitignore", ".gitkeep", ".gitattributes", ".svn",
		".dropbox", ".dropbox.attr", ".stfolder", ".stignore", ".stversions", "lost+found", "__pycache__":
		return true
	}
	return strings.HasPrefix(name, ".nfs") || strings.HasPrefix(name, "._") || strings.HasPrefix(name, ".~lock.") ||
		strings.HasPrefix(name, ".syncthing.") || strings.HasPrefix(name, "~syncthing~") ||
		strings.Contains(name, ".sync-conflict-") || strings.Contains(name, "conflicted copy")
}

// foreignKey reports whether a part of a key is a foreign name.
func foreignKey(key string) bool {
	for part := range strings.SplitSeq(key, "/") {
		if foreignName(part) {
			return true
		}
	}
	return false
}

// foreign is the problem of a foreign name among records.
func foreign(path string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemForeign, Path: path, Reason: "a file of a desktop, a notebook or a sync tool"}
}

// passing reports whether a foreign name is that of a thing its program takes away itself: a file that is still open, or on its way.
func passing(name string) bool {
	return strings.HasPrefix(name, ".nfs") || strings.HasPrefix(name, ".~lock.") || strings.HasPrefix(name, ".syncthing.") || strings.HasPrefix(name, "~syncthing~")
}
