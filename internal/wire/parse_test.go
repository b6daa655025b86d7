package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestParseInt(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-3": -3, "+7": 7, "1.7e+12": 1_700_000_000_000, "1e+05": 100_000, "3.0": 3, "1E2": 100, "0e99": 0, "-1.50e1": -15, "120e-1": 12, "00012": 12,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, "9.223372036854775807e18": math.MaxInt64,
	} {
		if got, err := parseInt(text); err != nil || got != want {
			t.Errorf("%s is read as %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-", "3.5", "1e-1", "1e400", "99999999999999999999", "9223372036854775808", "NaN", "Infinity", "0x10", "1_000", " 1", "1e", "e1", ".", "1e99999999999999999999", "--1", "1.-5", "١"} {
		if got, err := parseInt(text); err == nil {
			t.Errorf("%q is read as %d, want an error", text, got)
		}
	}
}

func TestParseFloat(t *testing.T) {
	for text, want := range map[string]float64{"1": 1, "1e+300": 1e300, "Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "-inf": math.Inf(-1), "5e-324": 5e-324, "1e-400": 0} {
		if got, err := parseFloat(text); err != nil || got != want {
			t.Errorf("%s is read as %v, %v, want %v", text, got, err, want)
		}
	}
	if got, err := parseFloat("NaN"); err != nil || !math.IsNaN(got) {
		t.Errorf("NaN is read as %v, %v", got, err)
	}
	for _, text := range []string{"", "1e400", "0x1p-2", "1_0", "one"} {
		if got, err := parseFloat(text); err == nil {
			t.Errorf("%q is read as %v, want an error", text, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                                  "at byte 0: the text ends too early",
		`{"a":`:                             "at byte 5: the text ends too early",
		`{"a":1} x`:                         "at byte 8: there is more after the value",
		`[1 2]`:                             "at byte 3: ',' or ']' is missing",
		`{1:2}`:                             "at byte 1: the name of a field is missing",
		`{"a" 2}`:                           "at byte 5: ':' is missing",
		`[01]`:                              "at byte 3: this is no number",
		`[nul]`:                             "at byte 1: no value begins here",
		`"\ud800"`:                          "at byte 7: half of a surrogate pair is no character",
		`"\ud800\u0041"`:                    "at byte 13: half of a surrogate pair is no character",
		`"\x"`:                              "at byte 3: there is no such escape",
		`"\u00g0"`:                          "at byte 3: \\u is followed by four hexadecimal digits",
		"\"\n\"":                            "at byte 1: a control character in a string is not escaped",
		"\"\xff\"":                          "at byte 3: the string is not valid UTF-8",
		strings.Repeat("[", 1000):           "at byte 100: lists and objects are nested too deeply",
		"[" + strings.Repeat("0,", 300_000): "at byte 400001: there are too many values",
	} {
		if v, err := parseValue(text); err == nil || err.Error() != want {
			t.Errorf("%.20q gives %v, %v, want %s", text, v, err, want)
		}
	}
}

func TestPythonText(t *testing.T) {
	for text, want := range map[string]string{
		`{"b": 1, "a": [true, null, "é\n"], "b": 2.50}`: `{"a":[true,null,"\u00e9\n"],"b":2.5}`,
		`[{"key": "mae", "value": 2.5}]`:                `[{"key":"mae","value":2.5}]`,
		`1e300`:                                         `1e+300`,
		`-0`:                                            `-0`,
	} {
		v, err := parseValue(text)
		if got := string(v.appendPython(nil)); err != nil || got != want {
			t.Errorf("%s is told as %s, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{`1`: "int", `1.0`: "float", `1e5`: "float", `NaN`: "float", `-Infinity`: "float", `"a"`: "str", `[]`: "list", `{}`: "dict", `true`: "bool", `null`: "NoneType"} {
		if v, err := parseValue(text); err != nil || v.pythonType() != want {
			t.Errorf("the type of %s is told as %s, %v, want %s", text, v.pythonType(), err, want)
		}
	}
}

// FuzzParse compares with encoding/json: what one reads the other reads the same, but for bare NaN
// and infinities, deep nesting and what is not Unicode.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"run_id":"r","metrics":[{"key":"a","value":"NaN","timestamp":1.7e+12,"step":-3}]}`, `[1,-0.5e-3,true,false,null,"\u00e9\ud83d\ude00\\"]`, `{"a":{},"a":[]}`, `NaN`, `"\ud800"`, `[[[[1]]]]`, ` 1 `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parseValue(string(text))
		if err != nil {
			if plain := !bytes.Contains(text, []byte(`\u`)) && bytes.Equal(bytes.ToValidUTF8(text, nil), text); json.Valid(text) && plain && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= maxDepth {
				t.Errorf("%q is JSON and is refused: %v", text, err)
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
				t.Errorf("%q is read, and is no JSON: %v", text, err)
			}
			return
		}
		if got := plain(v); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %#v, want %#v", text, got, want)
		}
	})
}

// plain is what encoding/json would make of a value.
func plain(v value) any {
	switch v.kind {
	case kindFalse, kindTrue:
		return v.kind == kindTrue
	case kindNumber:
		return json.Number(v.text)
	case kindString:
		return v.text
	case kindList:
		list := []any{}
		for _, i := range v.items {
			list = append(list, plain(i.value))
		}
		return list
	case kindObject:
		object := map[string]any{}
		for _, i := range v.items {
			object[i.name] = plain(i.value)
		}
		return object
	}
	return nil
}
