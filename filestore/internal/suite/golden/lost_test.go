package golden

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns"
)

// lostProblems are what Verify says when a file or folder is gone, by its path; what is not here is
// not missed.
var lostProblems = map[string]mlruns.ProblemKind{
	"0/meta.yaml": mlruns.ProblemMissingMeta, "1/meta.yaml": mlruns.ProblemMissingMeta, "1/run/meta.yaml": mlruns.ProblemMissingMeta, "1/deleted/meta.yaml": mlruns.ProblemMissingMeta,
	".trash/2/meta.yaml": mlruns.ProblemMissingMeta, ".trash/2/trashed/meta.yaml": mlruns.ProblemMissingMeta, "1/run/inputs/*/meta.yaml": mlruns.ProblemMissingMeta,
	"1/run/outputs/*/meta.yaml": mlruns.ProblemMissingMeta, "1/run/metrics": mlruns.ProblemMissingFolder, "1/run/params": mlruns.ProblemMissingFolder, "1/run/artifacts": mlruns.ProblemMissingFolder,
	"1/datasets": mlruns.ProblemDangling, "1/datasets/*": mlruns.ProblemDangling, "1/datasets/*/meta.yaml": mlruns.ProblemDangling,
}

// TestLost removes one file or folder of the store, at every level, and compares every call with
// what MLflow answered. Verify names what is missed.
func TestLost(t *testing.T) {
	t.Parallel()
	all := readMLflowAnswers(t)
	d := differences{known: lostDeviations}
	for _, c := range all.Lost {
		s := newMLflowStore(t, all.Files)
		s.remove(c.Lost)
		if c.Call == "get_run" { // once for each
			s.names(c.Lost, lostProblems[c.Lost])
		}
		d.compare(c.Call, "lost "+c.Lost, c.Answer.String(), s.ask(c).String())
	}
	d.judge(t, "3.11.1")
}

// names checks that Verify tells one kind of problem, or none at all. A root that is gone is an
// error.
func (s *mlflowStore) names(what string, want mlruns.ProblemKind) {
	s.t.Helper()
	var kinds []mlruns.ProblemKind
	for p, err := range s.Verify(s.t.Context(), mlruns.VerifyQuery{}) {
		if err != nil {
			if what != "" || messageOf(err) != "'<root>' does not exist." {
				s.t.Errorf("lost %s: Verify: %v", what, err)
			}
			return
		}
		kinds = append(kinds, p.Kind)
	}
	kinds = slices.Compact(kinds)
	if want == "" && len(kinds) > 0 || want != "" && !slices.Equal(kinds, []mlruns.ProblemKind{want}) {
		s.t.Errorf("lost %s: Verify names %v, want %q", what, kinds, want)
	}
}

// String is what the call gives as JSON, or the code and the text of its error.
func (a mlflowAnswer) String() string {
	if a.Code != "" {
		return strings.TrimSpace(a.Code + ": " + a.Text + " " + a.Python)
	}
	text, err := json.Marshal(a.Gives)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// relative is MLflow's text with paths as we write them.
func relative(text string) string { return strings.ReplaceAll(text, "<root>/", "") }

// lostDeviations are the answers on a store that has lost something which are not MLflow's.
var lostDeviations = []deviation{
	{
		name: "run without its folders", reason: "git and sync tools drop empty folders", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return slices.Contains([]string{"lost 1/run/metrics", "lost 1/run/params", "lost 1/run/artifacts"}, d.of) && strings.HasSuffix(d.want, ": Run 'run' not found") && !strings.Contains(d.got, "not found")
		},
	},
	{
		name: "unreadable value", reason: "an input, output or data set that cannot be read is a Problem of the run", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return (strings.HasPrefix(d.of, "lost 1/run/") || strings.HasPrefix(d.of, "lost 1/datasets")) && strings.Contains(d.want, ": Yaml file '") && !strings.Contains(d.got, ": ")
		},
	},
	{
		name: "trash that is missing", reason: "it is needed for what is deleted only", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return d.of == "lost .trash" && strings.Contains(d.want, "Invalid parent directory")
		},
	},
	{
		name: "root that was removed", reason: "every call says the same", seen: []string{"3.11.1"},
		match: func(d difference) bool {
			return d.of == "lost " && strings.Contains(d.want, "Invalid parent directory") && d.got == "INTERNAL_ERROR: '<root>' does not exist."
		},
	},
	{
		name: "refused writes nothing", reason: "MLflow moves the experiment before it reads it", seen: []string{"3.11.1"},
		match: func(d difference) bool { return d.what == "restore_experiment" && d.of == "lost .trash/2/meta.yaml" },
	},
	{
		name: "paths in texts", reason: "paths are relative to the root", seen: []string{"3.11.1"},
		match: func(d difference) bool { return relative(d.want) == d.got },
	},
}
