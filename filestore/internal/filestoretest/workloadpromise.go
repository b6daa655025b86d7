package filestoretest

import (
	"slices"
	"strings"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/filestore"
)

// promises is what a power cut may take of what was acknowledged, by the row of the level in the
// table of the design. The zero level here is that nothing may be lost.
type promises struct {
	Level filestore.Sync
	// Weak are the facts that a cut may take: values of runs that go on. held is the value that
	// each had when it was safe, ever all that it had.
	Weak map[string]bool
	held map[string]string
	ever map[string][]string
}

func newPromises() promises {
	return promises{Level: filestore.SyncAlways, Weak: map[string]bool{}, held: map[string]string{}, ever: map[string][]string{}}
}

// isValue tells points, params and tags of runs, which SyncMeta leaves to the file system while the
// Run goes on.
func isValue(key string) bool {
	return strings.HasPrefix(key, "r/") && (strings.Contains(key, "/metric/") || strings.Contains(key, "/param/") || strings.Contains(key, "/tag/"))
}

// Touch takes note of a step that is under way or done: its values may come to be on the disk, or
// half of them.
func (p promises) Touch(s Step) {
	if p.Level == filestore.SyncAlways {
		return
	}
	for key, value := range s.To {
		if isValue(key) {
			p.ever[key] = append(p.ever[key], value)
		}
	}
	for _, key := range append(slices.Clone(s.gone), SortedKeys(s.To, nil)...) {
		if isValue(key) && s.Kind != "create run" && !s.Run.Ended {
			p.Weak[key] = true
		}
	}
}

// note takes note of a step that was acknowledged, when what it has changed is known.
func (p promises) note(w *Workload, s Step) {
	if p.Level == filestore.SyncAlways || s.Run == nil {
		return
	}
	for key := range s.To {
		if isValue(key) && !p.Weak[key] {
			p.held[key] = w.facts[key]
		}
	}
	if !s.Run.Ended {
		return
	}
	for key := range p.Weak {
		if strings.HasPrefix(key, "r/"+s.Run.ID+"/") {
			delete(p.Weak, key)
			p.held[key] = w.facts[key]
		}
	}
}

// allows reports whether a power cut may have left a fact as it is, which differs from what was
// acknowledged. A metric keeps what was safe and shows no point that was never logged; of a param
// or tag any value that it had may be there, cut or with zeros for what did not come to the disk.
func (p promises) allows(key, got string, there bool) bool {
	switch {
	case !p.Weak[key]:
		return false
	case strings.Contains(key, "/metric/"):
		return strings.HasPrefix(got, p.held[key]) && p.logged(key, got)
	// half a history is no list of models
	case !there, strings.HasSuffix(key, mlruns.TagModelHistory):
		return true
	}
	return slices.ContainsFunc(p.ever[key], func(value string) bool { return strings.HasPrefix(value, strings.TrimRight(got, "\x00")) })
}

// logged reports whether all points were logged, in their order.
func (p promises) logged(key, got string) bool {
	all := ""
	for _, value := range p.ever[key] {
		if len(value) > len(all) {
			all = value
		}
	}
	for line := range strings.Lines(got) {
		_, after, ok := strings.Cut(all, line)
		if !ok {
			return false
		}
		all = after
	}
	return true
}
