package pyfmt

import "strings"

// rest is what remains of a scalar while it is matched from the left.
type rest string

// skip drops all leading bytes that are in set and returns how many there were.
func (r *rest) skip(set string) int {
	return r.skipMost(set, len(*r))
}

// skipMost is skip for at most limit bytes.
func (r *rest) skipMost(set string, limit int) int {
	n := 0
	for n < len(*r) && n < limit && strings.IndexByte(set, (*r)[n]) >= 0 {
		n++
	}
	*r = (*r)[n:]
	return n
}

const (
	decimal           = "0123456789"
	decimalUnderscore = decimal + "_"
)

// resolveNumber tells Int, Float and String apart for text that starts with a digit, a sign or a
// point.
func resolveNumber(s string) Kind {
	unsigned := rest(s)
	signed := unsigned.skipMost("+-", 1) == 1
	switch {
	case isInt11(unsigned):
		return KindInt
	case isFloat11(unsigned, signed):
		return KindFloat
	}
	return KindString
}

// isInt11 matches 0, 0b[01_]+, 0[0-7_]+, 0x[0-9a-fA-F_]+, [1-9][0-9_]* and
// [1-9][0-9_]*(:[0-5]?[0-9])+.
func isInt11(r rest) bool {
	if r == "" || !isDigit(r[0]) {
		return false
	}
	if r[0] != '0' {
		r.skip(decimalUnderscore)
		r.skipSexagesimal()
		return r == ""
	}
	digits := "01234567_"
	r = r[1:]
	switch {
	case r == "":
		return true
	case r[0] == 'b':
		digits, r = "01_", r[1:]
	case r[0] == 'x':
		digits, r = decimalUnderscore+"abcdefABCDEF", r[1:]
	}
	return r.skip(digits) > 0 && r == ""
}

// isFloat11 matches [0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?, [0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*
// and \.(inf|Inf|INF); without a sign also \.[0-9][0-9_]*([eE][-+][0-9]+)? and \.(nan|NaN|NAN).
func isFloat11(r rest, signed bool) bool {
	switch r {
	case ".inf", ".Inf", ".INF":
		return true
	case ".nan", ".NaN", ".NAN":
		return !signed
	}
	if r == "" || r[0] == '_' {
		return false
	}
	leading := r.skip(decimalUnderscore) > 0
	sexagesimal := leading && r.skipSexagesimal()
	if r.skipMost(".", 1) == 0 {
		return false
	}
	if !leading && (signed || r == "" || r[0] == '_') {
		return false
	}
	if fraction := r.skip(decimalUnderscore); !leading && fraction == 0 {
		return false
	}
	if sexagesimal || r.skipMost("eE", 1) == 0 {
		return r == ""
	}
	return r.skipMost("+-", 1) == 1 && r.skip(decimal) > 0 && r == ""
}

// skipSexagesimal skips (:[0-5]?[0-9])* and reports whether there was any.
func (r *rest) skipSexagesimal() bool {
	any := false
	for len(*r) > 1 && (*r)[0] == ':' && isDigit((*r)[1]) {
		tens := (*r)[1] <= '5'
		*r = (*r)[2:]
		if tens {
			r.skipMost(decimal, 1)
		}
		any = true
	}
	return any
}
