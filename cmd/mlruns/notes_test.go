package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/mlruns/mlruns"
)

// TestFirstFew keeps a note on a line that can be read, however many keys a run has and whatever
// they hold.
func TestFirstFew(t *testing.T) {
	many := make([]string, 5000)
	for i := range many {
		many[i] = fmt.Sprintf("m%d=1", i)
	}
	for _, tc := range []struct {
		items []string
		want  string
	}{
		{nil, ""},
		{many[:2], "m0=1, m1=1"},
		{many[:10], "m0=1, m1=1, m2=1, m3=1, m4=1, m5=1, m6=1, m7=1, m8=1, m9=1"},
		{many, "m0=1, m1=1, m2=1, m3=1, m4=1, m5=1, m6=1, m7=1, m8=1, m9=1 … and 4,990 more"},
		{[]string{"\x1b[2J"}, `\x1b[2J`},
	} {
		if got := firstFew(tc.items); got != tc.want {
			t.Errorf("%d items give %q, want %q", len(tc.items), got, tc.want)
		}
	}
	if got := firstFew([]string{strings.Repeat("long", 1000)}); text.StringWidthWithoutEscSequences(got) != longestItem {
		t.Errorf("an item of 4,000 letters gives %q, want %d columns", got, longestItem)
	}
}

// TestWarnings leaves room for the table on a terminal, and gives a pipe all.
func TestWarnings(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		var out bytes.Buffer
		a := newApp(nil, os.Stdout, &out)
		if terminal {
			a.line.terminal = &out
		}
		a.warn(make([]mlruns.Problem, 5000))
		want, last := 5000, ""
		if terminal {
			want, last = mostWarned+1, "… and 4,980 more warnings"
		}
		if n := strings.Count(out.String(), "\n"); n != want || !strings.Contains(out.String(), last) {
			t.Errorf("terminal %v: %d lines, want %d, and %q", terminal, n, want, last)
		}
	}
}
