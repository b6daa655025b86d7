package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/mlruns/mlruns/search"
)

func TestSafe(t *testing.T) {
	for in, want := range map[string]string{
		"":               "",
		`C:\runs "x" é`:  `C:\runs "x" é`,
		"実験 🚀":           "実験 🚀",
		"a\x1b[31m":      `a\x1b[31m`,
		"a\r\n\tb":       `a\r\n\tb`,
		"\u202eevil":     `\u202eevil`,
		"\u2066x\u2069":  `\u2066x\u2069`,
		"\u009b1m":       `\u009b1m`,
		"bad\xffutf8":    `bad\xffutf8`,
		"\u2028\u200b":   `\u2028\u200b`,
		"\ufffd kept":    "\ufffd kept",
		"tag\U000e0041x": `tag\U000e0041x`,
	} {
		if got := safe(in); got != want {
			t.Errorf("safe(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzSafe(f *testing.F) {
	f.Add(evil)
	f.Add("plain")
	f.Add("\xff\xc0")
	f.Fuzz(func(t *testing.T, in string) {
		out := safe(in)
		if i := strings.IndexFunc(out, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("safe(%q) = %q has a control character at %d", in, out, i)
		}
		if again := safe(out); again != out {
			t.Errorf("safe of %q is %q, want no change", out, again)
		}
	})
}

func FuzzEncodeJSON(f *testing.F) {
	f.Add(evil)
	f.Add("\U000e0041 <b>&amp; \u2028")
	f.Fuzz(func(t *testing.T, in string) {
		in = strings.ToValidUTF8(in, "?")
		text, err := encodeJSON(in)
		if err != nil {
			t.Fatal(err)
		}
		if strings.IndexFunc(string(text), unprintable) >= 0 {
			t.Errorf("%q has a control character", text)
		}
		var back string
		if err := json.Unmarshal(text, &back); err != nil || back != in {
			t.Errorf("%q reads back as %q, %v", in, back, err)
		}
	})
}

func TestErrorText(t *testing.T) {
	query := &search.Error{Query: "metrics.a = = 1", Offset: 12, Msg: "unexpected '='"}
	got := errorText(fmt.Errorf("search runs: %w", query))
	if lines := strings.Split(got, "\n"); len(lines) != 3 || strings.Trim(lines[2], " ") != "^" {
		t.Errorf("the caret is lost: %q", got)
	}
	if got, want := errorText(errors.New("a\nb\x1b")), `a\nb\x1b`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
