package pyfmt

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func checkShort(t *testing.T, text string) bool {
	t.Helper()
	got, ok := parseShort(text)
	if !ok {
		return false
	}
	want, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Float64bits(got) != math.Float64bits(want) {
		t.Errorf("parseShort(%q) = %v (%x), strconv says %v (%x), %v", text, got, math.Float64bits(got), want, math.Float64bits(want), err)
	}
	return true
}

func TestParseShort(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0": true, "-0.0": true, "1": true, "0.1": true, ".5": true, "5.": true, "-.5": true, "9007199254740992": true, "0.9007199254740992": false,
		"9007199254740993": false, "123456789.0": true, "0.000000000000001": true, "": false, "-": false, ".": false, "-.": false, "1..": false, "+1": false,
		"1e5": false, "nan": false, "1_0": false, " 1": false, "--1": false, "1.-": false,
	} {
		if got := checkShort(t, text); got != want {
			t.Errorf("parseShort(%q) takes it: %v, want %v", text, got, want)
		}
	}
	for range 100_000 {
		digits := rand.Uint64N(1 << (10 + rand.Uint64N(45)))
		text := strconv.FormatFloat(float64(digits)/math.Pow(10, float64(rand.IntN(17))), 'f', -1, 64)
		checkShort(t, text)
		checkShort(t, "-"+text)
	}
}

// FuzzParseShort holds what parseShort takes to strconv, bit for bit.
func FuzzParseShort(f *testing.F) {
	for _, text := range []string{"0.30000000000000004", "0.5", "-12.25", ".", "9007199254740993", "1.", "00.10"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkShort(t, text) })
}
