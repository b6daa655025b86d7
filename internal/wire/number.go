package wire

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// Number is a float: a JSON number, or one of the strings "NaN", "Infinity" and "-Infinity".
type Number float64

// String is the number in the fewest digits that give it back.
func (n Number) String() string {
	switch v := float64(n); {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	default:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
}

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) {
	return n.append(nil), nil
}

// append prints the number with the digits and the exponents of encoding/json.
func (n Number) append(b []byte) []byte {
	v := float64(n)
	switch size := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return strconv.AppendQuote(b, n.String())
	case v == 0 && math.Signbit(v):
		return append(b, "-0.0"...) // to Python -0 is an integer, which has no sign
	case size != 0 && size < 1e-6 || size >= 1e21:
		b = strconv.AppendFloat(b, v, 'e', -1, 64)
		if short := len(b) - 4; string(b[short:short+3]) == "e-0" {
			b = append(b[:short+2], b[short+3]) // e-09 becomes e-9
		}
		return b
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// UnmarshalJSON implements json.Unmarshaler: the inverse of MarshalJSON.
func (n *Number) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case `"NaN"`:
		*n = Number(math.NaN())
	case `"Infinity"`:
		*n = Number(math.Inf(1))
	case `"-Infinity"`:
		*n = Number(math.Inf(-1))
	default:
		return json.Unmarshal(text, (*float64)(n))
	}
	return nil
}

// Int is a 64-bit integer: a JSON number, or a text, as protobuf's JSON has it and some servers
// send.
type Int int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *Int) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	v, err := parseInt(strings.Trim(string(text), `"`))
	*n = Int(v)
	return err
}
