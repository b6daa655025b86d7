package mlruns

import (
	"fmt"
	"strings"
)

// ProblemKind classes what is wrong with a file or folder of a store. The names are stable and
// appear in JSON.
type ProblemKind string

// The kinds of problems.
const (
	// ProblemMissingMeta is an experiment or run folder without a meta.yaml, or that of a logged
	// model or a trace. It is not listed.
	ProblemMissingMeta ProblemKind = "missing-meta"
	// ProblemUnreadableMeta is a meta.yaml, or a trace_info.yaml, that cannot be understood; its
	// experiment, run, model or trace is not listed.
	ProblemUnreadableMeta ProblemKind = "unreadable-meta"
	// ProblemIncompleteMeta is a meta.yaml that lacks keys which every MLflow version writes, or
	// its last newline: it was perhaps cut off. It is read, with defaults for what is missing. Only
	// Verify and Repair report it.
	ProblemIncompleteMeta ProblemKind = "incomplete-meta"
	// ProblemIDMismatch is a meta.yaml whose id differs from its folder's name.
	ProblemIDMismatch ProblemKind = "id-mismatch"
	// ProblemMissingFolder is a run without metrics/, params/ or artifacts/: MLflow ≥ 3.8 does not
	// find such a run.
	ProblemMissingFolder ProblemKind = "missing-folder"
	// ProblemMalformed is a line of a metric file that is no point.
	ProblemMalformed ProblemKind = "malformed"
	// ProblemUnterminated is the last line of a metric file without its newline. It is not a value:
	// it may be half of one. Blanks in its place, which an interrupted append left and MLflow
	// cannot read, are found by Verify.
	ProblemUnterminated ProblemKind = "unterminated"
	// ProblemDuplicateLine is the first line of a metric file whose point stands in a line before.
	// It is read twice; mlflow migrate-filestore stops at it.
	ProblemDuplicateLine ProblemKind = "duplicate-line"
	// ProblemEmpty is a metric file without a line.
	ProblemEmpty ProblemKind = "empty"
	// ProblemUnreadable is a value that cannot be read: not UTF-8, not a regular file, refused by
	// the system.
	ProblemUnreadable ProblemKind = "unreadable"
	// ProblemForeign is a file or folder that is nobody's record: left by a desktop, a notebook, a
	// sync tool.
	ProblemForeign ProblemKind = "foreign"
	// ProblemConflict is the copy that a sync program made of a file or folder which two machines
	// had changed.
	ProblemConflict ProblemKind = "conflict"
	// ProblemSuspicious is a value whose name could be that of a temporary file or a copy that
	// another program left, or whose content could be git's. It could be a value as well and is
	// read as one. So is what is read of a logged model or a trace, and MLflow fails on. Only
	// Verify and Repair report it.
	ProblemSuspicious ProblemKind = "suspicious"
	// ProblemGitConflict is conflict markers of git in a file. A param, tag or meta.yaml that holds
	// them is not read; of a metric the lines that are points are.
	ProblemGitConflict ProblemKind = "git-conflict"
	// ProblemGitPointer is a pointer of git-lfs or git-annex in place of a file's content, which
	// has not been fetched.
	ProblemGitPointer ProblemKind = "git-pointer"
	// ProblemLeftover is a file or folder of this module's that an interrupted write left behind.
	// It is harmless.
	ProblemLeftover ProblemKind = "leftover"
	// ProblemNotPortable is a name that some platform cannot hold or would merge with another.
	ProblemNotPortable ProblemKind = "not-portable"
	// ProblemStage is a lifecycle_stage that contradicts where the folder is: in the trash or not.
	ProblemStage ProblemKind = "stage"
	// ProblemDuplicate is an experiment id, an experiment name or the id of a run, logged model or
	// trace found twice.
	ProblemDuplicate ProblemKind = "duplicate"
	// ProblemDangling is an input that names a data set the store does not have.
	ProblemDangling ProblemKind = "dangling"
	// ProblemLeftOut is what a listing or a copy of artifacts leaves out: a link that leads out of
	// the run's artifacts or nowhere, what is neither file nor folder, and in a copy a link to a
	// folder.
	ProblemLeftOut ProblemKind = "left-out"
	// ProblemArtifacts is artifacts read from the place a moved store recorded, because its own
	// folder is empty.
	ProblemArtifacts ProblemKind = "artifacts-elsewhere"
	// ProblemNoArtifacts is a run that tells of artifacts of which there is neither a folder beside
	// it nor one at the recorded place.
	ProblemNoArtifacts ProblemKind = "artifacts-missing"
)

// Problem is one thing wrong with a store. Problems are not errors: whatever is not damaged is
// still read.
type Problem struct {
	// Kind says what is wrong.
	Kind ProblemKind `json:"kind"`
	// Path is relative to the store's root, with slashes.
	Path string `json:"path"`
	// Line counts from 1; 0 where the problem is not about a line.
	Line int `json:"line,omitempty"`
	// Reason is for people.
	Reason string `json:"reason"`
	// Repairable reports whether the loss can be undone without guessing.
	Repairable bool `json:"repairable"`
}

// String gives "path:line: kind: reason" on one line without control characters.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(printable(p.Path))
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	fmt.Fprintf(&b, ": %s: %s", p.Kind, printable(p.Reason))
	return b.String()
}
