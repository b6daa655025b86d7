package filestore

import (
	"os"
	"strings"
	"testing"
)

// A small reader for layout.md: its fenced examples and its tables, the forms that the tests check.

type mdFence struct {
	info []string // the words after the backquotes
	body string
	line int
}

// kind is the info string without the file=… word.
func (f mdFence) kind() string {
	var words []string
	for _, w := range f.info {
		if !strings.HasPrefix(w, "file=") {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

func (f mdFence) file() string {
	for _, w := range f.info {
		if name, ok := strings.CutPrefix(w, "file="); ok {
			return name
		}
	}
	return ""
}

type mdRow struct {
	cells []string
	line  int
}

type mdDocument struct {
	fences []mdFence
	tables map[string][]mdRow // by the header's cells, joined with " | "
}

func readLayoutDocument(t *testing.T) mdDocument {
	t.Helper()
	data, err := os.ReadFile("../layout.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := mdDocument{tables: map[string][]mdRow{}}
	var fence *mdFence
	header := ""
	for i, line := range strings.Split(string(data), "\n") {
		info, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && fence == nil:
			fence = &mdFence{info: strings.Fields(info), line: i + 1}
		case isFence:
			doc.fences = append(doc.fences, *fence)
			fence = nil
		case fence != nil:
			fence.body += line + "\n"
		case !strings.HasPrefix(line, "|"):
			header = ""
		case header == "":
			header = strings.Join(splitRow(line), " | ")
			if _, twice := doc.tables[header]; twice {
				t.Fatalf("layout.md:%d: a second table with the header %q", i+1, header)
			}
			doc.tables[header] = nil
		case !strings.HasPrefix(line, "|---"):
			doc.tables[header] = append(doc.tables[header], mdRow{cells: splitRow(line), line: i + 1})
		}
	}
	if fence != nil {
		t.Fatalf("layout.md:%d: the example has no end", fence.line)
	}
	return doc
}

// table gives the rows below a header, of which there must be some.
func (d mdDocument) table(t *testing.T, header string) []mdRow {
	t.Helper()
	rows := d.tables[header]
	if len(rows) == 0 {
		t.Fatalf("layout.md has no table %q", header)
	}
	for _, r := range rows {
		if want := strings.Count(header, " | ") + 1; len(r.cells) != want {
			t.Fatalf("layout.md:%d: got %d cells, want %d", r.line, len(r.cells), want)
		}
	}
	return rows
}

func splitRow(line string) []string {
	line = strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|")
	cells := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), "|")
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(c), "\x00", "|")
	}
	return cells
}

// code is the text between the first two backquotes of a cell, "" if there are none.
func code(cell string) string {
	_, rest, _ := strings.Cut(cell, "`")
	text, _, _ := strings.Cut(rest, "`")
	return text
}
