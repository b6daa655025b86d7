package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/mlruns/mlruns"
	"github.com/mlruns/mlruns/transfer"
)

// screen is what a terminal of one line shows after what was written to it, and how often that
// changed.
func screen(written string) string {
	var line []rune
	at := 0
	for _, r := range written {
		if r == '\r' {
			at = 0
			continue
		}
		if at == len(line) {
			line = append(line, r)
		}
		line[at] = r
		at++
	}
	return strings.TrimRight(string(line), " ")
}

func TestProgressLine(t *testing.T) {
	var out bytes.Buffer
	now := time.UnixMilli(0)
	width := 50
	line := &progressLine{terminal: &out, width: func() int { return width }, now: func() time.Time { return now }}
	tell := func(done int, path, want string) {
		t.Helper()
		line.tell(mlruns.Progress{Done: done, Total: 20, Path: path})
		if got := screen(out.String()); got != want {
			t.Errorf("the line is %q, want %q", got, want)
		}
	}
	tell(1, "0", "")
	line.begin("gc")
	tell(2, "0/some-longer-name", "gc 2/20 experiments and runs  0/some-longer-name")
	now = now.Add(redrawEvery - 1)
	tell(3, "0/b", "gc 2/20 experiments and runs  0/some-longer-name")
	now = now.Add(1)
	tell(4, "0/b", "gc 4/20 experiments and runs  0/b")
	now = now.Add(redrawEvery)
	tell(5, "0/a\rb\x1b[2J", `gc 5/20 experiments and runs  0/a\rb\x1b[2J`)
	now = now.Add(redrawEvery)
	tell(6, strings.Repeat("long", 20), "gc 6/20 experiments and runs  longlonglonglonglo…")
	if _, err := line.above(&out).Write([]byte("a problem")); err != nil {
		t.Fatal(err)
	}
	if got := screen(out.String()); got != "a problem" {
		t.Errorf("the terminal shows %q, want only the text above the line", got)
	}
	out.Reset()
	now = now.Add(redrawEvery)
	tell(7, "0", "gc 7/20 experiments and runs  0")
	// A window that was made narrower: nothing is drawn that would wrap.
	written := out.Len()
	width = 20
	now = now.Add(redrawEvery)
	line.tell(mlruns.Progress{Done: 8, Total: 20, Path: strings.Repeat("long", 20)})
	line.end()
	for drawn := range strings.SplitSeq(out.String()[written:], "\r") {
		if n := text.StringWidthWithoutEscSequences(drawn); n >= width {
			t.Errorf("%d columns are drawn in a window of %d: %q", n, width, drawn)
		}
	}
	out.Reset()
	now = now.Add(redrawEvery)
	tell(9, "0", "")
}

// TestNoProgressOffTerminals writes nothing where standard error is no terminal, or the output is
// for programs.
func TestNoProgressOffTerminals(t *testing.T) {
	var out bytes.Buffer
	line := newProgressLine(&out)
	line.begin("gc")
	line.tell(mlruns.Progress{Done: 1, Total: 2, Path: "0"})
	line.end()
	if out.Len() > 0 {
		t.Errorf("written: %q", out.String())
	}
	for _, json := range []bool{false, true} {
		a := newApp(nil, nil, &out)
		a.json = json
		a.line = &progressLine{terminal: &out, width: func() int { return 80 }, now: time.Now}
		out.Reset()
		err := a.withProgress("gc", func(_ context.Context, _ []string) error {
			a.line.tell(mlruns.Progress{Done: 1, Total: 2, Path: "0"})
			return nil
		})(t.Context(), nil)
		if err != nil || (out.Len() > 0) == json {
			t.Errorf("json %v: error %v, written %q", json, err, out.String())
		}
	}
}

// TestProgressOfTheVerbs has each verb that goes through the whole store show how far it is.
func TestProgressOfTheVerbs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if code := newApp(nil, out, io.Discard).run(t.Context(), []string{"experiments", "create", "x", "--store", dir}); code != exitDone {
		t.Fatalf("no store was made: %d", code)
	}
	for _, verb := range []string{"verify", "repair", "gc", "relocate"} {
		var shown, errs bytes.Buffer
		a := newApp(nil, out, &errs)
		a.line.terminal, a.line.width, a.line.now = &shown, func() int { return 80 }, time.Now
		if code := a.run(t.Context(), []string{"store", verb, "--store", dir}); code != exitDone || !strings.Contains(shown.String(), verb+" ") {
			t.Errorf("store %s: exit %d, shown %q, errors %q", verb, code, shown.String(), errs.String())
		}
	}
}

// TestCopyProgress shows how many runs of how many were copied, how fast, and how long the rest
// will take; without a number of runs the rest is not told.
func TestCopyProgress(t *testing.T) {
	var out bytes.Buffer
	now := time.UnixMilli(0)
	line := &progressLine{terminal: &out, width: func() int { return 120 }, now: func() time.Time { return now }}
	line.begin("copy")
	r := &copyReport{app: &app{line: line}, begun: time.Now().Add(-100 * time.Second)}
	for _, c := range []struct {
		p    transfer.Progress
		want string
	}{
		{transfer.Progress{Done: 500, Total: 2000, Points: 1234567, Bytes: 1000}, `^copy 500/2000 runs, [45]\.\d/s, 1,234,567 points, 1.0 kB, 5m\d+s left$`},
		{transfer.Progress{Done: 500, Points: 1}, `^copy 500 runs, [45]\.\d/s, 1 points, 0 B$`},
		{transfer.Progress{Done: 2000, Total: 2000}, `^copy 2000/2000 runs, (19|20)\.\d/s, 0 points, 0 B$`},
	} {
		now = now.Add(redrawEvery)
		r.progress(c.p)
		if got := screen(out.String()); !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%q, want %s", got, c.want)
		}
	}
}
