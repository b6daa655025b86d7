package pyfmt

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	foldAfter = 80 // the column beyond which a blank becomes a line break
	neverFold = -1 // instead of an indentation, for a text that has to stay on its line
)

// text writes a string in the first form its shape and its look allow: plain, single-quoted,
// double-quoted. Lines that continue it have the given indentation.
func (e *emitter) text(s string, sh shape, indent int) {
	switch {
	case sh.plain && Resolve(s) == KindString && !retyped12(s):
		e.plain(s, indent)
	case sh.single:
		e.singleQuoted(s, indent)
	default:
		e.doubleQuoted(s, indent)
	}
}

func (e *emitter) plain(s string, indent int) {
	if !e.blank {
		e.put(" ")
	}
	e.line(s, indent)
	e.blank, e.indention = false, false
}

func (e *emitter) singleQuoted(s string, indent int) {
	e.indicator("'", true, false)
	s = strings.ReplaceAll(s, "'", "''")
	for {
		n := strings.IndexFunc(s, isBreak)
		if n < 0 {
			break
		}
		e.line(s[:n], indent)
		s = s[n:]
		if s[0] == '\n' {
			e.lineFeed() // a reader takes the first of several line feeds away
		}
		after := strings.TrimLeftFunc(s, isBreak)
		e.out = append(e.out, s[:len(s)-len(after)]...)
		e.column, e.indention = 0, true
		e.breakLine(indent)
		s = after
	}
	e.line(s, indent)
	e.indicator("'", false, false)
}

// line writes text without breaks, but for the single blanks that it turns into breaks.
func (e *emitter) line(s string, indent int) {
	if indent == neverFold || e.column+len(s) <= foldAfter {
		e.put(s)
		return
	}
	start := 0
	for i := 1; i < len(s)-1; i++ {
		if s[i] != ' ' || s[i-1] == ' ' || s[i+1] == ' ' {
			continue
		}
		e.put(s[start:i])
		start = i
		if e.column > foldAfter {
			e.breakLine(indent)
			start++
		}
	}
	e.put(s[start:])
}

func (e *emitter) doubleQuoted(s string, indent int) {
	e.indicator(`"`, true, false)
	for i, r := range s {
		switch {
		case r == '"' || r == '\\' || isBreak(r) || !isPrintable(r):
			e.put(escape(r))
		case r == ' ' && indent != neverFold && e.column > foldAfter && 0 < i && i < len(s)-1 && s[i-1] != ' ':
			e.breakLine(indent)
			if s[i+1] == ' ' {
				e.put(`\`) // or the reader would take the blank for indentation
			}
		default:
			e.put(s[i : i+utf8.RuneLen(r)])
		}
	}
	e.indicator(`"`, false, false)
}

// escape returns the escape sequence for r in double quotes.
func escape(r rune) string {
	switch r {
	case 0:
		return `\0`
	case '\a':
		return `\a`
	case '\b':
		return `\b`
	case '\t':
		return `\t`
	case '\n':
		return `\n`
	case '\v':
		return `\v`
	case '\f':
		return `\f`
	case '\r':
		return `\r`
	case 0x1B:
		return `\e`
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case 0x85:
		return `\N`
	case 0x2028:
		return `\L`
	case 0x2029:
		return `\P`
	}
	switch {
	case r <= 0xFF:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xFFFF:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}
