//go:build interop

package remote

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/transfer"
)

// loss is what is not the same after a way through a server of MLflow. It stands in docs/copy.md
// under its name, with the reason.
type loss struct {
	name string
	// told says that the copy must have told it.
	told bool
	// of reports whether a difference is this loss. Of want and got "" is nothing.
	of func(p place, want, got string) bool
}

// The losses of points are found by points.
const (
	lossOrder    = "order of points, points logged twice"
	lossInfinity = "infinite values"
	lossZero     = "-0"
	lossDataset  = "data set of a run's point"
	lossNaN      = "NaN of a model"
	lossPlace    = "points of a model at one time and step" // see onePlace
)

var losses = []loss{
	{name: "ids", of: fields("id")},
	{name: "tags of the copy", of: func(p place, want, _ string) bool { return want == "" && strings.HasPrefix(p.field, "tags.mlruns.") }},
	{name: "times of experiments, models and deletions", of: func(p place, _, _ string) bool {
		return p.kind != "trace" && slices.Contains([]string{"created", "updated", "deleted"}, p.field)
	}},
	{name: "locations", of: func(p place, _, got string) bool { return p.field == "location" && got != "" }},
	{name: "name of a run without one", of: func(p place, want, got string) bool {
		return p.kind == "run" && (p.field == "name" || p.field == "tags."+mlruns.TagRunName) && want == "" && got != ""
	}},
	{name: "active runs of a deleted experiment", of: func(p place, want, got string) bool {
		return p.kind == "run" && p.field == "stage" && want == "active" && got == "deleted"
	}},
	{name: lossOrder}, {name: lossZero}, {name: lossNaN, told: true}, {name: lossPlace, told: true}, {name: lossInfinity, told: true}, {name: lossDataset, told: true},
	{name: "long texts", told: true, of: func(p place, want, got string) bool {
		return got == "" && (len(want) > 500 || len(p.field) > 250)
	}},
	{name: "long tags and metadata of a trace", told: true, of: func(p place, want, got string) bool {
		return p.kind == "trace" && got != "" && len(want) > 250 && strings.HasPrefix(want, got)
	}},
	{name: "names that the server refuses", told: true, of: func(p place, want, got string) bool {
		return got == "" && (p.kind == "experiment" && len(p.id) > 250 || strings.HasPrefix(p.field, "artifacts/") || strings.Contains(p.field, ":"))
	}},
	{name: "names of files with %", of: func(p place, want, _ string) bool { return want == "" && strings.HasPrefix(p.field, "artifacts/") }},
	{name: "data sets, before MLflow 2.4", told: true, of: func(p place, _, got string) bool {
		return got == "" && strings.HasPrefix(p.field, "dataset.")
	}},
	{name: "models that are deleted, all before MLflow 3", told: true, of: func(p place, _, got string) bool {
		return got == "" && (p.kind == "model" || strings.HasPrefix(p.field, "input.") || strings.HasPrefix(p.field, "output."))
	}},
	{name: "what MLflow's server writes of traces", of: func(p place, want, got string) bool {
		valid := strings.NewReplacer(`,"valid":true`, "") // which is so where nothing is said
		return p.kind == "trace" && got != "" && (strings.HasPrefix(p.field, "metadata.mlflow.trace") || p.field == "tags."+mlruns.TagTraceArtifactLocation ||
			strings.HasPrefix(p.field, "assessments.") && valid.Replace(want) == valid.Replace(got))
	}},
	{name: "texts with a NUL, on PostgreSQL", told: true, of: func(_ place, want, got string) bool { return got == "" && strings.Contains(want, "\x00") }},
	{name: "traces before 1970, after 9999, or on MLflow before 3.2", told: true, of: func(p place, _, got string) bool { return p.kind == "trace" && got == "" }},
}

func fields(names ...string) func(place, string, string) bool {
	return func(p place, want, got string) bool {
		return want != "" && got != "" && slices.Contains(names, p.field)
	}
}

// telling is what a copy told of what it did not copy.
type telling map[place]bool

func tellingOf(items []transfer.Item) telling {
	told := telling{}
	for _, it := range items {
		id := it.SourceID
		if it.Kind == transfer.KindExperiment {
			id = it.Name
		}
		for _, r := range it.Refused {
			told[place{string(it.Kind), id, r.Field}] = true
		}
		for _, c := range it.Conflicts {
			told[place{string(it.Kind), id, c.Field}] = true
		}
		if it.Err != nil {
			told[place{string(it.Kind), id, ""}] = true
		}
	}
	return told
}

// of reports whether a copy told that a fact is not copied, or not as it is.
func (told telling) of(p place) bool {
	kind, name, _ := strings.Cut(p.field, ".")
	fields := []string{p.field, ""}
	switch kind {
	case "latest", "history":
		fields = append(fields, "metrics."+name)
	case "dataset":
		fields = append(fields, "inputs."+name)
	case "input", "output":
		fields = append(fields, kind+"s."+name)
	}
	if p.kind == "model" || p.kind == "trace" { // all of it
		fields = append(fields, p.kind)
	}
	return slices.ContainsFunc(fields, func(field string) bool { return told[place{p.kind, p.id, field}] })
}

// explain gives the losses that a difference is of, none if it is not known.
func explain(told telling, p place, want, got string, all facts) (names []string) {
	kind, key, _ := strings.Cut(p.field, ".")
	if (kind == "latest" || kind == "history") && want != "" && got != "" {
		names = points(p, want, got, all[place{p.kind, p.id, "history." + key}])
	}
	for _, l := range losses {
		if l.of != nil && len(names) == 0 && l.of(p, want, got) && (!l.told || told.of(p)) {
			return []string{l.name}
		}
		if l.told && slices.Contains(names, l.name) && !told.ofPoints(p, l.name, want) {
			return nil
		}
	}
	return names
}

// bends are what a server does to points of one kind of thing, or of all.
var bends = []struct {
	name, kind string
	is         *regexp.Regexp
	becomes    string
}{
	{lossInfinity, "", regexp.MustCompile(`(?m)^(-?)inf `), "${1}1.7976931348623157e+308 "},
	{lossZero, "", regexp.MustCompile(`(?m)^-0\.0 `), "0.0 "},
	{lossDataset, "run", regexp.MustCompile(` on .*`), ""},
	{lossNaN, "model", regexp.MustCompile(`(?m)^nan `), "0.0 "},
}

// ofPoints reports whether a copy told of the points that a loss has bent. Of those of a model the
// runs tell that logged them.
func (told telling) ofPoints(p place, loss, want string) bool {
	if p.kind == "run" {
		return told.of(p)
	}
	_, key, _ := strings.Cut(p.field, ".")
	key, _, _ = strings.Cut(key, " on ")
	for _, b := range bends {
		for line := range strings.Lines(want) {
			if _, run, of := strings.Cut(strings.TrimSpace(line), " of "); of && b.name == loss && b.is.MatchString(line) && !told[place{"run", run, "metrics." + key}] {
				return false
			}
		}
	}
	return true
}

// points gives the losses that change points, a line each, of a history or the latest of one.
func points(p place, want, got, history string) (names []string) {
	for _, l := range bends {
		if (l.kind == "" || l.kind == p.kind) && l.is.MatchString(want) && !l.is.MatchString(got) {
			names = append(names, l.name)
			want, history = l.is.ReplaceAllString(want, l.becomes), l.is.ReplaceAllString(history, l.becomes)
		}
	}
	switch {
	case want == got:
		return names
	case slices.Equal(set(want), set(got)):
		return append(names, lossOrder)
	case strings.HasPrefix(p.field, "latest.") && slices.Contains(set(history), got) && tied(want, got): // NaN is before or after all else
		return append(names, lossOrder)
	}
	return nil
}

// tied reports whether of two points none is later: their steps and times are equal.
func tied(a, b string) bool {
	_, a, _ = strings.Cut(a, " ")
	_, b, _ = strings.Cut(b, " ")
	return a == b
}

func set(lines string) []string {
	list := strings.Split(lines, "\n")
	slices.Sort(list)
	return slices.Compact(list)
}

// compare fails for every difference that is no known loss, and gives those that were met.
func compare(t *testing.T, what string, told telling, want, got facts) (met map[string]int) {
	t.Helper()
	all := maps.Clone(want)
	maps.Copy(all, got)
	met = map[string]int{}
	unknown := 0
	for p := range all {
		if want[p] == got[p] {
			continue
		}
		names := explain(told, p, want[p], got[p], want)
		for _, name := range names {
			met[name]++
		}
		if len(names) == 0 {
			if unknown++; unknown <= 20 {
				t.Errorf("%s: %.200s (-want +got):\n%s", what, p, cmp.Diff(want[p], got[p]))
			}
		}
	}
	if unknown > 20 {
		t.Errorf("%s: %d differences that no loss explains", what, unknown)
	}
	return met
}

// TestLossesAreDocumented holds the table of docs/copy.md and the losses to each other.
func TestLossesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/copy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| lost on the way |")
	table, _, _ = strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("docs/copy.md has no table of losses")
	}
	var documented, known []string
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) == 5 && !strings.HasPrefix(cells[1], "---") && cells[0] == "" {
			documented = append(documented, strings.TrimSpace(cells[1])+": "+strings.TrimSpace(cells[2]))
		}
	}
	for _, l := range losses {
		told := ""
		if l.told {
			told = "yes"
		}
		known = append(known, l.name+": "+told)
	}
	slices.Sort(documented)
	slices.Sort(known)
	if !slices.Equal(documented, known) {
		t.Errorf("docs/copy.md has\n%q, the table of losses\n%q", documented, known)
	}
}
