package records

import (
	"path"
	"regexp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// A sync program that meets a file which two machines have changed keeps one under its name and
// puts the other beside it. Which names such copies have is in the table of foreign forms.
// OneDrive's loss-HOST is a legal key and a legal id, so it is known of meta.yaml only.
var conflictOneDrive = regexp.MustCompile(`^meta-[A-Za-z0-9][\w-]*\.yaml$`)

// conflictForm is FormOf for the forms of conflict copies.
func conflictForm(name string) *Form {
	if f := FormOf(name); f != nil && f.Fate == Copied {
		return f
	}
	return nil
}

// ConflictOf gives the name of which this one is a conflict copy, "" if it is none or its original
// cannot be told.
func ConflictOf(name string) string {
	if f := conflictForm(name); f != nil {
		return f.original(name)
	}
	return ""
}

// IsConflict reports whether a name is that of a conflict copy.
func IsConflict(name string) bool { return conflictForm(name) != nil }

// IsConflictOfMeta reports whether a file beside a meta.yaml is a conflict copy of it.
func IsConflictOfMeta(name string) bool {
	return ConflictOf(name) == layout.Meta || conflictOneDrive.MatchString(name)
}

// Original is the path of which that of a conflict copy was made, "" if it cannot be told.
func Original(copied string) string {
	name := path.Base(copied)
	of := ConflictOf(name)
	if conflictOneDrive.MatchString(name) {
		of = layout.Meta
	}
	if of == "" {
		return ""
	}
	return layout.Join(layout.Parent(copied), of)
}

func Conflict(path string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemConflict, Path: path, Reason: "a copy that a sync program put beside the original"}
}
