package pyfmt

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// AppendFloat appends repr(f) as Python writes it: the shortest digits that read back to the same
// float64, in fixed notation with at least one decimal if 1e-4 <= |f| < 1e16 or f is zero,
// otherwise with a signed exponent of at least two digits: 0.1, 100.0, -0.0, 1e+16, 1e-05, nan,
// inf, -inf. Every NaN is nan.
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "nan"...)
	case math.IsInf(f, 1):
		return append(dst, "inf"...)
	case math.IsInf(f, -1):
		return append(dst, "-inf"...)
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if math.Trunc(f) == f {
		dst = append(dst, ".0"...)
	}
	return dst
}

// ParseFloat reads what Python's float() reads, surrounding white space included: an optional sign,
// then decimal digits with an optional point and exponent, where single underscores may stand
// between digits, or inf, infinity or nan in any case. Decimal digits and spaces of all scripts
// count. Hexadecimal forms do not exist.
//
// A magnitude beyond float64 is ±Inf, as in Python, and every nan is math.NaN(). Anything else is
// strconv.ErrSyntax. It does not allocate for up to 32 bytes of ASCII.
func ParseFloat[T ~string | ~[]byte](s T) (float64, error) {
	if f, ok := parseShort(s); ok {
		return f, nil
	}
	if IsDecimal(s) {
		return parseDecimal(string(s))
	}
	return parseUnusualFloat(string(s))
}

// parseUnusualFloat reads all that is not a plain ASCII decimal number.
func parseUnusualFloat(s string) (float64, error) {
	s = trimSpace(asciiNumber(s))
	switch unsigned := strings.TrimLeft(s, "+-"); {
	case len(s)-len(unsigned) > 1:
		return 0, strconv.ErrSyntax
	case strings.EqualFold(unsigned, "nan"):
		return math.NaN(), nil
	case strings.EqualFold(unsigned, "inf"), strings.EqualFold(unsigned, "infinity"):
		if s[0] == '-' {
			return math.Inf(-1), nil
		}
		return math.Inf(1), nil
	}
	s, ok := dropUnderscores(s)
	if !ok || !IsDecimal(s) {
		return 0, strconv.ErrSyntax
	}
	return parseDecimal(s)
}

// parseDecimal converts s, for which IsDecimal holds.
func parseDecimal(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if errors.Is(err, strconv.ErrRange) {
		return f, nil // ±Inf, as in Python
	}
	return f, err
}

// IsDecimal reports whether s is [+-]?(digits[.digits?]|.digits)([eE][+-]?digits)? in ASCII,
// without underscores: what ParseFloat reads without an error, and what nearly all numbers look
// like.
func IsDecimal[T ~string | ~[]byte](s T) bool {
	i := skipSign(s, 0)
	start := i
	i = skipDigits(s, i)
	digits := i - start
	if i < len(s) && s[i] == '.' {
		start = i + 1
		i = skipDigits(s, start)
		digits += i - start
	}
	if digits == 0 {
		return false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		start = skipSign(s, i+1)
		i = skipDigits(s, start)
		return i == len(s) && i > start
	}
	return i == len(s)
}

func skipSign[T ~string | ~[]byte](s T, i int) int {
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	return i
}

func skipDigits[T ~string | ~[]byte](s T, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// ParseInt reads what Python's int() reads in base 10, surrounding white space included: an
// optional sign, then decimal digits of any script with single underscores between them; leading
// zeros are allowed.
//
// Python's integers have no bounds; a number beyond int64 is the nearest int64 and
// strconv.ErrRange. What int() refuses is strconv.ErrSyntax. It does not allocate for ASCII.
func ParseInt[T ~string | ~[]byte](s T) (int64, error) {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return parseASCIIInt(asciiNumber(string(s)))
		}
	}
	return parseASCIIInt(s)
}

func parseASCIIInt[T ~string | ~[]byte](s T) (int64, error) {
	s = trimSpace(s)
	i := skipSign(s, 0)
	negative := i == 1 && s[0] == '-'
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	var n uint64
	over := false
	afterDigit := false
	for ; i < len(s); i++ {
		c := s[i]
		if c == '_' && afterDigit {
			afterDigit = false
			continue
		}
		if !isDigit(c) {
			return 0, strconv.ErrSyntax
		}
		afterDigit = true
		d := uint64(c - '0')
		if over = over || n > (limit-d)/10; !over {
			n = n*10 + d
		}
	}
	if !afterDigit {
		return 0, strconv.ErrSyntax
	}
	var err error
	if over {
		n, err = limit, strconv.ErrRange
	}
	if negative {
		return -int64(n), err // -int64(1<<63) is math.MinInt64
	}
	return int64(n), err
}

// trimSpace drops the white space that Python drops around an ASCII number. It is less than
// str.strip drops: U+001C … U+001F stay.
func trimSpace[T ~string | ~[]byte](s T) T {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// asciiNumber returns s with the decimal digits and the spaces of other scripts replaced by their
// ASCII equals.
func asciiNumber(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < utf8.RuneSelf:
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return '0' + decimalValue(r)
	}, s)
}

// decimalValue returns the value of a decimal digit beyond ASCII, or a value that makes no digit if
// r is none.
func decimalValue(r rune) rune {
	if !unicode.Is(unicode.Nd, r) {
		return '?' - '0'
	}
	// Unicode keeps the digits of a script together, zero first, so the value is the number of
	// digits before r.
	v := rune(0)
	for unicode.Is(unicode.Nd, r-v-1) {
		v++
	}
	return v % 10 // sets may touch: the mathematical digits are five in a row
}

// dropUnderscores removes underscores between digits; ok is false if there is one elsewhere.
func dropUnderscores(s string) (_ string, ok bool) {
	if strings.IndexByte(s, '_') < 0 {
		return s, true
	}
	for i := range len(s) {
		if s[i] == '_' && (i == 0 || i == len(s)-1 || !isDigit(s[i-1]) || !isDigit(s[i+1])) {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}
