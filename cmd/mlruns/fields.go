package main

import (
	"maps"
	"slices"
)

// field is a line of a section.
type field struct{ name, value string }

// fields prints a section with one field a line. One without fields is left out.
func (a *app) fields(title string, list []field) {
	name, value := column{}, column{}
	for _, f := range list {
		name.cells = append(name.cells, f.name)
		value.cells = append(value.cells, f.value)
	}
	a.section(title, []column{name, value})
}

// section prints a table below a title. One without rows is left out.
func (a *app) section(title string, columns []column) {
	if len(columns[0].cells) == 0 {
		return
	}
	if a.sections++; a.sections > 1 {
		a.println("")
	}
	a.println(title)
	for i, cell := range columns[0].cells {
		columns[0].cells[i] = "  " + cell
	}
	if columns[0].title != "" {
		columns[0].title = "  " + columns[0].title
	}
	a.draw(columns)
}

// texts are the fields of a map, by name.
func texts(m map[string]string) []field {
	list := make([]field, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, field{key, m[key]})
	}
	return list
}

// println prints a line. What it is given is escaped. Failures of the writer come out when it is flushed.
func (a *app) println(line string) {
	_, _ = a.out.WriteString(safe(line) + "\n")
}
