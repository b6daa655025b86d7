package filestore

import (
	"path"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/validate"
)

// A foreignForm is looked for in a name where that can have it: most names are those of keys, and
// each of them is looked at on every read.
var (
	foreignExact = map[string]*foreignForm{}
	// foreignMarks are what the names hold that have neither a leading dot nor a character that no
	// key has.
	foreignMarks []string
	certainForms []*foreignForm
	doubtForms   []*foreignForm
)

func init() {
	for i := range foreignForms {
		f := &foreignForms[i]
		switch {
		case f.form == nil:
			foreignExact[f.example] = f
		case f.fate == doubtful || f.fate == doubtfulCopy:
			doubtForms = append(doubtForms, f)
		default:
			certainForms = append(certainForms, f)
			if !strings.HasPrefix(f.example, ".") && validate.Key("key", f.example) == nil {
				foreignMarks = append(foreignMarks, f.holds)
			}
		}
	}
}

// foreignFormOf gives the form of a name that is certainly no key, nil if it could be one.
func foreignFormOf(name string) *foreignForm {
	if f, ok := foreignExact[name]; ok {
		return f
	}
	if !unusual(name) {
		return nil
	}
	for _, f := range certainForms {
		if f.fits(name) {
			return f
		}
	}
	return nil
}

// unusual reports whether a name is worth comparing with the forms that are certainly no keys.
func unusual(name string) bool {
	if strings.HasPrefix(name, ".") {
		return true
	}
	parted := false // each mark has one of these characters
	for i := range len(name) {
		switch name[i] {
		case '(', '[', '~', '#':
			return true
		case '.', '_', ' ':
			parted = true
		}
	}
	if !parted {
		return false
	}
	for _, mark := range foreignMarks {
		if strings.Contains(name, mark) {
			return true
		}
	}
	return false
}

func (f *foreignForm) fits(name string) bool {
	return strings.Contains(name, f.holds) && f.form.MatchString(name) && (f.random == 0 || kindsOf(name[len(name)-6:]) >= f.random)
}

// kindsOf counts which of digits, small and capital letters a text has. Words have one kind, and
// what mkstemp draws has mostly three.
func kindsOf(text string) (n int) {
	for _, kind := range [...]string{"0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"} {
		if strings.ContainsAny(text, kind) {
			n++
		}
	}
	return n
}

// original gives the name of which this one of the form is a copy, "" if that cannot be told.
func (f *foreignForm) original(name string) string {
	if m := f.form.FindStringSubmatch(name); len(m) > 1 {
		return strings.Join(m[1:], "")
	}
	return ""
}

// foreignName reports whether programs leave things of this name in any folder. Such a name is
// never a run, an experiment or a key, though MLflow's rule for keys would allow some of them.
func foreignName(name string) bool { return foreignFormOf(name) != nil }

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
func foreign(name string) mlruns.Problem {
	reason := "a file of a desktop, a notebook or a sync tool"
	if f := foreignFormOf(path.Base(name)); f != nil {
		reason = "a name that no key has, but files of " + f.tool
		switch f.fate {
		case underWay:
			reason += ": it was left by an interrupted transfer or save, or one is under way"
		case inUse:
			reason += ": its program needs it, or takes it away itself"
		}
	}
	return mlruns.Problem{Kind: mlruns.ProblemForeign, Path: name, Reason: reason}
}

// doubt says why the name of a key looks like that of another program's file, "" if it does not.
// beside reports whether a name stands in the same folder.
func doubt(name string, beside func(string) bool) string {
	for _, f := range doubtForms {
		if !f.fits(name) {
			continue
		}
		if f.fate == doubtful {
			return "a key, but the name could be that of a temporary file or a backup of " + f.tool + "; if it is one, move it away"
		}
		if of := f.original(name); beside(of) {
			return "a key, but the name could be that of a copy of " + of + " by " + f.tool + "; if it is one, move it away"
		}
	}
	return ""
}
