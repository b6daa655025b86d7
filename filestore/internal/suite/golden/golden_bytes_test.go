package golden

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// compareTrees compares the files and folders of the replayed store with those of the golden one.
func (r *replay) compareTrees(t *testing.T) {
	t.Helper()
	want, got := r.inScope(r.g.store), r.inScope(filestoretest.ReadTree(t, r.dir))
	if n := len(want.Files()); n < 350 {
		t.Errorf("only %d files of the golden store are compared", n)
	}
	for name, data := range want {
		ours, ok := got[name]
		switch {
		case !ok && data == nil:
			r.compare("folder", r.g.expected.readable(name), "there", "missing")
		case !ok:
			r.compare("file", r.g.expected.readable(name), "there", "missing")
		case path.Base(name) == "meta.yaml":
			r.compareMeta(name, string(data), string(ours))
		default:
			r.compare("content", r.g.expected.readable(name), string(data), string(ours))
		}
	}
	for name, data := range got {
		if _, ok := want[name]; ok {
			continue
		}
		if data == nil {
			r.compare("folder", r.g.expected.readable(name), "missing", "there")
		} else {
			r.compare("file", r.g.expected.readable(name), "missing", "there")
		}
	}
}

// inScope leaves out what was not replayed: artifacts, logged models, traces, what MLflow refused,
// and private files.
func (r *replay) inScope(store filestoretest.Tree) filestoretest.Tree {
	part := filestoretest.Tree{}
	for name, data := range store {
		steps := strings.Split(name, "/")
		if steps[0] == ".trash" {
			steps = steps[1:]
		}
		private := slices.ContainsFunc(steps, func(s string) bool { return strings.HasPrefix(s, ".mlruns") })
		carried := len(steps) > 1 && (steps[1] == "models" || steps[1] == "traces") || len(steps) > 3 && steps[2] == "artifacts"
		refused := len(steps) > 0 && r.extra[steps[0]] || len(steps) > 1 && r.extra[steps[1]]
		if !private && !carried && !refused {
			part[name] = data
		}
	}
	return part
}

// versionKeys are lines of MLflow's that only some versions write and none needs.
var versionKeys = regexp.MustCompile(`(?m)^(workspace: default|trace_location: null|deleted_time: null)\n`)

// experimentTags is the dump of an experiment's tags, which MLflow leaves in a rewritten meta.yaml
// and no version reads.
var experimentTags = regexp.MustCompile(`(?m)^tags:( \{\}\n|\n(  .*\n)+)`)

// compareMeta compares line by line, without the keys that only one side's version writes.
func (r *replay) compareMeta(name, want, got string) {
	want = versionKeys.ReplaceAllString(want, "")
	if _, ok := r.g.expected.Get[path.Base(path.Dir(name))]; ok {
		want = experimentTags.ReplaceAllString(want, "")
	} else {
		want = strings.Replace(want, "\nname: ''\n", "\n", 1)
	}
	for _, key := range []string{"run_uuid", "run_name", "creation_time", "last_update_time", "deleted_time"} {
		if strings.Contains("\n"+want, "\n"+key+": ") {
			continue
		}
		got = regexp.MustCompile(`(?m)^`+key+`: .*\n(  .*\n|\n)*`).ReplaceAllString(got, "")
	}
	wantLines, gotLines := strings.Split(want, "\n"), strings.Split(got, "\n")
	if len(wantLines) != len(gotLines) {
		r.compare("meta", r.g.expected.readable(name), want, got)
		return
	}
	for i, line := range wantLines {
		r.compare("meta line", r.g.expected.readable(name), line, gotLines[i])
	}
}
