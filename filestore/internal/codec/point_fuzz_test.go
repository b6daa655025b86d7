package codec

import (
	"fmt"
	"testing"
)

// FuzzPoint holds the one look at a usual line to the reading of all that Python takes.
func FuzzPoint(f *testing.F) {
	for _, line := range []string{"1600000000000 0.5 3", "0 nan 0", "1 1e400 2", "1 -0.0 2", "1  2 3", "1 2 3 ", " 1 2 3", "1 2", "1 2 3 d g", "1_0 2 3", "999999999999999999 1 1",
		"1000000000000000000 1 1", "99999999999999999999 1 1", "1 2 3 4", "+1 2 3", "1 2 -3", "1 0x1 2", "1 .5 2", "1 \u0663 2", "", "1 2 3\r"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var got Point
		if !got.ReadPlain(line) {
			return
		}
		want, err := AnyPoint(line)
		if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("readPlain(%q) = %+v, anyPoint %+v, %v", line, got, want, err)
		}
	})
}
