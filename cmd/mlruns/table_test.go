package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
	"pgregory.net/rapid"
)

func TestFit(t *testing.T) {
	columns := []column{
		{title: "name", cells: []string{strings.Repeat("n", 30)}},
		{title: "loss", cells: []string{"0.5"}, optional: true},
		{title: strings.Repeat("o", 20), cells: []string{"1"}, optional: true},
		{title: "run id", cells: []string{strings.Repeat("i", 16)}, whole: true},
	}
	for _, tc := range []struct {
		width   int
		name    int // what the name is cut to
		leftOut []string
	}{
		{200, 30, nil},
		{30 + 2 + 4 + 2 + 20 + 2 + 16, 30, nil},
		{29 + 2 + 4 + 2 + 20 + 2 + 16, 29, nil},
		{12 + 2 + 4 + 2 + 12 + 2 + 16, 12, nil},
		{12 + 2 + 4 + 2 + 12 + 2 + 15, 25, []string{strings.Repeat("o", 20)}},
		{12 + 2 + 4 + 2 + 15, 17, []string{"loss", strings.Repeat("o", 20)}},
		{narrowest + 2 + 15, 11, []string{"loss", strings.Repeat("o", 20)}},
		{5, least, []string{"loss", strings.Repeat("o", 20)}},
	} {
		got, leftOut := fit(columns, tc.width)
		if !slices.Equal(leftOut, tc.leftOut) {
			t.Errorf("width %d leaves out %q, want %q", tc.width, leftOut, tc.leftOut)
		}
		if n := text.StringWidthWithoutEscSequences(got[0].cells[0]); n != tc.name {
			t.Errorf("width %d cuts the name to %d, want %d", tc.width, n, tc.name)
		}
		if id := got[len(got)-1].cells[0]; len(id) != 16 {
			t.Errorf("width %d cuts the id to %q", tc.width, id)
		}
	}
}

func TestFitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns := make([]column, rapid.IntRange(1, 12).Draw(t, "columns"))
		fixed := -len(gap)
		for i := range columns {
			optional := rapid.Bool().Draw(t, "optional")
			columns[i] = column{
				title: fmt.Sprint("c", i), optional: optional,
				cells: rapid.SliceOfN(rapid.StringN(0, 30, -1), 2, 2).Draw(t, "cells"),
			}
			if !optional {
				fixed += len(gap) + narrowest
			}
		}
		width := rapid.IntRange(1, 200).Draw(t, "width")
		got, leftOut := fit(safeColumns(columns), width)
		if len(got)+len(leftOut) != len(columns) {
			t.Fatalf("%d shown and %d left out of %d", len(got), len(leftOut), len(columns))
		}
		total := -len(gap)
		for _, c := range got {
			total += len(gap) + c.width()
		}
		if total > max(width, fixed) {
			t.Fatalf("the table is %d wide, want %d at most", total, max(width, fixed))
		}
		if !slices.IsSorted(leftOut) && len(columns) < 10 {
			t.Fatalf("left out in the order %q", leftOut)
		}
	})
}

// The store lets no such title through, but another might.
func TestSafeColumns(t *testing.T) {
	got := safeColumns([]column{{title: evil, cells: []string{"plain", evil}}})
	if want := safe(evil); got[0].title != want || got[0].cells[1] != want || got[0].cells[0] != "plain" {
		t.Errorf("got %+v, want %q", got, want)
	}
}

// TestShortened ends for ids that nothing tells apart, which two copies of a run have.
func TestShortened(t *testing.T) {
	a, b := "0123456789abcdef", "0123456789abcxyz"
	for _, tc := range []struct{ ids, want []string }{
		{[]string{a}, []string{a[:8]}},
		{[]string{a, b}, []string{a[:14], b[:14]}},
		{[]string{a, a}, []string{a[:8], a[:8]}},
		{[]string{a, b, a}, []string{a[:14], b[:14], a[:14]}},
		{[]string{"run", "run1", a}, []string{"run", "run1", a[:8]}},
		{nil, []string{}},
	} {
		if got := shortened(tc.ids); !slices.Equal(got, tc.want) {
			t.Errorf("%q become %q, want %q", tc.ids, got, tc.want)
		}
	}
}
