package search

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	emptyList = "While parsing a list in the query, expected a non-empty list of string values, but got empty list"
	illFormed = "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list."
	otherType = "While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list: %s"
	badEscape = "the escape sequence is unknown or malformed"
)

// pythonStrings evaluates a string token of a list as Python would: a token may
// be several adjacent literals ('a”b' is ab), and backslashes escape. If it
// cannot, it returns the problem and its offset in the token.
func pythonStrings(text string) (value string, at int, problem string) {
	if !strings.ContainsRune(text, '\\') && strings.Count(text, text[:1]) == 2 {
		return text[1 : len(text)-1], 0, ""
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		quote := text[i]
		if quote != text[0] {
			return "", i, illFormed
		}
		for i++; ; {
			if i == len(text) || text[i] == '\n' {
				return "", i, illFormed
			}
			if text[i] == quote {
				i++
				break
			}
			if text[i] != '\\' {
				b.WriteByte(text[i])
				i++
				continue
			}
			n, ok := pythonEscape(&b, text[i:])
			if !ok {
				return "", i, badEscape
			}
			i += n
		}
	}
	return b.String(), 0, ""
}

// pythonEscape writes what the backslash sequence at the start of s stands for
// and returns its length. A backslash before any other character stands for itself.
func pythonEscape(b *strings.Builder, s string) (int, bool) {
	if len(s) < 2 {
		return 0, false
	}
	c := s[1]
	if i := strings.IndexByte(`\'"abfnrtv`, c); i >= 0 {
		b.WriteByte("\\'\"\a\b\f\n\r\t\v"[i])
		return 2, true
	}
	switch {
	case c == '\n':
		return 2, true
	case '0' <= c && c <= '7':
		n := 1
		for n < 4 && n < len(s) && '0' <= s[n] && s[n] <= '7' {
			n++
		}
		return n, writeRune(b, s[1:n], 8)
	case c == 'x' && len(s) >= 4:
		return 4, writeRune(b, s[2:4], 16)
	case c == 'u' && len(s) >= 6:
		return 6, writeRune(b, s[2:6], 16)
	case c == 'U' && len(s) >= 10:
		return 10, writeRune(b, s[2:10], 16)
	case c == 'x' || c == 'u' || c == 'U' || c == 'N':
		return 0, false
	}
	b.WriteByte('\\')
	return 1, true
}

// writeRune writes the code point that digits spell.
func writeRune(b *strings.Builder, digits string, base int) bool {
	u, err := strconv.ParseUint(digits, base, 32)
	if err != nil || u > utf8.MaxRune {
		return false
	}
	b.WriteRune(rune(u))
	return true
}

// pythonTuple prints the values of a list as Python prints a tuple.
func pythonTuple(list []literal) string {
	parts := make([]string, len(list))
	for i, l := range list {
		parts[i] = l.text
		if l.kind == stringLiteral {
			parts[i] = pythonText(l.str)
		}
	}
	if len(parts) == 1 {
		return "(" + parts[0] + ",)"
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// pythonText prints a text as Python does: in single quotes, unless it has
// one and no double quote.
func pythonText(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	return quote + strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + quote
}
