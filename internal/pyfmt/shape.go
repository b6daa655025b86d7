package pyfmt

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// shape says in which forms a string can be written.
type shape struct {
	breaks bool // there is a line break in it
	plain  bool // it may stand without quotes, as far as its syntax goes
	single bool // it may stand in single quotes
}

// analyze finds the shape of s by the rules of libyaml's emitter.
func analyze(s string) (shape, error) {
	if s == "" {
		return shape{single: true}, nil
	}
	sh := shape{plain: !startsReserved(s), single: true}
	prev := rune(0)
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)):
			return shape{}, fmt.Errorf("pyfmt: %q is not valid UTF-8: %w", s, ErrUnwritable)
		case isBreak(r):
			sh.breaks, sh.plain = true, false
			sh.single = sh.single && prev != ' '
		case r == ' ':
			if prev == ':' || i == 0 {
				sh.plain = false
			}
			if isBreak(prev) {
				sh.single = false
			}
		case r == '#' && prev == ' ':
			sh.plain = false
		}
		if !isPrintable(r) {
			sh.plain, sh.single = false, false
		}
		prev = r
	}
	if prev == ' ' || prev == ':' {
		sh.plain = false
	}
	return sh, nil
}

// startsReserved reports whether s begins like something that is not a plain scalar.
func startsReserved(s string) bool {
	switch s[0] {
	case '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return true
	case '-', '?', ':':
		return len(s) == 1 || s[1] == ' ' || strings.HasPrefix(s, "---")
	}
	return strings.HasPrefix(s, "...")
}

// isBreak reports whether r ends a line in YAML 1.1.
func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// isPrintable reports whether libyaml writes r as it is: it escapes controls, the byte order mark
// and all that does not fit in 16 bits.
func isPrintable(r rune) bool {
	switch {
	case r < 0x7F:
		return r >= ' ' || r == '\n'
	case r < 0xA0, r == '\uFEFF':
		return false
	}
	return r < 0xFFFE
}
