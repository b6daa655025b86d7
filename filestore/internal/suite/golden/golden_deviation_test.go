package golden

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mlruns/mlruns/filestore/internal/filestoretest"
)

// difference is one answer that is not MLflow's.
type difference struct {
	// what was asked, such as "run info status" or "write log_param".
	what string
	// of is the experiment, run or file it is about, by label where it has one.
	of        string
	want, got string
}

func (d difference) String() string {
	return fmt.Sprintf("%s of %q:\n\t got %q\n\twant %q", d.what, d.of, d.got, d.want)
}

// deviation is a difference we mean. It stands in docs/compat.md under its name.
type deviation struct {
	name   string
	reason string
	// seen are the scenarios that show it: the version that wrote the store, "1.8 read by 3.11"
	// where another one was asked.
	seen  []string
	match func(difference) bool
}

// differences collects and judges.
type differences struct {
	known []deviation
	list  []difference
}

// compare notes a difference, if it is one.
func (d *differences) compare(what, of, want, got string) {
	if want != got {
		d.list = append(d.list, difference{what: what, of: of, want: want, got: got})
	}
}

// compareMaps compares key by key, so that one difference hides no other.
func (d *differences) compareMaps(what, of string, want, got map[string]string) {
	const missing = "<missing>"
	for key, w := range want {
		g, ok := got[key]
		if !ok {
			g = missing
		}
		d.compare(what, of+"/"+key, w, g)
	}
	for key, g := range got {
		if _, ok := want[key]; !ok {
			d.compare(what, of+"/"+key, missing, g)
		}
	}
}

// judge fails the test for every difference that is no known deviation, and for every deviation of
// this scenario that was not seen.
func (d *differences) judge(t *testing.T, scenario string) {
	t.Helper()
	used := map[string]bool{}
	for _, diff := range d.list {
		i := slices.IndexFunc(d.known, func(k deviation) bool { return slices.Contains(k.seen, scenario) && k.match(diff) })
		if i < 0 {
			t.Errorf("differs from MLflow %s: %s", scenario, diff)
			continue
		}
		used[d.known[i].name] = true
	}
	for _, k := range d.known {
		if slices.Contains(k.seen, scenario) && !used[k.name] {
			t.Errorf("the deviation %q (%s) is stale: %s no longer shows it", k.name, k.reason, scenario)
		}
	}
}

// TestDeviationsAreDocumented holds docs/compat.md and the tables of the tests to each other.
func TestDeviationsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filestoretest.InModule("docs", "compat.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string][]string{} // name → tests
	for test, table := range map[string][]deviation{"TestGoldenAnswers": answerDeviations, "TestGoldenReplay": replayDeviations, "TestGoldenSingleDamages": damageDeviations,
		"TestLost": lostDeviations, "TestTexts": textDeviations} {
		for _, d := range table {
			shown[d.name] = append(shown[d.name], test)
		}
	}
	for _, row := range compatRows {
		shown[row.name] = append(shown[row.name], "TestCompat")
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 {
			continue
		}
		name, tests := strings.TrimSpace(cells[1]), cells[5]
		for _, test := range filestoretest.TestNames.FindAllString(tests, -1) {
			if !filestoretest.HasTest(t, test) {
				t.Errorf("the row %q of docs/compat.md names %s, which does not exist", name, test)
			}
		}
		for _, test := range shown[name] {
			if !strings.Contains(tests, test) {
				t.Errorf("the row %q of docs/compat.md does not name %s", name, test)
			}
		}
		if _, ok := shown[name]; !ok && strings.Contains(tests, "TestCompat") {
			t.Errorf("the row %q of docs/compat.md names TestCompat, which has no such test", name)
		}
		delete(shown, name)
	}
	for name, tests := range shown {
		t.Errorf("docs/compat.md has no row %q, which %v shows", name, tests)
	}
}

// written are the scenarios in which the version that wrote a store also read it; asked adds those
// in which another one did.
var (
	written = goldenVersions
	asked   = append([]string{"1.8 read by 3.11", "2.9 read by 3.11"}, goldenVersions...)
)
