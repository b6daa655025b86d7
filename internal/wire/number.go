package wire

import (
	"encoding/json"
	"math"
	"strconv"
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
	if v := float64(n); v == 0 && math.Signbit(v) {
		return []byte("-0.0"), nil // to Python -0 is an integer, which has no sign
	} else if !math.IsNaN(v) && !math.IsInf(v, 0) {
		return json.Marshal(v)
	}
	return strconv.AppendQuote(nil, n.String()), nil
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
