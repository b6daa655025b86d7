package pyfmt

import "strings"

// isNumber12 reports whether a YAML 1.2 reader, strict or lenient, takes s for a number. Lenient
// ones drop underscores and know 0B, 0O and 0X, and yaml.v3 lets a sign follow the prefix.
func isNumber12(s string) bool {
	if strings.IndexByte(s, '_') > 0 {
		s = strings.ReplaceAll(s, "_", "")
	}
	if IsDecimal(s) {
		return true
	}
	r := rest(s)
	r.skipMost("+-", 1)
	if len(r) < 2 || r[0] != '0' {
		return false
	}
	prefix := r[1]
	r = r[2:]
	r.skipMost("+-", 1)
	digits := ""
	switch prefix {
	case 'b', 'B':
		digits = "01"
	case 'o', 'O':
		digits = "01234567"
	case 'x', 'X':
		digits = decimal + "abcdefABCDEF"
	}
	return r.skip(digits) > 0 && r == ""
}

// isTimestamp matches the timestamps of YAML 1.1 as PyYAML knows them:
//
//	dddd-dd-dd
//	dddd-d?d-d?d([Tt]|[ \t]+)d?d:dd:dd(.d*)?([ \t]*(Z|[+-]d?d(:dd)?))?
//
// and, if lenient, what yaml.v3 and YAML 1.1 itself take besides: one digit for a month, a day, a
// minute or a second, and a comma before the fraction.
func isTimestamp(s string, lenient bool) bool {
	r := rest(s)
	if r.skipMost(decimal, 4) != 4 || r.skipMost("-", 1) != 1 {
		return false
	}
	month := r.skipMost(decimal, 2)
	if month == 0 || r.skipMost("-", 1) != 1 {
		return false
	}
	day := r.skipMost(decimal, 2)
	if day == 0 {
		return false
	}
	if r == "" {
		return lenient || month == 2 && day == 2
	}
	if r.skipMost("Tt", 1) == 0 && r.skip(" \t") == 0 {
		return false
	}
	least, point := 2, "."
	if lenient {
		least, point = 1, ".,"
	}
	if r.skipMost(decimal, 2) == 0 ||
		r.skipMost(":", 1) == 0 || r.skipMost(decimal, 2) < least ||
		r.skipMost(":", 1) == 0 || r.skipMost(decimal, 2) < least {
		return false
	}
	if r.skipMost(point, 1) == 1 {
		r.skip(decimal)
	}
	return r == "" || r.skipZone()
}

// skipZone skips [ \t]*(Z|[+-]d?d(:dd)?) and reports whether that was all.
func (r *rest) skipZone() bool {
	r.skip(" \t")
	if r.skipMost("Z", 1) == 1 {
		return *r == ""
	}
	if r.skipMost("+-", 1) == 0 || r.skipMost(decimal, 2) == 0 {
		return false
	}
	return *r == "" || r.skipMost(":", 1) == 1 && r.skipMost(decimal, 2) == 2 && *r == ""
}
