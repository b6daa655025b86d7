package records

import (
	"path"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/internal/validate"
)

// A Form is looked for in a name where that can have it: most names are those of keys, and
// each of them is looked at on every read.
var (
	foreignExact = map[string]*Form{}
	// foreignMarks are what the names hold that have neither a leading dot nor a character that no
	// key has.
	foreignMarks []string
	certainForms []*Form
	doubtForms   []*Form
)

func init() {
	for i := range ForeignForms {
		f := &ForeignForms[i]
		switch {
		case f.Pattern == nil:
			foreignExact[f.Example] = f
		case f.Fate == Doubtful || f.Fate == DoubtfulCopy:
			doubtForms = append(doubtForms, f)
		default:
			certainForms = append(certainForms, f)
			if !strings.HasPrefix(f.Example, ".") && validate.Key("key", f.Example) == nil {
				foreignMarks = append(foreignMarks, f.holds)
			}
		}
	}
}

// FormOf gives the form of a name that is certainly no key, nil if it could be one.
func FormOf(name string) *Form {
	if f, ok := foreignExact[name]; ok {
		return f
	}
	if !unusual(name) {
		return nil
	}
	for _, f := range certainForms {
		if f.Fits(name) {
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

func (f *Form) Fits(name string) bool {
	return strings.Contains(name, f.holds) && f.Pattern.MatchString(name) && (f.random == 0 || kindsOf(name[len(name)-6:]) >= f.random)
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

// Original gives the name of which this one of the form is a copy, "" if that cannot be told.
func (f *Form) original(name string) string {
	if m := f.Pattern.FindStringSubmatch(name); len(m) > 1 {
		return strings.Join(m[1:], "")
	}
	return ""
}

// IsForeign reports whether programs leave things of this name in any folder. Such a name is
// never a run, an experiment or a key, though MLflow's rule for keys would allow some of them.
func IsForeign(name string) bool { return FormOf(name) != nil }

// IsForeignKey reports whether a part of a key is a foreign name.
func IsForeignKey(key string) bool {
	for part := range strings.SplitSeq(key, "/") {
		if IsForeign(part) {
			return true
		}
	}
	return false
}

// foreign is the problem of a foreign name among records.
func foreign(name string) mlruns.Problem {
	reason := "a file of a desktop, a notebook or a sync tool"
	if f := FormOf(path.Base(name)); f != nil {
		reason = "a name that no key has, but files of " + f.Tool
		switch f.Fate {
		case UnderWay:
			reason += ": it was left by an interrupted transfer or save, or one is under way"
		case InUse:
			reason += ": its program needs it, or takes it away itself"
		}
	}
	return mlruns.Problem{Kind: mlruns.ProblemForeign, Path: name, Reason: reason}
}

// Doubt says why the name of a key looks like that of another program's file, "" if it does not.
// beside reports whether a name stands in the same folder.
func Doubt(name string, beside func(string) bool) string {
	for _, f := range doubtForms {
		if !f.Fits(name) {
			continue
		}
		if f.Fate == Doubtful {
			return "a key, but the name could be that of a temporary file or a backup of " + f.Tool + "; if it is one, move it away"
		}
		if of := f.original(name); beside(of) {
			return "a key, but the name could be that of a copy of " + of + " by " + f.Tool + "; if it is one, move it away"
		}
	}
	return ""
}
