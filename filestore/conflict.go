package filestore

import (
	"path"
	"regexp"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// A sync program that meets a file which two machines have changed keeps one under its name and puts the other beside it:
//
//	loss (conflicted copy 2026-01-01)             Dropbox; before the extension, if there is one
//	loss (Bob's conflicted copy 2026-01-01)       Dropbox
//	loss.sync-conflict-20260101-120000-ABCDEFG    Syncthing; before the extension
//	loss (1)                                      Google Drive, and copies made by hand
//	meta-HOST.yaml                                OneDrive
//
// No key has a parenthesis in it, so these names are certain. OneDrive's form is a legal key and a legal id, so it is known of meta.yaml only.
var (
	conflictInParens  = regexp.MustCompile(`^(.+?) \((?:\d+|[^()]*conflicted copy[^()]*)\)(\.[^.]*)?$`)
	conflictSyncthing = regexp.MustCompile(`^(.+)\.sync-conflict-\d{8}-\d{6}(?:-[A-Z0-9]{7})?(\.[^.]*)?$`)
	conflictOneDrive  = regexp.MustCompile(`^meta-[A-Za-z0-9][\w-]*\.yaml$`)
)

// conflictOf gives the name of which this one is a conflict copy, "" if it is none or its original cannot be told.
func conflictOf(name string) string {
	if !strings.ContainsAny(name, "(.") { // which is most
		return ""
	}
	for _, form := range [...]*regexp.Regexp{conflictInParens, conflictSyncthing} {
		if m := form.FindStringSubmatch(name); m != nil {
			return m[1] + m[2]
		}
	}
	return ""
}

// isConflict reports whether a name is that of a conflict copy.
func isConflict(name string) bool {
	return conflictOf(name) != "" || strings.Contains(name, ".sync-conflict-") || strings.Contains(name, "conflicted copy")
}

// conflictOfMeta reports whether a file beside a meta.yaml is a conflict copy of it.
func conflictOfMeta(name string) bool {
	return conflictOf(name) == layout.Meta || conflictOneDrive.MatchString(name)
}

// original is the path of which that of a conflict copy was made, "" if it cannot be told.
func original(copied string) string {
	name := path.Base(copied)
	of := conflictOf(name)
	if conflictOneDrive.MatchString(name) {
		of = layout.Meta
	}
	if of == "" {
		return ""
	}
	return join(parent(copied), of)
}

func conflict(path string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemConflict, Path: path, Reason: "a copy that a sync program put beside the original"}
}
