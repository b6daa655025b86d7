package mlruns

import (
	"strconv"
	"strings"
	"unicode"
)

// printable escapes what would move a terminal's cursor or break a line.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}
