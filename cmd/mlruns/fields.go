package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// field is a line of a section.
type field struct{ name, value string }

// fields prints a section with one field a line. One without fields is left out.
func (a *app) fields(title string, list []field) {
	if len(list) > 0 {
		a.heading(title)
		a.drawFields(list)
	}
}

// longestField is what of a value is shown on a terminal, in columns: more than a path takes, less
// than a screen.
const longestField = 800

// drawFields prints a field a line. On a terminal, which may wrap a line, they are cut only where
// they would fill it, so that they can be copied.
func (a *app) drawFields(list []field) {
	aligned := 0
	for _, f := range list {
		aligned = max(aligned, text.StringWidthWithoutEscSequences(safe(f.name)))
	}
	width := a.width()
	if width > 0 {
		aligned = min(aligned, width/2) // a long name moves its own value only
	}
	for _, f := range list {
		value := safe(f.value)
		if width > 0 {
			value = text.Snip(value, longestField, "…")
		}
		a.println(strings.TrimRight("  "+text.Pad(safe(f.name), aligned, ' ')+gap+value, " "))
	}
}

// section prints a table below a title. One without rows is left out.
func (a *app) section(title string, columns []column) {
	if len(columns[0].cells) == 0 {
		return
	}
	a.heading(title)
	for i, cell := range columns[0].cells {
		columns[0].cells[i] = "  " + cell
	}
	if columns[0].title != "" {
		columns[0].title = "  " + columns[0].title
	}
	a.draw(columns)
}

// heading begins a section.
func (a *app) heading(title string) {
	if a.sections++; a.sections > 1 {
		a.println("")
	}
	a.println(title)
}

// texts are the fields of a map, by name.
func texts(m map[string]string) []field {
	list := make([]field, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, field{key, m[key]})
	}
	return list
}

// println prints a line. What it is given is escaped. Failures of the writer come out when it is
// flushed.
func (a *app) println(line string) {
	_, _ = a.out.WriteString(safe(line) + "\n")
}
