package pyfmt

// powersOfTen are those that a float64 holds exactly.
var powersOfTen = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// parseShort reads [-]digits[.digits] in ASCII of which the digits, as an integer, and the power of
// ten are both exact in a float64: then one division gives the float nearest to the decimal, as
// correct rounding wants it. It is half of all that metric files hold, and needs one look at each
// digit.
func parseShort[T ~string | ~[]byte](s T) (float64, bool) {
	const maxExact = 1 << 53
	i := 0
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		i++
	}
	if len(s)-i > len("9007199254740992")+1 || len(s) == i {
		return 0, false
	}
	var digits uint64
	point := -1
	for ; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			if s[i] != '.' || point >= 0 {
				return 0, false
			}
			point = i + 1
			continue
		}
		digits = digits*10 + uint64(c)
	}
	if digits > maxExact {
		return 0, false
	}
	decimals, figures := 0, len(s)
	if point >= 0 {
		decimals = len(s) - point
		figures--
	}
	if negative {
		figures--
	}
	if figures == 0 {
		return 0, false // a point alone
	}
	f := float64(digits) / powersOfTen[decimals]
	if negative {
		f = -f
	}
	return f, true
}
