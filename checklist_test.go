package mlruns_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	checklistPart = regexp.MustCompile(`^([\w/]+): (Test\S+(?:, Test\S+)*)$`)
	scenarioName  = regexp.MustCompile(`\{name: "([^"]+)", run:`)
)

// TestChecklist checks that the table of MLflow's own tests in docs/compat.md names no test of ours
// that does not exist.
func TestChecklist(t *testing.T) {
	text, err := os.ReadFile("docs/compat.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, ok := strings.Cut(string(text), "\n## MLflow's own tests\n")
	if !ok {
		t.Fatal("docs/compat.md has no table of MLflow's own tests")
	}
	rows := 0
	for line := range strings.Lines(page) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.Contains(cells[2], "---") || strings.TrimSpace(cells[2]) == "ours" {
			continue
		}
		rows++
		theirs, ours := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2])
		if ours == "" {
			if strings.TrimSpace(cells[3]) == "" {
				t.Errorf("%s: neither a test of ours nor a reason", theirs)
			}
			continue
		}
		for _, part := range strings.Split(ours, "; ") {
			m := checklistPart.FindStringSubmatch(part)
			if m == nil {
				t.Errorf("%s: %q is not of the form package: Test, Test", theirs, part)
				continue
			}
			for _, test := range strings.Split(m[2], ", ") {
				if !hasTest(t, m[1], test) {
					t.Errorf("%s: package %s has no %s", theirs, m[1], test)
				}
			}
		}
	}
	if rows < 50 {
		t.Errorf("the table has only %d rows", rows)
	}
}

func exists(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}

// hasTest reports whether a package has a test; TestConformance/Area/scenario must be one of
// storetest's.
func hasTest(t *testing.T, pkg, test string) bool {
	dir := pkg
	if pkg == "mlruns" {
		dir = "."
	}
	if suite := filepath.Join("filestore", "internal", "suite", pkg); exists(suite) {
		dir = suite
	}
	name, rest, nested := strings.Cut(test, "/")
	found := strings.Contains(sources(t, filepath.Join(dir, "*_test.go")), "\nfunc "+name+"(t *testing.T)")
	if !found || !nested {
		return found
	}
	area, scenario, _ := strings.Cut(rest, "/")
	suite := sources(t, "internal/storetest/*.go")
	list := regexp.MustCompile(`\{"` + area + `", (\w+)\}`).FindStringSubmatch(suite)
	if name != "TestConformance" || list == nil {
		return false
	}
	_, scenarios, _ := strings.Cut(suite, "\nvar "+list[1]+" = []scenario{\n")
	scenarios, _, _ = strings.Cut(scenarios, "\n}\n")
	for _, m := range scenarioName.FindAllStringSubmatch(scenarios, -1) {
		if strings.ReplaceAll(m[1], " ", "_") == scenario {
			return true
		}
	}
	return false
}

// sources gives the text of the files that a pattern names.
func sources(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}
