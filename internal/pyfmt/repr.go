package pyfmt

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Repr returns Python's repr() of a str: in single quotes unless s holds a single quote and no
// double one, with backslash escapes for what str.isprintable refuses. A byte that is not UTF-8 is
// shown as Python shows it after decoding with surrogateescape: \udc80 … \udcff. Which characters
// are printable depends on the version of Unicode, here Go's, as it does on Python's there.
func Repr(s string) string {
	return string(appendRepr(make([]byte, 0, len(s)+2), s))
}

// ReprList returns Python's repr() of a list of str: ['http', 'https'], and [] for none.
func ReprList(items []string) string {
	out := []byte{'['}
	for i, item := range items {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = appendRepr(out, item)
	}
	return string(append(out, ']'))
}

func appendRepr(dst []byte, s string) []byte {
	quote := '\''
	if strings.ContainsRune(s, '\'') && !strings.ContainsRune(s, '"') {
		quote = '"'
	}
	dst = append(dst, byte(quote))
	for i, r := range s {
		switch {
		case r == quote || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\t':
			dst = append(dst, `\t`...)
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			dst = fmt.Appendf(dst, `\udc%02x`, s[i])
		case unicode.IsPrint(r):
			dst = utf8.AppendRune(dst, r)
		case r <= 0xFF:
			dst = fmt.Appendf(dst, `\x%02x`, r)
		case r <= 0xFFFF:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = fmt.Appendf(dst, `\U%08x`, r)
		}
	}
	return append(dst, byte(quote))
}
