package drive

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// TestDrivesDoc holds the table of docs/drives.md to the judgement, every kind that is known to be
// in it included.
func TestDrivesDoc(t *testing.T) {
	page, err := os.ReadFile("../../docs/drives.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 || !strings.Contains(cells[1], "`") {
			continue
		}
		for _, kind := range quoted.FindAllStringSubmatch(cells[1], -1) {
			s := seen{kind: kind[1], options: []string{"rw"}}
			for _, option := range quoted.FindAllStringSubmatch(cells[2], -1) {
				s.options = append(s.options, option[1])
			}
			told[s.kind] = true
			d := judge(s)
			yes := strings.HasPrefix(strings.TrimSpace(cells[3]), "yes")
			keep := "no"
			switch {
			case d.Local:
				keep = "yes"
			case d.Served:
				keep = "yes, the server is asked"
			}
			if told := strings.TrimSpace(cells[4]); d.Excludes != yes || told != keep {
				t.Errorf("%s %v: the page says %v and %q, the judgement is %+v", s.kind, s.options, yes, told, d)
			}
		}
	}
	for kind := range own {
		if !told[kind] {
			t.Errorf("%s is not in the table", kind)
		}
	}
}
