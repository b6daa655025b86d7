package search

import (
	"cmp"
	"math"
	"strconv"
	"strings"
)

// number is a number of a record or of a filter. Times and counts are exact
// integers; a 64-bit float would merge some that differ.
type number struct {
	float float64
	int   int64
	exact bool // the number is int, and float is the nearest to it
}

func integer(i int64) number { return number{float: float64(i), int: i, exact: true} }

// compare orders two numbers, neither of them NaN.
func (n number) compare(m number) int {
	if n.exact && m.exact {
		return cmp.Compare(n.int, m.int)
	}
	return cmp.Compare(n.float, m.float)
}

func (n number) isNaN() bool { return math.IsNaN(n.float) }

// parseNumber reads a number token. What is too large for a float is infinite, as in Python.
func parseNumber(text string) number {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil && text != "-0" {
		return integer(i)
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range only, and then ±Inf or 0
	return number{float: f}
}

// numberOf reads a param or a tag as a number: decimal digits with an optional
// sign, point and exponent, or inf, infinity, nan in any case, with blanks
// around, as Python's float does. It is false for any other text.
func numberOf(s string) (number, bool) {
	s = strings.TrimFunc(s, isBlank)
	if strings.ContainsAny(s, "xXpP_") {
		return number{}, false // Go's hexadecimal floats and digit separators
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return number{}, false
	}
	return number{float: f}, true
}
