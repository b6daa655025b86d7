package wire

import (
	"errors"
	"strconv"
	"strings"
)

var errNoNumber = errors.New("not a number of this kind")

// parseInt reads a 64-bit integer in any decimal form: R sends 1.7e+12 for a time and 1e+05 for a
// step. What is not integral or does not fit is refused, exactly.
func parseInt(text string) (int64, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	mantissa, exponent, scientific := strings.Cut(strings.ToLower(text), "e")
	power := 0
	if scientific {
		var err error
		if power, err = strconv.Atoi(exponent); err != nil {
			return 0, errNoNumber
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	sign, whole := cutSign(whole)
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, errNoNumber
	}
	significant := strings.TrimRight(digits, "0")
	power += len(digits) - len(significant) - len(fraction)
	switch significant = strings.TrimLeft(significant, "0"); {
	case significant == "":
		return 0, nil
	case power < 0 || power > 18:
		return 0, errNoNumber
	}
	return strconv.ParseInt(sign+significant+strings.Repeat("0", power), 10, 64)
}

func cutSign(digits string) (sign, rest string) {
	if rest, ok := strings.CutPrefix(digits, "-"); ok {
		return "-", rest
	}
	return "", strings.TrimPrefix(digits, "+")
}

// parseFloat reads a float: a decimal number, or NaN or an infinity by any of Python's names for
// them. What does not fit into 64 bits is refused.
func parseFloat(text string) (float64, error) {
	if strings.ContainsAny(text, "xX_pP") {
		return 0, errNoNumber
	}
	return strconv.ParseFloat(text, 64)
}
