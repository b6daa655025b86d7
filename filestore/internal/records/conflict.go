package records

import (
	"cmp"
	"path"
	"regexp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore/layout"
)

// A sync program that meets a file which two machines have changed keeps one under its name and
// puts the other beside it. Which names such copies have is in the table of foreign forms.
// OneDrive's loss-HOST is a legal key and a legal id, so it is known only of the names of files
// that are neither: meta.yaml, trace_info.yaml, and those of assessments.
var conflictOneDrive = regexp.MustCompile(`^(meta|trace_info|a-[0-9a-f]{32})-[A-Za-z0-9][\w-]*\.yaml$`)

// oneDriveOf is ConflictOf for that form.
func oneDriveOf(name string) string {
	if m := conflictOneDrive.FindStringSubmatch(name); m != nil {
		return m[1] + ".yaml"
	}
	return ""
}

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

// IsConflictOfMeta reports whether a file beside a meta.yaml, or the trace_info.yaml of a trace, is
// a conflict copy of it: meta is the name of the two that it has there.
func IsConflictOfMeta(meta, name string) bool {
	return ConflictOf(name) == meta || oneDriveOf(name) == meta
}

// Original is the path of which that of a conflict copy was made, "" if it cannot be told.
func Original(copied string) string {
	name := path.Base(copied)
	of := cmp.Or(oneDriveOf(name), ConflictOf(name))
	if of == "" {
		return ""
	}
	return layout.Join(layout.Parent(copied), of)
}

func Conflict(path string) mlruns.Problem {
	return mlruns.Problem{Kind: mlruns.ProblemConflict, Path: path, Reason: "a copy that a sync program put beside the original"}
}
