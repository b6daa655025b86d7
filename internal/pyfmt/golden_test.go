package pyfmt

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// golden is testdata/pyyaml.json; make_pyyaml.py says how it was made.
type golden struct {
	Strings, Retyped []struct{ S, YAML string }
	Documents        []struct {
		Doc  any
		YAML string
	}
	Floats  []struct{ Text, YAML string }
	Numbers []struct {
		Text       string
		Float, Int *string
	}
	Reprs []struct{ S, Repr string }
	List  struct {
		Items []string
		Repr  string
	}
	Kinds []struct{ Text, Kind string }
}

func readGolden(t testing.TB) golden {
	t.Helper()
	file, err := os.Open("testdata/pyyaml.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var g golden
	d := json.NewDecoder(file)
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(&g); err != nil {
		t.Fatal(err)
	}
	return g
}

// fromJSON returns the Value of a decoded JSON document. The fields of a mapping are in random
// order.
func fromJSON(t testing.TB, doc any) Value {
	t.Helper()
	switch doc := doc.(type) {
	case nil:
		return Value{}
	case string:
		return String(doc)
	case bool:
		return Plain(strconv.FormatBool(doc))
	case json.Number:
		if i, err := doc.Int64(); err == nil {
			return Int(i)
		}
		f, err := doc.Float64()
		if err != nil {
			t.Fatal(err)
		}
		return yamlFloat(f)
	case []any:
		items := []Value{}
		for _, item := range doc {
			items = append(items, fromJSON(t, item))
		}
		return Sequence(items)
	case map[string]any:
		fields := []Field{}
		for key, value := range doc {
			fields = append(fields, Field{key, fromJSON(t, value)})
		}
		return Mapping(fields)
	}
	t.Fatalf("unexpected %T", doc)
	return Value{}
}

// places is the document of the same name in make_pyyaml.py.
func places(s string) []Field {
	str := String(s)
	one := func(key string, v Value) Value { return Mapping([]Field{{key, v}}) }
	list := func(items ...Value) Value { return Sequence(items) }
	return []Field{
		{"k", str},
		{"list", list(str, list(str, str), one("k", str))},
		{"nested", Mapping([]Field{{"a", Mapping([]Field{{"b", str}, {"list", list(str)}})}})},
		{"z", one(s, str)},
		{"zz", one(s, list(str, one(s, str)))},
		{"zzz", list(one(s, one(s, str)))},
	}
}

func document(t testing.TB, fields ...Field) string {
	t.Helper()
	out, err := AppendDocument(nil, fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestStringsAsPyYAML(t *testing.T) {
	for _, c := range readGolden(t).Strings {
		if diff := cmp.Diff(c.YAML, document(t, places(c.S)...)); diff != "" {
			t.Errorf("%q (-PyYAML +got):\n%s", c.S, diff)
		}
	}
}

func TestDeviationFromPyYAML(t *testing.T) {
	for _, c := range readGolden(t).Retyped {
		if plain := "k: " + c.S + "\n"; c.YAML != plain {
			t.Errorf("%q: PyYAML writes %q, so there is no need to deviate", c.S, c.YAML)
		}
		if got, want := document(t, Field{"k", String(c.S)}, Field{c.S, Int(1)}), "'"+c.S+"'"; strings.Count(got, want) != 2 {
			t.Errorf("%q: got %q, want key and value as %s", c.S, got, want)
		}
	}
}

func TestDocumentsAsPyYAML(t *testing.T) {
	for _, c := range readGolden(t).Documents {
		if diff := cmp.Diff(c.YAML, document(t, fromJSON(t, c.Doc).fields...)); diff != "" {
			t.Errorf("%v (-PyYAML +got):\n%s", c.Doc, diff)
		}
	}
}

// yamlFloat is a float as PyYAML writes it: what a meta.yaml that holds one has, and keeps when it
// is rewritten.
func yamlFloat(f float64) Value {
	text := string(AppendFloat(nil, f))
	switch {
	case text == "nan" || text == "inf":
		text = "." + text
	case text == "-inf":
		text = "-.inf"
	case !strings.Contains(text, "."):
		text = strings.Replace(text, "e", ".0e", 1) // YAML 1.1 knows no exponent without a point
	}
	return Plain(text)
}

func TestFloatsAsPython(t *testing.T) {
	for _, c := range readGolden(t).Floats {
		f, err := ParseFloat(c.Text)
		if err != nil {
			t.Fatalf("ParseFloat(%q): %v", c.Text, err)
		}
		if got := string(AppendFloat([]byte("x"), f)); got != "x"+c.Text {
			t.Errorf("AppendFloat(x, %v) = %q, want %q", f, got, "x"+c.Text)
		}
		if got := document(t, Field{"k", yamlFloat(f)}); got != c.YAML {
			t.Errorf("YAML of %v = %q, want %q", f, got, c.YAML)
		}
	}
}

func TestNumbersAsPython(t *testing.T) {
	for _, c := range readGolden(t).Numbers {
		f, err := ParseFloat([]byte(c.Text))
		switch {
		case c.Float == nil:
			if err != strconv.ErrSyntax {
				t.Errorf("ParseFloat(%q) = %v, %v, want ErrSyntax", c.Text, f, err)
			}
		case err != nil:
			t.Errorf("ParseFloat(%q): %v, want %s", c.Text, err, *c.Float)
		case string(AppendFloat(nil, f)) != *c.Float:
			t.Errorf("ParseFloat(%q) = %v, want %s", c.Text, f, *c.Float)
		}
		i, err := ParseInt([]byte(c.Text))
		checkInt(t, c.Text, c.Int, i, err)
	}
}

// checkInt compares the result of ParseInt(text) with the decimal text of Python's int, nil if
// Python refuses.
func checkInt(t *testing.T, text string, want *string, got int64, err error) {
	t.Helper()
	if want == nil {
		if err != strconv.ErrSyntax {
			t.Errorf("ParseInt(%q) = %d, %v, want ErrSyntax", text, got, err)
		}
		return
	}
	wantInt, numErr := strconv.ParseInt(*want, 10, 64)
	if got != wantInt || (err == strconv.ErrRange) != (numErr != nil) || err != nil && err != strconv.ErrRange {
		t.Errorf("ParseInt(%q) = %d, %v, want %d of %s", text, got, err, wantInt, *want)
	}
}

func TestReprAsPython(t *testing.T) {
	g := readGolden(t)
	for _, c := range g.Reprs {
		if got := Repr(c.S); got != c.Repr {
			t.Errorf("Repr(%q) = %s, want %s", c.S, got, c.Repr)
		}
	}
	if got := ReprList(g.List.Items); got != g.List.Repr {
		t.Errorf("ReprList = %s, want %s", got, g.List.Repr)
	}
	if got := ReprList(nil); got != "[]" {
		t.Errorf("ReprList(nil) = %s, want []", got)
	}
	if got, want := Repr("a\x80\xff\uFFFD"), `'a\udc80\udcff`+"\uFFFD'"; got != want {
		t.Errorf("Repr of invalid UTF-8 = %s, want %s", got, want)
	}
}

func TestResolveAsPyYAML(t *testing.T) {
	names := map[string]Kind{
		"null": KindNull, "bool": KindBool, "int": KindInt, "float": KindFloat, "timestamp": KindTimestamp, "str": KindString,
		"value": KindDefault, "merge": KindMerge,
		"yaml": KindString, // "!" and the like, which cannot be plain
	}
	for _, c := range readGolden(t).Kinds {
		if got, want := Resolve(c.Text), names[c.Kind]; got != want {
			t.Errorf("Resolve(%q) = %d, want %d (%s)", c.Text, got, want, c.Kind)
		}
	}
}

func TestPlainKeepsItsText(t *testing.T) {
	for _, c := range readGolden(t).Kinds {
		want := "k: " + c.Text + "\n"
		switch c.Kind {
		case "null":
			want = "k: null\n"
		case "str", "merge", "value", "yaml":
			want = document(t, Field{"k", String(c.Text)})
		}
		if got := document(t, Field{"k", Plain(c.Text)}); got != want {
			t.Errorf("Plain(%q) is written as %q, want %q", c.Text, got, want)
		}
	}
}

func TestParseFloatReturnsOneNaN(t *testing.T) {
	want := math.Float64bits(math.NaN())
	for _, text := range []string{"nan", "-nan", "+NaN"} {
		if f, err := ParseFloat(text); err != nil || math.Float64bits(f) != want {
			t.Errorf("ParseFloat(%q) = %x, %v, want %x", text, math.Float64bits(f), err, want)
		}
	}
}

func TestUnwritable(t *testing.T) {
	for name, fields := range map[string][]Field{
		"value":       {{"k", String("a\xff")}},
		"key":         {{"\xc3", Null()}},
		"surrogate":   {{"k", String("\xed\xa0\x80")}},
		"nested":      {{"k", Mapping([]Field{{"l", Sequence([]Value{String("\x80")})}})}},
		"same key":    {{"a", Null()}, {"b", Null()}, {"a", Int(1)}},
		"same nested": {{"k", Sequence([]Value{Mapping([]Field{{"a", Null()}, {"a", Null()}})})}},
	} {
		dst := []byte("before")
		out, err := AppendDocument(dst, fields)
		if !bytes.Equal(out, dst) || !errors.Is(err, ErrUnwritable) {
			t.Errorf("%s: got %q, %v, want what was there and ErrUnwritable", name, out, err)
		}
	}
}
