package pyfmt

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func FuzzFloat(f *testing.F) {
	for _, c := range readGolden(f).Floats {
		v, _ := ParseFloat(c.Text)
		f.Add(math.Float64bits(v))
	}
	f.Add(uint64(0xFFF8000000000001))
	f.Fuzz(func(t *testing.T, bits uint64) {
		v := math.Float64frombits(bits)
		if math.IsNaN(v) {
			bits = math.Float64bits(math.NaN())
		}
		text := AppendFloat(nil, v)
		got, err := ParseFloat(text)
		if err != nil || math.Float64bits(got) != bits {
			t.Errorf("%x is written as %s and read as %x, %v", bits, text, math.Float64bits(got), err)
		}
		if yaml := yamlFloat(v).text; Resolve(yaml) != KindFloat {
			t.Errorf("%v is written as %s in YAML, which is no float", v, yaml)
		}
	})
}

// FuzzParseFloat holds ParseFloat against a description of Python's grammar by regular expressions.
func FuzzParseFloat(f *testing.F) {
	for _, c := range readGolden(f).Numbers {
		f.Add(c.Text)
	}
	const part = `[0-9](?:_?[0-9])*`
	number := regexp.MustCompile(`^[+-]?(?:` + part + `(?:\.(?:` + part + `)?)?|\.` + part + `)(?:[eE][+-]?` + part + `)?$`)
	special := regexp.MustCompile(`^(?i:[+-]?(?:inf|infinity|nan))$`)
	f.Fuzz(func(t *testing.T, text string) {
		if !isASCII(text) {
			t.Skip("the goldens hold the digits of other scripts")
		}
		got, err := ParseFloat(text)
		trimmed := strings.Trim(text, " \t\n\v\f\r")
		if want := number.MatchString(trimmed) || special.MatchString(trimmed); want != (err == nil) {
			t.Fatalf("ParseFloat(%q) = %v, %v, want accepted: %v", text, got, err, want)
		}
		if err != nil {
			return
		}
		want, _ := strconv.ParseFloat(strings.ReplaceAll(trimmed, "_", ""), 64)
		if got != want && !(math.IsNaN(got) && special.MatchString(trimmed)) {
			t.Errorf("ParseFloat(%q) = %v, want %v", text, got, want)
		}
		if fromBytes, err := ParseFloat([]byte(text)); err != nil || math.Float64bits(fromBytes) != math.Float64bits(got) {
			t.Errorf("ParseFloat([]byte(%q)) = %v, %v, want %v", text, fromBytes, err, got)
		}
	})
}

func FuzzParseInt(f *testing.F) {
	for _, c := range readGolden(f).Numbers {
		f.Add(c.Text)
	}
	number := regexp.MustCompile(`^[+-]?[0-9](?:_?[0-9])*$`)
	f.Fuzz(func(t *testing.T, text string) {
		if !isASCII(text) {
			t.Skip("the goldens hold the digits of other scripts")
		}
		var want *string
		if trimmed := strings.Trim(text, " \t\n\v\f\r"); number.MatchString(trimmed) {
			n, ok := new(big.Int).SetString(strings.ReplaceAll(trimmed, "_", ""), 10)
			if !ok {
				t.Fatalf("math/big refuses %q", trimmed)
			}
			decimal := n.String()
			want = &decimal
		}
		got, err := ParseInt(text)
		checkInt(t, text, want, got, err)
		if fromBytes, bytesErr := ParseInt([]byte(text)); fromBytes != got || bytesErr != err {
			t.Errorf("ParseInt([]byte(%q)) = %d, %v, want %d, %v", text, fromBytes, bytesErr, got, err)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7F })
}

// The implicit resolvers of PyYAML 6, and those of the YAML 1.2 core schema that differ.
var (
	float11 = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|` +
		`[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	int11 = regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|` +
		`[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	timestamp11 = regexp.MustCompile(`^(?:\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?` +
		`(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?)$`)
	number12 = regexp.MustCompile(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$`)
)

// FuzzResolve holds Resolve and retyped12 against the regular expressions they stand for.
func FuzzResolve(f *testing.F) {
	for _, c := range readGolden(f).Kinds {
		f.Add(c.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for kind, re := range map[Kind]*regexp.Regexp{KindFloat: float11, KindInt: int11, KindTimestamp: timestamp11} {
			if got := Resolve(text); (got == kind) != re.MatchString(text) {
				t.Errorf("Resolve(%q) = %d, but the expression of kind %d says %v", text, got, kind, re.MatchString(text))
			}
		}
		if number12.MatchString(text) && !retyped12(text) {
			t.Errorf("%q is a number of YAML 1.2, but not for retyped12", text)
		}
	})
}
