package codec

import (
	"bytes"
	"regexp"

	"github.com/mlruns/mlruns"
)

// git and its extensions put things in the place of a file's content: two versions with markers
// between them after a merge that nobody has finished, or a pointer to content that has not been
// fetched. Neither is a value.

// MaxPointer is more than the size of any pointer.
const MaxPointer = 1024

var (
	lfsPointer   = regexp.MustCompile(`^version https?://(?:git-lfs\.github\.com/spec|hawser\.github\.com/spec|git-media\.io)/\S+\r?\n(?:.*\n)*?oid \S+`)
	annexPointer = regexp.MustCompile(`^/annex/objects/\S`)
	// annexLink is the text of a link into an annex, which a file system without links gets as the
	// content of a file. It could be a person's path too.
	annexLink = regexp.MustCompile(`^(?:\.\./)*\.git/annex/objects/\S+\n?$`)
	// The three markers of a merge, each at the begin of a line. The first is a value's first line,
	// if all of the value is in doubt.
	mergeMarkers = regexp.MustCompile(`(?ms)^<<<<<<< .*?^=======\r?$.*?^>>>>>>> `)
)

var (
	errLFS   = &Damage{Kind: mlruns.ProblemGitPointer, Reason: "a pointer of git-lfs stands in place of the content, which `git lfs pull` fetches"}
	errAnnex = &Damage{Kind: mlruns.ProblemGitPointer, Reason: "a pointer of git-annex stands in place of the content, which `git annex get` fetches"}
)

const MergeReason = "conflict markers of git, whose merge nobody has finished: choose between the versions, then `git add` the file"

// IsMergeMarker reports whether a line is one of those that git puts around and between two
// versions. It is asked of every line that is no point, of which a file of another kind has
// millions.
func IsMergeMarker(line []byte) bool {
	for _, marker := range [...]string{"<<<<<<< ", ">>>>>>> ", "||||||| "} {
		if bytes.HasPrefix(line, []byte(marker)) {
			return true
		}
	}
	return string(bytes.TrimSuffix(line, []byte{'\r'})) == "======="
}

// GitPointer tells that a file begins as a pointer; nil if it is none.
func GitPointer(data []byte) *Damage {
	if len(data) == 0 || data[0] != 'v' && data[0] != '/' {
		return nil
	}
	switch head := data[:min(len(data), MaxPointer)]; {
	case annexPointer.Match(head):
		return errAnnex
	case lfsPointer.Match(head):
		return errLFS
	}
	return nil
}

// GitPointerOrLink is GitPointer for a metric or a meta.yaml, which the text of a link into an
// annex cannot be either.
func GitPointerOrLink(data []byte) *Damage {
	if len(data) > 0 && data[0] == '.' && annexLink.Match(data) {
		return errAnnex
	}
	return GitPointer(data)
}

// NotValue tells that what git has put there is all that there is of a param or tag; nil if it
// could be a value. One in the middle of which somebody quotes a conflict is a value.
func NotValue(data []byte) error {
	if d := GitPointer(data); d != nil {
		return d
	}
	if bytes.HasPrefix(data, []byte("<<<<<<< ")) && mergeMarkers.Match(data) {
		return &Damage{Kind: mlruns.ProblemGitConflict, Line: 1, Reason: MergeReason}
	}
	return nil
}

// notMeta is NotValue for a meta.yaml that cannot be understood.
func notMeta(data []byte) error {
	if d := GitPointerOrLink(data); d != nil {
		return d
	}
	if at := mergeMarkers.FindIndex(data); at != nil {
		return &Damage{Kind: mlruns.ProblemGitConflict, Line: bytes.Count(data[:at[0]], []byte("\n")) + 1, Reason: MergeReason}
	}
	return nil
}

// Doubtful says why a value looks like something that git has left, "" if it does not.
func Doubtful(value string) string {
	switch {
	case annexLink.MatchString(value):
		return "a value, but perhaps a link into an annex, on a file system that has no links; if it is one, `git annex get` fetches the content"
	case mergeMarkers.MatchString(value):
		return "a value, but it holds " + MergeReason
	}
	return ""
}
