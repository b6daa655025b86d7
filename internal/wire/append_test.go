package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/mlruns/mlruns"
)

// encoded is what encoding/json prints.
func encoded(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// filled gives every field of a shape a value of its own, and every list two elements.
func filled(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem(), text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Field(i).Kind() != reflect.Interface {
				filled(v.Field(i), text+v.Type().Field(i).Name)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		filled(v.Index(0), text+"0")
		filled(v.Index(1), text+"1")
	case reflect.String:
		v.SetString(text)
	case reflect.Int64, reflect.Int:
		v.SetInt(int64(len(text)))
	case reflect.Float64:
		v.SetFloat(1 / float64(len(text)))
	case reflect.Bool:
		v.SetBool(true)
	}
}

// TestAppendIsEncode has each shape printed with all of its fields, and with none: what is printed
// by hand is what the shape says.
func TestAppendIsEncode(t *testing.T) {
	for _, text := range []string{"plain ", "<é\"\\\n\x7f\u2028\xff>"} {
		var full RunAnswer
		filled(reflect.ValueOf(&full).Elem(), text)
		point := full.Run.Data.Metrics[0]
		if got := string(full.AppendJSON(nil)); got != encoded(t, full) {
			t.Errorf("printed as\n%s, want\n%s", got, encoded(t, full))
		}
		if got := string(point.AppendJSON(nil)); got != encoded(t, point) {
			t.Errorf("printed as\n%s, want\n%s", got, encoded(t, point))
		}
	}
	none := NewRunAnswer(&mlruns.Run{})
	if got := string(none.AppendJSON([]byte("x"))); got != "x"+encoded(t, none) {
		t.Errorf("printed as\n%s, want\nx%s", got, encoded(t, none))
	}
}

// FuzzAppend compares numbers and texts with encoding/json.
func FuzzAppend(f *testing.F) {
	for _, v := range []float64{0, 1, -1.5, 1e-6, 9.99e-7, 1e-9, 1.5e-10, 1e20, 1e21, -1e300, 5e-324, math.MaxFloat64, 0.1, 123456789} {
		f.Add(math.Float64bits(v), "a<é\n")
	}
	f.Fuzz(func(t *testing.T, bits uint64, text string) {
		if got := string(appendText(nil, text)); got != encoded(t, text) {
			t.Errorf("%q is printed as %s", text, got)
		}
		v := math.Float64frombits(bits)
		if math.IsNaN(v) || math.IsInf(v, 0) || v == 0 {
			return
		}
		if got := string(Number(v).append(nil)); got != encoded(t, v) {
			t.Errorf("%v is printed as %s", v, got)
		}
	})
}
