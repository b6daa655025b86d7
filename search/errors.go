package search

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is the error of every parse function of this package: a query, an
// order_by item or a page token that is not valid. Callers map it to MLflow's
// code INVALID_PARAMETER_VALUE.
type Error struct {
	// Query is the text that was parsed, whole.
	Query string
	// Offset is the byte offset in Query at which the error was found, from 0
	// to len(Query).
	Offset int
	// Msg says what is wrong, in MLflow's words where MLflow has them. It may
	// repeat parts of the query as they are.
	Msg string
}

const (
	windowColumns = 100 // longest excerpt of a query line that Error prints
	beforeCaret   = 60  // of these, how many may stand before the caret
	fragmentRunes = 80  // longest part of a query that a message repeats
)

// newError builds an *Error; text arguments are parts of the query.
func newError(query string, at int, format string, args ...any) *Error {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = shorten(s)
		}
	}
	return &Error{Query: query, Offset: at, Msg: fmt.Sprintf(format, args...)}
}

// Error returns the message, the line of the query that has the error, and a
// caret under its column. Control characters of the query are never printed
// raw, and a long line is cut to a window around the error.
func (e *Error) Error() string {
	msg := printable(e.Msg)
	if e.Query == "" {
		return msg
	}
	line, at := e.line()
	before := take(line[:at], beforeCaret, true)
	after := take(line[at:], windowColumns-columns(before), false)
	return msg + "\n  " + before + after + "\n  " + strings.Repeat(" ", columns(before)) + "^"
}

// line returns the line of the query that holds the offset, and the offset in it.
func (e *Error) line() (string, int) {
	at := min(max(e.Offset, 0), len(e.Query))
	start := strings.LastIndexByte(e.Query[:at], '\n') + 1
	end := len(e.Query)
	if i := strings.IndexByte(e.Query[at:], '\n'); i >= 0 {
		end = at + i
	}
	return e.Query[start:end], at - start
}

// take returns the printable form of s, cut to about limit columns at its
// beginning (fromEnd) or at its end.
func take(s string, limit int, fromEnd bool) string {
	var used int
	for i := 0; i < len(s); {
		rest := s[i:]
		r, size := utf8.DecodeRuneInString(rest)
		if fromEnd {
			r, size = utf8.DecodeLastRuneInString(s[:len(s)-i])
		}
		if used += width(shown(r)); used > limit {
			if fromEnd {
				return "…" + single(s[len(s)-i:])
			}
			return single(s[:i]) + "…"
		}
		i += size
	}
	return single(s)
}

// single replaces, one for one, what cannot be printed on one line.
func single(s string) string { return strings.Map(shown, s) }

// shown is the rune printed in place of r.
func shown(r rune) rune {
	switch {
	case isBlank(r):
		return ' '
	case !unicode.IsPrint(r) && !unicode.IsMark(r):
		return utf8.RuneError
	}
	return r
}

// printable escapes control and format characters as Go does in a string.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) || unicode.IsMark(r) {
			b.WriteRune(r)
			continue
		}
		quoted := fmt.Sprintf("%+q", r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// shorten cuts a part of the query that a message repeats.
func shorten(s string) string {
	n := 0
	for i := range s {
		if n++; n > fragmentRunes {
			return s[:i] + "…"
		}
	}
	return s
}

// columns is the width of s in a terminal.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += width(r)
	}
	return n
}

// width is the width of a rune in a terminal: 0 for combining marks, 2 for
// East Asian wide characters and emoji.
func width(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r < 0x1100:
		return 1
	case r <= 0x115f, 0x2e80 <= r && r <= 0xa4cf, 0xac00 <= r && r <= 0xd7a3,
		0xf900 <= r && r <= 0xfaff, 0xfe30 <= r && r <= 0xfe6f, 0xff00 <= r && r <= 0xff60,
		0xffe0 <= r && r <= 0xffe6, 0x1f300 <= r && r <= 0x1f64f, 0x1f680 <= r && r <= 0x1faff,
		0x20000 <= r && r <= 0x3fffd:
		return 2
	}
	return 1
}
