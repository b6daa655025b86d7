//go:build interop

package interop

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// searchDeviation is a difference between the searches that we mean. It stands in docs/compat.md
// under its name.
type searchDeviation struct {
	name  string
	match func(q query, theirs, ours found) bool
}

var searchDeviations = []searchDeviation{
	{"max_results 0", has("max_results 0")},
	{"negative max_results", has("negative max_results")},
	{"larger language", func(q query, theirs, ours found) bool {
		return q.features["larger language"] && theirs.Error != nil && ours.Error == nil
	}},
	{"dropped list elements", has("dropped list elements")},
	{"time of a comparator error", func(_ query, theirs, ours found) bool {
		return theirs.empty() && ours.Error != nil && (strings.HasPrefix(ours.Error.Message, "Invalid comparator ") || strings.HasPrefix(ours.Error.Message, "Invalid order_by entity type 'dataset'"))
	}},
}

// has matches queries with a feature, whatever the answers.
func has(feature string) func(query, found, found) bool {
	return func(q query, _, _ found) bool { return q.features[feature] }
}

// explain names the deviation that a difference is, "" if it is none.
func explain(q query, theirs, ours found) string {
	for _, d := range searchDeviations {
		if d.match(q, theirs, ours) {
			return d.name
		}
	}
	return ""
}

// empty reports whether there are no results and no error.
func (f found) empty() bool {
	return f.Error == nil && !slices.ContainsFunc(f.Pages, func(p page) bool { return len(p.IDs) > 0 })
}

// TestSearchDeviationsAreDocumented holds docs/compat.md and the table to each other.
func TestSearchDeviationsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/compat.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 7 && strings.Contains(cells[5], "TestDifferentialSearch") {
			documented = append(documented, strings.TrimSpace(cells[1]))
		}
	}
	for _, d := range searchDeviations {
		if !slices.Contains(documented, d.name) {
			t.Errorf("docs/compat.md has no row %q that names TestDifferentialSearch", d.name)
		}
	}
	if len(documented) != len(searchDeviations) {
		t.Errorf("rows of docs/compat.md that name TestDifferentialSearch: %q, but the table has %d", documented, len(searchDeviations))
	}
}
